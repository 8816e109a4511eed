#include <fnmatch.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "client/errors.h"
#include "cluster_state.h"
#include "command.h"
#include "config_table.h"
#include "move_plan.h"
#include "partition_table.h"
#include "placement.h"

namespace mq::mqctl {
namespace {

std::int64_t replicas_of(const client::TopicInfo& topic) {
  std::size_t most = 0;
  for (const client::PartitionInfo& partition : topic.partitions) most = std::max(most, partition.replicas.size());
  return static_cast<std::int64_t>(most);
}

cli::Cell id_cell(const Uuid& id) {
  if (id.is_zero()) return std::monostate{};
  return id.to_string();
}

// --- topic list ----------------------------------------------------------------------------------------------------

constexpr cli::ColumnRow kListColumns[] = {
    {.name = "topic", .help = "its name"},
    {.name = "partitions", .unit = cli::Unit::number, .help = "how many it has"},
    {.name = "replicas", .unit = cli::Unit::number, .help = "copies of each partition"},
    {.name = "internal", .unit = cli::Unit::yes_no, .help = "whether it is one of the brokers' own"},
};

struct TopicListOptions {
  bool internal = false;
};

awaitable<Result<void>> list(Console& console, Remote& remote) {
  const auto options = console.options<TopicListOptions>();
  MQ_CO_CHECK(co_await remote.connect());
  MQ_CO_TRY(const auto topics, co_await remote.admin().list_topics(remote.deadline()));
  const auto operands = console.args().operands();
  const std::string glob = operands.empty() ? "*" : operands.front();
  cli::TableWriter table = console.table(kListColumns);
  for (const auto& topic : topics) {
    if (topic->internal && !options.internal) continue;
    if (::fnmatch(glob.c_str(), topic->name.c_str(), 0) != 0) continue;
    table.add({topic->name, static_cast<std::int64_t>(topic->partitions.size()), replicas_of(*topic), topic->internal});
  }
  co_return co_await console.finish(table);
}

constexpr std::array kListOwnRows = {
    cli::OptionRow{.long_name = "internal",
                   .kind = cli::ValueKind::flag,
                   .group = "What",
                   .help = "the brokers' own topics too, as __consumer_offsets",
                   .into = cli::into<&TopicListOptions::internal>},
};
constexpr auto kListRows = joined(kListOwnRows, kOutputRows);
constexpr cli::Example kListExamples[] = {
    {"topics whose name begins with web", "mqctl topic list 'web*'"},
};
constexpr cli::OutputRow kListOutputs[] = {{.when = "", .columns = kListColumns}};
constexpr cli::CommandRow kList{.name = "topic list",
                                .operands_text = "[GLOB]",
                                .summary = "the topics",
                                .operands = {.min = 0, .max = 1},
                                .options = kListRows,
                                .examples = kListExamples,
                                .outputs = kListOutputs};

// --- topic describe ------------------------------------------------------------------------------------------------

constexpr cli::ColumnRow kDescribeColumns[] = {
    {.name = "topic", .help = "its name"},
    {.name = "id", .help = "the cluster's id for it"},
    {.name = "partitions", .unit = cli::Unit::number, .help = "how many it has"},
    {.name = "replicas", .unit = cli::Unit::number, .help = "copies of each partition"},
    {.name = "offline", .unit = cli::Unit::number, .help = "partitions without a leader"},
    {.name = "under_replicated",
     .unit = cli::Unit::number,
     .help = "partitions with fewer replicas in sync than there are"},
    {.name = "offsets",
     .unit = cli::Unit::number,
     .help = "between start and end of its partitions: its records, but for gaps that compaction left"},
    {.name = "size_bytes", .unit = cli::Unit::bytes, .help = "of the logs of its partitions, each counted once"},
    {.name = "internal", .unit = cli::Unit::yes_no, .help = "whether it is one of the brokers' own"},
};

/// Offsets that lie between the start and the end of the topic's partitions: its records, but for gaps of compaction.
awaitable<Result<std::int64_t>> count_offsets(Remote& remote, const client::TopicInfo& topic) {
  std::vector<TopicPartition> partitions;
  for (std::size_t i = 0; i < topic.partitions.size(); ++i)
    partitions.push_back({topic.name, static_cast<std::int32_t>(i)});
  MQ_CO_TRY(const auto starts, co_await remote.offsets(partitions, client::OffsetQuery::kStart));
  MQ_CO_TRY(const auto ends, co_await remote.offsets(partitions, client::OffsetQuery::kEnd));
  std::int64_t count = 0;
  for (const auto& [where, end] : ends)
    if (const auto start = starts.find(where); start != starts.end())
      count += (end.offset - start->second.offset).value();
  co_return count;
}

awaitable<Result<void>> print_topics(Console& console, Remote& remote, std::vector<client::Cluster::TopicRef> topics) {
  MQ_CO_TRY(const auto sizes, co_await partition_sizes(console, remote));
  cli::TableWriter table = console.table(kDescribeColumns);
  for (const auto& topic : topics) {
    std::int64_t size_bytes = 0;
    for (const auto& [where, bytes] : sizes)
      if (where.topic == topic->name) size_bytes += bytes;
    MQ_CO_TRY(const std::int64_t offsets, co_await count_offsets(remote, *topic));
    const auto offline =
        std::ranges::count(topic->partitions, kNoBroker, [](const client::PartitionInfo& p) { return p.leader; });
    const auto behind = std::ranges::count_if(
        topic->partitions, [](const client::PartitionInfo& p) { return p.in_sync.size() < p.replicas.size(); });
    table.add({topic->name, id_cell(topic->id), static_cast<std::int64_t>(topic->partitions.size()),
               replicas_of(*topic), std::int64_t{offline}, std::int64_t{behind}, offsets, size_bytes, topic->internal});
  }
  co_return co_await console.finish(table);
}

struct TopicDescribeOptions {
  bool partitions = false;
  bool configs = false;
};

awaitable<Result<void>> describe(Console& console, Remote& remote) {
  const auto options = console.options<TopicDescribeOptions>();
  const auto operands = console.args().operands();
  MQ_CO_CHECK(co_await remote.connect());
  MQ_CO_TRY(auto topics, co_await remote.topics(std::vector<std::string>(operands.begin(), operands.end())));
  if (options.partitions) co_return co_await print_partitions(console, remote, std::move(topics));
  if (!options.configs) co_return co_await print_topics(console, remote, std::move(topics));
  std::vector<Resource> resources;
  for (const auto& topic : topics) resources.emplace_back(client::ResourceType::topic, topic->name);
  co_return co_await print_configs(console, remote, std::move(resources));
}

constexpr std::array kDescribeOwnRows = {
    cli::OptionRow{.long_name = "partitions",
                   .kind = cli::ValueKind::flag,
                   .group = "What",
                   .help = "a row for each partition, as partition list",
                   .into = cli::into<&TopicDescribeOptions::partitions>},
    cli::OptionRow{.long_name = "configs",
                   .kind = cli::ValueKind::flag,
                   .group = "What",
                   .help = "a row for each setting, as config get",
                   .excludes = "partitions",
                   .into = cli::into<&TopicDescribeOptions::configs>},
};
constexpr auto kDescribeRows = joined(kDescribeOwnRows, kOutputRows);
constexpr cli::Example kDescribeExamples[] = {{"how large is it", "mqctl topic describe web"}};
constexpr cli::OutputRow kDescribeOutputs[] = {{.when = "", .columns = kDescribeColumns}};
constexpr cli::CommandRow kDescribe{.name = "topic describe",
                                    .operands_text = "NAME...",
                                    .summary = "partitions, replicas, offsets and size of topics",
                                    .operands = {.min = 1},
                                    .options = kDescribeRows,
                                    .examples = kDescribeExamples,
                                    .outputs = kDescribeOutputs};

// --- topic create --------------------------------------------------------------------------------------------------

constexpr cli::ColumnRow kCreateColumns[] = {
    {.name = "topic", .help = "its name"},
    {.name = "result", .help = "created, would be created, exists (--if-not-exists) or failed"},
    {.name = "partitions", .unit = cli::Unit::number, .help = "how many it has"},
    {.name = "replicas", .unit = cli::Unit::number, .help = "copies of each partition"},
    {.name = "id", .help = "the cluster's id for it"},
};

struct TopicCreateOptions {
  client::NewTopic like;
  bool if_not_exists = false;
};

/// A time or a size, by its unit.
cli::Parsed<cli::Setting> parse_retention(std::string_view text) {
  if (const auto time = cli::parse_duration(text)) return cli::Setting("retention.ms", std::to_string(*time / 1ms));
  // A size may lack its unit elsewhere. Here 7 could be days, and as bytes it would delete the topic's records.
  const bool has_unit = text.find_first_not_of("0123456789.") != std::string_view::npos;
  if (const auto size = cli::parse_size(text); size && has_unit)
    return cli::Setting("retention.bytes", std::to_string(*size));
  return cli::bad_value(0, text.size(), "a time as 7d, or a size as 10G; the unit is required");
}

cli::Parsed<cli::Setting> compacting(std::string_view) { return cli::Setting("cleanup.policy", "compact"); }

std::optional<std::vector<client::NewTopic>> wanted_topics(Console& console, client::NewTopic like) {
  const cli::Arguments& args = console.args();
  for (auto one = like.configs.begin(); one != like.configs.end(); ++one) {
    if (std::ranges::find(like.configs.begin(), one, one->first, &cli::Setting::first) == one) continue;
    console.usage(args.usage_error(fmt::format("{} is set twice", one->first)));
    return std::nullopt;
  }
  std::vector<client::NewTopic> topics;
  for (const std::string& operand : args.operands()) {
    topics.push_back(like);
    topics.back().name = operand;
  }
  return topics;
}

cli::Cell count_cell(std::int64_t count) {
  if (count < 0) return std::monostate{};
  return count;
}

awaitable<Result<void>> create(Console& console, Remote& remote) {
  auto options = console.options<TopicCreateOptions>();
  auto topics = wanted_topics(console, std::move(options.like));
  if (!topics) co_return Result<void>{};
  MQ_CO_CHECK(co_await remote.connect());
  const bool dry_run = console.is_dry_run();
  MQ_CO_TRY(const auto results, co_await remote.admin().create_topics(*std::move(topics), dry_run, remote.deadline()));
  cli::TableWriter table = console.table(kCreateColumns);
  for (const client::CreatedTopic& topic : results) {
    std::string result = dry_run ? "would be created" : "created";
    if (topic.error && client::code_of(*topic.error) == ErrorCode::kTopicAlreadyExists && options.if_not_exists) {
      result = "exists";
    } else if (topic.error) {
      console.complain(*topic.error);
      result = "failed";
    }
    table.add({topic.name, result, count_cell(topic.partitions), count_cell(topic.replication_factor),
               dry_run ? cli::Cell{} : id_cell(topic.id)});
  }
  co_return co_await console.finish(table);
}

constexpr std::array kCreateOwnRows = {
    cli::OptionRow{.short_name = 'p',
                   .long_name = "partitions",
                   .kind = cli::ValueKind::number,
                   .value_name = "N",
                   .fallback_note = "the broker's",
                   .group = "What",
                   .help = "partitions of each topic",
                   .number_min = 1,
                   .number_max = std::numeric_limits<std::int32_t>::max(),
                   .into = cli::into<&TopicCreateOptions::like, &client::NewTopic::partitions>},
    cli::OptionRow{.short_name = 'r',
                   .long_name = "replicas",
                   .kind = cli::ValueKind::number,
                   .value_name = "N",
                   .fallback_note = "the broker's",
                   .group = "What",
                   .help = "copies of each partition",
                   .number_min = 1,
                   .number_max = std::numeric_limits<std::int16_t>::max(),
                   .into = cli::into<&TopicCreateOptions::like, &client::NewTopic::replication_factor>},
    cli::OptionRow{.long_name = "set",
                   .value_name = "KEY=VALUE",
                   .group = "What",
                   .help = "a setting of the topic by its Kafka name",
                   .repeatable = true,
                   .into = cli::parsed_into<cli::parse_setting, &TopicCreateOptions::like, &client::NewTopic::configs>},
    cli::OptionRow{.long_name = "compact",
                   .kind = cli::ValueKind::flag,
                   .group = "What",
                   .help = "keep the last record of each key; cleanup.policy=compact",
                   .into = cli::parsed_into<compacting, &TopicCreateOptions::like, &client::NewTopic::configs>},
    cli::OptionRow{.long_name = "retention",
                   .value_name = "DUR|SIZE",
                   .group = "What",
                   .help = "keep records so long, or so many bytes of each partition",
                   .into = cli::parsed_into<parse_retention, &TopicCreateOptions::like, &client::NewTopic::configs>},
    cli::OptionRow{.long_name = "if-not-exists",
                   .kind = cli::ValueKind::flag,
                   .group = "What",
                   .help = "a topic that is there is no error, whatever its settings",
                   .into = cli::into<&TopicCreateOptions::if_not_exists>},
};
constexpr auto kCreateRows = joined(kCreateOwnRows, kChangeAndOutputRows);
constexpr cli::Example kCreateExamples[] = {
    {"six partitions, kept for a week", "mqctl topic create web -p 6 --retention 7d"},
    {"with any setting of a topic", "mqctl topic create audit --set max.message.bytes=4000000"},
};
constexpr cli::OutputRow kCreateOutputs[] = {{.when = "", .columns = kCreateColumns}};
constexpr cli::CommandRow kCreate{.name = "topic create",
                                  .operands_text = "NAME...",
                                  .summary = "make topics",
                                  .operands = {.min = 1, .topics = cli::OperandCount::kAny},
                                  .effect = cli::Effect::changes,
                                  .options = kCreateRows,
                                  .examples = kCreateExamples,
                                  .outputs = kCreateOutputs};

// --- topic delete --------------------------------------------------------------------------------------------------

constexpr cli::ColumnRow kDeleteColumns[] = {
    {.name = "topic", .help = "its name"},
    {.name = "result", .help = "deleted, would be deleted, not there (--if-exists) or failed"}};

/// What a delete would do: which of the names are there.
awaitable<Result<std::vector<client::ItemResult>>> plan_delete(Remote& remote, std::vector<std::string> names) {
  MQ_CO_TRY(const auto topics, co_await remote.admin().list_topics(remote.deadline()));
  std::vector<client::ItemResult> results;
  for (const std::string& name : names) {
    client::ItemResult& result = results.emplace_back();
    result.name = name;
    if (std::ranges::find(topics, name, [](const auto& topic) { return topic->name; }) == topics.end())
      result.error = client::broker_error(ErrorCode::kUnknownTopicOrPartition, "topic {}", name);
  }
  co_return results;
}

struct TopicDeleteOptions {
  bool if_exists = false;
};

awaitable<Result<void>> remove(Console& console, Remote& remote) {
  const auto options = console.options<TopicDeleteOptions>();
  const auto operands = console.args().operands();
  const std::vector<std::string> names(operands.begin(), operands.end());
  const bool planning = !console.has_consent();
  MQ_CO_CHECK(co_await remote.connect());
  Result<std::vector<client::ItemResult>> results =
      planning ? co_await plan_delete(remote, names) : co_await remote.admin().delete_topics(names, remote.deadline());
  if (!results) co_return fail(results.error());
  cli::TableWriter table = console.table(kDeleteColumns);
  bool waits = false;
  for (const client::ItemResult& topic : *results) {
    std::string result = planning ? "would be deleted" : "deleted";
    const bool missing = topic.error && client::code_of(*topic.error) == ErrorCode::kUnknownTopicOrPartition;
    if (missing && options.if_exists) {
      result = "not there";
    } else if (topic.error) {
      console.complain(*topic.error);
      result = "failed";
    } else {
      waits = planning;
    }
    table.add({topic.name, result});
  }
  MQ_CO_CHECK(co_await console.finish(table));
  if (waits) console.miss_consent("nothing was deleted: add --yes to delete the topics");
  co_return Result<void>{};
}

constexpr std::array kDeleteOwnRows = {
    cli::OptionRow{.long_name = "if-exists",
                   .kind = cli::ValueKind::flag,
                   .group = "What",
                   .help = "a topic that is not there is no error",
                   .into = cli::into<&TopicDeleteOptions::if_exists>},
};
constexpr auto kDeleteRows = joined(kDeleteOwnRows, kChangeAndOutputRows);
constexpr cli::Example kDeleteExamples[] = {{"two topics and all their records", "mqctl topic delete -y old older"}};
constexpr cli::OutputRow kDeleteOutputs[] = {{.when = "", .columns = kDeleteColumns}};
constexpr cli::CommandRow kDelete{.name = "topic delete",
                                  .operands_text = "NAME...",
                                  .summary = "delete topics with all their records",
                                  .operands = {.min = 1},
                                  .effect = cli::Effect::destroys,
                                  .options = kDeleteRows,
                                  .examples = kDeleteExamples,
                                  .outputs = kDeleteOutputs};

// --- topic alter ---------------------------------------------------------------------------------------------------

struct TopicAlterOptions {
  std::int64_t replicas = 0;    ///< 0: they stay
  std::int64_t partitions = 0;  ///< the same
};

constexpr cli::ColumnRow kGrowthColumns[] = {
    {.name = "topic", .help = "its name"},
    {.name = "from", .unit = cli::Unit::number, .help = "partitions that it has"},
    {.name = "to", .unit = cli::Unit::number, .help = "that it is to have"},
    {.name = "result", .help = "added, would be added, as it is or failed"},
};

/// Adds them to one topic, which has fewer; only asks whether it could where there is no consent.
awaitable<std::string> add_partitions(Console& console, Remote& remote, const std::string& topic, std::int32_t count) {
  const bool planning = !console.has_consent();
  const auto done = co_await remote.admin().create_partitions(topic, count, planning, remote.deadline());
  if (!done) console.complain(done.error());
  co_return !done ? "failed" : planning ? "would be added" : "added";
}

awaitable<Result<void>> grow(Console& console, Remote& remote, std::int32_t count) {
  MQ_CO_CHECK(co_await remote.connect());
  MQ_CO_TRY(const auto topics, co_await remote.admin().list_topics(remote.deadline()));
  cli::TableWriter table = console.table(kGrowthColumns);
  bool waits = false;
  for (const std::string& name : console.args().operands()) {
    const auto topic = std::ranges::find(topics, name, [](const auto& known) { return known->name; });
    if (topic == topics.end()) {
      console.complain({.code = Errc::not_found, .message = fmt::format("there is no topic {}", name)});
      continue;
    }
    const auto from = static_cast<std::int64_t>((*topic)->partitions.size());
    std::string result = "as it is";
    if (from > count) {
      result = "failed";
      console.complain({.code = Errc::refused,
                        .message = fmt::format("{}: {} partitions are there, and none can be taken away", name, from)});
    } else if (from < count) {
      result = co_await add_partitions(console, remote, name, count);
      waits |= result == "would be added";
    }
    table.add({name, from, std::int64_t{count}, result});
  }
  MQ_CO_CHECK(co_await console.finish(table));
  if (waits)
    console.miss_consent(
        "no partition was added: add --yes to add them; keys go to other partitions then, and there is no way back");
  co_return Result<void>{};
}

awaitable<Result<void>> copy_to(Console& console, Remote& remote, std::size_t factor) {
  const auto operands = console.args().operands();
  MQ_CO_CHECK(co_await remote.connect());
  MQ_CO_TRY(const ClusterState state, co_await look_at_cluster(remote));
  Placement placement(state, {});
  std::vector<PlannedMove> planned;
  std::size_t brokers = state.cluster.brokers.size();
  for (const std::string& name : operands) {
    const std::size_t before = planned.size();
    for (const client::PartitionState& partition : state.partitions)
      if (partition.where.topic == name)
        planned.push_back(planned_move(partition, state, placement.with_factor(partition, factor)));
    if (planned.size() == before) {
      console.complain({.code = Errc::not_found, .message = fmt::format("there is no topic {}", name)});
    } else if (std::ranges::any_of(planned.begin() + static_cast<std::ptrdiff_t>(before), planned.end(),
                                   [&](const PlannedMove& move) { return move.to.size() < factor; })) {
      console.complain(
          {.code = Errc::refused,
           .message = fmt::format("{}: {} brokers are there, too few for {} replicas", name, brokers, factor)});
      planned.resize(before);
    }
  }
  co_return co_await carry_out(console, remote, std::move(planned));
}

awaitable<Result<void>> alter(Console& console, Remote& remote) {
  const auto [replicas, partitions] = console.options<TopicAlterOptions>();
  if (partitions > 0) co_return co_await grow(console, remote, static_cast<std::int32_t>(partitions));
  if (replicas > 0) co_return co_await copy_to(console, remote, static_cast<std::size_t>(replicas));
  console.usage(console.args().usage_error("say what to change: --replicas N or --partitions N"));
  co_return Result<void>{};
}

constexpr std::array kAlterOwnRows = {
    cli::OptionRow{.short_name = 'p',
                   .long_name = "partitions",
                   .kind = cli::ValueKind::number,
                   .value_name = "N",
                   .group = "What",
                   .help = "so many from now on; keys then go to other partitions, and there is no way back",
                   .number_min = 1,
                   .number_max = std::numeric_limits<std::int32_t>::max(),
                   .excludes = "replicas|wait",
                   .into = cli::into<&TopicAlterOptions::partitions>},
    cli::OptionRow{.short_name = 'r',
                   .long_name = "replicas",
                   .kind = cli::ValueKind::number,
                   .value_name = "N",
                   .group = "What",
                   .help = "copies of each partition, on other racks first, on brokers that have the fewest",
                   .number_min = 1,
                   .number_max = std::numeric_limits<std::int16_t>::max(),
                   .into = cli::into<&TopicAlterOptions::replicas>},
};
constexpr auto kAlterRows = joined(kAlterOwnRows, kMoveRows);
constexpr cli::Example kAlterExamples[] = {
    {"three copies from now on; first the plan", "mqctl topic alter web -r 3"},
    {"and do it", "mqctl topic alter web -r 3 --yes --wait 10m"},
    {"room for more consumers", "mqctl topic alter web -p 12 --yes"},
};
constexpr cli::OutputRow kAlterOutputs[] = {{.when = "--replicas", .columns = kMoveColumns},
                                            {.when = "--partitions", .columns = kGrowthColumns}};
constexpr cli::CommandRow kAlter{.name = "topic alter",
                                 .operands_text = "NAME...",
                                 .summary = "change how many copies or partitions topics have",
                                 .operands = {.min = 1, .topics = cli::OperandCount::kAny},
                                 .effect = cli::Effect::destroys,
                                 .options = kAlterRows,
                                 .examples = kAlterExamples,
                                 .outputs = kAlterOutputs};

constexpr Command kCommands[] = {
    {&kList, list}, {&kCreate, create}, {&kDescribe, describe}, {&kAlter, alter}, {&kDelete, remove}};

}  // namespace

std::span<const Command> topic_commands() { return kCommands; }

}  // namespace mq::mqctl
