// Metadata (key 3): brokers, topics, leaders. Makes topics that a client names, when that is on and the client allows
// it.

#include "wire/messages/metadata.h"

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>
#include <set>
#include <utility>
#include <vector>

#include "broker/api/api.h"
#include "broker/doubtful_leaders.h"
#include "broker/endpoint.h"
#include "broker/services.h"
#include "broker/topic_resolver.h"
#include "broker/topics.h"

namespace mq::broker {
namespace {

constexpr ApiVersion kTopicIdsAskedSince = 12;

Result<wire::MetadataRequest> decode_metadata(BytesView body, ApiVersion version) {
  auto message = wire::decode<wire::MetadataRequest>(body, version);
  // librdkafka (2.16 still) asks for all topics with four bytes of zeros, where the null of a compact array is one.
  constexpr std::string_view kPaddedNull("\0\0\0\0", 4);
  if (!message && version >= wire::MetadataRequest::kFlexibleSince && body.starts_with(kPaddedNull))
    return wire::decode<wire::MetadataRequest>(body.substr(kPaddedNull.size() - 1), version);
  return message;
}

wire::MetadataResponse::MetadataResponseTopic describe(const cluster::ClusterImage& image, const cluster::Topic& topic,
                                                       const std::set<cluster::PartitionPlace>& doubtful) {
  wire::MetadataResponse::MetadataResponseTopic answer;
  answer.name = topic.name;
  answer.topic_id = topic.id;
  answer.is_internal = is_internal_topic(topic.name);
  answer.partitions.reserve(static_cast<std::size_t>(topic.partition_count()));
  for (std::int32_t index = 0; index < topic.partition_count(); ++index) {
    const cluster::Partition& partition = topic.partitions[static_cast<std::size_t>(index)];
    const bool is_led = partition.leader != kNoBroker && image.is_alive(partition.leader) &&
                        !doubtful.contains({.topic = topic.id, .index = index});
    answer.partitions.push_back({.error_code = is_led ? ErrorCode::kNone : ErrorCode::kLeaderNotAvailable,
                                 .partition_index = index,
                                 .leader_id = is_led ? partition.leader.value() : kNoBroker.value(),
                                 .leader_epoch = partition.leader_epoch.value(),
                                 .replica_nodes = ids_of(partition.replicas),
                                 .isr_nodes = ids_of(partition.isr),
                                 .offline_replicas = ids_of(gone_among(image, partition.replicas))});
  }
  return answer;
}

wire::MetadataResponse::MetadataResponseTopic refusal(ErrorCode error, std::optional<std::string> name, Uuid id) {
  wire::MetadataResponse::MetadataResponseTopic answer;
  answer.error_code = error;
  answer.name = std::move(name);
  answer.topic_id = id;
  return answer;
}

/// The names in `request` that could be made now: asked for by a valid name, and not there.
std::vector<std::string> missing_topics(const wire::MetadataRequest& request, const TopicResolver& topics) {
  std::vector<std::string> missing;
  if (request.topics)
    for (const auto& topic : *request.topics)
      if (topic.name && topic.topic_id.is_zero() &&
          topics.by_valid_name(*topic.name).error == ErrorCode::kUnknownTopicOrPartition)
        missing.push_back(*topic.name);
  return missing;
}

/// Why those topics that are named and missing were not made, by name.
using NotMade = boost::unordered_flat_map<std::string, ErrorCode>;

awaitable<NotMade> make_topics(Call& call, std::vector<std::string> names) {
  ShardServices& home = call.home();
  NotMade not_made;
  const Needs& needs = find_entry(ApiKey::kCreateTopics)->needs;
  std::erase_if(names, [&](const std::string& name) {
    if (call.may(needs, {.type = ResourceType::topic, .name = name})) return false;
    not_made.emplace(name, ErrorCode::kTopicAuthorizationFailed);
    return true;
  });
  const auto outcomes = co_await await_on(home, home.node().first_shard(), [&home, names = std::move(names)] {
    return home.node().topics().create_on_demand(names);
  });
  for (const TopicOutcome& outcome : outcomes)
    if (outcome.error != ErrorCode::kNone) not_made.emplace(outcome.name, outcome.error);
  co_return not_made;
}

/// What a client means that names a topic twice is the topic, once: a small request must not make a large answer.
class Seen {
 public:
  bool before(const wire::MetadataRequest::MetadataRequestTopic& topic) {
    const bool by_name = topic.name && topic.topic_id.is_zero();
    return by_name ? !names_.insert(*topic.name).second : !ids_.insert(topic.topic_id).second;
  }

 private:
  boost::unordered_flat_set<std::string_view> names_;
  boost::unordered_flat_set<Uuid, std::hash<Uuid>> ids_;
};

void add_cluster(Call& call, const cluster::ClusterImage& image, wire::MetadataResponse& response) {
  for (ReachableBroker& broker : reachable_brokers(call.connection(), call.home().node(), image))
    response.brokers.push_back({.node_id = broker.id.value(),
                                .host = std::move(broker.endpoint.host),
                                .port = broker.endpoint.port,
                                .rack = std::move(broker.rack)});
  response.cluster_id = image.cluster_id().to_string();
  response.controller_id = controller_of(image).value();
}

/// This broker does not know what is true now: clients are to ask again.
wire::MetadataResponse while_held(Call& call, const wire::MetadataRequest& request) {
  wire::MetadataResponse response;
  add_cluster(call, *call.home().image(), response);
  if (!request.topics) return response;
  for (const auto& wanted : *request.topics)
    response.topics.push_back(refusal(ErrorCode::kLeaderNotAvailable, wanted.name, wanted.topic_id));
  return response;
}

awaitable<wire::MetadataResponse> metadata(Call& call, const wire::MetadataRequest& request) {
  ShardServices& home = call.home();
  if (home.node().context().is_held) co_return while_held(call, request);
  // Before version 4 a client could not say, and Kafka makes the topic.
  const bool may_create =
      home.node().config().auto_create_topics && (call.version() < 4 || request.allow_auto_topic_creation);
  NotMade not_made;
  if (auto missing = missing_topics(request, TopicResolver(call, *home.image())); may_create && !missing.empty())
    not_made = co_await make_topics(call, std::move(missing));

  const auto doubtful = co_await doubtful_leaders(home);
  const auto image = home.image();
  const TopicResolver topics(call, *image);
  wire::MetadataResponse response;
  add_cluster(call, *image, response);
  // Version 0 has no null: an empty list asks for all.
  const bool all = !request.topics || (call.version() == 0 && request.topics->empty());
  if (all) {
    for (const cluster::TopicPtr& topic : image->topics())
      if (topics.may(*topic)) response.topics.push_back(describe(*image, *topic, doubtful));
    co_return response;
  }
  Seen seen;
  for (const auto& wanted : *request.topics) {
    if (seen.before(wanted)) continue;
    // An id says more than a name.
    const bool by_id = !wanted.topic_id.is_zero() || !wanted.name;
    if (by_id && call.version() < kTopicIdsAskedSince) {
      response.topics.push_back(refusal(ErrorCode::kInvalidRequest, wanted.name.value_or(""), wanted.topic_id));
      continue;
    }
    const FoundTopic found = by_id ? topics.by_id(wanted.topic_id) : topics.by_valid_name(*wanted.name);
    if (found.topic != nullptr) {
      response.topics.push_back(describe(*image, *found.topic, doubtful));
    } else if (by_id) {
      response.topics.push_back(refusal(found.error, std::nullopt, wanted.topic_id));
    } else {
      const auto why = not_made.find(*wanted.name);
      const bool was_tried = found.error == ErrorCode::kUnknownTopicOrPartition && why != not_made.end();
      response.topics.push_back(refusal(was_tried ? why->second : found.error, wanted.name, {}));
    }
  }
  co_return response;
}

}  // namespace

extern const ApiEntry kMetadataApi{.key = ApiKey::kMetadata,
                                   .start = holding<wire::MetadataRequest, metadata, decode_metadata>,
                                   .needs = {.topic = AclOperation::describe},
                                   .is_answered_held = true};

}  // namespace mq::broker
