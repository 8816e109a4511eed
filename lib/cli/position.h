#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "cli/units.h"
#include "cli/value_error.h"
#include "model/ids.h"

namespace mq::cli {

/// A place in a partition, mq-offsets(7): start | end | committed | N | start+N | end-N | @TIME.
struct Position {
  enum class Kind : std::uint8_t { start, end, committed, offset, time };
  Kind kind = Kind::start;
  std::int64_t value = 0;  ///< distance from start or end (never negative), the offset, or milliseconds since 1970
  friend bool operator==(const Position&, const Position&) = default;
};

/// [first, last): half open, the right end is not included.
struct PositionRange {
  std::optional<Position> first;  ///< none: the tool's default
  std::optional<Position> last;   ///< none: no right end (`POS..` and a single `POS`)
  friend bool operator==(const PositionRange&, const PositionRange&) = default;
};

/// One element of `[PARTITIONS=]RANGE[,...]`.
struct PartitionRange {
  std::vector<std::int32_t> partitions;  ///< sorted, each once; empty: all partitions
  PositionRange range;
  friend bool operator==(const PartitionRange&, const PartitionRange&) = default;
};

/// The range ends before it begins in every log. What depends on the log, as 5..end-1 does, is not told here.
[[nodiscard]] bool is_reversed(const PositionRange& range);

/// An end of the range is what a group has committed.
[[nodiscard]] bool names_committed(const PositionRange& range);

/// The log or file that positions are resolved in, and what was looked up there for one of them.
struct Extent {
  Offset start{0};
  Offset end{0};
  std::optional<Offset> committed;  ///< by the group
  std::optional<Offset> at_time;    ///< the first record of the position's time or later; none: there is no such record
};

/// The offset that `position` stands for: a number as it is, also outside the log; anything else from start to end.
/// What is not known stands for an end of the log: nothing committed for its start, a time that no record has for its
/// end.
[[nodiscard]] Offset resolve(const Position& position, const Extent& log);

/// Blanks round the elements of a list do not count. A range that is reversed is an error. `now` says what `now`,
/// `-15m` and a time without a zone mean. kcat's spellings are accepted: beginning, stored, -N (N before the end), s@MS
/// (from) and e@MS (up to).
[[nodiscard]] Parsed<Position> parse_position(std::string_view text, const TimeContext& now);
[[nodiscard]] Parsed<PositionRange> parse_range(std::string_view text, const TimeContext& now);
[[nodiscard]] Parsed<std::vector<PartitionRange>> parse_position_list(std::string_view text, const TimeContext& now);

/// `0,3-5`: at most 100,000 numbers, sorted, each once.
[[nodiscard]] Parsed<std::vector<std::int32_t>> parse_partitions(std::string_view text);

/// What `-o help` prints.
[[nodiscard]] std::string_view position_help();

}  // namespace mq::cli
