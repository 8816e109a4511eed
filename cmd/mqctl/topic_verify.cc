// topic verify: reads whole topics, from the leader of each partition or from each of its replicas, and says what is
// damaged or not the same.
//
// The replicas of a partition are read side by side up to the high watermark as it was at the begin: a follower gives
// that to anybody who asks it (KIP-392). Whoever is furthest behind is read next, and what all have been read for is
// compared and forgotten, so that memory stays small. Compaction runs on each replica when it likes, so of a compacted
// topic records are compared, and only where both have them.

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/crc32c.h"
#include "client/connection.h"
#include "client/errors.h"
#include "command.h"
#include "copies.h"
#include "record/batch.h"
#include "record/record.h"
#include "wire/messages/fetch.h"

namespace mq::mqctl {
namespace {

/// A follower that does not come this far in such a time lacks the rest.
constexpr Duration kPatience = 10s;
constexpr Duration kPause = 50ms;
constexpr std::int32_t kFetchBytes = 4 << 20;
/// So many differences of one partition are told.
constexpr std::size_t kToldMax = 20;

struct VerifyOptions {
  bool replicas = false;
};

std::uint32_t digest_of(const record::RecordView& record) {
  std::uint32_t digest = crc32c(record.key.value_or(BytesView()), record.key ? 1 : 0);
  digest = crc32c(record.value.value_or(BytesView()), digest + (record.value ? 1 : 0));
  digest = crc32c(record.headers.bytes(), digest);
  const std::string time = std::to_string(record.timestamp);
  return crc32c(time, digest);
}

/// Reads the replicas of one partition.
class PartitionCheck {
 public:
  PartitionCheck(Console& console, Remote& remote, const client::TopicInfo& topic, std::int32_t partition,
                 bool is_compacted, std::vector<BrokerId> replicas)
      : console_(console),
        remote_(remote),
        topic_(topic),
        where_{.topic = topic.name, .partition = partition},
        replicas_(std::move(replicas)),
        is_compacted_(is_compacted),
        copies_(replicas_.size(), is_compacted),
        positions_(replicas_.size()) {}

  awaitable<Result<void>> run();
  [[nodiscard]] std::uint64_t batches() const { return batches_; }
  [[nodiscard]] std::size_t findings() const { return findings_; }
  [[nodiscard]] std::size_t left_out() const { return left_out_; }

 private:
  awaitable<Result<void>> read(std::size_t copy);
  awaitable<Result<void>> find_start(std::size_t copy);
  Result<void> take(std::size_t copy, const wire::FetchResponse::PartitionData& row);
  Result<void> take_records(std::size_t copy, const record::BatchView& batch);
  awaitable<Result<void>> tell(std::string text);
  awaitable<Result<void>> tell_differences();
  [[nodiscard]] std::string sentence(const Difference& found) const;
  void leave_out(std::size_t copy, Error reason);
  [[nodiscard]] std::size_t furthest_behind() const;
  void give_up(std::size_t copy) {
    copies_.give_up(copy);
    positions_[copy] = end_;
  }

  Console& console_;
  Remote& remote_;
  const client::TopicInfo& topic_;
  TopicPartition where_;
  std::vector<BrokerId> replicas_;  ///< the leader first
  bool is_compacted_;
  Copies copies_;
  std::vector<Offset> positions_;
  Offset end_{0};
  std::optional<Instant> waits_until_;  ///< for a copy that had nothing
  record::RecordReader records_;
  std::uint64_t batches_ = 0;
  std::size_t findings_ = 0;
  std::size_t left_out_ = 0;
};

awaitable<Result<void>> PartitionCheck::run() {
  MQ_CO_TRY(const auto starts, co_await remote_.offsets({where_}, client::OffsetQuery::kStart));
  MQ_CO_TRY(const auto ends, co_await remote_.offsets({where_}, client::OffsetQuery::kEnd));
  const auto start = starts.find(where_);
  const auto end = ends.find(where_);
  if (start == starts.end() || end == ends.end())
    co_return fail(Errc::unreachable, "{} has no leader now", where_.to_string());
  end_ = end->second.offset;
  std::ranges::fill(positions_, start->second.offset);
  while (true) {
    const std::size_t copy = furthest_behind();
    if (positions_[copy] >= end_) break;
    MQ_CO_CHECK(co_await read(copy));
    copies_.read_to(copy, positions_[copy]);
    MQ_CO_CHECK(co_await tell_differences());
  }
  if (findings_ > kToldMax)
    co_return co_await console_.write(fmt::format("{}: and {} more\n", where_.to_string(), findings_ - kToldMax));
  co_return Result<void>{};
}

std::size_t PartitionCheck::furthest_behind() const {
  return static_cast<std::size_t>(std::ranges::min_element(positions_) - positions_.begin());
}

awaitable<Result<void>> PartitionCheck::read(std::size_t copy) {
  const BrokerId broker = replicas_[copy];
  wire::FetchRequest request;
  request.max_bytes = kFetchBytes;
  auto& asked = request.topics.emplace_back();
  asked.topic = topic_.name;
  asked.topic_id = topic_.id;
  asked.partitions.push_back(
      {.partition = where_.partition, .fetch_offset = positions_[copy].value(), .partition_max_bytes = kFetchBytes});
  constexpr ApiVersion kLastWithNames = 12;
  const ApiVersion version_max = topic_.id.is_zero() ? kLastWithNames : wire::kVersionMax;
  auto connection = co_await remote_.cluster().broker(broker, client::Cluster::Use::data);
  if (!connection) co_return leave_out(copy, std::move(connection).error()), Result<void>{};
  const auto answer =
      co_await (*connection)->call(std::move(request), remote_.deadline() - console_.shard().now(), version_max);
  if (!answer) co_return leave_out(copy, answer.error()), Result<void>{};
  if (answer->body.error_code != ErrorCode::kNone)
    co_return leave_out(copy, client::broker_error(answer->body.error_code, "fetch")), Result<void>{};
  const auto& topics = answer->body.responses;
  if (topics.size() != 1 || topics[0].partitions.size() != 1)
    co_return leave_out(copy, {.code = Errc::corrupt, .message = "its answer leaves the partition out"}),
        Result<void>{};
  const auto& row = topics[0].partitions[0];
  switch (row.error_code) {
    case ErrorCode::kNone:
    case ErrorCode::kOffsetNotAvailable:
      break;
    case ErrorCode::kOffsetOutOfRange:
      co_return co_await find_start(copy);
    case ErrorCode::kCorruptMessage:
    case ErrorCode::kKafkaStorageError:
      MQ_CO_CHECK(
          co_await tell(fmt::format("broker {} cannot read offset {} from its disk, and what follows is not compared",
                                    broker.value(), positions_[copy].value())));
      give_up(copy);
      co_return Result<void>{};
    default:
      co_return leave_out(copy, client::broker_error(row.error_code, "fetch")), Result<void>{};
  }
  const Offset before = positions_[copy];
  MQ_CO_CHECK(take(copy, row));
  if (positions_[copy] > before) {
    waits_until_.reset();
    co_return Result<void>{};
  }
  const Instant now = console_.shard().now();
  if (!waits_until_) waits_until_ = now + kPatience;
  if (now < *waits_until_) {
    co_await console_.shard().sleep_until(now + kPause);
    co_return Result<void>{};
  }
  waits_until_.reset();
  MQ_CO_CHECK(co_await tell(fmt::format("broker {} has nothing from offset {} on, where {} is committed",
                                        broker.value(), before.value(), end_.value())));
  give_up(copy);
  co_return Result<void>{};
}

/// Retention may have moved the begin meanwhile; else the copy lacks what the leader has.
awaitable<Result<void>> PartitionCheck::find_start(std::size_t copy) {
  MQ_CO_TRY(const auto starts, co_await remote_.offsets({where_}, client::OffsetQuery::kStart));
  const auto start = starts.find(where_);
  if (start == starts.end()) co_return fail(Errc::unreachable, "{} has no leader now", where_.to_string());
  if (start->second.offset > positions_[copy]) {
    positions_[copy] = std::min(start->second.offset, end_);
    co_return Result<void>{};
  }
  MQ_CO_CHECK(co_await tell(fmt::format("broker {} has no offset {}, and the log begins at {}", replicas_[copy].value(),
                                        positions_[copy].value(), start->second.offset.value())));
  give_up(copy);
  co_return Result<void>{};
}

Result<void> PartitionCheck::take(std::size_t copy, const wire::FetchResponse::PartitionData& row) {
  record::BatchReader reader(row.records.bytes);
  while (positions_[copy] < end_) {
    MQ_TRY(const auto next, reader.next());
    if (!next) break;
    const record::BatchHeader& header = next->header();
    if (header.next_offset() <= positions_[copy]) continue;
    if (!record::crc_ok(*next))
      return fail(Errc::corrupt_batch, "{}: the batch at offset {} came damaged (CRC) from broker {}",
                  where_.to_string(), header.base_offset.value(), replicas_[copy].value());
    ++batches_;
    if (is_compacted_) {
      MQ_CHECK(take_records(copy, *next));
    } else {
      copies_.add(copy, {.first = header.base_offset, .next = header.next_offset(), .digest = crc32c(next->bytes())});
    }
    positions_[copy] = header.next_offset();
  }
  return {};
}

Result<void> PartitionCheck::take_records(std::size_t copy, const record::BatchView& batch) {
  return record::for_each_record(records_, batch, [&](const record::RecordView& record) {
    copies_.add(copy, {.first = record.offset, .next = next(record.offset), .digest = digest_of(record)});
  });
}

awaitable<Result<void>> PartitionCheck::tell(std::string text) {
  console_.worsen(cli::ExitCode::damaged);
  if (++findings_ > kToldMax) co_return Result<void>{};
  co_return co_await console_.write(fmt::format("{}: {}\n", where_.to_string(), text));
}

awaitable<Result<void>> PartitionCheck::tell_differences() {
  for (const Difference& found : copies_.compare()) MQ_CO_CHECK(co_await tell(sentence(found)));
  co_return Result<void>{};
}

std::string PartitionCheck::sentence(const Difference& found) const {
  const std::int32_t broker = replicas_[found.copy].value();
  const std::int32_t other = replicas_[found.other].value();
  const std::string offsets = found.next == next(found.first)
                                  ? fmt::format("offset {}", found.first.value())
                                  : fmt::format("offsets {} to {}", found.first.value(), found.next.value() - 1);
  switch (found.kind) {
    case Difference::Kind::differs:
      return fmt::format("broker {} has other bytes than broker {} at {}", broker, other, offsets);
    case Difference::Kind::lacks:
      return fmt::format("broker {} lacks {}, which broker {} has", broker, offsets, other);
    case Difference::Kind::has_more:
      return fmt::format("broker {} has {}, which broker {} lacks", broker, offsets, other);
  }
  std::unreachable();
}

/// A copy that nobody gives out is not compared; the others are.
void PartitionCheck::leave_out(std::size_t copy, Error reason) {
  reason.message = fmt::format("{}: the copy on broker {} is left out: {}", where_.to_string(), replicas_[copy].value(),
                               reason.message);
  console_.complain(reason);
  give_up(copy);
  ++left_out_;
}

awaitable<Result<bool>> is_compacted(Remote& remote, const std::string& topic) {
  MQ_CO_TRY(const auto configs,
            co_await remote.admin().describe_configs(client::ResourceType::topic, topic, remote.deadline()));
  const auto policy =
      std::ranges::find(configs.entries, std::string_view("cleanup.policy"), &client::ConfigEntry::name);
  co_return policy != configs.entries.end() && policy->value.value_or("").contains("compact");
}

/// The leader first.
std::vector<BrokerId> copies_to_read(const client::PartitionInfo& partition, bool all) {
  std::vector<BrokerId> brokers{partition.leader};
  if (all)
    std::ranges::copy_if(partition.replicas, std::back_inserter(brokers),
                         [&](BrokerId id) { return id != partition.leader; });
  return brokers;
}

awaitable<Result<void>> verify(Console& console, Remote& remote) {
  const auto options = console.options<VerifyOptions>();
  MQ_CO_CHECK(co_await remote.connect());
  const auto operands = console.args().operands();
  MQ_CO_TRY(const auto topics, co_await remote.topics({operands.begin(), operands.end()}));
  std::uint64_t partitions = 0;
  std::uint64_t batches = 0;
  std::size_t findings = 0;
  std::size_t left_out = 0;
  for (const client::Cluster::TopicRef& topic : topics) {
    MQ_CO_TRY(const bool compacted, co_await is_compacted(remote, topic->name));
    for (std::size_t index = 0; index < topic->partitions.size(); ++index) {
      const client::PartitionInfo& partition = topic->partitions[index];
      PartitionCheck check(console, remote, *topic, static_cast<std::int32_t>(index), compacted,
                           copies_to_read(partition, options.replicas));
      if (auto checked = co_await check.run(); !checked) {
        if (checked.error().code == Errc::closed) co_return checked;
        Error error = std::move(checked).error();
        error.message = fmt::format("{}-{} could not be read to its end: {}", topic->name, index, error.message);
        console.complain(error);
      }
      ++partitions;
      batches += check.batches();
      findings += check.findings();
      left_out += check.left_out();
    }
  }
  std::string summary =
      fmt::format("{} partition{}, {} batch{} read, {} finding{}", partitions, partitions == 1 ? "" : "s", batches,
                  batches == 1 ? "" : "es", findings, findings == 1 ? "" : "s");
  if (left_out > 0) summary += fmt::format(", {} {} left out", left_out, left_out == 1 ? "copy" : "copies");
  console.notice(summary);
  co_return Result<void>{};
}

constexpr cli::OptionRow kVerifyRows[] = {
    {.long_name = "replicas",
     .kind = cli::ValueKind::flag,
     .group = "What",
     .help = "read every replica, and compare each with the leader's, byte by byte; of a compacted topic record by "
             "record, where both have it",
     .into = cli::into<&VerifyOptions::replicas>},
};
constexpr cli::Example kVerifyExamples[] = {
    {"exit 7 and a line for each finding when two replicas differ", "mqctl topic verify --replicas orders"}};
constexpr cli::CommandRow kVerify{.name = "topic verify",
                                  .operands_text = "TOPIC...",
                                  .summary = "read whole topics and check them; with --replicas each copy of them",
                                  .operands = {.min = 1, .topics = cli::OperandCount::kAny},
                                  .options = kVerifyRows,
                                  .examples = kVerifyExamples};

constexpr Command kCommands[] = {{&kVerify, verify}};

}  // namespace

std::span<const Command> topic_verify_commands() { return kCommands; }

}  // namespace mq::mqctl
