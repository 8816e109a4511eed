#pragma once

#include <cstdint>
#include <span>

namespace mq::env {

/// Unpredictable in production (getrandom), drawn from the seed in simulation. Safe from every thread.
class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(std::span<std::uint8_t> bytes) = 0;
  std::uint64_t next() {
    std::uint64_t v = 0;
    fill({reinterpret_cast<std::uint8_t*>(&v), sizeof v});
    return v;
  }
  /// 0 <= result < `bound`; `bound` above 0. The bias of the remainder is below 2^-32 for bounds of 32 bits.
  std::uint64_t below(std::uint64_t bound) { return next() % bound; }
};

}  // namespace mq::env
