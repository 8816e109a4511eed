#include "base/base64.h"

#include <array>
#include <cstddef>
#include <cstdint>

namespace mq {
namespace {

constexpr std::string_view digits_of(Base64 spelling) {
  return spelling == Base64::padded ? "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
                                    : "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
}

/// By character: the digit that it is, or kNone.
using DigitTable = std::array<std::uint8_t, 256>;
constexpr std::uint8_t kNone = 0xff;

consteval DigitTable table_of(Base64 spelling) {
  DigitTable table;
  table.fill(kNone);
  const std::string_view digits = digits_of(spelling);
  for (std::size_t digit = 0; digit < digits.size(); ++digit)
    table[static_cast<std::uint8_t>(digits[digit])] = static_cast<std::uint8_t>(digit);
  return table;
}

constexpr DigitTable kPaddedTable = table_of(Base64::padded);
constexpr DigitTable kUrlSafeTable = table_of(Base64::url_safe);

}  // namespace

void append_base64(BytesView bytes, Base64 spelling, std::string& out) {
  const std::string_view digits = digits_of(spelling);
  std::uint32_t bits = 0;  // the lowest `held` of them are not written yet
  int held = 0;
  for (const char byte : bytes) {
    bits = bits << 8 | static_cast<std::uint8_t>(byte);
    for (held += 8; held >= 6; held -= 6) out += digits[bits >> (held - 6) & 63];
  }
  if (held > 0) out += digits[bits << (6 - held) & 63];
  if (spelling == Base64::padded) out.append((3 - bytes.size() % 3) % 3, '=');
}

Result<std::string> decode_base64(std::string_view text, Base64 spelling) {
  if (spelling == Base64::padded) {
    if (text.size() % 4 != 0) return fail(Errc::invalid_argument, "base64 comes in groups of four");
    for (int padding = 0; padding < 2 && text.ends_with('='); ++padding) text.remove_suffix(1);
  }
  const DigitTable& table = spelling == Base64::padded ? kPaddedTable : kUrlSafeTable;
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3 + 2);
  std::uint32_t bits = 0;  // the lowest `held` of them are of no byte yet
  int held = 0;
  for (const char c : text) {
    const std::uint8_t digit = table[static_cast<std::uint8_t>(c)];
    if (digit == kNone) return fail(Errc::invalid_argument, "not a base64 digit");
    bits = bits << 6 | digit;
    held += 6;
    if (held < 8) continue;
    held -= 8;
    bytes += static_cast<char>(bits >> held);
  }
  if (held == 6 || (bits & ((1u << held) - 1)) != 0)
    return fail(Errc::invalid_argument, "not the base64 of whole bytes");
  return bytes;
}

}  // namespace mq
