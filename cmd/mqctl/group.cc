#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "cli/position.h"
#include "client/errors.h"
#include "command.h"
#include "lag.h"
#include "record/record.h"

namespace mq::mqctl {
namespace {

using Answers = std::map<TopicPartition, client::OffsetAnswer>;

cli::Cell text_cell(const std::string& text) {
  if (text.empty()) return std::monostate{};
  return text;
}

cli::Cell offset_cell(const Answers& answers, const TopicPartition& where) {
  const auto found = answers.find(where);
  if (found == answers.end()) return std::monostate{};
  return found->second.offset.value();
}

/// `web-0,web-1` of a member, as a list.
std::vector<std::string> names_of(const std::vector<TopicPartition>& partitions) {
  std::vector<std::string> names;
  for (const TopicPartition& where : partitions) names.push_back(where.to_string());
  return names;
}

/// How a member is called in messages and tables: its instance id when it has one, else the broker's name for it.
std::string name_of(const client::GroupMember& member) { return member.instance_id.value_or(member.member_id); }

/// Why a group cannot be described although it is there: unsupported, else the error as it is.
awaitable<Error> why_not_described(Remote& remote, std::string name, Error error) {
  if (client::code_of(error) != ErrorCode::kGroupIdNotFound) co_return error;
  const auto groups = co_await remote.admin().list_groups(remote.deadline());
  if (!groups) co_return error;
  const auto listed = std::ranges::find(*groups, name, &client::GroupListing::id);
  if (listed == groups->end()) co_return error;
  co_return Error{
      .code = Errc::unsupported,
      .message = fmt::format("group {} is of type {}, whose members mqctl cannot read", name, listed->type)};
}

/// A group that is there. A broker calls one that is not Dead. unsupported: it is there, and of KIP-848 or later.
awaitable<Result<client::GroupDescription>> find_group(Remote& remote, std::string name) {
  MQ_CO_TRY(auto group, co_await remote.admin().describe_group(name, remote.deadline()));
  if (group.error) co_return fail(co_await why_not_described(remote, name, *group.error));
  if (group.state == "Dead") co_return fail(Errc::not_found, "there is no group {}", name);
  co_return group;
}

// --- group list ----------------------------------------------------------------------------------------------------

constexpr cli::ColumnRow kListColumns[] = {
    {.name = "group", .help = "its name"},
    {.name = "state", .help = "Empty, Stable and so on, as the broker says"},
    {.name = "protocol_type", .help = "consumer, or what its members say"},
    {.name = "type", .help = "classic, consumer and so on; none from a broker that does not tell"}};

awaitable<Result<void>> list(Console& console, Remote& remote) {
  MQ_CO_CHECK(co_await remote.connect());
  MQ_CO_TRY(auto groups, co_await remote.admin().list_groups(remote.deadline()));
  std::ranges::sort(groups, {}, &client::GroupListing::id);
  cli::TableWriter table = console.table(kListColumns);
  for (const client::GroupListing& group : groups)
    table.add({group.id, text_cell(group.state), text_cell(group.protocol_type), text_cell(group.type)});
  co_return co_await console.finish(table);
}

constexpr cli::Example kListExamples[] = {{"groups without members", "mqctl group list | awk '$2 == \"Empty\"'"}};
constexpr cli::OutputRow kListOutputs[] = {{.when = "", .columns = kListColumns}};
constexpr cli::CommandRow kList{.name = "group list",
                                .summary = "the consumer groups of all brokers",
                                .options = kOutputRows,
                                .examples = kListExamples,
                                .outputs = kListOutputs};

// --- group describe ------------------------------------------------------------------------------------------------

constexpr cli::ColumnRow kDescribeColumns[] = {
    {.name = "group", .help = "its name"},
    {.name = "state", .help = "Empty, Stable and so on, as the broker says"},
    {.name = "coordinator", .unit = cli::Unit::number, .help = "the broker that looks after it"},
    {.name = "protocol", .help = "how its members share partitions"},
    {.name = "member", .help = "the broker's name for a member; none when there is no member"},
    {.name = "instance", .help = "the name that a static member gives itself"},
    {.name = "client_id", .help = "of the member"},
    {.name = "client_host", .help = "of the member"},
    {.name = "partitions", .help = "what the member reads, as TOPIC-PARTITION"},
};

void add_group(cli::TableWriter& table, const client::GroupDescription& group) {
  const cli::Cell coordinator = std::int64_t{group.coordinator.value()};
  if (group.members.empty())
    table.add({group.id, group.state, coordinator, text_cell(group.protocol), {}, {}, {}, {}, {}});
  for (const client::GroupMember& member : group.members)
    table.add({group.id, group.state, coordinator, text_cell(group.protocol), member.member_id,
               text_cell(member.instance_id.value_or("")), member.client_id, member.client_host,
               names_of(member.assignment)});
}

awaitable<Result<void>> describe(Console& console, Remote& remote) {
  MQ_CO_CHECK(co_await remote.connect());
  cli::TableWriter table = console.table(kDescribeColumns);
  for (const std::string& name : console.args().operands()) {
    const auto group = co_await find_group(remote, name);
    if (group) {
      add_group(table, *group);
    } else {
      console.complain(group.error());
    }
  }
  co_return co_await console.finish(table);
}

constexpr cli::Example kDescribeExamples[] = {{"who shares the partitions", "mqctl group describe billing"}};
constexpr cli::OutputRow kDescribeOutputs[] = {{.when = "", .columns = kDescribeColumns}};
constexpr cli::CommandRow kDescribe{.name = "group describe",
                                    .operands_text = "GROUP...",
                                    .summary = "state and members of groups, and what each member reads",
                                    .operands = {.min = 1},
                                    .options = kOutputRows,
                                    .examples = kDescribeExamples,
                                    .outputs = kDescribeOutputs};

// --- group lag -----------------------------------------------------------------------------------------------------

constexpr cli::ColumnRow kLagColumns[] = {
    {.name = "group", .help = "its name"},
    {.name = "topic", .help = "what it reads, or has read"},
    {.name = "partition", .unit = cli::Unit::number, .help = "the number"},
    {.name = "committed",
     .unit = cli::Unit::number,
     .help = "where it goes on reading; none while nothing is committed"},
    {.name = "end", .unit = cli::Unit::number, .help = "the partition's high watermark"},
    {.name = "lag",
     .unit = cli::Unit::number,
     .help = "records from there on that are still in the log; negative when that is beyond the end, which --max never "
             "allows; none while nothing is committed, which it passes over"},
    {.name = "behind_ms",
     .unit = cli::Unit::milliseconds,
     .help = "since the first of them was written; 0 when there is none, none when it carries no time or could not be "
             "read"},
    {.name = "member",
     .help = "who reads it; none when nobody does, or its group is of a type whose members mqctl cannot read"},
    {.name = "lost",
     .unit = cli::Unit::number,
     .help = "records that were deleted before the group read them, and are not part of lag"},
};

/// One partition that a group reads or has read.
struct Reading {
  std::optional<Offset> committed;
  std::string member;
};
using Readings = std::map<TopicPartition, Reading>;

awaitable<Result<Readings>> readings_of(Remote& remote, std::string name) {
  const auto group = co_await find_group(remote, name);
  // Offsets are known of every group, members of some.
  if (!group && group.error().code != Errc::unsupported) co_return fail(group.error());
  MQ_CO_TRY(const auto offsets, co_await remote.admin().fetch_offsets(name, {}, remote.deadline()));
  Readings readings;
  for (const client::CommittedOffset& offset : offsets)
    if (offset.offset >= Offset{0}) readings[offset.where].committed = offset.offset;
  for (const client::GroupMember& member : group ? group->members : std::vector<client::GroupMember>{})
    for (const TopicPartition& where : member.assignment) readings[where].member = name_of(member);
  co_return readings;
}

std::vector<TopicPartition> partitions_of(const Readings& readings) {
  std::vector<TopicPartition> partitions;
  for (const auto& [where, reading] : readings) partitions.push_back(where);
  return partitions;
}

/// Timestamps by partition; none: there is no record.
using Times = std::map<TopicPartition, std::optional<WallMillis>>;

/// Of the records that come first at the given places, aborted ones too; reads one batch of each partition. What cannot
/// be found out now is left out.
awaitable<Result<Times>> times_at(Remote& remote, std::map<TopicPartition, Offset> places) {
  client::ConsumerOptions options;
  // Also what was aborted: to pass over it we would have to read all of it, batch by batch.
  options.isolation = client::Isolation::read_uncommitted;
  options.reset = client::OffsetReset::start;  // more may be deleted meanwhile: the oldest of the rest counts
  options.partition_bytes_max = 1;             // a first batch comes whole, whatever its size
  client::Consumer consumer(remote.cluster(), options);
  for (const auto& [where, offset] : places) consumer.assign(where, offset);
  Times times;
  record::RecordReader reader;
  Result<void> result;
  const Instant deadline = remote.deadline();
  while (!places.empty() && result && remote.cluster().shard().now() < deadline) {
    auto polled = co_await consumer.poll(100ms);
    if (!polled) {
      result = std::unexpected(polled.error());
      break;
    }
    for (const client::FetchedBatch& batch : polled->batches) {
      const auto note = [&](const record::RecordView& record) { times.try_emplace(*batch.where, record.timestamp); };
      if (result) result = client::for_each_record(reader, batch, note);
    }
    for (const client::PartitionError& error : polled->errors) places.erase(error.where);
    std::erase_if(places, [&](const auto& place) {
      const auto position = consumer.position(place.first);
      const auto end = consumer.known_end(place.first);
      // Nothing but markers and gaps up to the end: there is nothing to wait for.
      if (position && end && *position >= *end) times.try_emplace(place.first, std::nullopt);
      const bool is_over = times.contains(place.first);
      if (is_over) consumer.unassign(place.first);
      return is_over;
    });
  }
  co_await consumer.close();
  if (!result) co_return fail(result.error());
  co_return times;
}

awaitable<Result<std::map<TopicPartition, Lag>>> lags_of(Console& console, Remote& remote, Readings readings,
                                                         Answers starts, Answers ends) {
  std::map<TopicPartition, Lag> lags;
  std::map<TopicPartition, Offset> unread;
  for (const auto& [where, reading] : readings) {
    const auto start = starts.find(where);
    const auto end = ends.find(where);
    if (!reading.committed || start == starts.end() || end == ends.end()) continue;
    lags[where] = lag_of(*reading.committed, start->second.offset, end->second.offset);
    if (lags[where].records > 0) unread[where] = std::max(*reading.committed, start->second.offset);
  }
  MQ_CO_TRY(const Times times, co_await times_at(remote, std::move(unread)));
  const WallMillis now = console.wall_now();
  for (const auto& [where, time] : times) lags[where].time = time ? age_of(*time, now) : Duration::zero();
  co_return lags;
}

struct LagOptions {
  LagLimit max;
};

cli::Parsed<LagLimit> parse_limit(std::string_view text) {
  if (const auto records = cli::parse_number(text, 0, std::numeric_limits<std::int64_t>::max()))
    return LagLimit{.records = *records, .time = {}};
  if (const auto time = cli::parse_duration(text)) return LagLimit{.records = {}, .time = *time};
  return cli::bad_value(0, text.size(), "a number of records, or a time as 5m");
}

/// What the columns alone would let somebody overlook.
void tell_odd(Console& console, const LagLimit& limit, std::string_view group, const TopicPartition& where,
              const Lag& lag) {
  if (lag.is_beyond_end())
    console.notice(
        fmt::format("group {}: {}: what it has committed is {} beyond the end of the log, which was cut or made anew; "
                    "mqctl group reset moves it",
                    group, where.to_string(), -lag.records));
  if (limit.cannot_judge(lag))
    console.notice(
        fmt::format("group {}: {}: how long it is behind is not known, so --max passes over it; a number of "
                    "records would count",
                    group, where.to_string()));
}

awaitable<Result<void>> add_lag(Console& console, Remote& remote, std::string name, LagLimit limit,
                                cli::TableWriter& table) {
  MQ_CO_TRY(const Readings readings, co_await readings_of(remote, name));
  // In this order: the end only grows, so what comes in between is not taken for something beyond it.
  MQ_CO_TRY(const Answers starts, co_await remote.offsets(partitions_of(readings), client::OffsetQuery::kStart));
  MQ_CO_TRY(const Answers ends, co_await remote.offsets(partitions_of(readings), client::OffsetQuery::kEnd));
  MQ_CO_TRY(const auto lags, co_await lags_of(console, remote, readings, starts, ends));
  // Said of a group that was asked for by its name only: a look at all of them, as cron does, stays silent.
  if (readings.empty() && !console.args().operands().empty())
    console.notice(
        fmt::format("group {} has committed nothing and has no member that reads; nothing to compare", name));
  for (const auto& [where, reading] : readings) {
    cli::Cell committed, records, behind, lost;
    if (reading.committed) committed = reading.committed->value();
    if (const auto found = lags.find(where); found != lags.end()) {
      const Lag& lag = found->second;
      records = lag.records;
      if (lag.time) behind = std::int64_t{*lag.time / 1ms};
      lost = lag.lost;
      if (limit.is_passed_by(lag)) console.worsen(cli::ExitCode::some_failed);
      tell_odd(console, limit, name, where, lag);
    }
    table.add({name, where.topic, std::int64_t{where.partition}, committed, offset_cell(ends, where), records, behind,
               text_cell(reading.member), lost});
  }
  co_return Result<void>{};
}

awaitable<Result<void>> lag(Console& console, Remote& remote) {
  const auto options = console.options<LagOptions>();
  MQ_CO_CHECK(co_await remote.connect());
  std::vector<std::string> names(console.args().operands().begin(), console.args().operands().end());
  if (names.empty()) {
    MQ_CO_TRY(const auto groups, co_await remote.admin().list_groups(remote.deadline()));
    for (const client::GroupListing& group : groups) names.push_back(group.id);
    std::ranges::sort(names);
  }
  cli::TableWriter table = console.table(kLagColumns);
  for (const std::string& name : names)
    if (auto added = co_await add_lag(console, remote, name, options.max, table); !added)
      console.complain(added.error());
  co_return co_await console.finish(table);
}

constexpr std::array kLagOwnRows = {
    cli::OptionRow{.long_name = "max",
                   .value_name = "N|DUR",
                   .group = "What",
                   .help = "exit 1 when a partition is more records, or longer, behind",
                   .into = cli::parsed_into<parse_limit, &LagOptions::max>},
};
constexpr auto kLagRows = joined(kLagOwnRows, kOutputRows);
constexpr cli::Example kLagExamples[] = {
    {"one group", "mqctl group lag billing"},
    {"for cron: mail only when somebody is more than five minutes behind",
     "mqctl group lag --max 5m >lag.tsv || mail -s lag ops <lag.tsv"},
};
constexpr cli::OutputRow kLagOutputs[] = {{.when = "", .columns = kLagColumns}};
constexpr cli::CommandRow kLag{
    .name = "group lag",
    .operands_text = "[GROUP]...",
    .summary = "how many records, and how long, groups are behind; without a name all groups",
    .operands = {},
    .options = kLagRows,
    .examples = kLagExamples,
    .outputs = kLagOutputs};

// --- group reset ---------------------------------------------------------------------------------------------------

constexpr cli::ColumnRow kResetColumns[] = {
    {.name = "group", .help = "its name"},
    {.name = "topic", .help = "of the partition"},
    {.name = "partition", .unit = cli::Unit::number, .help = "the number"},
    {.name = "old", .unit = cli::Unit::number, .help = "where it would have gone on; none when nothing was committed"},
    {.name = "new", .unit = cli::Unit::number, .help = "where it goes on"},
    {.name = "change", .unit = cli::Unit::number, .help = "new less old"},
    {.name = "result", .help = "reset, would be reset, refused (the group has members) or failed"},
};

/// `TOPIC[:LIST]`.
struct TopicChoice {
  std::string name;
  std::optional<std::vector<std::int32_t>> partitions;  ///< none: all
};

cli::Parsed<TopicChoice> parse_topic_choice(std::string_view text) {
  const std::size_t colon = text.find(':');
  TopicChoice choice{.name = std::string(text.substr(0, colon)), .partitions = {}};
  if (colon == std::string_view::npos) return choice;
  auto partitions = cli::parse_partitions(text.substr(colon + 1));
  if (!partitions) {
    partitions.error().at += colon + 1;
    return std::unexpected(partitions.error());
  }
  choice.partitions = *std::move(partitions);
  return choice;
}

struct ResetOptions {
  cli::Position to;
  std::vector<TopicChoice> topics;
};

/// What --to and --topic ask for.
struct ResetWish {
  cli::Position to;
  std::map<std::string, TopicChoice> topics;  ///< by name; none: the group's
};

ResetWish wish_of(ResetOptions options) {
  ResetWish wish{.to = options.to, .topics = {}};
  for (TopicChoice& choice : options.topics) {
    const auto [known, is_new] = wish.topics.try_emplace(choice.name, choice);
    if (is_new) continue;
    auto& partitions = known->second.partitions;
    if (partitions && choice.partitions) {
      partitions->insert(partitions->end(), choice.partitions->begin(), choice.partitions->end());
    } else {
      partitions.reset();
    }
  }
  return wish;
}

struct Move {
  TopicPartition where;
  std::optional<Offset> from;
  Offset to;
};

/// The partitions that a wish is about: those named, else those for which the group has committed something.
awaitable<Result<std::vector<TopicPartition>>> chosen_partitions(Remote& remote, ResetWish wish, Readings readings) {
  if (wish.topics.empty()) co_return partitions_of(readings);
  std::vector<std::string> names;
  for (const auto& [name, choice] : wish.topics) names.push_back(name);
  MQ_CO_TRY(const auto topics, co_await remote.topics(std::move(names)));
  std::vector<TopicPartition> chosen;
  for (const auto& topic : topics) {
    if (const auto& partitions = wish.topics.at(topic->name).partitions) {
      for (const std::int32_t partition : *partitions) chosen.push_back({topic->name, partition});
    } else {
      for (std::size_t i = 0; i < topic->partitions.size(); ++i)
        chosen.push_back({topic->name, static_cast<std::int32_t>(i)});
    }
  }
  co_return chosen;
}

awaitable<Result<std::vector<Move>>> plan(Console& console, Remote& remote, std::string group, ResetWish wish) {
  MQ_CO_TRY(const Readings readings, co_await readings_of(remote, group));
  MQ_CO_TRY(const auto partitions, co_await chosen_partitions(remote, wish, readings));
  MQ_CO_TRY(const Answers starts, co_await remote.offsets(partitions, client::OffsetQuery::kStart));
  MQ_CO_TRY(const Answers ends, co_await remote.offsets(partitions, client::OffsetQuery::kEnd));
  Answers times;
  if (wish.to.kind == cli::Position::Kind::time) {
    MQ_CO_TRY(times, co_await remote.offsets(partitions, wish.to.value));
  }
  std::vector<Move> moves;
  for (const TopicPartition& where : partitions) {
    const auto start = starts.find(where);
    const auto end = ends.find(where);
    if (start == starts.end() || end == ends.end()) {
      console.complain({.code = Errc::not_found,
                        .message = fmt::format("partition {} is not there or has no leader", where.to_string())});
      continue;
    }
    const auto reading = readings.find(where);
    Move move{.where = where, .from = {}, .to = {}};
    if (reading != readings.end()) move.from = reading->second.committed;
    cli::Extent log{.start = start->second.offset, .end = end->second.offset, .committed = move.from, .at_time = {}};
    if (const auto time = times.find(where); time != times.end() && time->second.offset >= Offset{0})
      log.at_time = time->second.offset;
    // What is outside the log becomes the nearer of its ends.
    move.to = std::clamp(cli::resolve(wish.to, log), log.start, log.end);
    moves.push_back(std::move(move));
  }
  if (partitions.empty() && wish.topics.empty())
    console.complain({.code = Errc::not_found,
                      .message = fmt::format("group {} has committed nothing; name topics with --topic", group)});
  co_return moves;
}

/// A live group would overwrite what we commit.
Result<void> refuse_live(const client::GroupDescription& group) {
  if (group.members.empty()) return {};
  constexpr std::size_t kNamedMax = 10;
  std::string names;
  for (std::size_t i = 0; i < std::min(group.members.size(), kNamedMax); ++i)
    names += fmt::format("{}{} ({})", i == 0 ? "" : ", ", name_of(group.members[i]), group.members[i].client_host);
  if (group.members.size() > kNamedMax) names += fmt::format(" and {} more", group.members.size() - kNamedMax);
  return fail(Errc::refused, "group {} has members; stop them first: {}", group.id, names);
}

/// Commits the moves; what failed, by partition.
awaitable<Result<std::set<TopicPartition>>> commit(Console& console, Remote& remote, std::string group,
                                                   std::vector<Move> moves) {
  std::vector<client::CommittedOffset> offsets;
  for (const Move& move : moves) {
    client::CommittedOffset& offset = offsets.emplace_back();
    offset.where = move.where;
    offset.offset = move.to;
  }
  auto results = co_await remote.admin().commit_offsets(group, std::move(offsets), remote.deadline());
  if (!results) co_return fail(results.error());
  std::set<TopicPartition> failed;
  for (const client::PartitionResult& result : *results) {
    if (!result.error) continue;
    failed.insert(result.where);
    // A member came in between: the broker does not know us as one.
    const bool live = client::code_of(*result.error) == ErrorCode::kUnknownMemberId;
    console.complain(*result.error, live ? cli::ExitCode::precondition : cli::exit_code_of(*result.error));
  }
  co_return failed;
}

/// Returns how many partitions wait for consent only.
awaitable<Result<std::size_t>> reset_one(Console& console, Remote& remote, std::string name, ResetWish wish,
                                         cli::TableWriter& table) {
  MQ_CO_TRY(const auto group, co_await find_group(remote, name));
  MQ_CO_TRY(const auto moves, co_await plan(console, remote, name, wish));
  const bool does_it = console.has_consent();
  const auto alive = refuse_live(group);
  std::set<TopicPartition> failed;
  if (does_it && alive && !moves.empty()) {
    MQ_CO_TRY(failed, co_await commit(console, remote, name, moves));
  }
  for (const Move& move : moves) {
    cli::Cell from, change;
    if (move.from) {
      from = move.from->value();
      change = (move.to - *move.from).value();
    }
    const std::string_view result = !alive                        ? "refused"
                                    : !does_it                    ? "would be reset"
                                    : failed.contains(move.where) ? "failed"
                                                                  : "reset";
    table.add({name, move.where.topic, std::int64_t{move.where.partition}, from, move.to.value(), change,
               std::string(result)});
  }
  if (!alive) co_return std::unexpected(alive.error());
  co_return does_it ? 0 : moves.size();
}

awaitable<Result<void>> reset(Console& console, Remote& remote) {
  const ResetWish wish = wish_of(console.options<ResetOptions>());
  MQ_CO_CHECK(co_await remote.connect());
  cli::TableWriter table = console.table(kResetColumns);
  std::size_t waiting = 0;
  for (const std::string& name : console.args().operands()) {
    const auto done = co_await reset_one(console, remote, name, wish, table);
    if (done) {
      waiting += *done;
    } else {
      console.complain(done.error());
    }
  }
  MQ_CO_CHECK(co_await console.finish(table));
  if (waiting > 0) console.miss_consent("nothing was reset: add --yes to do it, --dry-run to only look");
  co_return Result<void>{};
}

constexpr std::array kResetOwnRows = {
    cli::OptionRow{.long_name = "to",
                   .value_name = "POS",
                   .group = "What",
                   .help = "start, end, an offset, start+N, end-N or @TIME; what is outside the log becomes its start "
                           "or end",
                   .required = true,
                   .into = cli::parsed_into<cli::parse_position, &ResetOptions::to>},
    cli::OptionRow{.long_name = "topic",
                   .value_name = "TOPIC[:LIST]",
                   .fallback_note = "all that the group has committed",
                   .group = "What",
                   .help = "only this topic, or these partitions of it: web:0,3-5",
                   .repeatable = true,
                   .into = cli::parsed_into<parse_topic_choice, &ResetOptions::topics>},
};
constexpr auto kResetRows = joined(kResetOwnRows, kChangeAndOutputRows);
constexpr cli::Example kResetExamples[] = {
    {"see what it would be", "mqctl group reset billing --to @2025-01-31T14:00 -n"},
    {"do it", "mqctl group reset billing --to @2025-01-31T14:00 -y"},
    {"one partition, ten records before its end", "mqctl group reset billing --topic orders:2 --to end-10 -y"},
};
constexpr cli::OutputRow kResetOutputs[] = {{.when = "", .columns = kResetColumns}};
constexpr cli::CommandRow kReset{.name = "group reset",
                                 .operands_text = "GROUP...",
                                 .summary = "move the committed offsets of groups without members",
                                 .operands = {.min = 1},
                                 .effect = cli::Effect::changes,
                                 .options = kResetRows,
                                 .examples = kResetExamples,
                                 .outputs = kResetOutputs};

constexpr Command kCommands[] = {{&kList, list}, {&kDescribe, describe}, {&kLag, lag}, {&kReset, reset}};

}  // namespace

std::span<const Command> group_commands() { return kCommands; }

}  // namespace mq::mqctl
