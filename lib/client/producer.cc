#include "client/producer.h"

#include <algorithm>
#include <deque>
#include <functional>
#include <limits>
#include <map>
#include <set>
#include <span>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/buggify.h"
#include "base/mark.h"
#include "base/milliseconds.h"
#include "client/connection.h"
#include "client/partition_queue.h"
#include "env/event.h"
#include "record/batch.h"
#include "record/batch_builder.h"
#include "record/record.h"
#include "wire/messages/init_producer_id.h"
#include "wire/messages/produce.h"

namespace mq::client {
namespace {

// So often, at most, a person is told of errors that last.
constexpr Duration kRefusalTellInterval = 10s;
// An error that came so often in a row, which takes some 4 s of waits between attempts, lasts.
constexpr int kRefusalsToTell = 8;

/// A partition of one topic: the batch that still grows, and those that are sealed.
struct Partition {
  Producer::Topic* topic = nullptr;
  std::int32_t index = 0;
  BrokerId leader = kNoBroker;
  LeaderEpoch leader_epoch = kNoLeaderEpoch;

  std::unique_ptr<record::BatchBuilder> open;  ///< null: nothing grows
  std::vector<std::uint64_t> open_tokens;
  std::size_t open_bytes = 0;
  std::uint64_t open_number = 0;  ///< tells one open batch from the next
  Instant open_due;               ///< when it has lingered enough
  bool open_is_due = false;       ///< it has, or was flushed

  PartitionQueue queue;
  bool is_listed = false;  ///< stands in its lane's list of partitions with something to send
  Instant blocked_until;
  Backoff backoff;
  Instant got_on;                      ///< when a batch was acknowledged last
  Instant failed_at{Duration::min()};  ///< when an attempt, or what must come before it, failed last
  int refusals = 0;                    ///< in a row
  bool refusal_told = false;           ///< the person knows of an error that lasts, and wants to know of its end
};

/// The way to one broker.
struct Lane {
  explicit Lane(BrokerId broker) : id(broker) {}
  BrokerId id;
  std::shared_ptr<Connection> connection;
  bool connecting = false;
  int in_flight = 0;
  std::deque<Partition*> ready;
};

/// One batch of a request in flight.
struct Sent {
  Partition* partition;
  ProducerBatch* batch;
  /// The order of a request's batches, in which a topic comes once.
  [[nodiscard]] std::pair<std::string_view, std::int32_t> key() const;
};

}  // namespace

class Producer::Topic {
 public:
  std::string name;
  Uuid id;
  /// The first `partition_count` exist. Those behind them did, before the topic was deleted and created again.
  std::vector<std::unique_ptr<Partition>> partitions;
  std::int32_t partition_count = 0;
  std::int32_t sticky = 0;
  std::int32_t round_robin = 0;
};

namespace {

Error no_such_partition(const Producer::Topic& topic, std::int32_t index) {
  return {.code = Errc::not_found,
          .message = fmt::format("{} has no partition {}: it has {}", topic.name, index, topic.partition_count),
          .kafka_code = 0};
}

}  // namespace

std::pair<std::string_view, std::int32_t> Sent::key() const { return {partition->topic->name, partition->index}; }

class Producer::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(Cluster& cluster, ProducerOptions options, DeliverySink delivered);
  void start();

  awaitable<Result<Topic*>> topic(const std::string& name, Instant deadline);
  Result<bool> try_send(Topic& topic, const OutgoingRecord& record);
  awaitable<void> wait_for_room();
  awaitable<Result<void>> flush(Instant deadline);
  awaitable<Result<void>> close(Instant deadline);
  [[nodiscard]] std::uint64_t pending_records() const { return pending_records_; }
  [[nodiscard]] std::size_t buffered_bytes() const { return buffered_; }
  void check_invariants() const;

 private:
  // Collecting records into batches.
  std::int32_t choose_partition(Topic& topic, const OutgoingRecord& record);
  void move_sticky(Topic& topic);
  void open_batch(Partition& partition);
  void make_due(Partition& partition);
  void seal(Partition& partition);

  // Sending batches.
  Lane& lane_of(BrokerId id);
  void list(Partition& partition);
  void pump(Lane& lane);
  void pump_all();
  void pump_soon();
  std::vector<Sent> collect(Lane& lane);
  ProducerBatch* next_batch(const Lane& lane, Partition& partition);
  bool give_identity(Partition& partition);
  Result<void> send(Lane& lane, const std::vector<Sent>& batches);
  void on_answer(Lane& lane, ApiVersion version, std::vector<Sent> batches, Result<SharedBytes> answer);
  void on_partition_answer(const Sent& sent, const wire::ProduceResponse::PartitionProduceResponse& answer);
  void on_written(Lane& lane, const std::vector<Sent>& batches, Result<SharedBytes> written);
  void could_not_send(const Sent& sent, const Error& error);
  void accepted(Partition& partition);
  void refused(Partition& partition, const Error& error);
  void retry(const Sent& sent, const Error& error);
  [[nodiscard]] static Error of_batch(const Sent& sent, const Error& error);
  bool split(const Sent& sent);
  bool give_up_named(const Sent& sent, const wire::ProduceResponse::PartitionProduceResponse& answer);
  PartitionQueue::BatchRef copy_some(const ProducerBatch& batch, const std::function<bool(std::size_t)>& keeps);
  void report(Partition& partition, PartitionQueue::BatchRef batch, std::int64_t base_offset, const Error* error);
  void report(Partition& partition, std::span<const std::uint64_t> tokens, std::size_t bytes, std::int64_t base_offset,
              const Error* error);

  // In the background.
  awaitable<void> connect(Lane& lane);
  awaitable<void> ask_for_identity();
  awaitable<void> run_timer();
  awaitable<void> refresh_topics();
  void wake_timer(Instant when);
  void want_metadata(const Topic& topic);
  void apply(Topic& topic, const TopicInfo& info);
  void fail_vanished(Partition& partition);
  [[nodiscard]] static bool has_records(const Topic& topic);
  void relist_moved();
  void expire();
  void expire(Partition& partition);
  void fail_everything(const Error& error);

  void check_counts() const;
  void check_invariants(const Partition& partition) const;
  /// Something of it goes out as soon as it may.
  [[nodiscard]] static bool has_due(const Partition& partition) {
    return partition.open_is_due || !partition.queue.empty();
  }
  [[nodiscard]] bool is_idempotent() const { return options_.idempotent; }
  /// Whether what waits since `due` was tried for as long as it may be.
  [[nodiscard]] bool has_expired(const Partition& partition, Instant due) const {
    const Instant since = std::max(due, partition.got_on);
    return partition.failed_at >= since && shard_.now() >= options_.delivery.deadline(since);
  }

  Cluster& cluster_;
  env::Shard& shard_;
  ProducerOptions options_;
  DeliverySink delivered_;

  std::unordered_map<std::string, std::unique_ptr<Topic>> topics_;
  std::map<BrokerId, std::unique_ptr<Lane>> lanes_;
  std::vector<std::unique_ptr<record::BatchBuilder>> spare_builders_;
  record::RecordReader splitter_;

  std::size_t buffered_ = 0;
  std::uint64_t pending_records_ = 0;
  env::Event room_;
  env::Event idle_;

  struct Linger {
    Instant due;
    Partition* partition;
    std::uint64_t open_number;
  };
  std::deque<Linger> lingering_;  ///< in the order of `due`, since the linger is the same for all
  std::multimap<Instant, Partition*> blocked_;
  std::unique_ptr<env::Timer> timer_;
  Instant timer_until_ = Instant::never();
  Instant refresh_at_;
  bool pump_posted_ = false;

  Instant refusals_told_until_;  ///< others wait until then
  ProducerIdentity identity_;    ///< where partitions begin; each raises its own epoch after a gap
  bool asking_identity_ = false;
  std::set<std::string> stale_;  ///< topics to ask about
  bool refreshing_ = false;
  std::optional<Error> fatal_;
  bool closed_ = false;
};

// --- Collecting records into batches ---------------------------------------------------------------------------------

Producer::Impl::Impl(Cluster& cluster, ProducerOptions options, DeliverySink delivered)
    : cluster_(cluster),
      shard_(cluster.shard()),
      options_(std::move(options)),
      delivered_(std::move(delivered)),
      room_(shard_),
      idle_(shard_),
      timer_(shard_.make_timer()) {
  if (options_.acks != Acks::all) options_.idempotent = false;
  if (options_.idempotent) options_.inflight_max = std::min(options_.inflight_max, kBatchesRemembered);
  options_.inflight_max = std::max(options_.inflight_max, 1);
}

void Producer::Impl::start() {
  cluster_.tasks().spawn(
      [](std::shared_ptr<Impl> self) -> awaitable<void> { co_await self->run_timer(); }(shared_from_this()));
}

awaitable<Result<Producer::Topic*>> Producer::Impl::topic(const std::string& name, Instant deadline) {
  if (const auto known = topics_.find(name); known != topics_.end()) co_return known->second.get();
  MQ_CO_TRY(const auto info, co_await cluster_.topic(name, options_.auto_create, deadline));
  if (info->partitions.empty()) co_return mq::fail(Errc::corrupt, "topic {} has no partitions", name);
  auto& topic = topics_[name];
  if (!topic) {
    topic = std::make_unique<Topic>();
    topic->name = name;
    apply(*topic, *info);
    move_sticky(*topic);
  }
  co_return topic.get();
}

Result<bool> Producer::Impl::try_send(Topic& topic, const OutgoingRecord& record) {
  if (fatal_) [[unlikely]]
    return mq::fail(*fatal_);
  if (closed_) [[unlikely]]
    return mq::fail(Errc::closed, "the producer is closed");
  const std::size_t bytes = record::BatchBuilder::record_bytes_max(record.key, record.value, record.headers);
  if (buffered_ > 0 && buffered_ + bytes > options_.buffer_bytes_max) return false;
  const std::int32_t index = choose_partition(topic, record);
  if (index < 0 || index >= topic.partition_count) return mq::fail(no_such_partition(topic, index));
  Partition& partition = *topic.partitions[static_cast<std::size_t>(index)];
  const bool is_early = MQ_BUGGIFY("client: a batch is sealed early");
  if (partition.open && (is_early || partition.open->size_bytes() + bytes > options_.batch_bytes)) {
    seal(partition);
    list(partition);
    pump(lane_of(partition.leader));
  }
  if (!partition.open) open_batch(partition);
  const WallMillis timestamp = record.timestamp >= 0 ? record.timestamp : shard_.clock().wall_now();
  partition.open->add(timestamp, record.key, record.value, record.headers);
  partition.open_tokens.push_back(record.token);
  partition.open_bytes += bytes;
  buffered_ += bytes;
  ++pending_records_;
  check_counts();
  return true;
}

std::int32_t Producer::Impl::choose_partition(Topic& topic, const OutgoingRecord& record) {
  if (record.partition) return *record.partition;
  const std::int32_t count = topic.partition_count;
  switch (options_.partitioner) {
    case Partitioner::random:
      return static_cast<std::int32_t>(cluster_.random().below(static_cast<std::uint64_t>(count)));
    case Partitioner::round_robin:
      return topic.round_robin = (topic.round_robin + 1) % count;
    case Partitioner::sticky:
      return topic.sticky;
    case Partitioner::murmur2:
    case Partitioner::crc32:
    case Partitioner::fnv1a:
      return record.key ? partition_for_key(options_.partitioner, *record.key, count) : topic.sticky;
  }
  std::unreachable();
}

/// Another partition at random, one with a leader where there is any.
void Producer::Impl::move_sticky(Topic& topic) {
  const auto count = static_cast<std::size_t>(topic.partition_count);
  const std::size_t start = count == 1 ? 0 : cluster_.random().below(count);
  for (std::size_t i = 0; i < count; ++i) {
    topic.sticky = static_cast<std::int32_t>((start + i) % count);
    if (topic.partitions[static_cast<std::size_t>(topic.sticky)]->leader != kNoBroker) return;
  }
}

void Producer::Impl::open_batch(Partition& partition) {
  if (spare_builders_.empty()) {
    partition.open = std::make_unique<record::BatchBuilder>(
        record::BatchBuilder::Options{.codec = options_.codec, .level = options_.level});
  } else {
    partition.open = std::move(spare_builders_.back());
    spare_builders_.pop_back();
  }
  const Instant now = shard_.now();
  partition.open_due = now + options_.linger;
  ++partition.open_number;
  if (options_.delivery.limit != Duration::max()) wake_timer(options_.delivery.deadline(now));
  if (options_.linger == Duration::zero()) {
    make_due(partition);
    pump_soon();
    return;
  }
  lingering_.push_back({.due = partition.open_due, .partition = &partition, .open_number = partition.open_number});
  wake_timer(partition.open_due);
}

/// The open batch goes out as soon as it may, though it is not full.
void Producer::Impl::make_due(Partition& partition) {
  partition.open_is_due = true;
  partition.open_due = std::min(partition.open_due, shard_.now());
  list(partition);
}

void Producer::Impl::seal(Partition& partition) {
  auto batch = std::make_unique<ProducerBatch>();
  record::BatchBuilder::Stamp stamp;
  const Sequence sequence = partition.queue.claim_sequence(partition.open->record_count());
  if (sequence.value() >= 0) {
    batch->identity = partition.queue.identity();
    batch->base_sequence = sequence;
    stamp.producer_id = batch->identity.id;
    stamp.producer_epoch = batch->identity.epoch;
    stamp.base_sequence = sequence;
  }
  auto bytes = partition.open->finish(stamp);
  batch->tokens = std::move(partition.open_tokens);
  batch->buffered_bytes = std::exchange(partition.open_bytes, 0);
  batch->due = std::min(partition.open_due, shard_.now());
  partition.open_tokens = {};
  partition.open_tokens.reserve(batch->tokens.size());
  spare_builders_.push_back(std::move(partition.open));
  partition.open_is_due = false;
  if (partition.topic->sticky == partition.index) move_sticky(*partition.topic);
  if (bytes) {
    batch->bytes = std::make_shared<std::string>(*std::move(bytes));
    partition.queue.push(std::move(batch));
    return;
  }
  // Only an option can be wrong here: a level that the codec does not have.
  if (sequence.value() >= 0) partition.queue.left_gap();
  report(partition, std::move(batch), -1, &bytes.error());
}

// --- Sending batches -------------------------------------------------------------------------------------------------
//
// A partition with something to send stands on the list of its leader's lane, once (`list`). `pump` takes from that
// list while the lane may have one more request in flight:
//
//   1. Without a connection `connect` makes one, and pumps again.
//   2. `collect` takes at most one batch of each partition for the next request. A partition whose batch may not go now
//      leaves the list. Whoever ends its wait puts it back: the answer to what it has in flight, the timer when its
//      wait after a failure is over (`blocked_`), or the producer id that it waits for (`ask_for_identity`).
//   3. `send` gives the request to the connection, and `on_answer` gets its end.
//
// Of each batch an answer says one of three: it is in the log (`acknowledged`, then `report`); it may be sent again
// (`retry`, which blocks the partition for a while and asks for metadata); it will never be there (`given_up`, then
// `report`). Then the partition is listed again and the lane pumped again. Metadata that names another leader moves a
// partition to the other lane (`relist_moved`); one without a leader waits for metadata (`want_metadata`).
//
// `check_invariants` holds that this is all: what is due is listed, in flight or blocked, or waits for an id or
// metadata.

Lane& Producer::Impl::lane_of(BrokerId id) {
  auto& lane = lanes_[id];
  if (!lane) lane = std::make_unique<Lane>(id);
  return *lane;
}

/// Puts the partition on the list of its leader's lane, when it is not there already. Without a leader it waits for
/// metadata.
void Producer::Impl::list(Partition& partition) {
  if (partition.is_listed) return;
  if (partition.leader == kNoBroker) return want_metadata(*partition.topic);
  partition.is_listed = true;
  lane_of(partition.leader).ready.push_back(&partition);
}

void Producer::Impl::pump(Lane& lane) {
  while (!closed_ && lane.id != kNoBroker && lane.in_flight < options_.inflight_max && !lane.ready.empty()) {
    if (!lane.connection || !lane.connection->is_open()) {
      if (!lane.connecting) {
        lane.connecting = true;
        cluster_.tasks().spawn([](std::shared_ptr<Impl> self, Lane* way) -> awaitable<void> {
          co_await self->connect(*way);
        }(shared_from_this(), &lane));
      }
      return;
    }
    auto batches = collect(lane);
    if (batches.empty()) return;
    if (auto sent = send(lane, batches); !sent)
      for (const Sent& one : batches) could_not_send(one, sent.error());
  }
}

void Producer::Impl::pump_all() {
  for (const auto& [id, lane] : lanes_) pump(*lane);
}

void Producer::Impl::pump_soon() {
  if (std::exchange(pump_posted_, true)) return;
  shard_.post([weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    self->pump_posted_ = false;
    self->pump_all();
  });
}

/// The batches of the next request to this broker: at most one of each partition, so that a partition's batches travel
/// in requests of their own and keep their order.
std::vector<Sent> Producer::Impl::collect(Lane& lane) {
  std::vector<Sent> batches;
  std::size_t bytes = 0;
  for (std::size_t left = lane.ready.size(); left > 0 && !lane.ready.empty(); --left) {
    Partition& partition = *lane.ready.front();
    ProducerBatch* batch = next_batch(lane, partition);
    if (batch != nullptr && bytes > 0 && bytes + batch->bytes->size() > options_.request_bytes_max) {
      partition.queue.put_back(*batch);
      break;
    }
    lane.ready.pop_front();
    partition.is_listed = false;
    if (batch == nullptr) continue;
    batches.push_back({.partition = &partition, .batch = batch});
    bytes += batch->bytes->size();
    const bool has_more =
        partition.queue.size() > static_cast<std::size_t>(partition.queue.in_flight()) || partition.open_is_due;
    if (has_more) list(partition);
  }
  std::ranges::sort(batches, {}, [](const Sent& sent) { return sent.key(); });
  return batches;
}

ProducerBatch* Producer::Impl::next_batch(const Lane& lane, Partition& partition) {
  if (shard_.now() < partition.blocked_until || !give_identity(partition)) return nullptr;
  const bool only_open_left = partition.queue.size() == static_cast<std::size_t>(partition.queue.in_flight());
  if (only_open_left && partition.open && partition.open_is_due && partition.queue.in_flight() < options_.inflight_max)
    seal(partition);
  return partition.queue.send_next(options_.inflight_max, lane.connection.get());
}

/// False when the partition must wait: for a first producer id, or until nothing is in flight under its old epoch.
bool Producer::Impl::give_identity(Partition& partition) {
  if (!is_idempotent()) return true;
  const ProducerIdentity own = partition.queue.identity();
  const bool is_new = own.id == kNoProducerId;
  if (!is_new && !partition.queue.needs_identity()) return true;
  if (identity_.id == kNoProducerId) {
    if (!std::exchange(asking_identity_, true))
      cluster_.tasks().spawn(
          [](std::shared_ptr<Impl> self) -> awaitable<void> { co_await self->ask_for_identity(); }(shared_from_this()));
    return false;
  }
  if (is_new || own.id != identity_.id) {
    partition.queue.renumber(identity_);
    return true;
  }
  if (own.epoch.value() == std::numeric_limits<std::int16_t>::max()) {
    identity_ = {};
    return give_identity(partition);
  }
  MQ_MARK("client: a producer raises its epoch of a partition");
  partition.queue.renumber({.id = own.id, .epoch = ProducerEpoch{static_cast<std::int16_t>(own.epoch.value() + 1)}});
  return true;
}

Result<void> Producer::Impl::send(Lane& lane, const std::vector<Sent>& batches) {
  wire::ProduceRequest request;
  request.acks = static_cast<std::int16_t>(options_.acks);
  request.timeout_ms = to_ms(options_.ack_timeout);
  std::vector<SharedBytes> records;
  bool has_ids = true;
  for (const Sent& sent : batches) {
    const Topic& topic = *sent.partition->topic;
    if (request.topic_data.empty() || request.topic_data.back().name != topic.name) {
      auto& data = request.topic_data.emplace_back();
      data.name = topic.name;
      data.topic_id = topic.id;
      has_ids = has_ids && !topic.id.is_zero();
    }
    auto& data = request.topic_data.back().partition_data.emplace_back();
    data.index = sent.partition->index;
    data.records = wire::Records::external(sent.batch->bytes->size());
    records.push_back(sent.batch->shared());
  }
  constexpr ApiVersion kLastWithNames = 12;
  MQ_TRY(const ApiVersion version,
         lane.connection->version_for<wire::ProduceRequest>(has_ids ? wire::kVersionMax : kLastWithNames));
  const Instant deadline = shard_.now() + cluster_.options().request_timeout + options_.ack_timeout;
  // The connection must not keep alive what keeps it.
  const auto weak = weak_from_this();
  ++lane.in_flight;
  Result<void> sent;
  if (options_.acks == Acks::none) {
    sent = lane.connection->send_unanswered(request, version, std::move(records), deadline,
                                            [weak, &lane, batches](Result<SharedBytes> written) {
                                              if (const auto self = weak.lock())
                                                self->on_written(lane, batches, std::move(written));
                                            });
  } else {
    sent = lane.connection->send(request, version, std::move(records), deadline,
                                 [weak, &lane, version, batches](Result<SharedBytes> answer) {
                                   if (const auto self = weak.lock())
                                     self->on_answer(lane, version, batches, std::move(answer));
                                 });
  }
  if (!sent) --lane.in_flight;
  MQ_ASSERT(lane.in_flight >= 0 && lane.in_flight <= options_.inflight_max);
  return sent;
}

void Producer::Impl::on_written(Lane& lane, const std::vector<Sent>& batches, Result<SharedBytes> written) {
  if (!written) return on_answer(lane, 0, batches, std::move(written));
  --lane.in_flight;
  if (closed_ || fatal_) return;
  for (const Sent& sent : batches) {
    accepted(*sent.partition);
    report(*sent.partition, sent.partition->queue.acknowledged(*sent.batch), -1, nullptr);
    list(*sent.partition);
  }
  pump(lane);
}

void Producer::Impl::on_answer(Lane& lane, ApiVersion version, std::vector<Sent> batches, Result<SharedBytes> answer) {
  --lane.in_flight;
  if (closed_ || fatal_) return;  // everything was reported
  Result<wire::ProduceResponse> decoded = answer ? wire::decode<wire::ProduceResponse>(answer->view(), version)
                                                 : Result<wire::ProduceResponse>(mq::fail(answer.error()));
  if (!decoded) {
    MQ_MARK("client: a produce request ends without an answer");
    if (answer) lane.connection->close();
    for (const Sent& sent : batches) retry(sent, decoded.error());
    return pump(lane);
  }
  std::vector<bool> is_answered(batches.size());
  for (const auto& topic : decoded->responses) {
    const auto by_id =
        std::ranges::find(batches, topic.topic_id, [](const Sent& sent) { return sent.partition->topic->id; });
    if (topic.name.empty() && by_id == batches.end()) continue;
    const std::string_view name = topic.name.empty() ? std::string_view(by_id->partition->topic->name) : topic.name;
    for (const auto& partition : topic.partition_responses) {
      const std::pair key(name, partition.index);
      const auto sent = std::ranges::lower_bound(batches, key, {}, [](const Sent& one) { return one.key(); });
      if (sent == batches.end() || sent->key() != key) continue;
      const auto place = static_cast<std::size_t>(sent - batches.begin());
      if (is_answered[place]) continue;
      is_answered[place] = true;
      on_partition_answer(*sent, partition);
    }
  }
  for (std::size_t i = 0; i < batches.size(); ++i)
    if (!is_answered[i])
      retry(batches[i], Error{.code = Errc::closed,
                              .message = "the answer to a produce request leaves a partition out",
                              .kafka_code = 0});
  pump(lane);
  // What waited for this answer may have another leader by now.
  for (const Sent& sent : batches)
    if (sent.partition->leader != lane.id && sent.partition->leader != kNoBroker) pump(lane_of(sent.partition->leader));
}

void Producer::Impl::on_partition_answer(const Sent& sent,
                                         const wire::ProduceResponse::PartitionProduceResponse& answer) {
  Partition& partition = *sent.partition;
  PartitionQueue& queue = partition.queue;
  switch (answer.error_code) {
    case ErrorCode::kNone:
    case ErrorCode::kDuplicateSequenceNumber: {
      accepted(partition);
      const bool is_duplicate = answer.error_code == ErrorCode::kDuplicateSequenceNumber;
      report(partition, queue.acknowledged(*sent.batch), is_duplicate ? -1 : answer.base_offset, nullptr);
      if (!queue.empty() || partition.open_is_due) list(partition);
      return;
    }
    case ErrorCode::kOutOfOrderSequenceNumber:
    case ErrorCode::kUnknownProducerId:
      // Behind a batch that failed this is no surprise. At the front it means that the broker lost count.
      if (is_idempotent() && !queue.is_front(*sent.batch)) MQ_MARK("client: a batch behind one that failed is refused");
      if (is_idempotent() && queue.is_front(*sent.batch)) MQ_MARK("client: a broker lost count of a producer");
      queue.refused(*sent.batch);
      if (is_idempotent() && queue.is_front(*sent.batch)) queue.lost_count();
      if (is_idempotent())
        return retry(sent, broker_error(answer.error_code, "{}-{}", partition.topic->name, partition.index));
      break;
    case ErrorCode::kInvalidProducerEpoch:
    case ErrorCode::kInvalidProducerIdMapping:
      if (is_idempotent()) {
        queue.lost_count();
        return retry(sent, broker_error(answer.error_code, "{}-{}", partition.topic->name, partition.index));
      }
      break;
    case ErrorCode::kMessageTooLarge:
    case ErrorCode::kRecordListTooLarge:
      if (split(sent)) return list(partition);
      break;
    default:
      break;
  }
  Error error = broker_error(answer.error_code, "{}-{}", partition.topic->name, partition.index);
  if (answer.error_message) error.message += ": " + *answer.error_message;
  if (is_worth_retrying(error)) MQ_MARK("client: a broker refuses a batch, which is sent again");
  if (is_worth_retrying(error)) return retry(sent, error);
  MQ_MARK("client: a broker refuses a batch for good");
  if (!give_up_named(sent, answer)) report(partition, queue.given_up(*sent.batch), -1, &error);
  if (!queue.empty() || partition.open_is_due) list(partition);
}

void Producer::Impl::accepted(Partition& partition) {
  if (partition.refusal_told) MQ_MARK("client: a partition takes records again");
  partition.got_on = shard_.now();
  partition.backoff.reset();
  partition.refusals = 0;
  if (std::exchange(partition.refusal_told, false))
    cluster_.note({.kind = Notice::Kind::back,
                   .text = fmt::format("{}-{} takes records again", partition.topic->name, partition.index)});
}

/// Some errors last until somebody does something, a full disk for one: that person must hear of it.
void Producer::Impl::refused(Partition& partition, const Error& error) {
  partition.failed_at = shard_.now();
  ++partition.refusals;
  const ErrorCode code = code_of(error);
  const bool lasts = partition.refusals >= kRefusalsToTell || code == ErrorCode::kKafkaStorageError ||
                     code == ErrorCode::kNotEnoughReplicas || code == ErrorCode::kNotEnoughReplicasAfterAppend;
  if (!lasts || shard_.now() < refusals_told_until_) return;
  MQ_MARK("client: an error lasts and somebody is told");
  refusals_told_until_ = shard_.now() + kRefusalTellInterval;
  partition.refusal_told = true;
  cluster_.note({.kind = Notice::Kind::lost, .text = error.message + "; trying again"});
}

/// A connection that just closed, or a broker that does not have our versions.
void Producer::Impl::could_not_send(const Sent& sent, const Error& error) {
  if (is_worth_retrying(error)) return retry(sent, error);
  report(*sent.partition, sent.partition->queue.given_up(*sent.batch), -1, &error);
}

/// An error of the connection, with the batch that met it: one that breaks every connection is too large for the
/// broker.
Error Producer::Impl::of_batch(const Sent& sent, const Error& error) {
  if (error.code == Errc::broker) return error;
  return {.code = error.code,
          .message = fmt::format("{}-{}: a batch of {} bytes was not acknowledged: {}", sent.partition->topic->name,
                                 sent.partition->index, sent.batch->bytes->size(), error.message),
          .kafka_code = 0};
}

/// The batch failed but may be tried again: after a wait, by whoever leads the partition then.
void Producer::Impl::retry(const Sent& sent, const Error& error) {
  Partition& partition = *sent.partition;
  partition.queue.failed(*sent.batch);
  // What stands behind a batch that failed fails with it.
  if (partition.queue.is_front(*sent.batch)) refused(partition, of_batch(sent, error));
  if (has_expired(partition, sent.batch->due)) MQ_MARK("client: a batch was tried for long enough");
  if (has_expired(partition, sent.batch->due)) report(partition, partition.queue.given_up(*sent.batch), -1, &error);
  // Behind a batch that failed, sequences are refused for no other reason.
  if (code_of(error) != ErrorCode::kOutOfOrderSequenceNumber) want_metadata(*partition.topic);
  const Instant now = shard_.now();
  if (partition.blocked_until <= now) {
    partition.blocked_until = now + partition.backoff.next(cluster_.random());
    blocked_.emplace(partition.blocked_until, &partition);
    wake_timer(partition.blocked_until);
  }
}

/// Makes two batches of one that is too large for the topic. False when it is one record.
bool Producer::Impl::split(const Sent& sent) {
  ProducerBatch& batch = *sent.batch;
  const std::size_t half = batch.tokens.size() / 2;
  if (half == 0) MQ_MARK("client: a record is too large for its topic");
  if (half == 0) return false;
  MQ_MARK("client: a batch is too large for its topic and is split");
  std::vector<PartitionQueue::BatchRef> parts;
  parts.push_back(copy_some(batch, [&](std::size_t index) { return index < half; }));
  parts.push_back(copy_some(batch, [&](std::size_t index) { return index >= half; }));
  if (!parts.front() || !parts.back()) return false;
  parts.back()->buffered_bytes = batch.buffered_bytes - parts.front()->buffered_bytes;
  sent.partition->queue.replace(batch, std::move(parts));
  return true;
}

/// Gives up the records that the broker names as at fault, each with what is said of it, and leaves the others in their
/// place, to be sent again. False when it names none.
bool Producer::Impl::give_up_named(const Sent& sent, const wire::ProduceResponse::PartitionProduceResponse& answer) {
  Partition& partition = *sent.partition;
  ProducerBatch& batch = *sent.batch;
  std::map<std::size_t, std::string> named;
  for (const auto& fault : answer.record_errors)
    if (fault.batch_index >= 0 && fault.batch_index < batch.record_count())
      named.emplace(fault.batch_index, fault.batch_index_error_message.value_or(answer.error_message.value_or("")));
  if (named.empty()) return false;

  PartitionQueue::BatchRef rest;
  if (named.size() < batch.tokens.size()) {
    rest = copy_some(batch, [&](std::size_t index) { return !named.contains(index); });
    if (!rest) return false;
  }
  const std::size_t bytes_left = rest ? rest->buffered_bytes : 0;
  const PartitionQueue::BatchRef refused =
      rest ? partition.queue.given_up_but_for(batch, std::move(rest)) : partition.queue.given_up(batch);
  std::size_t bytes = refused->buffered_bytes - bytes_left;
  // Where several are named, the code of the whole is that of one of them.
  const ErrorCode code = named.size() == 1 ? answer.error_code : ErrorCode::kInvalidRecord;
  for (const auto& [index, why] : named) {
    Error error = broker_error(code, "{}-{}", partition.topic->name, partition.index);
    if (!why.empty()) error.message += fmt::format(": {}", why);
    report(partition, std::span(refused->tokens).subspan(index, 1), std::exchange(bytes, 0), -1, &error);
  }
  return true;
}

/// A batch of those records of `batch` that `keeps` by their index, not stamped, with their part of its bytes in the
/// buffer. Null when its own bytes cannot be read, or it would be empty.
PartitionQueue::BatchRef Producer::Impl::copy_some(const ProducerBatch& batch,
                                                   const std::function<bool(std::size_t)>& keeps) {
  const auto view = record::first_batch(*batch.bytes);
  if (!view) return nullptr;
  record::BatchBuilder builder(record::BatchBuilder::Options{.codec = options_.codec, .level = options_.level});
  auto copy = std::make_unique<ProducerBatch>();
  std::size_t index = 0;
  std::vector<record::HeaderView> headers;
  auto walked = record::for_each_record(splitter_, *view, [&](const record::RecordView& record) -> Result<void> {
    if (index >= batch.tokens.size()) return mq::fail(Errc::corrupt, "more records than were added");
    if (!keeps(index)) return ++index, Result<void>{};
    headers.clear();
    for (const record::HeaderView& header : record.headers) headers.push_back(header);
    builder.add(record.timestamp, record.key, record.value, headers);
    copy->tokens.push_back(batch.tokens[index++]);
    return {};
  });
  if (!walked || copy->tokens.empty()) return nullptr;
  auto bytes = builder.finish();
  if (!bytes) return nullptr;
  copy->bytes = std::make_shared<std::string>(*std::move(bytes));
  copy->buffered_bytes = batch.buffered_bytes * copy->tokens.size() / batch.tokens.size();
  copy->due = batch.due;
  return copy;
}

void Producer::Impl::report(Partition& partition, PartitionQueue::BatchRef batch, std::int64_t base_offset,
                            const Error* error) {
  report(partition, batch->tokens, batch->buffered_bytes, base_offset, error);
}

void Producer::Impl::report(Partition& partition, std::span<const std::uint64_t> tokens, std::size_t bytes,
                            std::int64_t base_offset, const Error* error) {
  MQ_ASSERT(buffered_ >= bytes);
  MQ_ASSERT(pending_records_ >= tokens.size());
  buffered_ -= bytes;
  pending_records_ -= tokens.size();
  check_counts();
  if (delivered_)
    delivered_({.topic = partition.topic->name,
                .partition = partition.index,
                .base_offset = base_offset,
                .tokens = tokens,
                .error = error});
  if (room_.has_waiters()) room_.notify_all();
  if (pending_records_ == 0) idle_.notify_all();
}

// --- In the background -----------------------------------------------------------------------------------------------

awaitable<void> Producer::Impl::connect(Lane& lane) {
  Backoff backoff;
  while (!closed_ && !lane.ready.empty()) {
    auto opened = co_await cluster_.broker(lane.id, Cluster::Use::data);
    if (closed_) break;
    if (opened) {
      lane.connection = *opened;
      break;
    }
    // The leaders may be elsewhere by now.
    MQ_MARK("client: a producer cannot reach the leader");
    for (Partition* partition : lane.ready) {
      partition->failed_at = shard_.now();
      want_metadata(*partition->topic);
    }
    expire();
    co_await shard_.sleep_until(shard_.now() + backoff.next(cluster_.random()));
  }
  lane.connecting = false;
  pump(lane);
}

awaitable<void> Producer::Impl::ask_for_identity() {
  Backoff backoff;
  while (!closed_) {
    wire::InitProducerIdRequest request;
    request.transaction_timeout_ms = std::numeric_limits<std::int32_t>::max();
    Error error;
    auto connection = co_await cluster_.any_broker();
    if (connection) {
      auto answer = co_await (*connection)->call(std::move(request), cluster_.options().request_timeout);
      if (answer && answer->body.error_code == ErrorCode::kNone) {
        identity_ = {.id = ProducerId{answer->body.producer_id}, .epoch = ProducerEpoch{answer->body.producer_epoch}};
        break;
      }
      error = answer ? broker_error(answer->body.error_code, "producer id") : answer.error();
    } else {
      error = connection.error();
    }
    if (closed_) break;
    if (!is_worth_retrying(error)) {
      fail_everything(error);
      break;
    }
    for (const auto& [name, topic] : topics_)
      for (const auto& partition : topic->partitions) partition->failed_at = shard_.now();
    expire();
    co_await shard_.sleep_until(shard_.now() + backoff.next(cluster_.random()));
  }
  asking_identity_ = false;
  for (const auto& [name, topic] : topics_)
    for (const auto& partition : topic->partitions)
      if (!partition->queue.empty() || partition->open_is_due) list(*partition);
  pump_all();
}

/// Lingers, waits after failures, and expiry of batches: whatever comes first.
awaitable<void> Producer::Impl::run_timer() {
  constexpr Duration kExpiryCheck = 500ms;
  const bool expires = options_.delivery.limit != Duration::max();
  refresh_at_ = shard_.now() + cluster_.options().metadata_age_max;
  while (!closed_) {
    const Instant now = shard_.now();
    while (!lingering_.empty()) {
      const Linger linger = lingering_.front();
      const bool is_current = linger.partition->open && linger.partition->open_number == linger.open_number;
      if (is_current && linger.due > now) break;
      lingering_.pop_front();
      if (is_current) make_due(*linger.partition);
    }
    while (!blocked_.empty() && blocked_.begin()->first <= now) {
      list(*blocked_.begin()->second);
      blocked_.erase(blocked_.begin());
    }
    pump_all();
    if (expires) expire();
    if (now >= refresh_at_) {
      // Topics grow: keys and round robin should see the new partitions some time.
      refresh_at_ = now + cluster_.options().metadata_age_max;
      for (const auto& [name, topic] : topics_) want_metadata(*topic);
    }
    timer_until_ = refresh_at_;
    if (!lingering_.empty()) timer_until_ = std::min(timer_until_, lingering_.front().due);
    if (!blocked_.empty()) timer_until_ = std::min(timer_until_, blocked_.begin()->first);
    if (expires && pending_records_ > 0) timer_until_ = std::min(timer_until_, now + kExpiryCheck);
    (void)co_await timer_->wait_until(timer_until_);
  }
}

void Producer::Impl::wake_timer(Instant when) {
  if (when >= timer_until_) return;
  timer_until_ = when;
  timer_->cancel();
}

void Producer::Impl::want_metadata(const Topic& topic) {
  stale_.insert(topic.name);
  if (closed_ || std::exchange(refreshing_, true)) return;
  cluster_.tasks().spawn(
      [](std::shared_ptr<Impl> self) -> awaitable<void> { co_await self->refresh_topics(); }(shared_from_this()));
}

awaitable<void> Producer::Impl::refresh_topics() {
  Backoff backoff;
  while (!closed_ && !stale_.empty()) {
    const std::set<std::string> asked = std::exchange(stale_, {});
    auto answer = co_await cluster_.refresh({asked.begin(), asked.end()}, options_.auto_create);
    if (closed_) break;
    if (cluster_.closed()) {
      // Nothing can be sent any more, so nobody may wait for it.
      if (!answer) fail_everything(answer.error());
      break;
    }
    std::set<std::string> complete;
    if (answer)
      for (const auto& info : answer->topics) {
        if (!asked.contains(info->name)) continue;
        apply(*topics_.at(info->name), *info);
        if (std::ranges::all_of(info->partitions, [](const PartitionInfo& p) { return p.leader != kNoBroker; }))
          complete.insert(info->name);
      }
    for (const std::string& name : asked)
      if (!complete.contains(name) && has_records(*topics_.at(name))) {
        stale_.insert(name);
        for (const auto& partition : topics_.at(name)->partitions)
          if (partition->leader == kNoBroker)
            refused(*partition, broker_error(ErrorCode::kLeaderNotAvailable, "{}-{}", name, partition->index));
      }
    relist_moved();
    pump_all();
    expire();
    if (!stale_.empty()) MQ_MARK("client: a producer waits to ask for metadata again");
    if (!stale_.empty()) co_await shard_.sleep_until(shard_.now() + backoff.next(cluster_.random()));
  }
  refreshing_ = false;
}

void Producer::Impl::apply(Topic& topic, const TopicInfo& info) {
  const bool is_other = !topic.id.is_zero() && topic.id != info.id;
  if (is_other) MQ_MARK("client: a topic was made again under a producer");
  topic.id = info.id;
  topic.partition_count = static_cast<std::int32_t>(info.partitions.size());
  while (topic.partitions.size() < info.partitions.size()) {
    auto& partition = topic.partitions.emplace_back(std::make_unique<Partition>());
    partition->topic = &topic;
    partition->index = static_cast<std::int32_t>(topic.partitions.size()) - 1;
  }
  for (std::size_t i = 0; i < info.partitions.size(); ++i) {
    Partition& partition = *topic.partitions[i];
    if (is_other) {
      // Deleted and created again: epochs of leaders begin anew, and nothing is known there of our sequences.
      partition.leader_epoch = kNoLeaderEpoch;
      partition.queue.lost_count();
    }
    // An answer from a broker that lags behind must not lead us back to an older leader.
    const LeaderEpoch epoch = info.partitions[i].leader_epoch;
    if (epoch != kNoLeaderEpoch && epoch < partition.leader_epoch) continue;
    partition.leader = info.partitions[i].leader;
    partition.leader_epoch = epoch;
    if (!partition.queue.empty() || partition.open_is_due) list(partition);
  }
  if (topic.sticky >= topic.partition_count) move_sticky(topic);
  for (std::size_t i = info.partitions.size(); i < topic.partitions.size(); ++i) fail_vanished(*topic.partitions[i]);
}

/// The topic was created again with fewer partitions: what this one had is for nobody. What is in flight fails first.
void Producer::Impl::fail_vanished(Partition& partition) {
  partition.leader = kNoBroker;
  // Should it come back, it is another: its epochs begin anew, and nothing is known there of our sequences.
  partition.leader_epoch = kNoLeaderEpoch;
  partition.queue.lost_count();
  if (partition.queue.in_flight() > 0) return;
  if (partition.open) seal(partition);
  const Error error = no_such_partition(*partition.topic, partition.index);
  while (!partition.queue.empty()) report(partition, partition.queue.give_up_front(), -1, &error);
}

bool Producer::Impl::has_records(const Topic& topic) {
  return std::ranges::any_of(topic.partitions,
                             [](const auto& partition) { return partition->open || !partition->queue.empty(); });
}

/// Partitions on the list of a broker that does not lead them any more go to the list of the one that does.
void Producer::Impl::relist_moved() {
  std::vector<Partition*> moved;
  for (const auto& [id, lane] : lanes_)
    std::erase_if(lane->ready, [&moved, lane_id = id](Partition* partition) {
      if (partition->leader == lane_id) return false;
      moved.push_back(partition);
      return true;
    });
  for (Partition* partition : moved) {
    partition->is_listed = false;
    list(*partition);
  }
}

void Producer::Impl::expire() {
  if (options_.delivery.limit == Duration::max()) return;
  for (const auto& [name, topic] : topics_)
    for (std::size_t i = 0; i < topic->partitions.size(); ++i) expire(*topic->partitions[i]);
}

/// What is in flight is left alone: its answer, or the end of its connection, comes in bounded time.
void Producer::Impl::expire(Partition& partition) {
  const Error error{.code = Errc::timed_out,
                    .message = fmt::format("{}-{}: not acknowledged in time", partition.topic->name, partition.index),
                    .kafka_code = 0};
  if (partition.open_is_due && has_expired(partition, partition.open_due))
    MQ_MARK("client: a batch that was never sent has waited too long");
  if (partition.queue.empty() && partition.open_is_due && has_expired(partition, partition.open_due)) seal(partition);
  while (!partition.queue.empty() && partition.queue.in_flight() == 0 &&
         has_expired(partition, partition.queue.front().due))
    report(partition, partition.queue.give_up_front(), -1, &error);
}

void Producer::Impl::fail_everything(const Error& error) {
  if (!fatal_) fatal_ = error;
  for (const auto& [name, topic] : topics_)
    for (const auto& partition : topic->partitions) {
      if (partition->open) seal(*partition);
      while (!partition->queue.empty()) report(*partition, partition->queue.give_up_front(), -1, &error);
    }
  room_.notify_all();
}

awaitable<void> Producer::Impl::wait_for_room() {
  // A quarter of the buffer at once, so that the caller does not wake for each batch.
  const std::size_t enough = options_.buffer_bytes_max - options_.buffer_bytes_max / 4;
  if (closed_ || fatal_ || buffered_ == 0) co_return;
  do {
    MQ_MARK("client: a producer waits for room");
    co_await room_.wait();
  } while (!closed_ && !fatal_ && buffered_ > enough);
}

awaitable<Result<void>> Producer::Impl::flush(Instant deadline) {
  while (pending_records_ > 0) {
    for (const Linger& linger : std::exchange(lingering_, {})) {
      if (linger.partition->open && linger.partition->open_number == linger.open_number) make_due(*linger.partition);
    }
    pump_all();
    if (pending_records_ == 0) break;
    MQ_CO_CHECK(co_await idle_.wait_until(deadline));
  }
  if (fatal_) co_return mq::fail(*fatal_);
  co_return Result<void>{};
}

awaitable<Result<void>> Producer::Impl::close(Instant deadline) {
  auto flushed = co_await flush(deadline);
  closed_ = true;
  const Error left{
      .code = Errc::timed_out, .message = "not acknowledged before the producer was closed", .kafka_code = 0};
  fail_everything(left);
  timer_->cancel();
  co_return flushed;
}

// --- What must hold --------------------------------------------------------------------------------------------------

/// After every record taken and every report.
void Producer::Impl::check_counts() const {
  MQ_ASSERT(pending_records_ > 0 || buffered_ == 0);
  // A record larger than the buffer is in it alone.
  MQ_ASSERT(buffered_ <= options_.buffer_bytes_max || pending_records_ == 1);
}

void Producer::Impl::check_invariants() const {
  check_counts();
  std::size_t buffered = 0;
  std::size_t records = 0;
  std::size_t listed = 0;
  std::size_t growing = 0;  // open batches that linger
  for (const auto& [name, topic] : topics_) {
    MQ_ASSERT(topic->partitions.size() >= static_cast<std::size_t>(topic->partition_count));
    for (const auto& partition : topic->partitions) {
      MQ_ASSERT(partition->topic == topic.get());
      check_invariants(*partition);
      buffered += partition->open_bytes + partition->queue.buffered_bytes();
      records += partition->open_tokens.size() + partition->queue.record_count();
      listed += partition->is_listed ? 1 : 0;
      growing += partition->open && !partition->open_is_due ? 1 : 0;
    }
  }
  MQ_ASSERT(buffered_ == buffered);
  MQ_ASSERT(pending_records_ == records);

  std::size_t ready = 0;
  for (const auto& [id, lane] : lanes_) {
    MQ_ASSERT(lane->in_flight >= 0 && lane->in_flight <= options_.inflight_max);
    for (const Partition* partition : lane->ready) MQ_ASSERT(partition->is_listed && partition->leader == id);
    ready += lane->ready.size();
  }
  MQ_ASSERT(listed == ready);  // each once

  if (closed_ || fatal_) return;
  const auto is_current = [](const Linger& linger) {
    const Partition& partition = *linger.partition;
    return partition.open && !partition.open_is_due && partition.open_number == linger.open_number;
  };
  MQ_ASSERT(growing == static_cast<std::size_t>(std::ranges::count_if(lingering_, is_current)));
  MQ_ASSERT(lingering_.empty() || timer_until_ <= lingering_.front().due);
  MQ_ASSERT(blocked_.empty() || timer_until_ <= blocked_.begin()->first);
}

void Producer::Impl::check_invariants(const Partition& partition) const {
  partition.queue.check_invariants();
  MQ_ASSERT((partition.open != nullptr) == !partition.open_tokens.empty());
  MQ_ASSERT(partition.open || partition.open_bytes == 0);
  MQ_ASSERT(partition.open || !partition.open_is_due);
  MQ_ASSERT(partition.queue.in_flight() <= options_.inflight_max);
  if (closed_ || fatal_) return;
  // Nothing is forgotten: whatever is due has somebody who goes on with it.
  const bool is_blocked =
      std::ranges::any_of(blocked_, [&](const auto& blocked) { return blocked.second == &partition; });
  MQ_ASSERT(!has_due(partition) || partition.is_listed || partition.queue.in_flight() > 0 || is_blocked ||
            asking_identity_ || refreshing_);
}

// --- The handle ------------------------------------------------------------------------------------------------------

Producer::Producer(Cluster& cluster, ProducerOptions options, DeliverySink delivered)
    : impl_(std::make_shared<Impl>(cluster, std::move(options), std::move(delivered))) {
  impl_->start();
}
Producer::~Producer() = default;

awaitable<Result<Producer::Topic*>> Producer::topic(const std::string& name, Instant deadline) {
  return impl_->topic(name, deadline);
}
std::int32_t Producer::partition_count(const Topic& topic) { return topic.partition_count; }
Result<bool> Producer::try_send(Topic& topic, const OutgoingRecord& record) { return impl_->try_send(topic, record); }
awaitable<void> Producer::wait_for_room() { return impl_->wait_for_room(); }

awaitable<Result<void>> Producer::send(Topic& topic, const OutgoingRecord& record) {
  while (true) {
    MQ_CO_TRY(const bool taken, impl_->try_send(topic, record));
    if (taken) co_return Result<void>{};
    co_await impl_->wait_for_room();
  }
}

awaitable<Result<void>> Producer::flush(Instant deadline) { return impl_->flush(deadline); }
awaitable<Result<void>> Producer::close(Instant deadline) { return impl_->close(deadline); }
std::uint64_t Producer::pending_records() const { return impl_->pending_records(); }
std::size_t Producer::buffered_bytes() const { return impl_->buffered_bytes(); }
void Producer::check_invariants() const { impl_->check_invariants(); }

}  // namespace mq::client
