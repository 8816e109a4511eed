#pragma once

#include <cstdint>
#include <string_view>

#include "broker/call.h"
#include "cluster/image.h"
#include "model/error_code.h"
#include "model/ids.h"

namespace mq::broker {

/// A topic that a request names, or why its caller does not get to it.
struct FoundTopic {
  const cluster::Topic* topic = nullptr;  ///< lives as long as the image; null with an error
  ErrorCode error = ErrorCode::kNone;
};

/// The shard that has a partition, or why the caller does not get to it.
struct PartitionPlace {
  ShardServices* owner = nullptr;  ///< null with an error
  ErrorCode error = ErrorCode::kNone;
};

/// Finds what a request names: whether it exists, whether the caller may do to it what the API does, and where it
/// lives. Who may not is told the same whether a name exists or not.
class TopicResolver {
 public:
  /// Both outlive it.
  TopicResolver(const Call& call, const cluster::ClusterImage& image) : call_(call), image_(image) {}

  [[nodiscard]] FoundTopic by_name(std::string_view name) const;
  /// The same, but a name that no topic can have is INVALID_TOPIC_EXCEPTION.
  [[nodiscard]] FoundTopic by_valid_name(std::string_view name) const;
  [[nodiscard]] FoundTopic by_id(const Uuid& id) const;

  /// A partition of a topic, or the topic's error.
  [[nodiscard]] PartitionPlace place(const FoundTopic& found, std::int32_t index) const;

  /// Of all topics the caller is shown those that he may do it to.
  [[nodiscard]] bool may(const cluster::Topic& topic) const { return may(topic.name); }
  /// The same for a name, also of a topic that is not there.
  [[nodiscard]] bool may(std::string_view name) const { return call_.may({.type = ResourceType::topic, .name = name}); }

 private:
  const Call& call_;
  const cluster::ClusterImage& image_;
};

}  // namespace mq::broker
