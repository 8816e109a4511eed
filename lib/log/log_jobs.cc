#include "log/log_jobs.h"

#include "log/segment_reader.h"
#include "record/record.h"

namespace mq::log {
namespace {

Result<void> sync_file(env::Files& files, const std::string& path) {
  MQ_TRY(auto file, files.open(path, env::OpenMode::read_write));
  return file->sync();
}

Result<void> write_and_sync(env::Files& files, const std::string& path, BytesView contents) {
  MQ_TRY(auto file, files.open(path, env::OpenMode::create));
  MQ_CHECK(file->truncate(0));
  MQ_CHECK(file->write_at(0, contents));
  return file->sync();
}

}  // namespace

Result<void> SyncJob::run() {
  for (const auto& [segment, file] : dirty_) MQ_CHECK(file->sync());
  for (const std::string& name : names_) MQ_CHECK(sync_file(*files_, name));
  for (const std::string& directory : directories_) MQ_CHECK(files_->sync_directory(directory));
  return {};
}

Result<void> CheckpointJob::run() {
  for (const auto& file : data_files_) MQ_CHECK(file->sync());
  for (const std::string& path : index_files_) MQ_CHECK(sync_file(*files_, path));
  const std::size_t last = replaced_files_.size() - 1;
  // Snapshots carry a CRC, a torn one is as good as none; the epochs' text does not and is replaced at once.
  for (std::size_t i = 0; i < last; ++i)
    MQ_CHECK(write_and_sync(*files_, replaced_files_[i].first, replaced_files_[i].second));
  MQ_CHECK(env::replace_atomically(*files_, replaced_files_[last].first, replaced_files_[last].second));
  for (const std::string& path : obsolete_files_) {
    auto removed = files_->remove(path);
    if (!removed && removed.error().code != Errc::not_found) return removed;
  }
  return {};
}

Result<void> RemovalJob::run() {
  Result<void> first_error;
  for (const std::string& path : paths_) {
    auto removed = files_->remove(path);
    if (!removed && removed.error().code != Errc::not_found && first_error) first_error = removed;
  }
  return first_error;
}

Result<std::optional<TimestampOffset>> TimestampSearch::run() {
  std::optional<TimestampOffset> best;
  record::RecordReader records;
  for (const Part& part : parts_) {
    SegmentReader batches(*part.file, part.path, part.position, part.end, SegmentReader::Mode::headers);
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
