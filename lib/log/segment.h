#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "env/files.h"
#include "log/index_file.h"
#include "log/log_config.h"
#include "log/segment_reader.h"
#include "model/ids.h"
#include "record/batch.h"

namespace mq::log {

/// Bytes [first, second) of a file, several of them, merged where they touch. At most kMax; then the smallest goes.
class ByteRanges {
 public:
  static constexpr std::size_t kMax = 64;
  void add(std::uint64_t begin, std::uint64_t end);
  /// How far it goes on from `begin` without a hole; `begin` itself when it is not in.
  [[nodiscard]] std::uint64_t covered_until(std::uint64_t begin) const;
  void cut(std::uint64_t end);

 private:
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges_;
};

/// What `segments()` tells about one.
struct SegmentInfo {
  Offset base_offset;
  std::uint64_t size_bytes = 0;
  bool active = false;
};

/// `00000000000000000042.log` and such.
[[nodiscard]] std::string segment_file_name(Offset base, std::string_view extension);

/// One `.log` file with its two indexes. Owned by a Log; shared with ranges and jobs that read from it. Only the Log's
/// shard calls its methods, ranges and jobs use the file they captured.
///
/// A damaged index is noticed when it cannot be read or an entry does not lead to the batch it names; then both are
/// made anew. In which of the two the damage is, the batch behind tells: an offset that rotted in a batch must not get
/// into a new index.
class Segment {
 public:
  /// `size` is the file's; 0 for a segment that begins now (the file is made when first written or synced). `suffix`
  /// stands at the end of its files' names: compaction writes beside what it replaces.
  Segment(env::Files& files, std::shared_ptr<const std::string> directory, Offset base, std::uint64_t size,
          std::string_view suffix = {});

  [[nodiscard]] Offset base_offset() const { return base_; }
  [[nodiscard]] std::uint64_t size_bytes() const { return size_; }
  [[nodiscard]] std::string path(std::string_view extension = "log") const;
  /// What is known of its offsets from its neighbours. Until then compaction may have left gaps anywhere.
  void set_rules(const OffsetRules& rules) {
    rules_ = rules;
    if (end_max_) rules_.limit = std::min(rules_.limit, *end_max_);
  }
  /// The log has gone on elsewhere from this offset on, whatever else stands here (see kEndExtension); the rules
  /// follow.
  void set_end_max(std::optional<Offset> end) { end_max_ = end; }
  [[nodiscard]] bool has_ended() const { return end_max_.has_value(); }
  [[nodiscard]] const OffsetRules& rules() const { return rules_; }
  /// The open file with every batch in it; opens it when needed, and makes that of an empty segment.
  [[nodiscard]] Result<std::shared_ptr<env::File>> file();
  [[nodiscard]] bool is_open() const { return file_ != nullptr; }

  // --- Appending ----------------------------------------------------------------------------------------------------
  /// Learns from indexes and the last batches what appending needs. Returns the offset after the last batch.
  /// corrupt_batch or read_failed: there is damage near the end. Indexes that do not fit are made anew.
  [[nodiscard]] Result<Offset> load_tail(const LogConfig& config);
  /// Whether a batch of `bytes` that ends with `last_offset` and whose largest timestamp is `timestamp` must go into
  /// another segment. After `load_tail`.
  [[nodiscard]] bool must_roll(std::size_t bytes, Offset last_offset, WallMillis timestamp,
                               const LogConfig& config) const;
  enum class Small { written, gathered };
  /// Writes `batch` at the end after reserving room. Nothing else changes: `note_batch` follows. With `gathered` a
  /// small batch waits in memory for others, until `write_out` or whatever else needs the file.
  [[nodiscard]] Result<void> write(BytesView batch, const LogConfig& config, Small small = Small::written);
  /// Writes the gathered batches. disk_full: they stay, and this may be tried again.
  [[nodiscard]] Result<void> write_out();
  [[nodiscard]] bool has_gathered() const { return !gathered_.empty(); }
  /// Where the first gathered batch goes; meaningless without one.
  [[nodiscard]] std::uint64_t gathered_from() const { return gathered_at_; }
  /// A batch with this header stands at the end: counts it in, with index entries where they are due.
  void note_batch(const record::BatchHeader& header, const LogConfig& config);
  /// How old it may become: segment_ms less a share of segment_jitter_ms that is its own, so that partitions which
  /// began together do not roll together.
  [[nodiscard]] std::int64_t age_max(const LogConfig& config) const;
  [[nodiscard]] bool wants_index_flush() const { return offsets_.wants_flush(); }
  [[nodiscard]] Result<void> flush_indexes();
  /// It takes no more batches: gives reserved space back. `flush_indexes` writes its last index entries.
  [[nodiscard]] Result<void> seal();
  /// Gives reserved space back, when it is more than `kept_max`: freeing a little costs more than it is worth.
  [[nodiscard]] Result<void> release_reserve(std::uint64_t kept_max = 0);

  /// Whether `load_tail` and the methods of the next two sections may wait for the disk; else they give would_block.
  void set_wait(Wait wait) { wait_ = wait; }

  // --- Reading ------------------------------------------------------------------------------------------------------
  /// Where the batch stands that holds `offset` or, when none does, the next one; the end of the file after the last.
  /// Damage before it is stepped over; corrupt_batch or read_failed when it may be where `offset` was.
  [[nodiscard]] Result<std::uint64_t> position_of(Offset offset, const LogConfig& config);
  /// Where the log ends when nothing at or above `offset` stays: behind the last good batch that ends at or below it.
  /// What no batch before `offset` vouches for, damage or a gap, goes as well.
  struct Cut {
    std::uint64_t position = 0;
    Offset end;
  };
  [[nodiscard]] Result<Cut> cut_below(Offset offset, const LogConfig& config);
  /// The end of a batch: the farthest known cheaply that is at most `limit` and not before `position`, where a batch
  /// begins. With `at_least_one` the end of that batch, when nothing else fits.
  [[nodiscard]] Result<std::uint64_t> batch_end_before(std::uint64_t position, std::uint64_t limit, bool at_least_one);
  /// The header of the batch at `position`. corrupt_batch when there is none.
  [[nodiscard]] Result<record::BatchHeader> header_at(std::uint64_t position);
  /// Walks over the batches from `position` on, where one begins with `offset`, and judges their offsets.
  [[nodiscard]] Result<SegmentReader> reader_from(std::uint64_t position, Offset offset, SegmentReader::Mode mode);
  /// The offset with which the batch at `position` begins, for `reader_from`.
  [[nodiscard]] Result<Offset> offset_at(std::uint64_t position);
  /// As the offset index has them now, for who is about to make it anew. Nothing when it cannot be read.
  [[nodiscard]] std::vector<OffsetIndexEntry> index_entries();
  /// What the index said `before` of the bytes [begin, end), where damage is in the place of offsets [first, last),
  /// goes into the new one: it is what tells that damage.
  void carry_over(const std::vector<OffsetIndexEntry>& before, std::uint64_t begin, std::uint64_t end, Offset first,
                  Offset last);
  /// `offset` begins (or will) at `position`: spares the next look-up.
  void remember(Offset offset, std::uint64_t position);

  /// Bytes from `begin` on were written by us, or were checked.
  void note_verified(std::uint64_t begin, std::uint64_t end) { verified_.add(begin, end); }
  [[nodiscard]] std::uint64_t verified_until(std::uint64_t begin) const { return verified_.covered_until(begin); }

  // --- Time ---------------------------------------------------------------------------------------------------------
  /// Largest timestamp in it and the last offset of the first batch that has it; timestamp -1 in an empty segment.
  [[nodiscard]] Result<TimeIndexEntry> largest_timestamp(const LogConfig& config);
  /// Of the first batch, its largest; -1 in an empty segment, and when that batch is damaged.
  [[nodiscard]] Result<WallMillis> first_timestamp();
  /// From where on to look for the first record at or after `timestamp`.
  [[nodiscard]] Result<std::uint64_t> position_for_timestamp(WallMillis timestamp, const LogConfig& config);

  // --- Repair -------------------------------------------------------------------------------------------------------
  /// Before what the file holds is believed: what a killed process left in the page cache is written, unless it is
  /// known to be `synced`; then the cache is dropped, which after a failed sync may show what the disk does not have.
  /// Dirty pages cannot be dropped, hence the order (D-2). The size is the file's then.
  [[nodiscard]] Result<void> face_disk(bool synced);
  /// Cuts the file and its indexes at `position`, the end of a batch; offsets from `end` on are gone. `load_tail`
  /// follows.
  [[nodiscard]] Result<void> truncate(std::uint64_t position, Offset end);
  /// The batches up to `position` stand; what follows is counted in anew by `note_batch`, for recovery. Touches the
  /// indexes, not the file.
  [[nodiscard]] Result<void> rewind(std::uint64_t position, Offset end, const LogConfig& config);
  /// Bytes after the last batch that are damaged but stay.
  void extend_over_damage(std::uint64_t end) { size_ = end; }
  /// From `position` on stand bytes that are not to be read, nor lost: until `truncate` nothing may be written.
  void end_before_tail(std::uint64_t position) {
    has_tail_ = position < size_;
    size_ = position;
  }
  /// Whether both index files are there and their last entries lead to the batches that they name.
  [[nodiscard]] Result<bool> indexes_fit();
  /// Makes the indexes anew from the batches. What cannot be written waits in memory, fewer entries of it.
  [[nodiscard]] Result<void> rebuild_indexes(const LogConfig& config);
  /// Removes the file and what goes with it, whatever is there of them.
  [[nodiscard]] Result<void> remove_files();
  /// Closes the file and forgets what can be read again.
  void release();

 private:
  struct Hint {
    Offset offset{-1};
    std::uint64_t position = 0;
  };
  /// The batch at `position` begins with `offset`, or the first one from there on does with a later one.
  struct Place {
    std::uint64_t position = 0;
    Offset offset;
  };
  /// The batch of the last index entry at or below `offset`, or the first one; checked against what stands there.
  Result<Place> index_floor(Offset offset, const LogConfig& config);
  /// The batch that `entry` names. Nothing: the index is damaged; corrupt_batch: the batch is, or one of them.
  Result<std::optional<Place>> place_of(const OffsetIndexEntry& entry);
  Result<std::uint64_t> walk_to(Place from, Offset offset, SegmentReader::Mode mode = SegmentReader::Mode::headers);
  /// Behind the last batch from `from` on that ends at or below `offset`. Nothing: none there is good and does.
  Result<std::optional<Cut>> last_end(Place from, Offset offset,
                                      SegmentReader::Mode mode = SegmentReader::Mode::headers);
  /// What the index says of the batch at `position`; nothing: it does not know it.
  Result<std::optional<Offset>> last_offset_at(std::uint64_t position);
  /// The last batch gets its index entries, unless it has them.
  void index_noted();
  void add_entry(const OffsetIndexEntry& entry);
  /// It was compacted, so behind its last batch there may be a gap as well; see `note_batch`.
  [[nodiscard]] bool may_end_in_gap() const { return base_ < rules_.gaps_end; }
  Result<void> open();
  Result<void> reserve(std::uint64_t end, const LogConfig& config);
  Result<void> gather(BytesView batch);
  /// Takes the entries of what stands from `position` on, at `end`, out of the indexes.
  Result<void> cut_indexes(std::uint64_t position, Offset end);
  /// The same for Kafka's index of aborted transactions, which we do not write, but keep where it is.
  Result<void> cut_txn_index(Offset end);
  /// Takes the indexes away, in memory and on disk.
  Result<void> drop_indexes();

  env::Files& files_;
  std::shared_ptr<const std::string> directory_;
  std::string_view suffix_;  ///< a constant
  Offset base_;
  OffsetRules rules_;
  std::optional<Offset> end_max_;
  std::uint64_t size_;
  std::shared_ptr<env::File> file_;
  std::string gathered_;           ///< small batches that are not in the file yet, up to its end
  std::uint64_t gathered_at_ = 0;  ///< where the first of them goes
  bool has_tail_ = false;          ///< see `end_before_tail`
  bool write_is_due_ = false;      ///< the last try to write them failed: no more until it succeeds
  IndexFile<OffsetIndexEntry> offsets_;
  IndexFile<TimeIndexEntry> times_;
  ByteRanges verified_;
  std::uint64_t reserved_ = 0;             ///< end of the room that is ours already
  std::uint64_t bytes_since_entry_ = 0;    ///< since the last index entry
  std::uint64_t entries_ = 0;              ///< in the offset index
  std::optional<OffsetIndexEntry> noted_;  ///< of the last batch that was counted in, or found at the end
  bool noted_is_indexed_ = false;
  bool front_waits_ = false;  ///< the first batch's entry is not written until another follows
  std::optional<TimeIndexEntry> largest_;
  TimeIndexEntry last_time_entry_;
  std::optional<WallMillis> first_timestamp_;
  std::array<Hint, 4> hints_;
  std::uint8_t next_hint_ = 0;
  Wait wait_ = Wait::yes;
};

}  // namespace mq::log
