#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/assert.h"

namespace mq::cluster {

/// An ordered map that does not change: `with` makes another one, which shares the entries that it did not touch. Both
/// may be read by any thread.
///
/// Entries lie in leaves of at most 128, so that a copy costs a pointer for every leaf, and a change besides that a
/// copy of the leaves that it touches: of 100,000 entries about 1,500 pointers and 64 entries.
template <class K, class V>
class SharedMap {
 public:
  using Entry = std::pair<K, V>;
  using Leaf = std::vector<Entry>;
  /// What becomes of each key: a value, or none to take it out.
  using Edits = std::map<K, std::optional<V>, std::less<>>;

  class Iterator {
   public:
    using value_type = Entry;
    using reference = const Entry&;
    using pointer = const Entry*;
    using difference_type = std::ptrdiff_t;
    using iterator_category = std::forward_iterator_tag;

    Iterator() = default;
    reference operator*() const { return (*(*leaves_)[leaf_])[at_]; }
    pointer operator->() const { return &**this; }
    Iterator& operator++() {
      if (++at_ == (*leaves_)[leaf_]->size()) {
        at_ = 0;
        ++leaf_;
      }
      return *this;
    }
    Iterator operator++(int) {
      Iterator before = *this;
      ++*this;
      return before;
    }
    friend bool operator==(const Iterator&, const Iterator&) = default;

   private:
    friend class SharedMap;
    using Leaves = std::vector<std::shared_ptr<const Leaf>>;
    Iterator(const Leaves* leaves, std::size_t leaf, std::size_t at) : leaves_(leaves), leaf_(leaf), at_(at) {}
    const Leaves* leaves_ = nullptr;
    std::size_t leaf_ = 0;
    std::size_t at_ = 0;
  };

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] Iterator begin() const { return {&leaves_, 0, 0}; }
  [[nodiscard]] Iterator end() const { return {&leaves_, leaves_.size(), 0}; }

  /// The first entry whose key is not less than `key`.
  template <class Key>
  [[nodiscard]] Iterator lower_bound(const Key& key) const {
    const auto leaf = std::ranges::partition_point(leaves_, [&](const auto& each) { return each->back().first < key; });
    if (leaf == leaves_.end()) return end();
    const auto at = std::ranges::partition_point(**leaf, [&](const Entry& each) { return each.first < key; });
    return {&leaves_, static_cast<std::size_t>(leaf - leaves_.begin()),
            static_cast<std::size_t>(at - (*leaf)->begin())};
  }
  /// Null when there is no such key. The value lives as long as any map that shares it.
  template <class Key>
  [[nodiscard]] const V* find(const Key& key) const {
    const Iterator at = lower_bound(key);
    return at != end() && at->first == key ? &at->second : nullptr;
  }
  template <class Key>
  [[nodiscard]] bool contains(const Key& key) const {
    return find(key) != nullptr;
  }
  /// The key must be there.
  template <class Key>
  [[nodiscard]] const V& at(const Key& key) const {
    const V* found = find(key);
    MQ_ASSERT(found != nullptr);
    return *found;
  }

  [[nodiscard]] SharedMap with(Edits edits) const;
  [[nodiscard]] SharedMap with(K key, V value) const {
    Edits edits;
    edits.emplace(std::move(key), std::move(value));
    return with(std::move(edits));
  }
  [[nodiscard]] SharedMap without(K key) const {
    Edits edits;
    edits.emplace(std::move(key), std::nullopt);
    return with(std::move(edits));
  }

  friend bool operator==(const SharedMap& a, const SharedMap& b) {
    return a.size_ == b.size_ && (a.leaves_ == b.leaves_ || std::equal(a.begin(), a.end(), b.begin()));
  }

 private:
  static constexpr std::size_t kLeafMax = 128;

  using EditAt = typename Edits::iterator;
  [[nodiscard]] static Leaf merged(const Leaf& leaf, EditAt from, EditAt to);
  void append(Leaf entries);

  std::vector<std::shared_ptr<const Leaf>> leaves_;  // none is empty
  std::size_t size_ = 0;
};

template <class K, class V>
SharedMap<K, V> SharedMap<K, V>::with(Edits edits) const {
  if (edits.empty()) return *this;
  SharedMap next;
  if (leaves_.empty()) {
    next.append(merged({}, edits.begin(), edits.end()));
    return next;
  }
  next.leaves_.reserve(leaves_.size() + 1);
  auto edit = edits.begin();
  for (std::size_t i = 0; i < leaves_.size(); ++i) {
    const auto first = edit;
    const bool is_last = i + 1 == leaves_.size();
    while (edit != edits.end() && (is_last || edit->first < leaves_[i + 1]->front().first)) ++edit;
    if (first == edit) {
      next.leaves_.push_back(leaves_[i]);
      next.size_ += leaves_[i]->size();
    } else {
      next.append(merged(*leaves_[i], first, edit));
    }
  }
  return next;
}

/// Takes the values out of the edits.
template <class K, class V>
typename SharedMap<K, V>::Leaf SharedMap<K, V>::merged(const Leaf& leaf, EditAt from, EditAt to) {
  Leaf entries;
  entries.reserve(leaf.size() + static_cast<std::size_t>(std::distance(from, to)));
  auto old = leaf.begin();
  for (; from != to; ++from) {
    for (; old != leaf.end() && old->first < from->first; ++old) entries.push_back(*old);
    if (old != leaf.end() && old->first == from->first) ++old;
    if (from->second) entries.emplace_back(from->first, *std::move(from->second));
  }
  entries.insert(entries.end(), old, leaf.end());
  return entries;
}

/// In leaves of about the same size; few entries join the leaf before them, so that leaves do not shrink to nothing.
template <class K, class V>
void SharedMap<K, V>::append(Leaf entries) {
  if (entries.empty()) return;
  size_ += entries.size();
  if (entries.size() < kLeafMax / 4 && !leaves_.empty() && leaves_.back()->size() <= kLeafMax / 2) {
    Leaf joined = *leaves_.back();
    joined.insert(joined.end(), std::make_move_iterator(entries.begin()), std::make_move_iterator(entries.end()));
    leaves_.back() = std::make_shared<const Leaf>(std::move(joined));
    return;
  }
  const std::size_t count = (entries.size() + kLeafMax - 1) / kLeafMax;
  for (std::size_t i = 0; i < count; ++i) {
    const auto at = [&](std::size_t n) {
      return std::make_move_iterator(entries.begin() + static_cast<std::ptrdiff_t>(entries.size() * n / count));
    };
    leaves_.push_back(std::make_shared<const Leaf>(at(i), at(i + 1)));
  }
}

}  // namespace mq::cluster
