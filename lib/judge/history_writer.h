#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "judge/history.h"

namespace mq::judge {

/// A partition of a topic; in histories TOPIC-PARTITION.
struct PartitionName {
  std::string_view topic;
  std::int32_t number = 0;
};

/// A record that is sent, and in an answer where it is.
struct SentRecord {
  PartitionName partition;
  std::int64_t value = 0;
  std::int64_t offset = kNoOffset;           ///< of an answer; none: the client was not told
  std::optional<std::string_view> key = {};  ///< of an invocation
  bool is_tombstone = false;                 ///< of an invocation
};

/// A record that a poll gave.
struct PolledRecord {
  std::int64_t offset = 0;
  std::optional<std::int64_t> value = {};  ///< none: it could not be made out, and `damage` says why
  std::int32_t leader_epoch = -1;          ///< none: the client was not told
  std::optional<std::string_view> key = {};
  std::optional<PartitionName> sent_to = {};  ///< what the record's body names
  std::string_view damage = {};               ///< what is wrong with the body
};

/// What a poll gave of one partition that it asked for, if only that there was nothing.
struct PolledPartition {
  PartitionName partition;
  std::span<const PolledRecord> records = {};
  std::int64_t high_watermark = kNoOffset;  ///< none: the client was not told
  std::int32_t leader_epoch = -1;           ///< none: the client was not told
  bool is_rebalanced = false;               ///< given or taken since the last poll
};

/// Where a reader begins.
struct StartingPoint {
  enum class At : std::uint8_t { offset, beginning, end, unknown };
  PartitionName partition;
  At at = At::unknown;
  std::int64_t offset = kNoOffset;
};

/// What is asked or told of a partition; `kNoOffset` is none, and for records to delete all.
struct PartitionOffset {
  PartitionName partition;
  std::int64_t offset = kNoOffset;
};

/// The ends of a log; `kNoOffset` where they were not asked for.
struct LogEnds {
  PartitionName partition;
  std::int64_t begin = kNoOffset;
  std::int64_t end = kNoOffset;
};

/// Who asks, where a group is spoken of. What is empty or -1 is left out.
struct GroupMember {
  std::string_view group = {};
  std::string_view member = {};
  std::int32_t generation = -1;
};

/// Where a send is not as the `run` line says.
struct SendSettings {
  std::optional<std::int8_t> acks = {};
  std::optional<bool> is_idempotent = {};
};

/// What came of an operation, but for its contents. `fail` is only what the protocol says did not happen and never
/// will; anything else that went wrong is `info`.
struct Told {
  Outcome outcome = Outcome::ok;
  std::string_view error = {};  ///< empty where all is well
};

/// Writes the lines of one client process, and what is done to the run, as docs/histories.md has them.
///
/// Every call makes one line and gives it to the sink, whole and with its newline, before it returns. A client whose
/// sink hands lines to the operating system calls what begins with `ask` before its request leaves. No memory is
/// allocated once the longest line was written. Times are nanoseconds on the run's one clock and must not fall from
/// call to call. Texts may hold any bytes: a byte that is no UTF-8 becomes a character of its own from U+F780 on, as
/// JSON has no place for it, and what is behind 1,024 bytes is cut. Not thread-safe.
class HistoryWriter {
 public:
  using Sink = std::function<void(std::string_view line)>;
  /// What an answer answers. Views only names that are always there.
  struct Asked {
    std::string_view action;
    std::int64_t number = 0;
  };

  /// `process` is 0 or more and no other's in the run. Whoever writes only of the run has none.
  HistoryWriter(Sink sink, std::int64_t process, std::string_view client);
  explicit HistoryWriter(Sink sink) : HistoryWriter(std::move(sink), kNoProcess, {}) {}

  /// A value that no other record of the run has. The process has to be below 2^22.
  [[nodiscard]] std::int64_t new_value();

  // The run. `run.compacted` is not looked at: its names are of another history.
  void run(const Run& run, std::span<const std::string_view> compacted = {});
  void phase(Time at, Phase::Name name);
  void fault(Time at, std::string_view name, std::optional<std::int64_t> node = {}, bool is_quiet = false);

  // What is asked for.
  [[nodiscard]] Asked ask_send(Time at, std::span<const SentRecord> records, const SendSettings& settings = {});
  [[nodiscard]] Asked ask_poll(Time at, const GroupMember& who = {});
  /// Sends, a poll and offsets of `who.group` in one transaction.
  [[nodiscard]] Asked ask_transaction(Time at, std::span<const SentRecord> records, bool polls = false,
                                      std::span<const PartitionOffset> offsets = {}, const GroupMember& who = {});
  [[nodiscard]] Asked ask_assign(Time at, std::span<const StartingPoint> points);
  [[nodiscard]] Asked ask_subscribe(Time at, std::string_view group, std::span<const std::string_view> topics);
  [[nodiscard]] Asked ask_commit(Time at, const GroupMember& who, std::span<const PartitionOffset> offsets);
  [[nodiscard]] Asked ask_committed(Time at, std::string_view group);
  [[nodiscard]] Asked ask_join(Time at, const GroupMember& who);
  [[nodiscard]] Asked ask_sync(Time at, const GroupMember& who);
  [[nodiscard]] Asked ask_heartbeat(Time at, const GroupMember& who);
  [[nodiscard]] Asked ask_leave(Time at, const GroupMember& who);
  [[nodiscard]] Asked ask_list_offsets(Time at);
  [[nodiscard]] Asked ask_delete_records(Time at, std::span<const PartitionOffset> before);
  [[nodiscard]] Asked ask_create_topic(Time at, std::string_view topic);
  [[nodiscard]] Asked ask_delete_topic(Time at, std::string_view topic);
  [[nodiscard]] Asked ask_delete_group(Time at, std::string_view group);
  [[nodiscard]] Asked ask_init_pid(Time at);
  [[nodiscard]] Asked ask_admin(Time at, std::string_view what);

  // What came of it. The first is of all that has nothing more to say, and of all that failed.
  void answer(Time at, Asked asked, const Told& told = {});
  /// The same records in the same order with their offsets. Of an `info` too: what has an offset there is acknowledged.
  void answer_send(Time at, Asked asked, std::span<const SentRecord> records, const Told& told = {});
  /// `isolation` is written where it is not what is meant without it. `from_follower`: the broker does not lead.
  void answer_poll(Time at, Asked asked, std::span<const PolledPartition> partitions,
                   Isolation isolation = Isolation::read_uncommitted, bool from_follower = false);
  void answer_transaction(Time at, Asked asked, std::span<const SentRecord> records,
                          std::span<const PolledPartition> partitions = {}, const Told& told = {});
  void answer_committed(Time at, Asked asked, std::span<const PartitionOffset> offsets);
  void answer_join(Time at, Asked asked, std::string_view member, std::int32_t generation);
  void answer_sync(Time at, Asked asked, std::span<const PartitionName> owned);
  void answer_list_offsets(Time at, Asked asked, std::span<const LogEnds> ends,
                           Isolation isolation = Isolation::read_uncommitted);
  void answer_delete_records(Time at, Asked asked, std::span<const PartitionOffset> low_watermarks);

  // What a client says of itself.
  /// The process is over; what it had open stays in doubt.
  void crash(Time at);
  /// The reader was at `from`, and something made it begin at `to`.
  void reset(Time at, PartitionName partition, std::int64_t from, std::int64_t to, std::string_view error);

 private:
  static constexpr std::int64_t kNoProcess = -1;

  // Parts of a line, appended to `line_`.
  void begin(Time at, std::string_view type, std::string_view action);
  Asked invoke(Time at, std::string_view action, const GroupMember& who = {});
  void begin_answer(Time at, Asked asked, const Told& told);
  void finish();
  void raw(std::string_view text) { line_ += text; }
  void number(std::int64_t value);
  void offset(std::int64_t value);
  void member_number(std::string_view name, std::int64_t value);
  void member_text(std::string_view name, std::string_view value);
  void quoted(std::string_view text);
  void escaped(std::string_view text);
  void quoted(PartitionName partition);
  void membership(const GroupMember& who);
  void isolation(Isolation isolation);
  void sends(std::span<const SentRecord> records);
  void sent(std::span<const SentRecord> records);
  void polled(std::span<const PolledPartition> partitions);
  void record(const PolledRecord& record);
  void beside_polled(std::span<const PolledPartition> partitions);
  void by_partition(std::span<const PartitionOffset> all);
  template <class Range, class Write>
  void list(const Range& all, const Write& write);

  Sink sink_;
  std::int64_t process_;
  std::string client_;  ///< as a string of JSON
  std::int64_t lines_ = 0;
  std::int64_t values_ = 0;
  std::string line_;
};

}  // namespace mq::judge
