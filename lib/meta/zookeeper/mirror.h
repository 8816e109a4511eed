#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "env/async.h"
#include "env/logger.h"
#include "env/shard.h"
#include "meta/zookeeper/change_plan.h"
#include "meta/zookeeper/connection.h"
#include "meta/zookeeper/copy.h"
#include "meta/zookeeper/node_data.h"
#include "meta/zookeeper/node_names.h"

namespace mq::meta {

/// Keeps a copy of the store like what is in ZooKeeper. One call at a time; all on the shard of the connection.
class Mirror {
 public:
  /// The references must outlive it.
  Mirror(env::Shard& home, Connection& connection, const NodeNames& names, env::Logger& logger)
      : home_(home), connection_(connection), names_(names), logger_(logger) {}

  /// Makes the copy as new as the store at some moment of this call, and watches `head` from there on. unreachable:
  /// no answer by `deadline`, or by seconds after the last one of many; the copy is as it was. corrupt, refused: see
  /// `open_zookeeper_store`.
  awaitable<Result<void>> refresh(Instant deadline);

  [[nodiscard]] bool has_copy() const { return copy_.has_value(); }
  /// Only while `has_copy`.
  [[nodiscard]] const Copy& copy() const { return *copy_; }
  /// Of the moment of the copy.
  [[nodiscard]] const HeadAt& head() const { return head_; }

  /// `entry` was made, and `head` is so now.
  void follow(LogEntry entry, const Head& head);
  /// The revision that was known when it was seen that the store was put back to an earlier moment, told once.
  [[nodiscard]] std::optional<Revision> take_went_back() { return std::exchange(went_back_, std::nullopt); }

 private:
  /// Steps of `refresh`. False: begin again.
  awaitable<Result<bool>> refresh_once(Instant deadline);
  awaitable<Result<bool>> check_copy(const HeadAt& now, Instant deadline);
  awaitable<Result<bool>> catch_up(const HeadAt& now, Instant deadline);
  awaitable<Result<bool>> load(const HeadAt& before, Instant deadline);

  awaitable<Result<HeadAt>> read_head(Instant deadline);
  awaitable<Result<std::vector<std::string>>> read_key_names(Instant deadline);
  awaitable<Result<std::vector<StoredKey>>> read_keys(std::vector<std::string> keys, Instant deadline);
  /// Those after `after`, up to `up_to`; nothing for one that is not there or cannot be read.
  awaitable<Result<std::vector<std::optional<LogEntry>>>> read_entries(Revision after, Revision up_to,
                                                                       Instant deadline);
  std::optional<LogEntry> entry_in(Revision revision, const Answer& answer);

  env::Shard& home_;
  Connection& connection_;
  const NodeNames& names_;
  env::Logger& logger_;
  std::optional<Copy> copy_;
  HeadAt head_;
  std::uint64_t checked_session_ = 0;  ///< of the connection: the copy is of the store that this one sees
  std::optional<Revision> went_back_;
};

}  // namespace mq::meta
