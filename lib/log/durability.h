#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "model/ids.h"

// How a log gets onto the disk.
//
// 1. An append leaves a batch in the page cache and marks its segment dirty.
// 2. A sync round takes what is dirty (`begin_sync`), the pool syncs it, `end_sync` moves the synced end to where the
//    log ended when the round began. What was appended meanwhile is dirty again and waits for the next round.
// 3. A checkpoint (`begin_checkpoint`) besides saves what is made from batches: indexes, snapshots, epochs.
//    `end_checkpoint` moves the recovery point likewise: recovery reads nothing before it.
// 4. A truncation lowers all ends, also where a round under way would move them: what is appended in the place of what
//    was cut is not on disk because an older round ends well. And until a round that began after the cut has ended, a
//    power cut may bring back what was cut, behind or amid what has taken its place. So nothing is appended before
//    that.
// 5. A failed write or sync ends all of this for ever.

namespace mq::log {

/// What a sync round makes durable.
struct SyncRound {
  std::vector<Offset> segments;
  bool names = false;  ///< of the log's directory
  Offset covers_to{0};
  bool covers_cut = true;  ///< no truncation came since it began
};

/// What a checkpoint saves.
struct SaveRound {
  std::vector<Offset> sealed;
  bool epochs = false;
  Offset covers_to{0};
  std::uint64_t bytes = 0;  ///< appended since the one before
};

/// How far one log has come on its way to the disk: its ends, and what is dirty. A state machine without I/O; segments
/// are named by their base offsets. Not thread-safe.
class Durability {
 public:
  /// All of a log that is on disk from `start` to `end`.
  explicit Durability(Offset start = Offset{0}, std::optional<Offset> end = std::nullopt)
      : start_(start), recovery_point_(end.value_or(start)), on_disk_(recovery_point_), end_(recovery_point_) {}

  // --- Ends: each is at most the next one ---------------------------------------------------------------------------
  [[nodiscard]] Offset start() const { return start_; }
  /// Everything below is on disk with what is made from it.
  [[nodiscard]] Offset recovery_point() const { return recovery_point_; }
  /// Everything below is on disk, or below the log's start.
  [[nodiscard]] Offset synced() const { return std::max(on_disk_, start_); }
  [[nodiscard]] Offset end() const { return end_; }
  /// Everything below was synced. Below `synced` after the start has passed what was not: until the new start is on
  /// disk too, a crash may bring the old one back, and with it the question what was synced.
  [[nodiscard]] Offset on_disk() const { return on_disk_; }
  [[nodiscard]] bool failed() const { return failed_; }

  // --- What happens to the log --------------------------------------------------------------------------------------
  /// Recovery read the log from `recovery_point` on; what is made from that is not saved yet.
  void on_recovery(Offset recovery_point);
  /// A batch of so many bytes that ends at `end` came into `segment`.
  void on_append(Offset segment, Offset end, std::uint64_t bytes) {
    mark_unsynced(segment);
    end_ = end;
    bytes_unsaved_ += bytes;
  }
  /// A name was made, changed or removed in its directory.
  void on_name() { names_unsynced_ = true; }
  void on_epochs() { epochs_unsaved_ = true; }
  /// `segment` takes no more batches: a checkpoint saves its indexes.
  void on_seal(Offset segment);
  /// Compaction has put another into its place, on disk and saved already.
  void on_replace(Offset segment);
  /// Nothing below `start` counts any more; segments that begin before `segments_from` are gone.
  void on_start(Offset start, Offset segments_from);
  /// The log ends at `end` now, in `segment`, the last one. Not during a checkpoint.
  void on_truncate(Offset segment, Offset end);
  /// It is empty and begins at `start`, above its end. Not during a checkpoint.
  void on_restart(Offset start);
  /// A write or sync failed.
  void fail() { failed_ = true; }
  /// The next checkpoint is due also for little, or for nothing but a snapshot.
  void want_checkpoint() { is_checkpoint_wanted_ = true; }

  // --- Sync rounds, one at a time -----------------------------------------------------------------------------------
  enum class Outcome { done, failed, put_off };
  [[nodiscard]] bool needs_sync() const { return !unsynced_.empty() || names_unsynced_; }
  [[nodiscard]] bool is_unsynced(Offset segment) const;
  [[nodiscard]] bool is_syncing() const { return syncing_.has_value(); }
  [[nodiscard]] SyncRound begin_sync();
  /// `put_off`: nothing is known to be synced, and all is to be as before.
  void end_sync(Outcome outcome);

  /// What a truncation has cut may still be on the disk: not before `segment` and the directory were synced.
  [[nodiscard]] std::optional<Offset> unsynced_cut() const { return unsynced_cut_; }
  void on_cut_synced() { unsynced_cut_.reset(); }

  // --- Checkpoints, one at a time -----------------------------------------------------------------------------------
  [[nodiscard]] bool has_unsaved() const {
    return !unsaved_.empty() || bytes_unsaved_ > 0 || epochs_unsaved_ || recovery_point_ < end_;
  }
  /// After a roll, for every 64 MiB, when it was idle; with `whatever` for less.
  [[nodiscard]] bool is_checkpoint_due(bool whatever) const;
  [[nodiscard]] bool is_saving() const { return saving_.has_value(); }
  [[nodiscard]] const std::vector<Offset>& unsaved() const { return unsaved_; }
  [[nodiscard]] SaveRound begin_checkpoint();
  void end_checkpoint(Outcome outcome);

  void check_invariants() const;

 private:
  template <class Gone>
  void forget(Gone is_gone);
  void mark_unsynced(Offset segment) {
    if (unsynced_.empty() || unsynced_.back() != segment) unsynced_.push_back(segment);
  }

  Offset start_;
  Offset recovery_point_;
  Offset on_disk_;
  Offset end_;
  std::vector<Offset> unsynced_;  ///< segments written since the last sync round began, ascending
  std::vector<Offset> unsaved_;   ///< sealed, their indexes not known to be on disk; ascending
  std::optional<Offset> unsynced_cut_;
  std::uint64_t bytes_unsaved_ = 0;
  bool names_unsynced_ = false;
  bool epochs_unsaved_ = false;
  bool is_checkpoint_wanted_ = false;
  bool failed_ = false;
  std::optional<SyncRound> syncing_;
  std::optional<SaveRound> saving_;
};

}  // namespace mq::log
