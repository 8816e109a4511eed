#include "broker/offset_waiters.h"

#include <algorithm>
#include <utility>

#include "base/mark.h"

namespace mq::broker {

void OffsetWaiters::add(For what, Offset end, Done done) {
  List& list = lists_[static_cast<std::size_t>(what)];
  // Nearly always the newest: only a duplicate's original lies further back.
  const auto place = std::ranges::upper_bound(list, end, {}, &Waiter::end);
  if (place != list.end()) MQ_MARK("broker: somebody waits for an end that others have waited for");
  list.insert(place, Waiter{end, shard_.now(), std::move(done)});
}

void OffsetWaiters::wake(For what, Offset reached, metrics::BucketHistogram* waits) {
  List& list = lists_[static_cast<std::size_t>(what)];
  const Instant now = waits != nullptr && !list.empty() ? shard_.now() : Instant{};
  while (!list.empty() && list.front().end <= reached) {
    if (waits != nullptr) waits->record(now - list.front().since);
    Done done = std::exchange(list.front().done, nullptr);
    list.pop_front();
    done(ErrorCode::kNone);
  }
}

void OffsetWaiters::wake_watches() {
  for (auto& woken : watches_) woken();
}

void OffsetWaiters::fail(ErrorCode error) {
  for (List& list : lists_)
    for (Waiter& waiter : std::exchange(list, {})) waiter.done(error);
  wake_watches();
}

void OffsetWaiters::drop() {
  for (List& list : lists_) list.clear();
  watches_.clear();
}

}  // namespace mq::broker
