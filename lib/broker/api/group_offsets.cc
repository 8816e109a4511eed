// OffsetCommit (8), OffsetFetch (9), OffsetDelete (47). What concerns topics is checked here, what concerns groups by
// the coordinator.

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/api/api.h"
#include "broker/api/groups.h"
#include "broker/topic_resolver.h"
#include "wire/messages/offset_commit.h"
#include "wire/messages/offset_delete.h"
#include "wire/messages/offset_fetch.h"

namespace mq::broker {
namespace {

constexpr ApiVersion kTopicIdsInOffsetsSince = 10;
constexpr ApiVersion kManyGroupsSince = 8;
constexpr ApiVersion kGroupErrorInOffsetsSince = 2;
constexpr std::int32_t kNoOffset = -1;

/// Refused before the coordinator was asked.
struct Refused {
  std::size_t topic = 0;  ///< index in the request
  std::int32_t partition = 0;
  ErrorCode error = ErrorCode::kNone;
};

/// Fills in the names of topics given by id and the ids of others, and takes out of `request` what does not exist.
std::vector<Refused> check_topics(wire::OffsetCommitRequest& request, ApiVersion version, const TopicResolver& topics) {
  std::vector<Refused> refused;
  for (std::size_t i = 0; i < request.topics.size(); ++i) {
    auto& topic = request.topics[i];
    const FoundTopic found =
        version >= kTopicIdsInOffsetsSince ? topics.by_id(topic.topic_id) : topics.by_name(topic.name);
    if (found.topic != nullptr) topic.name = found.topic->name;
    if (found.topic != nullptr) topic.topic_id = found.topic->id;
    std::erase_if(topic.partitions, [&](const auto& partition) {
      const ErrorCode error = topics.place(found, partition.partition_index).error;
      if (error != ErrorCode::kNone) refused.push_back({i, partition.partition_index, error});
      return error != ErrorCode::kNone;
    });
  }
  return refused;
}

/// One answer in the order of the request, from the coordinator's and what was refused before. `asked` has names and
/// ids as the coordinator was told them.
void merge(wire::OffsetCommitResponse& response, const wire::OffsetCommitRequest& asked,
           const std::vector<Refused>& refused) {
  using Topic = std::pair<std::string_view, Uuid>;
  std::map<Topic, std::size_t> places;
  response.topics.reserve(response.topics.size() + refused.size());  // `places` points at the names
  for (std::size_t i = 0; i < response.topics.size(); ++i)
    places.emplace(Topic(response.topics[i].name, response.topics[i].topic_id), i);
  for (const Refused& item : refused) {
    const auto& topic = asked.topics[item.topic];
    const auto [place, is_new] = places.emplace(Topic(topic.name, topic.topic_id), response.topics.size());
    if (is_new) {
      auto& added = response.topics.emplace_back();
      added.name = topic.name;
      added.topic_id = topic.topic_id;
    }
    response.topics[place->second].partitions.push_back({.partition_index = item.partition, .error_code = item.error});
  }
}

using DeletedTopic = wire::OffsetDeleteResponse::OffsetDeleteResponseTopic;

/// Where the answer for topic `name` stands.
DeletedTopic& answer_of(wire::OffsetDeleteResponse& response, const std::string& name) {
  const auto found = std::ranges::find(response.topics, name, &DeletedTopic::name);
  if (found != response.topics.end()) return *found;
  auto& added = response.topics.emplace_back();
  added.name = name;
  return added;
}

/// Takes out of `request` what does not exist, and answers for it.
wire::OffsetDeleteResponse refuse_unknown(wire::OffsetDeleteRequest& request, const TopicResolver& topics) {
  wire::OffsetDeleteResponse refused;
  for (auto& topic : request.topics) {
    const FoundTopic found = topics.by_name(topic.name);
    std::erase_if(topic.partitions, [&](const auto& partition) {
      const ErrorCode error = topics.place(found, partition.partition_index).error;
      if (error != ErrorCode::kNone)
        answer_of(refused, topic.name)
            .partitions.push_back({.partition_index = partition.partition_index, .error_code = error});
      return error != ErrorCode::kNone;
    });
  }
  std::erase_if(request.topics, [](const auto& topic) { return topic.partitions.empty(); });
  return refused;
}

using GroupRequest = wire::OffsetFetchRequest::OffsetFetchRequestGroup;
using GroupResponse = wire::OffsetFetchResponse::OffsetFetchResponseGroup;
using FetchedTopic = wire::OffsetFetchResponse::OffsetFetchResponseTopics;

/// Versions below 8 ask for one group in a form of their own.
GroupRequest to_group(const wire::OffsetFetchRequest& request) {
  GroupRequest group;
  group.group_id = request.group_id;
  if (!request.topics) return group;
  group.topics.emplace();
  for (const auto& topic : *request.topics) {
    auto& wanted = group.topics->emplace_back();
    wanted.name = topic.name;
    wanted.partition_indexes = topic.partition_indexes;
  }
  return group;
}

/// The answer for a topic of which nothing is told.
FetchedTopic refused_topic(const wire::OffsetFetchRequest::OffsetFetchRequestTopics& topic, ErrorCode error) {
  FetchedTopic refused;
  refused.name = topic.name;
  refused.topic_id = topic.topic_id;
  for (const std::int32_t index : topic.partition_indexes) {
    auto& row = refused.partitions.emplace_back();
    row.partition_index = index;
    row.committed_offset = kNoOffset;
    row.metadata = "";
    row.error_code = error;
  }
  return refused;
}

wire::OffsetFetchResponse from_group(const GroupResponse& group) {
  wire::OffsetFetchResponse response;
  response.error_code = group.error_code;
  for (const auto& topic : group.topics) {
    auto& answer = response.topics.emplace_back();
    answer.name = topic.name;
    for (const auto& partition : topic.partitions) {
      auto& row = answer.partitions.emplace_back();
      row.partition_index = partition.partition_index;
      row.committed_offset = partition.committed_offset;
      row.committed_leader_epoch = partition.committed_leader_epoch;
      row.metadata = partition.metadata;
      row.error_code = partition.error_code;
    }
  }
  return response;
}

/// Fills in the names of topics given by id. Takes out of `group` what has none, or what the caller may not know of,
/// and returns the answers for it.
std::vector<FetchedTopic> refuse_topics(GroupRequest& group, ApiVersion version, const TopicResolver& topics) {
  std::vector<FetchedTopic> refused;
  if (!group.topics) return refused;
  std::erase_if(*group.topics, [&](auto& topic) {
    ErrorCode error = ErrorCode::kNone;
    if (version >= kTopicIdsInOffsetsSince) {
      const FoundTopic found = topics.by_id(topic.topic_id);
      error = found.error;
      if (found.topic != nullptr) topic.name = found.topic->name;
    } else if (!topics.may(topic.name)) {
      // Not whether it is there: a group keeps offsets of what is not.
      error = ErrorCode::kTopicAuthorizationFailed;
    }
    if (error != ErrorCode::kNone) refused.push_back(refused_topic(topic, error));
    return error != ErrorCode::kNone;
  });
  return refused;
}

/// What a group has committed when the commits to it that came before have come to their end.
awaitable<GroupResponse> ask_offsets(ShardServices& home, GroupRequest group, bool require_stable) {
  const CoordinatorPlace place = coordinator_of(home, group.group_id);
  co_return co_await await_answer<GroupResponse>(
      home.shard(), place.shard->shard(), [place, group = std::move(group), require_stable](auto told) mutable {
        GroupService& groups = place.shard->groups();
        const std::string group_id = group.group_id;
        groups.after_commits(
            place.partition, group_id,
            [&groups, place, group = std::move(group), require_stable, told = std::move(told)]() mutable {
              told(groups.find(place.partition).fetch_offsets(group, require_stable));
            });
      });
}

/// What of it the caller may know.
awaitable<GroupResponse> fetch_group(Call& call, const cluster::ClusterImage& image, GroupRequest group,
                                     bool require_stable) {
  if (const ErrorCode error = group_refusal(call, group.group_id); error != ErrorCode::kNone)
    co_return group::refuse(group, error);
  const TopicResolver topics(call, image);
  const bool all = !group.topics;
  std::vector<FetchedTopic> refused = refuse_topics(group, call.version(), topics);
  GroupResponse answer = co_await ask_offsets(call.home(), std::move(group), require_stable);
  // An error of the whole group says nothing of topics.
  if (answer.error_code != ErrorCode::kNone) co_return answer;
  if (all) {
    std::erase_if(answer.topics, [&](auto& topic) {
      // The coordinator knows names only.
      const bool by_id = call.version() >= kTopicIdsInOffsetsSince;
      const cluster::Topic* known = by_id ? image.find_topic(std::string_view(topic.name)) : nullptr;
      if (known != nullptr) topic.topic_id = known->id;
      return !topics.may(topic.name) || (by_id && known == nullptr);
    });
  }
  answer.topics.insert(answer.topics.end(), std::make_move_iterator(refused.begin()),
                       std::make_move_iterator(refused.end()));
  co_return answer;
}

awaitable<wire::OffsetFetchResponse> fetch_one_group(Call& call, const cluster::ClusterImage& image,
                                                     const wire::OffsetFetchRequest& request) {
  const GroupRequest group = to_group(request);
  GroupResponse answer = co_await fetch_group(call, image, group, request.require_stable);
  // Before version 2 there is no place for an error but at the partitions.
  if (call.version() < kGroupErrorInOffsetsSince && answer.error_code != ErrorCode::kNone && group.topics)
    for (const auto& topic : *group.topics) answer.topics.push_back(refused_topic(topic, answer.error_code));
  co_return from_group(answer);
}

awaitable<wire::OffsetFetchResponse> fetch_groups(Call& call, wire::OffsetFetchRequest request) {
  const auto image = call.home().image();
  if (call.version() < kManyGroupsSince) co_return co_await fetch_one_group(call, *image, request);
  wire::OffsetFetchResponse response;
  std::set<std::string> seen;
  for (GroupRequest& group : request.groups)
    if (seen.insert(group.group_id).second)
      response.groups.push_back(co_await fetch_group(call, *image, std::move(group), request.require_stable));
  co_return response;
}

void offset_commit(Call call, wire::OffsetCommitRequest request) {
  const std::string group_id = request.group_id;
  std::vector<Refused> refused = check_topics(request, call.version(), TopicResolver(call, *call.home().image()));
  auto asked = std::make_unique<const wire::OffsetCommitRequest>(request);
  ask_coordinator<wire::OffsetCommitResponse>(
      std::move(call), group_id, ask_with(&group::Coordinator::commit_offsets, std::move(request)),
      [asked = std::move(asked), refused = std::move(refused)](Call& c, wire::OffsetCommitResponse response) {
        merge(response, *asked, refused);
        c.answer(response);
      });
}

void offset_fetch(Call call, wire::OffsetFetchRequest request) {
  ShardServices& home = call.home();
  home.tasks().spawn([](Call c, wire::OffsetFetchRequest r) -> awaitable<void> {
    c.answer(co_await fetch_groups(c, std::move(r)));
  }(std::move(call), std::move(request)));
}

void offset_delete(Call call, wire::OffsetDeleteRequest request) {
  const std::string group_id = request.group_id;
  wire::OffsetDeleteResponse refused = refuse_unknown(request, TopicResolver(call, *call.home().image()));
  ask_coordinator<wire::OffsetDeleteResponse>(
      std::move(call), group_id, ask_with(&group::Coordinator::delete_offsets, std::move(request)),
      [refused = std::move(refused)](Call& c, wire::OffsetDeleteResponse response) {
        // An error of the whole group says nothing of topics.
        for (const auto& topic : refused.topics) {
          if (response.error_code != ErrorCode::kNone) break;
          auto& partitions = answer_of(response, topic.name).partitions;
          partitions.insert(partitions.end(), topic.partitions.begin(), topic.partitions.end());
        }
        c.answer(response);
      });
}

}  // namespace

extern const ApiEntry kOffsetCommitApi{.key = ApiKey::kOffsetCommit,
                                       .start = of_group<wire::OffsetCommitRequest, offset_commit>,
                                       .needs = {.topic = AclOperation::read, .group = AclOperation::read}};
extern const ApiEntry kOffsetFetchApi{.key = ApiKey::kOffsetFetch,
                                      .start = free_form<wire::OffsetFetchRequest, offset_fetch>,
                                      .needs = {.topic = AclOperation::describe, .group = AclOperation::describe}};
extern const ApiEntry kOffsetDeleteApi{.key = ApiKey::kOffsetDelete,
                                       .start = of_group<wire::OffsetDeleteRequest, offset_delete>,
                                       .needs = {.topic = AclOperation::read, .group = AclOperation::remove}};

}  // namespace mq::broker
