#include "broker/offset_waiters.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/mark.h"

namespace mq::broker {

void OffsetWaiters::add(For what, Offset end, Done done, Instant deadline) {
  List& list = lists_[static_cast<std::size_t>(what)];
  // Nearly always the newest: only a duplicate's original lies further back.
  const auto place = std::ranges::upper_bound(list, end, {}, &Waiter::end);
  if (place != list.end()) MQ_MARK("broker: somebody waits for an end that others have waited for");
  list.insert(place, Waiter{end, shard_.now(), deadline, std::move(done)});
}

void OffsetWaiters::wake(For what, Offset reached, metrics::BucketHistogram* waits) {
  List& list = lists_[static_cast<std::size_t>(what)];
  const auto end = std::ranges::upper_bound(list, reached, {}, &Waiter::end);
  if (end == list.begin()) return;
  List woken(std::make_move_iterator(list.begin()), std::make_move_iterator(end));
  list.erase(list.begin(), end);
  const Instant now = waits != nullptr ? shard_.now() : Instant{};
  for (Waiter& waiter : woken) {
    if (waits != nullptr) waits->record(now - waiter.since);
    waiter.done(ErrorCode::kNone);
  }
}

void OffsetWaiters::wake_watches(Watching who) {
  for (auto& woken : watches_of(who)) woken();
}

void OffsetWaiters::fail(ErrorCode error) {
  for (List& list : lists_)
    for (Waiter& waiter : std::exchange(list, {})) waiter.done(error);
  wake_watches(Watching::reader);
  wake_watches(Watching::replica);
}

void OffsetWaiters::expire(Instant now, ErrorCode error) {
  const auto is_over = [now](const Waiter& waiter) { return waiter.deadline <= now; };
  for (List& list : lists_) {
    if (std::ranges::none_of(list, is_over)) continue;
    List told;
    for (Waiter& waiter : std::exchange(list, {})) (is_over(waiter) ? told : list).push_back(std::move(waiter));
    for (Waiter& waiter : told) waiter.done(error);
  }
}

void OffsetWaiters::fail_above(Offset end, ErrorCode error) {
  for (List& list : lists_) {
    const auto first = std::ranges::upper_bound(list, end, {}, &Waiter::end);
    List told(std::make_move_iterator(first), std::make_move_iterator(list.end()));
    list.erase(first, list.end());
    for (Waiter& waiter : told) waiter.done(error);
  }
}

void OffsetWaiters::drop() {
  for (List& list : lists_) list.clear();
  for (auto& watches : watches_) watches.clear();
}

}  // namespace mq::broker
