#include "log/log_jobs.h"

#include <algorithm>
#include <limits>

#include "log/index_file.h"
#include "log/segment.h"
#include "log/segment_files.h"
#include "log/segment_reader.h"
#include "record/record.h"

namespace mq::log {
namespace {

Result<void> sync_file(env::Files& files, const std::string& path) {
  MQ_TRY(auto file, files.open(path, env::OpenMode::read_write));
  return file->sync();
}

constexpr std::string_view kTemporarySuffix = ".tmp";
constexpr std::size_t kSmallFileBytesMax = std::size_t{256} << 20;

}  // namespace

Result<void> SyncJob::run() {
  for (const auto& [segment, file] : dirty_) MQ_CHECK(file->sync());
  return directory_.empty() ? Result<void>{} : files_->sync_directory(directory_);
}

Result<void> CheckpointJob::run() {
  for (const auto& file : data_files_) MQ_CHECK(file->sync());
  derived_only_ = true;
  MQ_CHECK(sync_indexes());
  MQ_CHECK(write_files(Sync::each_file));
  MQ_CHECK(rename_epochs());
  derived_only_ = false;
  MQ_CHECK(files_->sync_directory(directory_));
  derived_only_ = true;
  return remove_obsolete();
}

Result<void> CheckpointJob::sync_indexes() {
  Result<void> outcome;
  for (const auto& segment : indexed_) {
    for (const std::string_view extension : kIndexExtensions) {
      auto synced = sync_file(*files_, segment->path(extension));
      if (synced) continue;
      const bool is_noted = !lost_indexes_.empty() && lost_indexes_.back() == segment;
      if (synced.error().code == Errc::disk_failed && !is_noted) lost_indexes_.push_back(segment);
      outcome = std::move(synced);
    }
  }
  return outcome;
}

Result<void> CheckpointJob::run_together(std::span<CheckpointJob> jobs, env::Tree& data) {
  const auto set_derived_only = [&](bool value) {
    for (CheckpointJob& job : jobs) job.derived_only_ = value;
  };
  Result<void> written;
  for (CheckpointJob& job : jobs)
    if (written) written = job.write_files(Sync::none);
  MQ_CHECK(data.sync());
  set_derived_only(true);
  MQ_CHECK(written);
  for (CheckpointJob& job : jobs) MQ_CHECK(job.rename_epochs());
  set_derived_only(false);
  MQ_CHECK(data.sync());
  set_derived_only(true);
  for (CheckpointJob& job : jobs) MQ_CHECK(job.remove_obsolete());
  return {};
}

Result<void> CheckpointJob::write_files(Sync sync) {
  const auto write = [&](const std::string& path, BytesView contents) -> Result<void> {
    MQ_TRY(auto file, files_->open(path, env::OpenMode::create));
    MQ_CHECK(file->write_at(0, contents));
    // Emptying it first would be simpler, but some file systems then wait for the disk when it is closed.
    MQ_TRY(const std::uint64_t size, file->size());
    if (size > contents.size()) MQ_CHECK(file->truncate(contents.size()));
    return sync == Sync::each_file ? file->sync() : Result<void>{};
  };
  // Snapshots carry a CRC, a torn one is as good as none; the epochs' text does not and is replaced at once.
  for (const auto& [path, contents] : new_files_) MQ_CHECK(write(path, contents));
  return epochs_path_.empty() ? Result<void>{} : write(epochs_path_ + std::string(kTemporarySuffix), epochs_text_);
}

Result<void> CheckpointJob::rename_epochs() {
  if (epochs_path_.empty()) return {};
  return files_->rename(epochs_path_ + std::string(kTemporarySuffix), epochs_path_);
}

Result<void> CheckpointJob::remove_obsolete() {
  for (const std::string& path : obsolete_files_) MQ_CHECK(remove_if_there(*files_, path));
  return {};
}

Result<void> RemovalJob::run() {
  Result<void> first_error;
  for (const std::string& path : paths_) {
    auto removed = remove_if_there(*files_, path);
    if (!removed && first_error) first_error = std::move(removed);
  }
  return first_error;
}

void LookUp::run() {
  if (!file_) return;
  // What cannot be read here cannot be read there either, and is told there.
  IndexFile<OffsetIndexEntry> index;
  const auto indexed = [&](auto not_after) {
    const auto entry = index.last_where(*files_, index_path_, base_, not_after);
    return entry && *entry ? std::uint64_t{(*entry)->position} : std::uint64_t{0};
  };
  const auto walk = [&](std::uint64_t position, auto is_there) {
    SegmentReader batches(*file_, path_, position, size_, SegmentReader::Mode::headers);
    while (true) {
      const auto batch = batches.next();
      if (!batch && batches.resume(OffsetRules::kNone, kDamageSteppedOverMax).value_or(false)) continue;
      if (!batch || !*batch) return batches.position();
      if (is_there(**batch)) return (*batch)->position;
    }
  };
  const auto find = [&](Offset offset) {
    return walk(indexed([&](const OffsetIndexEntry& e) { return e.offset <= offset; }),
                [&](const BatchAt& batch) { return batch.header.last_offset() >= offset; });
  };
  const std::uint64_t limit = find(from_) + bytes_max_;
  (void)find(bound_);
  if (limit >= size_) return;
  (void)walk(indexed([&](const OffsetIndexEntry& e) { return e.position <= limit; }),
             [&](const BatchAt& batch) { return batch.end() >= limit; });
}

void WarmUp::run() {
  // What cannot be read here cannot be read there either, and is told there.
  for (const std::string& path : small_files_) (void)env::read_whole(*files_, path, kSmallFileBytesMax);
  for (const Part& part : segments_) {
    const auto file = files_->open(part.path, env::OpenMode::read);
    if (!file) continue;
    IndexFile<OffsetIndexEntry> index;
    IndexFile<TimeIndexEntry> times;
    const auto position_at = [&](auto not_after) {
      const auto entry = index.last_where(*files_, part.index_path, part.base, not_after);
      return entry && *entry ? std::uint64_t{(*entry)->position} : std::uint64_t{0};
    };
    const auto walk = [&](std::uint64_t begin, std::uint64_t end) {
      SegmentReader batches(**file, part.path, begin, end, SegmentReader::Mode::headers);
      for (auto batch = batches.next(); batch && *batch;) batch = batches.next();
    };
    (void)times.last(*files_, part.times_path, part.base);
    walk(0, std::min<std::uint64_t>(part.size, record::kBatchHeaderBytes));
    const std::uint64_t replayed = position_at([&](const OffsetIndexEntry& e) { return e.offset <= from_; });
    walk(std::min(replayed, position_at([](const OffsetIndexEntry&) { return true; })), part.size);
  }
}

void TimesLookUp::run() {
  // What cannot be read here cannot be read there either, and is told there.
  const auto walk = [&](std::uint64_t position, Offset to) {
    SegmentReader batches(*file_, path_, position, size_, SegmentReader::Mode::headers);
    while (true) {
      const auto batch = batches.next();
      if (!batch || !*batch || (*batch)->header.last_offset() >= to) return;
    }
  };
  IndexFile<OffsetIndexEntry> index;
  IndexFile<TimeIndexEntry> times;
  const auto position_before = [&](Offset offset) {
    const auto entry =
        index.last_where(*files_, index_path_, base_, [&](const OffsetIndexEntry& e) { return e.offset <= offset; });
    return entry && *entry ? std::uint64_t{(*entry)->position} : std::uint64_t{0};
  };
  constexpr Offset kEnd{std::numeric_limits<std::int64_t>::max()};
  walk(0, base_);
  walk(position_before(kEnd), kEnd);
  (void)times.last(*files_, times_path_, base_);
  const auto before =
      times.last_where(*files_, times_path_, base_, [&](const TimeIndexEntry& e) { return e.timestamp < timestamp_; });
  if (before && *before) walk(position_before((*before)->offset), (*before)->offset);
}

Result<std::optional<TimestampOffset>> TimestampSearch::run() {
  std::optional<TimestampOffset> best;
  record::RecordReader records;
  for (const Part& part : parts_) {
    SegmentReader batches(*part.file, part.path, part.position, part.end, SegmentReader::Mode::headers);
    batches.judge_offsets(part.rules, part.end);
    batches.skip_to(part.position, part.offset);
    while (true) {
      MQ_TRY(const auto batch, batches.next());
      if (!batch || batch->header.base_offset >= end_bound_) break;
      const record::BatchHeader& header = batch->header;
      const bool worth_it =
          largest_ ? (!best || header.max_timestamp > best->timestamp) : header.max_timestamp >= timestamp_;
      if (!worth_it || header.last_offset() < start_) continue;

      SegmentReader whole(*part.file, part.path, batch->position, batch->end(), SegmentReader::Mode::wholes);
      MQ_TRY(const auto read, whole.next());
      MQ_CHECK(records.open(read->view()));
      record::RecordView record;
      while (true) {
        MQ_TRY(const bool more, records.next(record));
        if (!more) break;
        if (record.offset < start_ || record.offset >= end_bound_) continue;
        const bool wanted = largest_ ? (!best || record.timestamp > best->timestamp) : record.timestamp >= timestamp_;
        if (!wanted) continue;
        best = TimestampOffset{record.timestamp, record.offset, header.leader_epoch};
        if (!largest_) return best;
      }
    }
  }
  return best;
}

}  // namespace mq::log
