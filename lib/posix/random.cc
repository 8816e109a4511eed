#include "posix/random.h"

#include <sys/random.h>

#include <cerrno>
#include <cstring>

#include "base/assert.h"

namespace mq::posix {
namespace {

void fill_from_kernel(std::span<std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t got = ::getrandom(bytes.data(), bytes.size(), 0);
    MQ_ASSERT(got > 0 || errno == EINTR);
    if (got > 0) bytes = bytes.subspan(static_cast<std::size_t>(got));
  }
}

}  // namespace

void GetRandom::fill(std::span<std::uint8_t> bytes) {
  if (bytes.size() > buffer_.size() / 4) return fill_from_kernel(bytes);
  std::lock_guard lock(mutex_);
  if (buffer_.size() - used_ < bytes.size()) {
    fill_from_kernel(buffer_);
    used_ = 0;
  }
  std::memcpy(bytes.data(), buffer_.data() + used_, bytes.size());
  std::memset(buffer_.data() + used_, 0, bytes.size());
  used_ += bytes.size();
}

}  // namespace mq::posix
