#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "model/ids.h"

namespace mq::log {

class Segment;

/// One run of compaction over segments that no longer change. Keeps the newest record of each key, and tombstones until
/// everybody had delete.retention.ms to see them (the batch's delete horizon, as in Kafka); keeps offsets, last offset
/// deltas, epochs, timestamps and producer fields. Even when they become empty it keeps the last five batches of each
/// producer (P-5; Kafka keeps the last one) and the first of each leader epoch, so that what a log knows of epochs can
/// be made anew from it, here and where it is copied to (R-3; Kafka does not).
///
/// Made by Log::begin_compaction on the shard; `step` on the pool until `done`, then Log::finish_compaction on the
/// shard. Memory: `compaction_memory_bytes` for the map of keys (it compacts fewer segments when there are more keys),
/// and a few batches. Writes `*.cleaned` files and syncs them; nothing else changes before `finish_compaction` (D-8).
class CompactionJob {
 public:
  struct Work;
  explicit CompactionJob(std::unique_ptr<Work> work);
  CompactionJob(CompactionJob&&) noexcept;
  CompactionJob& operator=(CompactionJob&&) noexcept;
  ~CompactionJob();
  /// Does a part of the work, some 8 MiB of reading. An error ends the job: abandon it. corrupt_batch: damage is never
  /// compacted away.
  [[nodiscard]] Result<void> step();
  [[nodiscard]] bool done() const;
  [[nodiscard]] std::uint64_t bytes_read() const;
  [[nodiscard]] std::uint64_t bytes_written() const;
  /// For the log that it was made by.
  [[nodiscard]] Work& work() const { return *work_; }

 private:
  std::unique_ptr<Work> work_;
};

}  // namespace mq::log
