#include "cli/units.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <limits>
#include <optional>
#include <span>

#include "cli/local_time.h"

namespace mq::cli {
namespace {

__extension__ using Wide = unsigned __int128;

struct UnitRow {
  std::string_view name;
  std::uint64_t factor;
};

constexpr UnitRow kDurationUnits[] = {{"ns", 1},
                                      {"us", 1'000},
                                      {"ms", 1'000'000},
                                      {"s", 1'000'000'000},
                                      {"m", 60'000'000'000},
                                      {"h", 3'600'000'000'000},
                                      {"d", 86'400'000'000'000}};
constexpr UnitRow kSizeUnits[] = {{"", 1},
                                  {"K", 1ull << 10},
                                  {"M", 1ull << 20},
                                  {"G", 1ull << 30},
                                  {"T", 1ull << 40},
                                  {"KiB", 1ull << 10},
                                  {"MiB", 1ull << 20},
                                  {"GiB", 1ull << 30},
                                  {"TiB", 1ull << 40},
                                  {"B", 1},
                                  {"kB", 1'000},
                                  {"MB", 1'000'000},
                                  {"GB", 1'000'000'000},
                                  {"TB", 1'000'000'000'000}};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string names_of(std::span<const UnitRow> units) {
  std::string names;
  for (const UnitRow& unit : units) {
    if (unit.name.empty()) continue;
    if (!names.empty()) names += ' ';
    names += unit.name;
  }
  return names;
}

/// A decimal number and one of the units. The product is exact for whole numbers; a fraction is rounded down.
Parsed<std::uint64_t> scaled(std::string_view text, std::span<const UnitRow> units, std::uint64_t max) {
  const std::size_t whole_end = std::min(text.find_first_not_of("0123456789"), text.size());
  if (whole_end == 0) return bad_value(0, text.size(), "not a number");
  std::size_t end = whole_end;
  std::string_view fraction;
  if (end < text.size() && text[end] == '.') {
    end = std::min(text.find_first_not_of("0123456789", whole_end + 1), text.size());
    fraction = text.substr(whole_end + 1, end - whole_end - 1);
    if (fraction.empty() || fraction.size() > 9) return bad_value(whole_end, end - whole_end, "not a decimal fraction");
  }
  const std::string_view unit_name = text.substr(end);
  const auto unit = std::ranges::find(units, unit_name, &UnitRow::name);
  if (unit == units.end()) {
    if (unit_name.empty()) return bad_value(end, 0, "the unit is missing; use one of {}", names_of(units));
    return bad_value(end, unit_name.size(), "no such unit; use one of {}", names_of(units));
  }

  std::uint64_t whole = 0;
  const auto [rest, failure] = std::from_chars(text.data(), text.data() + whole_end, whole);
  if (failure != std::errc{} || whole > max / unit->factor) return bad_value(0, text.size(), "too large");
  // At most nine digits times a day in nanoseconds: 128 bits hold it.
  Wide numerator = 0;
  Wide denominator = 1;
  for (const char c : fraction) {
    numerator = numerator * 10 + static_cast<unsigned>(c - '0');
    denominator *= 10;
  }
  const auto part = static_cast<std::uint64_t>(numerator * unit->factor / denominator);
  const std::uint64_t product = whole * unit->factor;
  if (part > max - product) return bad_value(0, text.size(), "too large");
  return product + part;
}

/// Reads `width` digits at `at`; none when they are not there.
std::optional<int> digits(std::string_view text, std::size_t at, std::size_t width) {
  if (at + width > text.size()) return std::nullopt;
  int value = 0;
  for (const char c : text.substr(at, width)) {
    if (!is_digit(c)) return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value;
}

/// The moment of a time in the context's zone.
Result<WallMillis> moment_of(LocalMillis local, const TimeContext& context) {
  MQ_TRY(const UtcMillis moment, first_moment_of(local, context.zone));
  return moment.time_since_epoch().count();
}

/// When the day of now began, or the one that is `days` before it in the calendar.
Result<WallMillis> midnight(int days, const TimeContext& context) {
  MQ_TRY(const LocalMillis shown, local_time_at(UtcMillis{std::chrono::milliseconds{context.now}}, context.zone));
  return moment_of(std::chrono::floor<std::chrono::days>(shown) - std::chrono::days{days}, context);
}

/// `text` cannot be read because nobody knows the zone.
Parsed<WallMillis> in_known_zone(std::string_view text, const Result<WallMillis>& moment) {
  if (moment) return *moment;
  return bad_value(0, text.size(), "{}; else write a time with Z or +HH:MM", moment.error().message);
}

Parsed<WallMillis> epoch_time(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc{} || end != text.data() + text.size()) return bad_value(0, text.size(), "too large");
  switch (text.size()) {
    case 10:
      return value * 1000;
    case 13:
      return value;
    case 16:
      return value / 1000;
    case 19:
      return value / 1'000'000;
    default:
      return bad_value(0, text.size(), "an epoch has 10, 13, 16 or 19 digits (s, ms, us, ns); this has {}",
                       text.size());
  }
}

/// Reads what follows the date: `14:00`, `14:00:05`, `14:00:05.25`. Leaves `at` behind it.
Parsed<std::chrono::milliseconds> clock_time(std::string_view text, std::size_t& at) {
  const auto hours = digits(text, at, 2);
  const auto minutes = digits(text, at + 3, 2);
  if (!hours || !minutes || text[at + 2] != ':')
    return bad_value(at, text.size() - at, "not a time; write HH:MM or HH:MM:SS");
  if (*hours > 23) return bad_value(at, 2, "no such hour");
  if (*minutes > 59) return bad_value(at + 3, 2, "no such minute");
  at += 5;
  std::chrono::milliseconds time = std::chrono::hours{*hours} + std::chrono::minutes{*minutes};
  if (at >= text.size() || text[at] != ':') return time;

  const auto seconds = digits(text, at + 1, 2);
  if (!seconds || *seconds > 59)
    return bad_value(at + 1, std::min<std::size_t>(2, text.size() - at - 1), "no such second");
  at += 3;
  time += std::chrono::seconds{*seconds};
  if (at >= text.size() || text[at] != '.') return time;

  const std::size_t first = ++at;
  int scale = 100;
  for (; at < text.size() && is_digit(text[at]); ++at) {
    time += std::chrono::milliseconds{(text[at] - '0') * scale};
    scale /= 10;
  }
  if (at == first || at - first > 9) return bad_value(first - 1, at - first + 1, "not a fraction of a second");
  return time;
}

/// How far ahead of UTC `Z` and `+01:00` are; none when the text ends here, which it must do behind a zone.
Parsed<std::optional<std::chrono::seconds>> zone_offset(std::string_view text, std::size_t at) {
  if (at == text.size()) return std::nullopt;
  if (text.substr(at) == "Z") return 0s;
  const auto hours = digits(text, at + 1, 2);
  const auto minutes = digits(text, at + 4, 2);
  if ((text[at] != '+' && text[at] != '-') || !hours || !minutes || at + 6 != text.size() || text[at + 3] != ':' ||
      *hours > 23 || *minutes > 59) {
    return bad_value(at, text.size() - at, "not a zone; write Z or +HH:MM");
  }
  const std::chrono::seconds offset = std::chrono::hours{*hours} + std::chrono::minutes{*minutes};
  return text[at] == '-' ? -offset : offset;
}

Parsed<WallMillis> calendar_time(std::string_view text, const TimeContext& context) {
  const auto year = digits(text, 0, 4);
  const auto month = digits(text, 5, 2);
  const auto day = digits(text, 8, 2);
  if (!year || !month || !day || text[4] != '-' || text[7] != '-') {
    return bad_value(0, text.size(),
                     "not a time; write 2025-01-31, 2025-01-31T14:00:05Z, -15m, now, today or an epoch");
  }
  const std::chrono::year_month_day date{std::chrono::year{*year}, std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return bad_value(0, 10, "no such day");
  LocalMillis local{std::chrono::local_days{date}};
  if (text.size() == 10) return in_known_zone(text, moment_of(local, context));

  if (text[10] != 'T' && text[10] != ' ') return bad_value(10, text.size() - 10, "not a time after the date");
  std::size_t at = 11;
  const auto in_day = clock_time(text, at);
  if (!in_day) return std::unexpected(in_day.error());
  local += *in_day;
  const auto ahead = zone_offset(text, at);
  if (!ahead) return std::unexpected(ahead.error());
  if (*ahead) return (local.time_since_epoch() - **ahead).count();
  return in_known_zone(text, moment_of(local, context));
}

}  // namespace

Parsed<Duration> parse_duration(std::string_view text) {
  const auto nanoseconds = scaled(text, kDurationUnits, static_cast<std::uint64_t>(Duration::max().count()));
  if (!nanoseconds) return std::unexpected(nanoseconds.error());
  return Duration{static_cast<std::int64_t>(*nanoseconds)};
}

Parsed<std::uint64_t> parse_size(std::string_view text) {
  return scaled(text, kSizeUnits, static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()));
}

Parsed<std::int64_t> parse_number(std::string_view text, std::int64_t min, std::int64_t max) {
  std::int64_t value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  const auto used = static_cast<std::size_t>(end - text.data());
  if (failure == std::errc::invalid_argument) return bad_value(0, text.size(), "not a whole number");
  if (used != text.size()) return bad_value(used, text.size() - used, "not a whole number");
  if (failure != std::errc{} || value < min || value > max) {
    if (max == std::numeric_limits<std::int64_t>::max()) return bad_value(0, text.size(), "must be at least {}", min);
    return bad_value(0, text.size(), "must be from {} to {}", min, max);
  }
  return value;
}

Parsed<Rate> parse_rate(std::string_view text) {
  static constexpr UnitRow kRecords[] = {{"", 1}, {"k", 1'000}, {"M", 1'000'000}};
  static constexpr UnitRow kBytes[] = {{"B", 1},      {"kB", 1'000},       {"MB", 1'000'000},  {"GB", 1'000'000'000},
                                       {"KiB", 1024}, {"MiB", 1ull << 20}, {"GiB", 1ull << 30}};
  static constexpr UnitRow kPer[] = {{"s", 1}, {"m", 60}, {"h", 3600}};
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return bad_value(text.size(), 0, "per what? write e.g. 1000/s or 10MB/s");
  const std::string_view amount = text.substr(0, slash);
  const auto per = std::ranges::find(kPer, text.substr(slash + 1), &UnitRow::name);
  if (per == std::end(kPer)) return bad_value(slash + 1, text.size() - slash - 1, "must be s, m or h");

  Rate rate{.per_second = 0, .is_bytes = amount.ends_with('B')};
  const auto value =
      scaled(amount, rate.is_bytes ? std::span<const UnitRow>(kBytes) : std::span<const UnitRow>(kRecords),
             std::uint64_t{1} << 60);
  if (!value) return std::unexpected(value.error());
  if (*value == 0) return bad_value(0, slash, "must be above 0");
  rate.per_second = static_cast<double>(*value) / static_cast<double>(per->factor);
  return rate;
}

namespace {

Parsed<WallMillis> any_time(std::string_view text, const TimeContext& context) {
  if (text == "now") return context.now;
  if (text == "today") return in_known_zone(text, midnight(0, context));
  if (text == "yesterday") return in_known_zone(text, midnight(1, context));
  if (text.starts_with('-')) {
    auto ago = parse_duration(text.substr(1));
    if (!ago) {
      ++ago.error().at;
      return std::unexpected(ago.error());
    }
    return context.now - *ago / 1ms;
  }
  if (!text.empty() && std::ranges::all_of(text, is_digit)) return epoch_time(text);
  return calendar_time(text, context);
}

}  // namespace

Parsed<WallMillis> parse_time(std::string_view text, const TimeContext& context) {
  auto time = any_time(text, context);
  if (time) *time = std::max<WallMillis>(*time, 0);
  return time;
}

}  // namespace mq::cli
