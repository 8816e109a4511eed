#include "group/utf16.h"

#include "base/utf8.h"

namespace mq::group {

std::u16string to_utf16(std::string_view utf8) {
  std::u16string units;
  while (!utf8.empty()) {
    const Utf8Character character = first_character(utf8);
    utf8.remove_prefix(character.bytes);
    if (character.code_point < 0x10000) {
      units += static_cast<char16_t>(character.code_point);
    } else {
      units += static_cast<char16_t>(0xd800 + ((character.code_point - 0x10000) >> 10));
      units += static_cast<char16_t>(0xdc00 + ((character.code_point - 0x10000) & 0x3ff));
    }
  }
  return units;
}

}  // namespace mq::group
