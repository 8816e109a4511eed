#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "base/result.h"
#include "broker/partition.h"
#include "broker/shard_context.h"
#include "env/async.h"
#include "env/pool.h"
#include "log/file_range.h"
#include "log/leader_epochs.h"
#include "log/log_jobs.h"
#include "model/ids.h"

namespace mq::broker {

/// How far into a partition one reads.
enum class Bound : std::uint8_t {
  readable,  ///< the high watermark: what consumers may see
  stable,    ///< the last stable offset: what consumers of committed records may see
  log_end,   ///< all there is: loads, and who copies the log
};

/// The one way to read a partition: by offset, by time, by leader epoch.
///
/// What is read is checked: nothing is given out whose CRC this process has not seen. The shard's thread does
/// not wait for the disk: where a page is not in the cache, a job on the pool brings it in, and the look is taken
/// again. The methods that return at once say would_block where that is needed.
///
/// Damage, and what the disk cannot give, is told to the operator (Partition::tell_damage) and returned as the error of
/// its place; all else goes on. not_leader: the partition went away meanwhile. Its files may then be another's already,
/// so nothing of them is looked at.
///
/// On the shard of its partition. A reader is made for one question and costs nothing; while one of its coroutines
/// runs, the reader must live, and the coroutine keeps the partition.
class PartitionReader {
 public:
  explicit PartitionReader(Partition& partition) : partition_(partition) {}
  PartitionReader(const PartitionReader&) = delete;
  PartitionReader& operator=(const PartitionReader&) = delete;

  /// Where a reader comes to the end at this moment. Taken once for each question, so that its answer is of one moment.
  [[nodiscard]] Offset end_of(Bound bound) const;

  // --- By offset ----------------------------------------------------------------------------------------------------

  struct Place {
    Offset from;
    Offset end;  ///< from `end_of`
    std::size_t bytes_max = 0;
    bool at_least_one_batch = true;  ///< the first batch comes whatever its size
  };
  /// Whole batches that may leave as they are; empty at the end. See Log::read for the rest.
  [[nodiscard]] Result<log::FileRange> read_now(const Place& place);
  [[nodiscard]] awaitable<Result<log::FileRange>> read(Place place);
  /// The same, copied on the pool.
  [[nodiscard]] awaitable<Result<std::string>> read_bytes(Place place);

  /// A copy of such a range costs less than sending it from the file (4.4 against 6.6 us for 4 KiB), and is made
  /// without asking whether its pages are in the cache: that would cost as much again.
  [[nodiscard]] static bool is_small(const log::FileRange& range) { return range.size <= kSmallBytes; }

  // --- By time ------------------------------------------------------------------------------------------------------

  using FoundTime = Result<std::optional<log::TimestampOffset>>;
  /// The first record at or after `timestamp`, below `end`.
  [[nodiscard]] awaitable<FoundTime> find_time(WallMillis timestamp, Offset end);
  /// The record with the largest timestamp, below `end`.
  [[nodiscard]] awaitable<FoundTime> find_latest_time(Offset end);

  /// Calls `look(wait)`, a method of the log that looks at its times: without waiting for the disk, and again when the
  /// pool has brought in what it needs, for a search of `timestamp` too.
  template <class Look>
  [[nodiscard]] awaitable<std::invoke_result_t<Look&, log::Wait>> look_at_times(WallMillis timestamp, Look look);

  // --- By leader epoch ----------------------------------------------------------------------------------------------

  /// Where `epoch` ended.
  [[nodiscard]] Result<log::EpochEnd> end_of_epoch_now(LeaderEpoch epoch);
  [[nodiscard]] awaitable<Result<log::EpochEnd>> end_of_epoch(LeaderEpoch epoch);

  struct Start {
    Offset offset;
    LeaderEpoch leader_epoch = kNoLeaderEpoch;
  };
  /// Where the log begins, and the epoch of that place.
  [[nodiscard]] awaitable<Result<Start>> start();

  /// Returns once the log knows what it learns from its files before a first append: epochs and producers.
  [[nodiscard]] awaitable<Result<void>> until_warm();

 private:
  static constexpr std::size_t kSmallBytes = 4 << 10;

  [[nodiscard]] awaitable<Result<log::FileRange>> find(Place place);
  /// Reads and checks `range` on the pool: what of it is good, from its front.
  [[nodiscard]] awaitable<Result<log::FileRange>> check(log::FileRange range);
  template <class Prepare>
  [[nodiscard]] awaitable<FoundTime> search(WallMillis timestamp, Prepare prepare);
  /// The loop of every look: `look(wait)`, and while it would block the job of `prepare()` and another look.
  template <class Look, class Prepare>
  [[nodiscard]] awaitable<std::invoke_result_t<Look&, log::Wait>> look_again(Look look, Prepare prepare);
  /// Where waiting in the pool has not helped, the last look waits where it is.
  [[nodiscard]] std::size_t looks_max() const;
  /// Its epochs are in memory, or in the cache.
  [[nodiscard]] Result<void> begin_epoch();
  [[nodiscard]] Result<log::EpochEnd> look_up_epoch(LeaderEpoch epoch);
  [[nodiscard]] std::unexpected<Error> gone() const;
  [[nodiscard]] std::unexpected<Error> told(Error error) const;
  /// Runs `job` on the pool, which may wait for the disk.
  template <class Job>
  [[nodiscard]] auto on_pool(Job job) const {
    ShardContext& shard = partition_.shard();
    return shard.node.disk_pool().run(shard.shard, std::move(job));
  }

  Partition& partition_;
};

template <class Look>
awaitable<std::invoke_result_t<Look&, log::Wait>> PartitionReader::look_at_times(WallMillis timestamp, Look look) {
  return look_again(std::move(look), [this, timestamp] { return partition_.log().prepare_times(timestamp); });
}

template <class Look, class Prepare>
awaitable<std::invoke_result_t<Look&, log::Wait>> PartitionReader::look_again(Look look, Prepare prepare) {
  const auto kept = partition_.shared_from_this();
  for (std::size_t looks = 1;; ++looks) {
    if (partition_.is_retired()) co_return gone();
    auto seen = look(looks == 1 || looks < looks_max() ? log::Wait::no : log::Wait::yes);
    if (seen || seen.error().code != Errc::would_block) co_return seen;
    auto job = prepare();
    if (!job) co_return std::unexpected(std::move(job).error());
    partition_.begin_work();
    co_await on_pool([look_up = *std::move(job)]() mutable { look_up.run(); });
    partition_.end_work();
  }
}

}  // namespace mq::broker
