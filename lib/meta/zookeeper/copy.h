#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "meta/metadata_store.h"
#include "meta/zookeeper/node_data.h"

namespace mq::meta {

/// What is kept for `changes`, besides the limits of the contract. A copy holds it in memory.
inline constexpr std::size_t kHistoryBytesMax = 16 << 20;
/// So many old changes a transaction deletes at most, so that none waits for many.
inline constexpr std::size_t kForgottenPerWrite = 4;

/// A store's own copy of everything that is in ZooKeeper, as of one revision, and the changes that led there. It
/// answers what is read and judges what is to be written; only entries of the change log move it. Pure.
class Copy {
 public:
  /// Keys as they were read one after the other while the store moved, none before `revision`. Once the entries after
  /// it are applied up to where the last key was read, the copy is of one moment: what an entry did not touch was not
  /// touched, and what it did touch it holds.
  Copy(Revision revision, std::vector<StoredKey> keys);

  [[nodiscard]] Revision revision() const { return revision_; }
  [[nodiscard]] const StoredKey* find(const std::string& key) const;
  /// As `MetadataStore` has them.
  [[nodiscard]] std::optional<Listing> list(const std::string& prefix, const std::optional<NextPage>& page) const;
  [[nodiscard]] std::optional<Changes> changes(Revision since) const;

  /// conflict: a compare does not hold.
  [[nodiscard]] Result<void> judge(const Transaction& transaction) const;
  /// What it would be as the next one; what it puts leased belongs to `session`.
  [[nodiscard]] LogEntry entry_of(const Transaction& transaction, SessionId session) const;
  /// Which changes are there no longer once that next one is made `now`: those after `kept_after`, up to the result.
  [[nodiscard]] Revision forgotten_up_to(Revision kept_after, WallMillis now) const;
  /// Who made `revision`; none when that is not known any more, or not yet.
  [[nodiscard]] std::optional<std::uint64_t> attempt_of(Revision revision) const;

  /// The entry of the next revision.
  void apply(LogEntry entry);
  /// Entries of the past, for `changes`, each the one before the last remembered. The first is that of `revision()`.
  void remember(LogEntry entry);
  /// Changes up to `revision` are not told any more.
  void forget_up_to(Revision revision);

  /// Sessions that leased keys belong to.
  [[nodiscard]] std::set<SessionId> sessions() const;
  /// Erases at most `count_max` keys of `session`, if they are still as this copy knows them.
  [[nodiscard]] Transaction erasing_keys_of(SessionId session, std::size_t count_max) const;

 private:
  /// The changes that are told are those after this one.
  [[nodiscard]] Revision history_after() const { return Revision{revision_.value() - std::ssize(history_)}; }
  [[nodiscard]] bool knows_changes_after(Revision since) const {
    return since >= history_after() && since <= revision_;
  }
  [[nodiscard]] std::deque<LogEntry>::const_iterator first_after(Revision since) const;
  /// Something with this prefix, from `from` on, was changed after `since`.
  [[nodiscard]] bool has_changed_after(Revision since, std::string_view prefix, std::string_view from) const;
  void apply(const StoredChange& change);
  void put(StoredKey key);
  void erase(const std::string& key);
  void forget_lease(const StoredKey& key);

  Revision revision_;
  std::map<std::string, StoredKey> keys_;
  std::map<SessionId, std::set<std::string>> leased_;
  std::deque<LogEntry> history_;  ///< of the last revisions, without a gap
  std::size_t history_bytes_ = 0;
};

}  // namespace mq::meta
