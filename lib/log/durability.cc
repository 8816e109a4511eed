#include "log/durability.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/buggify.h"
#include "base/mutant.h"

namespace mq::log {
namespace {

/// How much may be appended before indexes and snapshots are saved again: what recovery reads at most of one log.
constexpr std::uint64_t kCheckpointBytes = std::uint64_t{64} << 20;

}  // namespace

// --- What happens to the log ----------------------------------------------------------------------------------------

void Durability::on_recovery(Offset recovery_point) {
  recovery_point_ = std::clamp(recovery_point, start_, end_);
  check_invariants();
}

void Durability::on_seal(Offset segment) { unsaved_.insert(std::ranges::upper_bound(unsaved_, segment), segment); }

void Durability::on_replace(Offset segment) {
  forget([&](Offset other) { return other == segment; });
  names_unsynced_ = true;
}

template <class Gone>
void Durability::forget(Gone is_gone) {
  std::erase_if(unsynced_, is_gone);
  std::erase_if(unsaved_, is_gone);
  if (syncing_) std::erase_if(syncing_->segments, is_gone);
}

void Durability::on_start(Offset start, Offset segments_from) {
  MQ_ASSERT(start >= start_ && start <= end_);
  start_ = start;
  // What nobody may read any more need not be on disk.
  recovery_point_ = std::max(recovery_point_, start);
  forget([&](Offset segment) { return segment < segments_from; });
  check_invariants();
}

void Durability::on_truncate(Offset segment, Offset end) {
  MQ_ASSERT(!saving_ && end >= start_ && end <= end_);
  end_ = end;
  on_disk_ = std::min(on_disk_, end);
  recovery_point_ = std::min(recovery_point_, end);
  forget([&](Offset other) { return other >= segment; });
  mark_unsynced(segment);
  names_unsynced_ = true;
  epochs_unsaved_ = true;
  unsynced_cut_ = std::min(segment, unsynced_cut_.value_or(segment));
  if (syncing_) {
    syncing_->covers_to = std::min(syncing_->covers_to, end);
    syncing_->covers_cut = false;
  }
  check_invariants();
}

void Durability::on_restart(Offset start) {
  MQ_ASSERT(!saving_ && start >= end_);
  start_ = recovery_point_ = on_disk_ = end_ = start;
  forget([](Offset) { return true; });
  names_unsynced_ = true;
  epochs_unsaved_ = true;
  // What was there before may come back with a power cut: all of it lies below the start.
  unsynced_cut_.reset();
  if (syncing_) syncing_->covers_cut = false;
  check_invariants();
}

// --- Sync rounds ----------------------------------------------------------------------------------------------------

bool Durability::is_unsynced(Offset segment) const { return std::ranges::binary_search(unsynced_, segment); }

SyncRound Durability::begin_sync() {
  MQ_ASSERT(!failed_ && !syncing_);
  syncing_.emplace();
  syncing_->segments = std::exchange(unsynced_, {});
  syncing_->names = std::exchange(names_unsynced_, false);
  syncing_->covers_to = end_;
  return *syncing_;
}

void Durability::end_sync(Outcome outcome) {
  MQ_ASSERT(syncing_);
  const SyncRound round = *std::exchange(syncing_, std::nullopt);
  if (outcome == Outcome::failed) failed_ = true;
  if (outcome == Outcome::put_off) {
    for (const Offset segment : round.segments)
      if (!is_unsynced(segment)) unsynced_.insert(std::ranges::upper_bound(unsynced_, segment), segment);
    names_unsynced_ = names_unsynced_ || round.names;
  }
  if (outcome != Outcome::done || failed_) return;
  on_disk_ = std::max(on_disk_, is_mutant("synccover") ? end_ : round.covers_to);
  if (round.covers_cut) unsynced_cut_.reset();
  check_invariants();
}

// --- Checkpoints ----------------------------------------------------------------------------------------------------

bool Durability::is_checkpoint_due(bool whatever) const {
  if (failed_ || saving_) return false;
  if (!unsaved_.empty() || bytes_unsaved_ >= kCheckpointBytes) return true;
  const bool is_early = MQ_BUGGIFY("log: a log is saved early");
  return is_checkpoint_wanted_ || ((whatever || is_early) && has_unsaved());
}

SaveRound Durability::begin_checkpoint() {
  MQ_ASSERT(!failed_ && !saving_);
  saving_.emplace();
  saving_->sealed = unsaved_;
  saving_->epochs = std::exchange(epochs_unsaved_, false);
  saving_->covers_to = end_;
  saving_->bytes = bytes_unsaved_;
  return *saving_;
}

void Durability::end_checkpoint(Outcome outcome) {
  MQ_ASSERT(saving_);
  const SaveRound saved = *std::exchange(saving_, std::nullopt);
  if (outcome == Outcome::failed) failed_ = true;
  if (outcome != Outcome::done) epochs_unsaved_ = epochs_unsaved_ || saved.epochs;
  if (outcome != Outcome::done || failed_) return;
  recovery_point_ = std::max(recovery_point_, saved.covers_to);
  // It synced data and names as well; for a topic that is not synced at acks this is what frees its sealed segments.
  on_disk_ = std::max(on_disk_, saved.covers_to);
  const auto is_sealed = [&](Offset segment) { return std::ranges::find(saved.sealed, segment) != saved.sealed.end(); };
  std::erase_if(unsynced_, is_sealed);
  std::erase_if(unsaved_, is_sealed);
  bytes_unsaved_ -= std::min(bytes_unsaved_, saved.bytes);
  is_checkpoint_wanted_ = false;
  check_invariants();
}

void Durability::check_invariants() const {
  MQ_ASSERT(start_ <= recovery_point_);
  MQ_ASSERT(recovery_point_ <= synced());
  MQ_ASSERT(synced() <= end_);
  MQ_ASSERT(!syncing_ || syncing_->covers_to <= end_);
  MQ_ASSERT(!saving_ || saving_->covers_to <= end_);
  MQ_ASSERT(std::ranges::is_sorted(unsynced_));
  MQ_ASSERT(std::ranges::is_sorted(unsaved_));
  // What a truncation has cut is dirty until it is on disk.
  MQ_ASSERT(!unsynced_cut_ || failed_ || syncing_ || needs_sync());
}

}  // namespace mq::log
