#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace mq::wire {

/// Record batches inside a message. Never a copy: after decoding a view into the decoded bytes, for encoding a view of
/// bytes that someone keeps alive, or only a size, when the bytes go out by another way (see `Gap`).
struct Records {
  BytesView bytes{};
  bool is_null = false;
  std::uint32_t external_size = 0;  ///< above 0: that many bytes stand elsewhere, and `bytes` is empty

  [[nodiscard]] static Records of(BytesView bytes) { return {.bytes = bytes}; }
  [[nodiscard]] static Records external(std::size_t size) {
    return {.external_size = static_cast<std::uint32_t>(size)};
  }
  [[nodiscard]] static Records null() { return {.is_null = true}; }
  [[nodiscard]] std::size_t size() const { return external_size > 0 ? external_size : bytes.size(); }
};

/// A place in an encoded message where bytes are missing that its length fields already count. The sender puts them
/// between `position` and what follows, by sendfile for instance.
struct Gap {
  std::size_t position = 0;  ///< in the encoded bytes, gaps before it not counted
  std::size_t index = 0;     ///< which one of the external records: 0, 1, ...
  std::uint32_t size = 0;
};

}  // namespace mq::wire
