#include "broker/follower.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/mark.h"
#include "record/batch.h"
#include "replication/divergence.h"
#include "wire/codec.h"

namespace mq::broker {
namespace {

/// The leader answers at least so often, so that both know that the other is there.
constexpr Duration kWaitMax = 500ms;
/// What a leader may need beyond that, before it counts as gone.
constexpr Duration kPatience = 3s;
/// Longer each time: a leader that lets connections wait, since they come too fast, answers in the end (KIP-601).
constexpr Duration kConnectTimeoutMin = 4s;
constexpr Duration kConnectTimeoutMax = 12s;
constexpr Duration kPauseMin = 10ms;
constexpr Duration kPauseMax = 1s;
constexpr std::int32_t kBytesMax = 10 << 20;
constexpr std::int64_t kPartitionBytesMax = 1 << 20;
constexpr std::int64_t kPartitionBytesMin = 16 << 10;
constexpr Duration kHeldBackLook = 1s;
/// One that waits at the leader, and one that says more.
constexpr int kInFlightMax = 2;
/// The first version that names the follower's incarnation (KIP-903), and topics by their ids.
constexpr ApiVersion kVersionMin = 15;

}  // namespace

bool Follower::Rest::begin(Instant now) {
  const Duration before = std::exchange(pause, std::clamp(2 * pause, kPauseMin, kPauseMax));
  until = now + pause;
  return pause == kPauseMax && before < kPauseMax;
}

Follower::Follower(ShardContext& shard, Leader leader)
    : shard_(shard),
      leader_(std::move(leader)),
      connect_timeout_(kConnectTimeoutMin),
      timer_(shard.shard.make_timer()) {}

Follower::~Follower() = default;

void Follower::start() { shard_.log_tasks.spawn(run(shared_from_this())); }

void Follower::stop() {
  is_stopped_ = true;
  copies_.clear();
  if (connection_) connection_->close();
  wake();
}

void Follower::add(std::shared_ptr<Partition> partition) {
  Partition& added = *partition;
  const cluster::PartitionPlace place = place_of(added);
  const LeaderEpoch epoch = added.leader_epoch();
  Copy copy{.partition = std::move(partition), .epoch = epoch};
  copies_.insert_or_assign(place, std::move(copy));
  added.when_warm([weak = weak_from_this(), place, epoch] {
    const auto self = weak.lock();
    if (!self) return;
    const auto found = self->copies_.find(place);
    if (found == self->copies_.end() || found->second.epoch != epoch) return;
    found->second.is_warm = true;
    self->wake();
  });
}

void Follower::has_news(const Partition& partition) {
  const auto found = copies_.find(place_of(partition));
  if (found != copies_.end() && is_news(found->second)) wake();
}

void Follower::wake() {
  is_woken_ = true;
  timer_->cancel();
}

// Asks whenever it may, and waits until it may again: an answer, news of a partition, or the end of a rest.
awaitable<void> Follower::run(std::shared_ptr<Follower> self) {
  env::Shard& home = self->shard_.shard;
  while (!self->is_stopped_) {
    self->is_woken_ = false;
    const bool is_resting = home.now() < self->rest_.until;
    if (!is_resting && !self->is_idle()) {
      if (!self->connection_ || !self->connection_->is_open()) {
        co_await self->connect();
        continue;
      }
      self->ask_if_due();
    }
    const Instant until = is_resting ? self->rest_.until : self->next_end_of_rest();
    if (!self->is_woken_) (void)co_await self->timer_->wait_until(until);
  }
  if (self->connection_) self->connection_->close();
}

awaitable<void> Follower::connect() {
  client::ClientOptions options;
  options.client_id = fmt::format("mq-replica-{}", shard_.node.config().node_id.value());
  options.connect_timeout = connect_timeout_;
  in_flight_ = 0;
  ++connections_;
  auto opened = co_await client::Connection::open(shard_.shard, shard_.log_tasks, leader_.address, options);
  if (opened && is_stopped_) (*opened)->close();
  if (is_stopped_) co_return;
  const bool is_late = !opened && opened.error().code == Errc::timed_out;
  // Who is refused because others wait before him has not been waited for long enough, either.
  if (is_late) connect_timeout_ = std::min(2 * connect_timeout_, kConnectTimeoutMax);
  if (opened) connect_timeout_ = kConnectTimeoutMin;
  if (!opened) co_return all_failed(opened.error());
  const auto version = (*opened)->version_for<wire::FetchRequest>();
  if (!version || *version < kVersionMin) {
    (*opened)->close();
    co_return all_failed({Errc::unsupported, "it does not know of replicas"});
  }
  connection_ = *std::move(opened);
  for (auto& [place, copy] : copies_) copy.told = {};
}

// --- Asking ----------------------------------------------------------------------------------------------------------

bool Follower::may_ask(const Copy& copy) const {
  const Partition& partition = *copy.partition;
  const log::Log& log = partition.log();
  // What is gathered and not written is nothing that it has.
  // Whose disk has failed takes nothing more, and should not look as if it had all.
  return !shard_.node.disk_health.is_offline() && copy.is_warm && !copy.is_stopped && !partition.is_cutting() &&
         !partition.is_retired() && shard_.shard.now() >= copy.rest.until && log.written_end() == log.log_end() &&
         !is_held_back(copy);
}

bool Follower::is_held_back(const Copy& copy) const {
  return copy.partition->is_being_added() &&
         shard_.shard.now() < shard_.node.reassignment_rate.free_at(shard_.node.config().reassignment_rate);
}

Follower::Told Follower::position(const Copy& copy) {
  const Partition& partition = *copy.partition;
  const bool counts_synced = partition.replica().counted_class() == FlushClass::ack;
  return {.end = partition.log().written_end(),
          .synced = counts_synced ? partition.log().synced_end() : Offset{0},
          .start = partition.log().log_start()};
}

bool Follower::is_news(const Copy& copy) const { return may_ask(copy) && position(copy) != copy.told; }

Instant Follower::next_end_of_rest() const {
  Instant next = Instant::never();
  for (const auto& [place, copy] : copies_) {
    if (copy.rest.until > shard_.shard.now()) next = std::min(next, copy.rest.until);
    if (!is_held_back(copy)) continue;
    // The limit may become another one meanwhile.
    const Instant free_at = shard_.node.reassignment_rate.free_at(shard_.node.config().reassignment_rate);
    next = std::min({next, free_at, shard_.shard.now() + kHeldBackLook});
  }
  return next;
}

void Follower::ask_if_due() {
  const auto may = [this](const auto& one) { return may_ask(one.second); };
  const auto has_news = [this](const auto& one) { return is_news(one.second); };
  if (in_flight_ >= kInFlightMax) return;
  if (in_flight_ == 0 ? std::ranges::any_of(copies_, may) : std::ranges::any_of(copies_, has_news)) ask();
}

void Follower::ask() {
  wire::FetchRequest request;
  request.replica_state = {.replica_id = shard_.node.config().node_id.value(),
                           .replica_epoch = shard_.node.broker_epoch.load().value()};
  request.max_wait_ms = static_cast<std::int32_t>(kWaitMax / 1ms);
  request.min_bytes = 1;
  request.max_bytes = kBytesMax;
  // Where there is a limit, one at a time of those that it is for: else one answer could take a minute's worth.
  bool may_add = true;
  const auto add = [&](auto& place, Copy& copy) {
    if (!may_ask(copy) || (copy.partition->is_being_added() && !may_add)) return;
    auto asked = question(copy);
    if (!asked) return;
    if (request.topics.empty() || request.topics.back().topic_id != place.topic)
      request.topics.push_back({.topic_id = place.topic});
    request.topics.back().partitions.push_back(std::move(*asked));
    if (copy.partition->is_being_added()) may_add = shard_.node.config().reassignment_rate < 1;
  };
  const auto begin = copies_.upper_bound(served_last_);
  for (auto copy = begin; copy != copies_.end(); ++copy) add(copy->first, copy->second);
  for (auto copy = copies_.begin(); copy != begin; ++copy) add(copy->first, copy->second);
  if (request.topics.empty()) return;

  const ApiVersion version = connection_->version_for<wire::FetchRequest>().value();
  auto done = [weak = weak_from_this(), version, number = connections_](const Result<SharedBytes>& answer) {
    const auto self = weak.lock();
    if (!self || self->is_stopped_ || self->connections_ != number) return;
    --self->in_flight_;
    self->take(answer, version);
    self->wake();
  };
  const Instant deadline = shard_.shard.now() + kWaitMax + kPatience;
  auto sent = connection_->send(request, version, {}, deadline, std::move(done));
  if (sent) ++in_flight_;
  // It has been closed, and what was in flight is told so.
  if (!sent) all_failed(sent.error());
  if (!sent) wake();
}

std::optional<wire::FetchRequest::FetchPartition> Follower::question(Copy& copy) {
  Partition& partition = *copy.partition;
  const auto last_epoch = partition.log().last_epoch();
  if (!last_epoch) return failed(copy, last_epoch.error()), std::nullopt;
  copy.told = position(copy);
  const std::int64_t rate = shard_.node.config().reassignment_rate;
  const std::int64_t second = rate < 1 || !partition.is_being_added() ? kPartitionBytesMax : rate;
  return wire::FetchRequest::FetchPartition{.partition = partition.name().partition,
                                            .current_leader_epoch = copy.epoch.value(),
                                            .fetch_offset = copy.told.end.value(),
                                            .last_fetched_epoch = last_epoch->value(),
                                            .log_start_offset = copy.told.start.value(),
                                            .partition_max_bytes = static_cast<std::int32_t>(std::clamp<std::int64_t>(
                                                second, kPartitionBytesMin, kPartitionBytesMax)),
                                            .high_watermark = partition.high_watermark().value(),
                                            .synced_end = partition.log().synced_end().value()};
}

// --- What comes back -------------------------------------------------------------------------------------------------

void Follower::take(const Result<SharedBytes>& answer, ApiVersion version) {
  if (!answer) return all_failed(answer.error());
  const auto response = wire::decode<wire::FetchResponse>(answer->view(), version);
  if (!response) {
    connection_->close();
    return all_failed(response.error());
  }
  take(*response);
}

void Follower::take(const wire::FetchResponse& answer) {
  if (answer.error_code != ErrorCode::kNone)
    return all_failed({Errc::refused, fmt::format("it answers {}", name_of(answer.error_code))});
  if (is_trouble_told_) shard_.peer_log.info("fetching from broker {} goes on", leader_.id.value());
  is_trouble_told_ = false;
  rest_.end();
  for (const auto& topic : answer.responses)
    for (const auto& row : topic.partitions) {
      const auto found = copies_.find({topic.topic_id, row.partition_index});
      if (found != copies_.end()) take(found->second, row);
    }
}

void Follower::take(Copy& copy, const wire::FetchResponse::PartitionData& row) {
  // It keeps itself: what it is told may end that it is copied.
  const auto partition = copy.partition;
  const bool is_for_it = partition->replica().role() == replication::Role::follower &&
                         partition->leader_epoch() == copy.epoch && !partition->is_retired() &&
                         !partition->is_cutting() && !copy.is_stopped;
  if (!is_for_it) return;
  const bool begins_later =
      row.error_code == ErrorCode::kOffsetOutOfRange && Offset{row.log_start_offset} > partition->log().log_end();
  if (begins_later) return tell(copy, row, std::nullopt);
  if (row.error_code != ErrorCode::kNone)
    return failed(copy, {Errc::refused, fmt::format("the leader answers {}", name_of(row.error_code))});
  if (row.diverging_epoch.epoch >= 0 || row.diverging_epoch.end_offset >= 0) {
    const auto cut = divergence(*partition, row.diverging_epoch);
    return cut ? tell(copy, row, *cut) : failed(copy, cut.error());
  }
  const auto taken = take_records(copy, row.records.bytes);
  partition->end_turn();
  if (!taken) return failed(copy, taken.error());
  if (!row.records.bytes.empty()) served_last_ = place_of(*partition);
  if (partition->is_being_added())
    shard_.node.reassignment_rate.spend(shard_.shard.now(), row.records.bytes.size(),
                                        shard_.node.config().reassignment_rate);
  tell(copy, row, std::nullopt);
}

Result<void> Follower::take_records(Copy& copy, BytesView records) {
  Partition& partition = *copy.partition;
  record::BatchReader reader(records);
  while (true) {
    MQ_TRY(const std::optional<record::BatchView> batch, reader.next());
    if (!batch) return {};
    const record::BatchHeader& header = batch->header();
    // An answer to what was asked before the one that brought this.
    if (header.next_offset() <= partition.log().log_end()) continue;
    if (!record::crc_ok(*batch))
      return fail(Errc::corrupt_batch, "the leader has sent a batch at offset {} whose CRC is wrong",
                  header.base_offset.value());
    if (header.leader_epoch > copy.epoch)
      return fail(Errc::corrupt_batch, "the leader has sent a batch at offset {} of leader epoch {}, which is not its",
                  header.base_offset.value(), header.leader_epoch.value());
    MQ_CHECK(partition.append_copy(*batch));
  }
}

Result<std::optional<Offset>> Follower::divergence(Partition& partition,
                                                   const wire::FetchResponse::EpochEndOffset& leaders) {
  MQ_MARK("broker: a follower's log differs from its leader's");
  MQ_TRY(const log::EpochEnd own, partition.log().end_offset_for(LeaderEpoch{leaders.epoch}));
  const bool is_known = own.epoch != kNoLeaderEpoch;
  return replication::cut_at(
      {.epoch = LeaderEpoch{leaders.epoch}, .end = Offset{std::max<std::int64_t>(leaders.end_offset, 0)}},
      {.epoch = own.epoch, .end = is_known ? own.end_offset : partition.log().log_start()});
}

void Follower::tell(Copy& copy, const wire::FetchResponse::PartitionData& row, std::optional<Offset> diverges_at) {
  const auto partition = copy.partition;
  copy.rest.end();
  if (diverges_at) copy.told = {};
  const auto taken =
      partition->answered({.high_watermark = Offset{row.high_watermark},
                           .log_start = Offset{row.log_start_offset},
                           .start_wanted = std::max(Offset{row.log_start_offset}, Offset{row.start_wanted}),
                           .diverges_at = diverges_at});
  if (taken) return;
  MQ_MARK("broker: a follower does not cut what is committed");
  copy.is_stopped = true;
  shard_.node.logger().error("{} is not copied from broker {} any more: {}", partition->name().to_string(),
                             leader_.id.value(), taken.error().message);
}

void Follower::failed(Copy& copy, const Error& error) {
  // A leader that has just begun, or is about to be another, knows better soon; what goes on is told.
  copy.told = {};
  if (copy.rest.begin(shard_.shard.now()))
    shard_.peer_log.warn("{} cannot be copied from broker {}: {}; it is tried again",
                         copy.partition->name().to_string(), leader_.id.value(), error.message);
}

void Follower::all_failed(const Error& error) {
  if (!rest_.begin(shard_.shard.now())) return;
  is_trouble_told_ = true;
  shard_.peer_log.warn("broker {} at {} cannot be fetched from: {}; it is tried again", leader_.id.value(),
                       leader_.address.to_string(), error.message);
}

}  // namespace mq::broker
