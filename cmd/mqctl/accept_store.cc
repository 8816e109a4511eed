#include "wire/messages/accept_store.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "command.h"
#include "selection.h"
#include "wire/messages/store_status.h"

namespace mq::mqctl {
namespace {

constexpr cli::ColumnRow kColumns[] = {
    {.name = "what", .help = "broker or topic"},
    {.name = "name", .help = "its number or its name"},
    {.name = "partitions", .unit = cli::Unit::number, .help = "of the topic, those that differ; none of a broker"},
    {.name = "state",
     .help = "of a broker: waits for the store that it knew, follows the store, is left out, or does not answer. Of a "
             "topic: set aside, since the store does not know it, or empty, since no broker that was asked has it; "
             "would be either, without --yes"},
};

struct AcceptOptions {
  std::vector<std::string> without;
};

bool is_in(const std::vector<BrokerId>& brokers, BrokerId id) {
  return std::ranges::find(brokers, id) != brokers.end();
}

/// What the brokers have said.
struct Answers {
  struct Holding {
    env::Address address;
    std::string why;
  };
  std::map<BrokerId, wire::StoreHoldings> holdings;
  std::map<BrokerId, Holding> holding;  ///< those of them that do not follow the store
  std::vector<BrokerId> silent;         ///< known, and did not answer
};

/// Asks whoever is named on the command line, and whoever they know.
awaitable<Result<Answers>> ask_all(Console& console, Remote& remote, const std::vector<BrokerId>& left_out) {
  MQ_CO_TRY(const client::ClusterDescription cluster, co_await remote.admin().describe_cluster(remote.deadline()));
  std::vector<std::pair<BrokerId, env::Address>> places;
  for (const auto* known : {&cluster.brokers, &cluster.fenced})
    for (const client::BrokerInfo& broker : *known) places.emplace_back(broker.id, broker.address);
  for (const env::Address& address : remote.cluster().options().bootstrap)
    if (std::ranges::find(places, address, &std::pair<BrokerId, env::Address>::second) == places.end())
      places.emplace_back(kNoBroker, address);
  Answers answers;
  for (auto& [id, address] : places) {
    if (is_in(left_out, id)) continue;
    auto status = co_await remote.admin().store_status(address);
    if (status && status->error_code != ErrorCode::kNone)
      status = fail(Errc::refused, "{}: {}", address.to_string(), status->message.value_or("it refuses to say"));
    if (!status) {
      console.notice(fmt::format("{} does not say what it has: {}", address.to_string(), status.error().message));
      if (id != kNoBroker) answers.silent.push_back(id);
      continue;
    }
    const BrokerId said{status->holdings.broker_id};
    if (is_in(left_out, said)) continue;
    if (status->holdings.is_holding)
      answers.holding[said] = {.address = address, .why = status->message.value_or("it does not say why")};
    answers.holdings[said] = std::move(status->holdings);
  }
  std::erase_if(answers.silent, [&](BrokerId id) { return answers.holdings.contains(id); });
  co_return answers;
}

/// Those that are missing, if anything can be done without them.
bool complain_of_unasked(Console& console, const wire::AcceptStoreResponse& planned) {
  for (const std::int32_t id : planned.unasked)
    console.complain(
        {.code = Errc::refused,
         .message = fmt::format("broker {0} is not there to say what it has: start it, or go on with "
                                "--without {0}. It then waits once it is started, until it is accepted, too",
                                id)});
  return !planned.unasked.empty();
}

void add_rows(cli::TableWriter& table, const Answers& answers, const std::vector<BrokerId>& left_out,
              const wire::AcceptStoreResponse& planned, bool is_done) {
  std::map<BrokerId, std::string> brokers;
  for (const auto& [id, holdings] : answers.holdings)
    brokers[id] = holdings.is_holding ? "waits for the store that it knew" : "follows the store";
  for (const BrokerId id : answers.silent) brokers[id] = "does not answer";
  for (const std::int32_t id : planned.unasked) brokers.try_emplace(BrokerId{id}, "does not answer");
  for (const BrokerId id : left_out) brokers[id] = "is left out";
  for (const auto& [id, state] : brokers)
    table.add({std::string("broker"), fmt::format("{}", id.value()), cli::Cell{}, state});
  for (const wire::AcceptStoreResponse::Topic& topic : planned.topics)
    table.add({std::string("topic"), topic.name, std::int64_t{topic.partitions},
               fmt::format("{}{}", is_done ? "" : "would be ", topic.is_known ? "empty" : "set aside")});
}

awaitable<Result<void>> accept_store(Console& console, Remote& remote) {
  const auto options = console.options<AcceptOptions>();
  const auto left_out = broker_ids(console, "without", options.without);
  if (!left_out) co_return Result<void>{};
  MQ_CO_CHECK(co_await remote.connect());
  MQ_CO_TRY(Answers answers, co_await ask_all(console, remote, *left_out));
  if (answers.holding.empty())
    co_return fail(Errc::refused,
                   "no broker that answers waits for another metadata store: there is nothing to accept. One that "
                   "nobody knows yet is asked where --brokers names it");
  const auto& [first, where] = *answers.holding.begin();
  console.notice(fmt::format("broker {}: {}", first.value(), where.why));

  wire::AcceptStoreRequest request{.validate_only = true, .asked = {}, .left_out = {}};
  for (auto& [id, holdings] : answers.holdings) request.asked.push_back(holdings);
  for (const BrokerId id : *left_out) request.left_out.push_back(id.value());
  MQ_CO_TRY(wire::AcceptStoreResponse planned, co_await remote.admin().accept_store(where.address, request));
  const bool is_missing_some = complain_of_unasked(console, planned);
  const bool acts = !is_missing_some && planned.error_code == ErrorCode::kNone && console.has_consent();
  if (acts) {
    request.validate_only = false;
    MQ_CO_TRY(planned, co_await remote.admin().accept_store(where.address, std::move(request)));
  }
  cli::TableWriter table = console.table(kColumns);
  add_rows(table, answers, *left_out, planned, acts);
  MQ_CO_CHECK(co_await console.finish(table));
  if (is_missing_some) co_return Result<void>{};
  if (planned.error_code != ErrorCode::kNone)
    co_return fail(planned.error_code == ErrorCode::kInvalidRequest ? Errc::refused : Errc::unreachable,
                   "the store is not accepted: {}", planned.error_message.value_or("the broker does not say why"));
  if (acts) {
    console.notice(
        fmt::format("accepted: {} partitions have a new leader epoch, and the brokers go on within seconds; mqctl "
                    "cluster wait returns when all is well",
                    planned.raised));
  } else {
    console.miss_consent(
        "nothing was changed. If no newer store can be put back, add --yes: the brokers then go on with this one for "
        "good");
  }
  co_return Result<void>{};
}

constexpr std::array kOwnRows = {
    cli::OptionRow{.long_name = "without",
                   .value_name = "BROKER",
                   .group = "What",
                   .help = "go on though this broker cannot say what it has",
                   .repeatable = true,
                   .into = cli::into<&AcceptOptions::without>},
};
constexpr auto kRows = joined(kOwnRows, kChangeAndOutputRows);
constexpr cli::Example kExamples[] = {
    {"an older copy of the metadata store is in place: what would be set aside", "mqctl cluster accept-store"},
    {"there is no newer one: go on with it", "mqctl cluster accept-store --yes"},
    {"broker 3 does not come back", "mqctl cluster accept-store --without 3 --yes"},
};
constexpr cli::OutputRow kOutputs[] = {{.when = "", .columns = kColumns}};
constexpr cli::CommandRow kAcceptStore{.name = "cluster accept-store",
                                       .summary = "have the brokers go on with a metadata store that has gone back",
                                       .effect = cli::Effect::destroys,
                                       .options = kRows,
                                       .examples = kExamples,
                                       .outputs = kOutputs};

constexpr Command kCommands[] = {{&kAcceptStore, accept_store}};

}  // namespace

std::span<const Command> accept_store_commands() { return kCommands; }

}  // namespace mq::mqctl
