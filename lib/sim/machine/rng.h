#pragma once

#include <cstdint>

#include "base/assert.h"
#include "base/time.h"

namespace mq::sim {

/// The only source of chance in a simulation: splitmix64, integers only, so that a seed means the same everywhere.
class Rng {
 public:
  explicit Rng(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() { return mix(state_ += 0x9e3779b97f4a7c15); }
  /// 0 <= result < `bound`; `bound` above 0.
  std::uint64_t below(std::uint64_t bound) {
    MQ_ASSERT(bound > 0);
    return next() % bound;
  }
  /// True once in `n` draws.
  bool one_in(std::uint64_t n) { return below(n) == 0; }
  /// At least `min`, typically `min + mean`; one in 32 takes ten times as long, as disks and networks do.
  Duration delay(Duration min, Duration mean) {
    const auto spread = Duration(static_cast<std::int64_t>(below(static_cast<std::uint64_t>(2 * mean.count() + 1))));
    return min + (one_in(32) ? 10 * spread : spread);
  }

  [[nodiscard]] static constexpr std::uint64_t mix(std::uint64_t v) {
    v = (v ^ (v >> 30)) * 0xbf58476d1ce4e5b9;
    v = (v ^ (v >> 27)) * 0x94d049bb133111eb;
    return v ^ (v >> 31);
  }

 private:
  std::uint64_t state_;
};

}  // namespace mq::sim
