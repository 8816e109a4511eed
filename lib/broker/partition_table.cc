#include "broker/partition_table.h"

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

}  // namespace mq::broker
