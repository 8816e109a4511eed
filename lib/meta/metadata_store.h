#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/strong.h"
#include "base/time.h"
#include "env/async.h"

namespace mq::meta {

/// A moment in the life of a store: the number of transactions that changed it. Grows by one with each of them and
/// never goes back. 0 is before the first.
using Revision = Strong<std::int64_t, struct RevisionTag>;
inline constexpr Revision kNoRevision{0};

/// Chosen at random by whoever writes, kept with every key that the transaction puts. After an answer that leaves it
/// open whether a transaction took effect (timed_out, unreachable, disk_failed) the writer reads one of its keys again
/// and compares: a transaction is never sent blindly a second time.
using WriteId = std::array<std::uint8_t, 16>;

struct KeyValue {
  std::string key;
  std::string value;
  Revision created;   ///< of the transaction that made the key; a key that was erased and put again is a new key
  Revision modified;  ///< of the transaction that put this value
  WriteId write_id{};
};

/// What must hold for a transaction to take effect.
struct Compare {
  enum class Fact { absent, exists, created_at, modified_at };
  std::string key;
  Fact fact = Fact::absent;
  Revision revision;  ///< for created_at and modified_at

  static Compare absent(std::string key) { return {std::move(key), Fact::absent, kNoRevision}; }
  static Compare exists(std::string key) { return {std::move(key), Fact::exists, kNoRevision}; }
  static Compare created_at(std::string key, Revision at) { return {std::move(key), Fact::created_at, at}; }
  static Compare modified_at(std::string key, Revision at) { return {std::move(key), Fact::modified_at, at}; }

  /// Whether it holds for a key that is there, or is not (null).
  [[nodiscard]] bool holds(const KeyValue* found) const;
};

/// What a transaction does to one key.
struct Op {
  std::string key;
  std::optional<std::string> value;  ///< none: erase

  static Op put(std::string key, std::string value) { return {std::move(key), std::move(value)}; }
  /// Erasing a key that is not there is fine.
  static Op erase(std::string key) { return {std::move(key), std::nullopt}; }
};

struct Transaction {
  std::vector<Compare> compares;
  std::vector<Op> ops;  ///< at most one per key
  WriteId write_id{};
};

/// The limits of every back end, so that a caller cannot come to depend on a generous one.
inline constexpr std::size_t kTransactionKeysMax = 100;
inline constexpr std::size_t kTransactionBytesMax = 512 << 10;  ///< keys and values together
inline constexpr std::size_t kKeyBytesMax = 1024;

/// too_large over a limit; invalid_argument for an empty key or two ops on one key. Every back end calls it first.
[[nodiscard]] Result<void> check_limits(const Transaction& transaction);

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
