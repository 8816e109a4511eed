#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "env/files.h"
#include "model/ids.h"

namespace mq::log {

class Segment;

/// What makes a log durable up to `covers_to()`: one fdatasync for each dirty file and, after a new name, the
/// directory's. Made by Log::begin_sync on the shard; `run` once, on the pool.
class SyncJob {
 public:
  [[nodiscard]] Offset covers_to() const { return covers_to_; }
  [[nodiscard]] Result<void> run();

 private:
  friend class Log;
  env::Files* files_ = nullptr;
  std::vector<std::pair<std::shared_ptr<Segment>, std::shared_ptr<env::File>>> dirty_;
  std::vector<std::string> names_;        ///< files whose contents are new too, e.g. partition.metadata
  std::vector<std::string> directories_;  ///< after the files, innermost first
  Offset covers_to_{0};
};

/// What saves the derived files of a log: syncs data, then indexes, writes and syncs snapshot, window and epochs, then
/// the directory (D-3), and removes snapshots that no segment needs any more. Made by Log::begin_checkpoint; `run`
/// once, on the pool.
class CheckpointJob {
 public:
  /// Recovery begins here once it was run.
  [[nodiscard]] Offset covers_to() const { return covers_to_; }
  [[nodiscard]] Result<void> run();

 private:
  friend class Log;
  env::Files* files_ = nullptr;
  std::string directory_;
  std::vector<std::shared_ptr<env::File>> data_files_;
  std::vector<std::string> index_files_;
  std::vector<std::pair<std::string, std::string>> replaced_files_;  ///< path and contents
  std::vector<std::string> obsolete_files_;
  std::vector<std::shared_ptr<Segment>> sealed_;
  Offset covers_to_{0};
  std::uint64_t bytes_appended_ = 0;
};

/// Files that nobody can find any more; removing a large one takes a while. Run on the pool; what cannot be removed is
/// found again at the next start.
class RemovalJob {
 public:
  [[nodiscard]] Result<void> run();

 private:
  friend class Log;
  env::Files* files_ = nullptr;
  std::vector<std::string> paths_;
};

/// A record found by its time.
struct TimestampOffset {
  WallMillis timestamp = -1;
  Offset offset{-1};
  LeaderEpoch leader_epoch = kNoLeaderEpoch;
};

/// Looks into batches for a record by its time; decompresses. Made by the Log on the shard; `run` on the pool.
class TimestampSearch {
 public:
  /// Nothing: no such record. corrupt_batch: the batch where it should be is damaged.
  [[nodiscard]] Result<std::optional<TimestampOffset>> run();

 private:
  friend class Log;
  /// Whole batches to look at, in order.
  struct Part {
    std::shared_ptr<env::File> file;
    std::uint64_t position = 0;
    std::uint64_t end = 0;
    std::string path;
  };
  std::vector<Part> parts_;
  WallMillis timestamp_ = 0;
  bool largest_ = false;
  Offset start_{0};
  Offset end_bound_{0};
};

}  // namespace mq::log
