#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "cluster/transaction.h"
#include "env/async.h"

namespace mq::meta {

// The vocabulary of transactions, which plans without I/O speak too.
using cluster::check_limits;
using cluster::Compare;
using cluster::KeyValue;
using cluster::kKeyBytesMax;
using cluster::kNoRevision;
using cluster::kTransactionBytesMax;
using cluster::kTransactionKeysMax;
using cluster::Op;
using cluster::Revision;
using cluster::Transaction;
using cluster::WriteId;

/// All keys that begin with a prefix, as they were at one moment.
struct Listing {
  Revision revision;
  std::vector<KeyValue> entries;  ///< by key, in the order of unsigned bytes
};

/// A key that belongs to one holder at a time. The lease alone entitles to nothing: its holder adds
/// `Compare::created_at(key, created)` to every transaction, which fails once somebody else holds it.
struct Lease {
  std::string key;
  Revision created;  ///< larger with each acquisition: the fencing token (the controller epoch)
};

/// Where the cluster's metadata is kept: versioned keys, compare-and-set, a watch, leases.
///
/// Keys and values are bytes. Belongs to one shard: all calls on its thread; several may be in progress, each is
/// atomic. Errors of every call: disk_failed (final: every later call fails with it, the broker stops), timed_out and
/// unreachable (remote stores only; a transaction may have taken effect, see WriteId), corrupt, closed (after `close`).
class MetadataStore {
 public:
  /// Does no I/O and does not wait. Nothing may be in progress, unless the shard never runs again.
  virtual ~MetadataStore() = default;

  virtual awaitable<Result<std::optional<KeyValue>>> get(std::string key) = 0;
  /// The truth. An empty prefix lists everything.
  virtual awaitable<Result<Listing>> list(std::string prefix) = 0;
  /// Does all of `ops` if all of `compares` hold, else nothing and `conflict`. Durable on return. Without ops it only
  /// compares and returns the revision it saw. disk_full: nothing changed. See also `check_limits`.
  virtual awaitable<Result<Revision>> transact(Transaction transaction) = 0;
  /// Returns when the store may have changed after `seen`, with the newest revision known; timed_out at `deadline`,
  /// cancelled by `close`. A hint: it may come without a change. List to learn what is true.
  virtual awaitable<Result<Revision>> wait_for_change(Revision seen, Instant deadline) = 0;

  /// Takes `key`, with `holder` as its value. conflict: somebody else holds it. Another process takes it over when
  /// `ttl` has passed without `renew_lease`. A store that only this process can open grants it to the first who asks
  /// here.
  virtual awaitable<Result<Lease>> acquire_lease(std::string key, std::string holder, Duration ttl) = 0;
  /// conflict: it was lost.
  virtual awaitable<Result<void>> renew_lease(Lease lease) = 0;
  /// Erases the key. conflict: it was lost before.
  virtual awaitable<Result<void>> release_lease(Lease lease) = 0;

  /// Waits for what is in progress, ends `wait_for_change` and closes. Optional: a store that is merely destroyed comes
  /// back with everything that was answered.
  virtual awaitable<Result<void>> close() = 0;
};

}  // namespace mq::meta
