#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/parsed_number.h"
#include "cluster_state.h"
#include "command.h"
#include "move_plan.h"
#include "placement.h"
#include "replicas.h"
#include "selection.h"

namespace mq::mqctl {
namespace {

// --- cluster info --------------------------------------------------------------------------------------------------

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
                                .summary = "the brokers of the cluster that are there",
                                .options = kOutputRows,
                                .examples = kExamples,
                                .outputs = kOutputs};

// --- cluster health ------------------------------------------------------------------------------------------------

constexpr cli::ColumnRow kHealthColumns[] = {
    {.name = "check", .help = "what was looked for"},
    {.name = "result", .help = "ok, bad, or note where it may well be so"},
    {.name = "count", .unit = cli::Unit::number, .help = "brokers or partitions that are so"},
    {.name = "examples", .help = "the first of them"},
};

std::string_view text_of(HealthCheck::Result result) {
  switch (result) {
    case HealthCheck::Result::ok:
      return "ok";
    case HealthCheck::Result::bad:
      return "bad";
    case HealthCheck::Result::note:
      return "note";
  }
  return "?";
}

awaitable<Result<void>> health(Console& console, Remote& remote) {
  MQ_CO_CHECK(co_await remote.connect());
  MQ_CO_TRY(const ClusterState state, co_await look_at_cluster(remote));
  const std::vector<HealthCheck> checks = check_health(state);
  cli::TableWriter table = console.table(kHealthColumns);
  for (const HealthCheck& check : checks)
    table.add({check.name, std::string(text_of(check.result)), check.count,
               check.examples.empty() ? cli::Cell{} : check.examples});
  if (!is_healthy(checks)) console.worsen(cli::ExitCode::some_failed);
  co_return co_await console.finish(table);
}

constexpr cli::Example kHealthExamples[] = {
    {"is all well? the exit code says so: 0 or 1", "mqctl cluster health >/dev/null || echo ill"},
    {"and what is not", "mqctl cluster health -o table"},
};
constexpr cli::OutputRow kHealthOutputs[] = {{.when = "", .columns = kHealthColumns}};
constexpr cli::CommandRow kHealth{.name = "cluster health",
                                  .summary = "what is wrong in the cluster; exits 1 when anything is",
                                  .options = kOutputRows,
                                  .examples = kHealthExamples,
                                  .outputs = kHealthOutputs};

// --- cluster wait --------------------------------------------------------------------------------------------------

/// What is waited for.
struct Goal {
  bool is_health = true;
  bool is_in_sync = false;
  std::int64_t brokers = 0;
};

cli::Parsed<Goal> parse_goal(std::string_view text) {
  constexpr std::string_view kBrokers = "brokers=";
  if (text == "healthy") return Goal{};
  if (text == "no-urp") return Goal{.is_health = false, .is_in_sync = true};
  if (text.starts_with(kBrokers)) {
    const auto count = parsed_number<std::int64_t>(text.substr(kBrokers.size()));
    if (count && *count >= 1) return Goal{.is_health = false, .brokers = *count};
  }
  return cli::bad_value(0, text.size(), "healthy, no-urp, or brokers=N");
}

struct WaitOptions {
  Goal goal;
  Duration within{0};
};

/// Nothing: it is reached; else what is still missing.
std::optional<std::string> missing_for(const Goal& goal, const ClusterState& state) {
  const auto there = static_cast<std::int64_t>(state.cluster.brokers.size());
  if (there < goal.brokers) return fmt::format("{} of {} brokers are there", there, goal.brokers);
  if (!goal.is_health && !goal.is_in_sync) return std::nullopt;
  for (const HealthCheck& check : check_health(state)) {
    const bool counts = goal.is_health || check.name == "under-replicated" || check.name == "offline";
    if (counts && check.result == HealthCheck::Result::bad)
      return fmt::format("{}: {}, as {}", check.name, check.count, check.examples.front());
  }
  return std::nullopt;
}

awaitable<Result<std::optional<std::string>>> look_once(Remote& remote, bool& is_connected, const Goal& goal) {
  if (!is_connected) {
    if (auto connected = co_await remote.connect(); !connected) {
      co_await remote.close();
      co_return std::unexpected(std::move(connected).error());
    }
    is_connected = true;
  }
  MQ_CO_TRY(const ClusterState state, co_await look_at_cluster(remote));
  co_return missing_for(goal, state);
}

bool may_pass(const Error& error) {
  return error.code == Errc::unreachable || error.code == Errc::timed_out || error.code == Errc::closed;
}

awaitable<Result<void>> wait(Console& console, Remote& remote) {
  constexpr Duration kPause = 200ms;
  const auto options = console.options<WaitOptions>();
  const Instant end = console.shard().now() + options.within;
  bool is_connected = false;
  std::string missing;
  while (true) {
    const auto looked = co_await look_once(remote, is_connected, options.goal);
    if (!looked && !may_pass(looked.error())) co_return std::unexpected(looked.error());
    if (looked && !*looked) co_return Result<void>{};
    missing = looked ? **looked : looked.error().message;
    if (console.shard().now() + kPause >= end) break;
    co_await console.shard().sleep_until(console.shard().now() + kPause);
  }
  co_return fail(Errc::timed_out, "the time is up: {}", missing);
}

constexpr std::array kWaitRows = {
    cli::OptionRow{.long_name = "for",
                   .value_name = "WHAT",
                   .fallback = "healthy",
                   .group = "What",
                   .help =
                       "healthy, as cluster health has it; no-urp: everything led and in sync; brokers=N: so many are "
                       "there",
                   .into = cli::parsed_into<parse_goal, &WaitOptions::goal>},
    cli::OptionRow{.long_name = "within",
                   .kind = cli::ValueKind::duration,
                   .value_name = "DUR",
                   .fallback = "60s",
                   .group = "What",
                   .help = "how long; then it exits 3 and says what is missing",
                   .into = cli::into<&WaitOptions::within>},
};
constexpr cli::Example kWaitExamples[] = {
    {"go on when three brokers are there", "mqctl cluster wait --for brokers=3"},
    {"one broker after the other: the next when all is in sync", "mqctl cluster wait --for no-urp --within 10m"},
};
constexpr cli::CommandRow kWait{.name = "cluster wait",
                                .summary = "wait until the cluster is as it should be",
                                .options = kWaitRows,
                                .examples = kWaitExamples};

// --- cluster drain -------------------------------------------------------------------------------------------------

awaitable<Result<void>> drain(Console& console, Remote& remote) {
  const auto ids = broker_ids(console, "BROKER", console.args().operands());
  if (!ids) co_return Result<void>{};
  MQ_CO_CHECK(co_await remote.connect());
  MQ_CO_TRY(const ClusterState state, co_await look_at_cluster(remote));
  Placement placement(state, *ids);
  std::vector<PlannedMove> planned;
  std::int64_t left = 0;
  for (const client::PartitionState& partition : state.partitions) {
    const std::vector<BrokerId> wanted = wanted_replicas(partition, state);
    if (without(wanted, *ids).size() == wanted.size()) continue;
    planned.push_back(planned_move(partition, state, placement.without_excluded(partition)));
    if (without(planned.back().to, *ids).size() < planned.back().to.size()) ++left;
  }
  if (left > 0)
    console.complain({.code = Errc::refused,
                      .message = fmt::format("there are too few other brokers for {} partitions: they stay", left)});
  co_return co_await carry_out(console, remote, std::move(planned));
}

constexpr cli::Example kDrainExamples[] = {
    {"empty broker 2 before it goes for good; first the plan", "mqctl cluster drain 2"},
    {"and do it", "mqctl cluster drain 2 --yes --wait 1h"},
};
constexpr cli::CommandRow kDrain{.name = "cluster drain",
                                 .operands_text = "BROKER...",
                                 .summary = "put what brokers have on others",
                                 .operands = {.min = 1},
                                 .effect = cli::Effect::destroys,
                                 .options = kMoveRows,
                                 .examples = kDrainExamples,
                                 .outputs = kMoveOutputs};

constexpr Command kCommands[] = {{&kInfo, info}, {&kHealth, health}, {&kWait, wait}, {&kDrain, drain}};

}  // namespace

std::span<const Command> cluster_commands() { return kCommands; }

}  // namespace mq::mqctl
