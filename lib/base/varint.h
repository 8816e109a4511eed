#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/bytes.h"

namespace mq {

inline constexpr std::size_t kVarintBytesMax = 10;

/// Maps small negative numbers to small unsigned ones: 0, -1, 1, -2 -> 0, 1, 2, 3.
[[nodiscard]] constexpr std::uint64_t zigzag_encode(std::int64_t v) {
  return (static_cast<std::uint64_t>(v) << 1) ^ static_cast<std::uint64_t>(v >> 63);
}
[[nodiscard]] constexpr std::int64_t zigzag_decode(std::uint64_t v) {
  return static_cast<std::int64_t>((v >> 1) ^ (~(v & 1) + 1));
}

/// Writes `v` as unsigned LEB128 and returns the bytes used, at most kVarintBytesMax.
inline std::size_t uvarint_encode(std::uint64_t v, char* to) {
  std::size_t n = 0;
  while (v >= 0x80) {
    to[n++] = static_cast<char>(v | 0x80);
    v >>= 7;
  }
  to[n++] = static_cast<char>(v);
  return n;
}

[[nodiscard]] constexpr std::size_t uvarint_size(std::uint64_t v) {
  std::size_t n = 1;
  while (v >= 0x80) v >>= 7, ++n;
  return n;
}
[[nodiscard]] constexpr std::size_t varint_size(std::int64_t v) { return uvarint_size(zigzag_encode(v)); }

/// Reads unsigned LEB128 of at most `bytes_max` (5 or 10) bytes. Returns {value, bytes used}; used 0 means that the
/// bytes end too early, go on too long, or hold more bits than fit (32 for five bytes, 64 for ten).
[[nodiscard]] inline std::pair<std::uint64_t, int> uvarint_decode(BytesView from, int bytes_max) {
  std::uint64_t v = 0;
  for (int i = 0; i < bytes_max && static_cast<std::size_t>(i) < from.size(); ++i) {
    const auto byte = static_cast<std::uint8_t>(from[static_cast<std::size_t>(i)]);
    if (i == bytes_max - 1 && byte > (bytes_max == 5 ? 0x0f : 0x01)) return {0, 0};
    v |= static_cast<std::uint64_t>(byte & 0x7f) << (7 * i);
    if (byte < 0x80) return {v, i + 1};
  }
  return {0, 0};
}

}  // namespace mq
