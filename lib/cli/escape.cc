#include "cli/escape.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/utf8.h"

namespace mq::cli {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// \xNN for each byte.
void append_escaped(BytesView bytes, std::string& out) {
  for (const char byte : bytes) {
    out += "\\x";
    append_hex({&byte, 1}, out);
  }
}

void append_printable(BytesView bytes, bool keep_lines, std::string& out) {
  while (!bytes.empty()) {
    const Utf8Character character = first_character(bytes);
    const BytesView written = bytes.substr(0, character.bytes);
    const bool is_line = written == "\n" || written == "\t";
    if (is_line && !keep_lines) {
      out += written == "\n" ? "\\n" : "\\t";
    } else if (is_line || (character.is_valid && !is_control(character.code_point))) {
      out += written;
    } else {
      append_escaped(written, out);
    }
    bytes.remove_prefix(character.bytes);
  }
}

}  // namespace

Parsed<std::string> unescape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '\\') {
      out += text[at];
      continue;
    }
    if (at + 1 == text.size()) return bad_value(at, 1, "a backslash at the end; write \\\\ for one");
    switch (text[++at]) {
      case 'n':
        out += '\n';
        break;
      case 't':
        out += '\t';
        break;
      case 'r':
        out += '\r';
        break;
      case '0':
        out += '\0';
        break;
      case 'e':
        out += '\x1b';
        break;
      case '\\':
        out += '\\';
        break;
      case 'x': {
        const int high = at + 1 < text.size() ? hex_value(text[at + 1]) : -1;
        const int low = at + 2 < text.size() ? hex_value(text[at + 2]) : -1;
        if (high < 0 || low < 0)
          return bad_value(at - 1, std::min<std::size_t>(4, text.size() - at + 1), "\\x needs two hex digits");
        out += static_cast<char>(high * 16 + low);
        at += 2;
        break;
      }
      default:
        return bad_value(at - 1, 2, "no such escape; there are \\n \\t \\r \\0 \\e \\\\ \\xNN");
    }
  }
  return out;
}

void append_for_terminal(BytesView bytes, std::string& out) { append_printable(bytes, true, out); }
void append_in_one_line(BytesView bytes, std::string& out) { append_printable(bytes, false, out); }

void append_tsv(BytesView bytes, std::string& out) {
  for (const char c : bytes) {
    switch (c) {
      case '\t':
        out += "\\t";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\\':
        out += "\\\\";
        break;
      default:
        out += c;
    }
  }
}

void append_json(BytesView bytes, std::string& out) {
  out += '"';
  // Runs of plain bytes are appended at once.
  std::size_t plain = 0;
  const auto flush = [&](std::size_t end) { out.append(bytes.substr(plain, end - plain)); };
  for (std::size_t at = 0; at < bytes.size();) {
    const auto c = static_cast<std::uint8_t>(bytes[at]);
    if (c >= 0x20 && c < 0x80 && c != '"' && c != '\\') {
      ++at;
      continue;
    }
    const Utf8Character character = first_character(bytes.substr(at));
    if (character.bytes > 1) {
      at += character.bytes;
      continue;
    }
    flush(at);
    if (!character.is_valid) {
      out += "\xef\xbf\xbd";
    } else if (c == '"' || c == '\\') {
      out += '\\';
      out += static_cast<char>(c);
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\r') {
      out += "\\r";
    } else {
      out += "\\u00";
      append_hex(bytes.substr(at, 1), out);
    }
    plain = ++at;
  }
  flush(bytes.size());
  out += '"';
}

void append_hex(BytesView bytes, std::string& out) {
  for (const char c : bytes) {
    out += kHexDigits[static_cast<std::uint8_t>(c) >> 4];
    out += kHexDigits[static_cast<std::uint8_t>(c) & 15];
  }
}

}  // namespace mq::cli
