#include "cluster_state.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/parsed_number.h"

namespace mq::mqctl {
namespace {

/// From what every broker can tell.
std::vector<client::PartitionState> states_of(const std::vector<client::Cluster::TopicRef>& topics) {
  std::vector<client::PartitionState> states;
  for (const auto& topic : topics)
    for (std::size_t i = 0; i < topic->partitions.size(); ++i) {
      const client::PartitionInfo& info = topic->partitions[i];
      states.push_back({.where = {.topic = topic->name, .partition = static_cast<std::int32_t>(i)},
                        .leader = info.leader,
                        .leader_epoch = info.leader_epoch,
                        .replicas = info.replicas,
                        .in_sync = info.in_sync,
                        .eligible = {},
                        .last_in_sync = {},
                        .offline = {}});
    }
  return states;
}

awaitable<Result<std::vector<client::PartitionState>>> partitions_of(Remote& remote, std::vector<std::string> topics) {
  auto states = co_await remote.admin().describe_partitions(topics, remote.deadline());
  if (states || states.error().code != Errc::unsupported) co_return states;
  if (topics.empty()) {
    MQ_CO_TRY(const auto all, co_await remote.admin().list_topics(remote.deadline()));
    co_return states_of(all);
  }
  MQ_CO_TRY(const auto named, co_await remote.topics(std::move(topics)));
  co_return states_of(named);
}

}  // namespace

awaitable<Result<ClusterState>> look_at_cluster(Remote& remote, std::vector<std::string> topics) {
  ClusterState state;
  MQ_CO_TRY(state.cluster, co_await remote.admin().describe_cluster(remote.deadline()));
  MQ_CO_TRY(state.partitions, co_await partitions_of(remote, std::move(topics)));
  std::ranges::sort(state.partitions, {}, &client::PartitionState::where);
  auto moves = co_await remote.admin().list_reassignments(remote.deadline());
  if (!moves && moves.error().code != Errc::unsupported) co_return std::unexpected(std::move(moves).error());
  if (moves)
    for (client::Reassignment& move : *moves) state.moves.emplace(move.where, std::move(move));
  std::set<std::string> behind;
  for (const client::PartitionState& partition : state.partitions)
    if (partition.in_sync.size() < partition.replicas.size()) behind.insert(partition.where.topic);
  MQ_CO_TRY(state.insync_replicas_min,
            co_await insync_minima(remote, std::vector<std::string>(behind.begin(), behind.end())));
  co_return state;
}

awaitable<Result<std::map<std::string, std::int64_t>>> insync_minima(Remote& remote, std::vector<std::string> topics) {
  std::map<std::string, std::int64_t> minima;
  for (const std::string& topic : topics) {
    MQ_CO_TRY(const auto configs,
              co_await remote.admin().describe_configs(client::ResourceType::topic, topic, remote.deadline()));
    if (configs.error) co_return fail(*configs.error);
    const auto entry = std::ranges::find(configs.entries, "min.insync.replicas", &client::ConfigEntry::name);
    if (entry == configs.entries.end() || !entry->value) continue;
    if (const auto number = parsed_number<std::int64_t>(*entry->value)) minima[topic] = *number;
  }
  co_return minima;
}

}  // namespace mq::mqctl
