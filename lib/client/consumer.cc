#include "client/consumer.h"

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <unordered_map>

#include "base/assert.h"
#include "base/buggify.h"
#include "base/mark.h"
#include "base/milliseconds.h"
#include "client/connection.h"
#include "client/fetch_session.h"
#include "env/event.h"
#include "wire/messages/fetch.h"
#include "wire/messages/offset_for_leader_epoch.h"

namespace mq::client {
namespace {

/// How long a topic may be unknown to the brokers before its partitions are given up.
constexpr Duration kUnknownTopicWait = 5s;
/// A partition that had no leader so often when we asked, which takes some 4 s, waits for somebody to do something.
constexpr int kLeaderlessToTell = 8;
/// How long a partition is read from the replica that its leader named; then the leader is asked again.
constexpr Duration kNearbyTime = 5min;
/// How long the leader is asked for records after a replica nearby could not give any.
constexpr Duration kLeaderTime = 10s;
/// A poll gives out about this much, so that its caller gets on with other things now and then.
constexpr std::size_t kPollBytes = 4 << 20;

/// What has to happen before a partition can be fetched.
enum class State {
  locating,    ///< who leads it?
  validating,  ///< is the new leader's log the one that we read?
  resetting,   ///< its position is outside the log; the policy names another
  fetching,
  failed,  ///< reported; waits for `assign`
};

struct Slot {
  std::shared_ptr<const TopicPartition> where;
  State state = State::locating;
  bool paused = false;
  std::uint64_t version = 0;  ///< raised whenever what is on its way must be dropped
  Offset position;            ///< after everything given out
  LeaderEpoch position_epoch = kNoLeaderEpoch;
  Offset fetch_position;  ///< after everything received
  LeaderEpoch fetch_epoch = kNoLeaderEpoch;
  BrokerId leader = kNoBroker;
  LeaderEpoch leader_epoch = kNoLeaderEpoch;
  BrokerId nearby = kNoBroker;  ///< a follower that the leader sent us to
  Instant nearby_until;
  Instant leader_until;  ///< not before we want to be sent elsewhere
  Uuid topic_id;
  std::optional<Offset> known_end;
  Instant unknown_since = Instant::never();
  int leaderless = 0;  ///< answers in a row that named no leader
  bool unreadable_told = false;

  /// From whom it is fetched.
  [[nodiscard]] BrokerId source() const { return nearby != kNoBroker ? nearby : leader; }
};

/// A step of a partition: a batch to give out, or only a new position.
struct Ready {
  std::shared_ptr<Slot> slot;
  std::optional<FetchedBatch> batch;
  Offset next_offset;
  LeaderEpoch epoch = kNoLeaderEpoch;
};

/// The records of aborted transactions in one answer for one partition: brokers send them, and say whose they are.
class AbortedFilter {
 public:
  explicit AbortedFilter(const wire::FetchResponse::PartitionData& data) {
    if (data.aborted_transactions) aborted_ = *data.aborted_transactions;
    std::ranges::sort(aborted_, {}, &wire::FetchResponse::AbortedTransaction::first_offset);
  }
  /// True when the records of `batch` are for nobody. Batches come in offset order.
  bool drops(const record::BatchHeader& batch) {
    while (next_ < aborted_.size() && aborted_[next_].first_offset <= batch.last_offset().value())
      open_.insert(aborted_[next_++].producer_id);
    if (batch.is_control()) {
      // A marker ends the transaction of its producer; what follows is another one.
      open_.erase(batch.producer_id.value());
      return true;
    }
    return batch.is_transactional() && open_.contains(batch.producer_id.value());
  }

 private:
  std::vector<wire::FetchResponse::AbortedTransaction> aborted_;
  std::size_t next_ = 0;
  std::set<std::int64_t> open_;
};

}  // namespace

class Consumer::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(Cluster& cluster, ConsumerOptions options)
      : cluster_(cluster),
        shard_(cluster.shard()),
        options_(std::move(options)),
        changed_(shard_),
        ready_event_(shard_) {}
  void start();

  void assign(const TopicPartition& where, Offset position, LeaderEpoch epoch);
  void unassign(const TopicPartition& where);
  void pause(const TopicPartition& where, bool paused);
  awaitable<Result<Polled>> poll(Duration wait);
  void wake();
  [[nodiscard]] const Slot* find(const TopicPartition& where) const;
  [[nodiscard]] std::vector<TopicPartition> assignment() const;
  void stop();
  void check_invariants() const;

 private:
  /// The fetch loop of one broker.
  struct Lane {
    BrokerId id;
    FetchSession session;
    bool running = false;
  };

  awaitable<void> keep_house();
  awaitable<bool> locate();
  void locate(Slot& slot, const Cluster::TopicRef& topic);
  void begin_again(Slot& slot, const PartitionInfo& info, Uuid topic_id);
  awaitable<bool> validate(std::shared_ptr<Slot> slot);
  awaitable<bool> reset(std::shared_ptr<Slot> slot);
  [[nodiscard]] bool has_any(State state) const;

  awaitable<void> fetch_from(Lane& lane);
  awaitable<Result<void>> fetch_once(Lane& lane);
  [[nodiscard]] std::vector<std::shared_ptr<Slot>> fetchable(BrokerId from) const;
  void start_lane(BrokerId id);
  void on_partition(const std::shared_ptr<Slot>& slot, const wire::FetchResponse::PartitionData& data,
                    const SharedBytes& frame);
  void on_partition_error(Slot& slot, ErrorCode code);
  void go_nearby(Slot& slot, BrokerId replica);
  void leave_nearby(Slot& slot);
  void take_batches(const std::shared_ptr<Slot>& slot, const wire::FetchResponse::PartitionData& data,
                    const SharedBytes& frame);
  void move(Slot& slot, Offset position, LeaderEpoch epoch);
  void out_of_range(Slot& slot);
  void fail_slot(Slot& slot, Error error);
  void drop_ready(const Slot& slot);

  Cluster& cluster_;
  env::Shard& shard_;
  ConsumerOptions options_;
  std::map<TopicPartition, std::shared_ptr<Slot>> slots_;
  std::map<BrokerId, std::unique_ptr<Lane>> lanes_;
  std::deque<Ready> ready_;
  std::vector<PartitionError> errors_;
  std::size_t buffered_ = 0;
  env::Event changed_;      ///< something may be fetched, or must be looked after
  env::Event ready_event_;  ///< something may be polled
  bool woken_ = false;
  bool closed_ = false;
};

// --- The caller's side -----------------------------------------------------------------------------------------------

void Consumer::Impl::start() {
  cluster_.tasks().spawn(
      [](std::shared_ptr<Impl> self) -> awaitable<void> { co_await self->keep_house(); }(shared_from_this()));
}

void Consumer::Impl::assign(const TopicPartition& where, Offset position, LeaderEpoch epoch) {
  auto& slot = slots_[where];
  if (!slot) {
    slot = std::make_shared<Slot>();
    slot->where = std::make_shared<const TopicPartition>(where);
  }
  if (slot->state != State::fetching) slot->state = State::locating;
  move(*slot, position, epoch);
  changed_.notify_all();
}

void Consumer::Impl::unassign(const TopicPartition& where) {
  const auto found = slots_.find(where);
  if (found == slots_.end()) return;
  ++found->second->version;
  drop_ready(*found->second);
  slots_.erase(found);
  changed_.notify_all();
}

void Consumer::Impl::pause(const TopicPartition& where, bool paused) {
  const auto found = slots_.find(where);
  if (found == slots_.end() || found->second->paused == paused) return;
  found->second->paused = paused;
  if (paused) move(*found->second, found->second->position, found->second->position_epoch);
  changed_.notify_all();
}

awaitable<Result<Polled>> Consumer::Impl::poll(Duration wait) {
  const Instant deadline = shard_.now() + wait;
  while (!closed_ && ready_.empty() && errors_.empty() && !woken_)
    if (!co_await ready_event_.wait_until(deadline)) break;
  woken_ = false;
  if (closed_) co_return mq::fail(Errc::closed, "the consumer is closed");

  Polled polled;
  polled.errors = std::exchange(errors_, {});
  std::size_t bytes = 0;
  while (!ready_.empty() && bytes < kPollBytes) {
    Ready next = std::move(ready_.front());
    ready_.pop_front();
    MQ_ASSERT(next.slot->position < next.next_offset && next.next_offset <= next.slot->fetch_position);
    next.slot->position = next.next_offset;
    next.slot->position_epoch = next.epoch;
    if (!next.batch) continue;
    bytes += next.batch->bytes.size();
    MQ_ASSERT(buffered_ >= next.batch->bytes.size());
    buffered_ -= next.batch->bytes.size();
    polled.batches.push_back(*std::move(next.batch));
  }
  changed_.notify_all();
  co_return polled;
}

void Consumer::Impl::wake() {
  woken_ = true;
  ready_event_.notify_all();
}

const Slot* Consumer::Impl::find(const TopicPartition& where) const {
  const auto found = slots_.find(where);
  return found == slots_.end() ? nullptr : found->second.get();
}

std::vector<TopicPartition> Consumer::Impl::assignment() const {
  std::vector<TopicPartition> all;
  for (const auto& [where, slot] : slots_) all.push_back(where);
  return all;
}

void Consumer::Impl::stop() {
  closed_ = true;
  for (const auto& [where, slot] : slots_) ++slot->version;  // an answer that is on its way finds nothing to fill
  slots_.clear();
  ready_.clear();
  buffered_ = 0;
  changed_.notify_all();
  ready_event_.notify_all();
}

void Consumer::Impl::check_invariants() const {
  std::size_t buffered = 0;
  std::map<const Slot*, Offset> received;  // up to where what is ready goes, by its partition
  for (const Ready& ready : ready_) {
    const Slot& slot = *ready.slot;
    MQ_ASSERT(find(*slot.where) == &slot);
    MQ_ASSERT(received.try_emplace(&slot, slot.position).first->second < ready.next_offset);
    received[&slot] = ready.next_offset;
    if (!ready.batch) continue;
    MQ_ASSERT(ready.batch->next_offset == ready.next_offset);
    MQ_ASSERT(ready.batch->first_offset < ready.next_offset);
    buffered += ready.batch->bytes.size();
  }
  MQ_ASSERT(buffered_ == buffered);
  for (const auto& [where, slot] : slots_) {
    const auto ready = received.find(slot.get());
    MQ_ASSERT(*slot->where == where);
    MQ_ASSERT(slot->fetch_position == (ready == received.end() ? slot->position : ready->second));
    MQ_ASSERT(ready != received.end() || slot->fetch_epoch == slot->position_epoch);
  }
  for (const auto& [id, lane] : lanes_) MQ_ASSERT(lane->id == id);
}

/// Both positions, and nothing on its way.
void Consumer::Impl::move(Slot& slot, Offset position, LeaderEpoch epoch) {
  ++slot.version;
  drop_ready(slot);
  slot.position = slot.fetch_position = position;
  slot.position_epoch = slot.fetch_epoch = epoch;
}

void Consumer::Impl::drop_ready(const Slot& slot) {
  std::erase_if(ready_, [&](const Ready& ready) {
    if (ready.slot.get() != &slot) return false;
    if (ready.batch) buffered_ -= ready.batch->bytes.size();
    return true;
  });
}

void Consumer::Impl::fail_slot(Slot& slot, Error error) {
  slot.state = State::failed;
  errors_.push_back({.where = *slot.where, .error = std::move(error)});
  ready_event_.notify_all();
}

// --- Leaders, resets, validation -------------------------------------------------------------------------------------

bool Consumer::Impl::has_any(State state) const {
  return std::ranges::any_of(slots_, [&](const auto& entry) { return entry.second->state == state; });
}

awaitable<void> Consumer::Impl::keep_house() {
  Backoff backoff;
  while (!closed_) {
    bool all_done = true;
    if (has_any(State::locating)) all_done = co_await locate();
    std::vector<std::shared_ptr<Slot>> slots;
    for (const auto& [where, slot] : slots_) slots.push_back(slot);
    for (const auto& slot : slots) {
      if (slot->state == State::validating) all_done = co_await validate(slot) && all_done;
      if (slot->state == State::resetting) all_done = co_await reset(slot) && all_done;
    }
    if (closed_) break;
    for (const auto& slot : slots)
      if (slot->state == State::fetching) start_lane(slot->source());
    changed_.notify_all();
    if (!all_done) {
      co_await shard_.sleep_until(shard_.now() + backoff.next(cluster_.random()));
      continue;
    }
    backoff.reset();
    while (!closed_ && !has_any(State::locating) && !has_any(State::validating) && !has_any(State::resetting))
      co_await changed_.wait();
  }
}

/// True when every partition that had no leader has one.
awaitable<bool> Consumer::Impl::locate() {
  std::set<std::string> names;
  for (const auto& [where, slot] : slots_)
    if (slot->state == State::locating) names.insert(where.topic);
  auto answer = co_await cluster_.refresh({names.begin(), names.end()}, Cluster::AutoCreate::no);
  if (!answer || closed_) co_return false;
  bool all_done = true;
  for (const auto& [where, slot] : slots_) {
    if (slot->state != State::locating || !names.contains(where.topic)) continue;
    const auto topic =
        std::ranges::find_if(answer->topics, [&](const auto& info) { return info->name == where.topic; });
    if (topic != answer->topics.end()) {
      slot->unknown_since = Instant::never();
      locate(*slot, *topic);
    } else {
      const auto error = std::ranges::find(answer->errors, where.topic, &std::pair<std::string, ErrorCode>::first);
      const ErrorCode code = error == answer->errors.end() ? ErrorCode::kUnknownTopicOrPartition : error->second;
      if (slot->unknown_since == Instant::never()) MQ_MARK("client: a topic of a consumer is not known");
      if (slot->unknown_since == Instant::never()) slot->unknown_since = shard_.now();
      if (!is_retriable(code) || shard_.now() - slot->unknown_since >= kUnknownTopicWait)
        fail_slot(*slot, broker_error(code, "topic {}", where.topic));
    }
    all_done = all_done && slot->state != State::locating;
  }
  co_return all_done;
}

void Consumer::Impl::locate(Slot& slot, const Cluster::TopicRef& topic) {
  const auto index = static_cast<std::size_t>(slot.where->partition);
  if (index >= topic->partitions.size())
    return fail_slot(slot,
                     Error{.code = Errc::not_found,
                           .message = fmt::format("topic {} has no partition {}", topic->name, slot.where->partition),
                           .kafka_code = 0});
  const PartitionInfo& info = topic->partitions[index];
  const bool is_other_topic = !slot.topic_id.is_zero() && slot.topic_id != topic->id;
  if (is_other_topic) return begin_again(slot, info, topic->id);
  const bool is_stale = info.leader_epoch != kNoLeaderEpoch && info.leader_epoch < slot.leader_epoch;
  if (info.leader == kNoBroker) {
    if (++slot.leaderless == kLeaderlessToTell)
      cluster_.note({.kind = Notice::Kind::lost,
                     .text = fmt::format("{} has no leader now; trying again", slot.where->to_string())});
    return;
  }
  if (is_stale) return;
  if (std::exchange(slot.leaderless, 0) >= kLeaderlessToTell)
    cluster_.note({.kind = Notice::Kind::back, .text = fmt::format("{} has a leader again", slot.where->to_string())});
  const bool is_new_epoch = info.leader_epoch > slot.leader_epoch;
  slot.leader = info.leader;
  if (is_new_epoch) slot.nearby = kNoBroker;
  slot.leader_epoch = info.leader_epoch;
  slot.topic_id = topic->id;
  slot.state = is_new_epoch && slot.fetch_epoch != kNoLeaderEpoch ? State::validating : State::fetching;
}

/// The topic was deleted and created again: our position is a place in a log that is no more, though the new one may
/// have a record there.
void Consumer::Impl::begin_again(Slot& slot, const PartitionInfo& info, Uuid topic_id) {
  MQ_MARK("client: a topic was made again under a consumer");
  if (options_.reset == OffsetReset::fail)
    return fail_slot(slot, Error{.code = Errc::not_found,
                                 .message = fmt::format("{}: the topic was deleted and created again after offset {}",
                                                        slot.where->to_string(), slot.fetch_position.value()),
                                 .kafka_code = 0});
  slot.topic_id = topic_id;
  slot.nearby = kNoBroker;
  slot.leader = info.leader;
  slot.leader_epoch = info.leader_epoch;
  slot.state = State::resetting;
}

/// Asks the leader where the epoch of the last record that we have ended in its log: before our position means that the
/// log was cut and went on otherwise. False: no answer yet.
awaitable<bool> Consumer::Impl::validate(std::shared_ptr<Slot> slot) {
  const std::uint64_t version = slot->version;
  auto connection = co_await cluster_.broker(slot->leader);
  if (slot->version != version || slot->state != State::validating) co_return false;
  if (!connection) {
    slot->state = State::locating;
    co_return false;
  }
  if (!(*connection)->version_for<wire::OffsetForLeaderEpochRequest>()) {
    slot->state = State::fetching;
    co_return true;
  }
  wire::OffsetForLeaderEpochRequest request;
  MQ_MARK("client: a consumer asks where its last epoch ended");
  request.replica_id = -1;
  auto& topic = request.topics.emplace_back();
  topic.topic = slot->where->topic;
  auto& partition = topic.partitions.emplace_back();
  partition.partition = slot->where->partition;
  partition.current_leader_epoch = slot->leader_epoch.value();
  partition.leader_epoch = slot->fetch_epoch.value();
  auto answer = co_await (*connection)->call(std::move(request), cluster_.options().request_timeout);
  if (slot->version != version || slot->state != State::validating) co_return false;
  if (!answer || answer->body.topics.size() != 1 || answer->body.topics[0].partitions.size() != 1) {
    slot->state = State::locating;
    co_return false;
  }
  const auto& end = answer->body.topics[0].partitions[0];
  if (end.error_code != ErrorCode::kNone) {
    on_partition_error(*slot, end.error_code);
    co_return slot->state == State::failed;
  }
  slot->state = State::fetching;
  const bool was_cut = end.end_offset >= 0 && Offset{end.end_offset} < slot->fetch_position;
  if (was_cut) MQ_MARK("client: a log was cut below what a consumer has read");
  if (!was_cut) co_return true;
  if (options_.reset == OffsetReset::fail) {
    fail_slot(*slot,
              Error{.code = Errc::offset_out_of_range,
                    .message = fmt::format("{}: the log was cut to offset {}, we had read up to {}",
                                           slot->where->to_string(), end.end_offset, slot->fetch_position.value()),
                    .kafka_code = 0});
  } else {
    move(*slot, Offset{end.end_offset}, LeaderEpoch{end.leader_epoch});
  }
  co_return true;
}

awaitable<bool> Consumer::Impl::reset(std::shared_ptr<Slot> slot) {
  const std::uint64_t version = slot->version;
  const std::int64_t at = options_.reset == OffsetReset::start ? OffsetQuery::kStart : OffsetQuery::kEnd;
  std::vector<OffsetQuery> query{{.where = *slot->where, .at = at}};
  auto answer = co_await list_offsets(cluster_, std::move(query), options_.isolation, shard_.now());
  if (slot->version != version || slot->state != State::resetting) co_return false;
  if (!answer) {
    if (!is_worth_retrying(answer.error())) fail_slot(*slot, answer.error());
    co_return slot->state == State::failed;
  }
  MQ_MARK("client: the position of a consumer is reset");
  move(*slot, answer->front().offset, kNoLeaderEpoch);
  slot->state = State::fetching;
  co_return true;
}

// --- Fetching --------------------------------------------------------------------------------------------------------

void Consumer::Impl::start_lane(BrokerId id) {
  auto& lane = lanes_[id];
  if (!lane) {
    lane = std::make_unique<Lane>();
    lane->id = id;
  }
  if (std::exchange(lane->running, true)) return;
  cluster_.tasks().spawn([](std::shared_ptr<Impl> self, Lane* way) -> awaitable<void> {
    co_await self->fetch_from(*way);
  }(shared_from_this(), lane.get()));
}

std::vector<std::shared_ptr<Slot>> Consumer::Impl::fetchable(BrokerId from) const {
  std::vector<std::shared_ptr<Slot>> slots;
  for (const auto& [where, slot] : slots_)
    if (slot->state == State::fetching && !slot->paused && slot->source() == from) slots.push_back(slot);
  return slots;
}

awaitable<void> Consumer::Impl::fetch_from(Lane& lane) {
  Backoff backoff;
  while (!closed_) {
    const bool has_enough = buffered_ > 0 && MQ_BUGGIFY("client: a consumer fetches nothing ahead");
    if (fetchable(lane.id).empty() || has_enough || buffered_ >= options_.prefetch_bytes_max) {
      if (buffered_ >= options_.prefetch_bytes_max) MQ_MARK("client: a consumer has enough fetched ahead");
      co_await changed_.wait();
      continue;
    }
    if (auto fetched = co_await fetch_once(lane); fetched) {
      backoff.reset();
      continue;
    }
    lane.session.reset();
    if (closed_) break;
    // The leaders may be elsewhere by now.
    MQ_MARK("client: a fetch fails");
    for (const auto& slot : fetchable(lane.id)) {
      if (slot->nearby != kNoBroker) leave_nearby(*slot);
      slot->state = State::locating;
    }
    changed_.notify_all();
    co_await shard_.sleep_until(shard_.now() + backoff.next(cluster_.random()));
  }
}

awaitable<Result<void>> Consumer::Impl::fetch_once(Lane& lane) {
  MQ_CO_TRY(auto connection, co_await cluster_.broker(lane.id, Cluster::Use::data));
  // Only now: while the connection was made, partitions may have been given up, paused or moved.
  const auto slots = fetchable(lane.id);
  if (slots.empty()) co_return Result<void>{};
  std::vector<FetchTarget> targets;
  std::vector<std::uint64_t> versions;
  bool has_ids = true;
  for (const auto& slot : slots) {
    targets.push_back({.where = *slot->where,
                       .topic_id = slot->topic_id,
                       .leader_epoch = slot->leader_epoch,
                       .offset = slot->fetch_position,
                       .bytes_max = options_.partition_bytes_max});
    versions.push_back(slot->version);
    has_ids = has_ids && !slot->topic_id.is_zero();
  }
  wire::FetchRequest request;
  request.max_wait_ms = to_ms(options_.fetch_wait);
  request.min_bytes = options_.fetch_bytes_min;
  request.max_bytes = options_.fetch_bytes_max;
  request.isolation_level = static_cast<std::int8_t>(options_.isolation);
  if (std::ranges::all_of(slots, [&](const auto& slot) { return shard_.now() >= slot->leader_until; }))
    request.rack_id = options_.rack;
  lane.session.prepare(targets, request);
  constexpr ApiVersion kLastWithNames = 12;
  MQ_CO_TRY(const auto response,
            co_await connection->call(std::move(request), cluster_.options().request_timeout + options_.fetch_wait,
                                      has_ids ? wire::kVersionMax : kLastWithNames));
  switch (response.body.error_code) {
    case ErrorCode::kNone:
      break;
    case ErrorCode::kFetchSessionIdNotFound:
    case ErrorCode::kInvalidFetchSessionEpoch:
    case ErrorCode::kFetchSessionTopicIdError:
      if (!lane.session.is_full()) {
        MQ_MARK("client: a broker has no such fetch session any more");
        lane.session.reset();
        co_return Result<void>{};
      }
      [[fallthrough]];
    default:
      co_return mq::fail(broker_error(response.body.error_code, "fetch from broker {}", lane.id.value()));
  }
  lane.session.accepted(response.body.session_id);
  std::unordered_map<Uuid, std::string> names;
  std::unordered_map<TopicPartition, std::size_t> places;
  for (std::size_t i = 0; i < slots.size(); ++i) {
    names.try_emplace(slots[i]->topic_id, slots[i]->where->topic);
    places.emplace(*slots[i]->where, i);
  }
  for (const auto& topic : response.body.responses) {
    const auto name = names.find(topic.topic_id);
    if (topic.topic.empty() && name == names.end()) continue;
    for (const auto& partition : topic.partitions) {
      const auto place = places.find(
          {.topic = topic.topic.empty() ? name->second : topic.topic, .partition = partition.partition_index});
      if (place == places.end()) continue;
      const auto& slot = slots[place->second];
      // Else it was moved, paused or given up while the answer was on its way.
      if (slot->version != versions[place->second])
        MQ_MARK("client: records come for a partition that was moved or given up");
      if (slot->version == versions[place->second] && slot->state == State::fetching)
        on_partition(slot, partition, response.bytes);
    }
  }
  co_return Result<void>{};
}

void Consumer::Impl::on_partition(const std::shared_ptr<Slot>& slot, const wire::FetchResponse::PartitionData& data,
                                  const SharedBytes& frame) {
  if (data.error_code != ErrorCode::kNone) {
    on_partition_error(*slot, data.error_code);
    changed_.notify_all();
    return;
  }
  if (data.preferred_read_replica >= 0) return go_nearby(*slot, BrokerId{data.preferred_read_replica});
  if (slot->nearby != kNoBroker && shard_.now() >= slot->nearby_until) {
    slot->nearby = kNoBroker;
    start_lane(slot->leader);
  }
  if (std::exchange(slot->unreadable_told, false))
    cluster_.note({.kind = Notice::Kind::back, .text = fmt::format("{} can be read again", slot->where->to_string())});
  const bool is_committed = options_.isolation == Isolation::read_committed && data.last_stable_offset >= 0;
  slot->known_end = Offset{is_committed ? data.last_stable_offset : data.high_watermark};
  take_batches(slot, data, frame);
}

/// The leader has sent no records: a replica in our rack has them.
void Consumer::Impl::go_nearby(Slot& slot, BrokerId replica) {
  MQ_MARK("client: a consumer is sent to a replica nearby");
  slot.nearby = replica;
  slot.nearby_until = shard_.now() + kNearbyTime;
  start_lane(replica);
  changed_.notify_all();
}

/// Whatever it was, the leader knows better.
void Consumer::Impl::leave_nearby(Slot& slot) {
  MQ_MARK("client: a replica nearby cannot serve a consumer");
  slot.nearby = kNoBroker;
  slot.leader_until = shard_.now() + kLeaderTime;
}

void Consumer::Impl::on_partition_error(Slot& slot, ErrorCode code) {
  if (slot.nearby != kNoBroker) {
    leave_nearby(slot);
    slot.state = State::locating;
    return;
  }
  if (code == ErrorCode::kOffsetOutOfRange) return out_of_range(slot);
  // Retriable for Kafka, but in a fetch it means that the leader's disk is damaged there: asking again would not help.
  if (code == ErrorCode::kCorruptMessage) MQ_MARK("client: a consumer meets damage");
  if (code == ErrorCode::kCorruptMessage)
    return fail_slot(slot, Error{.code = Errc::corrupt_batch,
                                 .message = fmt::format("{}: the broker's copy is damaged at offset {}",
                                                        slot.where->to_string(), slot.fetch_position.value()),
                                 .kafka_code = 0});
  // Lasts until somebody looks at that disk: who waits for records must hear of it.
  if (code == ErrorCode::kKafkaStorageError) MQ_MARK("client: a broker cannot read for a consumer");
  if (code == ErrorCode::kKafkaStorageError && !std::exchange(slot.unreadable_told, true))
    cluster_.note({.kind = Notice::Kind::lost,
                   .text = fmt::format("{}: the broker cannot read offset {} from its disk ({}); trying again",
                                       slot.where->to_string(), slot.fetch_position.value(), name_of(code))});
  if (!is_retriable(code) && code != ErrorCode::kUnknownTopicId)
    return fail_slot(slot, broker_error(code, "{}", slot.where->to_string()));
  slot.state = State::locating;
}

void Consumer::Impl::out_of_range(Slot& slot) {
  MQ_MARK("client: the position of a consumer is outside of the log");
  if (options_.reset != OffsetReset::fail) {
    slot.state = State::resetting;
    return;
  }
  fail_slot(slot, Error{.code = Errc::offset_out_of_range,
                        .message = fmt::format("{}: there is no offset {} in the log", slot.where->to_string(),
                                               slot.fetch_position.value()),
                        .kafka_code = 0});
}

/// Everything whole in an answer becomes ready, up to the first batch that is damaged.
void Consumer::Impl::take_batches(const std::shared_ptr<Slot>& slot, const wire::FetchResponse::PartitionData& data,
                                  const SharedBytes& frame) {
  AbortedFilter aborted(data);
  record::BatchReader reader(data.records.bytes);
  while (true) {
    const auto next = reader.next();
    if (!next) return fail_slot(*slot, next.error());
    if (!*next) break;
    const record::BatchView& batch = **next;
    if (!record::crc_ok(batch))
      return fail_slot(
          *slot, Error{.code = Errc::corrupt_batch,
                       .message = fmt::format("{}: the batch at offset {} is damaged (CRC)", slot->where->to_string(),
                                              batch.header().base_offset.value()),
                       .kafka_code = 0});
    const record::BatchHeader& header = batch.header();
    if (header.next_offset() <= slot->fetch_position) continue;
    Ready ready{.slot = slot, .batch = std::nullopt, .next_offset = header.next_offset(), .epoch = header.leader_epoch};
    const bool drops = options_.isolation == Isolation::read_committed ? aborted.drops(header) : header.is_control();
    if (!drops && header.record_count > 0) {
      const auto at = static_cast<std::size_t>(batch.bytes().data() - frame.view().data());
      ready.batch = FetchedBatch{.where = slot->where,
                                 .bytes = frame.part(at, batch.bytes().size()),
                                 .header = header,
                                 .first_offset = std::max(slot->fetch_position, header.base_offset),
                                 .next_offset = header.next_offset(),
                                 .high_watermark = Offset{data.high_watermark}};
      buffered_ += batch.bytes().size();
    }
    slot->fetch_position = header.next_offset();
    slot->fetch_epoch = header.leader_epoch;
    ready_.push_back(std::move(ready));
  }
  if (!ready_.empty()) ready_event_.notify_all();
}

// --- The handle ------------------------------------------------------------------------------------------------------

Consumer::Consumer(Cluster& cluster, ConsumerOptions options)
    : impl_(std::make_shared<Impl>(cluster, std::move(options))) {
  impl_->start();
}
Consumer::~Consumer() = default;

void Consumer::assign(const TopicPartition& where, Offset position, LeaderEpoch epoch) {
  impl_->assign(where, position, epoch);
}
void Consumer::unassign(const TopicPartition& where) { impl_->unassign(where); }
void Consumer::pause(const TopicPartition& where, bool paused) { impl_->pause(where, paused); }
awaitable<Result<Polled>> Consumer::poll(Duration wait) { return impl_->poll(wait); }
void Consumer::wake() { impl_->wake(); }
std::vector<TopicPartition> Consumer::assignment() const { return impl_->assignment(); }

std::optional<Offset> Consumer::position(const TopicPartition& where) const {
  const Slot* slot = impl_->find(where);
  return slot ? std::optional(slot->position) : std::nullopt;
}
LeaderEpoch Consumer::position_epoch(const TopicPartition& where) const {
  const Slot* slot = impl_->find(where);
  return slot ? slot->position_epoch : kNoLeaderEpoch;
}
std::optional<Offset> Consumer::known_end(const TopicPartition& where) const {
  const Slot* slot = impl_->find(where);
  return slot ? slot->known_end : std::nullopt;
}

void Consumer::check_invariants() const { impl_->check_invariants(); }

awaitable<void> Consumer::close() {
  impl_->stop();
  co_return;
}

}  // namespace mq::client
