#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "env/files.h"
#include "log/compaction.h"
#include "log/log_config.h"
#include "log/producer_states.h"
#include "log/segment.h"
#include "log/segment_reader.h"
#include "model/ids.h"
#include "record/batch.h"
#include "record/batch_builder.h"
#include "record/record.h"

namespace mq::log {

/// The newest offset of each key met, in bounded memory. Whole keys, no hashes: a collision would lose a record.
class KeyOffsets {
 public:
  explicit KeyOffsets(std::uint64_t bytes_max) : bytes_max_(bytes_max) {}
  /// False, and nothing changed, when there is no room for another key.
  bool put(BytesView key, Offset offset);
  /// Nothing: the key was not met.
  [[nodiscard]] std::optional<Offset> get(BytesView key) const;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view key) const { return std::hash<std::string_view>{}(key); }
  };
  std::unordered_map<std::string, Offset, Hash, std::equal_to<>> offsets_;
  std::uint64_t bytes_ = 0;
  std::uint64_t bytes_max_;
};

/// A compaction under way. First reads what was not compacted yet and notes the newest offset of each key, then writes
/// all segments anew without what is older.
struct CompactionJob::Work {
  /// A segment as it was when the work began; it does not change.
  struct Source {
    std::shared_ptr<Segment> segment;
    std::string path;
    std::uint64_t size = 0;
    Offset base;
    OffsetRules rules;
    [[nodiscard]] Offset end() const { return rules.limit; }  ///< where the next one begins
  };
  /// Neighbours that become one segment.
  struct Group {
    std::size_t first = 0;
    std::size_t end = 0;
    std::unique_ptr<Segment> output;
  };

  Work(env::Files& all_files, std::shared_ptr<const std::string> into, std::shared_ptr<const LogConfig> rules)
      : files(all_files), directory(std::move(into)), config(std::move(rules)), keys(config->compaction_memory_bytes) {}

  Result<void> step();

  env::Files& files;
  std::shared_ptr<const std::string> directory;
  std::shared_ptr<const LogConfig> config;
  std::vector<Source> sources;
  std::set<Offset> known_batches;  ///< by their last offset: those in the windows of producers
  Offset dirty_start{0};
  Offset compacted_end{0};  ///< the outcome: everything below was looked at
  Offset gaps_end{0};       ///< what is written anew ends here; it may have gaps
  WallMillis wall_now = 0;

  std::vector<Group> groups;
  bool done = false;
  std::uint64_t bytes_read = 0;
  std::uint64_t bytes_written = 0;

 private:
  Result<void> note_keys(std::uint64_t budget);
  /// The offset of the first record that found no room.
  Result<std::optional<Offset>> note_keys_of(const BatchAt& batch);
  void make_groups();
  Result<void> write_group(std::uint64_t budget);
  /// Before the swap, so that recovery never takes for damage what compaction left out, whatever the topic's policy is
  /// by then.
  Result<void> note_gaps();
  Result<void> finish_group(Group& group);
  Result<void> write_batch(Group& group, const BatchAt& batch);
  Result<void> write_rest(Group& group, const BatchAt& batch);
  Result<void> put(Group& group, BytesView bytes);
  [[nodiscard]] bool is_kept(const record::RecordView& record, const record::BatchHeader& header) const;
  /// Until when a tombstone is kept that is met for the first time.
  [[nodiscard]] WallMillis delete_horizon() const;
  [[nodiscard]] bool is_known(const record::BatchHeader& header) const;
  /// Of each batch, in their order.
  [[nodiscard]] bool begins_epoch(const record::BatchHeader& header);
  /// Opens the file; one at a time.
  Result<SegmentReader*> reader_of(std::size_t source);
  void end_reading();

  KeyOffsets keys;
  bool noting = true;
  std::size_t source = 0;
  std::size_t group = 0;
  LeaderEpoch last_epoch = kNoLeaderEpoch;  ///< that a batch was written of
  std::unique_ptr<env::File> source_file;   ///< of `reader`
  std::optional<SegmentReader> reader;
  record::RecordReader records;
  record::BatchBuilder builder;
};

}  // namespace mq::log
