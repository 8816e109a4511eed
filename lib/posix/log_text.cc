#include "posix/log_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <iterator>

namespace mq::posix {
namespace {

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

/// The length of the well-formed UTF-8 sequence at the front of `text`, 0 if there is none. Overlong forms, surrogates
/// and values above U+10FFFF are refused by the bounds on the second byte.
std::size_t utf8_length(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xC2 && first <= 0xDF   ? 2
                             : (first & 0xF0) == 0xE0         ? 3
                             : first >= 0xF0 && first <= 0xF4 ? 4
                                                              : 0;
  if (length == 0 || text.size() < length) return 0;
  if (!std::ranges::all_of(text.substr(1, length - 1), is_continuation)) return 0;
  const auto second = static_cast<unsigned char>(text[1]);
  const bool wrong = (first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) ||
                     (first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F);
  return wrong ? 0 : length;
}

bool is_control(std::string_view character) {
  const auto first = static_cast<unsigned char>(character[0]);
  const bool is_c1 = character.size() == 2 && first == 0xC2 && static_cast<unsigned char>(character[1]) < 0xA0;
  return first < 0x20 || first == 0x7F || is_c1;
}

bool is_plain(char c) { return c >= 0x20 && c < 0x7F && c != '"' && c != '\\'; }

std::string escape(std::string_view text, std::string_view backslash, std::string_view quote) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::size_t plain =
        static_cast<std::size_t>(std::distance(text.begin(), std::ranges::find_if_not(text, is_plain)));
    out.append(text.substr(0, plain));
    text.remove_prefix(plain);
    if (text.empty()) break;

    const std::size_t length = utf8_length(text);
    const std::string_view character = text.substr(0, std::max<std::size_t>(length, 1));
    if (length == 0 || is_control(character)) {
      for (const char byte : character)
        fmt::format_to(std::back_inserter(out), "{}x{:02x}", backslash, static_cast<unsigned char>(byte));
    } else if (character == "\"") {
      out.append(quote);
    } else if (character == "\\") {
      out.append(backslash);
    } else {
      out.append(character);
    }
    text.remove_prefix(character.size());
  }
  return out;
}

}  // namespace

std::string escape_for_line(std::string_view text) { return escape(text, "\\", "\""); }
std::string escape_for_json(std::string_view text) { return escape(text, "\\\\", "\\\""); }

}  // namespace mq::posix
