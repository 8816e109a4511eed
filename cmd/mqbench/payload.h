#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/bytes.h"

namespace mq::mqbench {

/// Values of records, all of one size, made once: views into a pool of hexadecimal digits, which compress to about half
/// as text does. Small enough to stay in the processor's cache.
class Payload {
 public:
  explicit Payload(std::size_t record_bytes) : record_bytes_(record_bytes) {
    constexpr char kDigits[] = "0123456789abcdef";
    pool_.reserve(kStarts + record_bytes);
    std::uint64_t state = 0x9e3779b97f4a7c15;
    while (pool_.size() < kStarts + record_bytes) {
      state = state * 6364136223846793005 + 1442695040888963407;
      pool_.push_back(kDigits[state >> 60]);
    }
  }

  [[nodiscard]] BytesView at(std::uint64_t number) const {
    constexpr std::uint64_t kStride = 61;
    return BytesView(pool_).substr((number * kStride) % kStarts, record_bytes_);
  }

 private:
  static constexpr std::size_t kStarts = 32 << 10;
  std::size_t record_bytes_;
  std::string pool_;
};

}  // namespace mq::mqbench
