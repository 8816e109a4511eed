#include "meta/zookeeper/node_names.h"

#include <fmt/format.h>

#include <charconv>

#include "base/crc32c.h"

namespace mq::meta {
namespace {

bool stays_as_it_is(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
}

/// "." and ".." are no names for a node.
bool is_dots(std::string_view name) { return name == "." || name == ".."; }

template <class Number>
std::optional<Number> hex(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, 16);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

std::string node_name_of(std::string_view key) {
  std::string name;
  for (const char c : key) {
    if (stays_as_it_is(c) && !is_dots(key)) {
      name += c;
    } else {
      fmt::format_to(std::back_inserter(name), "%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return name;
}

std::optional<std::string> key_of_node(std::string_view name) {
  std::string key;
  for (std::size_t at = 0; at < name.size(); ++at) {
    if (name[at] != '%') {
      key += name[at];
      continue;
    }
    const auto byte = hex<std::uint8_t>(name.substr(at + 1, 2));
    if (!byte) return std::nullopt;
    key += static_cast<char>(*byte);
    at += 2;
  }
  if (key.empty() || key.size() > kKeyBytesMax || node_name_of(key) != name) return std::nullopt;
  return key;
}

std::optional<SessionId> session_of_node(std::string_view name) {
  const auto id = hex<SessionId>(name);
  if (!id || *id == kNoSession || fmt::format("{:016x}", *id) != name) return std::nullopt;
  return id;
}

std::string NodeNames::key_bucket(std::uint32_t bucket) const { return fmt::format("{}/keys/{:02x}", prefix_, bucket); }

std::string NodeNames::key(std::string_view key) const {
  return fmt::format("{}/{}", key_bucket(crc32c(key) % kKeyBucketCount), node_name_of(key));
}

std::string NodeNames::change_bucket(Revision revision) const {
  return fmt::format("{}/changes/{}", prefix_, revision.value() / kChangesPerBucket);
}

std::string NodeNames::change(Revision revision) const {
  return fmt::format("{}/{}", change_bucket(revision), revision.value());
}

std::string NodeNames::session(SessionId id) const { return fmt::format("{}/sessions/{:016x}", prefix_, id); }

}  // namespace mq::meta
