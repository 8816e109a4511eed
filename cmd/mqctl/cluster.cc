#include "command.h"

namespace mq::mqctl {
namespace {

constexpr cli::ColumnRow kColumns[] = {
    {.name = "cluster_id", .help = "the same in each row"},
    {.name = "broker", .unit = cli::Unit::number, .help = "its number"},
    {.name = "address", .help = "where clients find it"},
    {.name = "rack", .help = "none when it has none"},
    {.name = "controller", .unit = cli::Unit::yes_no, .help = "whether it is the controller"},
};

awaitable<Result<void>> info(Console& console, Remote& remote) {
  MQ_CO_CHECK(co_await remote.connect());
  MQ_CO_TRY(const auto cluster, co_await remote.admin().describe_cluster(remote.deadline()));
  cli::TableWriter table = console.table(kColumns);
  for (const client::BrokerInfo& broker : cluster.brokers)
    table.add({cluster.cluster_id, std::int64_t{broker.id.value()}, broker.address.to_string(),
               broker.rack.empty() ? cli::Cell{} : broker.rack, broker.id == cluster.controller});
  co_return co_await console.finish(table);
}

constexpr cli::Example kExamples[] = {{"who is there", "mqctl cluster info"}};
constexpr cli::OutputRow kOutputs[] = {{.when = "", .columns = kColumns}};
constexpr cli::CommandRow kInfo{.name = "cluster info",
                                .summary = "the brokers of the cluster",
                                .options = kOutputRows,
                                .examples = kExamples,
                                .outputs = kOutputs};
constexpr Command kCommands[] = {{&kInfo, info}};

}  // namespace

std::span<const Command> cluster_commands() { return kCommands; }

}  // namespace mq::mqctl
