#include "sim/life/producing.h"

#include <array>
#include <map>
#include <utility>

#include "client/cluster.h"
#include "client/producer.h"
#include "env/random.h"
#include "record/record.h"
#include "sim/life/record_body.h"
#include "sim/life/topic_partitions.h"

namespace mq::sim {
namespace {

constexpr int kKeys = 7;

/// One client that sends until the stage is over. When its producer is broken for good, it begins with another.
class Sender {
 public:
  explicit Sender(const Actor& actor) : actor_(actor), cluster_(actor.shard(), actor.random(), actor.options()) {}

  awaitable<void> run() {
    (void)co_await cluster_.start(Instant::never());
    while (!actor_.is_over()) {
      producer_.emplace(cluster_, options(), [this](const client::Delivery& delivery) { note(delivery); });
      topics_.clear();
      const Witness invariants = actor_.after_each_task([this] { producer_->check_invariants(); });
      is_broken_ = false;
      while (!actor_.is_over() && !is_broken_) {
        if (pending_.size() < kPendingMax) co_await send_burst();
        co_await actor_.pause(actor_.plan.pause_max);
      }
      (void)co_await producer_->close(actor_.now() + kCloseTime);
    }
    co_await cluster_.close();
  }

 private:
  static constexpr Duration kCloseTime = 30s;
  /// Records: with more, one partition that is slow keeps those of all others waiting for room in the buffer.
  static constexpr std::size_t kPendingMax = 200;
  struct Pending {
    judge::HistoryWriter::Asked asked;
    TopicPartition where;
    std::int64_t value = 0;
  };

  [[nodiscard]] client::ProducerOptions options() const {
    client::ProducerOptions options;
    options.acks = static_cast<client::Acks>(actor_.plan.acks);
    options.idempotent = actor_.plan.is_idempotent;
    options.linger = 2ms;
    options.batch_bytes = actor_.plan.batch_bytes;
    options.buffer_bytes_max = actor_.plan.buffer_bytes;
    options.codec = actor_.plan.codec;
    options.inflight_max = actor_.plan.inflight_max;
    options.ack_timeout = 4s;
    options.auto_create = client::Cluster::AutoCreate::no;
    if (actor_.plan.gives_up_after > 0s) options.delivery = client::RetryPolicy::within(actor_.plan.gives_up_after);
    return options;
  }

  awaitable<void> send_burst() {
    const std::string& name = actor_.plan.topics.at(actor_.random().below(actor_.plan.topics.size()));
    client::Producer::Topic*& topic = topics_[name];
    if (topic == nullptr) {
      const auto found = co_await producer_->topic(name, actor_.now() + 2s);
      if (!found) co_return;
      topic = *found;
    }
    for (std::int64_t left = actor_.plan.burst; left > 0 && !is_broken_; --left) {
      const auto partitions = static_cast<std::uint64_t>(client::Producer::partition_count(*topic));
      co_await send({name, static_cast<std::int32_t>(actor_.random().below(partitions))}, *topic);
    }
  }

  awaitable<void> send(TopicPartition where, client::Producer::Topic& topic) {
    const std::int64_t value = actor_.history.new_value();
    const bool is_large = actor_.plan.large_one_in > 0 && actor_.random().below(actor_.plan.large_one_in) == 0;
    const std::string body = encode({.value = value, .sent_to = where}, actor_.random().below(is_large ? 30'000 : 120));
    const std::string key = "key " + std::to_string(actor_.random().below(kKeys));
    const bool is_tombstone = where.topic == "table" && actor_.random().below(8) == 0;
    const std::array<record::HeaderView, 1> headers{{{.key = kBodyHeader, .value = body}}};
    client::OutgoingRecord record{.partition = where.partition, .key = key, .token = next_token_};
    if (is_tombstone) {
      record.headers = headers;
    } else {
      record.value = body;
    }
    const std::array<judge::SentRecord, 1> sent{
        {{.partition = name_of(where), .value = value, .key = key, .is_tombstone = is_tombstone}}};
    const auto asked = actor_.history.ask_send(
        actor_.time(), sent,
        {.acks = static_cast<std::int8_t>(actor_.plan.acks), .is_idempotent = actor_.plan.is_idempotent});
    pending_.emplace(next_token_++, Pending{.asked = asked, .where = std::move(where), .value = value});
    const auto taken = co_await producer_->send(topic, record);
    if (taken) co_return;
    // It was not even taken, so nothing of it was sent.
    actor_.history.answer(actor_.time(), asked, {.outcome = judge::Outcome::fail, .error = error_name(taken.error())});
    pending_.erase(record.token);
    if (taken.error().code != Errc::not_found) is_broken_ = true;
  }

  void note(const client::Delivery& delivery) {
    std::int64_t offset = delivery.base_offset;
    for (const std::uint64_t token : delivery.tokens) {
      const auto found = pending_.find(token);
      const Pending& pending = found->second;
      const bool has_offset = delivery.error == nullptr && delivery.base_offset >= 0;
      const std::array<judge::SentRecord, 1> sent{{{.partition = name_of(pending.where),
                                                    .value = pending.value,
                                                    .offset = has_offset ? offset++ : judge::kNoOffset}}};
      if (delivery.error == nullptr) {
        actor_.history.answer_send(actor_.time(), pending.asked, sent);
      } else {
        // Earlier attempts are hidden, so whether it is in the log is not known.
        actor_.history.answer(actor_.time(), pending.asked,
                              {.outcome = judge::Outcome::info, .error = error_name(*delivery.error)});
      }
      pending_.erase(found);
    }
  }

  Actor actor_;
  client::Cluster cluster_;
  std::optional<client::Producer> producer_;
  std::map<std::string, client::Producer::Topic*> topics_;  ///< of `producer_`
  std::map<std::uint64_t, Pending> pending_;
  std::uint64_t next_token_ = 1;
  bool is_broken_ = false;
};

awaitable<void> be_a_sender(Actor actor) {
  Sender sender(actor);
  co_await sender.run();
}

}  // namespace

ActorProgram produce_until_the_end() { return be_a_sender; }

}  // namespace mq::sim
