#include "move_plan.h"

#include <algorithm>
#include <set>
#include <utility>

#include "partition_table.h"

namespace mq::mqctl {
namespace {

constexpr Duration kPause = 200ms;

/// Returns which of them still go on when the time is up.
awaitable<Result<std::set<TopicPartition>>> wait_for(Console& console, Remote& remote,
                                                     const std::vector<PlannedMove>& planned, Duration patience) {
  const Instant end = console.shard().now() + patience;
  while (true) {
    MQ_CO_TRY(const auto ongoing, co_await remote.admin().list_reassignments(remote.deadline()));
    std::set<TopicPartition> left;
    for (const client::Reassignment& move : ongoing)
      if (std::ranges::find(planned, move.where, &PlannedMove::where) != planned.end()) left.insert(move.where);
    if (left.empty() || console.shard().now() + kPause >= end) co_return left;
    co_await console.shard().sleep_until(console.shard().now() + kPause);
  }
}

awaitable<Result<void>> begin(Console& console, Remote& remote, std::vector<PlannedMove>& planned) {
  std::vector<client::PartitionMove> moves;
  for (const PlannedMove& move : planned)
    if (move.to != move.from) moves.push_back({.where = move.where, .replicas = move.to});
  if (moves.empty()) co_return Result<void>{};
  MQ_CO_TRY(const auto results, co_await remote.admin().alter_reassignments(std::move(moves), remote.deadline()));
  for (const client::PartitionResult& result : results) {
    const auto of = std::ranges::find(planned, result.where, &PlannedMove::where);
    of->result = result.error ? "failed" : "moving";
    if (result.error) console.complain(*result.error);
  }
  co_return Result<void>{};
}

}  // namespace

cli::Cell brokers_cell(const std::vector<BrokerId>& ids) {
  if (ids.empty()) return std::monostate{};
  std::vector<std::int64_t> numbers;
  for (const BrokerId id : ids) numbers.push_back(id.value());
  return numbers;
}

PlannedMove planned_move(const client::PartitionState& partition, const ClusterState& state, std::vector<BrokerId> to) {
  PlannedMove move{.where = partition.where,
                   .from = wanted_replicas(partition, state),
                   .to = std::move(to),
                   .added = {},
                   .result = "would move"};
  move.added = without(move.to, partition.replicas);
  if (move.to == move.from) move.result = "as it is";
  return move;
}

awaitable<Result<void>> carry_out(Console& console, Remote& remote, std::vector<PlannedMove> planned) {
  const auto changes = [](const PlannedMove& one) { return one.to != one.from; };
  const bool has_changes = std::ranges::any_of(planned, changes);
  if (has_changes) {
    // A broker that does not answer is no reason not to move what it has.
    const auto sizes = co_await partition_sizes(console, remote);
    for (PlannedMove& one : planned) {
      if (!sizes) break;
      const auto size = sizes->find(one.where);
      if (size != sizes->end()) one.copied_bytes = size->second * static_cast<std::int64_t>(one.added.size());
    }
  }
  std::set<TopicPartition> left;
  if (console.has_consent()) {
    MQ_CO_CHECK(co_await begin(console, remote, planned));
    if (const auto patience = console.options<MoveOptions>().wait) {
      MQ_CO_TRY(left, co_await wait_for(console, remote, planned, *patience));
      for (PlannedMove& one : planned)
        if (one.result == "moving" && !left.contains(one.where)) one.result = "moved";
    }
  }
  cli::TableWriter table = console.table(kMoveColumns);
  for (const PlannedMove& one : planned)
    table.add({one.where.topic, std::int64_t{one.where.partition}, brokers_cell(one.from), brokers_cell(one.to),
               one.copied_bytes ? cli::Cell{*one.copied_bytes} : cli::Cell{}, one.result});
  MQ_CO_CHECK(co_await console.finish(table));
  if (!console.has_consent() && has_changes) console.miss_consent("nothing was moved: add --yes to begin");
  if (!left.empty())
    console.complain({.code = Errc::timed_out,
                      .message = fmt::format(
                          "the time is up: {} partitions still move; mqctl partition moves shows them", left.size())});
  co_return Result<void>{};
}

}  // namespace mq::mqctl
