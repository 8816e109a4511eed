#include "base/crc32c.h"

#include <isa-l/crc.h>

#include <algorithm>
#include <limits>

namespace mq {

std::uint32_t crc32c(BytesView bytes, std::uint32_t seed) {
  // ISA-L works on the inner (not inverted) remainder and on an int length.
  std::uint32_t remainder = ~seed;
  while (!bytes.empty()) {
    const std::size_t n = std::min<std::size_t>(bytes.size(), std::numeric_limits<int>::max());
    remainder =
        crc32_iscsi(reinterpret_cast<unsigned char*>(const_cast<char*>(bytes.data())), static_cast<int>(n), remainder);
    bytes.remove_prefix(n);
  }
  return ~remainder;
}

}  // namespace mq
