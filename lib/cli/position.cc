#include "cli/position.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/trimmed.h"

namespace mq::cli {
namespace {

constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();

/// The same error, seen from a text in which the part begins at `start`.
std::unexpected<ValueError> shifted(ValueError error, std::size_t start) {
  error.at += start;
  return std::unexpected(std::move(error));
}

Parsed<Position> counted(Position::Kind kind, std::string_view text, std::size_t prefix) {
  const auto number = parse_number(text.substr(prefix), 0, kMax);
  if (!number) return shifted(number.error(), prefix);
  return Position{kind, *number};
}

/// `..` that separates, not the one inside `start..` of nothing; none when there is no range.
std::size_t dots_of(std::string_view text) { return text.find(".."); }

/// The part of `text` from `at` to `end` without the blanks round it; `at` moves behind those before it.
std::string_view part_between(std::string_view text, std::size_t& at, std::size_t end) {
  const std::string_view part = trimmed(text.substr(at, end - at));
  at = static_cast<std::size_t>(part.data() - text.data());
  return part;
}

/// kcat: s@MS reads from a time, e@MS up to it.
std::optional<Parsed<PositionRange>> kcat_range(std::string_view text) {
  if (!text.starts_with("s@") && !text.starts_with("e@")) return std::nullopt;
  const auto time = counted(Position::Kind::time, text, 2);
  if (!time)
    return bad_value(2, text.size() - 2, "s@ and e@ take milliseconds since 1970; other times are written @TIME");
  PositionRange range;
  (text[0] == 's' ? range.first : range.last) = *time;
  return range;
}

}  // namespace

Parsed<Position> parse_position(std::string_view text, const TimeContext& now) {
  using Kind = Position::Kind;
  if (text == "start" || text == "beginning") return Position{Kind::start, 0};
  if (text == "end") return Position{Kind::end, 0};
  if (text == "committed" || text == "stored") return Position{Kind::committed, 0};
  if (text.starts_with("start+")) return counted(Kind::start, text, 6);
  if (text.starts_with("end-")) return counted(Kind::end, text, 4);
  if (text.starts_with('-')) {
    if (parse_time(text, now)) return bad_value(0, text.size(), "a time is written with @, as @{}", text);
    return counted(Kind::end, text, 1);
  }
  if (text.starts_with('@')) {
    const auto time = parse_time(text.substr(1), now);
    if (!time) return shifted(time.error(), 1);
    return Position{Kind::time, *time};
  }
  if (!text.empty() && text[0] >= '0' && text[0] <= '9') return counted(Kind::offset, text, 0);
  return bad_value(0, text.size(), "not a position; write start, end, committed, N, start+N, end-N or @TIME");
}

Parsed<PositionRange> parse_range(std::string_view text, const TimeContext& now) {
  if (auto kcat = kcat_range(text)) return *kcat;
  PositionRange range;
  const std::size_t dots = dots_of(text);
  const std::string_view left = text.substr(0, dots);
  const std::string_view right = dots == std::string_view::npos ? std::string_view{} : text.substr(dots + 2);
  if (left.empty() && right.empty())
    return bad_value(0, text.size(), "not a range; write POS, POS.., ..POS or POS..POS");
  if (!left.empty()) {
    const auto first = parse_position(left, now);
    if (!first) return std::unexpected(first.error());
    range.first = *first;
  }
  if (!right.empty()) {
    const auto last = parse_position(right, now);
    if (!last) return shifted(last.error(), dots + 2);
    range.last = *last;
  }
  if (is_reversed(range))
    return bad_value(0, text.size(), "the range ends before it begins; {}..{} is meant?", right, left);
  return range;
}

bool is_reversed(const PositionRange& range) {
  if (!range.first || !range.last || range.first->kind != range.last->kind) return false;
  const bool counts_back = range.first->kind == Position::Kind::end;
  return counts_back ? range.first->value < range.last->value : range.first->value > range.last->value;
}

bool names_committed(const PositionRange& range) {
  const auto is_committed = [](const std::optional<Position>& position) {
    return position && position->kind == Position::Kind::committed;
  };
  return is_committed(range.first) || is_committed(range.last);
}

Offset resolve(const Position& position, const Extent& log) {
  const OffsetDelta within{std::min(position.value, (log.end - log.start).value())};
  switch (position.kind) {
    case Position::Kind::start:
      return log.start + within;
    case Position::Kind::end:
      return log.end - within;
    case Position::Kind::committed:
      return log.committed.value_or(log.start);
    case Position::Kind::offset:
      return Offset{position.value};
    case Position::Kind::time:
      return log.at_time.value_or(log.end);
  }
  std::unreachable();
}

Parsed<std::vector<std::int32_t>> parse_partitions(std::string_view text) {
  constexpr std::size_t kCountMax = 100'000;
  std::vector<std::int32_t> partitions;
  for (std::size_t at = 0;;) {
    const std::size_t comma = std::min(text.find(',', at), text.size());
    const std::string_view part = part_between(text, at, comma);
    const std::size_t dash = part.find('-');
    const auto first = parse_number(part.substr(0, dash), 0, std::numeric_limits<std::int32_t>::max());
    if (!first) return shifted(first.error(), at);
    std::int64_t last = *first;
    if (dash != std::string_view::npos) {
      const auto end = parse_number(part.substr(dash + 1), *first, std::numeric_limits<std::int32_t>::max());
      if (!end) return shifted(end.error(), at + dash + 1);
      last = *end;
    }
    if (static_cast<std::size_t>(last - *first) >= kCountMax - partitions.size()) {
      return bad_value(at, part.size(), "more than {} partitions", kCountMax);
    }
    for (std::int64_t p = *first; p <= last; ++p) partitions.push_back(static_cast<std::int32_t>(p));
    if (comma == text.size()) break;
    at = comma + 1;
  }
  std::ranges::sort(partitions);
  partitions.erase(std::ranges::unique(partitions).begin(), partitions.end());
  return partitions;
}

Parsed<std::vector<PartitionRange>> parse_position_list(std::string_view text, const TimeContext& now) {
  std::vector<PartitionRange> list;
  std::size_t equals = 0;  // where partitions end, if they do with a `=`
  for (std::size_t at = 0;;) {
    // A comma ends an element only where the next one names its own range: `0,3-5=end-10..` is one element.
    std::size_t end = std::min(text.find(',', at), text.size());
    if (at >= equals) equals = std::min(text.find_first_not_of("0123456789,- ", at), text.size());
    if (equals < text.size() && text[equals] == '=') end = std::min(text.find(',', equals), text.size());
    const std::string_view element = part_between(text, at, end);

    PartitionRange parsed;
    const std::size_t split = element.find('=');
    const std::size_t range_at = split == std::string_view::npos ? 0 : split + 1;
    if (range_at > 0) {
      auto partitions = parse_partitions(element.substr(0, split));
      if (!partitions) return shifted(partitions.error(), at);
      parsed.partitions = *std::move(partitions);
    }
    const auto range = parse_range(element.substr(range_at), now);
    if (!range) return shifted(range.error(), at + range_at);
    parsed.range = *range;
    list.push_back(std::move(parsed));
    if (end == text.size()) break;
    at = end + 1;
  }
  return list;
}

std::string_view position_help() {
  return R"(POS    start | end | committed | N | start+N | end-N | @TIME
RANGE  POS | POS.. | ..POS | POS..POS          the right end is not included
LIST   [PARTITIONS=]RANGE[,...]                0=100..200,3-5=end-10..
TIME   2025-01-31 | 2025-01-31T14:00[:05][Z|+01:00] | epoch of 10, 13, 16 or 19 digits | now | today | yesterday | -15m
kcat's spellings work too: beginning, stored, -N (the last N), s@MS (from a time), e@MS (up to a time)
)";
}

}  // namespace mq::cli
