// DescribeTopicPartitions (key 75, KIP-966): topics in pages.

#include "wire/messages/describe_topic_partitions.h"

#include <algorithm>
#include <string>
#include <vector>

#include "broker/api/api.h"
#include "broker/doubtful_leaders.h"
#include "broker/endpoint.h"
#include "broker/services.h"
#include "broker/topic_resolver.h"

namespace mq::broker {
namespace {

constexpr std::int32_t kPartitionsMax = 2000;  // max.request.partition.size.limit

std::vector<std::string> names_of(const wire::DescribeTopicPartitionsRequest& request,
                                  const cluster::ClusterImage& image, const TopicResolver& topics) {
  std::vector<std::string> names;
  for (const auto& topic : request.topics) names.push_back(topic.name);
  if (names.empty())
    for (const cluster::TopicPtr& topic : image.topics())
      if (topics.may(*topic)) names.push_back(topic->name);
  std::ranges::sort(names);
  names.erase(std::unique(names.begin(), names.end()), names.end());
  if (request.cursor) std::erase_if(names, [&](const std::string& name) { return name < request.cursor->topic_name; });
  return names;
}

/// Whether the request can go on where its cursor says.
bool is_cursor_good(const wire::DescribeTopicPartitionsRequest& request) {
  if (!request.cursor) return true;
  const bool is_named = request.topics.empty() || std::ranges::any_of(request.topics, [&](const auto& topic) {
                          return topic.name == request.cursor->topic_name;
                        });
  return is_named && request.cursor->partition_index >= 0;
}

awaitable<wire::DescribeTopicPartitionsResponse> describe_topic_partitions(
    Call& call, const wire::DescribeTopicPartitionsRequest& request) {
  const auto doubtful = co_await doubtful_leaders(call.home());
  const auto image = call.home().image();
  wire::DescribeTopicPartitionsResponse response;
  if (!is_cursor_good(request)) {
    for (const auto& topic : request.topics) {
      auto& answer = response.topics.emplace_back();
      answer.name = topic.name;
      answer.error_code = ErrorCode::kInvalidRequest;
    }
    co_return response;
  }
  std::int32_t left = std::clamp(request.response_partition_limit, 1, kPartitionsMax);
  const TopicResolver topics(call, *image);
  for (const std::string& name : names_of(request, *image, topics)) {
    std::int32_t index = request.cursor && request.cursor->topic_name == name ? request.cursor->partition_index : 0;
    if (left == 0) {
      response.next_cursor.emplace();
      response.next_cursor->topic_name = name;
      response.next_cursor->partition_index = index;
      break;
    }
    auto& answer = response.topics.emplace_back();
    answer.name = name;
    const auto [topic, error] = topics.by_valid_name(name);
    if (topic == nullptr) {
      answer.error_code = error;
      continue;
    }
    answer.topic_id = topic->id;
    answer.is_internal = is_internal_topic(name);
    for (; index < topic->partition_count() && left > 0; ++index, --left) {
      const cluster::Partition& partition = topic->partitions[static_cast<std::size_t>(index)];
      auto& row = answer.partitions.emplace_back();
      row.partition_index = index;
      const bool is_led = partition.leader != kNoBroker && image->is_alive(partition.leader) &&
                          !doubtful.contains({.topic = topic->id, .index = index});
      if (!is_led) row.error_code = ErrorCode::kLeaderNotAvailable;
      row.leader_id = is_led ? partition.leader.value() : kNoBroker.value();
      row.leader_epoch = partition.leader_epoch.value();
      row.replica_nodes = ids_of(partition.replicas);
      row.isr_nodes = ids_of(partition.isr);
      row.eligible_leader_replicas = ids_of(partition.elr);
      row.last_known_elr = ids_of(partition.last_in_sync);
      row.offline_replicas = ids_of(gone_among(*image, partition.replicas));
    }
    if (index < topic->partition_count()) {
      response.next_cursor.emplace();
      response.next_cursor->topic_name = name;
      response.next_cursor->partition_index = index;
      break;
    }
  }
  co_return response;
}

}  // namespace

extern const ApiEntry kDescribeTopicPartitionsApi{
    .key = ApiKey::kDescribeTopicPartitions,
    .start = suspending<wire::DescribeTopicPartitionsRequest, describe_topic_partitions>,
    .needs = {.topic = AclOperation::describe}};

}  // namespace mq::broker
