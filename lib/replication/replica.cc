#include "replication/replica.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/mark.h"
#include "base/mutant.h"

namespace mq::replication {
namespace {

bool contains(std::span<const BrokerId> ids, BrokerId id) { return std::ranges::find(ids, id) != ids.end(); }

}  // namespace

Replica::Replica(BrokerId self, const Ends& ends, const Settings& settings, FlushClass slot_class,
                 Offset high_watermark)
    : self_(self),
      ends_(ends),
      settings_(settings),
      saved_class_(slot_class),
      covered_by_ack_(ends.log_end),
      high_watermark_(std::clamp(high_watermark, ends.log_start, ends.written)),
      start_wanted_(ends.log_start) {
  check_invariants();
}

// --- What follows from the state ------------------------------------------------------------------------------------

FlushClass Replica::counted_class() const {
  // A topic that becomes async goes on as it was until its slot says so: a crash in between finds `ack` there, and
  // nothing unsynced may have counted by then.
  const bool is_ack = settings_.flush_class == FlushClass::ack;
  return is_ack || is_mutant("asyncearly") ? settings_.flush_class : saved_class_;
}

FlushClass Replica::slot_class() const {
  if (settings_.flush_class == FlushClass::async) return FlushClass::async;
  const bool is_covered = ends_.synced >= covered_by_ack_ || is_mutant("slotearly");
  return saved_class_ == FlushClass::ack || is_covered ? FlushClass::ack : FlushClass::async;
}

std::size_t Replica::effective_min() const { return std::min(settings_.insync_replicas_min, replicas_); }

ErrorCode Replica::check_append(bool acks_all) const {
  if (role_ != Role::leader) return ErrorCode::kNotLeaderOrFollower;
  return acks_all && isr_.size() < effective_min() ? ErrorCode::kNotEnoughReplicas : ErrorCode::kNone;
}

ErrorCode Replica::check_committed() const {
  if (role_ != Role::leader) return ErrorCode::kNotLeaderOrFollower;
  return isr_.size() < effective_min() ? ErrorCode::kNotEnoughReplicasAfterAppend : ErrorCode::kNone;
}

ErrorCode Replica::check_epoch(LeaderEpoch asked) const {
  if (asked < LeaderEpoch{0} || asked == leader_epoch_) return ErrorCode::kNone;
  if (asked < leader_epoch_) MQ_MARK("replication: a client knows an old leader epoch");
  return asked < leader_epoch_ ? ErrorCode::kFencedLeaderEpoch : ErrorCode::kUnknownLeaderEpoch;
}

Offset Replica::acknowledged_by_all() const {
  Offset least = is_mutant("ackbeforesync") ? ends_.written : counted(ends_.synced, ends_.written);
  for (const Peer& peer : peers_)
    if (counts(peer))
      least = std::min(least, is_mutant("fetchclass") ? peer.log_end : counted(peer.synced, peer.log_end));
  return least;
}

Offset Replica::least_start() const {
  Offset least = start_wanted_;
  for (const Peer& peer : peers_)
    if (counts(peer) || peer.is_eligible) least = std::min(least, peer.log_start);
  return least;
}

bool Replica::counts(const Peer& peer) const {
  if (is_mutant("shrinkearly") && is_proposing_) return peer.is_proposed;
  return peer.is_member || peer.is_proposed;
}

bool Replica::knows_end() const {
  return role_ == Role::leader && (high_watermark_ >= epoch_start_ || is_mutant("latestearly"));
}

bool Replica::may_advance() const {
  if (is_mutant("hwundermin")) return role_ == Role::leader;
  const bool is_elr_empty = elr_is_empty_ || is_mutant("elrmin");
  return role_ == Role::leader && is_elr_empty && isr_.size() >= effective_min();
}

bool Replica::may_join(const Peer& peer) const {
  const Offset has = counted(peer.synced, peer.log_end);
  // I-1: what it lacks of an earlier epoch may be committed, though the high watermark does not say so yet.
  const bool has_earlier_epochs = has >= epoch_start_ || is_mutant("joinhw");
  const bool begins_late_enough = peer.log_start >= ends_.log_start;  // H-9
  return peer.fetched_at && !peer.is_gone && !peer.lags && has >= high_watermark_ && has_earlier_epochs &&
         begins_late_enough;
}

bool Replica::should_be_member(const Peer& peer) const {
  if (!peer.is_member) return may_join(peer);
  // Who is gone is the controller's business.
  return !peer.has_lost && (peer.is_gone || !peer.lags);
}

void Replica::come_to(const Ends& ends) {
  MQ_ASSERT(ends.log_start >= ends_.log_start);
  MQ_ASSERT(ends.synced >= ends_.synced);
  MQ_ASSERT(ends.written >= ends_.written);
  ends_ = ends;
  start_wanted_ = std::max(start_wanted_, ends_.log_start);
}

void Replica::conclude(Effects& effects) {
  advance(effects);
  advance_start(effects);
  if (!peers_.empty()) propose(effects);
  save_class(effects);
  check_invariants();
}

void Replica::advance(Effects& effects) {
  if (!may_advance()) return;
  const Offset reached = acknowledged_by_all();
  if (reached <= high_watermark_) return;
  high_watermark_ = reached;
  high_watermark_epoch_ = leader_epoch_;
  effects.readers = true;
  effects.followers = !peers_.empty();
}

void Replica::advance_start(Effects& effects) {
  if (role_ != Role::leader) return;
  const Offset reached = least_start();
  if (reached > committed_start_) {
    committed_start_ = reached;
    effects.start_is_known = true;
  }
  if (reached > ends_.log_start) effects.start = reached;
}

void Replica::propose(Effects& effects) {
  if (role_ != Role::leader || is_proposing_) return;
  bool differs = false;
  std::size_t size = 1;
  for (const Peer& peer : peers_) {
    const bool is_wanted = should_be_member(peer);
    differs = differs || is_wanted != peer.is_member;
    size += is_wanted ? 1 : 0;
  }
  // With the minimum in the ISR nobody else is needed, and the key has to say so before anything is committed.
  const bool clears_elr = !elr_is_empty_ && size >= effective_min();
  const bool has_lost = std::ranges::any_of(peers_, &Peer::has_lost);
  if (!differs && !clears_elr && !has_lost) return;
  proposal_ = {{.id = self_}};
  for (Peer& peer : peers_) {
    peer.is_proposed = should_be_member(peer);
    if (peer.is_proposed)
      proposal_.push_back({.id = peer.id, .broker_epoch = peer.broker_epoch, .is_new = !peer.is_member});
  }
  is_proposing_ = true;
  effects.propose = true;
}

std::vector<BrokerId> Replica::lost() const {
  std::vector<BrokerId> lost;
  for (const Peer& peer : peers_)
    if (peer.has_lost) lost.push_back(peer.id);
  return lost;
}

void Replica::save_class(Effects& effects) {
  if (is_saving_class_ || slot_class() == saved_class_) return;
  is_saving_class_ = true;
  // From now on a crash may find it there, so what was promised of `ack` holds from now on.
  if (slot_class() == FlushClass::ack) saved_class_ = FlushClass::ack;
  effects.save_class = true;
}

// --- The log --------------------------------------------------------------------------------------------------------

Effects Replica::written(const Ends& ends, bool unsynced, Awaited awaited) {
  come_to(ends);
  Effects effects{.followers = !peers_.empty()};
  if (!unsynced) {
    // Nothing to do.
  } else if (counted_class() == FlushClass::async) {
    MQ_MARK("replication: batches wait for a sync by time");
    effects.sync = Sync::by_time;
  } else if (is_sync_due_) {
    // It will be in that one.
    MQ_MARK("replication: batches go with a sync that is due");
  } else if (is_syncing_) {
    MQ_MARK("replication: batches wait for the sync after the one that runs");
    is_sync_due_ = true;
  } else if (awaited.synced || awaited.readable) {
    effects.sync = Sync::now;
  } else {
    is_sync_due_ = true;
    MQ_MARK("replication: a sync may come late");
    effects.sync = Sync::soon;
  }
  conclude(effects);
  return effects;
}

Effects Replica::sync_is_wanted(bool unsynced) {
  is_sync_due_ = unsynced && is_syncing_;
  return {.sync = unsynced && !is_syncing_ ? Sync::now : Sync::none};
}

void Replica::sync_began() {
  MQ_ASSERT(!is_syncing_);
  is_syncing_ = true;
}

Effects Replica::synced(const Ends& ends) {
  come_to(ends);
  Effects effects;
  conclude(effects);
  return effects;
}

Effects Replica::sync_ended(const Ends& ends) {
  MQ_ASSERT(is_syncing_);
  is_syncing_ = false;
  return synced(ends);
}

Effects Replica::sync_goes_on(bool unsynced, Awaited awaited) {
  const bool is_urgent = awaited.synced || (awaited.readable && counted_class() == FlushClass::ack);
  const bool was_due = std::exchange(is_sync_due_, false);
  if (unsynced && (was_due || is_urgent)) MQ_MARK("replication: another sync follows at once");
  if (!unsynced || !(was_due || is_urgent)) return {};
  return sync_is_wanted(unsynced);
}

Effects Replica::sync_refused() {
  MQ_ASSERT(is_syncing_);
  is_syncing_ = false;
  is_sync_due_ = true;
  MQ_MARK("replication: a sync is refused and comes again");
  return {.sync = Sync::soon};
}

void Replica::sync_failed() {
  MQ_MARK("replication: a sync fails");
  MQ_ASSERT(is_syncing_);
  is_syncing_ = false;
}

Effects Replica::start_saved(Offset start) {
  MQ_ASSERT(start <= high_watermark_);
  Effects effects;
  if (start <= start_wanted_) return effects;
  if (role_ != Role::leader) {
    effects.start = start;
    return effects;
  }
  start_wanted_ = start;
  effects.followers = !peers_.empty();
  conclude(effects);
  return effects;
}

Effects Replica::log_start_moved(const Ends& ends) {
  come_to(ends);
  high_watermark_ = std::max(high_watermark_, ends_.log_start);
  Effects effects;
  conclude(effects);
  return effects;
}

void Replica::first_unstable_changed(std::optional<Offset> first) {
  first_unstable_ = first;
  check_invariants();
}

Effects Replica::truncated(const Ends& ends) {
  MQ_ASSERT(role_ != Role::leader);
  ends_ = ends;
  start_wanted_ = ends_.log_start;
  covered_by_ack_ = std::min(covered_by_ack_, ends_.log_end);
  high_watermark_ = std::clamp(high_watermark_, ends_.log_start, ends_.written);
  Effects effects;
  conclude(effects);
  return effects;
}

// --- Settings and the image -----------------------------------------------------------------------------------------

Effects Replica::settings_changed(const Settings& settings, bool unsynced) {
  const FlushClass before = std::exchange(settings_, settings).flush_class;
  MQ_MARK("replication: settings change while it leads");
  Effects effects;
  if (settings_.flush_class == FlushClass::ack) {
    if (before == FlushClass::async) covered_by_ack_ = ends_.log_end;
    if (before == FlushClass::async) effects = sync_is_wanted(unsynced);
  }
  conclude(effects);
  return effects;
}

Effects Replica::class_saved(FlushClass saved) {
  MQ_ASSERT(is_saving_class_);
  is_saving_class_ = false;
  saved_class_ = saved;
  Effects effects;
  conclude(effects);
  return effects;
}

bool Replica::is_meant(const cluster::Partition& key) const {
  return broker_epoch_ == cluster::kNoBrokerEpoch || key.leader_broker_epoch == broker_epoch_ || is_mutant("sameepoch");
}

Effects Replica::registered(cluster::BrokerEpoch epoch) {
  broker_epoch_ = epoch;
  if (role_ != Role::leader || leader_broker_epoch_ == epoch) return {};
  Effects effects{.role_changed = true};
  role_ = Role::none;
  take_start_wanted(effects);
  peers_.clear();
  isr_.clear();
  is_proposing_ = false;
  proposal_.clear();
  check_invariants();
  return effects;
}

/// It is on our disk, and as we lead no more nobody asks us where the log begins.
void Replica::take_start_wanted(Effects& effects) const {
  if (start_wanted_ > ends_.log_start) effects.start = start_wanted_;
}

Effects Replica::image_changed(const cluster::Partition& key, std::span<const BrokerId> gone, Instant now) {
  if (key.leader_epoch < leader_epoch_ || key.partition_epoch < partition_epoch_) return {};
  const Role before = role_;
  const bool is_new_epoch = key.leader_epoch > leader_epoch_;
  if (key.partition_epoch > partition_epoch_) {
    // What was proposed took effect with this key, or never will.
    is_proposing_ = false;
    proposal_.clear();
  }
  leader_epoch_ = key.leader_epoch;
  partition_epoch_ = key.partition_epoch;
  unclean_since_ = key.unclean_since;
  leader_broker_epoch_ = key.leader_broker_epoch;
  bool is_epoch_used = false;
  if (key.leader == self_) {
    const bool leads_on = before == Role::leader && !is_new_epoch;
    is_epoch_used = is_meant(key) && !leads_on && broker_epoch_ != cluster::kNoBrokerEpoch &&
                    key.leader_epoch <= ends_.last_epoch && !is_mutant("sameepoch");
    role_ = is_meant(key) && !is_epoch_used ? Role::leader : Role::none;
  } else {
    role_ = key.leader != kNoBroker && contains(key.replicas, self_) ? Role::follower : Role::none;
  }
  if (role_ == Role::leader) {
    take_members(key, gone, is_new_epoch || before != Role::leader, now);
  } else {
    peers_.clear();
    isr_.clear();
    is_proposing_ = false;
  }
  Effects effects{.raise_epoch = is_epoch_used, .role_changed = role_ != before};
  if (role_ != Role::leader) take_start_wanted(effects);
  if (is_mutant("hwtrunc") && role_ == Role::follower && is_new_epoch && high_watermark_ < ends_.log_end)
    effects.truncate = high_watermark_;
  conclude(effects);
  return effects;
}

void Replica::take_members(const cluster::Partition& key, std::span<const BrokerId> gone, bool is_new_epoch,
                           Instant now) {
  if (is_new_epoch) {
    // What was said in an earlier epoch counts no more: the log that it was said of may have been cut since.
    MQ_MARK("replication: a leader epoch begins");
    epoch_start_ = ends_.log_end;
    peers_.clear();
    is_proposing_ = false;
  }
  const std::vector<Peer> known = std::exchange(peers_, {});
  for (const BrokerId id : key.replicas) {
    if (id == self_) continue;
    const auto found = std::ranges::find(known, id, &Peer::id);
    Peer peer = found != known.end() ? *found : Peer{.id = id, .caught_up_at = now};
    const bool was_member = std::exchange(peer.is_member, contains(key.isr, id));
    peer.is_eligible = contains(key.elr, id);
    peer.is_gone = contains(gone, id);
    peer.is_proposed = peer.is_proposed && is_proposing_;
    peer.has_lost = peer.has_lost && (peer.is_member || peer.is_eligible);
    if (peer.is_member && !was_member) peer.caught_up_at = now;
    peer.lags = peer.lags && peer.is_member == was_member;
    peers_.push_back(peer);
  }
  isr_ = key.isr;
  replicas_ = std::max<std::size_t>(1, key.replicas.size() - key.adding.size());
  elr_is_empty_ = key.elr.empty();
}

// --- The leader -----------------------------------------------------------------------------------------------------

Effects Replica::fetched_by(const FollowerFetch& fetch, Instant now) {
  const auto peer = std::ranges::find(peers_, fetch.from, &Peer::id);
  if (peer == peers_.end() || fetch.broker_epoch < peer->broker_epoch) return {};
  peer->broker_epoch = fetch.broker_epoch;
  const Offset had = counted(peer->synced, peer->log_end);
  peer->log_end = fetch.log_end;
  peer->synced = fetch.synced;
  peer->log_start = fetch.log_start;
  const Offset has = counted(peer->synced, peer->log_end);
  // It cannot have lost what it acknowledged, and it has: its word is not to be relied on (I-13).
  const bool lacks = has < had || fetch.log_end < high_watermark_;
  if (lacks && !is_mutant("lostmember")) peer->has_lost = peer->has_lost || peer->is_member || peer->is_eligible;
  if (fetch.log_end >= ends_.log_end) {
    peer->caught_up_at = now;
  } else if (peer->fetched_at && fetch.log_end >= peer->log_end_at_fetch) {
    peer->caught_up_at = std::max(peer->caught_up_at, *peer->fetched_at);
  }
  peer->fetched_at = now;
  peer->log_end_at_fetch = ends_.log_end;
  peer->lags = now - peer->caught_up_at > settings_.lag_max;
  Effects effects;
  conclude(effects);
  return effects;
}

BrokerId Replica::furthest_of(std::span<const BrokerId> candidates, Offset offset) const {
  const Peer* furthest = nullptr;
  for (const Peer& peer : peers_) {
    const bool has_it = peer.log_start <= offset && offset <= peer.log_end;
    if (!peer.is_member || peer.is_gone || peer.lags || !has_it || !contains(candidates, peer.id)) continue;
    if (furthest == nullptr || peer.log_end > furthest->log_end) furthest = &peer;
  }
  return furthest == nullptr ? kNoBroker : furthest->id;
}

bool Replica::has_heard_all_since(Instant since) const {
  return std::ranges::all_of(peers_, [since](const Peer& peer) {
    const bool may_lead = peer.is_member || peer.is_eligible || peer.is_proposed;
    return !may_lead || (peer.fetched_at && *peer.fetched_at >= since);
  });
}

bool Replica::tell_start(BrokerId peer) {
  const auto told = std::ranges::find(peers_, peer, &Peer::id);
  if (told == peers_.end() || told->told_start >= start_wanted_ || told->log_start >= start_wanted_) return false;
  told->told_start = start_wanted_;
  return true;
}

std::int64_t Replica::follower_lag_max() const {
  if (role_ != Role::leader) return 0;
  Offset least = ends_.log_end;
  for (const Peer& peer : peers_)
    if (peer.fetched_at && !peer.is_gone) least = std::min(least, std::max(peer.log_end, ends_.log_start));
  return (ends_.log_end - least).value();
}

Effects Replica::time_passed(Instant now) {
  for (Peer& peer : peers_) peer.lags = peer.log_end < ends_.log_end && now - peer.caught_up_at > settings_.lag_max;
  Effects effects;
  conclude(effects);
  return effects;
}

Effects Replica::proposal_ended(Outcome outcome) {
  // While it may still take effect, those whom it names go on counting beside those whom the key names.
  if (outcome == Outcome::unknown && !is_mutant("settleread")) return {.propose = is_proposing_};
  if (outcome != Outcome::conflict) {
    is_proposing_ = false;
    proposal_.clear();
    for (Peer& peer : peers_) peer.is_proposed = false;
    check_invariants();
    return {};
  }
  // The key that stood in the way comes with the image; until then nothing is proposed on top of what we know of it.
  return {};
}

// --- The follower ---------------------------------------------------------------------------------------------------

Result<Effects> Replica::answered(const LeaderAnswer& answer) {
  if (role_ != Role::follower) return Effects{};
  Effects effects;
  if (answer.start_wanted > ends_.log_end) {
    effects.restart_at = answer.start_wanted;
    return effects;
  }
  committed_start_ = std::max(committed_start_, answer.log_start);
  if (answer.diverges_at && !is_mutant("hwtrunc")) {
    const Offset cut = std::min(*answer.diverges_at, ends_.log_end);
    if (cut < high_watermark_ && unclean_since_ <= high_watermark_epoch_ && !is_mutant("trunchw"))
      return fail(
          Errc::refused,
          "the leader's log differs from offset {} on, but everything below {} is committed here; nothing was cut",
          cut.value(), high_watermark_.value());
    effects.truncate = cut;
    return effects;
  }
  const Offset reached = std::min(answer.high_watermark, ends_.written);
  if (reached > high_watermark_) {
    high_watermark_ = reached;
    high_watermark_epoch_ = leader_epoch_;
    effects.readers = true;
  }
  conclude(effects);
  return effects;
}

void Replica::check_invariants() const {
  MQ_ASSERT(ends_.log_start <= ends_.written);
  MQ_ASSERT(ends_.synced <= ends_.written);
  MQ_ASSERT(ends_.written <= ends_.log_end);
  MQ_ASSERT(ends_.log_start <= high_watermark_);
  MQ_ASSERT(ends_.log_start <= start_wanted_);
  MQ_ASSERT(start_wanted_ <= high_watermark_);
  MQ_ASSERT(high_watermark_ <= ends_.written);
  MQ_ASSERT(role_ == Role::leader || (peers_.empty() && isr_.empty()));
  MQ_ASSERT(role_ == Role::leader || !is_proposing_);
  MQ_ASSERT(saved_class_ == FlushClass::async || counted_class() == FlushClass::ack);
}

}  // namespace mq::replication
