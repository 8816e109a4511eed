#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "client/cluster.h"
#include "model/ids.h"
#include "record/batch.h"
#include "record/record.h"

namespace mq::client {

enum class Isolation : std::int8_t { read_uncommitted = 0, read_committed = 1 };
/// What to do when there is no such offset (any more) in the log.
enum class OffsetReset { fail, start, end };

struct ConsumerOptions {
  Isolation isolation = Isolation::read_committed;
  OffsetReset reset = OffsetReset::fail;
  std::int32_t fetch_bytes_min = 1;
  std::int32_t fetch_bytes_max = 50 << 20;
  std::int32_t partition_bytes_max = 1 << 20;
  Duration fetch_wait = 500ms;
  std::string rack;  ///< where this process is: brokers may send it to a replica there (KIP-392); empty: nowhere
  std::size_t prefetch_bytes_max = 64u << 20;  ///< batches received and not yet polled
};

/// A batch from the log, CRC checked, with the bytes that it is made of.
struct FetchedBatch {
  std::shared_ptr<const TopicPartition> where;
  SharedBytes bytes;
  record::BatchHeader header;
  Offset first_offset;  ///< records before it are in the bytes but were not asked for
  Offset next_offset;   ///< where reading goes on after this batch
  Offset high_watermark;

  [[nodiscard]] record::BatchView view() const { return {header, bytes.view()}; }
};

/// A partition that cannot be read further as it is; the others go on.
struct PartitionError {
  TopicPartition where;
  Error error;
};

struct Polled {
  std::vector<FetchedBatch> batches;   ///< in offset order within each partition
  std::vector<PartitionError> errors;  ///< offset_out_of_range (policy `fail`), corrupt_batch, Errc::broker, not_found
};

struct OffsetQuery {
  /// Kafka's special timestamps; any other is "the first record with this time or later".
  static constexpr std::int64_t kEnd = -1;
  static constexpr std::int64_t kStart = -2;
  static constexpr std::int64_t kMaxTimestamp = -3;
  TopicPartition where;
  std::int64_t at = kEnd;
};
struct OffsetAnswer {
  TopicPartition where;
  Offset offset{-1};  ///< -1: no record is as young as that
  WallMillis timestamp = -1;
  LeaderEpoch leader_epoch = kNoLeaderEpoch;
};

/// Looks offsets up at the leaders, in the order of `queries`; tries again until `deadline`. The first error ends it.
/// With read_committed the end is the last stable offset.
awaitable<Result<std::vector<OffsetAnswer>>> list_offsets(Cluster& cluster, std::vector<OffsetQuery> queries,
                                                          Isolation isolation, Instant deadline);

/// Reads partitions that the caller names, from positions that the caller gives.
///
/// Fetches ahead in the background, at most `prefetch_bytes_max` plus one answer per broker. Uses incremental fetch
/// sessions. Broken connections and moved leaders are handled inside; the notice sink of the cluster hears of them.
/// Bound to the cluster's shard; not thread-safe. `close` before destroying it.
class Consumer {
 public:
  Consumer(Cluster& cluster, ConsumerOptions options);
  ~Consumer();
  Consumer(const Consumer&) = delete;
  Consumer& operator=(const Consumer&) = delete;

  /// Adds a partition, or moves one: what was fetched for it before is dropped. `epoch` is that of the last record read
  /// before `position`, when known: then a log that was cut below `position` is noticed.
  void assign(const TopicPartition& where, Offset position, LeaderEpoch epoch = kNoLeaderEpoch);
  void unassign(const TopicPartition& where);
  /// Stops and resumes handing out and fetching a partition.
  void pause(const TopicPartition& where, bool paused);

  /// Batches as they come; nothing at all when none came within `wait`. Positions move over control batches and gaps of
  /// compaction, so compare `position` with an end, never the last record.
  awaitable<Result<Polled>> poll(Duration wait);
  /// Ends a waiting `poll` with what there is.
  void wake();

  /// Where reading goes on after everything that `poll` gave out; nothing when the partition is not assigned.
  [[nodiscard]] std::optional<Offset> position(const TopicPartition& where) const;
  /// Of the last batch that was given out; kNoLeaderEpoch before the first.
  [[nodiscard]] LeaderEpoch position_epoch(const TopicPartition& where) const;
  /// The newest known end of the partition that this isolation sees; nothing before the first answer.
  [[nodiscard]] std::optional<Offset> known_end(const TopicPartition& where) const;
  [[nodiscard]] std::vector<TopicPartition> assignment() const;

  awaitable<void> close();

  /// Holds between any two tasks of the shard. Looks at every partition and every batch.
  void check_invariants() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

/// Calls `each(const record::RecordView&)` for the records of `batch` that were asked for. `reader` serves many
/// batches. Errors as record::RecordReader: the batch lies about its records or expands beyond the limits.
template <class Each>
Result<void> for_each_record(record::RecordReader& reader, const FetchedBatch& batch, Each&& each) {
  return record::for_each_record(reader, batch.view(), [&](const record::RecordView& record) -> Result<void> {
    if (record.offset < batch.first_offset) return {};
    if constexpr (std::is_void_v<std::invoke_result_t<Each&, const record::RecordView&>>) {
      each(record);
      return {};
    } else {
      return each(record);
    }
  });
}

}  // namespace mq::client
