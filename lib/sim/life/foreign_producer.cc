#include "sim/life/foreign_producer.h"

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <memory>
#include <utility>

#include "base/milliseconds.h"
#include "client/cluster.h"
#include "client/connection.h"
#include "env/random.h"
#include "model/error_code.h"
#include "record/batch_builder.h"
#include "sim/life/record_body.h"
#include "sim/life/topic_partitions.h"
#include "wire/messages/init_producer_id.h"
#include "wire/messages/produce.h"

namespace mq::sim {
namespace {

using judge::Outcome;

constexpr Duration kTick = 25ms;
constexpr Duration kBackoff = 100ms;
constexpr Duration kAckTimeout = 4s;
constexpr std::size_t kWaitingMax = 40;  ///< batches of one partition
constexpr ApiVersion kLastVersionWithNames = 12;

struct Identity {
  std::int64_t id = -1;
  std::int16_t epoch = -1;
  friend bool operator==(const Identity&, const Identity&) = default;
};

struct PendingRecord {
  judge::HistoryWriter::Asked asked;
  std::int64_t value = 0;
  std::string key;
  std::string body;
};

struct Batch {
  std::vector<PendingRecord> records;
  Instant given_up_at = Instant::never();
  Instant not_before;
  Identity identity;
  std::int32_t sequence = -1;  ///< of its first record; -1: it was never sent, or is to be numbered anew
  bool is_in_flight = false;
  bool is_in_doubt = false;  ///< an attempt may be in the log
};
using BatchRef = std::shared_ptr<Batch>;

struct Lane {
  TopicPartition where;
  std::deque<BatchRef> batches;  ///< in the order of their sequences
  Identity identity;
  std::int32_t next_sequence = 0;
  bool has_lost_count = false;  ///< a batch with a sequence was given up: what follows would leave a gap
};

/// Errors of checks that come before the append.
bool nothing_was_appended(ErrorCode error) {
  switch (error) {
    case ErrorCode::kNotEnoughReplicas:
    case ErrorCode::kOutOfOrderSequenceNumber:
    case ErrorCode::kInvalidProducerEpoch:
    case ErrorCode::kUnknownProducerId:
    case ErrorCode::kMessageTooLarge:
    case ErrorCode::kRecordListTooLarge:
    case ErrorCode::kInvalidRecord:
    case ErrorCode::kCorruptMessage:
    case ErrorCode::kUnknownTopicId:
      return true;
    default:
      return false;
  }
}

bool stays(ErrorCode error) {
  switch (error) {
    case ErrorCode::kMessageTooLarge:
    case ErrorCode::kRecordListTooLarge:
    case ErrorCode::kInvalidRecord:
    case ErrorCode::kInvalidTopicException:
      return true;
    default:
      return false;
  }
}

class ForeignProducer {
 public:
  explicit ForeignProducer(const Actor& actor)
      : actor_(actor), cluster_(actor.shard(), actor.random(), actor.options()) {}

  awaitable<void> run() {
    (void)co_await cluster_.start(Instant::never());
    while (!actor_.is_over() || !has_nothing_left()) {
      if (!actor_.is_over() && actor_.now() >= next_burst_) co_await make_burst();
      if (actor_.is_over() && !end_) end_ = actor_.now() + 20s;
      give_up_late();
      if (is_broken_) begin_anew();
      co_await see_to_identity();
      for (auto& [where, lane] : lanes_) co_await send_from(lane);
      co_await actor_.shard().sleep_until(actor_.now() + kTick);
    }
    co_await cluster_.close();
  }

 private:
  [[nodiscard]] bool is_java() const { return actor_.plan.habit == Habit::java; }
  [[nodiscard]] bool is_idempotent() const { return actor_.plan.is_idempotent; }
  [[nodiscard]] bool has_nothing_left() const {
    return std::ranges::all_of(lanes_, [](const auto& lane) { return lane.second.batches.empty(); });
  }
  [[nodiscard]] bool has_something_in_flight() const {
    return std::ranges::any_of(lanes_, [](const auto& lane) {
      return std::ranges::any_of(lane.second.batches, [](const BatchRef& batch) { return batch->is_in_flight; });
    });
  }

  awaitable<void> make_burst() {
    next_burst_ = actor_.now() + Duration(static_cast<std::int64_t>(actor_.random().below(
                                     static_cast<std::uint64_t>(actor_.plan.pause_max.count()) + 1)));
    const std::string name = actor_.plan.topics.at(actor_.random().below(actor_.plan.topics.size()));
    const auto topic = co_await cluster_.topic(name, client::Cluster::AutoCreate::no, actor_.now() + 1s);
    if (!topic || (*topic)->partitions.empty()) co_return;
    const TopicPartition where{name, static_cast<std::int32_t>(actor_.random().below((*topic)->partitions.size()))};
    Lane& lane = lanes_[where];
    lane.where = where;
    for (std::int64_t left = actor_.plan.burst; left > 0 && lane.batches.size() < kWaitingMax;) {
      const auto records = 1 + static_cast<std::int64_t>(actor_.random().below(3));
      lane.batches.push_back(make_batch(lane, std::min(left, records)));
      left -= records;
    }
  }

  BatchRef make_batch(const Lane& lane, std::int64_t count) {
    auto batch = std::make_shared<Batch>();
    if (actor_.plan.gives_up_after > 0s) batch->given_up_at = actor_.now() + actor_.plan.gives_up_after;
    for (; count > 0; --count) {
      const std::int64_t value = actor_.history.new_value();
      const std::string key = "key " + std::to_string(actor_.random().below(7));
      const std::array<judge::SentRecord, 1> sent{{{.partition = name_of(lane.where), .value = value, .key = key}}};
      const auto asked = actor_.history.ask_send(
          actor_.time(), sent,
          {.acks = static_cast<std::int8_t>(actor_.plan.acks), .is_idempotent = actor_.plan.is_idempotent});
      batch->records.push_back({.asked = asked,
                                .value = value,
                                .key = key,
                                .body = encode({.value = value, .sent_to = lane.where}, actor_.random().below(120))});
    }
    return batch;
  }

  // --- Answers ---

  void acknowledge(Lane& lane, const BatchRef& batch, std::int64_t base_offset) {
    for (const PendingRecord& record : batch->records) {
      const std::array<judge::SentRecord, 1> sent{{{.partition = name_of(lane.where),
                                                    .value = record.value,
                                                    .offset = base_offset < 0 ? judge::kNoOffset : base_offset++}}};
      actor_.history.answer_send(actor_.time(), record.asked, sent);
    }
    std::erase(lane.batches, batch);
  }

  void give_up(Lane& lane, const BatchRef& batch, std::string_view why) {
    const auto outcome = batch->is_in_doubt ? Outcome::info : Outcome::fail;
    for (const PendingRecord& record : batch->records)
      actor_.history.answer(actor_.time(), record.asked, {.outcome = outcome, .error = why});
    std::erase(lane.batches, batch);
  }

  void give_up_late() {
    for (auto& [where, lane] : lanes_)
      for (const BatchRef& batch : std::vector(lane.batches.begin(), lane.batches.end())) {
        if (batch->is_in_flight || actor_.now() < std::min(batch->given_up_at, end_.value_or(Instant::never())))
          continue;
        if (batch->sequence >= 0) lane.has_lost_count = true;
        give_up(lane, batch, "delivery timeout");
      }
  }

  /// As an application that makes another producer after a fatal error.
  void begin_anew() {
    if (has_something_in_flight()) return;
    for (auto& [where, lane] : lanes_)
      for (const BatchRef& batch : std::vector(lane.batches.begin(), lane.batches.end())) give_up(lane, batch, "fatal");
    lanes_.clear();
    identity_ = {};
    is_broken_ = false;
  }

  // --- Numbers ---

  /// What may be in the log is not sent again under another number: it would be there twice.
  void number_anew(Lane& lane) {
    for (const BatchRef& batch : std::vector(lane.batches.begin(), lane.batches.end()))
      if (batch->is_in_doubt) give_up(lane, batch, "possibly persisted");
    lane.identity = identity_;
    lane.next_sequence = 0;
    lane.has_lost_count = false;
    for (const BatchRef& batch : lane.batches) batch->sequence = -1;
  }

  awaitable<void> see_to_identity() {
    if (!is_idempotent()) co_return;
    if (identity_.id < 0) co_return co_await ask_for_identity();
    for (auto& [where, lane] : lanes_) {
      if (!lane.has_lost_count) continue;
      if (is_java()) {
        const bool is_drained =
            std::ranges::all_of(lane.batches, [](const BatchRef& batch) { return batch->sequence < 0; });
        if (is_drained) raise_own_epoch(lane);
      } else if (!has_something_in_flight()) {
        co_return co_await ask_for_identity();
      }
    }
  }

  void raise_own_epoch(Lane& lane) {
    if (identity_.epoch == INT16_MAX) {
      identity_ = {};
      return;
    }
    ++identity_.epoch;
    number_anew(lane);
  }

  /// Nothing goes out until there is one; then all partitions begin with it.
  awaitable<void> ask_for_identity() {
    if (actor_.now() < ask_again_) co_return;
    ask_again_ = actor_.now() + kBackoff;
    wire::InitProducerIdRequest request;
    request.producer_id = identity_.id;
    request.producer_epoch = identity_.epoch;
    identity_ = {};
    const auto asked = actor_.history.ask_init_pid(actor_.time());
    auto connection = co_await cluster_.any_broker();
    if (!connection) co_return answer(actor_, asked, connection);
    const auto given = co_await (*connection)->call(std::move(request), 5s);
    if (!given || given->body.error_code != ErrorCode::kNone) {
      actor_.history.answer(actor_.time(), asked, {.outcome = Outcome::info, .error = "no producer id"});
      co_return;
    }
    identity_ = {.id = given->body.producer_id, .epoch = given->body.producer_epoch};
    actor_.history.answer(actor_.time(), asked);
    for (auto& [where, lane] : lanes_) number_anew(lane);
  }

  // --- Sending ---

  [[nodiscard]] bool may_send(const Lane& lane, const Batch& batch) const {
    if (!is_idempotent()) return true;
    if (is_broken_ || identity_.id < 0) return false;
    // The Java client goes on with what has its number.
    if (lane.has_lost_count) return is_java() && batch.sequence >= 0;
    // While one partition has to begin anew, librdkafka sends nothing at all.
    return is_java() || std::ranges::none_of(lanes_, [](const auto& other) { return other.second.has_lost_count; });
  }

  awaitable<void> send_from(Lane& lane) {
    const bool is_unused = std::ranges::all_of(lane.batches, [](const BatchRef& batch) { return batch->sequence < 0; });
    // Another partition raised the epoch: this one goes over to it when nothing is left of the old one.
    if (is_idempotent() && lane.identity != identity_ && (is_unused || lane.identity.id != identity_.id))
      number_anew(lane);
    int in_flight = 0;
    for (const BatchRef& batch : std::vector(lane.batches.begin(), lane.batches.end())) {
      if (!may_send(lane, *batch) || in_flight >= actor_.plan.inflight_max) co_return;
      if (!batch->is_in_flight) {
        if (actor_.now() < batch->not_before) co_return;
        if (!co_await send(lane, batch)) co_return;
      }
      ++in_flight;
    }
  }

  awaitable<bool> send(Lane& lane, BatchRef batch) {
    const auto topic = co_await cluster_.topic(lane.where.topic, client::Cluster::AutoCreate::no, actor_.now() + 500ms);
    const auto index = static_cast<std::size_t>(lane.where.partition);
    batch->not_before = actor_.now() + kBackoff;
    if (!topic || index >= (*topic)->partitions.size()) {
      ask_about_topic(lane.where.topic);
      co_return false;
    }
    auto connection = co_await cluster_.broker((*topic)->partitions[index].leader, client::Cluster::Use::data);
    if (!connection) ask_about_topic(lane.where.topic);  // who leads it may be another by now
    if (!connection || !may_send(lane, *batch)) co_return false;
    if (is_idempotent() && batch->sequence < 0) {
      batch->identity = lane.identity;
      batch->sequence = lane.next_sequence;
      lane.next_sequence += static_cast<std::int32_t>(batch->records.size());
    }
    wire::ProduceRequest request;
    request.acks = actor_.plan.acks;
    request.timeout_ms = to_ms(kAckTimeout);
    auto& data = request.topic_data.emplace_back();
    data.name = lane.where.topic;
    data.topic_id = (*topic)->id;
    std::vector<SharedBytes> records;
    records.emplace_back(encoded(*batch));
    data.partition_data.push_back(
        {.index = lane.where.partition, .records = wire::Records::external(records.front().size())});
    const auto version =
        (*connection)->version_for<wire::ProduceRequest>(is_java() ? wire::kVersionMax : kLastVersionWithNames);
    if (!version) co_return false;
    batch->is_in_flight = true;
    const Instant deadline = actor_.now() + kAckTimeout + 5s;
    auto done = [this, &lane, batch, version = *version](Result<SharedBytes> answered) {
      on_answer(lane, batch, version, std::move(answered));
    };
    const auto sent =
        actor_.plan.acks == 0
            ? (*connection)->send_unanswered(request, *version, std::move(records), deadline, std::move(done))
            : (*connection)->send(request, *version, std::move(records), deadline, std::move(done));
    if (!sent) batch->is_in_flight = false;
    co_return sent.has_value();
  }

  [[nodiscard]] std::string encoded(const Batch& batch) const {
    record::BatchBuilder builder;
    for (const PendingRecord& record : batch.records)
      builder.add(actor_.shard().clock().wall_now(), record.key, record.body);
    record::BatchBuilder::Stamp stamp;
    if (is_idempotent()) {
      stamp.producer_id = ProducerId{batch.identity.id};
      stamp.producer_epoch = ProducerEpoch{batch.identity.epoch};
      stamp.base_sequence = Sequence{batch.sequence};
    }
    return *builder.finish(stamp);
  }

  void on_answer(Lane& lane, const BatchRef& batch, ApiVersion version, Result<SharedBytes> answered) {
    batch->is_in_flight = false;
    if (!answered) {
      batch->is_in_doubt = true;
      batch->not_before = actor_.now() + kBackoff;
      return;
    }
    if (actor_.plan.acks == 0) return acknowledge(lane, batch, -1);
    const auto decoded = wire::decode<wire::ProduceResponse>(answered->view(), version);
    if (!decoded || decoded->responses.size() != 1 || decoded->responses[0].partition_responses.size() != 1) {
      batch->is_in_doubt = true;
      is_broken_ = true;
      return;
    }
    const auto& said = decoded->responses[0].partition_responses[0];
    if (said.error_code == ErrorCode::kNone) return acknowledge(lane, batch, said.base_offset);
    if (said.error_code == ErrorCode::kDuplicateSequenceNumber) return acknowledge(lane, batch, -1);
    if (!nothing_was_appended(said.error_code)) batch->is_in_doubt = true;
    batch->not_before = actor_.now() + kBackoff;
    if (stays(said.error_code)) {
      if (batch->sequence >= 0) lane.has_lost_count = true;
      return give_up(lane, batch, "refused");
    }
    deal_with_sequence_error(lane, batch, said.error_code);
    ask_about_topic(lane.where.topic);
  }

  void deal_with_sequence_error(Lane& lane, const BatchRef& batch, ErrorCode error) {
    const bool is_head = !lane.batches.empty() && lane.batches.front() == batch;
    switch (error) {
      case ErrorCode::kOutOfOrderSequenceNumber:
        // Behind another that has failed it is only told so; at the head nothing is left to wait for.
        if (!is_head) return;
        if (is_java()) {
          give_up(lane, batch, "OUT_OF_ORDER_SEQUENCE_NUMBER");
          lane.has_lost_count = true;
        } else {
          is_broken_ = true;
        }
        return;
      case ErrorCode::kUnknownProducerId:
      case ErrorCode::kInvalidProducerEpoch:
        lane.has_lost_count = true;
        return;
      default:
        return;
    }
  }

  /// What is known of the topic may be why it failed.
  void ask_about_topic(const std::string& name) {
    cluster_.tasks().spawn([](client::Cluster& cluster, std::string topic) -> awaitable<void> {
      std::vector<std::string> names{std::move(topic)};
      (void)co_await cluster.refresh(std::move(names), client::Cluster::AutoCreate::no);
    }(cluster_, name));
  }

  Actor actor_;
  client::Cluster cluster_;
  std::map<TopicPartition, Lane> lanes_;
  Identity identity_;
  Instant next_burst_;
  Instant ask_again_;
  std::optional<Instant> end_;
  bool is_broken_ = false;
};

awaitable<void> be_foreign(Actor actor) {
  ForeignProducer producer(actor);
  co_await producer.run();
}

}  // namespace

ActorProgram produce_as_others_do() { return be_foreign; }

}  // namespace mq::sim
