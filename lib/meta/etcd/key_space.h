#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "cluster/transaction.h"

namespace mq::meta::etcd {

/// Keys of etcd from `first` to before `end`.
struct KeyRange {
  std::string first;
  std::string end;
};

/// Where the keys of a store lie among those of etcd: each behind PREFIX and a slash.
///
/// The key that is only that, with nothing behind it, is no key of the store. A transaction that only erases puts its
/// write id there: etcd tells of an erased key nothing but that it is gone.
class KeySpace {
 public:
  explicit KeySpace(std::string_view prefix) : begin_(std::string(prefix) + '/') {}

  [[nodiscard]] std::string of(std::string_view key) const { return begin_ + std::string(key); }
  [[nodiscard]] const std::string& write_key() const { return begin_; }
  /// Everything, with the write key.
  [[nodiscard]] KeyRange whole() const { return {.first = begin_, .end = after_all_with(begin_)}; }
  /// The keys that begin with `prefix` and come after `after`, when that is not empty.
  [[nodiscard]] KeyRange with_prefix(std::string_view prefix, std::string_view after) const;
  [[nodiscard]] bool holds(std::string_view etcd_key) const { return etcd_key.starts_with(begin_); }
  /// Of a key that it holds. Empty: the write key.
  [[nodiscard]] std::string_view key_of(std::string_view etcd_key) const { return etcd_key.substr(begin_.size()); }

 private:
  static std::string after_all_with(std::string prefix);

  std::string begin_;
};

/// etcd's number for a revision. An etcd in which nothing was ever put is at 1, a store at 0.
[[nodiscard]] constexpr std::int64_t etcd_revision(cluster::Revision revision) { return revision.value() + 1; }
[[nodiscard]] constexpr cluster::Revision revision_of(std::int64_t etcd_revision) {
  return cluster::Revision{etcd_revision - 1};
}

}  // namespace mq::meta::etcd
