#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "env/files.h"
#include "log/segment_reader.h"
#include "model/ids.h"

namespace mq::log {

class Segment;

/// What makes a log durable up to `covers_to()`: one fdatasync for each dirty file and, after a new name, one of the
/// directory. Made by Log::begin_sync on the shard; `run` once, on the pool.
class SyncJob {
 public:
  [[nodiscard]] Offset covers_to() const { return covers_to_; }
  [[nodiscard]] Result<void> run();

 private:
  friend class Log;
  env::Files* files_ = nullptr;
  std::vector<std::pair<std::shared_ptr<Segment>, std::shared_ptr<env::File>>> dirty_;
  std::string directory_;  ///< synced after the files; empty: it has no new name
  Offset covers_to_{0};
};

/// What saves the derived files of a log: syncs data, then indexes, writes and syncs snapshot, window and epochs, then
/// the directory (D-3), and removes snapshots that no segment needs any more. Made by Log::begin_checkpoint; `run`
/// once, on the pool. An error is final only when it is one of the data or of names; what Log::failed says after
/// Log::end_checkpoint.
class CheckpointJob {
 public:
  /// Recovery begins here once it was run.
  [[nodiscard]] Offset covers_to() const { return covers_to_; }
  [[nodiscard]] Result<void> run();
  /// Runs many at once with two syncs of `data`, the tree that holds their logs, where `run` of each takes half a
  /// dozen. disk_full: the logs' data is synced all the same. A sync that fails is final here whatever file it was for:
  /// it does not tell.
  [[nodiscard]] static Result<void> run_together(std::span<CheckpointJob> jobs, env::Tree& data);

 private:
  friend class Log;
  enum class Sync { each_file, none };
  /// Snapshots, windows and, under a temporary name, the epochs.
  Result<void> write_files(Sync sync);
  Result<void> sync_indexes();
  Result<void> rename_epochs();
  Result<void> remove_obsolete();

  env::Files* files_ = nullptr;
  std::string directory_;
  std::vector<std::shared_ptr<env::File>> data_files_;
  std::vector<std::shared_ptr<Segment>> indexed_;
  std::vector<std::shared_ptr<Segment>> lost_indexes_;          ///< a sync failed: what they hold is not known any more
  bool derived_only_ = false;                                   ///< an error is one of files that can be made anew
  std::vector<std::pair<std::string, std::string>> new_files_;  ///< path and contents
  std::string epochs_path_;                                     ///< empty: they are saved already
  std::string epochs_text_;
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

/// Reads what finding a range of a segment needs, for nothing but to have it in the page cache. Made by
/// Log::prepare_read on the shard; `run` on the pool.
class LookUp {
 public:
  void run();

 private:
  friend class Log;
  env::Files* files_ = nullptr;
  std::shared_ptr<env::File> file_;
  std::string path_;
  std::string index_path_;
  Offset base_{0};
  std::uint64_t size_ = 0;
  Offset from_{0};
  Offset bound_{0};
  std::size_t bytes_max_ = 0;
};

/// Reads what a log learns from its files before its first append, for nothing but to have it in the page cache: the
/// end of the newest segment, epochs, producer states and the batches that came after these were saved. Made by
/// Log::prepare_append on the shard; `run` on the pool.
class WarmUp {
 public:
  void run();

 private:
  friend class Log;
  struct Part {
    std::string path;
    std::string index_path;
    std::string times_path;
    Offset base;
    std::uint64_t size = 0;
  };
  env::Files* files_ = nullptr;
  std::vector<std::string> small_files_;  ///< read as a whole
  std::vector<Part> segments_;            ///< the newest last
  Offset from_{0};                        ///< batches from here on are walked over
};

/// Reads what a segment's times are learned from, and where its records of a time stand, for nothing but to have it in
/// the page cache. Made by Log::prepare_times on the shard; `run` on the pool.
class TimesLookUp {
 public:
  void run();

 private:
  friend class Log;
  env::Files* files_ = nullptr;
  std::shared_ptr<env::File> file_;
  std::string path_;
  std::string index_path_;
  std::string times_path_;
  Offset base_{0};
  std::uint64_t size_ = 0;
  WallMillis timestamp_ = 0;
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
  /// Where another search begins when this one finds nothing; nothing: it has seen all.
  [[nodiscard]] std::optional<Offset> goes_on_at() const { return goes_on_at_; }

 private:
  friend class Log;
  /// Whole batches to look at, in order.
  struct Part {
    std::shared_ptr<env::File> file;
    std::uint64_t position = 0;
    std::uint64_t end = 0;
    std::string path;
    Offset offset;  ///< with which the batch at `position` begins
    OffsetRules rules;
  };
  std::vector<Part> parts_;
  WallMillis timestamp_ = 0;
  bool largest_ = false;
  std::optional<Offset> goes_on_at_;
  Offset start_{0};
  Offset end_bound_{0};
};

}  // namespace mq::log
