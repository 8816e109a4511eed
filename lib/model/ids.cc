#include "model/ids.h"

#include <algorithm>

#include "base/base64.h"

namespace mq {

std::string Uuid::to_string() const {
  std::string text;
  append_base64({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, Base64::url_safe, text);
  return text;
}

bool Uuid::parse(std::string_view text, Uuid& out) {
  constexpr std::size_t kUuidChars = 22;  // 128 bits, six each; the last character holds two
  if (text.size() != kUuidChars) return false;
  const auto decoded = decode_base64(text, Base64::url_safe);
  if (!decoded) return false;
  std::ranges::copy(*decoded, out.bytes.begin());
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
