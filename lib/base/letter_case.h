#pragma once

#include <algorithm>
#include <string_view>

namespace mq {

// Of ASCII letters; any other byte stays as it is, whatever the locale.

[[nodiscard]] constexpr char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

[[nodiscard]] constexpr bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, upper, upper);
}

}  // namespace mq
