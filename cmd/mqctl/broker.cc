#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/errors.h"
#include "cluster_state.h"
#include "command.h"
#include "selection.h"

namespace mq::mqctl {
namespace {

/// What one broker has to do with partitions.
struct Share {
  std::int64_t led = 0;
  std::int64_t replicas = 0;
  std::int64_t behind = 0;
};

std::map<BrokerId, Share> shares_of(const ClusterState& state) {
  std::map<BrokerId, Share> shares;
  for (const client::PartitionState& partition : state.partitions) {
    if (partition.leader != kNoBroker) ++shares[partition.leader].led;
    for (const BrokerId id : partition.replicas) {
      Share& share = shares[id];
      ++share.replicas;
      if (std::ranges::find(partition.in_sync, id) == partition.in_sync.end()) ++share.behind;
    }
  }
  return shares;
}

// --- broker list ---------------------------------------------------------------------------------------------------

constexpr cli::ColumnRow kListColumns[] = {
    {.name = "broker", .unit = cli::Unit::number, .help = "its number"},
    {.name = "address", .help = "where clients find it, or found it"},
    {.name = "rack", .help = "none when it has none"},
    {.name = "state", .help = "there, gone, or drained: there, and to lead nothing"},
    {.name = "controller", .unit = cli::Unit::yes_no, .help = "whether it is the controller"},
    {.name = "leads", .unit = cli::Unit::number, .help = "partitions"},
    {.name = "replicas", .unit = cli::Unit::number, .help = "of partitions, those that it leads among them"},
    {.name = "behind", .unit = cli::Unit::number, .help = "those of them that are not in sync"},
};

awaitable<Result<void>> list(Console& console, Remote& remote) {
  MQ_CO_CHECK(co_await remote.connect());
  MQ_CO_TRY(const ClusterState state, co_await look_at_cluster(remote));
  std::map<BrokerId, Share> shares = shares_of(state);
  std::map<BrokerId, std::pair<client::BrokerInfo, bool>> brokers;
  for (const client::BrokerInfo& broker : state.cluster.fenced) brokers[broker.id] = {broker, false};
  for (const client::BrokerInfo& broker : state.cluster.brokers) brokers[broker.id] = {broker, true};
  cli::TableWriter table = console.table(kListColumns);
  for (const auto& [id, known] : brokers) {
    const auto& [broker, is_there] = known;
    const Share& share = shares[id];
    const bool is_drained = std::ranges::find(state.cluster.drained, id) != state.cluster.drained.end();
    table.add({std::int64_t{id.value()}, broker.address.to_string(), broker.rack.empty() ? cli::Cell{} : broker.rack,
               std::string(!is_there    ? "gone"
                           : is_drained ? "drained"
                                        : "there"),
               id == state.cluster.controller, share.led, share.replicas, share.behind});
  }
  co_return co_await console.finish(table);
}

constexpr cli::Example kListExamples[] = {{"who is gone, and what it has", "mqctl broker list"}};
constexpr cli::OutputRow kListOutputs[] = {{.when = "", .columns = kListColumns}};
constexpr cli::CommandRow kList{.name = "broker list",
                                .summary = "brokers, those that are gone too, and what they have",
                                .options = kOutputRows,
                                .examples = kListExamples,
                                .outputs = kListOutputs};

// --- broker remove -------------------------------------------------------------------------------------------------

constexpr cli::ColumnRow kRemoveColumns[] = {
    {.name = "broker", .unit = cli::Unit::number, .help = "its number"},
    {.name = "replicas", .unit = cli::Unit::number, .help = "of partitions that still name it"},
    {.name = "result", .help = "removed, would be removed or failed"},
};

/// Why it cannot be removed, as far as can be seen.
std::optional<Error> obstacle_to(BrokerId id, const ClusterState& state) {
  const auto is_it = [id](const client::BrokerInfo& broker) { return broker.id == id; };
  if (std::ranges::any_of(state.cluster.brokers, is_it))
    return Error{.code = Errc::refused,
                 .message = fmt::format("broker {} is there: stop it first", id.value()),
                 .kafka_code = 0};
  if (std::ranges::none_of(state.cluster.fenced, is_it))
    return Error{.code = Errc::not_found, .message = fmt::format("there is no broker {}", id.value()), .kafka_code = 0};
  return std::nullopt;
}

awaitable<Result<void>> remove(Console& console, Remote& remote) {
  const auto ids = broker_ids(console, "BROKER", console.args().operands());
  if (!ids) co_return Result<void>{};
  MQ_CO_CHECK(co_await remote.connect());
  MQ_CO_TRY(const ClusterState state, co_await look_at_cluster(remote));
  std::map<BrokerId, Share> shares = shares_of(state);
  cli::TableWriter table = console.table(kRemoveColumns);
  bool waits = false;
  for (const BrokerId id : *ids) {
    std::string result = console.has_consent() ? "removed" : "would be removed";
    std::optional<Error> error = obstacle_to(id, state);
    if (!error && console.has_consent()) {
      const auto done = co_await remote.admin().unregister_broker(id, remote.deadline());
      if (!done) error = done.error();
    }
    if (error) {
      const bool is_refused = client::code_of(*error) == ErrorCode::kInvalidRequest;
      console.complain(*error, is_refused ? cli::ExitCode::precondition : cli::exit_code_of(*error));
      result = "failed";
    }
    waits = waits || (!error && !console.has_consent());
    const std::int64_t replicas = shares[id].replicas;
    if (!error && replicas > 0)
      console.notice(
          console.has_consent()
              ? fmt::format(
                    "{} partitions still have a replica on broker {}, which is lost: mqctl partition move TOPIC "
                    "'{}>BROKER' --yes gives them another",
                    replicas, id.value(), id.value())
              : fmt::format("{} partitions still have a replica on broker {}: first give them another with mqctl "
                            "partition rebalance --exclude {} --max-moves 100000 --yes --wait 10m",
                            replicas, id.value(), id.value()));
    table.add({std::int64_t{id.value()}, replicas, std::move(result)});
  }
  MQ_CO_CHECK(co_await console.finish(table));
  if (waits) console.miss_consent("nothing was removed: add --yes to remove the brokers for good");
  co_return Result<void>{};
}

constexpr cli::Example kRemoveExamples[] = {
    {"a machine that does not come back; its number is never given again", "mqctl broker remove 2 --yes"}};
constexpr cli::OutputRow kRemoveOutputs[] = {{.when = "", .columns = kRemoveColumns}};
constexpr cli::CommandRow kRemove{.name = "broker remove",
                                  .operands_text = "BROKER...",
                                  .summary = "take brokers that do not come back out of the cluster",
                                  .operands = {.min = 1},
                                  .effect = cli::Effect::destroys,
                                  .options = kChangeAndOutputRows,
                                  .examples = kRemoveExamples,
                                  .outputs = kRemoveOutputs};

constexpr Command kCommands[] = {{&kList, list}, {&kRemove, remove}};

}  // namespace

std::span<const Command> broker_commands() { return kCommands; }

}  // namespace mq::mqctl
