// Fetch (key 1). Reads on the thread of each partition's shard; when there is too little, waits until a high watermark
// grows or the client's patience ends. Records leave as file ranges, without passing through this process's memory.

#include "wire/messages/fetch.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "broker/addressed.h"
#include "broker/api/fetch_session.h"
#include "broker/api/handlers.h"
#include "broker/errors.h"
#include "broker/partition.h"
#include "broker/shard_broker.h"

namespace mq::broker {
namespace {

// Below this a copy costs less than a sendfile call (4.4 against 6.6 us).
constexpr std::size_t kCopyBytesMax = 4 << 10;
// All copies of one answer together: thousands of small partitions go out by sendfile rather than through the memory.
constexpr std::size_t kCopiedBytesMax = 1 << 20;
// Who wants to wait longer gets an empty answer and asks again. A connection with all its requests waiting is not read
// from, so its peer may be gone meanwhile without our noticing.
constexpr Duration kWaitMax = 60s;

/// One partition of a fetch: the question, and the answer of its shard.
struct FetchItem {
  FetchedPartition wanted;
  const cluster::Topic* topic = nullptr;  ///< kept alive by the op's image
  ShardBroker* owner = nullptr;           ///< null when `error` was known without reading

  ErrorCode error = ErrorCode::kNone;
  Offset high_watermark{-1};
  Offset last_stable{-1};
  Offset log_start{-1};
  wire::FetchResponse::EpochEndOffset diverging;
  LeaderEpoch leader_epoch = kNoLeaderEpoch;
  log::FileRange range;
  bool is_cold = false;  ///< the range must be read and checked on the pool before it may leave
  bool is_far = false;   ///< not even where it stands can be told without waiting for the disk
};

/// Copied rather than sent from the file.
bool is_small(const log::FileRange& range) { return range.size <= kCopyBytesMax; }

/// Where `epoch` ended. offset_out_of_range: nobody has led in it yet, so nothing that came in it is here.
Result<log::EpochEnd> end_of_epoch(Partition& partition, LeaderEpoch epoch) {
  MQ_CHECK(partition.log().begin_epoch(partition.leader_epoch()));
  MQ_TRY(const log::EpochEnd end, partition.log().end_offset_for(epoch));
  if (end.epoch == kNoLeaderEpoch)
    return fail(Errc::offset_out_of_range, "{}: leader epoch {} has not begun", partition.name().to_string(),
                epoch.value());
  return end;
}

/// Reads what `item` asks for into `item`. On the shard of its partition. `bytes_max` is what is left of the request's.
void read(FetchItem& item, std::size_t bytes_max, bool at_least_one_batch, log::Wait wait = log::Wait::no) {
  item.range = {};
  item.is_cold = item.is_far = false;
  Partition* partition = item.owner->find(item.topic->id, item.wanted.partition);
  if (partition == nullptr) {
    item.error = ErrorCode::kNotLeaderOrFollower;
    return;
  }
  item.high_watermark = partition->high_watermark();
  item.last_stable = partition->last_stable_offset();
  item.log_start = partition->log().log_start();
  item.leader_epoch = partition->leader_epoch();
  item.error = partition->check_epoch(LeaderEpoch{item.wanted.current_leader_epoch});
  if (item.error != ErrorCode::kNone) return;

  if (item.wanted.last_fetched_epoch >= 0) {
    item.is_far = wait == log::Wait::no && partition->log().is_cold();
    if (item.is_far) return;
    const auto known = end_of_epoch(*partition, LeaderEpoch{item.wanted.last_fetched_epoch});
    if (!known) {
      partition->tell_damage(known.error());
      item.error = to_wire(known.error());
      return;
    }
    const log::EpochEnd& end = *known;
    if (end.epoch.value() < item.wanted.last_fetched_epoch || end.end_offset.value() < item.wanted.fetch_offset) {
      item.diverging.epoch = end.epoch.value();
      item.diverging.end_offset = end.end_offset.value();
      return;
    }
  }
  const std::size_t bytes =
      std::min<std::size_t>(bytes_max, static_cast<std::size_t>(std::max(item.wanted.bytes_max, 0)));
  auto found =
      partition->log().read(Offset{item.wanted.fetch_offset}, bytes, item.high_watermark, at_least_one_batch, wait);
  item.is_far = !found && found.error().code == Errc::would_block;
  if (item.is_far) return;
  if (!found) {
    partition->tell_damage(found.error());
    item.error = to_wire(found.error());
    return;
  }
  item.range = std::move(*found);
  item.is_cold = item.range.size > 0 && !(item.range.verified && (is_small(item.range) || log::is_cached(item.range)));
}

std::size_t named_in(const wire::FetchRequest& request) {
  std::size_t named = 0;
  for (const auto& topic : request.topics) named += topic.partitions.size();
  for (const auto& topic : request.forgotten_topics_data) named += topic.partitions.size();
  return named;
}

/// Reads `item` again once the pool has brought in what its look-up needs.
awaitable<void> find_far(FetchItem& item, std::size_t bytes_max, bool at_least_one_batch) {
  constexpr int kTries = 3;
  ShardBroker& owner = *item.owner;
  for (int tries = 1; item.is_far; ++tries) {
    Partition* partition = owner.find(item.topic->id, item.wanted.partition);
    if (partition != nullptr && item.wanted.last_fetched_epoch >= 0) {
      co_await partition->until_warm();
      partition = owner.find(item.topic->id, item.wanted.partition);
    }
    auto job = partition == nullptr
                   ? Result<log::LookUp>{}
                   : partition->log().prepare_read(Offset{item.wanted.fetch_offset}, bytes_max, item.high_watermark);
    if (job)
      co_await owner.node().machine().disk_pool.run(owner.shard(),
                                                    [look_up = *std::move(job)]() mutable { look_up.run(); });
    read(item, bytes_max, at_least_one_batch, tries < kTries ? log::Wait::no : log::Wait::yes);
  }
}

using AbortedTransactions = std::vector<wire::FetchResponse::AbortedTransaction>;

/// There are no transactions. As in Kafka that is an empty list for who asked for committed records, and null for who
/// did not or got nothing; a partition that does not exist always has the list.
std::optional<AbortedTransactions> aborted_transactions(const FetchItem& item, bool read_committed) {
  const bool exists = item.owner != nullptr;
  const bool was_read = item.error == ErrorCode::kNone && item.diverging.epoch < 0;
  if (exists && !(read_committed && was_read)) return std::nullopt;
  return AbortedTransactions{};
}

/// A fetch in progress, on the shard of its connection.
class FetchOp : public std::enable_shared_from_this<FetchOp> {
 public:
  FetchOp(Call call, wire::FetchRequest request) : call_(std::move(call)), request_(std::move(request)) {}

  void start();

 private:
  void resolve(FetchSession::Turn turn);
  /// Reads everything without waiting; false when some partition is on another shard or not yet checked.
  bool read_here();
  awaitable<void> serve_waiting();
  awaitable<void> read_everywhere();
  static awaitable<bool> read_part(std::vector<FetchItem*> items, std::size_t bytes_max);
  [[nodiscard]] bool is_enough() const;
  void watch_all();
  void unwatch_all();
  void woken();
  void answer();
  /// The bytes of its range; when they cannot be read the item gets the error instead.
  std::string copy_of(FetchItem& item);
  void answer_error(ErrorCode error, std::int32_t session_id);
  void refuse_size();
  [[nodiscard]] std::vector<ShardBroker*> owners() const;
  [[nodiscard]] std::size_t bytes_max() const {
    return static_cast<std::size_t>(std::clamp(request_.max_bytes, 0, call_.broker().node().config().fetch_bytes_max));
  }

  struct Watches {
    ShardBroker* owner = nullptr;
    std::vector<std::pair<std::weak_ptr<Partition>, Partition::Watch>> watches;
  };

  Call call_;
  wire::FetchRequest request_;
  std::shared_ptr<const cluster::ClusterImage> image_;
  std::int32_t session_id_ = 0;
  bool incremental_ = false;
  std::vector<FetchItem> items_;
  std::vector<std::shared_ptr<Watches>> watches_;
  std::unique_ptr<env::Timer> timer_;
  bool news_ = false;
};

void FetchOp::start() {
  ShardBroker& home = call_.broker();
  if (request_.replica_id >= 0 || request_.replica_state.replica_id >= 0)
    // Only a broker may fetch as a replica, and this node has no followers (CVE-2018-1288: a client must not move the
    // ISR).
    return answer_error(ErrorCode::kClusterAuthorizationFailed, 0);
  if (names_too_many(home, named_in(request_))) return refuse_size();
  auto turn = call_.connection().fetch_session().take_turn(request_, call_.version(), home.new_session_id());
  if (turn.error != ErrorCode::kNone) return answer_error(turn.error, turn.session_id);
  resolve(std::move(turn));
  if (const auto where = owners(); where.size() == 1) call_.connection().touched(*where.front());
  if (read_here() && (is_enough() || request_.max_wait_ms <= 0)) return answer();
  home.tasks().spawn(
      [](std::shared_ptr<FetchOp> self) -> awaitable<void> { co_await self->serve_waiting(); }(shared_from_this()));
}

void FetchOp::resolve(FetchSession::Turn turn) {
  ShardBroker& home = call_.broker();
  image_ = home.image();
  session_id_ = turn.session_id;
  incremental_ = turn.incremental;
  const bool by_id = call_.version() >= kFetchTopicIdsSince;
  items_.reserve(turn.partitions.size());
  for (FetchedPartition& wanted : turn.partitions) {
    FetchItem& item = items_.emplace_back();
    item.topic = by_id ? image_->find_topic(wanted.topic_id) : image_->find_topic(std::string_view(wanted.topic));
    item.wanted = std::move(wanted);
    if (item.topic == nullptr) {
      item.error = by_id ? ErrorCode::kUnknownTopicId : ErrorCode::kUnknownTopicOrPartition;
    } else if (item.wanted.partition < 0 || item.wanted.partition >= item.topic->partition_count()) {
      item.error = ErrorCode::kUnknownTopicOrPartition;
    } else {
      item.owner = &home.node().owner_of(item.topic->id, item.wanted.partition);
    }
  }
}

std::vector<ShardBroker*> FetchOp::owners() const {
  std::vector<ShardBroker*> owners;
  for (const FetchItem& item : items_)
    if (item.owner != nullptr && std::ranges::find(owners, item.owner) == owners.end()) owners.push_back(item.owner);
  return owners;
}

bool FetchOp::read_here() {
  std::size_t left = bytes_max();
  bool first = true;
  for (FetchItem& item : items_) {
    if (item.owner == nullptr) continue;
    if (item.owner != &call_.broker()) return false;
    read(item, left, first);
    if (item.is_cold || item.is_far) return false;
    left -= std::min(left, item.range.size);
    first = first && item.range.size == 0;
  }
  return true;
}

awaitable<void> FetchOp::serve_waiting() {
  ShardBroker& home = call_.broker();
  const Instant deadline =
      call_.request().arrived + std::clamp<Duration>(std::chrono::milliseconds(request_.max_wait_ms), 0s, kWaitMax);
  timer_ = home.shard().make_timer();
  // All of it is in `items_`, and waits as long as the client likes.
  request_.topics = {};
  request_.forgotten_topics_data = {};
  call_.responder().hold(items_.capacity() * sizeof(FetchItem));
  co_await read_everywhere();
  if (!is_enough() && home.shard().now() < deadline) {
    home.parked_fetches().push_back(timer_.get());
    call_.connection().add_wait(*timer_);
    watch_all();
    while (!is_enough() && !call_.connection().is_closing() && !home.node().is_stopping()) {
      if (!std::exchange(news_, false)) {
        auto waited = co_await timer_->wait_until(deadline);
        if (waited) break;  // the client's patience ended
      }
      co_await read_everywhere();
    }
    unwatch_all();
    call_.connection().remove_wait(*timer_);
    std::erase(home.parked_fetches(), timer_.get());
  }
  answer();
}

awaitable<void> FetchOp::read_everywhere() {
  if (read_here()) co_return;
  ShardBroker& home = call_.broker();
  for (ShardBroker* owner : owners()) {
    std::vector<FetchItem*> items;
    for (FetchItem& item : items_)
      if (item.owner == owner) items.push_back(&item);
    co_await await_on(home, *owner,
                      [items = std::move(items), bytes = bytes_max()] { return read_part(items, bytes); });
  }
  // Each shard was given the whole limit; what is too much goes out with the next fetch.
  std::size_t left = bytes_max();
  bool first = true;
  for (FetchItem& item : items_) {
    if (item.range.size > left && !first) item.range = {.has_more = true};
    left -= std::min(left, item.range.size);
    first = first && item.range.size == 0;
  }
}

awaitable<bool> FetchOp::read_part(std::vector<FetchItem*> items, std::size_t bytes_max) {
  std::size_t left = bytes_max;
  bool first = true;
  for (FetchItem* item : items) {
    read(*item, left, first);
    if (item->is_far) co_await find_far(*item, left, first);
    if (item->is_cold) {
      ShardBroker& owner = *item->owner;
      // Nothing leaves before this process has seen its CRC; the read also warms the pages for sendfile.
      auto range = item->range;
      owner.metrics().fetch_cold_reads.add();
      const log::VerifyOutcome checked =
          co_await owner.node().machine().disk_pool.run(owner.shard(), [range] { return log::verify(range); });
      item->range.has_more = range.has_more || checked.good_bytes < range.size;
      item->range.size = checked.good_bytes;
      if (Partition* partition = owner.find(item->topic->id, item->wanted.partition)) {
        partition->log().note_verified(range, checked);
        if (checked.good_bytes == 0)
          item->error = checked.damage ? to_wire(*checked.damage) : ErrorCode::kCorruptMessage;
        if (checked.damage) partition->tell_damage(*checked.damage);
      } else {
        item->error = ErrorCode::kNotLeaderOrFollower;
      }
      if (item->error != ErrorCode::kNone) item->range = {};
    }
    left -= std::min(left, item->range.size);
    first = first && item->range.size == 0;
  }
  co_return true;
}

bool FetchOp::is_enough() const {
  std::size_t bytes = 0;
  bool reads_any = false;
  for (const FetchItem& item : items_) {
    if (item.owner == nullptr) continue;  // what is not there is told with the rest, so that nobody asks all the time
    reads_any = true;
    if (item.error != ErrorCode::kNone || item.diverging.epoch >= 0) return true;
    // Waiting brings no more of it: the answer is full, or its segment ends, and the next fetch gets the rest.
    if (item.range.has_more) return true;
    bytes += item.range.size;
  }
  const std::size_t wanted = std::min(static_cast<std::size_t>(std::max(request_.min_bytes, 0)), bytes_max());
  return !reads_any || bytes >= wanted;
}

void FetchOp::watch_all() {
  for (ShardBroker* owner : owners()) {
    auto watches = watches_.emplace_back(std::make_shared<Watches>());
    watches->owner = owner;
    struct Place {
      Uuid topic;
      std::int32_t partition;
      Offset seen;
    };
    std::vector<Place> places;
    for (const FetchItem& item : items_)
      if (item.owner == owner) places.push_back({item.topic->id, item.wanted.partition, item.high_watermark});
    auto wake = [weak = weak_from_this(), owner, home = &call_.broker()] {
      if (owner == home) {
        if (auto self = weak.lock()) self->woken();
      } else {
        home->shard().post([weak] {
          if (auto self = weak.lock()) self->woken();
        });
      }
    };
    auto begin = [watches, owner, places = std::move(places), wake] {
      for (const Place& place : places) {
        Partition* partition = owner->find(place.topic, place.partition);
        // It grew, or went away, between the read and now.
        if (partition == nullptr || partition->high_watermark() > place.seen) wake();
        if (partition != nullptr) watches->watches.emplace_back(partition->weak_from_this(), partition->watch(wake));
      }
    };
    owner == &call_.broker() ? begin() : owner->shard().post(std::move(begin));
  }
}

void FetchOp::unwatch_all() {
  for (const auto& watches : std::exchange(watches_, {})) {
    auto end = [watches] {
      for (auto& [partition, watch] : watches->watches)
        if (auto alive = partition.lock()) alive->unwatch(watch);
    };
    watches->owner == &call_.broker() ? end() : watches->owner->shard().post(std::move(end));
  }
}

void FetchOp::woken() {
  news_ = true;
  timer_->cancel();
}

void FetchOp::answer_error(ErrorCode error, std::int32_t session_id) {
  wire::FetchResponse response;
  response.error_code = error;
  response.session_id = session_id;
  call_.answer(response);
}

void FetchOp::refuse_size() {
  constexpr ApiVersion kErrorAtTopSince = 7;
  if (call_.version() >= kErrorAtTopSince) return answer_error(ErrorCode::kInvalidRequest, 0);
  call_.responder().close("a fetch of more partitions than one request may name");
}

std::string FetchOp::copy_of(FetchItem& item) {
  std::string copy;
  Result<void> read;
  // The callback is given the capacity, not the size that was asked for.
  copy.resize_and_overwrite(item.range.size, [&](char* to, std::size_t) {
    read = log::read_bytes(item.range, to);
    return read ? item.range.size : 0;
  });
  if (read) return copy;
  item.error = to_wire(read.error());
  item.range = {};
  call_.broker().node().disk_health().read_failed(read.error());
  call_.broker().peer_log().error("{}-{} cannot be read from the disk: {}", item.topic->name, item.wanted.partition,
                                  read.error().message);
  return {};
}

void FetchOp::answer() {
  FetchSession& session = call_.connection().fetch_session();
  wire::FetchResponse response;
  response.session_id = session_id_;
  std::vector<const FetchItem*> with_file;
  std::vector<std::string> copies;
  copies.reserve(items_.size());  // the response keeps views of them
  std::size_t copied = 0;
  for (FetchItem& item : items_) {
    const FetchedPartition& wanted = item.wanted;
    std::string copy;
    if (item.range.size > 0 && is_small(item.range) && copied + item.range.size <= kCopiedBytesMax) {
      copy = copy_of(item);
      copied += copy.size();
    }
    // Who is refused is told nothing else, so that a session tells it all when the error has gone.
    if (item.error != ErrorCode::kNone) item.high_watermark = item.last_stable = item.log_start = Offset{-1};
    const bool has_records = item.range.size > 0;
    const bool is_news = wanted.is_new || has_records || item.error != ErrorCode::kNone || item.diverging.epoch >= 0 ||
                         item.high_watermark.value() != wanted.told_high_watermark ||
                         item.log_start.value() != wanted.told_log_start;
    if (incremental_ && !is_news) continue;
    if (session_id_ != 0 && session.id() == session_id_)
      session.told(wanted, item.high_watermark.value(), item.log_start.value(), has_records);
    if (response.responses.empty() || response.responses.back().topic_id != wanted.topic_id ||
        response.responses.back().topic != wanted.topic) {
      auto& topic = response.responses.emplace_back();
      topic.topic_id = wanted.topic_id;
      topic.topic = wanted.topic;
    }
    auto& partition = response.responses.back().partitions.emplace_back();
    partition.partition_index = wanted.partition;
    partition.error_code = item.error;
    partition.high_watermark = item.high_watermark.value();
    partition.last_stable_offset = item.last_stable.value();
    partition.log_start_offset = item.log_start.value();
    partition.diverging_epoch = item.diverging;
    partition.aborted_transactions = aborted_transactions(item, request_.isolation_level == kReadCommitted);
    if (item.error == ErrorCode::kFencedLeaderEpoch || item.error == ErrorCode::kNotLeaderOrFollower) {
      partition.current_leader.leader_id = call_.broker().node().id().value();
      partition.current_leader.leader_epoch = item.leader_epoch.value();
    }
    if (!has_records) continue;
    call_.broker().metrics().fetched_bytes.add(item.range.size);
    if (copy.size() == item.range.size) {
      partition.records = wire::Records::of(copies.emplace_back(std::move(copy)));
    } else {
      partition.records = wire::Records::external(item.range.size);
      with_file.push_back(&item);
    }
  }
  std::vector<ErrorCode> errors;
  auto [head, gaps] = wire::encode_response_with_gaps(call_.request().header, response, &errors);
  call_.count_errors(ApiKey::kFetch, errors);
  Answer answer;
  std::size_t from = 0;
  for (std::size_t i = 0; i < gaps.size(); ++i) {
    std::string piece = head.substr(from, gaps[i].position - from);
    from = gaps[i].position;
    (answer.files.empty() ? answer.head : answer.files.back().after) = std::move(piece);
    answer.files.push_back({.file = with_file[i]->range.file,
                            .position = with_file[i]->range.position,
                            .size = with_file[i]->range.size,
                            .after = {}});
  }
  if (answer.files.empty()) {
    answer.head = std::move(head);
  } else {
    answer.files.back().after = head.substr(from);
  }
  call_.responder().send(std::move(answer));
}

}  // namespace

void fetch(Call call, wire::FetchRequest request) {
  std::make_shared<FetchOp>(std::move(call), std::move(request))->start();
}

}  // namespace mq::broker
