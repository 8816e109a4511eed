#pragma once

#include <cstdint>
#include <string_view>

#include "base/time.h"
#include "cli/value_error.h"
#include "env/time_zone.h"

namespace mq::cli {

// The units that people type. Strict: a number counts to its last byte, and what could mean two things is refused.

/// `5ms`, `1.5h`: a number and one of ns us ms s m h d. Never negative; at most 292 years.
[[nodiscard]] Parsed<Duration> parse_duration(std::string_view text);
/// Bytes: `100`, `4K` `4KiB` (1024), `4kB` (1000), up to T. Never negative.
[[nodiscard]] Parsed<std::uint64_t> parse_size(std::string_view text);
/// A whole number in [min, max], decimal, with an optional minus sign.
[[nodiscard]] Parsed<std::int64_t> parse_number(std::string_view text, std::int64_t min, std::int64_t max);

struct Rate {
  double per_second = 0;
  bool is_bytes = false;  ///< bytes, else records
};
/// `1000/s`, `50k/m`, `2M/h` (records; k and M are 1000 and 1000000) or `10MB/s`, `4MiB/s` (bytes). Above 0.
[[nodiscard]] Parsed<Rate> parse_rate(std::string_view text);

/// What `now` and a time without a zone refer to.
struct TimeContext {
  WallMillis now = 0;
  const env::TimeZone& zone;
};
/// Milliseconds since 1970 of: RFC 3339 (`2025-01-31T14:00:05.250Z`, `...+01:00`), `2025-01-31`, `2025-01-31
/// 14:00[:05]`, an epoch of 10, 13, 16 or 19 digits (s, ms, us, ns), `now`, `today`, `yesterday`, `-15m`.
/// Without a zone it is the first moment at which the clocks of the context's zone show it or a later time.
/// What is before 1970, where no record is, becomes its beginning: brokers take negative times for other questions.
[[nodiscard]] Parsed<WallMillis> parse_time(std::string_view text, const TimeContext& context);

}  // namespace mq::cli
