#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "cluster_state.h"
#include "command.h"
#include "explain.h"
#include "selection.h"

namespace mq::mqctl {
namespace {

constexpr cli::ColumnRow kColumns[] = {
    {.name = "topic", .help = "its topic"},
    {.name = "partition", .unit = cli::Unit::number, .help = "its number"},
    {.name = "what", .help = "is not as it should be, the gravest first; or that all is well"},
    {.name = "because", .help = "why"},
    {.name = "do", .help = "what to do about it; none where nothing has to be done"},
};

/// What each broker has of the partitions. A broker that does not answer is passed over: that is what is asked about.
awaitable<std::map<TopicPartition, std::map<BrokerId, std::int64_t>>> sizes_of(Remote& remote) {
  std::map<TopicPartition, std::map<BrokerId, std::int64_t>> sizes;
  const auto directories = co_await remote.admin().describe_log_dirs(remote.deadline());
  if (!directories) co_return sizes;
  for (const client::LogDir& directory : *directories)
    for (const client::ReplicaSize& replica : directory.replicas)
      if (!replica.is_future) sizes[replica.where][directory.broker] = replica.size_bytes;
  co_return sizes;
}

awaitable<Result<void>> partition(Console& console, Remote& remote) {
  const auto selection = select(console, console.args().operands());
  if (!selection) co_return Result<void>{};
  MQ_CO_CHECK(co_await remote.connect());
  MQ_CO_TRY(const ClusterState state, co_await look_at_cluster(remote, selection->topics));
  const bool is_all_in_sync = std::ranges::all_of(
      state.partitions, [](const client::PartitionState& one) { return one.in_sync.size() == one.replicas.size(); });
  std::map<TopicPartition, std::map<BrokerId, std::int64_t>> sizes;
  if (!is_all_in_sync) sizes = co_await sizes_of(remote);
  for (const std::string& topic : selection->topics)
    if (std::ranges::none_of(state.partitions, [&](const auto& one) { return one.where.topic == topic; }))
      console.complain({.code = Errc::not_found, .message = fmt::format("there is no topic {}", topic)});
  for (const TopicPartition& where : selection->partitions) {
    const auto is_of_topic = [&](const auto& one) { return one.where.topic == where.topic; };
    const auto is_it = [&](const auto& one) { return one.where == where; };
    if (std::ranges::any_of(state.partitions, is_of_topic) && std::ranges::none_of(state.partitions, is_it))
      console.complain({.code = Errc::not_found,
                        .message = fmt::format("topic {} has no partition {}", where.topic, where.partition)});
  }
  cli::TableWriter table = console.table(kColumns);
  for (const client::PartitionState& one : state.partitions) {
    if (!selection->has(one.where)) continue;
    for (Finding& finding : explain(one, state, sizes[one.where]))
      table.add({one.where.topic, std::int64_t{one.where.partition}, std::move(finding.what),
                 std::move(finding.because), finding.todo.empty() ? cli::Cell{} : std::move(finding.todo)});
  }
  co_return co_await console.finish(table);
}

constexpr cli::Example kExamples[] = {{"why is it not in sync, or not led", "mqctl why partition web/3"}};
constexpr cli::OutputRow kOutputs[] = {{.when = "", .columns = kColumns}};
constexpr cli::CommandRow kPartition{.name = "why partition",
                                     .operands_text = "TOPIC[/PARTITION]...",
                                     .summary = "what is wrong with partitions, why, and what to do",
                                     .operands = {.min = 1},
                                     .options = kOutputRows,
                                     .examples = kExamples,
                                     .outputs = kOutputs};
constexpr Command kCommands[] = {{&kPartition, partition}};

}  // namespace

std::span<const Command> why_commands() { return kCommands; }

}  // namespace mq::mqctl
