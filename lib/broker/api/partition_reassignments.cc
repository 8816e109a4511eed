// AlterPartitionReassignments (45), ListPartitionReassignments (46).

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/administration.h"
#include "broker/api/api.h"
#include "broker/endpoint.h"
#include "broker/services.h"
#include "wire/messages/alter_partition_reassignments.h"
#include "wire/messages/list_partition_reassignments.h"

namespace mq::broker {
namespace {

using wire::AlterPartitionReassignmentsRequest;
using wire::AlterPartitionReassignmentsResponse;
using wire::ListPartitionReassignmentsRequest;
using wire::ListPartitionReassignmentsResponse;

// --- Altering --------------------------------------------------------------------------------------------------------

using Altered = AlterPartitionReassignmentsResponse::ReassignablePartitionResponse;

void refuse(Altered& row, ErrorCode error, std::string message) {
  row.error_code = error;
  row.error_message = std::move(message);
}

AlterPartitionReassignmentsResponse refuse_all(const AlterPartitionReassignmentsRequest& request, ErrorCode error,
                                               const std::string& message) {
  AlterPartitionReassignmentsResponse response;
  response.error_code = error;
  response.error_message = message;
  for (const auto& topic : request.topics) {
    auto& rows = response.responses.emplace_back();
    rows.name = topic.name;
    for (const auto& partition : topic.partitions)
      refuse(rows.partitions.emplace_back(Altered{.partition_index = partition.partition_index}), error, message);
  }
  return response;
}

/// How many replicas the partition is to have as things go.
std::size_t factor_of(const cluster::Partition& partition) {
  return partition.replicas.size() - partition.removing.size();
}

/// What of a request is found without its plan; nothing: it is to be planned.
std::optional<controller::Refusal> problem_of(const cluster::Topic* topic,
                                              const AlterPartitionReassignmentsRequest::ReassignablePartition& wanted,
                                              bool may_change_factor) {
  if (topic == nullptr)
    return controller::Refusal{.error = ErrorCode::kUnknownTopicOrPartition, .message = "there is no such topic"};
  const cluster::Partition* known = topic->find_partition(wanted.partition_index);
  if (known == nullptr || !wanted.replicas || may_change_factor || wanted.replicas->size() == factor_of(*known))
    return std::nullopt;
  return controller::Refusal{.error = ErrorCode::kInvalidReplicationFactor,
                             .message = fmt::format("the replication factor would change from {} to {}",
                                                    factor_of(*known), wanted.replicas->size())};
}

awaitable<AlterPartitionReassignmentsResponse> alter(Call& call, const AlterPartitionReassignmentsRequest& request) {
  if (!call.may(kCluster)) co_return refuse_all(request, ErrorCode::kClusterAuthorizationFailed, "not allowed");
  ShardServices& home = call.home();
  const auto image = home.image();
  AlterPartitionReassignmentsResponse response;
  response.allow_replication_factor_change = request.allow_replication_factor_change;
  std::vector<Administration::Move> moves;
  std::vector<std::pair<std::size_t, std::size_t>> planned;  // topic and partition of each move, in the response
  for (const auto& topic : request.topics) {
    auto& rows = response.responses.emplace_back();
    rows.name = topic.name;
    const cluster::Topic* known = image->find_topic(topic.name);
    for (const auto& partition : topic.partitions) {
      auto& row = rows.partitions.emplace_back();
      row.partition_index = partition.partition_index;
      if (auto problem = problem_of(known, partition, request.allow_replication_factor_change)) {
        refuse(row, problem->error, std::move(problem->message));
        continue;
      }
      Administration::Move move{.place = {.topic = known->id, .index = partition.partition_index}, .target = {}};
      if (partition.replicas) {
        move.target.emplace();
        for (const std::int32_t id : *partition.replicas) move.target->emplace_back(id);
      }
      moves.push_back(std::move(move));
      planned.emplace_back(response.responses.size() - 1, rows.partitions.size() - 1);
    }
  }
  auto refusals = co_await await_on(home, home.node().first_shard(), [&home, moves = std::move(moves)] {
    return home.node().administration().reassign(moves);
  });
  for (std::size_t i = 0; i < planned.size(); ++i)
    if (refusals[i].error != ErrorCode::kNone)
      refuse(response.responses[planned[i].first].partitions[planned[i].second], refusals[i].error,
             std::move(refusals[i].message));
  co_return response;
}

// --- Listing ---------------------------------------------------------------------------------------------------------

/// Those of `indexes` that are on their way; null: of all.
void add_ongoing(ListPartitionReassignmentsResponse& response, const cluster::Topic& topic,
                 const std::set<std::int32_t>* indexes) {
  ListPartitionReassignmentsResponse::OngoingTopicReassignment rows{.name = topic.name, .partitions = {}};
  for (std::int32_t index = 0; index < topic.partition_count(); ++index) {
    const cluster::Partition& partition = *topic.find_partition(index);
    const bool is_asked = indexes == nullptr || indexes->contains(index);
    if (!is_asked || (partition.adding.empty() && partition.removing.empty())) continue;
    rows.partitions.push_back({.partition_index = index,
                               .replicas = ids_of(partition.replicas),
                               .adding_replicas = ids_of(partition.adding),
                               .removing_replicas = ids_of(partition.removing)});
  }
  if (!rows.partitions.empty()) response.topics.push_back(std::move(rows));
}

ListPartitionReassignmentsResponse list(Call& call, const ListPartitionReassignmentsRequest& request) {
  ListPartitionReassignmentsResponse response;
  if (!call.may(kCluster)) {
    response.error_code = ErrorCode::kClusterAuthorizationFailed;
    response.error_message = "not allowed";
    return response;
  }
  const auto image = call.home().image();
  if (!request.topics) {
    for (const cluster::TopicPtr& topic : image->topics()) add_ongoing(response, *topic, nullptr);
    return response;
  }
  std::map<std::string_view, std::set<std::int32_t>> asked;
  for (const auto& topic : request.topics.value())
    asked[topic.name].insert(topic.partition_indexes.begin(), topic.partition_indexes.end());
  for (const auto& [name, indexes] : asked)
    if (const cluster::Topic* topic = image->find_topic(name)) add_ongoing(response, *topic, &indexes);
  return response;
}

}  // namespace

extern const ApiEntry kAlterPartitionReassignmentsApi{.key = ApiKey::kAlterPartitionReassignments,
                                                      .start = suspending<AlterPartitionReassignmentsRequest, alter>,
                                                      .needs = {.cluster = AclOperation::alter}};
extern const ApiEntry kListPartitionReassignmentsApi{.key = ApiKey::kListPartitionReassignments,
                                                     .start = answering<ListPartitionReassignmentsRequest, list>,
                                                     .needs = {.cluster = AclOperation::describe}};

}  // namespace mq::broker
