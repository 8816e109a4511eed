// A fetch that waits:
//
// 1. All items are read here and now where that needs no waiting; most fetches end here.
// 2. Else the items of each shard are read on it, the shards at the same time, each with the whole room of the answer.
//    What is too much in the end is left out, and goes out with the next fetch.
// 3. Is that not enough, every partition is watched. One whose high watermark grew, or that went away, wakes its item,
//    and only what was woken is read again. A watch begins after the read, on the partition's shard, so it looks first
//    whether the high watermark has grown since.
// 4. Where more files would have to be opened than may be, an answer has only part of what there is; one without any
//    record looks again in a while. That is no error.
// 5. Enough, the deadline, a connection that closes or a broker that stops: the answer.

#include "broker/api/fetch_op.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/buggify.h"
#include "base/mark.h"
#include "broker/services.h"
#include "env/event.h"

namespace mq::broker {
namespace {

/// How long those wait for whom no file could be opened, before another is tried.
constexpr Duration kFilesPause = 10ms;

}  // namespace

void FetchOp::start() {
  ShardServices& home = call_.home();
  if (ShardServices* owner = only_owner()) call_.connection().touched(owner->connections());
  if (read_here() && (is_enough() || home.shard().now() >= limits_.deadline)) return done_(call_, items_);
  home.tasks().spawn(
      [](std::shared_ptr<FetchOp> self) -> awaitable<void> { co_await self->serve_waiting(); }(shared_from_this()));
}

void FetchOp::end() {
  is_ended_ = true;
  if (timer_) timer_->cancel();
}

ShardServices* FetchOp::only_owner() const {
  ShardServices* only = nullptr;
  for (const FetchItem& item : items_) {
    if (item.owner == nullptr || item.owner == only) continue;
    if (only != nullptr) return nullptr;
    only = item.owner;
  }
  return only;
}

bool FetchOp::read_here() {
  for (FetchItem& item : items_)
    if (item.is_woken) item.clear();
  FetchRoom room = room_left();
  for (FetchItem& item : items_) {
    if (!item.is_woken || item.owner == nullptr) continue;
    if (MQ_BUGGIFY("broker: a fetch takes the long way")) return false;
    if (item.owner != &call_.home() || !read_item_now(item, room)) return false;
    room.take(item);
  }
  for (FetchItem& item : items_) item.is_woken = false;
  check_invariants();
  return true;
}

awaitable<void> FetchOp::serve_waiting() {
  ShardServices& home = call_.home();
  timer_ = home.shard().make_timer();
  call_.responder().hold(items_.capacity() * sizeof(FetchItem));
  co_await read_woken();
  if (!is_over() && home.shard().now() < limits_.deadline) {
    home.parked_fetches().push_back(timer_.get());
    call_.connection().add_wait(*timer_);
    watch_all();
    while (!is_over()) {
      const Instant pause_end = lacks_files() ? home.shard().now() + kFilesPause : limits_.deadline;
      const Instant until = std::min(pause_end, limits_.deadline);
      const bool is_late = !std::exchange(has_news_, false) && co_await timer_->wait_until(until);
      const bool is_over_time = is_late && until == limits_.deadline;
      if (is_over_time) MQ_MARK("broker: a fetch finds nothing new in its time");
      if (is_over_time) break;
      if (is_late) wake_lacking();
      co_await read_woken();
    }
    unwatch_all();
    call_.connection().remove_wait(*timer_);
    std::erase(home.parked_fetches(), timer_.get());
  }
  done_(call_, items_);
}

bool FetchOp::is_over() const {
  return is_enough() || is_ended_ || call_.connection().is_closing() ||
         call_.home().node().context().life.is_stopping();
}

// --- Reading --------------------------------------------------------------------------------------------------------

awaitable<void> FetchOp::read_woken() {
  if (read_here()) {
    hold_copies();
    co_return;
  }
  std::vector<OwnersPart> parts = parts_of(items_, [](const FetchItem& item) { return item.is_woken; });
  for (const OwnersPart& part : parts)
    for (const std::size_t index : part.items) {
      items_[index].is_woken = false;
      items_[index].clear();
    }
  co_await on_owners(call_.home(), std::move(parts),
                     [this, room = room_left()](const OwnersPart& part) { return read_part(part, room); });
  cut_to_limit();
  hold_copies();
  check_invariants();
}

awaitable<void> FetchOp::read_part(const OwnersPart& part, FetchRoom room) {
  for (const std::size_t index : part.items) {
    FetchItem& item = items_[index];
    if (!read_item_now(item, room)) co_await read_item(item, room);
    room.take(item);
  }
}

FetchRoom FetchOp::room_left() const {
  FetchRoom room{.bytes = limits_.bytes_max};
  for (const FetchItem& item : items_) room.take(item);
  return room;
}

void FetchOp::cut_to_limit() {
  FetchRoom room{.bytes = limits_.bytes_max};
  for (FetchItem& item : items_) {
    if (item.range.size > room.bytes && !room.is_untouched) {
      MQ_MARK("broker: a fetch of several shards found too much");
      item.clear();
      item.range.has_more = true;
    }
    room.take(item);
  }
}

bool FetchOp::is_enough() const {
  std::size_t bytes = 0;
  bool reads_any = false;
  for (const FetchItem& item : items_) {
    if (item.owner == nullptr) continue;  // what is not there is told with the rest, so that nobody asks all the time
    reads_any = true;
    if (item.error != ErrorCode::kNone || item.diverges() || item.is_sent_elsewhere()) return true;
    if (item.has_news_for_replica()) return true;
    // Waiting brings no more of it: the answer is full, or its segment ends, and the next fetch gets the rest.
    if (item.range.has_more) return true;
    bytes += item.range.size;
  }
  // What there is goes out at once, and its files are closed: others wait for them.
  if (bytes > 0 && lacks_files()) return true;
  return !reads_any || bytes >= std::min(limits_.bytes_min, limits_.bytes_max);
}

bool FetchOp::lacks_files() const { return std::ranges::any_of(items_, &FetchItem::lacks_file); }

void FetchOp::wake_lacking() {
  for (FetchItem& item : items_) item.is_woken = item.is_woken || item.lacks_file;
}

void FetchOp::hold_copies() {
  std::size_t bytes = 0;
  for (const FetchItem& item : items_) bytes += item.copy.capacity();
  if (bytes <= copied_bytes_) return;
  call_.responder().hold(bytes - std::exchange(copied_bytes_, bytes));
}

// --- Waiting --------------------------------------------------------------------------------------------------------

void FetchOp::watch_all() {
  for (const OwnersPart& part : parts_of(items_, [](const FetchItem&) { return true; })) {
    ShardServices* const owner = part.owner;
    auto watches = watches_.emplace_back(std::make_shared<Watches>());
    watches->owner = owner;
    struct Place {
      std::size_t index;
      Uuid topic;
      std::int32_t partition;
      Partition::Watching who;
      Offset seen_committed;
      Offset seen_end;
      Offset seen_start;
    };
    std::vector<Place> places;
    for (const std::size_t index : part.items) {
      const FetchItem& item = items_[index];
      const auto who = item.replica.is_there() ? Partition::Watching::replica : Partition::Watching::reader;
      places.push_back(
          {index, item.topic->id, item.wanted.partition, who, item.high_watermark, item.end, item.start_wanted});
    }
    auto wake = [weak = weak_from_this(), owner, home = &call_.home()](std::size_t index) {
      if (owner == home) {
        if (auto self = weak.lock()) self->woken(index);
      } else {
        home->shard().post([weak, index] {
          if (auto self = weak.lock()) self->woken(index);
        });
      }
    };
    auto begin = [watches, owner, places = std::move(places), wake] {
      for (const Place& place : places) {
        Partition* partition = owner->find(place.topic, place.partition);
        // It grew, or went away, between the read and now.
        const bool is_for_copy = place.who == Partition::Watching::replica;
        if (partition == nullptr || partition->high_watermark() > place.seen_committed ||
            (is_for_copy && (partition->log().written_end() > place.seen_end ||
                             partition->replica().start_wanted() > place.seen_start)))
          wake(place.index);
        if (partition != nullptr)
          watches->watches.emplace_back(partition->weak_from_this(),
                                        partition->watch(place.who, [wake, index = place.index] { wake(index); }));
      }
    };
    owner == &call_.home() ? begin() : owner->shard().post(std::move(begin));
  }
}

void FetchOp::unwatch_all() {
  for (const auto& watches : std::exchange(watches_, {})) {
    auto end = [watches] {
      for (auto& [partition, watch] : watches->watches)
        if (auto alive = partition.lock()) alive->unwatch(watch);
    };
    watches->owner == &call_.home() ? end() : watches->owner->shard().post(std::move(end));
  }
}

void FetchOp::woken(std::size_t index) {
  items_[index].is_woken = true;
  MQ_MARK("broker: a waiting fetch is woken");
  has_news_ = true;
  timer_->cancel();
}

void FetchOp::check_invariants() const {
  std::size_t bytes = 0;
  std::size_t with_records = 0;
  for (const FetchItem& item : items_) {
    bytes += item.range.size;
    with_records += item.range.size > 0 ? 1 : 0;
    MQ_ASSERT(item.range.size == 0 || item.owner != nullptr);
    MQ_ASSERT(item.range.size == 0 || item.error == ErrorCode::kNone);
    MQ_ASSERT(item.range.size == 0 || !item.diverges());
    MQ_ASSERT(item.range.size == 0 || !item.is_sent_elsewhere());
    MQ_ASSERT(item.range.size == 0 || !item.lacks_file);
    MQ_ASSERT(item.copy.empty() || item.copy.size() == item.range.size);
  }
  MQ_ASSERT(bytes <= limits_.bytes_max || with_records == 1);
}

}  // namespace mq::broker
