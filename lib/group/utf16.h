#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mq::group {

// Kafka's texts are Java's: what it hashes or counts are UTF-16 units. Bytes that are no UTF-8 count as U+FFFD each.

/// Takes one character off the front of `utf8`, which is not empty.
[[nodiscard]] std::uint32_t take_character(std::string_view& utf8);

/// How many units `utf8` has in UTF-16: Java's String.length.
[[nodiscard]] std::size_t utf16_length(std::string_view utf8);

}  // namespace mq::group
