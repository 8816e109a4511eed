#include "cli/escape.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace mq::cli {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::uint8_t byte_at(BytesView bytes, std::size_t i) { return static_cast<std::uint8_t>(bytes[i]); }

/// Length of the well-formed UTF-8 sequence at `at`; 0 when there is none (Unicode 15, table 3-7).
std::size_t sequence_at(BytesView bytes, std::size_t at) {
  const std::uint8_t first = byte_at(bytes, at);
  if (first < 0x80) return 1;
  std::size_t length = 0;
  std::uint8_t low = 0x80;
  std::uint8_t high = 0xbf;
  if (first >= 0xc2 && first <= 0xdf) {
    length = 2;
  } else if (first >= 0xe0 && first <= 0xef) {
    length = 3;
    if (first == 0xe0) low = 0xa0;   // overlong
    if (first == 0xed) high = 0x9f;  // surrogates
  } else if (first >= 0xf0 && first <= 0xf4) {
    length = 4;
    if (first == 0xf0) low = 0x90;   // overlong
    if (first == 0xf4) high = 0x8f;  // above U+10FFFF
  } else {
    return 0;
  }
  if (at + length > bytes.size()) return 0;
  if (byte_at(bytes, at + 1) < low || byte_at(bytes, at + 1) > high) return 0;
  for (std::size_t i = at + 2; i < at + length; ++i) {
    if ((byte_at(bytes, i) & 0xc0) != 0x80) return 0;
  }
  return length;
}

/// U+0080 to U+009F: two bytes that terminals may take as one control.
bool is_c1_control(BytesView bytes, std::size_t at, std::size_t length) {
  return length == 2 && byte_at(bytes, at) == 0xc2 && byte_at(bytes, at + 1) < 0xa0;
}

void append_printable(BytesView bytes, bool keep_lines, std::string& out) {
  for (std::size_t at = 0; at < bytes.size();) {
    const char c = bytes[at];
    const std::size_t length = sequence_at(bytes, at);
    const bool is_line = c == '\n' || c == '\t';
    if (is_line && !keep_lines) {
      out += c == '\n' ? "\\n" : "\\t";
    } else if (is_line || (length == 1 && byte_at(bytes, at) >= 0x20 && c != 0x7f)) {
      out += c;
    } else if (length > 1 && !is_c1_control(bytes, at, length)) {
      out.append(bytes.substr(at, length));
    } else {
      for (std::size_t i = at; i < at + (length == 0 ? 1 : length); ++i) {
        out += "\\x";
        append_hex(bytes.substr(i, 1), out);
      }
    }
    at += length == 0 ? 1 : length;
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
    const std::uint8_t c = byte_at(bytes, at);
    if (c >= 0x20 && c < 0x80 && c != '"' && c != '\\') {
      ++at;
      continue;
    }
    const std::size_t length = sequence_at(bytes, at);
    if (length > 1) {
      at += length;
      continue;
    }
    flush(at);
    if (length == 0) {
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

bool is_utf8(BytesView bytes) {
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t length = sequence_at(bytes, at);
    if (length == 0) return false;
    at += length;
  }
  return true;
}

void append_hex(BytesView bytes, std::string& out) {
  for (const char c : bytes) {
    out += kHexDigits[static_cast<std::uint8_t>(c) >> 4];
    out += kHexDigits[static_cast<std::uint8_t>(c) & 15];
  }
}

}  // namespace mq::cli
