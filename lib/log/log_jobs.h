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

// What blocks for long. A log makes such a job on its shard, `run` runs once on the pool, and the log takes the outcome
// on its shard again. A job holds what it needs: the log may be gone meanwhile.

/// What makes a log durable: one fdatasync for each dirty file and, after a new name, one of the directory. Made by
/// Log::begin_sync.
struct SyncJob {
  env::Files* files = nullptr;
  std::vector<std::shared_ptr<env::File>> dirty = {};
  std::string directory = {};  ///< synced after the files; empty: it has no new name
  [[nodiscard]] Result<void> run() const;
};

/// What saves the derived files of a log: syncs data, then indexes, writes and syncs snapshot, window and epochs, then
/// the directory (D-3), and removes snapshots that no segment needs any more. Made by Log::begin_checkpoint. An error
/// is final only when it is one of the data or of names; what Log::failed says after Log::end_checkpoint.
class CheckpointJob {
 public:
  struct Parts {
    env::Files* files = nullptr;
    std::string directory = {};
    Offset covers_to{0};
    std::vector<std::shared_ptr<env::File>> data_files = {};
    std::vector<std::shared_ptr<Segment>> indexed = {};
    std::vector<std::pair<std::string, std::string>> new_files = {};       ///< path and contents
    std::vector<std::pair<std::string, std::string>> replaced_files = {};  ///< of the epochs; none: they are saved
    std::vector<std::string> obsolete_files = {};
  };
  explicit CheckpointJob(Parts parts) : parts_(std::move(parts)) {}

  /// Recovery begins here once it was run.
  [[nodiscard]] Offset covers_to() const { return parts_.covers_to; }
  /// Does a part of it, a dozen syncs at most, so that other jobs of the pool come between. True: all is done. After
  /// disk_full it can be called again; after another error nothing more is to be done.
  [[nodiscard]] Result<bool> step();
  /// All steps, for who has nobody waiting.
  [[nodiscard]] Result<void> run();
  /// Runs many at once with two syncs of `data`, the tree that holds their logs, where each by itself takes half a
  /// dozen at least. disk_full: the logs' data is synced all the same. A sync that fails is final here whatever file it
  /// was for: it does not tell.
  [[nodiscard]] static Result<void> run_together(std::span<CheckpointJob> jobs, env::Tree& data);
  /// After an error: it was one of files that can be made anew.
  [[nodiscard]] bool is_derived_only() const { return derived_only_; }
  /// After an error: a sync failed, so what their indexes hold is not known any more.
  [[nodiscard]] const std::vector<std::shared_ptr<Segment>>& lost_indexes() const { return lost_indexes_; }

 private:
  enum class Sync { each_file, none };
  /// Snapshots, windows and, under temporary names, the epochs.
  Result<void> write_files(Sync sync);
  void sync_indexes(const std::shared_ptr<Segment>& segment);
  Result<void> save_derived();
  Result<void> rename_epochs();
  Result<void> remove_obsolete();

  Parts parts_;
  std::size_t data_synced_ = 0;
  std::size_t indexes_synced_ = 0;
  Result<void> indexes_;  ///< how that went so far
  std::vector<std::shared_ptr<Segment>> lost_indexes_;
  bool derived_only_ = false;
};

/// Files that nobody can find any more; removing a large one takes a while. What cannot be removed is found again at
/// the next start, or is given back to the log.
struct RemovalJob {
  env::Files* files = nullptr;
  std::vector<std::string> paths = {};
  [[nodiscard]] Result<void> run() const;
};

/// Reads what finding a range of a segment needs, for nothing but to have it in the page cache. Made by
/// Log::prepare_read.
struct LookUp {
  env::Files* files = nullptr;
  std::shared_ptr<env::File> file = nullptr;
  std::string path = {};
  std::string index_path = {};
  Offset base{0};
  std::uint64_t size = 0;
  Offset from{0};
  Offset bound{0};
  std::size_t bytes_max = 0;
  void run() const;
};

/// Reads what a log learns from its files before its first append, for nothing but to have it in the page cache: the
/// end of the newest segment, epochs, producer states and the batches that came after these were saved. Made by
/// Log::prepare_append.
struct WarmUp {
  struct Part {
    std::string path;
    std::string index_path;
    std::string times_path;
    Offset base;
    std::uint64_t size = 0;
  };
  env::Files* files = nullptr;
  std::vector<std::string> small_files = {};  ///< read as a whole
  std::vector<Part> segments = {};            ///< the newest last
  Offset from{0};                             ///< batches from here on are walked over
  void run() const;
};

/// Reads what a segment's times are learned from, and where its records of a time stand, for nothing but to have it in
/// the page cache. Made by Log::prepare_times.
struct TimesLookUp {
  env::Files* files = nullptr;
  std::shared_ptr<env::File> file = nullptr;
  std::string path = {};
  std::string index_path = {};
  std::string times_path = {};
  Offset base{0};
  std::uint64_t size = 0;
  WallMillis timestamp = 0;
  void run() const;
};

/// A record found by its time.
struct TimestampOffset {
  WallMillis timestamp = -1;
  Offset offset{-1};
  LeaderEpoch leader_epoch = kNoLeaderEpoch;
};

/// Looks into batches for a record by its time; decompresses. Made by Log::find_timestamp and its like.
class TimestampSearch {
 public:
  /// Whole batches to look at, in order.
  struct Part {
    std::shared_ptr<env::File> file;
    std::uint64_t position = 0;
    std::uint64_t end = 0;
    std::string path;
    Offset offset;  ///< with which the batch at `position` begins
    OffsetRules rules;
  };
  struct Parts {
    std::vector<Part> parts = {};
    WallMillis timestamp = 0;
    bool largest = false;  ///< the record with the largest timestamp is wanted
    std::optional<Offset> goes_on_at = std::nullopt;
    Offset start{0};
    Offset end_bound{0};
  };
  explicit TimestampSearch(Parts parts) : parts_(std::move(parts)) {}

  /// Nothing: no such record. corrupt_batch: the batch where it should be is damaged.
  [[nodiscard]] Result<std::optional<TimestampOffset>> run();
  /// Where another search begins when this one finds nothing; nothing: it has seen all.
  [[nodiscard]] std::optional<Offset> goes_on_at() const { return parts_.goes_on_at; }

 private:
  Parts parts_;
};

}  // namespace mq::log
