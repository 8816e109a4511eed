#include "log/compaction.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/buggify.h"
#include "base/mark.h"
#include "base/mutant.h"
#include "log/compaction_work.h"
#include "log/directory_contents.h"
#include "log/segment_files.h"

// How a log is compacted. The job works on the pool, a part at a time, and touches nothing that is read.
//
// 1. `Log::begin_compaction` names the sources, sealed segments below the high watermark and the synced end.
// 2. First pass: the newest offset of each key in what no run has looked at yet. When the memory for keys is full, the
//    run ends there and the next one goes on.
// 3. Sources that together fit into a segment make a group. Second pass: each group is written to one `*.cleaned` with
//    its indexes, without the records that a later one replaces. A producer's last batches (P-5) and the first one of
//    each leader epoch stay, empty if need be, and a tombstone until its delete horizon. The outputs are synced.
// 4. `mq-gaps` says how far gaps between batches reach now, durably, before any gap stands in a place that is read.
// 5. `Log::finish_compaction`, on the shard: outputs are renamed to `*.swap`, durably; from there on a start finishes
//    what a crash cuts off (`unfinished_swaps`). Then sources are retired and each output takes the name of its first
//    source, which goes last.

namespace mq::log {
namespace {

constexpr std::uint64_t kStepBytes = std::uint64_t{8} << 20;
/// What an entry of the map costs beside the bytes of its key, measured with libstdc++: node, bucket, allocator.
constexpr std::uint64_t kEntryBytes = 88;

}  // namespace

CompactionJob::CompactionJob(std::unique_ptr<Work> work) : work_(std::move(work)) {}
CompactionJob::CompactionJob(CompactionJob&&) noexcept = default;
CompactionJob& CompactionJob::operator=(CompactionJob&&) noexcept = default;
CompactionJob::~CompactionJob() = default;
Result<void> CompactionJob::step() { return work_->step(); }
bool CompactionJob::done() const { return work_->done; }
std::uint64_t CompactionJob::bytes_read() const { return work_->bytes_read; }
std::uint64_t CompactionJob::bytes_written() const { return work_->bytes_written; }

bool KeyOffsets::put(BytesView key, Offset offset) {
  if (const auto known = offsets_.find(key); known != offsets_.end()) {
    known->second = std::max(known->second, offset);
    return true;
  }
  // One key always finds room, so that every run gets on.
  const bool is_tight = MQ_BUGGIFY("log: there is room for few keys");
  if (!offsets_.empty() && (is_tight || bytes_ + key.size() + kEntryBytes > bytes_max_)) return false;
  bytes_ += key.size() + kEntryBytes;
  offsets_.emplace(std::string(key), offset);
  return true;
}

std::optional<Offset> KeyOffsets::get(BytesView key) const {
  const auto known = offsets_.find(key);
  if (known == offsets_.end()) return std::nullopt;
  return known->second;
}

Result<void> CompactionJob::Work::step() {
  if (done) return {};
  const std::uint64_t budget = MQ_BUGGIFY("log: compaction takes small steps") ? 1 : kStepBytes;
  if (noting) return note_keys(budget);
  return write_group(budget);
}

Result<SegmentReader*> CompactionJob::Work::reader_of(std::size_t which) {
  if (!reader) {
    const Source& from = sources[which];
    MQ_TRY(source_file, files.open(from.path, env::OpenMode::read));
    reader.emplace(*source_file, from.path, 0, from.size, SegmentReader::Mode::wholes);
    // A record at a wrong offset would stay there for ever.
    reader->judge_offsets(from.rules, from.size, index_witness(files, from.segment->path("index"), from.base));
    reader->skip_to(0, from.base);
  }
  return &*reader;
}

void CompactionJob::Work::end_reading() {
  reader.reset();
  source_file.reset();
}

// --- First pass: the newest offset of each key -----------------------------------------------------------------------

Result<void> CompactionJob::Work::note_keys(std::uint64_t budget) {
  const std::uint64_t stop = bytes_read + budget;
  while (source < sources.size()) {
    const bool is_dirty = source + 1 == sources.size() || sources[source + 1].base > dirty_start;
    while (is_dirty) {
      if (bytes_read >= stop) return {};
      MQ_TRY(SegmentReader* const from, reader_of(source));
      MQ_TRY(const auto batch, from->next());
      if (!batch) break;
      bytes_read += batch->bytes.size();
      if (batch->header.next_offset() <= dirty_start) continue;
      MQ_TRY(const auto no_room, note_keys_of(*batch));
      if (no_room) {
        // The rest is for the next run.
        MQ_MARK("log: the memory for keys is full and a compaction ends early");
        compacted_end = *no_room;
        sources.resize(source + 1);
        source = sources.size();
        make_groups();
        return {};
      }
    }
    end_reading();
    ++source;
  }
  make_groups();
  return {};
}

Result<std::optional<Offset>> CompactionJob::Work::note_keys_of(const BatchAt& batch) {
  if (batch.header.is_control()) return std::nullopt;
  MQ_CHECK(records.open(batch.view()));
  record::RecordView record;
  while (true) {
    MQ_TRY(const bool more, records.next(record));
    if (!more) return std::nullopt;
    if (record.key && record.offset >= dirty_start && !keys.put(*record.key, record.offset)) return record.offset;
  }
}

void CompactionJob::Work::make_groups() {
  noting = false;
  gaps_end = std::max(gaps_end, sources.back().end());
  source = 0;
  end_reading();
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const bool fits =
        !groups.empty() && bytes + sources[i].size <= config->segment_bytes &&
        (sources[i].end() - sources[groups.back().first].base).value() <= std::numeric_limits<std::int32_t>::max();
    if (fits) MQ_MARK("log: compaction joins segments");
    if (!fits) {
      groups.push_back({.first = i, .end = i, .output = nullptr});
      bytes = 0;
    }
    groups.back().end = i + 1;
    bytes += sources[i].size;
  }
}

// --- Second pass: what is kept --------------------------------------------------------------------------------------

Result<void> CompactionJob::Work::write_group(std::uint64_t budget) {
  if (group == groups.size()) {
    MQ_CHECK(note_gaps());
    done = true;
    return {};
  }
  Group& current = groups[group];
  if (!current.output) {
    source = current.first;
    current.output =
        std::make_unique<Segment>(files, directory, sources[current.first].base, std::uint64_t{0}, kCleanedSuffix);
    MQ_CHECK(current.output->remove_files());
    MQ_CHECK(current.output->file());
    MQ_CHECK(current.output->load_tail(*config));
  }
  const std::uint64_t stop = bytes_read + budget;
  while (source < current.end) {
    if (bytes_read >= stop) return {};
    MQ_TRY(SegmentReader* const from, reader_of(source));
    MQ_TRY(const auto batch, from->next());
    if (!batch) {
      end_reading();
      ++source;
      continue;
    }
    bytes_read += batch->bytes.size();
    MQ_CHECK(write_batch(current, *batch));
  }
  return finish_group(current);
}

Result<void> CompactionJob::Work::finish_group(Group& current) {
  MQ_CHECK(current.output->seal());
  MQ_CHECK(current.output->flush_indexes());
  MQ_TRY(auto file, current.output->file());
  if (!is_mutant("swaporder")) MQ_CHECK(file->sync());
  for (const std::string_view extension : kIndexExtensions) {
    MQ_TRY(auto index, files.open(current.output->path(extension), env::OpenMode::read_write));
    MQ_CHECK(index->sync());
  }
  current.output->release();
  ++group;
  return {};
}

Result<void> CompactionJob::Work::note_gaps() {
  return env::replace_atomically(files, *directory + "/" + std::string(kGapsFile), encode_gaps_end(gaps_end));
}

bool CompactionJob::Work::is_kept(const record::RecordView& record, const record::BatchHeader& header) const {
  if (!record.key) return false;  // as in Kafka: nobody could ever replace it
  const auto newest = keys.get(*record.key);
  if (newest && (*newest > record.offset || is_mutant("compactnewest"))) return false;
  const bool is_tombstone = !record.value;
  return !is_tombstone || !header.has_delete_horizon() || wall_now < header.base_timestamp;
}

WallMillis CompactionJob::Work::delete_horizon() const {
  WallMillis horizon = 0;
  // Who keeps tombstones for ever gives the largest number there is.
  const bool is_for_ever = __builtin_add_overflow(wall_now, config->delete_retention_ms, &horizon);
  return is_for_ever ? std::numeric_limits<WallMillis>::max() : horizon;
}

bool CompactionJob::Work::is_known(const record::BatchHeader& header) const {
  return header.has_producer_id() && known_batches.contains(header.last_offset());
}

bool CompactionJob::Work::begins_epoch(const record::BatchHeader& header) {
  if (header.leader_epoch <= last_epoch) return false;
  last_epoch = header.leader_epoch;
  return true;
}

Result<void> CompactionJob::Work::write_batch(Group& current, const BatchAt& batch) {
  const bool is_first_of_epoch = begins_epoch(batch.header);
  if (batch.header.is_control()) return put(current, batch.bytes);
  std::int32_t kept = 0;
  std::int32_t tombstones = 0;
  MQ_CHECK(record::for_each_record(records, batch.view(), [&](const record::RecordView& record) {
    if (!is_kept(record, batch.header)) return;
    ++kept;
    if (!record.value) ++tombstones;
  }));
  const bool starts_horizon = tombstones > 0 && !batch.header.has_delete_horizon();
  if (starts_horizon) MQ_MARK("log: compaction gives a tombstone the time of its end");
  if (kept > 0 && kept == batch.header.record_count && !starts_horizon) return put(current, batch.bytes);
  if (kept > 0) MQ_MARK("log: compaction writes a batch anew");
  if (kept == 0 && is_known(batch.header)) MQ_MARK("log: an empty batch stays for its producer");
  if (kept == 0 && is_first_of_epoch) MQ_MARK("log: an empty batch stays for its leader epoch");
  if (kept > 0 || is_known(batch.header) || is_first_of_epoch) return write_rest(current, batch);
  return {};
}

Result<void> CompactionJob::Work::write_rest(Group& current, const BatchAt& batch) {
  const record::BatchHeader& header = batch.header;
  const bool is_stamped = header.timestamp_type() == record::TimestampType::log_append_time;
  bool has_tombstone = false;
  MQ_CHECK(record::for_each_record(records, batch.view(), [&](const record::RecordView& record) {
    has_tombstone = has_tombstone || (is_kept(record, header) && !record.value);
  }));
  // The horizon stands where the base timestamp was, and record timestamps are counted from it.
  const bool has_horizon = has_tombstone || header.has_delete_horizon();
  const WallMillis base = has_tombstone && !header.has_delete_horizon() ? delete_horizon() : header.base_timestamp;
  builder.clear();
  builder.set_options({.codec = header.compression(),
                       .level = record::kLevelDefault,
                       .timestamp_type = header.timestamp_type(),
                       .base_timestamp = base});
  MQ_CHECK(record::for_each_record(records, batch.view(), [&](const record::RecordView& record) {
    if (is_kept(record, header))
      builder.add_at(static_cast<std::int32_t>((record.offset - header.base_offset).value()), record);
  }));
  const bool is_empty = builder.empty();
  MQ_TRY(
      const std::string bytes,
      builder.finish({.base_offset = header.base_offset,
                      .leader_epoch = header.leader_epoch,
                      .producer_id = header.producer_id,
                      .producer_epoch = header.producer_epoch,
                      .base_sequence = header.base_sequence,
                      .transactional = header.is_transactional(),
                      .control = false,
                      .delete_horizon = has_horizon,
                      .last_offset_delta = header.last_offset_delta,
                      .max_timestamp = is_stamped || is_empty ? std::optional(header.max_timestamp) : std::nullopt}));
  return put(current, bytes);
}

Result<void> CompactionJob::Work::put(Group& current, BytesView bytes) {
  MQ_TRY(const auto header, record::parse_header(bytes));
  MQ_CHECK(current.output->write(bytes, *config));
  current.output->note_batch(header, *config);
  if (current.output->wants_index_flush()) MQ_CHECK(current.output->flush_indexes());
  bytes_written += bytes.size();
  return {};
}

}  // namespace mq::log
