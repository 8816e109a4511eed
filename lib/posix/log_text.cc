#include "posix/log_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <iterator>

#include "base/utf8.h"

namespace mq::posix {
namespace {

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

    const Utf8Character character = first_character(text);
    const std::string_view bytes = text.substr(0, character.bytes);
    if (!character.is_valid || is_control(character.code_point)) {
      for (const char byte : bytes)
        fmt::format_to(std::back_inserter(out), "{}x{:02x}", backslash, static_cast<unsigned char>(byte));
    } else if (bytes == "\"") {
      out.append(quote);
    } else if (bytes == "\\") {
      out.append(backslash);
    } else {
      out.append(bytes);
    }
    text.remove_prefix(bytes.size());
  }
  return out;
}

}  // namespace

std::string escape_for_line(std::string_view text) { return escape(text, "\\", "\""); }
std::string escape_for_json(std::string_view text) { return escape(text, "\\\\", "\\\""); }

}  // namespace mq::posix
