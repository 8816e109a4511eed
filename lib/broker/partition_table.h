#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "broker/partition.h"
#include "model/ids.h"

namespace mq::broker {

/// The partitions that live on one shard, by topic id and index. On its thread only.
class PartitionTable {
 public:
  using Topic = std::vector<std::shared_ptr<Partition>>;

  /// Null: it does not live here.
  [[nodiscard]] Partition* find(const Uuid& topic_id, std::int32_t index) const {
    const auto topic = topics_.find(topic_id);
    if (topic == topics_.end() || index < 0 || static_cast<std::size_t>(index) >= topic->second.size()) return nullptr;
    return topic->second[static_cast<std::size_t>(index)].get();
  }
  /// It is not here yet.
  void put(std::shared_ptr<Partition> partition);
  /// Takes those of a topic out. Empty when none is here.
  [[nodiscard]] Topic take(const Uuid& topic_id);
  /// Takes those of them out that are here.
  [[nodiscard]] Topic take(const Uuid& topic_id, std::span<const std::int32_t> partitions);

  /// The pool closes the logs: until it is done nobody here may touch them.
  void lend_logs(bool are_lent) { are_logs_lent_ = are_lent; }
  [[nodiscard]] bool are_logs_lent() const { return are_logs_lent_; }

  // `f` puts and takes nothing. Topics come in any order, the partitions of one by their index.

  /// `f(const Uuid&)` for each topic that has a partition here.
  template <class F>
  void for_each_topic(F f) const {
    for (const auto& [id, topic] : topics_) f(id);
  }
  template <class F>
  void for_each_of(const Uuid& topic_id, F f) const {
    const auto topic = topics_.find(topic_id);
    if (topic == topics_.end()) return;
    for (const auto& partition : topic->second)
      if (partition) f(*partition);
  }
  template <class F>
  void for_each(F f) const {
    for (const auto& [id, topic] : topics_)
      for (const auto& partition : topic)
        if (partition) f(*partition);
  }

 private:
  /// A topic has null for the partitions of other shards.
  boost::unordered_flat_map<Uuid, Topic, std::hash<Uuid>> topics_;
  bool are_logs_lent_ = false;
};

}  // namespace mq::broker
