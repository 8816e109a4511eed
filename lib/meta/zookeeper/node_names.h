#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "meta/metadata_store.h"

namespace mq::meta {

/// A session of some store, by a random number that is never 0. The node of its name is there while it lasts.
using SessionId = std::uint64_t;
inline constexpr SessionId kNoSession = 0;

/// So many nodes share the keys, by the CRC of each: a node's children come in one answer of at most 1 MiB, and a
/// quarter of a million keys make a thousand each.
inline constexpr std::uint32_t kKeyBucketCount = 256;
/// So many changes lie in one node.
inline constexpr std::int64_t kChangesPerBucket = 1000;

/// The name of the node that holds `key`: letters, digits, `.`, `-` and `_` as they are, every other byte as %XX, so
/// that neither a slash nor what ZooKeeper refuses is left. At most three times as long.
[[nodiscard]] std::string node_name_of(std::string_view key);
/// None for a name that `node_name_of` makes of no key.
[[nodiscard]] std::optional<std::string> key_of_node(std::string_view name);

/// None for a name of another form.
[[nodiscard]] std::optional<SessionId> session_of_node(std::string_view name);

/// The paths of a store's nodes.
class NodeNames {
 public:
  /// `prefix` begins with a slash and does not end in one.
  explicit NodeNames(std::string prefix) : prefix_(std::move(prefix)) {}

  [[nodiscard]] const std::string& prefix() const { return prefix_; }
  [[nodiscard]] std::string head() const { return prefix_ + "/head"; }
  [[nodiscard]] std::string keys() const { return prefix_ + "/keys"; }
  /// `bucket` is below kKeyBucketCount.
  [[nodiscard]] std::string key_bucket(std::uint32_t bucket) const;
  [[nodiscard]] std::string key(std::string_view key) const;
  [[nodiscard]] std::string changes() const { return prefix_ + "/changes"; }
  /// Of the change that made `revision`.
  [[nodiscard]] std::string change_bucket(Revision revision) const;
  [[nodiscard]] std::string change(Revision revision) const;
  [[nodiscard]] std::string sessions() const { return prefix_ + "/sessions"; }
  [[nodiscard]] std::string session(SessionId id) const;

 private:
  std::string prefix_;
};

}  // namespace mq::meta
