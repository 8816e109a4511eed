#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <list>
#include <vector>

#include "base/time.h"
#include "env/shard.h"
#include "metrics/bucket_histogram.h"
#include "model/error_code.h"
#include "model/ids.h"

namespace mq::broker {

/// Who waits for the log of one partition to come further. Callbacks run in the order of their offsets, of one offset
/// in the order in which they came; they must not touch the waiters of this partition. One thread.
class OffsetWaiters {
 public:
  /// What has to reach the offset that is waited for.
  enum class For : std::uint8_t { written, readable, synced, begun };
  using Done = std::move_only_function<void(ErrorCode)>;

  /// `shard` tells the time.
  explicit OffsetWaiters(const env::Shard& shard) : shard_(shard) {}

  void add(For what, Offset end, Done done, Instant deadline = Instant::never());
  /// Those whose offset `what` has reached are told kNone and go. How long they waited goes to `waits`, if any.
  void wake(For what, Offset reached, metrics::BucketHistogram* waits = nullptr);
  [[nodiscard]] bool any(For what) const { return !lists_[static_cast<std::size_t>(what)].empty(); }

  /// Whom the growth of the log concerns.
  enum class Watching : std::uint8_t {
    reader,   ///< a consumer: more may be read
    replica,  ///< a follower: the log has more, or more of it is committed
  };
  struct Watch {
    Watching who;
    std::list<std::move_only_function<void()>>::iterator place;
  };
  /// Calls `woken` with every `wake_watches` for `who` until `unwatch`.
  [[nodiscard]] Watch watch(Watching who, std::move_only_function<void()> woken) {
    auto& watches = watches_of(who);
    return {.who = who, .place = watches.insert(watches.end(), std::move(woken))};
  }
  void unwatch(Watch watch) { watches_of(watch.who).erase(watch.place); }
  void wake_watches(Watching who);
  [[nodiscard]] bool any_watch(Watching who) const { return !watches_[static_cast<std::size_t>(who)].empty(); }

  /// All are told `error` and go; who watches is called and stays.
  void fail(ErrorCode error);
  /// The same for those who do not want to wait any longer.
  void expire(Instant now, ErrorCode error);
  /// The same for those who wait for what lies above `end`.
  void fail_above(Offset end, ErrorCode error);
  /// All are destroyed and told nothing.
  void drop();

 private:
  struct Waiter {
    Offset end;
    Instant since;
    Instant deadline;
    Done done;
  };
  using List = std::vector<Waiter>;  ///< by `end`; takes no memory where nobody waits, as in most of many partitions

  std::list<std::move_only_function<void()>>& watches_of(Watching who) {
    return watches_[static_cast<std::size_t>(who)];
  }

  const env::Shard& shard_;
  std::array<List, 4> lists_;
  std::array<std::list<std::move_only_function<void()>>, 2> watches_;
};

}  // namespace mq::broker
