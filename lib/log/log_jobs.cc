#include "log/log_jobs.h"

#include <algorithm>
#include <limits>

#include "base/mark.h"
#include "base/mutant.h"
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

/// That one step syncs; of indexes there are two to a segment.
constexpr int kFilesPerStep = 6;
constexpr std::string_view kTemporarySuffix = ".tmp";
constexpr std::size_t kSmallFileBytesMax = std::size_t{256} << 20;

}  // namespace

Result<void> SyncJob::run() const {
  for (const auto& file : dirty)
    if (auto synced = file->sync(); !synced && !is_mutant("fsyncretry")) return synced;
  return directory.empty() || is_mutant("nodirsync") ? Result<void>{} : files->sync_directory(directory);
}

Result<bool> CheckpointJob::step() {
  for (int files = 0; files < kFilesPerStep; ++files) {
    derived_only_ = data_synced_ == parts_.data_files.size();
    if (!derived_only_) {
      MQ_CHECK(parts_.data_files[data_synced_]->sync());
      ++data_synced_;
    } else if (indexes_synced_ < parts_.indexed.size()) {
      sync_indexes(parts_.indexed[indexes_synced_++]);
    } else {
      MQ_CHECK(save_derived());
      return true;
    }
  }
  MQ_MARK("log: a checkpoint lets other jobs of the pool come between");
  return false;
}

Result<void> CheckpointJob::run() {
  bool done = false;
  while (!done) {
    MQ_TRY(done, step());
  }
  return {};
}

/// The others are tried, too: what an index holds whose sync failed is not known any more.
void CheckpointJob::sync_indexes(const std::shared_ptr<Segment>& segment) {
  for (const std::string_view extension : kIndexExtensions) {
    auto synced = sync_file(*parts_.files, segment->path(extension));
    if (synced) continue;
    const bool is_noted = !lost_indexes_.empty() && lost_indexes_.back() == segment;
    if (synced.error().code == Errc::disk_failed && !is_noted) lost_indexes_.push_back(segment);
    indexes_ = std::move(synced);
  }
}

Result<void> CheckpointJob::save_derived() {
  if (!indexes_) {
    indexes_synced_ = 0;
    return std::exchange(indexes_, {});
  }
  MQ_CHECK(write_files(Sync::each_file));
  MQ_CHECK(rename_epochs());
  derived_only_ = false;
  MQ_CHECK(parts_.files->sync_directory(parts_.directory));
  derived_only_ = true;
  return remove_obsolete();
}

Result<void> CheckpointJob::run_together(std::span<CheckpointJob> jobs, env::Tree& data) {
  const auto set_derived_only = [&](bool value) {
    for (CheckpointJob& job : jobs) job.derived_only_ = value;
  };
  set_derived_only(false);
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
    MQ_TRY(auto file, parts_.files->open(path, env::OpenMode::create));
    MQ_CHECK(file->write_at(0, contents));
    // Emptying it first would be simpler, but some file systems then wait for the disk when it is closed.
    MQ_TRY(const std::uint64_t size, file->size());
    if (size > contents.size()) MQ_CHECK(file->truncate(contents.size()));
    return sync == Sync::each_file ? file->sync() : Result<void>{};
  };
  // Snapshots carry a CRC, a torn one is as good as none. That of the epochs lies beside them: both are replaced at
  // once, or else they would have to be made anew from all batches.
  for (const auto& [path, contents] : parts_.new_files) MQ_CHECK(write(path, contents));
  for (const auto& [path, contents] : parts_.replaced_files)
    MQ_CHECK(write(path + std::string(kTemporarySuffix), contents));
  return {};
}

Result<void> CheckpointJob::rename_epochs() {
  for (const auto& [path, contents] : parts_.replaced_files)
    MQ_CHECK(parts_.files->rename(path + std::string(kTemporarySuffix), path));
  return {};
}

Result<void> CheckpointJob::remove_obsolete() {
  for (const std::string& path : parts_.obsolete_files) MQ_CHECK(remove_if_there(*parts_.files, path));
  return {};
}

Result<void> RemovalJob::run() const {
  Result<void> first_error;
  for (const std::string& path : paths) {
    auto removed = remove_if_there(*files, path);
    if (!removed && first_error) first_error = std::move(removed);
  }
  return first_error;
}

void LookUp::run() const {
  if (!file) return;
  // What cannot be read here cannot be read there either, and is told there.
  IndexFile<OffsetIndexEntry> index;
  const auto indexed = [&](auto not_after) {
    const auto entry = index.last_where(*files, index_path, base, not_after);
    return entry && *entry ? std::uint64_t{(*entry)->position} : std::uint64_t{0};
  };
  const auto walk = [&](std::uint64_t position, auto is_there) {
    SegmentReader batches(*file, path, position, size, SegmentReader::Mode::headers);
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
  const std::uint64_t limit = find(from) + bytes_max;
  (void)find(bound);
  if (limit >= size) return;
  (void)walk(indexed([&](const OffsetIndexEntry& e) { return e.position <= limit; }),
             [&](const BatchAt& batch) { return batch.end() >= limit; });
}

void WarmUp::run() const {
  // What cannot be read here cannot be read there either, and is told there.
  for (const std::string& path : small_files) (void)env::read_whole(*files, path, kSmallFileBytesMax);
  for (const Part& part : segments) {
    const auto file = files->open(part.path, env::OpenMode::read);
    if (!file) continue;
    IndexFile<OffsetIndexEntry> index;
    IndexFile<TimeIndexEntry> times;
    const auto position_at = [&](auto not_after) {
      const auto entry = index.last_where(*files, part.index_path, part.base, not_after);
      return entry && *entry ? std::uint64_t{(*entry)->position} : std::uint64_t{0};
    };
    const auto walk = [&](std::uint64_t begin, std::uint64_t end) {
      SegmentReader batches(**file, part.path, begin, end, SegmentReader::Mode::headers);
      for (auto batch = batches.next(); batch && *batch;) batch = batches.next();
    };
    (void)times.last(*files, part.times_path, part.base);
    walk(0, std::min<std::uint64_t>(part.size, record::kBatchHeaderBytes));
    const std::uint64_t replayed = position_at([&](const OffsetIndexEntry& e) { return e.offset <= from; });
    walk(std::min(replayed, position_at([](const OffsetIndexEntry&) { return true; })), part.size);
  }
}

void TimesLookUp::run() const {
  // What cannot be read here cannot be read there either, and is told there.
  const auto walk = [&](std::uint64_t position, Offset to) {
    SegmentReader batches(*file, path, position, size, SegmentReader::Mode::headers);
    while (true) {
      const auto batch = batches.next();
      if (!batch || !*batch || (*batch)->header.last_offset() >= to) return;
    }
  };
  IndexFile<OffsetIndexEntry> index;
  IndexFile<TimeIndexEntry> times;
  const auto position_before = [&](Offset offset) {
    const auto entry =
        index.last_where(*files, index_path, base, [&](const OffsetIndexEntry& e) { return e.offset <= offset; });
    return entry && *entry ? std::uint64_t{(*entry)->position} : std::uint64_t{0};
  };
  constexpr Offset kEnd{std::numeric_limits<std::int64_t>::max()};
  walk(0, base);
  walk(position_before(kEnd), kEnd);
  (void)times.last(*files, times_path, base);
  const auto before =
      times.last_where(*files, times_path, base, [&](const TimeIndexEntry& e) { return e.timestamp < timestamp; });
  if (before && *before) walk(position_before((*before)->offset), (*before)->offset);
}

Result<std::optional<TimestampOffset>> TimestampSearch::run() {
  std::optional<TimestampOffset> best;
  record::RecordReader records;
  for (const Part& part : parts_.parts) {
    SegmentReader batches(*part.file, part.path, part.position, part.end, SegmentReader::Mode::headers);
    batches.judge_offsets(part.rules, part.end);
    batches.skip_to(part.position, part.offset);
    while (true) {
      MQ_TRY(const auto batch, batches.next());
      if (!batch || batch->header.base_offset >= parts_.end_bound) break;
      const record::BatchHeader& header = batch->header;
      const bool worth_it =
          parts_.largest ? (!best || header.max_timestamp > best->timestamp) : header.max_timestamp >= parts_.timestamp;
      if (!worth_it || header.last_offset() < parts_.start) continue;

      SegmentReader whole(*part.file, part.path, batch->position, batch->end(), SegmentReader::Mode::wholes);
      MQ_TRY(const auto read, whole.next());
      MQ_CHECK(records.open(read->view()));
      record::RecordView record;
      while (true) {
        MQ_TRY(const bool more, records.next(record));
        if (!more) break;
        if (record.offset < parts_.start || record.offset >= parts_.end_bound) continue;
        const bool wanted =
            parts_.largest ? (!best || record.timestamp > best->timestamp) : record.timestamp >= parts_.timestamp;
        if (!wanted) continue;
        best = TimestampOffset{record.timestamp, record.offset, header.leader_epoch};
        if (!parts_.largest) return best;
      }
    }
  }
  return best;
}

}  // namespace mq::log
