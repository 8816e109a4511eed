#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "judge/names.h"
#include "model/flush_class.h"

namespace mq::judge {

/// Nanoseconds on the one monotonic clock of a run.
using Time = std::int64_t;
inline constexpr Time kBeginning = std::numeric_limits<Time>::min();
inline constexpr Time kNever = std::numeric_limits<Time>::max();

inline constexpr std::int64_t kNoOffset = -1;
inline constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();  ///< no operation, no log, no line
inline constexpr std::size_t kTextBytesMax = 1024;                                 ///< of a name, a key, an error

/// What an operation asked for: the `f` of docs/histories.md.
enum class Action : std::uint8_t {
  send,
  poll,
  txn,
  assign,
  subscribe,
  reset,
  commit,
  committed,
  join,
  sync,
  heartbeat,
  leave,
  list_offsets,
  delete_records,
  delete_topic,
  create_topic,
  delete_group,
  crash,
  other,  ///< known and of no meaning to a judge, such as `init_pid`
};
[[nodiscard]] const char* to_string(Action action);

enum class Outcome : std::uint8_t {
  ok,
  fail,  ///< the protocol says that nothing happened
  info,  ///< it may have happened; also an operation that was never answered
};

enum class Isolation : std::uint8_t { read_uncommitted, read_committed };

/// A record that somebody asked a broker to append.
struct Send {
  std::int64_t value = 0;
  std::int64_t offset = kNoOffset;  ///< where an acknowledgement said that it is
  Name key = 0;                     ///< the topic and partition
  Name message_key = 0;
  std::uint32_t operation = 0;
  bool is_tombstone = false;
  bool is_transactional = false;
  bool is_acknowledged = false;  ///< an answer said that it was appended; with acks=0 nobody does
};

/// A record that somebody was given.
struct Read {
  std::int64_t value = 0;
  std::int64_t offset = 0;
  Name key = 0;       ///< where it was read
  Name body_key = 0;  ///< where its body says that it was sent to; none: it does not say
  Name message_key = 0;
  Name damage = 0;  ///< what is wrong with its body; none: nothing
  std::uint32_t operation = 0;
  bool has_value = true;  ///< false: its value could not be made out
};

/// A number that an operation says of a partition.
struct Point {
  enum class Kind : std::uint8_t {
    high_watermark,
    leader_epoch,
    rebalanced,     ///< given or taken since the last poll; no number
    position,       ///< where a reader was asked to begin; `kNoOffset`: nobody knows
    reset_from,     ///< the position of a reader before it was thrown back
    group_offset,   ///< asked to commit, or found; `kNoOffset`: none
    earliest,       ///< the log's first offset
    latest,         ///< its end
    owned,          ///< given to a member of a group; no number
    delete_before,  ///< records to delete: all below; `kNoOffset`: all that there are
    low_watermark,  ///< the log's first offset after that
    polled,         ///< a poll speaks of this partition, with or without records; no number
  };
  std::int64_t number = 0;
  Name key = 0;
  Kind kind = Kind::polled;
};

/// A range of one of the arrays of `History`.
struct Range {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
};

/// A line of a file.
struct Line {
  std::uint32_t file = kNone;
  std::uint32_t number = kNone;  ///< from 1
};

struct Operation {
  Time invoked = 0;
  Time completed = kNever;  ///< of `info` too when an answer came; what it did may still happen later
  std::int64_t process = 0;
  Name client = 0;
  Name group = 0;
  Name member = 0;
  Name topic = 0;
  Name error = 0;
  std::int32_t generation = -1;
  Range sends;
  Range reads;
  Range wanted;  ///< points of the invocation
  Range told;    ///< points of the completion
  Line invoked_at;
  Line completed_at;
  Action action = Action::other;
  Outcome outcome = Outcome::info;
  Isolation isolation = Isolation::read_uncommitted;
  std::int8_t acks = -1;
  bool is_idempotent = false;
  bool is_from_follower = false;  ///< a poll that a broker answered that does not lead

  /// When its effect is over: an `info` may take effect at any time.
  [[nodiscard]] Time settled() const { return outcome == Outcome::ok ? completed : kNever; }
};

/// Something that was done to the brokers, the network or the disks.
struct Fault {
  Time at = 0;
  Name kind = 0;
  std::int64_t node = -1;
  bool is_quiet = false;  ///< need not disturb any operation
  Line line;
};

/// From here on the run is in this phase.
struct Phase {
  enum class Name : std::uint8_t { warmup, faults, heal, liveness, final, done };
  Time at = 0;
  Name name = Name::warmup;
};
[[nodiscard]] const char* to_string(Phase::Name name);

/// How the run was configured: its first line.
struct Run {
  std::int8_t acks = -1;
  bool is_idempotent = false;
  FlushClass flush = FlushClass::ack;
  FlushClass offsets_flush = FlushClass::ack;  ///< of the committed offsets of groups
  std::int32_t min_isr = 1;
  bool has_retention = false;  ///< records may go by age or size
  bool is_positive_control = false;
  Time stuck_after = 30'000'000'000;
  Time lag_max = kNever;
  std::vector<Name> compacted;  ///< topics
  friend bool operator==(const Run&, const Run&) = default;
};

/// What the clients of a run did and were told, in an order that does not depend on the order of the files:
/// operations by the time of their invocation, then by process. Written by `HistoryReader`, read by judges.
struct History {
  Names names;
  std::vector<std::string> files;
  Run run;
  std::vector<Operation> operations;
  std::vector<Send> sends;
  std::vector<Read> reads;
  std::vector<Point> points;
  std::vector<Fault> faults;
  std::vector<Phase> phases;
  boost::unordered_flat_map<std::int64_t, std::uint32_t> send_of_value;
  Time first = 0;  ///< time of the first line
  Time last = 0;
  std::size_t lines = 0;
  std::size_t unknown_actions = 0;  ///< operations with an `f` that this judge does not know
  std::size_t trace_lines = 0;      ///< of the brokers themselves, not judged
  std::size_t torn_lines = 0;       ///< last lines that a killed client left unfinished

  [[nodiscard]] std::string_view text(Name name) const { return names.text_of(name); }
  [[nodiscard]] std::span<const Send> sends_of(const Operation& op) const { return part(sends, op.sends); }
  [[nodiscard]] std::span<const Read> reads_of(const Operation& op) const { return part(reads, op.reads); }
  [[nodiscard]] std::span<const Point> wanted_by(const Operation& op) const { return part(points, op.wanted); }
  [[nodiscard]] std::span<const Point> told_to(const Operation& op) const { return part(points, op.told); }
  /// When the phase began, by its first mark; `kNever` without one.
  [[nodiscard]] Time begin_of(Phase::Name phase) const;
  [[nodiscard]] std::uint32_t number_of(const Operation& op) const {
    return static_cast<std::uint32_t>(&op - operations.data());
  }

 private:
  template <class T>
  static std::span<const T> part(const std::vector<T>& all, Range range) {
    return std::span(all).subspan(range.begin, range.end - range.begin);
  }
};

}  // namespace mq::judge
