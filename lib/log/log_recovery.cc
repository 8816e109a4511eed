// How a log is opened: after a clean stop by looking at names, else by checking what the stop left unsynced.

#include <algorithm>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "log/cut_files.h"
#include "log/log.h"
#include "log/segment_reader.h"

namespace mq::log {
namespace {

/// A batch of format 0 or 1 stands at the front: another program's old log, not a torn one of ours.
bool is_old_format(BytesView head, Offset base, std::uint64_t file_bytes) {
  constexpr std::size_t kHeadBytes = 17;
  if (head.size() < kHeadBytes) return false;
  const auto offset = load_be<std::int64_t>(head.data());
  const auto length = load_be<std::int32_t>(head.data() + 8);
  const char magic = head[16];
  return (magic == 0 || magic == 1) && offset == base.value() && length >= 14 &&
         static_cast<std::uint64_t>(length) + record::kBatchLengthStart <= file_bytes;
}

/// What stands at the front is a batch of format 2 whose CRC is good but for the byte that says so, which no CRC
/// covers.
Result<bool> is_format_rotten(env::File& file, BytesView head, std::uint64_t bytes_max) {
  const auto bytes = static_cast<std::uint64_t>(load_be<std::int32_t>(head.data() + 8)) + record::kBatchLengthStart;
  if (bytes > bytes_max) return false;
  std::string batch(bytes, '\0');
  MQ_TRY(const std::size_t got, file.read_at(0, batch.data(), batch.size()));
  batch.resize(got);
  constexpr std::size_t kMagicAt = 16;
  batch[kMagicAt] = record::kMagic;
  const auto whole = record::first_batch(batch);
  return whole && record::crc_ok(*whole);
}

/// Calls `each` with the bytes [from, to) of `file`, a part at a time, until it returns false.
template <class Each>
Result<void> for_each_part(env::File& file, std::uint64_t from, std::uint64_t to, Each each) {
  std::string part;
  while (from < to) {
    part.resize(std::min<std::uint64_t>(to - from, std::uint64_t{1} << 20));
    MQ_TRY(const std::size_t got, file.read_at(from, part.data(), part.size()));
    if (got == 0) return {};
    MQ_TRY(const bool more, each(from, BytesView(part).substr(0, got)));
    if (!more) return {};
    from += got;
  }
  return {};
}

Result<bool> is_zero(env::File& file, std::uint64_t from, std::uint64_t to) {
  bool zero = true;
  MQ_CHECK(for_each_part(file, from, to, [&](std::uint64_t, BytesView part) -> Result<bool> {
    zero = part.find_first_not_of('\0') == BytesView::npos;
    return zero;
  }));
  return zero;
}

/// Copies the bytes [from, to) of `file` to a file of their own. They are durable on return, whole or not at all.
Result<void> copy_range(env::Files& files, env::File& file, std::uint64_t from, std::uint64_t to,
                        const std::string& path) {
  const std::string temporary = path + ".tmp";
  const auto write = [&]() -> Result<void> {
    MQ_TRY(auto copy, files.open(temporary, env::OpenMode::create));
    MQ_CHECK(copy->truncate(0));
    MQ_CHECK(for_each_part(file, from, to, [&](std::uint64_t position, BytesView part) -> Result<bool> {
      MQ_CHECK(copy->write_at(position - from, part));
      return true;
    }));
    return copy->sync();
  };
  if (auto written = write(); !written) {
    (void)files.remove(temporary);
    return written;
  }
  MQ_CHECK(files.rename(temporary, path));
  return files.sync_directory(path.substr(0, path.find_last_of('/')));
}

/// The batches of a `.log` file, as far as they are whole.
struct Walked {
  Offset end{0};
  std::optional<std::string> damage;  ///< what stands behind them
};

/// Of the segment at `base`; what is at or above `limit` is rot, since no CRC covers a batch's base offset.
Result<Walked> walk(env::Files& files, const std::string& path, Offset base, Offset limit) {
  MQ_TRY(auto file, files.open(path, env::OpenMode::read));
  MQ_TRY(const std::uint64_t size, file->size());
  SegmentReader reader(*file, path, 0, size, SegmentReader::Mode::wholes);
  reader.judge_offsets({.limit = limit}, size);
  reader.skip_to(0, base);
  while (true) {
    const auto batch = reader.next();
    if (!batch && !is_damage(batch.error())) return fail(batch.error());
    if (!batch) return Walked{.end = reader.next_offset(), .damage = batch.error().message};
    if (!*batch) return Walked{.end = reader.next_offset(), .damage = std::nullopt};
  }
}

}  // namespace

/// Where recovery stands.
struct Log::Scan {
  Offset durable_end{0};       ///< S: below is damage, from here on is a torn tail
  std::size_t segment = 0;     ///< the one that is scanned
  std::size_t first = 0;       ///< the first one that was
  std::uint64_t position = 0;  ///< where to begin in it; where it is torn
  Offset expected{0};          ///< the offset that comes next
  bool torn = false;
  bool damaged = false;  ///< the segment scanned last
};

Result<std::unique_ptr<Log>> Log::open(env::Files& files, std::string directory, TopicPartition partition,
                                       std::shared_ptr<const LogConfig> config, const OpenContext& context,
                                       RecoveryReport& report) {
  MQ_TRY(DirectoryContents contents, read_directory(files, directory));
  report.has_cut_files = contents.has_cut_files;
  Uuid topic_id = context.topic_id;
  const auto text = env::read_whole(files, directory + "/" + std::string(kMetadataFile), 4096);
  const auto id = text ? decode_partition_metadata(*text) : fail(text.error());
  if (!id && topic_id.is_zero()) {
    report.notes.push_back(fmt::format("{}/{}: {}; the log is taken for what its name says", directory, kMetadataFile,
                                       id.error().message));
  } else if (!id) {
    // As Kafka does; who cannot now does so at a later start.
    const auto written = env::replace_atomically(files, directory + "/" + std::string(kMetadataFile),
                                                 encode_partition_metadata(topic_id));
    report.notes.push_back(fmt::format("{}/{}: {}; {}", directory, kMetadataFile, id.error().message,
                                       written ? "made anew" : "it cannot be made anew: " + written.error().message));
  } else if (!topic_id.is_zero() && *id != topic_id) {
    return fail(Errc::conflict, "{} belongs to topic id {}, not {}", directory, id->to_string(), topic_id.to_string());
  } else {
    topic_id = *id;
  }
  auto log =
      std::unique_ptr<Log>(new Log(files, std::move(directory), std::move(partition), topic_id, std::move(config)));
  if (!contents.swaps.empty() || !contents.unfinished.empty()) {
    MQ_CHECK(log->finish_swaps(contents, report));
    MQ_TRY(contents, read_directory(files, *log->directory_));
  }
  for (const std::string& name : contents.retired) log->segments_.note_retired(log->path_of(name), Instant{});
  for (const auto& [base, size] : contents.segments) log->segments_.add(base, size);
  log->snapshots_ = std::move(contents.snapshots);
  log->compacted_end_ = context.compacted_end;
  log->wall_seen_ = context.wall_now;
  if (context.leader_epoch >= LeaderEpoch{0}) log->epoch_limit_ = context.leader_epoch;
  log->log_start_ = context.log_start.value_or(Offset{0});
  if (!log->segments_.empty()) {
    log->note_missing_front(context, contents, report);
    log->log_start_ = std::max(log->log_start_, log->segments_.front()->base_offset());
  }

  MQ_TRY(log->compacted_durably_, log->read_gaps_end(context, contents.has_gaps_file));

  if (context.clean) {
    MQ_TRY(report.clean, log->load_clean(context));
    if (report.clean) return log;
    report.notes.push_back(fmt::format("{}: does not look as the clean stop left it; it is checked", *log->directory_));
  }
  MQ_CHECK(log->recover(context, report));
  return log;
}

void Log::note_missing_front(const OpenContext& context, const DirectoryContents& contents, RecoveryReport& report) {
  const Offset front = segments_.front()->base_offset();
  if (!context.log_start || front <= *context.log_start) return;
  // Retention takes segments away before the new start is written; until then they are still there under another name.
  const bool is_retention = !context.clean && std::ranges::any_of(contents.retired, [&](const std::string& name) {
    return name < segment_file_name(front, "");
  });
  if (is_retention) return;
  report.damage.push_back({*context.log_start, front,
                           fmt::format("{}: the log began at offset {}, its first segment begins at {}: what was "
                                       "before that is missing",
                                       *directory_, context.log_start->value(), front.value())});
}

Result<std::optional<Offset>> Log::read_gaps_end(const OpenContext& context, bool has_file) {
  if (has_file) {
    const auto text = env::read_whole(files_, path_of(kGapsFile), 4096);
    if (!text && text.error().code == Errc::disk_failed) return fail(text.error());
    const auto end = text ? decode_gaps_end(*text) : fail(text.error());
    if (end) {
      segments_.set_gaps_end(*end);
      return *end;
    }
  }
  // Damaged, it still says that there are some: good batches must not be taken for bad ones. Without it the log may
  // come from elsewhere. But what is appended to is never compacted.
  if ((has_file || config_->cleanup_compact || context.compacted_end > log_start_) && !segments_.empty())
    segments_.set_gaps_end(segments_.back()->base_offset());
  return std::nullopt;
}

Result<bool> Log::load_clean(const OpenContext& context) {
  // What is missing shows in what there is: the ends of ten thousand logs must not be read at a start.
  if (context.bytes && *context.bytes != size_bytes()) return false;
  if (segments_.empty()) {
    log_end_ = std::max(log_start_, context.synced_end.value_or(Offset{0}));
    if (log_end_ > log_start_) return false;
  } else {
    Segment& last = *segments_.back();
    if (last.size_bytes() == 0) {
      log_end_ = context.synced_end.value_or(last.base_offset());
      if (log_end_ != last.base_offset()) return false;
    } else if (context.synced_end && *context.synced_end == context.recovery_point) {
      // Two witnesses agree. Looked at when it is first needed: ten thousand idle partitions must not be read at start.
      log_end_ = *context.synced_end;
      if (log_end_ <= last.base_offset()) return false;
    } else {
      const auto end = last.load_tail(*config_);
      last.release();
      if (!end || *end < context.synced_end.value_or(Offset{0})) return false;
      log_end_ = *end;
    }
  }
  if (log_start_ > log_end_) return false;
  synced_end_ = log_end_;
  recovery_point_ = log_end_;
  return true;
}

Result<void> Log::recover(const OpenContext& context, RecoveryReport& report) {
  report.clean = false;
  const std::uint64_t bytes_found = size_bytes();
  recovery_point_ = std::max(context.recovery_point, log_start_);
  Scan scan;
  // The slot may be late, but compaction touches nothing that is not on disk.
  scan.durable_end = std::max(
      {context.synced_end.value_or(Offset{0}), context.recovery_point, compacted_durably_.value_or(Offset{0})});

  MQ_TRY(const auto saved, read_epochs_file());
  const bool epochs_known = saved.has_value();
  LeaderEpochs epochs = saved.value_or(LeaderEpochs{});

  if (segments_.empty()) {
    scan.expected = log_start_;
    if (!context.synced) MQ_CHECK(sync_names(scan));
  } else {
    scan.first = segments_.index_of(recovery_point_);
    scan.segment = scan.first;
    for (std::size_t i = scan.first; i < segments_.size(); ++i) {
      // What is recovered is served at once.
      MQ_CHECK(segments_[i]->face_disk(context.synced));
      segments_[i]->release();  // a log may have more segments than a process may open files
    }
    if (!context.synced) MQ_CHECK(sync_names(scan));
    MQ_CHECK(start_scan(scan));
    // What the batches say, counts: the file's newer entries are made anew from them.
    epochs.truncate_from(scan.expected);
    epochs_ = std::make_unique<LeaderEpochs>(std::move(epochs));
    MQ_CHECK(scan_segments(scan, report));
    if (scan.torn) MQ_CHECK(end_torn(scan, report));
    if (context.bytes && *context.bytes != bytes_found) MQ_CHECK(check_joints(scan.first, report));
  }
  MQ_CHECK(end_scan(scan, report));
  MQ_CHECK(repair_indexes(scan.first, report));
  if (!epochs_ || (!epochs_known && log_end_ > log_start_)) {
    MQ_TRY(epochs, rebuild_leader_epochs());
    epochs_ = std::make_unique<LeaderEpochs>(std::move(epochs));
    if (log_end_ > log_start_)
      report.notes.push_back(fmt::format("{}: made anew from the batches", path_of(kEpochsFile)));
  }
  epochs_unsaved_ = !saved || saved->entries() != epochs_->entries();

  while (!snapshots_.empty() && snapshots_.back() > log_end_) {
    MQ_CHECK(segments_.names().remove(snapshots_.back(), kSnapshotExtensions));
    snapshots_.pop_back();
  }
  MQ_CHECK(producer_states());
  for (const auto& segment : segments_) segment->release();
  report.end_uncertain = log_end_ > Offset{0};
  return {};
}

Result<void> Log::sync_names(const Scan& scan) {
  // A sync that reached into the newest segment synced its name too.
  if (!segments_.empty() && scan.durable_end > segments_.back()->base_offset()) return {};
  if (auto metadata = files_.open(path_of(kMetadataFile), env::OpenMode::read_write)) MQ_CHECK((*metadata)->sync());
  return files_.sync_directory(*directory_);
}

Result<void> Log::check_joints(std::size_t end, RecoveryReport& report) {
  for (std::size_t i = 0; i < std::min(end, segments_.size() - 1); ++i) {
    Segment& segment = *segments_[i];
    const Offset next_base = segments_[i + 1]->base_offset();
    if (next_base <= segments_.gaps_end()) continue;  // compaction may have left nothing at its end
    const auto last = segment.load_tail(*config_);
    segment.release();
    if (!last && !is_damage(last.error())) return fail(last.error());
    if (!last || *last >= next_base) continue;
    note_damage(*last, next_base,
                fmt::format("{}: ends at offset {}, the next segment begins at {}", segment.path(), last->value(),
                            next_base.value()),
                report);
  }
  return {};
}

Result<void> Log::repair_indexes(std::size_t end, RecoveryReport& report) {
  for (std::size_t i = 0; i < std::min(end, segments_.size()); ++i) {
    Segment& segment = *segments_[i];
    MQ_TRY(const bool fit, segment.indexes_fit());
    if (!fit) {
      MQ_CHECK(segment.rebuild_indexes(*config_));
      unsaved_.push_back(segments_[i]);
      report.notes.push_back(fmt::format("{}: its indexes were made anew", segment.path()));
    }
    segment.release();
  }
  return {};
}

Result<void> Log::start_scan(Scan& scan) {
  Segment& segment = *segments_[scan.segment];
  scan.position = 0;
  scan.expected = segment.base_offset();
  if (recovery_point_ <= segment.base_offset() || segment.size_bytes() == 0) return {};
  const auto position = segment.position_of(recovery_point_, *config_);
  if (!position) return position.error().code == Errc::disk_failed ? fail(position.error()) : Result<void>{};
  // Begin there only if a batch really begins, or the last one ends, with that offset.
  if (*position < segment.size_bytes()) {
    const auto header = segment.header_at(*position);
    if (!header || header->base_offset != recovery_point_) return {};
  } else {
    const auto end = segment.load_tail(*config_);
    if (!end || *end != recovery_point_) return {};
  }
  scan.position = *position;
  scan.expected = recovery_point_;
  return {};
}

Result<void> Log::scan_segments(Scan& scan, RecoveryReport& report) {
  while (true) {
    MQ_CHECK(scan_segment(scan, report));
    if (scan.torn || scan.segment + 1 == segments_.size()) return {};
    const Offset next_base = segments_[scan.segment + 1]->base_offset();
    if (scan.expected < next_base && !segments_.may_have_gaps(scan.expected)) {
      if (scan.expected >= scan.durable_end) {
        scan.torn = true;
        scan.position = segments_[scan.segment]->size_bytes();
        return {};
      }
      note_damage(scan.expected, next_base,
                  fmt::format("{}: ends at offset {}, the next segment begins at {}", segments_[scan.segment]->path(),
                              scan.expected.value(), next_base.value()),
                  report);
    }
    segments_[scan.segment]->release();
    ++scan.segment;
    scan.position = 0;
    scan.expected = next_base;
  }
}

Result<void> Log::scan_segment(Scan& scan, RecoveryReport& report) {
  Segment& segment = *segments_[scan.segment];
  const Offset limit = segments_.end_of(scan.segment, OffsetRules::kNone);
  const std::uint64_t whole = segment.size_bytes();
  scan.damaged = false;
  if (whole == 0) return {};
  MQ_TRY(auto file, segment.file());
  if (scan.position == 0) {
    std::string head(std::min<std::uint64_t>(whole, record::kBatchHeaderBytes), '\0');
    const auto got = file->read_at(0, head.data(), head.size());
    if (!got && !is_damage(got.error())) return fail(got.error());
    head.resize(got.value_or(0));
    bool is_old = is_old_format(head, segment.base_offset(), whole);
    if (is_old) {
      MQ_TRY(const bool is_rotten, is_format_rotten(*file, head, whole));
      is_old = !is_rotten;
    }
    if (is_old)
      return fail(Errc::unsupported,
                  "{}: holds messages of format {}; only batches of format 2 are read. Nothing was changed",
                  segment.path(), static_cast<int>(head[16]));
  }
  // What it says of batches is of worth where gaps may be, and is made anew from them now.
  const bool may_leap = segments_.may_have_gaps(segment.base_offset());
  const std::vector<OffsetIndexEntry> entries = may_leap ? segment.index_entries() : std::vector<OffsetIndexEntry>{};
  auto rewound = segment.rewind(scan.position, scan.expected, *config_);
  if (!rewound && is_damage(rewound.error()) && scan.position > 0) {
    // Damage right before the recovery point.
    scan.position = 0;
    scan.expected = segment.base_offset();
    rewound = segment.rewind(scan.position, scan.expected, *config_);
  }
  MQ_CHECK(rewound);
  SegmentReader reader(*file, segment.path(), scan.position, whole, SegmentReader::Mode::wholes);
  // Where batches continue each other, one that reaches into the next segment is no rot: see below.
  reader.judge_offsets({.limit = may_leap ? limit : OffsetRules::kNone, .gaps_end = segments_.gaps_end()}, whole,
                       witness_of(entries, segment.base_offset()));
  reader.skip_to(scan.position, scan.expected);
  while (true) {
    auto batch = reader.next();
    if (batch && !*batch) return {};
    if (batch) {
      const record::BatchHeader& header = (*batch)->header;
      if (header.base_offset == limit) {
        // An earlier recovery could not read up to here, and the log went on in the next segment.
        segment.extend_over_damage(whole);
        return cut_off({.segment = segments_[scan.segment],
                        .position = (*batch)->position,
                        .end = limit,
                        .what = "what the next segment has replaced"},
                       report);
      }
      if (header.next_offset() > limit)
        return fail(Errc::corrupt, "{}:{}: offset {} belongs into the next segment. Nothing was cut", segment.path(),
                    (*batch)->position, header.last_offset().value());
      if (header.leader_epoch <= epoch_limit_) epochs_->assign(header.leader_epoch, header.base_offset);
      segment.note_verified((*batch)->position, (*batch)->end());
      segment.note_batch(header, *config_);
      report.bytes_checked += header.size_bytes();
      scan.expected = header.next_offset();
      // What does not reach its file waits in memory.
      if (segment.wants_index_flush()) (void)segment.flush_indexes();
      continue;
    }
    if (!is_damage(batch.error())) return fail(std::move(batch).error());
    scan.position = reader.position();
    if (scan.expected >= scan.durable_end) {
      segment.extend_over_damage(whole);
      scan.torn = true;
      return {};
    }
    scan.damaged = true;
    MQ_TRY(const bool goes_on, reader.resume(std::min(limit, next(scan.durable_end))));
    const Offset end =
        goes_on ? reader.next_offset() : std::min(limit, std::max(scan.durable_end, next(scan.expected)));
    note_damage(scan.expected, end, batch.error().message, report);
    segment.extend_over_damage(goes_on ? reader.position() : whole);
    segment.carry_over(entries, scan.position, segment.size_bytes(), scan.expected, end);
    scan.expected = end;
    if (!goes_on) return {};
  }
}

void Log::note_damage(Offset first, Offset end, std::string place, RecoveryReport& report) {
  if (end <= log_start_ || first >= end) return;
  damage_.push_back({std::max(first, log_start_), end, std::move(place)});
  report.damage.push_back(damage_.back());
}

Result<void> Log::end_torn(const Scan& scan, RecoveryReport& report) {
  // What follows a torn segment was never durable either.
  Torn torn{.segment = segments_[scan.segment],
            .followers = segments_.take_from(scan.segment + 1),
            .position = scan.position,
            .end = scan.expected,
            .what = "a torn tail"};
  return cut_off(std::move(torn), report);
}

Result<void> Log::cut_off(Torn torn, RecoveryReport& report) {
  torn.whole = torn.segment->size_bytes();
  torn.segment->end_before_tail(torn.position);
  torn_.push_back(std::move(torn));
  const auto cut = cut_torn(report);
  if (cut || !is_passing(cut.error().code)) return cut;
  const Torn& left = torn_.back();
  report.notes.push_back(fmt::format(
      "{}:{}: {} of {} bytes, at offset {}, stays until there is room to keep it elsewhere; until then nothing is "
      "appended: {}",
      left.segment->path(), left.position, left.what, left.whole - left.position, left.end.value(),
      cut.error().message));
  return {};
}

Result<void> Log::finish_recovery() {
  RecoveryReport ignored;  // what was left was told when the log was opened
  return cut_torn(ignored);
}

Result<void> Log::cut_torn(RecoveryReport& report) {
  if (torn_.empty()) return {};
  for (; !torn_.empty(); torn_.pop_back()) {
    Torn& torn = torn_.back();
    MQ_CHECK(cut_tail(torn, report));
    for (; !torn.followers.empty(); torn.followers.pop_back()) MQ_CHECK(set_aside(*torn.followers.back(), report));
    MQ_CHECK(files_.sync_directory(*directory_));
  }
  return {};
}

Result<void> Log::cut_tail(Torn& torn, RecoveryReport& report) {
  Segment& segment = *torn.segment;
  const std::uint64_t cut = torn.whole - torn.position;
  if (cut == 0) return {};
  MQ_TRY(auto file, segment.file());
  // A file that grew before its bytes came is full of zeros: nothing worth keeping.
  const auto zeros = is_zero(*file, torn.position, torn.whole);
  if (!zeros && !is_damage(zeros.error())) return fail(zeros.error());
  if (!zeros || !*zeros) {
    MQ_TRY(const std::string aside, free_cut_name(segment, torn.position));
    const auto kept = copy_range(files_, *file, torn.position, torn.whole, aside);
    // Some disks cannot read what a power cut has torn.
    if (!kept && !is_damage(kept.error())) return kept;
    report.notes.push_back(fmt::format("{}:{}: {} of {} bytes was cut at offset {} and {}", segment.path(),
                                       torn.position, torn.what, cut, torn.end.value(),
                                       kept ? "is kept in " + aside : "cannot be kept: " + kept.error().message));
  }
  MQ_CHECK(segment.truncate(torn.position, torn.end));
  torn.whole = torn.position;
  MQ_CHECK(file->sync());
  report.bytes_cut += cut;
  return {};
}

Result<std::string> Log::free_cut_name(const Segment& segment, std::uint64_t position) const {
  // What an earlier recovery cut at the same place stays.
  MQ_TRY(const std::string name, next_cut_name(files_, *directory_, segment.base_offset(), position));
  return path_of(name);
}

Result<void> Log::set_aside(Segment& segment, RecoveryReport& report) {
  MQ_CHECK(segments_.names().remove(segment.base_offset(), kSegmentExtensions));
  if (segment.size_bytes() == 0) return files_.remove(segment.path());
  MQ_TRY(const std::string aside, free_cut_name(segment, 0));
  MQ_CHECK(files_.rename(segment.path(), aside));
  report.bytes_cut += segment.size_bytes();
  report.notes.push_back(fmt::format("{}: follows a torn segment and is kept in {}", segment.path(), aside));
  return {};
}

Result<void> Log::seal_unsaved(const std::shared_ptr<Segment>& segment) {
  MQ_CHECK(seal(*segment));
  unsaved_.push_back(segment);
  return {};
}

Result<void> Log::end_scan(const Scan& scan, RecoveryReport& report) {
  if (scan.expected < scan.durable_end && scan.durable_end > log_start_) {
    const std::string file = segments_.empty() ? *directory_ : segments_.back()->path();
    note_damage(scan.expected, scan.durable_end,
                fmt::format("{}: ends at offset {}, but {} were durable once", file, scan.expected.value(),
                            scan.durable_end.value()),
                report);
  }
  // Offsets that somebody may have been told are never given out again.
  log_end_ = std::max({scan.expected, scan.durable_end, log_start_});
  for (std::size_t i = scan.first; i + 1 < segments_.size(); ++i) MQ_CHECK(seal_unsaved(segments_[i]));
  const bool needs_new = !segments_.empty() && (log_end_ != scan.expected || scan.damaged);
  if (needs_new) {
    const std::shared_ptr<Segment> last = segments_.back();
    if (last->size_bytes() == 0 && torn_.empty()) {
      MQ_CHECK(set_aside(*last, report));
      (void)segments_.take_from(segments_.size() - 1);
    } else {
      MQ_CHECK(seal_unsaved(last));
    }
    segments_.add(log_end_, 0);
    // The name says how far the log has come, whatever happens to the segments before it. Without room for it the first
    // append makes it.
    const auto made = segments_.back()->file();
    if (!made && !is_passing(made.error().code)) return fail(made.error());
    // Nothing else bounds a segment that could not be read to its end: when it can be, what is behind that is not ours.
    if (made && scan.damaged) MQ_CHECK(files_.sync_directory(*directory_));
    names_unsynced_ = !made || !scan.damaged;
  } else if (!segments_.empty()) {
    (void)segments_.back()->flush_indexes();
  }
  synced_end_ = log_end_;
  recovery_point_ = std::min(recovery_point_, log_end_);
  return {};
}

Result<void> Log::finish_swaps(const DirectoryContents& contents, RecoveryReport& report) {
  for (const std::string& name : contents.unfinished) MQ_CHECK(files_.remove(path_of(name)));
  for (const Offset base : contents.swaps) {
    // The newest segment is never compacted.
    const bool is_followed = !contents.segments.empty() && contents.segments.back().first > base;
    const Offset limit =
        is_followed ? contents.segments.back().first : Offset{std::numeric_limits<std::int64_t>::max()};
    MQ_TRY(const Walked walked, walk(files_, segments_.names().swap_path(base), base, limit));
    if (walked.damage) {
      MQ_TRY(const bool restored, restore_sources(base, contents));
      report.notes.push_back(fmt::format("{}: {}; {}", segments_.names().swap_path(base), *walked.damage,
                                         restored ? "what it was made from is there and stays in its place"
                                                  : "what it was made from is gone, so the rest of it is used"));
      if (restored) {
        MQ_CHECK(files_.remove(segments_.names().swap_path(base)));
        continue;
      }
    }
    const Offset end = std::max(next(base), walked.end);
    for (const auto& [old_base, size] : contents.segments) {
      if (old_base <= base || old_base >= end) continue;
      MQ_CHECK(segments_.retire_files(old_base, Instant{}));
    }
    MQ_CHECK(segments_.names().replace_by_swap(base));
    report.notes.push_back(fmt::format("{}: finished its compaction", path_of(segment_file_name(base, "log"))));
  }
  return files_.sync_directory(*directory_);
}

Result<bool> Log::restore_sources(Offset base, const DirectoryContents& contents) {
  std::set<Offset> there;
  for (const auto& [segment_base, size] : contents.segments) there.insert(segment_base);
  std::set<Offset> retired;
  const std::string suffix = segment_file_name(base, "log").substr(kOffsetDigits) + std::string(kDeletedSuffix);
  for (const std::string& name : contents.retired)
    if (name.ends_with(suffix)) retired.insert(Offset{std::stoll(name.substr(0, kOffsetDigits))});

  const auto after = there.upper_bound(base);
  const Offset stop = after == there.end() ? Offset{std::numeric_limits<std::int64_t>::max()} : *after;
  Offset at = base;
  while (at < stop) {
    const std::string path = path_of(segment_file_name(at, "log"));
    if (!there.contains(at)) {
      if (!retired.contains(at)) return false;
      MQ_CHECK(files_.rename(path + std::string(kDeletedSuffix), path));
    }
    // Older generations of the same segments may wait for their removal, too: those begin before this one ends.
    MQ_TRY(const Walked walked, walk(files_, path, at, stop));
    const auto follower = retired.lower_bound(std::max(next(at), walked.end));
    if (follower == retired.end() || *follower >= stop) return true;
    at = *follower;
  }
  return true;
}

}  // namespace mq::log
