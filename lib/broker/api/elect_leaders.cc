// ElectLeaders (key 43): any broker plans and commits.

#include "wire/messages/elect_leaders.h"

#include <string>
#include <utility>
#include <vector>

#include "broker/administration.h"
#include "broker/api/api.h"
#include "broker/services.h"

namespace mq::broker {
namespace {

using Rows = std::vector<wire::ElectLeadersResponse::ReplicaElectionResult>;

enum ElectionType : std::int8_t { kPreferred = 0, kUnclean = 1 };

/// One refusal for all.
wire::ElectLeadersResponse refuse_all(const wire::ElectLeadersRequest& request, ErrorCode error,
                                      const std::string& message) {
  wire::ElectLeadersResponse response;
  response.error_code = error;
  if (!request.topic_partitions) return response;
  for (const auto& topic : *request.topic_partitions) {
    auto& rows = response.replica_election_results.emplace_back();
    rows.topic = topic.topic;
    for (const std::int32_t index : topic.partitions)
      rows.partition_result.push_back({.partition_id = index, .error_code = error, .error_message = message});
  }
  return response;
}

/// Of all partitions those where an election may change something.
std::vector<wire::ElectLeadersRequest::TopicPartitions> all_that_may_need_one(const cluster::ClusterImage& image,
                                                                              controller::Election election) {
  std::vector<wire::ElectLeadersRequest::TopicPartitions> all;
  for (const cluster::TopicPtr& topic : image.topics()) {
    wire::ElectLeadersRequest::TopicPartitions some{.topic = topic->name, .partitions = {}};
    for (std::int32_t index = 0; index < topic->partition_count(); ++index) {
      const cluster::Partition& partition = *topic->find_partition(index);
      const bool is_led = controller::has_leader(image, partition);
      const bool is_as_wanted =
          election == controller::Election::unclean ? is_led : is_led && partition.leader == partition.replicas.front();
      if (!is_as_wanted) some.partitions.push_back(index);
    }
    if (!some.partitions.empty()) all.push_back(std::move(some));
  }
  return all;
}

awaitable<wire::ElectLeadersResponse> elect_leaders(Call& call, const wire::ElectLeadersRequest& request) {
  if (!call.may(kCluster)) co_return refuse_all(request, ErrorCode::kClusterAuthorizationFailed, "not allowed");
  if (request.election_type != kPreferred && request.election_type != kUnclean)
    co_return refuse_all(request, ErrorCode::kInvalidRequest,
                         "the type of an election is 0 (preferred) or 1 (unclean)");
  const auto election =
      request.election_type == kPreferred ? controller::Election::preferred : controller::Election::unclean;
  ShardServices& home = call.home();
  const auto image = home.image();
  const bool is_of_all = !request.topic_partitions;
  const auto wanted = is_of_all ? all_that_may_need_one(*image, election) : *request.topic_partitions;

  std::vector<cluster::PartitionPlace> places;
  for (const auto& topic : wanted)
    if (const cluster::Topic* known = image->find_topic(topic.topic))
      for (const std::int32_t index : topic.partitions) places.push_back({.topic = known->id, .index = index});
  const auto refusals = co_await await_on(
      home, home.node().first_shard(),
      [&home, places = std::move(places), election] { return home.node().administration().elect(places, election); });

  wire::ElectLeadersResponse response;
  auto refusal = refusals.begin();
  for (const auto& topic : wanted) {
    wire::ElectLeadersResponse::ReplicaElectionResult rows{.topic = topic.topic, .partition_result = {}};
    const bool is_known = image->find_topic(topic.topic) != nullptr;
    for (const std::int32_t index : topic.partitions) {
      auto& row = rows.partition_result.emplace_back();
      row.partition_id = index;
      row.error_code = is_known ? refusal->error : ErrorCode::kUnknownTopicOrPartition;
      if (row.error_code != ErrorCode::kNone)
        row.error_message = is_known ? refusal->message : "there is no such topic";
      if (is_known) ++refusal;
      // Who asks for all is told of those only that are not as they should be.
      if (is_of_all && row.error_code == ErrorCode::kElectionNotNeeded) rows.partition_result.pop_back();
    }
    if (!is_of_all || !rows.partition_result.empty()) response.replica_election_results.push_back(std::move(rows));
  }
  co_return response;
}

}  // namespace

extern const ApiEntry kElectLeadersApi{.key = ApiKey::kElectLeaders,
                                       .start = suspending<wire::ElectLeadersRequest, elect_leaders>,
                                       .needs = {.cluster = AclOperation::alter}};

}  // namespace mq::broker
