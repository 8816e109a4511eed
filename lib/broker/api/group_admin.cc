// DescribeGroups (15), ListGroups (16), DeleteGroups (42), FindCoordinator (10).

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/api/api.h"
#include "broker/api/groups.h"
#include "broker/doubtful_leaders.h"
#include "broker/endpoint.h"
#include "broker/topics.h"
#include "wire/messages/delete_groups.h"
#include "wire/messages/describe_groups.h"
#include "wire/messages/find_coordinator.h"
#include "wire/messages/list_groups.h"

namespace mq::broker {
namespace {

constexpr std::int8_t kGroupKey = 0;
constexpr std::int8_t kTransactionKey = 1;
constexpr ApiVersion kManyKeysSince = 4;

ErrorCode key_refusal(const Call& call, const std::string& key, std::int8_t key_type) {
  if (key_type == kGroupKey) return group_refusal(call, key);
  if (key_type != kTransactionKey) return ErrorCode::kNone;
  return call.refusal({.type = ResourceType::transactional_id, .name = key});
}

/// Whether the request is for a group that its caller may know of.
bool asks_for_group(const Call& call, const wire::FindCoordinatorRequest& request) {
  if (request.key_type != kGroupKey) return false;
  const auto may = [&](const std::string& id) { return group_refusal(call, id) == ErrorCode::kNone; };
  return call.version() < kManyKeysSince ? may(request.key) : std::ranges::any_of(request.coordinator_keys, may);
}

wire::FindCoordinatorResponse::Coordinator find(Call& call, std::string key, std::int8_t key_type,
                                                const std::set<cluster::PartitionPlace>& doubtful) {
  const auto image = call.home().image();
  const cluster::Topic* offsets = image->find_topic(kOffsetsTopic);
  wire::FindCoordinatorResponse::Coordinator found;
  found.key = std::move(key);
  found.node_id = -1;
  found.port = -1;
  if (const ErrorCode error = key_refusal(call, found.key, key_type); error != ErrorCode::kNone) {
    found.error_code = error;
    found.error_message = "not allowed";
  } else if (key_type == kTransactionKey) {
    // Fatal: a retriable error would have a transactional producer ask for ever.
    found.error_code = ErrorCode::kTransactionalIdAuthorizationFailed;
    found.error_message = "this broker has no transactions";
  } else if (key_type != kGroupKey) {
    found.error_code = ErrorCode::kInvalidRequest;
    found.error_message = "only groups (key type 0) have a coordinator here";
  } else if (offsets == nullptr) {
    found.error_code = ErrorCode::kCoordinatorNotAvailable;
    found.error_message = "__consumer_offsets could not be made";
  } else {
    const std::int32_t partition = group::partition_for(found.key, offsets->partition_count());
    const bool is_doubtful = doubtful.contains({.topic = offsets->id, .index = partition});
    const BrokerId led_by = is_doubtful ? kNoBroker : offsets->find_partition(partition)->leader;
    const cluster::Broker* leader = image->find_broker(led_by);
    auto endpoint = leader == nullptr ? std::nullopt : endpoint_of(call.connection(), call.home().node(), *leader);
    if (endpoint) {
      found.node_id = leader->id.value();
      found.host = std::move(endpoint->host);
      found.port = endpoint->port;
    } else {
      found.error_code = ErrorCode::kCoordinatorNotAvailable;
      found.error_message = "nobody leads the partition of this group";
    }
  }
  return found;
}

awaitable<wire::FindCoordinatorResponse> find_coordinator(Call& call, const wire::FindCoordinatorRequest& request) {
  ShardServices& home = call.home();
  if (home.image()->find_topic(kOffsetsTopic) == nullptr && asks_for_group(call, request)) {
    // The first group of this broker: its topic comes to be now, also where clients may not make topics.
    (void)co_await await_on(home, home.node().first_shard(),
                            [&home] { return home.node().topics().create_on_demand({std::string(kOffsetsTopic)}); });
  }
  const auto doubtful = co_await doubtful_leaders(home);
  wire::FindCoordinatorResponse response;
  if (call.version() >= kManyKeysSince) {
    for (const std::string& key : request.coordinator_keys)
      response.coordinators.push_back(find(call, key, request.key_type, doubtful));
    co_return response;
  }
  auto found = find(call, request.key, request.key_type, doubtful);
  response.error_code = found.error_code;
  response.error_message = std::move(found.error_message);
  response.node_id = found.node_id;
  response.host = std::move(found.host);
  response.port = found.port;
  co_return response;
}

awaitable<wire::DescribeGroupsResponse> describe_groups(Call& call, const wire::DescribeGroupsRequest& request) {
  ShardServices& home = call.home();
  wire::DescribeGroupsResponse response;
  std::set<std::string_view> seen;
  for (const std::string& id : request.groups) {
    if (!seen.insert(id).second) continue;
    if (const ErrorCode error = group_refusal(call, id); error != ErrorCode::kNone) {
      response.groups.push_back({.error_code = error, .group_id = id});
      continue;
    }
    const CoordinatorPlace place = coordinator_of(home, id);
    response.groups.push_back(
        co_await env::on_shard(home.shard(), place.shard->shard(), [place, &id, version = call.version()] {
          return place.shard->groups().find(place.partition).describe(id, version);
        }));
  }
  co_return response;
}

awaitable<wire::ListGroupsResponse> list_groups(Call& call, const wire::ListGroupsRequest& request) {
  ShardServices& home = call.home();
  wire::ListGroupsResponse response;
  for (ShardServices* const shard : home.node().shards()) {
    auto listed = co_await env::on_shard(home.shard(), shard->shard(), [shard, &request] {
      wire::ListGroupsResponse part;
      shard->groups().for_each_certain([&](const group::Coordinator& coordinator) {
        if (const ErrorCode error = coordinator.list(request, part.groups); error != ErrorCode::kNone)
          part.error_code = error;
      });
      return part;
    });
    if (listed.error_code != ErrorCode::kNone) response.error_code = listed.error_code;
    response.groups.insert(response.groups.end(), std::make_move_iterator(listed.groups.begin()),
                           std::make_move_iterator(listed.groups.end()));
  }
  // Who may describe the cluster sees them all.
  if (!call.may(kCluster))
    std::erase_if(response.groups,
                  [&](const auto& group) { return group_refusal(call, group.group_id) != ErrorCode::kNone; });
  co_return response;
}

awaitable<wire::DeleteGroupsResponse> delete_groups(Call& call, const wire::DeleteGroupsRequest& request) {
  using Result = wire::DeleteGroupsResponse::DeletableGroupResult;
  ShardServices& home = call.home();
  wire::DeleteGroupsResponse response;
  for (const std::string& id : request.groups_names) {
    if (const ErrorCode error = group_refusal(call, id); error != ErrorCode::kNone) {
      response.results.push_back(group::refuse_delete(id, error));
      continue;
    }
    const CoordinatorPlace place = coordinator_of(home, id);
    group::Response deleted =
        co_await await_answer<group::Response>(home.shard(), place.shard->shard(), [place, id](auto told) {
          const auto remove = [id](group::Coordinator& coordinator, group::RequestToken token, group::Time time) {
            return coordinator.delete_group(token, id, time);
          };
          place.shard->groups().ask(place.partition, remove, std::move(told));
        });
    response.results.push_back(std::get<Result>(std::move(deleted)));
  }
  co_return response;
}

}  // namespace

extern const ApiEntry kFindCoordinatorApi{
    .key = ApiKey::kFindCoordinator,
    .start = suspending<wire::FindCoordinatorRequest, find_coordinator>,
    .needs = {.group = AclOperation::describe, .transactional_id = AclOperation::describe}};
extern const ApiEntry kDescribeGroupsApi{.key = ApiKey::kDescribeGroups,
                                         .start = suspending<wire::DescribeGroupsRequest, describe_groups>,
                                         .needs = {.group = AclOperation::describe}};
extern const ApiEntry kListGroupsApi{.key = ApiKey::kListGroups,
                                     .start = suspending<wire::ListGroupsRequest, list_groups>,
                                     .needs = {.group = AclOperation::describe, .cluster = AclOperation::describe}};
extern const ApiEntry kDeleteGroupsApi{.key = ApiKey::kDeleteGroups,
                                       .start = suspending<wire::DeleteGroupsRequest, delete_groups>,
                                       .needs = {.group = AclOperation::remove}};

}  // namespace mq::broker
