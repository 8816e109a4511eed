// partition elect, move, rebalance, moves, cancel.

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "client/errors.h"
#include "cluster_state.h"
#include "command.h"
#include "move_plan.h"
#include "placement.h"
#include "replica_change.h"
#include "selection.h"

namespace mq::mqctl {
namespace {

cli::Cell broker_cell(BrokerId id) {
  if (id == kNoBroker) return std::monostate{};
  return std::int64_t{id.value()};
}

/// The partitions that the operands name; what is not there is complained about.
std::vector<client::PartitionState> chosen(Console& console, const Selection& selection, const ClusterState& state) {
  std::vector<client::PartitionState> partitions;
  std::set<std::string> topics;
  std::set<TopicPartition> found;
  for (const client::PartitionState& partition : state.partitions) {
    topics.insert(partition.where.topic);
    found.insert(partition.where);
    if (selection.has(partition.where)) partitions.push_back(partition);
  }
  for (const std::string& topic : selection.topics)
    if (!topics.contains(topic))
      console.complain({.code = Errc::not_found, .message = fmt::format("there is no topic {}", topic)});
  for (const TopicPartition& where : selection.partitions)
    if (topics.contains(where.topic) && !found.contains(where))
      console.complain({.code = Errc::not_found,
                        .message = fmt::format("topic {} has no partition {}", where.topic, where.partition)});
  return partitions;
}

// --- partition elect -----------------------------------------------------------------------------------------------

constexpr cli::ColumnRow kElectColumns[] = {
    {.name = "topic", .help = "its topic"},
    {.name = "partition", .unit = cli::Unit::number, .help = "its number"},
    {.name = "from", .unit = cli::Unit::number, .help = "the broker that led it; none where nobody did"},
    {.name = "to", .unit = cli::Unit::number, .help = "the one that is to lead it; with --unclean the cluster chooses"},
    {.name = "result", .help = "elected, would be elected, not needed or failed"},
};

struct ElectOptions {
  bool unclean = false;
};

awaitable<Result<void>> elect(Console& console, Remote& remote) {
  const bool is_unclean = console.options<ElectOptions>().unclean;
  const auto selection = select(console, console.args().operands());
  if (!selection) co_return Result<void>{};
  MQ_CO_CHECK(co_await remote.connect());
  MQ_CO_TRY(const ClusterState state, co_await look_at_cluster(remote, selection->topics));
  std::vector<client::PartitionState> wanted = chosen(console, *selection, state);
  const auto needs_none = [&](const client::PartitionState& partition) {
    return is_unclean ? !is_offline(partition) : !is_offline(partition) && !is_led_by_another(partition);
  };
  // Of all those that nobody named only what has to be done is of interest.
  if (selection->topics.empty()) std::erase_if(wanted, needs_none);

  const bool acts = is_unclean ? console.has_consent() : !console.is_dry_run();
  std::map<TopicPartition, std::optional<Error>> outcomes;
  std::vector<TopicPartition> asked;
  for (const client::PartitionState& partition : wanted)
    if (!needs_none(partition)) asked.push_back(partition.where);
  if (acts && !asked.empty()) {
    const auto kind = is_unclean ? client::Election::unclean : client::Election::preferred;
    MQ_CO_TRY(const auto results, co_await remote.admin().elect_leaders(kind, asked, remote.deadline()));
    for (const client::PartitionResult& result : results) outcomes[result.where] = result.error;
  }
  cli::TableWriter table = console.table(kElectColumns);
  for (const client::PartitionState& partition : wanted) {
    std::string result = needs_none(partition) ? "not needed" : acts ? "elected" : "would be elected";
    const auto outcome = outcomes.find(partition.where);
    if (outcome != outcomes.end() && outcome->second) {
      if (client::code_of(*outcome->second) == ErrorCode::kElectionNotNeeded) {
        result = "not needed";
      } else {
        result = "failed";
        console.complain(*outcome->second);
      }
    }
    const BrokerId to = is_unclean || partition.replicas.empty() ? kNoBroker : partition.replicas.front();
    table.add({partition.where.topic, std::int64_t{partition.where.partition}, broker_cell(partition.leader),
               broker_cell(to), std::move(result)});
  }
  MQ_CO_CHECK(co_await console.finish(table));
  if (is_unclean && !acts && !asked.empty())
    console.miss_consent(
        "nobody was elected: add --yes to have replicas lead that may lack records; the records that only others have "
        "are lost");
  co_return Result<void>{};
}

constexpr std::array kElectOwnRows = {
    cli::OptionRow{.long_name = "unclean",
                   .kind = cli::ValueKind::flag,
                   .group = "What",
                   .help = "where nobody leads: any replica that is there, whatever records it lacks; wants --yes",
                   .into = cli::into<&ElectOptions::unclean>},
};
constexpr auto kElectRows = joined(kElectOwnRows, kChangeAndOutputRows);
constexpr cli::Example kElectExamples[] = {
    {"after a restart: back to the first replica of each", "mqctl partition elect"},
    {"give up what only a broker has that is lost", "mqctl partition elect --unclean web/3 --yes"},
};
constexpr cli::OutputRow kElectOutputs[] = {{.when = "", .columns = kElectColumns}};
constexpr cli::CommandRow kElect{.name = "partition elect",
                                 .operands_text = "[TOPIC[/PARTITION]]...",
                                 .summary = "have the first replica lead, or with --unclean whoever is left",
                                 .operands = {},
                                 .effect = cli::Effect::changes,
                                 .options = kElectRows,
                                 .examples = kElectExamples,
                                 .outputs = kElectOutputs};

// --- partition move ------------------------------------------------------------------------------------------------

awaitable<Result<void>> move(Console& console, Remote& remote) {
  const auto operands = console.args().operands();
  const auto selection = select(console, operands.first(operands.size() - 1));
  const auto change = parse_replica_change(operands.back());
  if (!change) console.usage(console.args().usage_error("BROKERS", operands.back(), change.error()));
  if (!selection || !change) co_return Result<void>{};
  MQ_CO_CHECK(co_await remote.connect());
  MQ_CO_TRY(const ClusterState state, co_await look_at_cluster(remote, selection->topics));
  std::vector<PlannedMove> planned;
  for (const client::PartitionState& partition : chosen(console, *selection, state))
    if (auto to = change->of(wanted_replicas(partition, state)))
      planned.push_back(planned_move(partition, state, *std::move(to)));
  co_return co_await carry_out(console, remote, std::move(planned));
}

constexpr cli::Example kMoveExamples[] = {
    {"one partition to three brokers, the first of which leads; first the plan", "mqctl partition move web/3 4,5,6"},
    {"broker 4 instead of broker 2, wherever that is", "mqctl partition move web '2>4' --yes --wait 10m"},
    {"two replicas more", "mqctl partition move audit/0 1,2,3 --yes"},
};
constexpr cli::CommandRow kMove{.name = "partition move",
                                .operands_text = "TOPIC[/PARTITION]... BROKERS",
                                .summary = "put partitions on other brokers, while they are in use",
                                .operands = {.min = 2},
                                .effect = cli::Effect::destroys,
                                .options = kMoveRows,
                                .examples = kMoveExamples,
                                .outputs = kMoveOutputs};

// --- partition rebalance -------------------------------------------------------------------------------------------

struct RebalanceOptions {
  std::vector<std::string> exclude;
  std::int64_t moves_max = 0;
};

awaitable<Result<void>> rebalance(Console& console, Remote& remote) {
  const auto options = console.options<RebalanceOptions>();
  const auto selection = select(console, console.args().operands());
  const auto excluded = broker_ids(console, "exclude", options.exclude);
  if (!selection || !excluded) co_return Result<void>{};
  MQ_CO_CHECK(co_await remote.connect());
  MQ_CO_TRY(const ClusterState state, co_await look_at_cluster(remote));
  const std::vector<client::PartitionState> partitions = chosen(console, *selection, state);
  Placement placement(state, *excluded);
  std::map<TopicPartition, std::vector<BrokerId>> targets;
  const auto has_room = [&] { return static_cast<std::int64_t>(targets.size()) < options.moves_max; };
  std::int64_t staying = 0;
  for (const client::PartitionState& partition : partitions) {
    if (!has_room()) break;
    const std::vector<BrokerId> wanted = wanted_replicas(partition, state);
    if (without(wanted, *excluded).size() == wanted.size()) continue;
    auto to = placement.without_excluded(partition);
    if (without(to, *excluded).size() < to.size()) ++staying;
    if (to != wanted) targets[partition.where] = std::move(to);
  }
  if (staying > 0)
    console.complain({.code = Errc::refused,
                      .message = fmt::format("there are too few other brokers for {} partitions: they stay", staying)});
  while (has_room()) {
    Placement::Step step = placement.next_step(partitions);
    if (step.replicas.empty()) break;
    targets[step.where] = std::move(step.replicas);
  }
  std::vector<PlannedMove> planned;
  for (const client::PartitionState& partition : partitions)
    if (const auto target = targets.find(partition.where); target != targets.end())
      planned.push_back(planned_move(partition, state, target->second));
  co_return co_await carry_out(console, remote, std::move(planned));
}

constexpr std::array kRebalanceOwnRows = {
    cli::OptionRow{.long_name = "exclude",
                   .value_name = "BROKER",
                   .group = "What",
                   .help = "this broker is to have none of them",
                   .repeatable = true,
                   .into = cli::into<&RebalanceOptions::exclude>},
    cli::OptionRow{.long_name = "max-moves",
                   .kind = cli::ValueKind::number,
                   .value_name = "N",
                   .fallback = "10",
                   .group = "What",
                   .help = "partitions at most at a time",
                   .number_min = 1,
                   .into = cli::into<&RebalanceOptions::moves_max>},
};
constexpr auto kRebalanceRows = joined(kRebalanceOwnRows, kMoveRows);
constexpr cli::Example kRebalanceExamples[] = {
    {"a new broker is there: what would go to it", "mqctl partition rebalance"},
    {"empty broker 2 before it goes", "mqctl partition rebalance --exclude 2 --max-moves 1000 --yes --wait 1h"},
};
constexpr cli::CommandRow kRebalance{.name = "partition rebalance",
                                     .operands_text = "[TOPIC[/PARTITION]]...",
                                     .summary = "move replicas until each broker has as many",
                                     .operands = {},
                                     .effect = cli::Effect::destroys,
                                     .options = kRebalanceRows,
                                     .examples = kRebalanceExamples,
                                     .outputs = kMoveOutputs};

// --- partition moves -----------------------------------------------------------------------------------------------

constexpr cli::ColumnRow kMovesColumns[] = {
    {.name = "topic", .help = "its topic"},
    {.name = "partition", .unit = cli::Unit::number, .help = "its number"},
    {.name = "replicas", .help = "the brokers that keep it, with those that come and those that go"},
    {.name = "adding", .help = "those that come, and copy"},
    {.name = "removing", .help = "those that go when all that come are in sync"},
    {.name = "copied_bytes", .unit = cli::Unit::bytes, .help = "that those that come have"},
    {.name = "total_bytes", .unit = cli::Unit::bytes, .help = "that they have to have, as the log is now"},
};

using Sizes = std::map<std::pair<TopicPartition, BrokerId>, std::int64_t>;

awaitable<Result<Sizes>> sizes_by_broker(Console& console, Remote& remote) {
  Sizes sizes;
  MQ_CO_TRY(const auto directories, co_await remote.admin().describe_log_dirs(remote.deadline()));
  for (const client::LogDir& directory : directories) {
    if (directory.error) console.complain(*directory.error);
    for (const client::ReplicaSize& replica : directory.replicas)
      if (!replica.is_future) sizes[{replica.where, directory.broker}] = replica.size_bytes;
  }
  co_return sizes;
}

awaitable<Result<void>> moves(Console& console, Remote& remote) {
  const auto selection = select(console, console.args().operands());
  if (!selection) co_return Result<void>{};
  MQ_CO_CHECK(co_await remote.connect());
  MQ_CO_TRY(const auto ongoing, co_await remote.admin().list_reassignments(remote.deadline()));
  Sizes sizes;
  if (!ongoing.empty()) {
    MQ_CO_TRY(sizes, co_await sizes_by_broker(console, remote));
  }
  const auto size_on = [&](const TopicPartition& where, BrokerId id) {
    const auto found = sizes.find({where, id});
    return found == sizes.end() ? std::int64_t{0} : found->second;
  };
  cli::TableWriter table = console.table(kMovesColumns);
  for (const client::Reassignment& move : ongoing) {
    if (!selection->has(move.where)) continue;
    std::int64_t largest = 0;
    for (const BrokerId id : move.replicas) largest = std::max(largest, size_on(move.where, id));
    std::int64_t copied = 0;
    for (const BrokerId id : move.adding) copied += size_on(move.where, id);
    table.add({move.where.topic, std::int64_t{move.where.partition}, brokers_cell(move.replicas),
               brokers_cell(move.adding), brokers_cell(move.removing), copied,
               largest * static_cast<std::int64_t>(move.adding.size())});
  }
  co_return co_await console.finish(table);
}

constexpr cli::Example kMovesExamples[] = {{"how far are they", "mqctl partition moves -o table"}};
constexpr cli::OutputRow kMovesOutputs[] = {{.when = "", .columns = kMovesColumns}};
constexpr cli::CommandRow kMoves{.name = "partition moves",
                                 .operands_text = "[TOPIC[/PARTITION]]...",
                                 .summary = "partitions on their way to other brokers, and how far they are",
                                 .operands = {},
                                 .options = kOutputRows,
                                 .examples = kMovesExamples,
                                 .outputs = kMovesOutputs};

// --- partition cancel ----------------------------------------------------------------------------------------------

constexpr cli::ColumnRow kCancelColumns[] = {
    {.name = "topic", .help = "its topic"},
    {.name = "partition", .unit = cli::Unit::number, .help = "its number"},
    {.name = "replicas", .help = "the brokers that keep it from now on: those of before"},
    {.name = "result", .help = "cancelled, would be cancelled or failed"},
};

awaitable<Result<void>> cancel(Console& console, Remote& remote) {
  const auto selection = select(console, console.args().operands());
  if (!selection) co_return Result<void>{};
  MQ_CO_CHECK(co_await remote.connect());
  MQ_CO_TRY(auto ongoing, co_await remote.admin().list_reassignments(remote.deadline()));
  std::erase_if(ongoing, [&](const client::Reassignment& move) { return !selection->has(move.where); });
  const auto goes_on = [&](const TopicPartition& where) {
    return std::ranges::find(ongoing, where, &client::Reassignment::where) != ongoing.end();
  };
  for (const TopicPartition& where : selection->partitions)
    if (!goes_on(where))
      console.complain({.code = Errc::refused,
                        .message = fmt::format("{}/{} is not on its way anywhere", where.topic, where.partition)});
  std::map<TopicPartition, std::optional<Error>> outcomes;
  if (!console.is_dry_run() && !ongoing.empty()) {
    std::vector<client::PartitionMove> wanted;
    for (const client::Reassignment& move : ongoing) wanted.push_back({.where = move.where, .replicas = std::nullopt});
    MQ_CO_TRY(const auto results, co_await remote.admin().alter_reassignments(std::move(wanted), remote.deadline()));
    for (const client::PartitionResult& result : results) outcomes[result.where] = result.error;
  }
  cli::TableWriter table = console.table(kCancelColumns);
  for (const client::Reassignment& move : ongoing) {
    std::string result = console.is_dry_run() ? "would be cancelled" : "cancelled";
    if (const auto outcome = outcomes.find(move.where); outcome != outcomes.end() && outcome->second) {
      result = "failed";
      console.complain(*outcome->second);
    }
    table.add({move.where.topic, std::int64_t{move.where.partition}, brokers_cell(without(move.replicas, move.adding)),
               std::move(result)});
  }
  co_return co_await console.finish(table);
}

constexpr cli::Example kCancelExamples[] = {{"one that would not end", "mqctl partition cancel web/3"},
                                            {"all that go on", "mqctl partition cancel"}};
constexpr cli::OutputRow kCancelOutputs[] = {{.when = "", .columns = kCancelColumns}};
constexpr cli::CommandRow kCancel{.name = "partition cancel",
                                  .operands_text = "[TOPIC[/PARTITION]]...",
                                  .summary = "call moves off that go on",
                                  .operands = {},
                                  .effect = cli::Effect::changes,
                                  .options = kChangeAndOutputRows,
                                  .examples = kCancelExamples,
                                  .outputs = kCancelOutputs};

constexpr Command kCommands[] = {
    {&kElect, elect}, {&kMove, move}, {&kRebalance, rebalance}, {&kMoves, moves}, {&kCancel, cancel}};

}  // namespace

std::span<const Command> partition_move_commands() { return kCommands; }

}  // namespace mq::mqctl
