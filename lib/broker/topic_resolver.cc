#include "broker/topic_resolver.h"

namespace mq::broker {

FoundTopic TopicResolver::by_name(std::string_view name) const {
  if (!may(name)) return {.error = ErrorCode::kTopicAuthorizationFailed};
  const cluster::Topic* topic = image_.find_topic(name);
  return {.topic = topic, .error = topic != nullptr ? ErrorCode::kNone : ErrorCode::kUnknownTopicOrPartition};
}

FoundTopic TopicResolver::by_valid_name(std::string_view name) const {
  FoundTopic found = by_name(name);
  if (found.error == ErrorCode::kUnknownTopicOrPartition && topic_name_problem(name) != nullptr)
    found.error = ErrorCode::kInvalidTopicException;
  return found;
}

FoundTopic TopicResolver::by_id(const Uuid& id) const {
  const cluster::Topic* topic = image_.find_topic(id);
  if (topic == nullptr) return {.error = ErrorCode::kUnknownTopicId};
  if (!may(*topic)) return {.error = ErrorCode::kTopicAuthorizationFailed};
  return {.topic = topic};
}

PartitionPlace TopicResolver::place(const FoundTopic& found, std::int32_t index) const {
  if (found.topic == nullptr) return {.error = found.error};
  if (found.topic->find_partition(index) == nullptr) return {.error = ErrorCode::kUnknownTopicOrPartition};
  return {.owner = &call_.home().node().owner_of(found.topic->id, index)};
}

}  // namespace mq::broker
