#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "cluster/transaction.h"
#include "env/async.h"

namespace mq::meta {

// The vocabulary of transactions, which plans without I/O speak too.
using cluster::Change;
using cluster::check_limits;
using cluster::Compare;
using cluster::KeyValue;
using cluster::kKeyBytesMax;
using cluster::kNoRevision;
using cluster::kTransactionBytesMax;
using cluster::kTransactionKeysMax;
using cluster::Op;
using cluster::puts_leased;
using cluster::Revision;
using cluster::Stay;
using cluster::Transaction;
using cluster::WriteId;

/// What a back end has answered enough with, in one page of a list or of changes.
inline constexpr std::size_t kPageEntriesMax = 1000;
inline constexpr std::size_t kPageBytesMax = 1 << 20;

/// Whether a page holds enough. The entry that makes it so is its last, so a page is never empty when there is
/// something to tell.
class PageFill {
 public:
  void add(const KeyValue& entry);
  [[nodiscard]] bool is_full() const { return entries_ >= kPageEntriesMax || bytes_ >= kPageBytesMax; }

 private:
  std::size_t entries_ = 0;
  std::size_t bytes_ = 0;
};

/// Where a list goes on.
struct NextPage {
  Revision revision;  ///< of the first page
  std::string after;  ///< the last key of the page before
};

/// Keys that begin with a prefix, as they were at one moment: all of them, or a page.
struct Listing {
  Revision revision;              ///< the moment; every page has that of the first
  std::vector<KeyValue> entries;  ///< by key, in the order of unsigned bytes
  std::optional<NextPage> next;   ///< none: this is the end
};

/// What whole transactions did, in the order of their revisions, and within each in the order of its ops. Erasing a key
/// that was not there is no change.
struct Changes {
  Revision revision;  ///< whoever applies these stands here; the next `changes` begins after it
  std::vector<Change> entries;
  bool has_more = false;  ///< there is more already
};

/// How long what was changed is kept for `changes`: up to ten minutes and 10,000 transactions, often less.
inline constexpr Duration kChangesKept = std::chrono::minutes(10);
inline constexpr std::int64_t kChangesKeptMax = 10'000;

/// Where the cluster's metadata is kept: versioned keys, compare-and-set, what changed since, leases.
///
/// Keys and values are bytes. Belongs to one shard: all calls on its thread; several may be in progress, each is
/// atomic. Errors of every call: disk_failed (final: every later call fails with it, the broker stops), timed_out and
/// unreachable (remote stores only; a transaction may have taken effect, see WriteId), refused (remote stores only:
/// they do not let us; nothing was done), corrupt, closed (after `close`).
///
/// Leases. A store has one session at a time. What it puts with `Stay::leased` is erased when the session ends, by
/// transactions that all see as changes. A key that belongs to one holder at a time is put so with `Compare::absent`.
/// The key alone entitles to nothing: its holder adds `Compare::created_at(key, created)` to every transaction, which
/// fails once somebody else holds it; `created` grows with each holder and is the fencing token.
class MetadataStore {
 public:
  /// Does no I/O and does not wait. Nothing may be in progress, unless the shard never runs again.
  virtual ~MetadataStore() = default;

  virtual awaitable<Result<std::optional<KeyValue>>> get(std::string key) = 0;
  /// The truth, in pages: the first, or the one where `Listing::next` goes on. An empty prefix lists everything.
  /// Nothing: the moment of the first page cannot be told any more; begin again. Never for a first page. See
  /// `list_all`.
  virtual awaitable<Result<std::optional<Listing>>> list(std::string prefix, std::optional<NextPage> page) = 0;
  /// What was put and erased after `since`, in pages. Nothing: too old (or this store was never there); list again.
  virtual awaitable<Result<std::optional<Changes>>> changes(Revision since) = 0;
  /// Does all of `ops` if all of `compares` hold, else nothing and `conflict`. Durable on return. Without ops it only
  /// compares and returns the revision it saw. disk_full: nothing changed. conflict also for a leased key when the
  /// session has ended. See also `check_limits`.
  virtual awaitable<Result<Revision>> transact(Transaction transaction) = 0;
  /// Returns when the store may have changed after `seen`, with the newest revision known; timed_out at `deadline`,
  /// cancelled by `close`. A hint: it may come without a change. Ask for the changes to learn what is true.
  virtual awaitable<Result<Revision>> wait_for_change(Revision seen, Instant deadline) = 0;

  /// Begins a session, which ends when `renew_session` was not called for `ttl`; another one of this store ends first.
  /// Returns the ttl that counts, which may be longer than the one wished for. A store that only this process can open
  /// ends it with the process, at the latest when it is opened again.
  virtual awaitable<Result<Duration>> begin_session(Duration ttl) = 0;
  /// conflict: it has ended, and its keys are gone or about to go.
  virtual awaitable<Result<void>> renew_session() = 0;
  /// Erases its keys. conflict: it had ended before.
  virtual awaitable<Result<void>> end_session() = 0;

  /// Nobody needs to be told any more what was changed up to `until`: a store that keeps it until somebody says so
  /// forgets it, and one that forgets by itself (see kChangesKept) does nothing. An error changes nothing that counts.
  virtual awaitable<Result<void>> forget_changes(Revision /*until*/) { co_return Result<void>{}; }
  /// A stop has begun: each call from now on waits for a service that is not there no longer than `patience`. For a
  /// store whose disk is here nothing changes.
  virtual void hurry(Duration /*patience*/) {}
  /// Waits for what is in progress, ends `wait_for_change` and the session, and closes. Optional: a store that is
  /// merely destroyed comes back with everything that was answered.
  virtual awaitable<Result<void>> close() = 0;
};

/// All pages of a list, as they were at one moment; begins again where it must. `store` must outlive it.
awaitable<Result<Listing>> list_all(MetadataStore& store, std::string prefix);

}  // namespace mq::meta
