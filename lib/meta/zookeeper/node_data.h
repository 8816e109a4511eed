#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "meta/metadata_store.h"
#include "meta/zookeeper/node_names.h"

namespace mq::meta {

/// What the node `head` says: which transaction was the last, and which changes are kept.
struct Head {
  Revision revision;
  Revision changes_after;  ///< every later one is kept
  friend bool operator==(const Head&, const Head&) = default;
};

/// What the node of a key holds.
struct StoredKey {
  KeyValue said;
  SessionId session = kNoSession;  ///< of a leased key: it goes when this one does
  friend bool operator==(const StoredKey&, const StoredKey&) = default;
};

/// What a transaction did to one key.
struct StoredChange {
  StoredKey key;  ///< as it was put; of an erased key its name alone
  bool is_erased = false;
  friend bool operator==(const StoredChange&, const StoredChange&) = default;
};

/// What the node of a change holds: one whole transaction.
struct LogEntry {
  Revision revision;
  WallMillis made_at = 0;     ///< by the clock of whoever wrote it
  std::uint64_t attempt = 0;  ///< drawn for each call of `transact`; tells whose entry this is
  WriteId write_id{};
  std::vector<StoredChange> changes;  ///< in the order of its ops; erasing a missing key is none
  /// Keys and values, as they count for what is kept.
  [[nodiscard]] std::size_t bytes() const;
  friend bool operator==(const LogEntry&, const LogEntry&) = default;
};

// Each of these is bytes of its own format, 1, with a CRC but for `head`, which is text. corrupt: the bytes are not
// what `encode` makes. A value of the node of one key is refused in that of another.

[[nodiscard]] std::string encode(const Head& head);
[[nodiscard]] Result<Head> decode_head(BytesView bytes);
[[nodiscard]] std::string encode(const StoredKey& key);
[[nodiscard]] Result<StoredKey> decode_key(std::string_view key, BytesView bytes);
[[nodiscard]] std::string encode(const LogEntry& entry);
/// Of the node of the change that made `revision`.
[[nodiscard]] Result<LogEntry> decode_entry(Revision revision, BytesView bytes);

}  // namespace mq::meta
