#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "cluster/image.h"
#include "model/error_code.h"
#include "model/flush_class.h"
#include "model/ids.h"

namespace mq::replication {

using mq::FlushClass;

/// How far a log has come: log_start <= synced <= written <= log_end.
struct Ends {
  Offset log_start{0};
  Offset synced{0};                         ///< everything below is on disk
  Offset written{0};                        ///< everything below is in the page cache at least
  Offset log_end{0};                        ///< everything below has its offset
  LeaderEpoch last_epoch = kNoLeaderEpoch;  ///< of the last record; of a member of a cluster only
};

/// Who waits for the log to come further, as far as it decides when to sync.
struct Awaited {
  bool synced = false;    ///< somebody waits for the disk, whatever the topic's class
  bool readable = false;  ///< somebody waits for the high watermark: an acks=all answer or a parked fetch
};

enum class Role : std::uint8_t {
  none,      ///< nothing is known of the partition yet, or nobody leads it
  leader,    ///< takes records, and says what is committed
  follower,  ///< copies the leader's log
};

/// What the owner does about the log's unsynced bytes.
enum class Sync : std::uint8_t {
  none,
  now,      ///< begins a sync
  soon,     ///< calls `sync_is_due` within the lazy round
  by_time,  ///< nobody counts on the disk: when flush.ms has passed, if it is set
};

/// What the owner does before it tells the next event.
struct Effects {
  Sync sync = Sync::none;
  bool readers = false;    ///< the high watermark grew: wakes who waits for it
  bool followers = false;  ///< the log has more, or more of it is committed: wakes the followers' parked fetches
  bool propose = false;    ///< puts `proposal()` in the partition's key; the image or `proposal_ended` follows
  bool save_class =
      false;  ///< writes `slot_class()` to the log's slot and tells `class_saved`, of `async` once durable
  bool raise_epoch =
      false;  ///< we are named, in an epoch that our log has already: raises it above (`plan_raised_epochs`)
  bool role_changed = false;         ///< who waits for what the former role promised is told that it is over
  std::optional<Offset> truncate;    ///< cuts the log there, and tells `truncated`
  std::optional<Offset> restart_at;  ///< empties the log, begins it anew there, and tells `truncated`
  std::optional<Offset> start;       ///< moves the log's start there, and tells `log_start_moved`
  bool start_is_known = false;       ///< then wakes who waits for `committed_start`
};

/// What the settings of broker and topic say.
struct Settings {
  FlushClass flush_class = FlushClass::ack;
  std::size_t insync_replicas_min = 1;
  Duration lag_max = Duration::max();  ///< replica.lag.time.max.ms
};

/// A fetch of a follower, as far as it says something of its log.
struct FollowerFetch {
  BrokerId from;
  cluster::BrokerEpoch broker_epoch{};  ///< of its registration (KIP-903)
  Offset log_end{0};                    ///< where it fetches: it has everything below
  Offset synced{0};                     ///< it has everything below on its disk
  Offset log_start{0};                  ///< its log begins there, durably
};

/// An answer of the leader to our fetch, as far as it says something of the log.
struct LeaderAnswer {
  Offset high_watermark{0};
  Offset log_start{0};     ///< all that may lead begin here or behind
  Offset start_wanted{0};  ///< here they are to begin: it has nothing below, or will have nothing soon
  /// The leader's log is another one from here on: `cut_at` of what it answered (`divergence`).
  std::optional<Offset> diverges_at;
};

/// One broker's replica of a partition: its role, how far its log has come, and, where it leads, who in the ISR has how
/// much of it. What follows from that: the high watermark, who may append, when the log is synced, who should be in the
/// ISR, and where a follower cuts its log.
///
/// Pure: no log, no clock, no waiters, no store. Its owner tells it each event in the order in which they happen, with
/// the log's ends of that moment, and carries out the effects that come back before the next one. One thread.
///
/// One sync runs at a time; what comes meanwhile is gathered for the next one (group commit):
///
///     written, and somebody waits        -> now
///     written, and nobody waits (ack)    -> soon; who comes to wait meanwhile makes it now
///     a sync ended, more came meanwhile  -> now
///
/// The high watermark of a leader moves no further than what every member has acknowledged (H-1), on a `flush=ack`
/// topic what it has on its disk (H-7), and only under a committed key whose ISR has the effective minimum and whose
/// ELR is empty (H-2). While it is open whether a proposed ISR became the key's, the members of both count (H-4).
class Replica {
 public:
  /// `slot_class` is what the log's slot says: `async` when it says nothing. `high_watermark` is the last one that was
  /// checkpointed, a hint.
  Replica(BrokerId self, const Ends& ends, const Settings& settings, FlushClass slot_class, Offset high_watermark);

  [[nodiscard]] Role role() const { return role_; }
  [[nodiscard]] LeaderEpoch leader_epoch() const { return leader_epoch_; }
  [[nodiscard]] const Ends& ends() const { return ends_; }
  /// The end of what consumers may read. Never goes back while an epoch lasts.
  [[nodiscard]] Offset high_watermark() const { return high_watermark_; }
  /// The end of what read_committed consumers may read: no transaction below is open.
  [[nodiscard]] Offset last_stable_offset() const {
    return first_unstable_ && *first_unstable_ < high_watermark_ ? *first_unstable_ : high_watermark_;
  }
  /// False at the begin of an epoch, while records of earlier ones may be committed that are not known as such yet:
  /// consumers are told no end then (H-6).
  [[nodiscard]] bool knows_end() const;
  /// All replicas that may lead begin here or behind, as far as this one knows (H-9).
  [[nodiscard]] Offset committed_start() const { return committed_start_; }
  /// Where the log of a leader is to begin once all that may lead have it on their disks.
  [[nodiscard]] Offset start_wanted() const { return start_wanted_; }
  /// False at the begin of an epoch, while some that may lead may begin earlier: clients are told no begin then (H-9).
  [[nodiscard]] bool knows_start() const { return role_ == Role::leader && committed_start_ >= ends_.log_start; }
  /// Where the log begins is decided with others.
  [[nodiscard]] bool has_peers() const { return !peers_.empty(); }
  [[nodiscard]] bool is_syncing() const { return is_syncing_; }
  /// What an acknowledgement counts now.
  [[nodiscard]] FlushClass counted_class() const;
  /// What the slot is to say: `ack` only once everything that the log held when the setting came is on disk.
  [[nodiscard]] FlushClass slot_class() const;

  /// Before an append: NOT_LEADER_OR_FOLLOWER, NOT_ENOUGH_REPLICAS (only asked for by acks=all) or none. H-3.
  [[nodiscard]] ErrorCode check_append(bool acks_all) const;
  /// What is said to an acks=all producer whose records are below the high watermark: NOT_ENOUGH_REPLICAS_AFTER_APPEND
  /// when the ISR has less than the minimum by now.
  [[nodiscard]] ErrorCode check_committed() const;
  /// FENCED_LEADER_EPOCH, UNKNOWN_LEADER_EPOCH or none; kNoLeaderEpoch asks nothing.
  [[nodiscard]] ErrorCode check_epoch(LeaderEpoch asked) const;

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
  /// The log may begin at `start`, not above the high watermark, and will do so after a crash. A leader moves it there
  /// when all that may lead have said the same, so that no later leader begins earlier (H-9).
  Effects start_saved(Offset start);
  /// It begins elsewhere than before.
  Effects log_start_moved(const Ends& ends);
  /// A transaction began, or the oldest open one ended.
  void first_unstable_changed(std::optional<Offset> first);
  /// What `truncate` asked for is done.
  Effects truncated(const Ends& ends);

  // --- Settings and the image ---------------------------------------------------------------------------------------

  Effects settings_changed(const Settings& settings, bool unsynced);
  /// The slot says `saved`; `async`: durably. `saved` is what `slot_class` was when it was to be saved.
  Effects class_saved(FlushClass saved);
  /// The broker has registered, and has this epoch from now on. It leads only where a key names that, in a leader epoch
  /// above the last one in its log: an earlier incarnation may have written other records in the epoch that it was
  /// given, and so may whoever led before a store went back. Before the first call any will do: a store of its own has
  /// one broker, and its epochs stay.
  Effects registered(cluster::BrokerEpoch epoch);
  /// The partition's key as the newest image has it; older ones are passed over. `gone` are those of its replicas
  /// that are not there: the controller takes them out of the ISR, the leader does not.
  Effects image_changed(const cluster::Partition& key, std::span<const BrokerId> gone, Instant now);

  // --- The leader ---------------------------------------------------------------------------------------------------

  Effects fetched_by(const FollowerFetch& fetch, Instant now);
  /// Of `candidates` the member of the ISR that has most, and has what stands at `offset`; kNoBroker: none of them.
  [[nodiscard]] BrokerId furthest_of(std::span<const BrokerId> candidates, Offset offset) const;
  /// Everybody who could have been elected in its stead has fetched in its epoch at `since` or later, if there is
  /// anybody: then nobody was, for who knows a newer epoch does not fetch in this one.
  [[nodiscard]] bool has_heard_all_since(Instant since) const;
  /// Whether `start_wanted` is news to the replica on `peer`, which is told it now.
  bool tell_start(BrokerId peer);
  /// Looks for members that lag. Called every half of `lag_max`.
  Effects time_passed(Instant now);
  struct Proposed {
    BrokerId id;
    cluster::BrokerEpoch broker_epoch =
        cluster::kNoBrokerEpoch;  ///< of its last fetch: who comes in is this incarnation and no other (KIP-903)
    bool is_new = false;          ///< it is not in the committed ISR
  };
  /// The ISR that should be the key's, ourselves first; with the minimum in it the ELR becomes empty. Until the image
  /// or `proposal_ended` says how it went.
  [[nodiscard]] const std::vector<Proposed>& proposal() const { return proposal_; }
  /// Those of the replicas that have less than they had acknowledged: with the proposal they leave the ELR, too.
  [[nodiscard]] std::vector<BrokerId> lost() const;
  [[nodiscard]] std::int32_t partition_epoch() const { return partition_epoch_; }
  enum class Outcome : std::uint8_t {
    conflict,  ///< it did not take effect and never will: the key has changed, the image follows
    unknown,   ///< it may take effect yet (C-3): the same is proposed again, with the next partition epoch
    refused,   ///< nothing of it can take effect any more, and the key is as it was: the next event proposes anew
  };
  /// One that took effect comes with the image.
  Effects proposal_ended(Outcome outcome);

  /// How many records at most a follower lacks that copies from this leader; 0 without any.
  [[nodiscard]] std::int64_t follower_lag_max() const;

  // --- The follower -------------------------------------------------------------------------------------------------

  /// refused: the log would have to be cut below the high watermark, where nothing unclean has happened that allows
  /// it. The partition stops here, and a person has to look.
  Result<Effects> answered(const LeaderAnswer& answer);

  // --- For tests ----------------------------------------------------------------------------------------------------

  /// Calls `see` with everything that decides what it does next: for who has to tell whole states apart.
  template <class See>
  void look_at_state(See see) const {
    for (const Offset offset :
         {ends_.log_start, ends_.synced, ends_.written, ends_.log_end, covered_by_ack_, high_watermark_,
          first_unstable_.value_or(Offset{-1}), epoch_start_, committed_start_, start_wanted_})
      see(offset.value());
    for (const LeaderEpoch epoch : {ends_.last_epoch, high_watermark_epoch_, leader_epoch_, unclean_since_})
      see(epoch.value());
    for (const std::int64_t number :
         {std::int64_t{partition_epoch_}, broker_epoch_.value(), leader_broker_epoch_.value(),
          static_cast<std::int64_t>(replicas_), static_cast<std::int64_t>(role_)})
      see(number);
    for (const bool flag :
         {saved_class_ == FlushClass::ack, is_saving_class_, elr_is_empty_, is_proposing_, is_syncing_, is_sync_due_})
      see(flag ? 1 : 0);
    for (const Peer& peer : peers_) {
      for (const std::int64_t number :
           {std::int64_t{peer.id.value()}, peer.log_end.value(), peer.synced.value(), peer.broker_epoch.value(),
            peer.caught_up_at.since_start().count(), peer.fetched_at ? peer.fetched_at->since_start().count() : -1,
            peer.log_end_at_fetch.value(), peer.log_start.value(), peer.told_start.value()})
        see(number);
      for (const bool flag :
           {peer.is_member, peer.is_eligible, peer.is_proposed, peer.is_gone, peer.has_lost, peer.lags})
        see(flag ? 1 : 0);
    }
    for (const BrokerId id : isr_) see(id.value());
    for (const Proposed& one : proposal_) {
      see(one.id.value());
      see(one.broker_epoch.value());
      see(one.is_new ? 1 : 0);
    }
  }

 private:
  struct Peer {
    BrokerId id;
    Offset log_end{0};
    Offset synced{0};
    Offset log_start{0};
    Offset told_start{0};                                         ///< the start that it is to move to
    cluster::BrokerEpoch broker_epoch = cluster::kNoBrokerEpoch;  ///< of its last fetch
    Instant caught_up_at;               ///< when it last had all that there was, or came into the ISR
    std::optional<Instant> fetched_at;  ///< its last fetch in this epoch
    Offset log_end_at_fetch{0};         ///< ours at that time
    bool is_member = false;             ///< of the committed ISR
    bool is_eligible = false;           ///< in the committed ELR
    bool is_proposed = false;           ///< of the proposed one
    bool is_gone = false;
    bool has_lost = false;  ///< a member, or one that is eligible, that fetched below what it had acknowledged
    bool lags = false;
  };
  [[nodiscard]] Offset counted(Offset synced, Offset written) const {
    return counted_class() == FlushClass::ack ? synced : written;
  }
  [[nodiscard]] Offset acknowledged_by_all() const;
  /// Where those begin that may lead.
  [[nodiscard]] Offset least_start() const;
  [[nodiscard]] std::size_t effective_min() const;
  [[nodiscard]] bool may_advance() const;
  [[nodiscard]] bool may_join(const Peer& peer) const;
  [[nodiscard]] bool should_be_member(const Peer& peer) const;
  [[nodiscard]] bool counts(const Peer& peer) const;
  /// Of a key that names this broker: whether this incarnation was meant.
  [[nodiscard]] bool is_meant(const cluster::Partition& key) const;
  void take_members(const cluster::Partition& key, std::span<const BrokerId> gone, bool is_new_epoch, Instant now);
  void come_to(const Ends& ends);
  /// What follows from what was learnt: the high watermark, an ISR to propose, a class to save.
  void conclude(Effects& effects);
  void advance(Effects& effects);
  void advance_start(Effects& effects);
  void take_start_wanted(Effects& effects) const;
  void propose(Effects& effects);
  void save_class(Effects& effects);
  /// Asserts what must hold after every event.
  void check_invariants() const;

  BrokerId self_;
  Ends ends_;
  Settings settings_;
  FlushClass saved_class_;    ///< what the slot may say: `ack` from when that is to be written, `async` once it is
  Offset covered_by_ack_{0};  ///< the slot may say `ack` once so much is on disk
  bool is_saving_class_ = false;
  Offset high_watermark_{0};
  LeaderEpoch high_watermark_epoch_ = kNoLeaderEpoch;  ///< in which it moved last
  std::optional<Offset> first_unstable_;
  Offset committed_start_{0};
  Offset start_wanted_{0};  ///< of a leader; else where the log begins

  Role role_ = Role::none;
  LeaderEpoch leader_epoch_ = kNoLeaderEpoch;
  cluster::BrokerEpoch leader_broker_epoch_;
  cluster::BrokerEpoch broker_epoch_ = cluster::kNoBrokerEpoch;  ///< our own
  std::int32_t partition_epoch_ = -1;
  LeaderEpoch unclean_since_ = kNoLeaderEpoch;

  // Of a leader.
  Offset epoch_start_{0};
  std::vector<Peer> peers_;
  std::size_t replicas_ = 1;  ///< without those that are being added
  bool elr_is_empty_ = true;
  std::vector<BrokerId> isr_;  ///< committed
  std::vector<Proposed> proposal_;
  bool is_proposing_ = false;

  bool is_syncing_ = false;
  bool is_sync_due_ = false;  ///< a later sync was promised: by `soon`, or after the one that runs
};

}  // namespace mq::replication
