#include "model/ids.h"

#include <algorithm>

namespace mq {
namespace {
constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::size_t kUuidChars = 22;  // 128 bits, six each; the last character holds two
}  // namespace

std::string Uuid::to_string() const {
  std::string text;
  std::uint32_t bits = 0;
  int held = 0;
  for (std::uint8_t byte : bytes) {
    bits = bits << 8 | byte;
    for (held += 8; held >= 6; held -= 6) text.push_back(kAlphabet[bits >> (held - 6) & 63]);
  }
  text.push_back(kAlphabet[bits << (6 - held) & 63]);
  return text;
}

bool Uuid::parse(std::string_view text, Uuid& out) {
  if (text.size() != kUuidChars) return false;
  Uuid id;
  std::uint32_t bits = 0;
  int held = 0;
  std::size_t n = 0;
  for (char c : text) {
    const auto at = kAlphabet.find(c);
    if (at == std::string_view::npos) return false;
    bits = bits << 6 | static_cast<std::uint32_t>(at);
    held += 6;
    if (held >= 8 && n < id.bytes.size()) id.bytes[n++] = static_cast<std::uint8_t>(bits >> (held -= 8));
  }
  if ((bits & ((1u << held) - 1)) != 0) return false;
  out = id;
  return true;
}

std::string TopicPartition::to_string() const { return topic + '-' + std::to_string(partition); }

const char* topic_name_problem(std::string_view name) {
  if (name.empty()) return "a topic name may not be empty";
  if (name.size() > kTopicNameBytesMax) return "a topic name has at most 249 characters";
  if (name == "." || name == "..") return "a topic may not be named \".\" or \"..\"";
  const bool allowed = std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  });
  return allowed ? nullptr : "a topic name consists of letters, digits, '.', '_' and '-'";
}

bool topic_names_collide(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return (x == '.' ? '_' : x) == (y == '.' ? '_' : y); });
}

bool is_internal_topic(std::string_view name) { return name == kOffsetsTopic || name == kTransactionsTopic; }

}  // namespace mq
