#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/parsed_number.h"
#include "client/errors.h"
#include "cluster_state.h"
#include "command.h"
#include "selection.h"

namespace mq::mqctl {
namespace {

bool is_among(const std::vector<BrokerId>& brokers, BrokerId id) {
  return std::ranges::find(brokers, id) != brokers.end();
}

// --- cluster info --------------------------------------------------------------------------------------------------

constexpr cli::ColumnRow kColumns[] = {
    {.name = "cluster_id", .help = "the same in each row"},
    {.name = "broker", .unit = cli::Unit::number, .help = "its number"},
    {.name = "address", .help = "where clients find it"},
    {.name = "rack", .help = "none when it has none"},
    {.name = "controller", .unit = cli::Unit::yes_no, .help = "whether it is the controller"},
    {.name = "drained", .unit = cli::Unit::yes_no, .help = "whether it is to lead nothing: cluster drain"},
};

awaitable<Result<void>> info(Console& console, Remote& remote) {
  MQ_CO_CHECK(co_await remote.connect());
  MQ_CO_TRY(const auto cluster, co_await remote.admin().describe_cluster(remote.deadline()));
  cli::TableWriter table = console.table(kColumns);
  for (const client::BrokerInfo& broker : cluster.brokers)
    table.add({cluster.cluster_id, std::int64_t{broker.id.value()}, broker.address.to_string(),
               broker.rack.empty() ? cli::Cell{} : broker.rack, broker.id == cluster.controller,
               is_among(cluster.drained, broker.id)});
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

constexpr cli::ColumnRow kDrainColumns[] = {
    {.name = "topic", .help = "its topic"},
    {.name = "partition", .unit = cli::Unit::number, .help = "its number"},
    {.name = "from", .unit = cli::Unit::number, .help = "the broker that led it"},
    {.name = "to", .unit = cli::Unit::number, .help = "the one that leads it now; none while nobody does"},
    {.name = "result", .help = "moved, stays, would move or would stay"},
};

struct DrainOptions {
  Duration within{0};
  bool is_undone = false;
};

using PartitionStates = std::vector<client::PartitionState>;

PartitionStates led_by(const std::vector<BrokerId>& ids, const PartitionStates& partitions) {
  PartitionStates led;
  std::ranges::copy_if(partitions, std::back_inserter(led),
                       [&](const client::PartitionState& one) { return is_among(ids, one.leader); });
  return led;
}

/// Whether one of these is in sync that could lead in the stead of `ids`, as far as is known.
bool has_other(const std::vector<BrokerId>& brokers, const std::vector<BrokerId>& ids, const ClusterState& state) {
  return std::ranges::any_of(brokers, [&](BrokerId id) {
    const auto is_it = [id](const client::BrokerInfo& broker) { return broker.id == id; };
    return !is_among(ids, id) && !is_among(state.cluster.drained, id) &&
           std::ranges::any_of(state.cluster.brokers, is_it);
  });
}

/// "3 partitions, t/0, t/1 and u/0"; the first ten.
std::string named(const PartitionStates& partitions) {
  constexpr std::size_t kNamedMax = 10;
  std::string text = partitions.size() == 1 ? "1 partition" : fmt::format("{} partitions", partitions.size());
  for (std::size_t i = 0; i < std::min(partitions.size(), kNamedMax); ++i)
    fmt::format_to(std::back_inserter(text), ", {}/{}", partitions[i].where.topic, partitions[i].where.partition);
  if (partitions.size() > kNamedMax) text += ", ...";
  return text;
}

/// Marks them, and returns those that are marked.
awaitable<std::vector<BrokerId>> mark(Console& console, Remote& remote, const std::vector<BrokerId>& ids,
                                      bool is_drained) {
  std::vector<BrokerId> marked;
  for (const BrokerId id : ids) {
    const auto done = co_await remote.admin().drain_broker(id, is_drained, remote.deadline());
    if (done) {
      marked.push_back(id);
      continue;
    }
    Error error = done.error();
    if (error.code == Errc::closed)
      error.message += "; a broker that does not know this request, as of an earlier version, closes the connection";
    const bool is_refused = client::code_of(error) == ErrorCode::kInvalidRequest;
    console.complain(error, is_refused ? cli::ExitCode::precondition : cli::exit_code_of(error));
  }
  co_return marked;
}

/// Those of them that are there; the others are complained about.
std::vector<BrokerId> that_are_there(Console& console, std::vector<BrokerId> ids, const ClusterState& state) {
  std::erase_if(ids, [&](BrokerId id) {
    const auto is_it = [id](const client::BrokerInfo& broker) { return broker.id == id; };
    if (std::ranges::any_of(state.cluster.brokers, is_it)) return false;
    const bool is_gone = std::ranges::any_of(state.cluster.fenced, is_it);
    if (is_gone)
      console.complain(
          {.code = Errc::refused, .message = fmt::format("broker {} is gone, and leads nothing", id.value())});
    else
      console.complain({.code = Errc::not_found, .message = fmt::format("there is no broker {}", id.value())});
    return true;
  });
  return ids;
}

/// Returns when they lead nothing that another one could lead one day, or the time is up; `state` is as it is then.
awaitable<Result<void>> wait_until_drained(Console& console, Remote& remote, const std::vector<BrokerId>& ids,
                                           Duration patience, ClusterState& state) {
  constexpr Duration kPause = 100ms;
  constexpr Duration kTellingPause = 1s;
  const Instant end = console.shard().now() + patience;
  Instant tells_at = console.shard().now() + kTellingPause;
  while (true) {
    auto looked = co_await look_at_cluster(remote);
    const Instant now = console.shard().now();
    const bool is_last = now + kPause >= end;
    if (!looked && (is_last || !may_pass(looked.error()))) co_return std::unexpected(std::move(looked).error());
    if (looked) {
      state = *std::move(looked);
      const PartitionStates left = led_by(ids, state.partitions);
      const auto may_move = [](const client::PartitionState& one) { return one.replicas.size() > 1; };
      if (is_last || std::ranges::none_of(left, may_move)) co_return Result<void>{};
      if (now >= tells_at) {
        console.notice(fmt::format("waiting for others to lead {}", named(left)));
        tells_at = now + kTellingPause;
      }
    }
    co_await console.shard().sleep_until(now + kPause);
  }
}

/// What they lead still, and why.
void complain_of_rest(Console& console, const std::vector<BrokerId>& ids, const ClusterState& state) {
  PartitionStates only, behind, slow;
  for (const client::PartitionState& one : led_by(ids, state.partitions))
    (one.replicas.size() < 2 ? only : has_other(one.in_sync, ids, state) ? slow : behind).push_back(one);
  if (!only.empty())
    console.complain(
        {.code = Errc::refused,
         .message = fmt::format("no other broker has a copy of {}: nobody leads there while this one is away; mqctl "
                                "topic alter TOPIC -r 3 --yes gives a topic more replicas",
                                named(only))});
  if (!behind.empty())
    console.complain({.code = Errc::timed_out,
                      .message = fmt::format(
                          "the time is up: nobody else that could lead is in sync in {}; mqctl why partition says "
                          "more",
                          named(behind))});
  if (!slow.empty())
    console.complain({.code = Errc::timed_out,
                      .message = fmt::format("the time is up: others are in sync and do not lead yet in {}; does mqctl "
                                             "cluster health name a controller?",
                                             named(slow))});
}

awaitable<Result<void>> drain(Console& console, Remote& remote) {
  const auto options = console.options<DrainOptions>();
  auto ids = broker_ids(console, "BROKER", console.args().operands());
  if (!ids) co_return Result<void>{};
  MQ_CO_CHECK(co_await remote.connect());
  MQ_CO_TRY(const ClusterState before, co_await look_at_cluster(remote));
  const bool acts = !console.is_dry_run();
  ids = acts ? co_await mark(console, remote, *ids, !options.is_undone)
             : that_are_there(console, *std::move(ids), before);
  if (options.is_undone) {
    if (acts && !ids->empty())
      console.notice("they may lead again, and do a minute after they could; at once: mqctl partition elect");
    co_return Result<void>{};
  }
  ClusterState after = before;
  if (acts && !ids->empty()) MQ_CO_CHECK(co_await wait_until_drained(console, remote, *ids, options.within, after));
  std::map<TopicPartition, BrokerId> leaders;
  for (const client::PartitionState& one : after.partitions) leaders[one.where] = one.leader;
  cli::TableWriter table = console.table(kDrainColumns);
  for (const client::PartitionState& one : led_by(*ids, before.partitions)) {
    const auto found = leaders.find(one.where);
    if (found == leaders.end()) continue;  // deleted meanwhile
    const bool goes = acts ? !is_among(*ids, found->second) : has_other(one.in_sync, *ids, before);
    cli::Cell to;
    if (acts && found->second != kNoBroker) to = std::int64_t{found->second.value()};
    table.add({one.where.topic, std::int64_t{one.where.partition}, std::int64_t{one.leader.value()}, to,
               std::string(acts ? (goes ? "moved" : "stays") : (goes ? "would move" : "would stay"))});
  }
  MQ_CO_CHECK(co_await console.finish(table));
  if (acts) complain_of_rest(console, *ids, after);
  co_return Result<void>{};
}

constexpr std::array kDrainOwnRows = {
    cli::OptionRow{.long_name = "within",
                   .kind = cli::ValueKind::duration,
                   .value_name = "DUR",
                   .fallback = "60s",
                   .group = "What",
                   .help = "how long to wait until others lead; then it exits 3 and says what stays",
                   .into = cli::into<&DrainOptions::within>},
    cli::OptionRow{.long_name = "undo",
                   .kind = cli::ValueKind::flag,
                   .group = "What",
                   .help = "they may lead again; so they may after a restart without it",
                   .into = cli::into<&DrainOptions::is_undone>},
};
constexpr auto kDrainRows = joined(kDrainOwnRows, kChangeAndOutputRows);
constexpr cli::Example kDrainExamples[] = {
    {"before a restart of broker 2: others lead, and it stays in sync", "mqctl cluster drain 2"},
    {"it is not restarted after all", "mqctl cluster drain --undo 2"},
    {"empty broker 2 before it goes for good is another command", "mqctl partition rebalance --exclude 2"},
};
constexpr cli::OutputRow kDrainOutputs[] = {{.when = "", .columns = kDrainColumns}};
constexpr cli::CommandRow kDrain{.name = "cluster drain",
                                 .operands_text = "BROKER...",
                                 .summary = "have others lead what brokers lead, and wait for it",
                                 .operands = {.min = 1},
                                 .effect = cli::Effect::changes,
                                 .options = kDrainRows,
                                 .examples = kDrainExamples,
                                 .outputs = kDrainOutputs};

constexpr Command kCommands[] = {{&kInfo, info}, {&kHealth, health}, {&kWait, wait}, {&kDrain, drain}};

}  // namespace

std::span<const Command> cluster_commands() { return kCommands; }

}  // namespace mq::mqctl
