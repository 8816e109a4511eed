#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "env/async.h"
#include "model/error_code.h"
#include "model/ids.h"
#include "statelog/effects.h"

namespace mq::env {
class Logger;
class Shard;
}  // namespace mq::env
namespace mq::record {
struct RecordView;
}  // namespace mq::record

namespace mq::broker {

class Partition;

/// The log that a state machine is kept in: a partition of an internal topic that this broker leads. Knows nothing of
/// the machine but the word for what it keeps (`what`: "groups"), for the operator's log. On the partition's shard
/// only.
class StateLog {
 public:
  /// The text of `what` outlives it.
  StateLog(std::shared_ptr<Partition> partition, std::string_view what);

  /// The leader epoch that is appended in: the one that its partition had when this was made, or a later one.
  [[nodiscard]] LeaderEpoch epoch() const { return epoch_; }
  void set_epoch(LeaderEpoch epoch);
  [[nodiscard]] bool is_empty() const;

  using Replay = std::function<statelog::Replayed(BytesView key, std::optional<BytesView> value)>;
  /// Gives `replay` every record in log order: all of them, or an error and never a word of half of them. Reads and
  /// checks on the pool. Ends early with `closed` when `is_wanted` says so.
  ///
  /// corrupt, corrupt_batch: what the disk has is not what was written, and another try would read the same. Any other
  /// error may pass.
  [[nodiscard]] awaitable<Result<void>> replay(Replay replay, std::function<bool()> is_wanted);
  /// Tells the operator why a load failed; true when another try may end better.
  bool may_load_again(const Error& error);

  using Done = std::move_only_function<void(ErrorCode)>;
  /// Appends the records as one batch. `done` is called in a turn of its own: with kNone once that is committed, with
  /// an error when it never will be. NOT_LEADER_OR_FOLLOWER: the partition has another epoch by now.
  void append(std::span<const statelog::Record> records, Done done);
  /// Calls `done` in a turn of its own, behind those in which everybody heard of the appends until now.
  void after_appends(std::move_only_function<void()> done);

 private:
  /// Returns where the batches go on.
  [[nodiscard]] Result<Offset> replay_batches(const Replay& replay, BytesView bytes, Offset at);
  [[nodiscard]] Result<void> replay_record(const Replay& replay, const record::RecordView& record);
  [[nodiscard]] Result<Offset> write(std::span<const statelog::Record> records);
  [[nodiscard]] env::Shard& shard() const;
  [[nodiscard]] env::Logger& logger() const;

  std::shared_ptr<Partition> partition_;
  std::string_view what_;
  LeaderEpoch epoch_;
};

}  // namespace mq::broker
