#pragma once

#include <charconv>
#include <optional>
#include <string_view>

namespace mq {

/// The decimal number that `text` is to its last byte; none for any other text, and for one that the type cannot hold.
template <class Number>
[[nodiscard]] std::optional<Number> parsed_number(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace mq
