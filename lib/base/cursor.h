#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <string>

#include "base/bytes.h"
#include "base/varint.h"

namespace mq {

template <std::integral T>
[[nodiscard]] inline T load_be(const char* from) {
  T v;
  std::memcpy(&v, from, sizeof v);
  if constexpr (sizeof(T) > 1 && std::endian::native == std::endian::little) v = std::byteswap(v);
  return v;
}

template <std::integral T>
inline void store_be(char* to, T v) {
  if constexpr (sizeof(T) > 1 && std::endian::native == std::endian::little) v = std::byteswap(v);
  std::memcpy(to, &v, sizeof v);
}

/// Reads big-endian fields from the front of bytes that may be hostile. A read past the end sets `failed()` and gives 0
/// or nothing; everything after that fails too, so a decoder may check once at its end.
class Reader {
 public:
  explicit Reader(BytesView bytes) : rest_(bytes) {}

  template <std::integral T>
  T be() {
    if (rest_.size() < sizeof(T)) return fail(), T{};
    T v = load_be<T>(rest_.data());
    rest_.remove_prefix(sizeof(T));
    return v;
  }
  /// Unsigned LEB128, at most five bytes, as Kafka's compact lengths.
  std::uint32_t uvarint() { return static_cast<std::uint32_t>(varint_of(5)); }
  /// Zigzag varint of 32 and 64 bits, as in record bodies.
  std::int32_t varint() { return static_cast<std::int32_t>(zigzag_decode(varint_of(5))); }
  std::int64_t varlong() { return zigzag_decode(varint_of(10)); }

  BytesView take(std::size_t n) {
    if (n > rest_.size()) return fail(), BytesView{};
    BytesView taken = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return taken;
  }
  [[nodiscard]] BytesView rest() const { return rest_; }
  [[nodiscard]] std::size_t remaining() const { return rest_.size(); }
  [[nodiscard]] bool failed() const { return failed_; }
  void fail() {
    failed_ = true;
    rest_ = {};
  }

 private:
  std::uint64_t varint_of(int bytes_max) {
    const auto [value, used] = uvarint_decode(rest_, bytes_max);
    if (used == 0) return fail(), 0;
    rest_.remove_prefix(static_cast<std::size_t>(used));
    return value;
  }
  BytesView rest_;
  bool failed_ = false;
};

/// Appends big-endian fields to a string that the caller owns.
class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}

  template <std::integral T>
  void be(T v) {
    char raw[sizeof(T)];
    store_be(raw, v);
    out_.append(raw, sizeof raw);
  }
  void uvarint(std::uint64_t v) {
    char raw[kVarintBytesMax];
    out_.append(raw, uvarint_encode(v, raw));
  }
  void varint(std::int32_t v) { uvarint(static_cast<std::uint32_t>(zigzag_encode(v))); }
  void varlong(std::int64_t v) { uvarint(zigzag_encode(v)); }
  void bytes(BytesView v) { out_.append(v); }
  [[nodiscard]] std::string& out() { return out_; }

 private:
  std::string& out_;
};

}  // namespace mq
