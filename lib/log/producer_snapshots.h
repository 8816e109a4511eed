#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "log/log_config.h"
#include "log/producer_states.h"
#include "log/segment_files.h"
#include "log/segment_set.h"
#include "model/ids.h"

namespace mq::log {

/// The snapshots of one log's producer states: which files there are, which are to be written, and what they say (P-6).
/// A snapshot is of what stood before its offset. Not thread-safe.
class ProducerSnapshots {
 public:
  explicit ProducerSnapshots(SegmentFiles names) : names_(std::move(names)) {}

  /// The offsets of the files that there are, ascending; whether they are known to be on disk.
  void set_found(std::vector<Offset> offsets, bool are_synced);
  /// What the batches before it say of producers is on disk in a snapshot.
  [[nodiscard]] Offset saved_end() const { return saved_end_; }
  /// The newest file's at or below `end`.
  [[nodiscard]] std::optional<Offset> newest(Offset end) const;
  /// Of the log in [start, end): from the newest snapshot that is whole and the batches after it, also those below
  /// `start` while they are there (P-7). One whose following batches are gone says what is no longer true: it counts
  /// for nothing (P-5), nor does anything below a `start` right below which batches are missing. Nobody was silent for
  /// longer than since `wall_now`.
  [[nodiscard]] Result<ProducerStates> load(const SegmentSet& segments, const LogConfig& config, Offset start,
                                            Offset end, WallMillis wall_now) const;

  /// The states are these at `end`; the next checkpoint writes that.
  void take(Offset end, const ProducerStates& states) { taken_.emplace_back(end, states); }
  /// Paths and contents: what was taken and is not saved, and the states as they are at `end`. Counts as there from now
  /// on.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> to_write(Offset end, const ProducerStates& states);
  /// The paths of files that nobody needs any more: one snapshot stays for each segment, to truncate to, and the newest
  /// two.
  [[nodiscard]] std::vector<std::string> drop_needless(const SegmentSet& segments);
  /// All that was taken up to `end` was written and synced.
  void on_saved(Offset end);
  /// Removes what is of a later time than `end`. True: there was a file. The removal is not durable on return, and must
  /// be before another batch comes to the log's end: what comes back then would be taken for its own.
  [[nodiscard]] Result<bool> truncate_to(Offset end);

  void check_invariants() const;

 private:
  /// A snapshot and its window; this one is empty when there is no producer.
  struct Taken {
    Taken(Offset end, const ProducerStates& states);
    Offset offset;
    std::string snapshot;
    std::string window;
  };

  SegmentFiles names_;
  std::vector<Offset> offsets_;
  std::vector<Taken> taken_;
  Offset saved_end_{0};
};

}  // namespace mq::log
