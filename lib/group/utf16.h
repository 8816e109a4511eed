#pragma once

#include <string>
#include <string_view>

namespace mq::group {

/// Kafka's texts are Java's: what it hashes or counts are the units of UTF-16. Bytes that are no UTF-8 become U+FFFD
/// each.
[[nodiscard]] std::u16string to_utf16(std::string_view utf8);

}  // namespace mq::group
