#pragma once

#include <chrono>
#include <compare>
#include <cstdint>

namespace mq {

using Duration = std::chrono::nanoseconds;
using std::chrono_literals::operator""h;
using std::chrono_literals::operator""min;
using std::chrono_literals::operator""s;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""us;
using std::chrono_literals::operator""ns;

/// A point on the monotonic clock of one process (or one simulation). Only differences mean something.
/// Every timeout, session and lease is measured with it, never with the wall clock (F-12).
class Instant {
 public:
  constexpr Instant() = default;
  constexpr explicit Instant(Duration since_start) : since_start_(since_start) {}
  [[nodiscard]] constexpr Duration since_start() const { return since_start_; }
  [[nodiscard]] static constexpr Instant never() { return Instant{Duration::max()}; }

  friend constexpr auto operator<=>(Instant, Instant) = default;
  friend constexpr Instant operator+(Instant t, Duration d) {
    return d > Duration::max() - t.since_start_ ? never() : Instant{t.since_start_ + d};
  }
  friend constexpr Instant operator-(Instant t, Duration d) { return Instant{t.since_start_ - d}; }
  friend constexpr Duration operator-(Instant a, Instant b) { return a.since_start_ - b.since_start_; }

 private:
  Duration since_start_{0};
};

/// Milliseconds since 1970 on the wall clock, Kafka's unit for record timestamps; -1 means "none".
/// It may jump; nothing but record timestamps, retention and what people read depends on it.
using WallMillis = std::int64_t;

}  // namespace mq
