#include <algorithm>
#include <map>
#include <utility>

#include "client/connection.h"
#include "cluster_state.h"
#include "command.h"
#include "partition_table.h"
#include "selection.h"
#include "wire/messages/offset_for_leader_epoch.h"

namespace mq::mqctl {
namespace {

constexpr cli::ColumnRow kColumns[] = {
    {.name = "topic", .help = "its topic"},
    {.name = "partition", .unit = cli::Unit::number, .help = "its number"},
    {.name = "leader", .unit = cli::Unit::number, .help = "the broker that leads it; none while there is none"},
    {.name = "epoch", .unit = cli::Unit::number, .help = "its leader epoch"},
    {.name = "replicas", .help = "the brokers that keep it"},
    {.name = "isr", .help = "those of them that are in sync"},
    {.name = "log_start", .unit = cli::Unit::number, .help = "its first offset"},
    {.name = "high_watermark", .unit = cli::Unit::number, .help = "the offset that consumers come to last"},
    {.name = "log_end", .unit = cli::Unit::number, .help = "the offset of the next record"},
    {.name = "size_bytes", .unit = cli::Unit::bytes, .help = "of its log"},
    {.name = "elr", .help = "the brokers that may lead though they are not in sync (KIP-966)"},
};

using LogEnds = std::map<TopicPartition, Offset>;
using Epochs = std::map<TopicPartition, LeaderEpoch>;

/// The end of the log is the end of its newest epoch; ListOffsets tells consumers the high watermark only. -1 for a log
/// that no epoch has written to.
awaitable<Result<void>> ask_log_ends(Remote& remote, BrokerId leader, const Epochs& partitions, LogEnds& ends) {
  wire::OffsetForLeaderEpochRequest request;
  request.replica_id = -1;
  for (const auto& [where, epoch] : partitions) {
    if (request.topics.empty() || request.topics.back().topic != where.topic)
      request.topics.emplace_back().topic = where.topic;
    auto& partition = request.topics.back().partitions.emplace_back();
    partition.partition = where.partition;
    partition.leader_epoch = epoch.value();
  }
  MQ_CO_TRY(const auto connection, co_await remote.cluster().broker(leader));
  MQ_CO_TRY(const auto response,
            co_await connection->call(std::move(request), remote.cluster().options().request_timeout));
  for (const auto& topic : response.body.topics)
    for (const auto& partition : topic.partitions)
      if (partition.error_code == ErrorCode::kNone)
        ends[{topic.topic, partition.partition}] = Offset{partition.end_offset};
  co_return Result<void>{};
}

std::vector<std::int64_t> numbers_of(const std::vector<BrokerId>& ids) {
  std::vector<std::int64_t> numbers;
  for (const BrokerId id : ids) numbers.push_back(id.value());
  return numbers;
}

using Eligible = std::map<TopicPartition, std::vector<BrokerId>>;

/// Nothing from brokers that do not say.
awaitable<Result<Eligible>> eligible_leaders(Remote& remote, const std::vector<client::Cluster::TopicRef>& topics) {
  Eligible eligible;
  std::vector<std::string> names;
  for (const auto& topic : topics) names.push_back(topic->name);
  if (names.empty()) co_return eligible;
  const auto states = co_await remote.admin().describe_partitions(std::move(names), remote.deadline());
  if (!states && states.error().code == Errc::unsupported) co_return eligible;
  if (!states) co_return std::unexpected(states.error());
  for (const client::PartitionState& state : *states) eligible[state.where] = state.eligible;
  co_return eligible;
}

cli::Cell list_cell(const Eligible& eligible, const TopicPartition& where) {
  const auto found = eligible.find(where);
  if (found == eligible.end() || found->second.empty()) return std::monostate{};
  return numbers_of(found->second);
}

template <class Value, class Number>
cli::Cell cell_of(const std::map<TopicPartition, Value>& values, const TopicPartition& where, Number number) {
  const auto found = values.find(where);
  if (found == values.end()) return std::monostate{};
  return std::int64_t{number(found->second)};
}

/// Leaves in `only` (empty: all) the partitions for which `is_wanted`, and in `topics` theirs.
template <class IsWanted>
void keep(std::vector<client::Cluster::TopicRef>& topics, std::vector<TopicPartition>& only, IsWanted is_wanted) {
  std::vector<TopicPartition> kept;
  std::erase_if(topics, [&](const client::Cluster::TopicRef& topic) {
    const std::size_t before = kept.size();
    const bool is_picked = std::ranges::find(only, topic->name, &TopicPartition::topic) != only.end();
    for (std::size_t i = 0; i < topic->partitions.size(); ++i) {
      TopicPartition where{topic->name, static_cast<std::int32_t>(i)};
      const bool is_asked = !is_picked || std::ranges::find(only, where) != only.end();
      if (is_asked && is_wanted(*topic, topic->partitions[i])) kept.push_back(std::move(where));
    }
    return kept.size() == before;
  });
  only = std::move(kept);
}

struct PartitionListOptions {
  bool urp = false;
  bool offline = false;
  bool under_min_isr = false;
  bool not_preferred = false;
  [[nodiscard]] bool is_any() const { return urp || offline || under_min_isr || not_preferred; }
};

/// Leaves those that one of the options is for.
awaitable<Result<void>> keep_as(const PartitionListOptions& options, Remote& remote,
                                std::vector<client::Cluster::TopicRef>& topics, std::vector<TopicPartition>& only) {
  std::map<std::string, std::int64_t> minima;
  const auto is_behind = [](const client::PartitionInfo& info) { return info.in_sync.size() < info.replicas.size(); };
  if (options.under_min_isr) {
    std::vector<std::string> names;
    for (const auto& topic : topics)
      if (std::ranges::any_of(topic->partitions, is_behind)) names.push_back(topic->name);
    MQ_CO_TRY(minima, co_await insync_minima(remote, std::move(names)));
  }
  keep(topics, only, [&](const client::TopicInfo& topic, const client::PartitionInfo& info) {
    const auto minimum = minima.find(topic.name);
    const auto least = minimum == minima.end()
                           ? std::size_t{0}
                           : std::min(static_cast<std::size_t>(minimum->second), info.replicas.size());
    const bool is_elsewhere =
        info.leader != kNoBroker && !info.replicas.empty() && info.leader != info.replicas.front();
    return (options.urp && is_behind(info)) || (options.offline && info.leader == kNoBroker) ||
           (options.under_min_isr && info.in_sync.size() < least) || (options.not_preferred && is_elsewhere);
  });
  co_return Result<void>{};
}

awaitable<Result<void>> list(Console& console, Remote& remote) {
  auto selection = select(console, console.args().operands());
  if (!selection) co_return Result<void>{};
  MQ_CO_CHECK(co_await remote.connect());
  std::vector<client::Cluster::TopicRef> topics;
  if (selection->topics.empty()) {
    MQ_CO_TRY(topics, co_await remote.admin().list_topics(remote.deadline()));
  } else {
    MQ_CO_TRY(topics, co_await remote.topics(selection->topics));
  }
  for (const TopicPartition& where : selection->partitions)
    for (const auto& topic : topics)
      if (topic->name == where.topic && static_cast<std::size_t>(where.partition) >= topic->partitions.size())
        console.complain({.code = Errc::not_found,
                          .message = fmt::format("topic {} has no partition {}", where.topic, where.partition)});
  const auto options = console.options<PartitionListOptions>();
  if (options.is_any()) MQ_CO_CHECK(co_await keep_as(options, remote, topics, selection->partitions));
  co_return co_await print_partitions(console, remote, std::move(topics), std::move(selection->partitions));
}

constexpr std::array kListOwnRows = {
    cli::OptionRow{.long_name = "urp",
                   .kind = cli::ValueKind::flag,
                   .group = "What",
                   .help = "only under-replicated ones: fewer replicas in sync than there are",
                   .into = cli::into<&PartitionListOptions::urp>},
    cli::OptionRow{.long_name = "offline",
                   .kind = cli::ValueKind::flag,
                   .group = "What",
                   .help = "only those that nobody leads",
                   .into = cli::into<&PartitionListOptions::offline>},
    cli::OptionRow{.long_name = "under-min-isr",
                   .kind = cli::ValueKind::flag,
                   .group = "What",
                   .help = "only those with fewer in sync than min.insync.replicas: acks=all is refused there",
                   .into = cli::into<&PartitionListOptions::under_min_isr>},
    cli::OptionRow{.long_name = "not-preferred",
                   .kind = cli::ValueKind::flag,
                   .group = "What",
                   .help = "only those that another broker leads than the first of their replicas; of several such "
                           "options one is enough",
                   .into = cli::into<&PartitionListOptions::not_preferred>},
};
constexpr auto kListRows = joined(kListOwnRows, kOutputRows);
constexpr cli::Example kExamples[] = {
    {"everything about the partitions of two topics", "mqctl partition list web orders"},
    {"what a broker that is down leaves behind", "mqctl partition list --urp"},
    {"what cannot be written to with acks=all", "mqctl partition list --offline --under-min-isr"},
};
constexpr cli::OutputRow kOutputs[] = {{.when = "", .columns = kColumns}};
constexpr cli::CommandRow kList{.name = "partition list",
                                .operands_text = "[TOPIC[/PARTITION]]...",
                                .summary = "leader, replicas, offsets and size of partitions",
                                .operands = {},
                                .options = kListRows,
                                .examples = kExamples,
                                .outputs = kOutputs};
constexpr Command kCommands[] = {{&kList, list}};

}  // namespace

std::span<const Command> partition_commands() { return kCommands; }

awaitable<Result<std::map<TopicPartition, std::int64_t>>> partition_sizes(Console& console, Remote& remote) {
  std::map<TopicPartition, std::int64_t> sizes;
  MQ_CO_TRY(const auto directories, co_await remote.admin().describe_log_dirs(remote.deadline()));
  for (const client::LogDir& directory : directories) {
    if (directory.error) console.complain(*directory.error);
    for (const client::ReplicaSize& replica : directory.replicas)
      if (!replica.is_future) sizes[replica.where] = std::max(sizes[replica.where], replica.size_bytes);
  }
  co_return sizes;
}

awaitable<Result<void>> print_partitions(Console& console, Remote& remote,
                                         std::vector<client::Cluster::TopicRef> topics,
                                         std::vector<TopicPartition> only) {
  std::vector<std::pair<TopicPartition, const client::PartitionInfo*>> shown;
  std::vector<TopicPartition> asked;
  std::map<BrokerId, Epochs> by_leader;
  for (const auto& topic : topics) {
    // A topic named by its partitions alone shows these; one named by itself shows all.
    const bool picked = std::ranges::find(only, topic->name, &TopicPartition::topic) != only.end();
    for (std::size_t i = 0; i < topic->partitions.size(); ++i) {
      TopicPartition where{topic->name, static_cast<std::int32_t>(i)};
      if (picked && std::ranges::find(only, where) == only.end()) continue;
      const client::PartitionInfo& info = topic->partitions[i];
      if (info.leader != kNoBroker) by_leader[info.leader][where] = info.leader_epoch;
      asked.push_back(where);
      shown.emplace_back(std::move(where), &info);
    }
  }
  MQ_CO_TRY(const auto starts, co_await remote.offsets(asked, client::OffsetQuery::kStart));
  MQ_CO_TRY(const auto high_watermarks, co_await remote.offsets(asked, client::OffsetQuery::kEnd));
  LogEnds ends;
  for (const auto& [leader, partitions] : by_leader)
    if (auto answered = co_await ask_log_ends(remote, leader, partitions, ends); !answered)
      console.complain(answered.error());
  MQ_CO_TRY(const auto sizes, co_await partition_sizes(console, remote));

  MQ_CO_TRY(const auto eligible, co_await eligible_leaders(remote, topics));

  for (auto& [where, end] : ends)
    if (const auto start = starts.find(where); end < Offset{0} && start != starts.end()) end = start->second.offset;

  const auto offset = [](const client::OffsetAnswer& answer) { return answer.offset.value(); };
  cli::TableWriter table = console.table(kColumns);
  for (const auto& [where, info] : shown) {
    cli::Cell leader, epoch;
    if (info->leader != kNoBroker) leader = std::int64_t{info->leader.value()};
    if (info->leader_epoch != kNoLeaderEpoch) epoch = std::int64_t{info->leader_epoch.value()};
    table.add({where.topic, std::int64_t{where.partition}, leader, epoch, numbers_of(info->replicas),
               numbers_of(info->in_sync), cell_of(starts, where, offset), cell_of(high_watermarks, where, offset),
               cell_of(ends, where, [](Offset end) { return end.value(); }),
               cell_of(sizes, where, [](std::int64_t size) { return size; }), list_cell(eligible, where)});
  }
  co_return co_await console.finish(table);
}

}  // namespace mq::mqctl
