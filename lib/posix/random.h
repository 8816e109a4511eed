#pragma once

#include <array>
#include <cstddef>
#include <mutex>

#include "env/random.h"

namespace mq::posix {

/// Bytes from getrandom(2). Small requests share one system call through a buffer, whose bytes are wiped as they go
/// out.
class GetRandom final : public env::Random {
 public:
  void fill(std::span<std::uint8_t> bytes) override;

 private:
  std::mutex mutex_;
  std::array<std::uint8_t, 256> buffer_{};
  std::size_t used_ = 256;
};

}  // namespace mq::posix
