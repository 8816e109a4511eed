#include "meta/etcd/change_log.h"

#include <algorithm>
#include <utility>

namespace mq::meta::etcd {
namespace {

std::size_t size_of(const Change& change) {
  return sizeof change + change.entry.key.size() + change.entry.value.size();
}

/// Erased keys have the write id of what else their transaction did.
void share_write_id(std::vector<Change>& changes) {
  const auto put = std::ranges::find(changes, false, &Change::is_erased);
  if (put == changes.end()) return;
  const WriteId id = put->entry.write_id;
  for (Change& change : changes) change.entry.write_id = id;
}

}  // namespace

void ChangeLog::begin(Revision after) {
  kept_.clear();
  under_way_.clear();
  bytes_ = 0;
  begins_after_ = reached_ = after;
  has_begun_ = true;
}

Result<void> ChangeLog::add(Change change, Instant now) {
  const Revision revision = change.entry.modified;
  if (!under_way_.empty() && under_way_.front().entry.modified < revision) end_transaction(now);
  if (revision <= reached_ || (!under_way_.empty() && under_way_.front().entry.modified > revision))
    return fail(Errc::corrupt, "etcd tells changes out of order");
  under_way_.push_back(std::move(change));
  return {};
}

void ChangeLog::complete(Revision revision, Instant now) {
  if (!under_way_.empty() && under_way_.front().entry.modified <= revision) end_transaction(now);
  reached_ = std::max(reached_, revision);
  forget_old(now);
}

void ChangeLog::end_transaction(Instant now) {
  share_write_id(under_way_);
  reached_ = under_way_.front().entry.modified;
  for (Change& change : under_way_) {
    if (change.entry.key.empty()) continue;
    bytes_ += size_of(change);
    kept_.push_back({.change = std::move(change), .told = now});
  }
  under_way_.clear();
  forget_old(now);
}

void ChangeLog::forget_old(Instant now) {
  while (!kept_.empty()) {
    const bool is_too_old = kept_.front().told + kChangesKept <= now;
    const bool is_too_far = kept_.front().change.entry.modified.value() + kChangesKeptMax <= reached_.value();
    if (!is_too_old && !is_too_far && bytes_ <= kBytesMax) break;
    forget_oldest();
  }
}

/// A whole transaction.
void ChangeLog::forget_oldest() {
  const Revision oldest = kept_.front().change.entry.modified;
  while (!kept_.empty() && kept_.front().change.entry.modified == oldest) {
    bytes_ -= size_of(kept_.front().change);
    kept_.pop_front();
  }
  begins_after_ = oldest;
  forgotten_until_ = std::max(forgotten_until_, oldest);
}

std::optional<Changes> ChangeLog::page(Revision since) const {
  if (!has_begun_ || since < begins_after_) return std::nullopt;
  const auto revision_of_kept = [](const Kept& kept) { return kept.change.entry.modified; };
  Changes changes{.revision = std::max(since, reached_), .entries = {}};
  PageFill fill;
  for (auto next = std::ranges::upper_bound(kept_, since, {}, revision_of_kept); next != kept_.end(); ++next) {
    // Whole transactions only.
    if (fill.is_full() && next->change.entry.modified != changes.entries.back().entry.modified) {
      changes.revision = changes.entries.back().entry.modified;
      changes.has_more = true;
      break;
    }
    fill.add(next->change.entry);
    changes.entries.push_back(next->change);
  }
  return changes;
}

std::optional<Revision> ChangeLog::last_changed() const {
  return kept_.empty() ? std::nullopt : std::optional(kept_.back().change.entry.modified);
}

bool ChangeLog::ends_as(std::span<const Change> changes) const {
  const auto last = last_changed();
  if (!last) return false;
  std::vector<Change> told;
  for (const Change& change : changes)
    if (change.entry.modified == *last) told.push_back(change);
  share_write_id(told);
  std::erase_if(told, [](const Change& change) { return change.entry.key.empty(); });
  const auto begin = std::ranges::lower_bound(kept_, *last, {}, [](const Kept& k) { return k.change.entry.modified; });
  return std::equal(told.begin(), told.end(), begin, kept_.end(), [](const Change& change, const Kept& kept) {
    return change.entry == kept.change.entry && change.is_erased == kept.change.is_erased;
  });
}

}  // namespace mq::meta::etcd
