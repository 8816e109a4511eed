#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "env/files.h"
#include "log/index_file.h"
#include "log/log_config.h"
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
class Segment {
 public:
  Segment(env::Files& files, std::shared_ptr<const std::string> directory, Offset base, std::uint64_t size);

  [[nodiscard]] Offset base_offset() const { return base_; }
  [[nodiscard]] std::uint64_t size_bytes() const { return size_; }
  [[nodiscard]] std::string path(std::string_view extension = "log") const;
  /// The open file; opens or (the newest segment) makes it when needed.
  [[nodiscard]] Result<std::shared_ptr<env::File>> file();
  [[nodiscard]] bool is_open() const { return file_ != nullptr; }

  /// Writes `batch` at the end after reserving room. Nothing else changes: `note_batch` follows.
  [[nodiscard]] Result<void> write(BytesView batch, const LogConfig& config);
  /// A batch with this header stands at the end: counts it in, with index entries where they are due.
  void note_batch(const record::BatchHeader& header, const LogConfig& config);
  /// Bytes from `position` on were written by us, or were checked.
  void note_verified(std::uint64_t begin, std::uint64_t end) { verified_.add(begin, end); }
  [[nodiscard]] std::uint64_t verified_until(std::uint64_t begin) const { return verified_.covered_until(begin); }

  /// Where the batch stands that holds `offset` or, when none does, the next one; the end of the file after the last.
  [[nodiscard]] Result<std::uint64_t> position_of(Offset offset);
  /// The farthest end of a batch that is at most `limit`, not before `position`, as the index knows: maybe too near.
  [[nodiscard]] Result<std::uint64_t> batch_end_before(std::uint64_t position, std::uint64_t limit, bool at_least_one);
  /// The header of the batch at `position`. corrupt_batch when there is none.
  [[nodiscard]] Result<record::BatchHeader> header_at(std::uint64_t position);

  /// Largest timestamp in it and the last offset of the first batch that has it; -1 in an empty segment.
  [[nodiscard]] Result<TimeIndexEntry> largest_timestamp();
  /// Of the first batch, its largest; -1 in an empty segment.
  [[nodiscard]] Result<WallMillis> first_timestamp();
  /// From where on to look for the first record at or after `timestamp`.
  [[nodiscard]] Result<std::uint64_t> position_for_timestamp(WallMillis timestamp);

  [[nodiscard]] Result<void> flush_indexes();
  /// The last index entries of a segment that takes no more batches; gives reserved space back.
  [[nodiscard]] Result<void> seal();
  [[nodiscard]] Result<void> release_reserve();
  /// Cuts the file and its indexes at `position`, the end of a batch and the start of offset `end`.
  [[nodiscard]] Result<void> truncate(std::uint64_t position, Offset end);
  /// Makes the indexes anew from the batches.
  [[nodiscard]] Result<void> rebuild_indexes(const LogConfig& config);
  [[nodiscard]] bool index_full(const LogConfig& config) const;
  /// Closes the file and forgets what can be read again.
  void release();

 private:
  friend class Recovery;
  struct Hint {
    Offset offset{-1};
    std::uint64_t position = 0;
  };
  void remember(Offset offset, std::uint64_t position);

  env::Files& files_;
  std::shared_ptr<const std::string> directory_;
  Offset base_;
  std::uint64_t size_;
  std::shared_ptr<env::File> file_;
  IndexFile<OffsetIndexEntry> offsets_;
  IndexFile<TimeIndexEntry> times_;
  ByteRanges verified_;
  std::uint64_t reserved_ = 0;
  std::uint64_t bytes_since_entry_ = 0;
  std::uint64_t entries_ = 0;
  std::optional<TimeIndexEntry> largest_;
  std::optional<WallMillis> first_timestamp_;
  std::array<Hint, 4> hints_;
  std::uint8_t next_hint_ = 0;
};

}  // namespace mq::log
