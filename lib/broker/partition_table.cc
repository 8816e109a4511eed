#include "broker/partition_table.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace mq::broker {

void PartitionTable::put(std::shared_ptr<Partition> partition) {
  Topic& topic = topics_[partition->topic_id()];
  const auto index = static_cast<std::size_t>(partition->name().partition);
  if (topic.size() <= index) topic.resize(index + 1);
  MQ_ASSERT(topic[index] == nullptr);
  topic[index] = std::move(partition);
}

PartitionTable::Topic PartitionTable::take(const Uuid& topic_id) {
  const auto topic = topics_.find(topic_id);
  if (topic == topics_.end()) return {};
  Topic taken = std::move(topic->second);
  topics_.erase(topic);
  std::erase(taken, nullptr);
  return taken;
}

PartitionTable::Topic PartitionTable::take(const Uuid& topic_id, std::span<const std::int32_t> partitions) {
  Topic taken;
  const auto topic = topics_.find(topic_id);
  if (topic == topics_.end()) return taken;
  for (const std::int32_t index : partitions)
    if (find(topic_id, index) != nullptr) taken.push_back(std::move(topic->second[static_cast<std::size_t>(index)]));
  const auto is_none = [](const auto& partition) { return partition == nullptr; };
  if (std::ranges::all_of(topic->second, is_none)) topics_.erase(topic);
  return taken;
}

}  // namespace mq::broker
