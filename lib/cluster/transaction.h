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

namespace mq::cluster {

/// A moment in the life of a metadata store. Grows with each transaction that changed it and never goes back. 0 is
/// before the first.
using Revision = Strong<std::int64_t, struct RevisionTag>;
inline constexpr Revision kNoRevision{0};

/// Chosen at random by whoever writes, kept with every key that the transaction puts. After an answer that leaves it
/// open whether a transaction took effect (timed_out, unreachable, disk_failed) the writer reads one of its keys again
/// and compares: a transaction is never sent blindly a second time.
using WriteId = std::array<std::uint8_t, 16>;

/// One entry of the metadata store.
struct KeyValue {
  std::string key;
  std::string value;
  Revision created{};   ///< of the transaction that made the key; a key that was erased and put again is a new key
  Revision modified{};  ///< of the transaction that put this value
  WriteId write_id{};
  friend bool operator==(const KeyValue&, const KeyValue&) = default;
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
  friend bool operator==(const Compare&, const Compare&) = default;
};

/// How long a key stays that a transaction puts.
enum class Stay {
  for_good,  ///< until somebody erases it
  leased,    ///< as long as the session of the store that put it, at most
};

/// What a transaction does to one key.
struct Op {
  std::string key;
  std::optional<std::string> value;  ///< none: erase
  Stay stay = Stay::for_good;        ///< of what is put, whatever it was before

  static Op put(std::string key, std::string value, Stay stay = Stay::for_good) {
    return {std::move(key), std::move(value), stay};
  }
  /// Erasing a key that is not there is fine.
  static Op erase(std::string key) { return {std::move(key), std::nullopt}; }
  friend bool operator==(const Op&, const Op&) = default;
};

/// Takes effect as a whole, or not at all.
struct Transaction {
  std::vector<Compare> compares;
  std::vector<Op> ops;  ///< at most one per key
  WriteId write_id{};
};

/// What a transaction did to one key.
struct Change {
  /// As it was put; `modified` and `write_id` are the transaction's. Of a key that was erased: the key and these two.
  KeyValue entry;
  bool is_erased = false;
};

/// What `transaction` has changed, committed at `revision`. Without what only the store knows: when a key was made.
[[nodiscard]] std::vector<Change> changes_of(const Transaction& transaction, Revision revision);

/// The limits of every back end, so that a caller cannot come to depend on a generous one.
inline constexpr std::size_t kTransactionKeysMax = 100;         ///< compares, and as many ops
inline constexpr std::size_t kTransactionBytesMax = 256 << 10;  ///< keys and values together
inline constexpr std::size_t kKeyBytesMax = 1024;

/// too_large over a limit; invalid_argument for an empty key or two ops on one key. Every back end calls it first.
[[nodiscard]] Result<void> check_limits(const Transaction& transaction);
/// It puts a key that lasts as long as a session: without one it conflicts.
[[nodiscard]] bool puts_leased(const Transaction& transaction);

}  // namespace mq::cluster
