#include "client/group_offsets.h"

#include <algorithm>

#include "client/connection.h"
#include "wire/messages/offset_commit.h"
#include "wire/messages/offset_fetch.h"

namespace mq::client {
namespace {

/// From version 10 on topics have ids only, which a caller that has names would have to look up first.
constexpr ApiVersion kLastOffsetsByName = 9;

/// Appends to the entry of `name` in a list of topics, made when it is missing.
auto& topic_named(auto& topics, const std::string& name) {
  const auto found = std::ranges::find_if(topics, [&](const auto& topic) { return topic.name == name; });
  if (found != topics.end()) return *found;
  auto& added = topics.emplace_back();
  added.name = name;
  return added;
}

Result<void> take(const auto& topics, std::vector<CommittedOffset>& offsets) {
  for (const auto& topic : topics)
    for (const auto& partition : topic.partitions) {
      TopicPartition where{.topic = topic.name, .partition = partition.partition_index};
      if (partition.error_code != ErrorCode::kNone)
        return fail(broker_error(partition.error_code, "committed offset of {}", where.to_string()));
      offsets.push_back({.where = std::move(where),
                         .offset = Offset{partition.committed_offset},
                         .leader_epoch = LeaderEpoch{partition.committed_leader_epoch},
                         .metadata = partition.metadata.value_or("")});
    }
  return {};
}

}  // namespace

bool is_coordinator_error(ErrorCode code) {
  return code == ErrorCode::kNotCoordinator || code == ErrorCode::kCoordinatorNotAvailable ||
         code == ErrorCode::kCoordinatorLoadInProgress;
}

awaitable<Result<std::vector<CommittedOffset>>> fetch_committed(Cluster& cluster, std::string group,
                                                                std::optional<std::vector<TopicPartition>> partitions) {
  MQ_CO_TRY(auto connection, co_await cluster.coordinator(group));
  wire::OffsetFetchRequest request;
  request.group_id = group;
  request.require_stable = true;
  auto& asked = request.groups.emplace_back();
  asked.group_id = group;
  if (partitions) {
    request.topics.emplace();
    asked.topics.emplace();
    for (const TopicPartition& where : *partitions) {
      topic_named(*request.topics, where.topic).partition_indexes.push_back(where.partition);
      topic_named(*asked.topics, where.topic).partition_indexes.push_back(where.partition);
    }
  }
  MQ_CO_TRY(const auto response,
            co_await connection->call(std::move(request), cluster.options().request_timeout, kLastOffsetsByName));
  const auto& body = response.body;
  constexpr ApiVersion kFirstWithGroups = 8;
  std::vector<CommittedOffset> offsets;
  ErrorCode code = body.error_code;
  Result<void> taken;
  if (response.version >= kFirstWithGroups) {
    if (body.groups.size() != 1)
      co_return fail(Errc::corrupt, "group {}: offsets of {} groups", group, body.groups.size());
    code = body.groups[0].error_code;
    taken = take(body.groups[0].topics, offsets);
  } else {
    taken = take(body.topics, offsets);
  }
  if (is_coordinator_error(code)) cluster.forget_coordinator(group);
  if (code != ErrorCode::kNone) co_return fail(broker_error(code, "offsets of group {}", group));
  if (!taken) co_return fail(taken.error());
  co_return offsets;
}

awaitable<Result<std::vector<std::pair<TopicPartition, ErrorCode>>>> commit_offsets(
    Cluster& cluster, std::string group, Committer committer, std::vector<CommittedOffset> offsets) {
  MQ_CO_TRY(auto connection, co_await cluster.coordinator(group));
  wire::OffsetCommitRequest request;
  request.group_id = group;
  request.member_id = std::move(committer.member_id);
  request.generation_id_or_member_epoch = committer.generation;
  request.group_instance_id = std::move(committer.instance_id);
  for (const CommittedOffset& offset : offsets) {
    auto& partition = topic_named(request.topics, offset.where.topic).partitions.emplace_back();
    partition.partition_index = offset.where.partition;
    partition.committed_offset = offset.offset.value();
    partition.committed_leader_epoch = offset.leader_epoch.value();
    partition.committed_metadata = offset.metadata;
  }
  MQ_CO_TRY(const auto response,
            co_await connection->call(std::move(request), cluster.options().request_timeout, kLastOffsetsByName));
  std::vector<std::pair<TopicPartition, ErrorCode>> results;
  for (const auto& topic : response.body.topics)
    for (const auto& partition : topic.partitions) {
      if (is_coordinator_error(partition.error_code)) cluster.forget_coordinator(group);
      results.emplace_back(TopicPartition{.topic = topic.name, .partition = partition.partition_index},
                           partition.error_code);
    }
  co_return results;
}

}  // namespace mq::client
