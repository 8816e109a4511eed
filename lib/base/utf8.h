#pragma once

#include <cstddef>
#include <string_view>

#include "base/bytes.h"

namespace mq {

/// What stands at the front of a text: a character, or one byte that is no UTF-8.
struct Utf8Character {
  char32_t code_point = 0xfffd;  ///< of a byte that is no UTF-8: the replacement character
  std::size_t bytes = 1;
  bool is_valid = false;
};

/// `text` is not empty. Valid is what Unicode calls well-formed: no surrogates, nothing overlong, at most U+10FFFF.
[[nodiscard]] Utf8Character first_character(BytesView text);

/// True when every byte belongs to a valid character.
[[nodiscard]] bool is_utf8(BytesView bytes);

/// Columns that `text` takes on a terminal: two for a wide character of East Asia, none for a mark that combines with
/// the character before it. Controls take none either: escape them before.
[[nodiscard]] std::size_t columns_of(std::string_view text);

/// C0, DEL and C1: what a terminal obeys instead of showing it.
[[nodiscard]] constexpr bool is_control(char32_t code_point) {
  return code_point < 0x20 || (code_point >= 0x7f && code_point < 0xa0);
}

}  // namespace mq
