#include "base/utf8.h"

#include <utf8proc.h>

#include <cstdint>

namespace mq {

Utf8Character first_character(BytesView text) {
  const auto first = static_cast<std::uint8_t>(text.front());
  if (first < 0x80) return {.code_point = first, .bytes = 1, .is_valid = true};
  utf8proc_int32_t code_point = 0;
  const auto bytes = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                      static_cast<utf8proc_ssize_t>(text.size()), &code_point);
  if (bytes <= 0) return {};
  return {.code_point = static_cast<char32_t>(code_point), .bytes = static_cast<std::size_t>(bytes), .is_valid = true};
}

bool is_utf8(BytesView bytes) {
  while (!bytes.empty()) {
    const Utf8Character character = first_character(bytes);
    if (!character.is_valid) return false;
    bytes.remove_prefix(character.bytes);
  }
  return true;
}

std::size_t columns_of(std::string_view text) {
  std::size_t columns = 0;
  while (!text.empty()) {
    const Utf8Character character = first_character(text);
    columns += static_cast<std::size_t>(utf8proc_charwidth(static_cast<utf8proc_int32_t>(character.code_point)));
    text.remove_prefix(character.bytes);
  }
  return columns;
}

}  // namespace mq
