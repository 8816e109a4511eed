#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "broker/api/fetch_session.h"
#include "cluster/image.h"
#include "env/async.h"
#include "log/file_range.h"
#include "model/error_code.h"
#include "model/ids.h"
#include "wire/messages/fetch.h"

namespace mq::broker {

class ShardServices;

struct FetchItem;

/// What is left for an answer.
struct FetchRoom {
  std::size_t bytes = 0;
  std::size_t copied_bytes = 1 << 20;  ///< of these, copies that are made because open files are scarce
  bool is_untouched = true;            ///< nothing is in it yet: the first batch comes whatever its size (KIP-74)
  bool lacks_file = false;             ///< no more files can be opened now, so nobody looks for one

  void take(const FetchItem& item);
};

/// Which broker fetches, to copy the log; nobody: a consumer does.
struct FetchingReplica {
  BrokerId id = kNoBroker;
  cluster::BrokerEpoch broker_epoch = cluster::kNoBrokerEpoch;
  [[nodiscard]] bool is_there() const { return id != kNoBroker; }
};

/// One partition of a fetch: the question, and the answer of its shard. What it says is of one moment: the range of a
/// consumer ends below the high watermark that stands beside it, that of a follower at the log's end. A consumer may
/// ask a follower, too, which answers up to the high watermark that it knows.
struct FetchItem {
  FetchedPartition wanted;
  FetchingReplica replica;
  const cluster::Topic* topic = nullptr;  ///< kept alive by the fetch's image
  ShardServices* owner = nullptr;         ///< null when `error` was known without reading
  bool may_follow = false;                ///< a follower answers as well (KIP-392)
  std::vector<BrokerId> nearby;           ///< replicas in the client's rack, where their leader, this broker, is not
  bool is_woken = true;                   ///< there may be more than was read
  bool has_told = false;                  ///< the leader's replica knows what the follower has

  ErrorCode error = ErrorCode::kNone;
  Offset high_watermark{-1};
  Offset end{-1};  ///< how far it may be read
  Offset last_stable{-1};
  Offset log_start{-1};
  Offset start_wanted{-1};         ///< where the log of a follower is to begin
  bool has_later_start = false;    ///< which it has not been told yet
  BrokerId preferred = kNoBroker;  ///< of those nearby, from whom the client is to read; it gets no records here
  wire::FetchResponse::EpochEndOffset diverging;
  LeaderEpoch leader_epoch = kNoLeaderEpoch;
  log::FileRange range;
  std::string copy;         ///< of the range, whose file is not held then
  bool lacks_file = false;  ///< no file could be opened for it: later, when others have let go of theirs

  /// What was read is forgotten.
  void clear() {
    range = {};
    if (!copy.empty()) copy = std::string();
    lacks_file = false;
  }
  /// The log has another history than the client (KIP-595); it gets no records.
  [[nodiscard]] bool diverges() const { return diverging.epoch >= 0; }
  [[nodiscard]] bool is_sent_elsewhere() const { return preferred != kNoBroker; }
  /// A follower has to know it now, though there are no records for it.
  [[nodiscard]] bool has_news_for_replica() const { return has_more_committed() || has_later_start; }
  /// More is committed than the follower knows.
  [[nodiscard]] bool has_more_committed() const { return high_watermark.value() > wanted.known_high_watermark; }
};

inline void FetchRoom::take(const FetchItem& item) {
  const std::size_t taken = item.range.size;
  bytes -= std::min(bytes, taken);
  copied_bytes -= std::min(copied_bytes, item.copy.size());
  is_untouched = is_untouched && taken == 0;
  lacks_file = lacks_file || item.lacks_file;
}

// Both are called on the shard of the item's partition.

/// Reads `item` if that needs no waiting for the disk; else returns false.
bool read_item_now(FetchItem& item, const FetchRoom& room);
/// `item` outlives the call.
awaitable<void> read_item(FetchItem& item, FetchRoom room);

}  // namespace mq::broker
