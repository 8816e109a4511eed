#include "log/recovery.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "base/mark.h"
#include "base/mutant.h"
#include "log/directory_contents.h"
#include "log/epochs_file.h"
#include "log/segment_reader.h"
#include "log/unfinished_swaps.h"
#include "record/batch.h"

// How a log is opened.
//
// 1. `partition.metadata` says whose log it is; a compaction that a stop has cut off is ended (`finish_swaps`).
// 2. After a clean stop that is all: sizes and names must be what the stop noted, and batches are read when needed.
// 3. Else everything from the recovery point on is checked, batch by batch, as the disk has it and not the page cache:
//    `face_disk` before a byte is believed (D-2).
// 4. What was durable once, `durable_end`, decides what a bad batch is. At or above, a write that the stop has torn: it
//    is cut and kept aside, with all that follows (`end_torn`). Below, damage: it is told, stepped over and never cut,
//    and its offsets are given to no other records. The log then goes on in a new segment.
// 5. What is made from batches is made anew where it is missing, wrong or newer than the log: indexes, leader epochs,
//    producer states.
//
// Every step may be cut off and begun again: doing it twice gives what once gives.

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

/// One run of it.
class Recovery {
 public:
  Recovery(env::Files& files, std::shared_ptr<const std::string> directory, const LogConfig& config,
           const OpenContext& context, RecoveryReport& report)
      : config_(config), context_(context), report_(report), contents_(files, std::move(directory)) {}
  Result<LogContents> run();

 private:
  /// Whose log it is: what `partition.metadata` says, which is made anew where it says nothing.
  Result<Uuid> identify();
  /// Tells what is missing in front of the first segment, unless retention has taken it.
  void note_missing_front(const DirectoryContents& contents);
  /// Learns below which offset compaction may have left gaps. Nothing: that is not written, or damaged.
  Result<void> read_gaps_end(bool has_file);
  /// Of the segments that end before their bytes do.
  Result<void> read_ends(const std::vector<Offset>& bases);
  /// The last segment ends here, though it has bytes that cannot be read.
  Result<void> note_end();
  /// False: what is there does not look like a clean stop.
  Result<bool> load_clean();

  Result<void> recover();
  Result<void> sync_names();
  /// Finds where the scan begins: at the recovery point, if a batch begins there.
  Result<void> start_scan();
  Result<void> scan_segments();
  Result<void> scan_segment();
  void note_damage(Offset first, Offset end, std::string place);
  /// The log ends where it is torn; what follows is set aside.
  Result<void> end_torn();
  Result<void> end_scan();
  Result<void> seal_unsaved(Segment& segment);
  /// Tells what is missing between the segments before `end`, which nothing else looks at.
  Result<void> check_joints(std::size_t end);
  /// Of the segments before `end`, which nothing else looks at.
  Result<void> repair_indexes(std::size_t end);

  struct Scan {
    Offset durable_end{0};       ///< below is damage, from here on is a torn tail
    std::size_t segment = 0;     ///< the one that is scanned
    std::size_t first = 0;       ///< the first one that was
    std::uint64_t position = 0;  ///< where to begin in it; where it is torn
    Offset expected{0};          ///< the offset that comes next
    bool torn = false;
    bool damaged = false;  ///< the segment scanned last
    bool unread = false;   ///< up to its end
  };

  const LogConfig& config_;
  const OpenContext& context_;
  RecoveryReport& report_;
  LogContents contents_;
  SegmentSet& segments_ = contents_.segments;
  const SegmentFiles& names_ = segments_.names();
  Scan scan_;
  Offset start_{0};
  Offset end_{0};
  Offset recovery_point_{0};
  std::vector<Offset> unsaved_;  ///< segments whose indexes are not known to be on disk
  bool names_unsynced_ = false;
  bool epochs_differ_ = false;  ///< batches say something else than the file
  bool epochs_unsaved_ = false;
};

Result<Uuid> Recovery::identify() {
  const std::string path = names_.path_of(kMetadataFile);
  const auto text = env::read_whole(names_.files(), path, 4096);
  const auto id = text ? decode_partition_metadata(*text) : fail(text.error());
  const Uuid& wanted = context_.topic_id;
  if (id && !wanted.is_zero() && *id != wanted)
    return fail(Errc::conflict, "{} belongs to topic id {}, not {}", *names_.directory(), id->to_string(),
                wanted.to_string());
  if (id) return *id;
  if (wanted.is_zero()) {
    report_.notes.push_back(fmt::format("{}: {}; the log is taken for what its name says", path, id.error().message));
    return wanted;
  }
  // As Kafka does; who cannot now does so at a later start.
  MQ_MARK("log: whose a log is has to be written anew");
  const auto written = env::replace_atomically(names_.files(), path, encode_partition_metadata(wanted));
  report_.notes.push_back(fmt::format("{}: {}; {}", path, id.error().message,
                                      written ? "made anew" : "it cannot be made anew: " + written.error().message));
  return wanted;
}

Result<LogContents> Recovery::run() {
  MQ_TRY(DirectoryContents found, read_directory(names_.files(), *names_.directory()));
  report_.has_cut_files = found.has_cut_files;
  MQ_TRY(contents_.topic_id, identify());
  if (!found.swaps.empty() || !found.unfinished.empty()) {
    MQ_MARK("log: a start finds a compaction that was cut off");
    MQ_CHECK(finish_swaps(names_, found, report_));
    MQ_TRY(found, read_directory(names_.files(), *names_.directory()));
  }
  for (const std::string& name : found.retired) segments_.note_retired(names_.path_of(name), Instant{});
  for (const auto& [base, size] : found.segments) segments_.add(base, size);
  if (!found.retired.empty()) MQ_MARK("log: a start finds segments that wait for their removal");
  MQ_CHECK(read_ends(found.ended));
  contents_.snapshots.set_found(std::move(found.snapshots), context_.clean || context_.synced);
  if (context_.leader_epoch >= LeaderEpoch{0}) contents_.epoch_limit = context_.leader_epoch;
  start_ = context_.log_start.value_or(Offset{0});
  if (!segments_.empty()) {
    note_missing_front(found);
    start_ = std::max(start_, segments_.front()->base_offset());
  }
  MQ_CHECK(read_gaps_end(found.has_gaps_file));

  if (context_.clean) {
    MQ_TRY(report_.clean, load_clean());
    if (!report_.clean)
      report_.notes.push_back(
          fmt::format("{}: does not look as the clean stop left it; it is checked", *names_.directory()));
  }
  if (!report_.clean) MQ_CHECK(recover());

  contents_.compacted_end = std::min(context_.compacted_end, end_);
  contents_.durability = Durability(start_, end_);
  if (!report_.clean) contents_.durability.on_recovery(recovery_point_);
  for (const Offset segment : unsaved_) contents_.durability.on_seal(segment);
  if (names_unsynced_) contents_.durability.on_name();
  if (epochs_unsaved_) contents_.durability.on_epochs();
  return std::move(contents_);
}

void Recovery::note_missing_front(const DirectoryContents& contents) {
  const Offset front = segments_.front()->base_offset();
  if (!context_.log_start || front <= *context_.log_start) return;
  // Retention takes segments away before the new start is written; until then they are still there under another name.
  const bool is_retention = !context_.clean && std::ranges::any_of(contents.retired, [&](const std::string& name) {
    return name < segment_file_name(front, "");
  });
  if (is_retention) return;
  report_.damage.push_back({*context_.log_start, front,
                            fmt::format("{}: the log began at offset {}, its first segment begins at {}: what was "
                                        "before that is missing",
                                        *names_.directory(), context_.log_start->value(), front.value())});
}

Result<void> Recovery::read_gaps_end(bool has_file) {
  if (has_file) {
    const auto end = load_gaps_end(names_.files(), names_.path_of(kGapsFile));
    if (!end && end.error().code == Errc::disk_failed) return fail(end.error());
    if (end) {
      segments_.set_gaps_end(*end);
      return {};
    }
  }
  if (segments_.empty() || !(has_file || config_.cleanup_compact || context_.compacted_end > start_)) return {};
  // Damaged, it still says that there are some: good batches must not be taken for bad ones. But what is appended to is
  // never compacted.
  Offset end = segments_.back()->base_offset();
  // Without it the log may come from elsewhere, or be copied from such a one. That was on disk before a slot said so;
  // what is missing behind is a write that a power cut took from amid others.
  if (!has_file && context_.synced_end)
    end = std::min(end, std::max({*context_.synced_end, context_.compacted_end, context_.recovery_point}));
  segments_.set_gaps_end(end);
  return {};
}

Result<void> Recovery::read_ends(const std::vector<Offset>& bases) {
  for (const Offset base : bases) {
    if (segments_.find(base) == nullptr) continue;
    MQ_MARK("log: a start finds a segment that ends before its bytes do");
    const std::string path = names_.path(base, kEndExtension);
    const auto end = load_gaps_end(names_.files(), path);
    if (!end && is_passing(end.error().code)) return fail(end.error());
    if (end) segments_.set_end_max(segments_.index_of(base), *end);
    if (!end) report_.notes.push_back(fmt::format("{}: {}; taken for missing", path, end.error().message));
  }
  return {};
}

Result<void> Recovery::note_end() {
  // Where an earlier recovery has ended it, it stays ended: what is behind that was replaced.
  const Segment& last = *segments_.back();
  MQ_MARK("log: recovery ends a segment before its damaged bytes");
  const Offset end = std::min(end_, last.rules().limit);
  const auto written =
      env::replace_atomically(names_.files(), names_.path(last.base_offset(), kEndExtension), encode_gaps_end(end));
  // Without room the next segment alone says so.
  if (!written && !is_passing(written.error().code)) return written;
  segments_.set_end_max(segments_.size() - 1, end);
  return {};
}

Result<bool> Recovery::load_clean() {
  // What is missing shows in what there is: the ends of ten thousand logs must not be read at a start.
  if (context_.bytes && *context_.bytes != segments_.size_bytes()) return false;
  if (segments_.empty()) {
    end_ = std::max(start_, context_.synced_end.value_or(Offset{0}));
    if (end_ > start_) return false;
  } else {
    Segment& last = *segments_.back();
    if (last.size_bytes() == 0) {
      end_ = context_.synced_end.value_or(last.base_offset());
      if (end_ != last.base_offset()) return false;
    } else if (context_.synced_end && *context_.synced_end == context_.recovery_point) {
      // Two witnesses agree. Looked at when it is first needed: ten thousand idle partitions must not be read at start.
      end_ = *context_.synced_end;
      if (end_ <= last.base_offset()) return false;
    } else {
      const auto end = last.load_tail(config_);
      last.release();
      if (!end || *end < context_.synced_end.value_or(Offset{0})) return false;
      end_ = *end;
    }
  }
  if (start_ > end_) return false;
  return true;
}

Result<void> Recovery::recover() {
  report_.clean = false;
  const std::uint64_t bytes_found = segments_.size_bytes();
  recovery_point_ = std::max(context_.recovery_point, start_);
  // The slot may be late, but compaction touches nothing that is not on disk.
  scan_.durable_end =
      std::max({context_.synced_end.value_or(Offset{0}), context_.recovery_point, context_.compacted_end});

  MQ_TRY(const auto saved, read_epochs_file(names_, contents_.epoch_limit));
  const bool epochs_known = saved.epochs.has_value();
  LeaderEpochs epochs = saved.epochs.value_or(LeaderEpochs{});

  if (segments_.empty()) {
    scan_.expected = start_;
    MQ_MARK("log: recovery of a log without segments");
    if (!context_.synced) MQ_CHECK(sync_names());
  } else {
    scan_.first = segments_.index_of(recovery_point_);
    scan_.segment = scan_.first;
    for (std::size_t i = scan_.first; i < segments_.size(); ++i) {
      // What is recovered is served at once.
      if (!is_mutant("cachedrecovery")) MQ_CHECK(segments_[i]->face_disk(context_.synced));
      segments_[i]->release();  // a log may have more segments than a process may open files
    }
    if (!context_.synced) MQ_CHECK(sync_names());
    MQ_CHECK(start_scan());
    // What the batches say, counts: the file's newer entries are made anew from them.
    epochs.truncate_from(scan_.expected);
    contents_.epochs = std::make_unique<LeaderEpochs>(std::move(epochs));
    MQ_CHECK(scan_segments());
    if (scan_.torn && !is_mutant("tornkept")) MQ_CHECK(end_torn());
    if (context_.bytes && *context_.bytes != bytes_found) MQ_CHECK(check_joints(scan_.first));
  }
  MQ_CHECK(end_scan());
  MQ_CHECK(repair_indexes(scan_.first));
  // The file may have an epoch without batches that gave way to an older one since, when the log's start has moved past
  // where that was.
  if (epochs_differ_) MQ_MARK("log: recovery finds other leader epochs in the batches than in their file");
  if (!contents_.epochs || ((!epochs_known || epochs_differ_) && end_ > start_)) {
    MQ_TRY(epochs, epochs_of_batches(segments_, start_, end_, contents_.epoch_limit, config_));
    if (end_ > start_) MQ_MARK("log: recovery makes the leader epochs anew");
    contents_.epochs = std::make_unique<LeaderEpochs>(std::move(epochs));
    if (end_ > start_)
      report_.notes.push_back(fmt::format("{}: made anew from the batches", names_.path_of(kEpochsFile)));
  }
  const bool is_as_saved = epochs_known && saved.epochs->entries() == contents_.epochs->entries();
  epochs_unsaved_ = !is_as_saved || (!saved.has_crc && end_ > start_);

  MQ_TRY(const bool removed, contents_.snapshots.truncate_to(end_));
  if (removed) MQ_CHECK(names_.files().sync_directory(*names_.directory()));
  MQ_TRY(ProducerStates states, contents_.snapshots.load(segments_, config_, start_, end_, context_.wall_now));
  contents_.producers = std::make_unique<ProducerStates>(std::move(states));
  for (const auto& segment : segments_) segment->release();
  report_.end_uncertain = end_ > Offset{0};
  return {};
}

Result<void> Recovery::sync_names() {
  // A sync that reached into the newest segment synced its name too.
  if (!segments_.empty() && scan_.durable_end > segments_.back()->base_offset()) return {};
  if (auto metadata = names_.files().open(names_.path_of(kMetadataFile), env::OpenMode::read_write))
    MQ_CHECK((*metadata)->sync());
  return names_.files().sync_directory(*names_.directory());
}

Result<void> Recovery::check_joints(std::size_t end) {
  for (std::size_t i = 0; i < std::min(end, segments_.size() - 1); ++i) {
    Segment& segment = *segments_[i];
    const Offset next_base = segments_[i + 1]->base_offset();
    if (next_base <= segments_.gaps_end()) continue;  // compaction may have left nothing at its end
    const auto last = segment.load_tail(config_);
    segment.release();
    if (!last && !is_damage(last.error())) return fail(last.error());
    if (!last || *last >= next_base) continue;
    note_damage(*last, next_base,
                fmt::format("{}: ends at offset {}, the next segment begins at {}", segment.path(), last->value(),
                            next_base.value()));
  }
  return {};
}

Result<void> Recovery::repair_indexes(std::size_t end) {
  for (std::size_t i = 0; i < std::min(end, segments_.size()); ++i) {
    Segment& segment = *segments_[i];
    MQ_TRY(const bool fit, segment.indexes_fit());
    if (!fit) {
      MQ_MARK("log: recovery makes the indexes of an older segment anew");
      MQ_CHECK(segment.rebuild_indexes(config_));
      unsaved_.push_back(segment.base_offset());
      report_.notes.push_back(fmt::format("{}: its indexes were made anew", segment.path()));
    }
    segment.release();
  }
  return {};
}

Result<void> Recovery::start_scan() {
  Segment& segment = *segments_[scan_.segment];
  scan_.position = 0;
  scan_.expected = segment.base_offset();
  if (recovery_point_ <= segment.base_offset() || segment.size_bytes() == 0) return {};
  const auto position = segment.position_of(recovery_point_, config_);
  if (!position) return position.error().code == Errc::disk_failed ? fail(position.error()) : Result<void>{};
  // Begin there only if a batch really begins, or the last one ends, with that offset.
  if (*position < segment.size_bytes()) {
    const auto header = segment.header_at(*position);
    if (!header || header->base_offset != recovery_point_) return {};
  } else {
    const auto end = segment.load_tail(config_);
    if (!end || *end != recovery_point_) return {};
  }
  scan_.position = *position;
  MQ_MARK("log: recovery begins amid a segment");
  scan_.expected = recovery_point_;
  return {};
}

Result<void> Recovery::scan_segments() {
  while (true) {
    MQ_CHECK(scan_segment());
    if (scan_.torn || scan_.segment + 1 == segments_.size()) return {};
    const Offset next_base = segments_[scan_.segment + 1]->base_offset();
    if (scan_.expected < next_base && !segments_.may_have_gaps(scan_.expected)) {
      // What was durable may all be below the start, which may lie amid a batch that a truncation has cut.
      if (std::max(scan_.expected, start_) >= scan_.durable_end) {
        MQ_MARK("log: a segment ends too early and was never durable");
        scan_.torn = true;
        scan_.position = segments_[scan_.segment]->size_bytes();
        return {};
      }
      note_damage(scan_.expected, next_base,
                  fmt::format("{}: ends at offset {}, the next segment begins at {}", segments_[scan_.segment]->path(),
                              scan_.expected.value(), next_base.value()));
    }
    segments_[scan_.segment]->release();
    ++scan_.segment;
    scan_.position = 0;
    scan_.expected = next_base;
  }
}

Result<void> Recovery::scan_segment() {
  Segment& segment = *segments_[scan_.segment];
  const Offset limit = segment.rules().limit;
  const std::uint64_t whole = segment.size_bytes();
  scan_.damaged = scan_.unread = false;
  if (whole == 0) return {};
  MQ_TRY(auto file, segment.file());
  if (scan_.position == 0) {
    std::string head(std::min<std::uint64_t>(whole, record::kBatchHeaderBytes), '\0');
    const auto got = file->read_at(0, head.data(), head.size());
    if (!got && !is_damage(got.error())) return fail(got.error());
    head.resize(got.value_or(0));
    bool is_old = is_old_format(head, segment.base_offset(), whole);
    if (is_old) {
      const auto is_rotten = is_format_rotten(*file, head, whole);
      // Nothing of what was durable here once is another program's, nor is it cut.
      const bool is_unreadable = !is_rotten && is_damage(is_rotten.error()) && scan_.expected < scan_.durable_end;
      if (!is_rotten && !is_unreadable) return fail(is_rotten.error());
      is_old = !is_unreadable && !*is_rotten;
    }
    if (is_old)
      return fail(Errc::unsupported,
                  "{}: holds messages of format {}; only batches of format 2 are read. Nothing was changed",
                  segment.path(), static_cast<int>(head[16]));
  }
  // What it says of batches is of worth where gaps may be, and is made anew from them now.
  const bool may_leap = segments_.may_have_gaps(segment.base_offset());
  const std::vector<OffsetIndexEntry> entries = may_leap ? segment.index_entries() : std::vector<OffsetIndexEntry>{};
  auto rewound = segment.rewind(scan_.position, scan_.expected, config_);
  if (!rewound && is_damage(rewound.error()) && scan_.position > 0) {
    // Damage right before the recovery point.
    scan_.position = 0;
    scan_.expected = segment.base_offset();
    rewound = segment.rewind(scan_.position, scan_.expected, config_);
  }
  MQ_CHECK(rewound);
  SegmentReader reader(*file, segment.path(), scan_.position, whole, SegmentReader::Mode::wholes);
  // Where batches continue each other, one that reaches into the next segment is no rot: see below.
  reader.judge_offsets({.limit = may_leap ? limit : OffsetRules::kNone, .gaps_end = segments_.gaps_end()}, whole,
                       witness_of(entries, segment.base_offset()));
  reader.skip_to(scan_.position, scan_.expected);
  while (true) {
    auto batch = reader.next();
    if (batch && !*batch) return {};
    if (batch) {
      const record::BatchHeader& header = (*batch)->header;
      if (header.base_offset == limit) {
        // An earlier recovery could not read up to here, and the log went on in the next segment.
        segment.extend_over_damage(whole);
        return contents_.torn.add({.segment = segments_[scan_.segment],
                                   .position = (*batch)->position,
                                   .end = limit,
                                   .what = "what the next segment has replaced"},
                                  report_);
      }
      if (header.next_offset() > limit) {
        // Nor up to here, but the log went on amid the batch: what the next segment has since then counts.
        note_damage(scan_.expected, limit,
                    fmt::format("{}:{}: holds offset {}, but the log has gone on at {} in another segment",
                                segment.path(), (*batch)->position, header.last_offset().value(), limit.value()));
        segment.extend_over_damage(whole);
        scan_.expected = limit;
        scan_.damaged = true;
        return {};
      }
      epochs_differ_ = epochs_differ_ || header.leader_epoch < contents_.epochs->latest();
      if (header.leader_epoch <= contents_.epoch_limit)
        contents_.epochs->assign(header.leader_epoch, header.base_offset);
      segment.note_verified((*batch)->position, (*batch)->end());
      segment.note_batch(header, config_);
      report_.bytes_checked += header.size_bytes();
      scan_.expected = header.next_offset();
      // What does not reach its file waits in memory.
      if (segment.wants_index_flush()) (void)segment.flush_indexes();
      continue;
    }
    if (!is_damage(batch.error())) return fail(std::move(batch).error());
    scan_.position = reader.position();
    if (scan_.expected >= scan_.durable_end) {
      segment.extend_over_damage(whole);
      MQ_MARK("log: recovery finds a torn end");
      scan_.torn = true;
      return {};
    }
    scan_.damaged = true;
    MQ_TRY(const bool goes_on, reader.resume(std::min(limit, next(scan_.durable_end))));
    MQ_MARK("log: recovery meets damage below what was durable");
    const Offset end =
        goes_on ? reader.next_offset() : std::min(limit, std::max(scan_.durable_end, next(scan_.expected)));
    note_damage(scan_.expected, end, batch.error().message);
    segment.extend_over_damage(goes_on ? reader.position() : whole);
    segment.carry_over(entries, scan_.position, segment.size_bytes(), scan_.expected, end);
    scan_.expected = end;
    if (goes_on) MQ_MARK("log: recovery finds something good behind damage");
    scan_.unread = !goes_on;
    if (!goes_on) MQ_MARK("log: recovery finds nothing good behind damage");
    if (!goes_on) return {};
  }
}

void Recovery::note_damage(Offset first, Offset end, std::string place) {
  if (end <= start_ || first >= end) return;
  contents_.damage.push_back({std::max(first, start_), end, std::move(place)});
  report_.damage.push_back(contents_.damage.back());
}

Result<void> Recovery::end_torn() {
  // What follows a torn segment was never durable either.
  if (scan_.segment + 1 < segments_.size()) MQ_MARK("log: segments follow a torn one");
  TornTails::Torn torn{.segment = segments_[scan_.segment],
                       .followers = segments_.take_from(scan_.segment + 1),
                       .position = scan_.position,
                       .end = scan_.expected,
                       .what = "a torn tail"};
  return contents_.torn.add(std::move(torn), report_);
}

Result<void> Recovery::seal_unsaved(Segment& segment) {
  MQ_CHECK(seal(segment));
  unsaved_.push_back(segment.base_offset());
  return {};
}

Result<void> Recovery::end_scan() {
  if (scan_.expected < scan_.durable_end && scan_.durable_end > start_) {
    const std::string file = segments_.empty() ? *names_.directory() : segments_.back()->path();
    note_damage(scan_.expected, scan_.durable_end,
                fmt::format("{}: ends at offset {}, but {} were durable once", file, scan_.expected.value(),
                            scan_.durable_end.value()));
  }
  // Offsets that somebody may have been told are never given out again.
  end_ = std::max({scan_.expected, scan_.durable_end, start_});
  for (std::size_t i = scan_.first; i + 1 < segments_.size(); ++i) MQ_CHECK(seal_unsaved(*segments_[i]));
  const bool has_ended = !segments_.empty() && segments_.back()->has_ended() && end_ > segments_.back()->base_offset();
  const bool needs_new = !segments_.empty() && (end_ != scan_.expected || scan_.damaged || has_ended);
  if (needs_new) {
    MQ_MARK("log: recovery begins a new segment");
    const std::shared_ptr<Segment> last = segments_.back();
    if (last->size_bytes() == 0 && contents_.torn.empty()) {
      MQ_CHECK(contents_.torn.set_aside(*last, report_));
      (void)segments_.take_from(segments_.size() - 1);
    } else {
      MQ_CHECK(seal_unsaved(*last));
      if (scan_.unread) MQ_CHECK(note_end());
    }
    segments_.add(end_, 0);
    // The name says how far the log has come, whatever happens to the segments before it. Without room for it the first
    // append makes it.
    const auto made = segments_.back()->file();
    if (!made && !is_passing(made.error().code)) return fail(made.error());
    // Nothing else bounds a segment that could not be read to its end: when it can be, what is behind that is not ours.
    if (made && scan_.damaged) MQ_CHECK(names_.files().sync_directory(*names_.directory()));
    names_unsynced_ = !made || !scan_.damaged;
  } else if (!segments_.empty()) {
    (void)segments_.back()->flush_indexes();
  }
  return {};
}

}  // namespace

Result<LogContents> read_contents(env::Files& files, std::shared_ptr<const std::string> directory,
                                  const LogConfig& config, const OpenContext& context, RecoveryReport& report) {
  return Recovery(files, std::move(directory), config, context, report).run();
}

}  // namespace mq::log
