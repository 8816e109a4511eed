#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "model/ids.h"

namespace mq::replication {

/// Where each member of the ISR must have a record before acks=all counts it there (the topic's `mq.flush`).
enum class FlushClass : std::uint8_t {
  async,  ///< in the page cache
  ack,    ///< on the disk
};

/// How far a log has come: synced <= written <= log_end.
struct Ends {
  Offset synced{0};   ///< everything below is on disk
  Offset written{0};  ///< everything below is in the page cache at least
  Offset log_end{0};  ///< everything below has its offset
};

/// Who waits for the log to come further, as far as it decides when to sync.
struct Awaited {
  bool synced = false;    ///< somebody waits for the disk, whatever the topic's class
  bool readable = false;  ///< somebody waits for the high watermark: an acks=all answer or a parked fetch
};

/// What the owner does about the log's unsynced bytes.
enum class Sync : std::uint8_t {
  none,
  now,      ///< begins a sync
  soon,     ///< calls `sync_is_due` within the lazy round
  by_time,  ///< nobody counts on the disk: when flush.ms has passed, if it is set
};

struct Effects {
  Sync sync = Sync::none;
  bool readers = false;  ///< the high watermark grew: wakes who waits for it
};

/// The leader's replica of a partition: how far its log has come, who else in the ISR has how much of it, and what
/// follows from that: the high watermark, and when the log is synced.
///
/// Pure: no log, no clock, no waiters. Its owner tells it each event in the order in which they happen, with the log's
/// ends of that moment, and carries out the effects that come back before the next one. One thread.
///
/// One sync runs at a time; what comes meanwhile is gathered for the next one (group commit):
///
///     written, and somebody waits        -> now
///     written, and nobody waits (ack)    -> soon; who comes to wait meanwhile makes it now
///     a sync ended, more came meanwhile  -> now
///
/// The high watermark never goes back, also where the flush class changes, and moves no further than what every member
/// has acknowledged (H-1), on a `flush=ack` topic what it has on its disk (H-7).
class Replica {
 public:
  Replica(const Ends& ends, FlushClass flush_class);

  [[nodiscard]] const Ends& ends() const { return ends_; }
  [[nodiscard]] FlushClass flush_class() const { return flush_class_; }
  /// The end of what consumers may read.
  [[nodiscard]] Offset high_watermark() const { return high_watermark_; }
  [[nodiscard]] bool is_syncing() const { return is_syncing_; }

  // --- The log ------------------------------------------------------------------------------------------------------

  /// The page cache has more than before. `unsynced`, here and below: the log has something to sync.
  Effects written(const Ends& ends, bool unsynced, Awaited awaited);
  /// Somebody began to wait for what is not there yet, or the time of a `by_time` has come.
  Effects sync_is_wanted(bool unsynced);
  /// The time of a `soon` has come. Somebody who waited may have had it synced already.
  Effects sync_is_due(bool unsynced) { return is_sync_due_ ? sync_is_wanted(unsynced) : Effects{}; }
  /// The sync that `now` asked for runs.
  void sync_began();
  /// The disk has more than before, by whichever sync.
  Effects synced(const Ends& ends);
  /// The one that `sync_began` told of ended well. Its owner wakes who waited for that, and then asks `sync_goes_on`.
  Effects sync_ended(const Ends& ends);
  Effects sync_goes_on(bool unsynced, Awaited awaited);
  /// It could not run, but nothing is lost: again with the next lazy round.
  Effects sync_refused();
  /// It failed. That is final: the log takes nothing any more.
  void sync_failed();
  /// The topic's class, from the next record on.
  Effects flush_class_changed(FlushClass to, bool unsynced);

  // --- The ISR ------------------------------------------------------------------------------------------------------

  /// The other members from now on. Who stays keeps what is known of it; who comes has nothing acknowledged until it
  /// fetches, and holds the high watermark where it is.
  Effects isr_changed(std::span<const BrokerId> others);
  /// A follower's fetch says that it has everything below `log_end`, and below `synced` on its disk. What it said
  /// before stays true when an older fetch comes late.
  Effects fetched_by(BrokerId follower, Offset log_end, Offset synced);

 private:
  struct Member {
    BrokerId id;
    Offset log_end{0};
    Offset synced{0};
  };
  [[nodiscard]] Offset acknowledged_by_all() const;
  void come_to(const Ends& ends);
  /// True when the high watermark grew.
  bool advance();
  /// Asserts what must hold after every event.
  void check_invariants() const;

  Ends ends_;
  FlushClass flush_class_;
  Offset high_watermark_{0};
  std::vector<Member> others_;
  bool is_syncing_ = false;
  bool is_sync_due_ = false;  ///< a later sync was promised: by `soon`, or after the one that runs
};

}  // namespace mq::replication
