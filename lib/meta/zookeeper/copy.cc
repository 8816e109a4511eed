#include "meta/zookeeper/copy.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

#include "base/assert.h"

namespace mq::meta {
namespace {

constexpr std::int64_t kKeptMs = std::chrono::duration_cast<std::chrono::milliseconds>(kChangesKept).count();

Revision next_revision(Revision revision) { return Revision{revision.value() + 1}; }

Change told(const StoredChange& change) { return {.entry = change.key.said, .is_erased = change.is_erased}; }

}  // namespace

Copy::Copy(Revision revision, std::vector<StoredKey> keys) : revision_(revision) {
  for (StoredKey& key : keys) put(std::move(key));
}

const StoredKey* Copy::find(const std::string& key) const {
  const auto found = keys_.find(key);
  return found == keys_.end() ? nullptr : &found->second;
}

std::optional<Listing> Copy::list(const std::string& prefix, const std::optional<NextPage>& page) const {
  const std::string from = page ? page->after + '\0' : prefix;
  // What is left is as it was at the first page when nothing in it was changed since.
  if (page && has_changed_after(page->revision, prefix, from)) return std::nullopt;
  Listing listing{.revision = page ? page->revision : revision_, .entries = {}, .next = {}};
  PageFill fill;
  for (auto key = keys_.lower_bound(from); key != keys_.end() && key->first.starts_with(prefix); ++key) {
    if (fill.is_full()) {
      listing.next = NextPage{.revision = listing.revision, .after = listing.entries.back().key};
      break;
    }
    fill.add(listing.entries.emplace_back(key->second.said));
  }
  return listing;
}

std::optional<Changes> Copy::changes(Revision since) const {
  if (!knows_changes_after(since)) return std::nullopt;
  Changes changes{.revision = revision_, .entries = {}};
  PageFill fill;
  for (auto entry = first_after(since); entry != history_.end(); ++entry) {
    // Whole transactions only.
    if (fill.is_full() && !entry->changes.empty()) {
      changes.revision = changes.entries.back().entry.modified;
      changes.has_more = true;
      break;
    }
    for (const StoredChange& change : entry->changes) {
      changes.entries.push_back(told(change));
      fill.add(changes.entries.back().entry);
    }
  }
  return changes;
}

std::deque<LogEntry>::const_iterator Copy::first_after(Revision since) const {
  return history_.begin() + (since.value() - history_after().value());
}

bool Copy::has_changed_after(Revision since, std::string_view prefix, std::string_view from) const {
  if (!knows_changes_after(since)) return true;  // as far as we know
  return std::any_of(first_after(since), history_.end(), [&](const LogEntry& entry) {
    return std::ranges::any_of(entry.changes, [&](const StoredChange& change) {
      return change.key.said.key.starts_with(prefix) && change.key.said.key >= from;
    });
  });
}

Result<void> Copy::judge(const Transaction& transaction) const {
  for (const Compare& compare : transaction.compares) {
    const StoredKey* found = find(compare.key);
    if (!compare.holds(found != nullptr ? &found->said : nullptr))
      return fail(Errc::conflict, "metadata key {} was changed by somebody else", compare.key);
  }
  return {};
}

LogEntry Copy::entry_of(const Transaction& transaction, SessionId session) const {
  LogEntry entry{.revision = next_revision(revision_), .write_id = transaction.write_id};
  for (const Op& op : transaction.ops) {
    const StoredKey* before = find(op.key);
    if (!op.value && before == nullptr) continue;
    StoredChange change{.key = {.said = {.key = op.key}}, .is_erased = !op.value};
    KeyValue& said = change.key.said;
    said.modified = entry.revision;
    said.write_id = entry.write_id;
    if (op.value) {
      said.value = *op.value;
      said.created = before != nullptr ? before->said.created : entry.revision;
      if (op.stay == Stay::leased) change.key.session = session;
    }
    entry.changes.push_back(std::move(change));
  }
  return entry;
}

Revision Copy::forgotten_up_to(Revision kept_after, WallMillis now) const {
  Revision forgotten = kept_after;
  std::size_t bytes = history_bytes_;
  for (std::size_t count = 0; count < kForgottenPerWrite && forgotten < revision_; ++count) {
    // What is not in memory cannot be told, so nobody misses it.
    if (forgotten >= history_after()) {
      const LogEntry& oldest = *first_after(forgotten);
      const bool is_too_old = now - oldest.made_at >= kKeptMs;
      const bool are_too_many = revision_.value() + 1 - forgotten.value() > kChangesKeptMax;
      if (!is_too_old && !are_too_many && bytes <= kHistoryBytesMax) break;
      bytes -= oldest.bytes();
    }
    forgotten = next_revision(forgotten);
  }
  return forgotten;
}

std::optional<std::uint64_t> Copy::attempt_of(Revision revision) const {
  if (revision <= history_after() || revision > revision_) return std::nullopt;
  return std::prev(first_after(revision))->attempt;
}

void Copy::apply(LogEntry entry) {
  MQ_ASSERT(entry.revision == next_revision(revision_));
  for (const StoredChange& change : entry.changes) apply(change);
  revision_ = entry.revision;
  history_bytes_ += entry.bytes();
  history_.push_back(std::move(entry));
}

void Copy::remember(LogEntry entry) {
  MQ_ASSERT(entry.revision == history_after());
  history_bytes_ += entry.bytes();
  history_.push_front(std::move(entry));
}

void Copy::forget_up_to(Revision revision) {
  while (!history_.empty() && history_.front().revision <= revision) {
    history_bytes_ -= history_.front().bytes();
    history_.pop_front();
  }
}

void Copy::apply(const StoredChange& change) {
  if (change.is_erased) {
    erase(change.key.said.key);
  } else {
    put(change.key);
  }
}

void Copy::put(StoredKey key) {
  erase(key.said.key);
  if (key.session != kNoSession) leased_[key.session].insert(key.said.key);
  std::string name = key.said.key;
  keys_.insert_or_assign(std::move(name), std::move(key));
}

void Copy::erase(const std::string& key) {
  const auto found = keys_.find(key);
  if (found == keys_.end()) return;
  forget_lease(found->second);
  keys_.erase(found);
}

void Copy::forget_lease(const StoredKey& key) {
  const auto lease = leased_.find(key.session);
  if (lease == leased_.end()) return;
  lease->second.erase(key.said.key);
  if (lease->second.empty()) leased_.erase(lease);
}

std::set<SessionId> Copy::sessions() const {
  std::set<SessionId> sessions;
  for (const auto& [session, keys] : leased_) sessions.insert(session);
  return sessions;
}

Transaction Copy::erasing_keys_of(SessionId session, std::size_t count_max) const {
  Transaction erased;
  const auto lease = leased_.find(session);
  if (lease == leased_.end()) return erased;
  for (const std::string& key : lease->second) {
    if (erased.ops.size() == count_max) break;
    erased.compares.push_back(Compare::modified_at(key, find(key)->said.modified));
    erased.ops.push_back(Op::erase(key));
  }
  return erased;
}

}  // namespace mq::meta
