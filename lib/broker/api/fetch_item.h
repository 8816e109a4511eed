#pragma once

#include <algorithm>
#include <cstddef>

#include "broker/api/fetch_session.h"
#include "env/async.h"
#include "log/file_range.h"
#include "model/error_code.h"
#include "model/ids.h"
#include "wire/messages/fetch.h"

namespace mq::cluster {
struct Topic;
}  // namespace mq::cluster

namespace mq::broker {

class ShardServices;

/// What is left of the bytes that an answer may have.
struct FetchRoom {
  std::size_t bytes = 0;
  bool is_untouched = true;  ///< nothing is in it yet: the first batch comes whatever its size (KIP-74)

  void take(std::size_t taken) {
    bytes -= std::min(bytes, taken);
    is_untouched = is_untouched && taken == 0;
  }
};

/// One partition of a fetch: the question, and the answer of its shard. What it says is of one moment: the range ends
/// below the high watermark that stands beside it.
struct FetchItem {
  FetchedPartition wanted;
  const cluster::Topic* topic = nullptr;  ///< kept alive by the fetch's image
  ShardServices* owner = nullptr;         ///< null when `error` was known without reading
  bool is_woken = true;                   ///< there may be more than was read

  ErrorCode error = ErrorCode::kNone;
  Offset high_watermark{-1};
  Offset last_stable{-1};
  Offset log_start{-1};
  wire::FetchResponse::EpochEndOffset diverging;
  LeaderEpoch leader_epoch = kNoLeaderEpoch;
  log::FileRange range;

  /// The log has another history than the client (KIP-595); it gets no records.
  [[nodiscard]] bool diverges() const { return diverging.epoch >= 0; }
};

// Both are called on the shard of the item's partition.

/// Reads `item` if that needs no waiting for the disk; else returns false.
bool read_item_now(FetchItem& item, const FetchRoom& room);
/// `item` outlives the call.
awaitable<void> read_item(FetchItem& item, FetchRoom room);

}  // namespace mq::broker
