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
constexpr std::int32_t kNoOffset = -1;

/// Refused before the coordinator was asked.
struct Refused {
  std::size_t topic = 0;  ///< index in the request
  std::int32_t partition = 0;
  ErrorCode error = ErrorCode::kNone;
};

/// Fills in the names of topics given by id, and takes out of `request` what does not exist.
std::vector<Refused> check_topics(wire::OffsetCommitRequest& request, ApiVersion version, const TopicResolver& topics) {
  std::vector<Refused> refused;
  for (std::size_t i = 0; i < request.topics.size(); ++i) {
    auto& topic = request.topics[i];
    const FoundTopic found =
        version >= kTopicIdsInOffsetsSince ? topics.by_id(topic.topic_id) : topics.by_name(topic.name);
    if (found.topic != nullptr) topic.name = found.topic->name;
    std::erase_if(topic.partitions, [&](const auto& partition) {
      const ErrorCode error = topics.place(found, partition.partition_index).error;
      if (error != ErrorCode::kNone) refused.push_back({i, partition.partition_index, error});
      return error != ErrorCode::kNone;
    });
  }
  return refused;
}

/// One answer in the order of the request, from the coordinator's and what was refused before.
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

void from_group(wire::OffsetFetchResponse& response, const GroupResponse& group, ApiVersion version) {
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
      // Version 1 has no error at the top.
      row.error_code = version < 2 && group.error_code != ErrorCode::kNone ? group.error_code : partition.error_code;
    }
  }
}

/// Takes topics with unknown ids out of `group` and returns their answers.
std::vector<wire::OffsetFetchResponse::OffsetFetchResponseTopics> name_topics(GroupRequest& group,
                                                                              const TopicResolver& topics) {
  std::vector<wire::OffsetFetchResponse::OffsetFetchResponseTopics> unknown;
  if (!group.topics) return unknown;
  std::erase_if(*group.topics, [&](auto& topic) {
    const FoundTopic found = topics.by_id(topic.topic_id);
    if (found.topic != nullptr) {
      topic.name = found.topic->name;
      return false;
    }
    auto& answer = unknown.emplace_back();
    answer.topic_id = topic.topic_id;
    for (const std::int32_t index : topic.partition_indexes) {
      auto& row = answer.partitions.emplace_back();
      row.partition_index = index;
      row.committed_offset = kNoOffset;
      row.error_code = found.error;
    }
    return true;
  });
  return unknown;
}

/// What a group has committed when the commits to it that came before have come to their end.
awaitable<GroupResponse> fetch_group(ShardServices& home, GroupRequest group, bool require_stable) {
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

awaitable<wire::OffsetFetchResponse> fetch_groups(Call& call, wire::OffsetFetchRequest request) {
  ShardServices& home = call.home();
  const auto image = home.image();
  wire::OffsetFetchResponse response;
  if (call.version() < kManyGroupsSince) {
    from_group(response, co_await fetch_group(home, to_group(request), request.require_stable), call.version());
    co_return response;
  }
  std::set<std::string> seen;
  for (GroupRequest& group : request.groups) {
    if (!seen.insert(group.group_id).second) continue;
    std::vector<wire::OffsetFetchResponse::OffsetFetchResponseTopics> unknown;
    if (call.version() >= kTopicIdsInOffsetsSince) unknown = name_topics(group, TopicResolver(call, *image));
    GroupResponse answer = co_await fetch_group(home, group, request.require_stable);
    if (call.version() >= kTopicIdsInOffsetsSince) {
      // All topics were asked for: the coordinator knows names only.
      for (auto& topic : answer.topics)
        if (const cluster::Topic* known = image->find_topic(std::string_view(topic.name))) topic.topic_id = known->id;
      std::erase_if(answer.topics, [](const auto& topic) { return topic.topic_id.is_zero(); });
      answer.topics.insert(answer.topics.end(), std::make_move_iterator(unknown.begin()),
                           std::make_move_iterator(unknown.end()));
    }
    response.groups.push_back(std::move(answer));
  }
  co_return response;
}

void offset_commit(Call call, wire::OffsetCommitRequest request) {
  const std::string group_id = request.group_id;
  auto asked = std::make_unique<const wire::OffsetCommitRequest>(request);
  std::vector<Refused> refused = check_topics(request, call.version(), TopicResolver(call, *call.home().image()));
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
                                       .start = free_form<wire::OffsetCommitRequest, offset_commit>,
                                       .needs = {.topic = AclOperation::read, .group = AclOperation::read}};
extern const ApiEntry kOffsetFetchApi{.key = ApiKey::kOffsetFetch,
                                      .start = free_form<wire::OffsetFetchRequest, offset_fetch>,
                                      .needs = {.topic = AclOperation::describe, .group = AclOperation::describe}};
extern const ApiEntry kOffsetDeleteApi{.key = ApiKey::kOffsetDelete,
                                       .start = free_form<wire::OffsetDeleteRequest, offset_delete>,
                                       .needs = {.topic = AclOperation::read, .group = AclOperation::remove}};

}  // namespace mq::broker
