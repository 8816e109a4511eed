#include "replication/replica.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace mq::replication {

Replica::Replica(const Ends& ends, FlushClass flush_class) : ends_(ends), flush_class_(flush_class) { advance(); }

Effects Replica::written(const Ends& ends, bool unsynced, Awaited awaited) {
  come_to(ends);
  Effects effects{.sync = Sync::none, .readers = advance()};
  if (!unsynced) return effects;
  if (flush_class_ == FlushClass::async) {
    effects.sync = Sync::by_time;
  } else if (is_sync_due_) {
    // It will be in that one.
  } else if (is_syncing_) {
    is_sync_due_ = true;
  } else if (awaited.synced || awaited.readable) {
    effects.sync = Sync::now;
  } else {
    is_sync_due_ = true;
    effects.sync = Sync::soon;
  }
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
  return {.readers = advance()};
}

Effects Replica::sync_ended(const Ends& ends) {
  MQ_ASSERT(is_syncing_);
  is_syncing_ = false;
  return synced(ends);
}

Effects Replica::sync_goes_on(bool unsynced, Awaited awaited) {
  const bool is_urgent = awaited.synced || (awaited.readable && flush_class_ == FlushClass::ack);
  const bool was_due = std::exchange(is_sync_due_, false);
  if (!unsynced || !(was_due || is_urgent)) return {};
  return sync_is_wanted(unsynced);
}

Effects Replica::sync_refused() {
  MQ_ASSERT(is_syncing_);
  is_syncing_ = false;
  is_sync_due_ = true;
  return {.sync = Sync::soon};
}

void Replica::sync_failed() {
  MQ_ASSERT(is_syncing_);
  is_syncing_ = false;
}

Effects Replica::flush_class_changed(FlushClass to, bool unsynced) {
  flush_class_ = to;
  Effects effects = to == FlushClass::ack ? sync_is_wanted(unsynced) : Effects{};
  effects.readers = advance();
  return effects;
}

Effects Replica::isr_changed(std::span<const BrokerId> others) {
  std::vector<Member> members;
  for (const BrokerId id : others) {
    const auto known = std::ranges::find(others_, id, &Member::id);
    members.push_back(known == others_.end() ? Member{.id = id} : *known);
  }
  others_ = std::move(members);
  return {.readers = advance()};
}

Effects Replica::fetched_by(BrokerId follower, Offset log_end, Offset synced) {
  const auto member = std::ranges::find(others_, follower, &Member::id);
  if (member == others_.end()) return {};
  member->log_end = std::max(member->log_end, log_end);
  member->synced = std::max(member->synced, synced);
  return {.readers = advance()};
}

Offset Replica::acknowledged_by_all() const {
  const auto counted = [this](Offset synced, Offset written) {
    return flush_class_ == FlushClass::ack ? synced : written;
  };
  Offset least = counted(ends_.synced, ends_.written);
  for (const Member& member : others_) least = std::min(least, counted(member.synced, member.log_end));
  return least;
}

void Replica::come_to(const Ends& ends) {
  MQ_ASSERT(ends.synced >= ends_.synced);
  MQ_ASSERT(ends.written >= ends_.written);
  ends_ = ends;
}

bool Replica::advance() {
  const Offset reached = acknowledged_by_all();
  const bool has_grown = reached > high_watermark_;
  if (has_grown) high_watermark_ = reached;
  check_invariants();
  return has_grown;
}

void Replica::check_invariants() const {
  MQ_ASSERT(ends_.synced <= ends_.written);
  MQ_ASSERT(ends_.written <= ends_.log_end);
  MQ_ASSERT(high_watermark_ <= ends_.written);
}

}  // namespace mq::replication
