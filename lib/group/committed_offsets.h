#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/time.h"
#include "group/deleted_topics.h"
#include "group/memory.h"
#include "model/ids.h"

namespace mq::group {

struct CommittedOffset {
  std::int64_t offset = 0;
  std::int32_t leader_epoch = -1;
  std::string metadata;
  WallMillis committed_at = 0;
  std::optional<WallMillis> expires_at;  ///< set by clients before OffsetCommit 5 only
  Uuid topic_id{};                       ///< zero: not known, since its record has no place for it
  /// Nobody finds it any more, and it goes as soon as its tombstone can be written.
  bool is_of_deleted_topic = false;
  /// As they are written.
  friend bool operator==(const CommittedOffset& a, const CommittedOffset& b) {
    return a.offset == b.offset && a.leader_epoch == b.leader_epoch && a.metadata == b.metadata &&
           a.committed_at == b.committed_at && a.expires_at == b.expires_at && a.topic_id == b.topic_id;
  }
};

/// What a group has committed, by partition, and how much memory that takes.
class CommittedOffsets {
 public:
  using Map = std::map<TopicPartition, CommittedOffset>;

  void put(const TopicPartition& partition, CommittedOffset offset) {
    const auto [at, is_new] = map_.try_emplace(partition);
    bytes_ += counted_text(offset) + (is_new ? entry_bytes(partition) : 0);
    if (!is_new) bytes_ -= counted_text(at->second);
    at->second = std::move(offset);
  }
  /// Topics are deleted. What is committed later is of others. Returns what is of theirs.
  [[nodiscard]] std::vector<TopicPartition> topics_deleted(const DeletedTopics& deleted) {
    std::vector<TopicPartition> found;
    for (auto& [partition, offset] : map_) {
      if (!deleted.have(partition, offset.topic_id)) continue;
      offset.is_of_deleted_topic = true;
      found.push_back(partition);
    }
    return found;
  }
  void erase(const TopicPartition& partition) {
    const auto at = map_.find(partition);
    if (at == map_.end()) return;
    bytes_ -= entry_bytes(partition) + counted_text(at->second);
    map_.erase(at);
  }

  /// How many more bytes there would be after `put`; 0 when there would be less.
  [[nodiscard]] std::size_t growth(const TopicPartition& partition, const CommittedOffset& offset) const {
    const auto at = map_.find(partition);
    if (at == map_.end()) return entry_bytes(partition) + counted_text(offset);
    return counted_text(offset) - std::min(counted_text(offset), counted_text(at->second));
  }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

  [[nodiscard]] Map::const_iterator find(const TopicPartition& partition) const { return map_.find(partition); }
  [[nodiscard]] bool contains(const TopicPartition& partition) const { return map_.contains(partition); }
  [[nodiscard]] std::size_t size() const { return map_.size(); }
  [[nodiscard]] bool empty() const { return map_.empty(); }
  [[nodiscard]] Map::const_iterator begin() const { return map_.begin(); }
  [[nodiscard]] Map::const_iterator end() const { return map_.end(); }
  friend bool operator==(const CommittedOffsets& a, const CommittedOffsets& b) { return a.map_ == b.map_; }

  void check_invariants() const {
    std::size_t bytes = 0;
    for (const auto& [partition, offset] : map_) bytes += entry_bytes(partition) + counted_text(offset);
    MQ_ASSERT(bytes_ == bytes);
  }

 private:
  static constexpr std::size_t kEntryBytes = sizeof(Map::value_type) + kNodeBytes;
  /// A text counts as if it had at least so many: who keeps short ones can always commit again where it has committed.
  static constexpr std::size_t kTextBytesMin = 64;

  [[nodiscard]] static std::size_t entry_bytes(const TopicPartition& partition) {
    return kEntryBytes + partition.topic.size();
  }
  [[nodiscard]] static std::size_t counted_text(const CommittedOffset& offset) {
    return std::max(offset.metadata.size(), kTextBytesMin);
  }

  Map map_;
  std::size_t bytes_ = 0;
};

}  // namespace mq::group
