#include "group/utf16.h"

namespace mq::group {
namespace {

constexpr std::uint32_t kReplacement = 0xfffd;

}  // namespace

std::uint32_t take_character(std::string_view& utf8) {
  const auto byte = [&](std::size_t at) { return static_cast<std::uint8_t>(utf8[at]); };
  const std::uint8_t first = byte(0);
  const std::size_t length = first < 0x80             ? 1
                             : (first & 0xe0) == 0xc0 ? 2
                             : (first & 0xf0) == 0xe0 ? 3
                             : (first & 0xf8) == 0xf0 ? 4
                                                      : 0;
  std::uint32_t character = length == 1 ? first : first & (0x7fu >> length);
  bool whole = length != 0 && length <= utf8.size();
  for (std::size_t i = 1; whole && i < length; ++i) {
    whole = (byte(i) & 0xc0) == 0x80;
    character = character << 6 | (byte(i) & 0x3f);
  }
  utf8.remove_prefix(whole ? length : 1);
  return whole ? character : kReplacement;
}

std::size_t utf16_length(std::string_view utf8) {
  std::size_t units = 0;
  while (!utf8.empty()) units += take_character(utf8) < 0x10000 ? 1 : 2;
  return units;
}

}  // namespace mq::group
