#include "log/log.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/buggify.h"
#include "base/mark.h"
#include "base/mutant.h"
#include "log/directory_contents.h"
#include "log/epochs_file.h"
#include "log/log_contents.h"
#include "log/log_look.h"
#include "log/recovery.h"

namespace mq::log {
namespace {

/// Reserved space that a close leaves to a log: the next appends take it.
constexpr std::uint64_t kReserveKept = std::uint64_t{64} << 10;
/// Offsets behind a gap of a copied log, before gaps are noted anew.
constexpr std::int64_t kGapsAhead = 1 << 20;

}  // namespace

Log::Log(env::Files& files, TopicPartition partition, std::shared_ptr<const LogConfig> config, LogContents contents)
    : files_(files),
      partition_(std::move(partition)),
      topic_id_(contents.topic_id),
      config_(std::move(config)),
      segments_(std::move(contents.segments)),
      durability_(std::move(contents.durability)),
      snapshots_(std::move(contents.snapshots)),
      torn_(std::move(contents.torn)),
      damage_(std::move(contents.damage)),
      producers_(std::move(contents.producers)),
      epochs_(std::move(contents.epochs)),
      epoch_limit_(contents.epoch_limit),
      compacted_end_(contents.compacted_end) {}

Result<std::unique_ptr<Log>> Log::create(env::Files& files, std::string directory, TopicPartition partition,
                                         Uuid topic_id, std::shared_ptr<const LogConfig> config, Offset start) {
  MQ_CHECK(files.make_directories(directory));
  MQ_TRY(const DirectoryContents found, read_directory(files, directory));
  if (!found.segments.empty()) return fail(Errc::already_exists, "{} holds segments already", directory);
  const std::string metadata = directory + "/" + std::string(kMetadataFile);
  MQ_TRY(const bool known, files.exists(metadata));
  if (known) {
    MQ_TRY(const std::string text, env::read_whole(files, metadata, 4096));
    const auto id = decode_partition_metadata(text);
    if (id && *id != topic_id)
      return fail(Errc::conflict, "{} belongs to topic id {}, not {}", directory, id->to_string(),
                  topic_id.to_string());
  }
  MQ_TRY(auto file, files.open(metadata, env::OpenMode::create));
  MQ_CHECK(file->write_at(0, encode_partition_metadata(topic_id)));
  LogContents contents(files, std::make_shared<const std::string>(std::move(directory)));
  contents.topic_id = topic_id;
  contents.durability = Durability(start);
  contents.epochs = std::make_unique<LeaderEpochs>();
  contents.producers = std::make_unique<ProducerStates>();
  return std::unique_ptr<Log>(new Log(files, std::move(partition), std::move(config), std::move(contents)));
}

Result<std::unique_ptr<Log>> Log::open(env::Files& files, std::string directory, TopicPartition partition,
                                       std::shared_ptr<const LogConfig> config, const OpenContext& context,
                                       RecoveryReport& report) {
  MQ_TRY(LogContents contents,
         read_contents(files, std::make_shared<const std::string>(std::move(directory)), *config, context, report));
  auto log = std::unique_ptr<Log>(new Log(files, std::move(partition), std::move(config), std::move(contents)));
  log->wall_seen_ = context.wall_now;
  log->check_invariants();
  return log;
}

// --- Append ---------------------------------------------------------------------------------------------------------

Result<void> Log::check_usable() {
  if (failed()) return fail(Errc::disk_failed, "{}: an earlier write or sync failed", directory());
  use();
  return {};
}

Result<void> Log::load_active() {
  if (segments_.empty()) {
    segments_.add(log_end(), 0);
    durability_.on_name();
  }
  before_opening(*segments_.back());
  if (durability_.unsynced_cut()) MQ_CHECK(sync_cut());
  if (active_loaded_) return {};
  MQ_CHECK(finish_recovery());
  Segment& active = *segments_.back();
  if (active.has_ended() && active.size_bytes() == 0) MQ_CHECK(forget_end());
  const auto end = active.load_tail(*config_);
  if (end && *end > log_end())
    return fail(Errc::corrupt, "{} ends at offset {}, but the log was closed at {}", active.path(), end->value(),
                log_end().value());
  if (end ? *end < log_end() || active.has_ended() : is_damage(end.error())) {
    // As after recovery: nothing follows damage in one file.
    MQ_CHECK(roll_now());
    // A truncation below the log's start leaves less than nothing.
    if (const Offset first = std::max(end.value_or(log_end()), log_start()); first < log_end())
      damage_.push_back({first, log_end(),
                         fmt::format("{}: ends at offset {}, but the log was closed at {}", active.path(), end->value(),
                                     log_end().value())});
  } else if (!end) {
    return fail(end.error());
  }
  MQ_TRY([[maybe_unused]] const WallMillis first, segments_.back()->first_timestamp());
  active_loaded_ = true;
  return {};
}

Result<void> Log::finish_recovery() {
  RecoveryReport ignored;  // what was left was told when the log was opened
  return torn_.cut(ignored);
}

Result<void> Log::sync_cut() {
  const std::shared_ptr<Segment> segment = segments_.find(*durability_.unsynced_cut());
  MQ_ASSERT(segment != nullptr);
  MQ_TRY(const auto file, segment->file());
  auto synced = file->sync();
  if (synced) synced = files_.sync_directory(directory());
  if (!synced) {
    if (!is_passing(synced.error().code)) durability_.fail();
    return synced;
  }
  durability_.on_cut_synced();
  return {};
}

Result<void> Log::forget_end() {
  const Segment& last = *segments_.back();
  MQ_TRY(const auto file, segments_.back()->file());
  // Were its end gone first, a power cut could bring back what it hid. Durable before anything is appended.
  auto done = file->sync();
  if (done) done = remove_if_there(files_, last.path(kEndExtension));
  if (done) done = files_.sync_directory(directory());
  if (!done) {
    if (!is_passing(done.error().code)) durability_.fail();
    return done;
  }
  segments_.set_end_max(segments_.size() - 1, std::nullopt);
  return {};
}

WarmUp Log::prepare_append() {
  is_warm_ = true;
  WarmUp job{.files = &files_, .from = segments_.begin_or(log_start())};
  job.small_files.push_back(path_of(kEpochsFile));
  job.small_files.push_back(path_of(kEpochsCrcFile));
  if (const auto newest = snapshots_.newest(log_end())) {
    job.from = std::max(job.from, *newest);
    for (const std::string_view extension : kSnapshotExtensions)
      job.small_files.push_back(path_of(segment_file_name(*newest, extension)));
  }
  for (std::size_t i = segments_.empty() ? 0 : segments_.index_of(job.from); i < segments_.size(); ++i) {
    const Segment& segment = *segments_[i];
    job.segments.push_back({segment.path(), segment.path("index"), segment.path("timeindex"), segment.base_offset(),
                            segment.size_bytes()});
  }
  return job;
}

Result<AppendInfo> Log::append(char* batch, const record::BatchHeader& header, WallMillis max_timestamp,
                               LeaderEpoch epoch, WallMillis wall_now) {
  MQ_CHECK(check_usable());
  MQ_CHECK(load_active());
  if (header.has_producer_id()) {
    MQ_TRY(ProducerStates* const states, producer_states());
    MQ_TRY(const auto original, states->check(header));
    if (original.has_value()) MQ_MARK("log: a batch is there already");
    if (original)
      return AppendInfo{.base_offset = original->base_offset(),
                        .end_offset = next(original->last_offset),
                        .log_append_time = original->timestamp,
                        .duplicate = true};
  }
  MQ_CHECK(begin_epoch(epoch));
  if (epoch < epochs_->latest())
    return fail(Errc::not_leader, "{}: leader epoch {} is over, {} has begun", partition_.to_string(), epoch.value(),
                epochs_->latest().value());

  record::BatchHeader placed = header;
  placed.base_offset = log_end();
  placed.leader_epoch = epoch;
  placed.max_timestamp = max_timestamp;
  if (config_->timestamp_type == record::TimestampType::log_append_time) {
    placed.attributes |= record::kLogAppendTimeBit;
    placed.max_timestamp = wall_now;
  }
  const bool restamp = placed.max_timestamp != header.max_timestamp || placed.attributes != header.attributes;
  auto info = append_new(batch, placed, restamp, wall_now);
  if (!info) refuse(header);
  return info;
}

Result<AppendInfo> Log::append_new(char* batch, record::BatchHeader placed, bool restamp, WallMillis wall_now) {
  record::set_base_offset(batch, placed.base_offset);
  record::set_leader_epoch(batch, placed.leader_epoch);
  if (restamp) record::set_max_timestamp(batch, placed.timestamp_type(), placed.max_timestamp);
  wall_seen_ = wall_now;
  if (placed.size_bytes() > config_->segment_bytes) {
    MQ_MARK("log: a batch is larger than a segment");
    return fail(Errc::too_large, "{}: a batch of {} bytes is larger than a segment of {}", partition_.to_string(),
                placed.size_bytes(), config_->segment_bytes);
  }
  MQ_CHECK(write_batch(BytesView(batch, placed.size_bytes()), placed));
  const bool stamped = placed.timestamp_type() == record::TimestampType::log_append_time;
  return AppendInfo{.base_offset = placed.base_offset,
                    .end_offset = log_end(),
                    .log_append_time = stamped ? placed.max_timestamp : -1,
                    .duplicate = false};
}

Result<AppendInfo> Log::append_as_is(BytesView batch, const record::BatchHeader& header, WallMillis wall_now) {
  MQ_CHECK(check_usable());
  MQ_CHECK(load_active());
  const bool holds_start =
      log_start() == log_end() && header.base_offset < log_end() && header.next_offset() > log_end();
  if (holds_start) MQ_CHECK(begin_before_start(header.base_offset));
  if (header.base_offset < log_end() && !holds_start)
    return fail(Errc::invalid_argument, "{}: a batch at offset {} does not continue the log at {}",
                partition_.to_string(), header.base_offset.value(), log_end().value());
  if (header.base_offset > log_end()) MQ_CHECK(leave_gap(header.next_offset()));
  MQ_CHECK(producer_states());
  MQ_TRY(LeaderEpochs* const epochs, leader_epochs());
  // One that we led in without a batch: the leader that came after it has the end of an older one here.
  const Offset batches_end = log_start() == log_end() ? Offset{0} : log_end();
  const bool gives_way = header.leader_epoch < epochs->latest() && epochs->truncate_from(batches_end);
  if (gives_way) MQ_MARK("log: an epoch without batches gives way to a copy of an older one");
  if (gives_way) durability_.on_epochs();
  if (header.leader_epoch < epochs->latest())
    return fail(Errc::invalid_argument, "{}: a batch of leader epoch {} does not continue a log of epoch {}",
                partition_.to_string(), header.leader_epoch.value(), epochs->latest().value());
  wall_seen_ = wall_now;
  const Offset begins = std::max(header.base_offset, log_end());
  MQ_CHECK(write_batch(batch, header));
  // Behind the gap, if there is one: where it begins in the leader's log.
  epoch_limit_ = std::max(epoch_limit_, header.leader_epoch);
  if (epochs->assign(header.leader_epoch, begins)) durability_.on_epochs();
  return AppendInfo{.base_offset = header.base_offset, .end_offset = log_end()};
}

/// The leader's log has a gap, of compaction or damage, and so has its copy.
Result<void> Log::leave_gap(Offset next) {
  if (next <= segments_.gaps_end()) return {};
  if (compacting_) {
    compaction_void_ = true;
    return fail(Errc::conflict, "{}: a copy with gaps waits for the end of a compaction", partition_.to_string());
  }
  MQ_MARK("log: a copy has a gap as its leader's log has");
  // On disk before the batch behind it, which a start would else take for rot; far ahead, since that takes its time.
  const Offset end{next.value() + kGapsAhead};
  MQ_CHECK(env::replace_atomically(files_, path_of(kGapsFile), encode_gaps_end(end)));
  segments_.set_gaps_end(end);
  return {};
}

Result<void> Log::begin_before_start(Offset base) {
  while (!segments_.empty() && segments_.back()->size_bytes() == 0) {
    // One that was cut to nothing waits to be synced, and what comes now begins before it.
    durability_.on_replace(segments_.back()->base_offset());
    MQ_CHECK(segments_.retire_back(Instant{}));
  }
  if (!segments_.empty())
    return fail(Errc::invalid_argument, "{}: a batch at offset {} is of the past of the log", partition_.to_string(),
                base.value());
  MQ_MARK("log: a copy begins amid a batch");
  segments_.add(base, 0);
  durability_.on_name();
  before_opening(*segments_.back());
  MQ_TRY([[maybe_unused]] const Offset end, segments_.back()->load_tail(*config_));
  MQ_TRY([[maybe_unused]] const WallMillis first, segments_.back()->first_timestamp());
  return {};
}

Result<void> Log::write_batch(BytesView batch, const record::BatchHeader& header) {
  if (segments_.back()->must_roll(batch.size(), header.last_offset(), header.max_timestamp, *config_))
    MQ_CHECK(roll_now());
  const std::shared_ptr<Segment>& active = segments_.back();
  const bool is_new = active->size_bytes() == 0;
  if (auto written = active->write(batch, *config_, small_batches_); !written) {
    MQ_MARK("log: an append fails and changes nothing");
    if (written.error().code == Errc::disk_failed) durability_.fail();
    if (producers_ && is_mutant("halfstate")) producers_->apply(header, wall_seen_);
    return written;
  }
  if (active->gathered_from() == active->size_bytes()) gathered_from_ = header.base_offset;
  // From here on nothing can fail: file, offset and producer state change together (P-8).
  if (is_new) durability_.on_name();
  active->note_batch(header, *config_);
  if (producers_) producers_->apply(header, wall_seen_);
  durability_.on_append(active->base_offset(), header.next_offset(), batch.size());
  // A full disk only makes the index wait in memory; a broken one shows at the next write or sync.
  if (active->wants_index_flush()) MQ_MARK("log: so many index entries wait that they are written");
  if (active->wants_index_flush()) (void)active->flush_indexes();
  return {};
}

Result<void> Log::write_out() {
  if (!has_gathered()) return {};
  auto written = segments_.back()->write_out();
  if (!written && written.error().code == Errc::disk_failed) durability_.fail();
  return written;
}

void Log::refuse(const record::BatchHeader& header) {
  if (!header.has_producer_id()) return;
  if (const auto states = producer_states(); states) (*states)->refuse(header);
}

Result<void> Log::begin_epoch(LeaderEpoch epoch) {
  if (epochs_ && epoch <= epochs_->latest()) return {};
  MQ_TRY(LeaderEpochs* const epochs, leader_epochs());
  epoch_limit_ = std::max(epoch_limit_, epoch);
  if (epochs->assign(epoch, log_end())) durability_.on_epochs();
  return {};
}

Result<void> Log::roll(WallMillis wall_now) {
  MQ_CHECK(check_usable());
  MQ_CHECK(load_active());
  wall_seen_ = wall_now;
  if (segments_.back()->size_bytes() == 0) return {};
  return roll_now();
}

Result<void> Log::roll_if_old(WallMillis wall_now, Wait wait) {
  if (failed() || segments_.empty() || segments_.back()->size_bytes() == 0) return {};
  MQ_TRY(const WallMillis first, look_at(segments_.back(), wait, [](Segment& s) { return s.first_timestamp(); }));
  // A record must not sit in the newest segment, where compaction does not come, for longer than it may.
  std::int64_t age_max = segments_.back()->age_max(*config_);
  if (config_->cleanup_compact) age_max = std::min(age_max, config_->max_compaction_lag_ms);
  if (first < 0 || wall_now - first <= age_max) return {};
  MQ_MARK("log: a segment is rolled for its age");
  return roll(wall_now);
}

Result<void> Log::roll_now() {
  MQ_CHECK(write_out());
  MQ_TRY(ProducerStates* const states, producer_states());
  const Offset ended = segments_.back()->base_offset();
  if (auto rolled = segments_.roll(log_end(), *config_); !rolled) {
    MQ_MARK("log: a roll fails");
    if (rolled.error().code == Errc::disk_failed) durability_.fail();
    return rolled;
  }
  durability_.on_seal(ended);
  durability_.on_name();
  states->expire(wall_seen_, config_->producer_expiration_ms);
  snapshots_.take(log_end(), *states);
  check_invariants();
  return {};
}

// --- Epochs and producers -------------------------------------------------------------------------------------------

Result<LeaderEpochs*> Log::leader_epochs() {
  if (!epochs_) {
    MQ_TRY(auto saved, read_epochs_file(segments_.names(), epoch_limit_));
    if (!saved.has_crc && log_end() > log_start()) durability_.on_epochs();
    if (!saved.epochs && log_end() > log_start()) {
      MQ_TRY(saved.epochs, epochs_of_batches(segments_, log_start(), log_end(), epoch_limit_, *config_));
    }
    epochs_ = std::make_unique<LeaderEpochs>(std::move(saved.epochs).value_or(LeaderEpochs{}));
    epochs_->truncate_from(next(log_end()));
  }
  return epochs_.get();
}

Result<EpochEnd> Log::end_offset_for(LeaderEpoch epoch) {
  MQ_TRY(LeaderEpochs* const epochs, leader_epochs());
  return epochs->end_offset_for(epoch, log_end());
}

Result<LeaderEpoch> Log::latest_epoch() {
  MQ_TRY(LeaderEpochs* const epochs, leader_epochs());
  return epochs->latest();
}

Result<LeaderEpoch> Log::last_epoch() {
  // One that has begun and has no batch yet does not count, nor one whose batches are all gone.
  return log_start() < log_end() ? epoch_at(log_end() - OffsetDelta{1}) : kNoLeaderEpoch;
}

Result<LeaderEpoch> Log::epoch_at(Offset offset) {
  MQ_TRY(LeaderEpochs* const epochs, leader_epochs());
  return epochs->at(offset);
}

Result<ProducerStates*> Log::producer_states() {
  if (!producers_) {
    MQ_TRY(ProducerStates states, snapshots_.load(segments_, *config_, log_start(), log_end(), wall_seen_));
    MQ_MARK("log: producers are loaded when they are first needed");
    producers_ = std::make_unique<ProducerStates>(std::move(states));
  }
  return producers_.get();
}

Result<std::vector<ProducerInfo>> Log::producers(WallMillis wall_now) {
  MQ_TRY(ProducerStates* const states, producer_states());
  states->expire(wall_now, config_->producer_expiration_ms);
  return states->list();
}

// --- Sync: the outline stands in durability.h ------------------------------------------------------------------------

std::optional<SyncJob> Log::begin_sync() {
  if (failed() || durability_.is_syncing() || !needs_sync()) return std::nullopt;
  if (!write_out()) return std::nullopt;  // whoever waits for the write is told
  const SyncRound round = durability_.begin_sync();
  SyncJob job{.files = &files_};
  for (const Offset base : round.segments) {
    const std::shared_ptr<Segment> segment = segments_.find(base);
    MQ_ASSERT(segment != nullptr);
    auto file = segment->file();
    // It was written, so it is open.
    MQ_ASSERT(file.has_value());
    job.dirty.push_back(*std::move(file));
  }
  if (!round.segments.empty()) segments_.back()->remember(log_end(), segments_.back()->size_bytes());
  if (round.names) job.directory = directory();
  return job;
}

void Log::end_sync(const SyncJob& /*job*/, const Result<void>& outcome) {
  const bool put_off = !outcome && outcome.error().code == Errc::too_many_files;
  if (put_off) MQ_MARK("log: a sync is put off since no file can be opened");
  durability_.end_sync(outcome   ? Durability::Outcome::done
                       : put_off ? Durability::Outcome::put_off
                                 : Durability::Outcome::failed);
  check_invariants();
}

Result<std::optional<CheckpointJob>> Log::begin_checkpoint(bool whatever) {
  if (segments_.empty() || !durability_.is_checkpoint_due(whatever)) return std::nullopt;
  MQ_TRY(ProducerStates* const states, producer_states());
  MQ_TRY(LeaderEpochs* const epochs, leader_epochs());

  CheckpointJob::Parts parts{.files = &files_, .directory = directory(), .covers_to = log_end()};
  for (const Offset base : durability_.unsaved()) {
    parts.indexed.push_back(segments_.find(base));
    MQ_ASSERT(parts.indexed.back() != nullptr);
  }
  if (parts.indexed.empty() || parts.indexed.back() != segments_.back()) parts.indexed.push_back(segments_.back());
  for (const auto& segment : parts.indexed) {
    if (const auto flushed = segment->flush_indexes(); !flushed) {
      MQ_MARK("log: a checkpoint cannot write an index");
      if (is_passing(flushed.error().code)) return fail(flushed.error());
      MQ_CHECK(segment->rebuild_indexes(*config_));
    }
    // What was closed was synced before.
    if (segment->is_open()) {
      MQ_TRY(auto file, segment->file());
      parts.data_files.push_back(std::move(file));
    }
  }
  states->expire(wall_seen_, config_->producer_expiration_ms);
  parts.new_files = snapshots_.to_write(log_end(), *states);
  parts.obsolete_files = snapshots_.drop_needless(segments_);
  if (durability_.begin_checkpoint().epochs) {
    std::string text = epochs->encode();
    parts.replaced_files.emplace_back(path_of(kEpochsCrcFile), encode_epochs_crc(text));
    parts.replaced_files.emplace_back(path_of(kEpochsFile), std::move(text));
  }
  return CheckpointJob(std::move(parts));
}

void Log::end_checkpoint(const CheckpointJob& job, const Result<void>& outcome) {
  const bool failed = !outcome && outcome.error().code == Errc::disk_failed && !job.is_derived_only();
  if (!outcome) MQ_MARK("log: a checkpoint fails");
  durability_.end_checkpoint(outcome  ? Durability::Outcome::done
                             : failed ? Durability::Outcome::failed
                                      : Durability::Outcome::put_off);
  if (outcome) {
    snapshots_.on_saved(job.covers_to());
  } else {
    for (const auto& segment : job.lost_indexes())
      if (segments_.find(segment->base_offset()) == segment && !segment->rebuild_indexes(*config_)) durability_.fail();
  }
  check_invariants();
}

void Log::use() {
  touched_ = true;
  open_files_.use();
}

void Log::before_opening(const Segment& segment) {
  if (!segment.is_open()) open_files_.make_room();
}

bool Log::close_synced_files() {
  if (durability_.is_syncing() || failed()) return false;
  MQ_MARK("log: a log gives its open files to others");
  for (const auto& segment : segments_) {
    if (!segment->is_open() || durability_.is_unsynced(segment->base_offset())) continue;
    // Who used it may use it again, so a little of its room stays reserved.
    if (segment->release_reserve(kReserveKept)) segment->release();
  }
  return !has_open_files();
}

bool Log::release_if_idle() {
  const bool is_early = MQ_BUGGIFY("log: the files of a log are closed early");
  const bool idle =
      (!touched_ || is_early) && !needs_sync() && !durability_.is_syncing() && !durability_.is_saving() && !compacting_;
  touched_ = false;
  if (!idle) return !has_open_files();
  if (segments_.empty()) return true;
  if (!failed() && durability_.has_unsaved()) {
    // Saved first, so that neither a stop nor recovery has to come back to it.
    MQ_MARK("log: an idle log is saved before its files are closed");
    durability_.want_checkpoint();
    return false;
  }
  // Without room for the last index entries they stay in memory, and so does the file.
  if (segments_.back()->is_open() && (!segments_.back()->release_reserve() || !segments_.back()->flush_indexes()))
    return false;
  for (const auto& segment : segments_) segment->release();
  return true;
}

Result<void> Log::close() {
  MQ_CHECK(check_usable());
  MQ_CHECK(finish_recovery());
  MQ_CHECK(write_out());
  if (auto job = begin_sync()) {
    const auto outcome = job->run();
    end_sync(*job, outcome);
    MQ_CHECK(outcome);
  }
  MQ_TRY(auto checkpoint, begin_checkpoint(true));
  if (checkpoint) {
    const auto outcome = checkpoint->run();
    end_checkpoint(*checkpoint, outcome);
    MQ_CHECK(outcome);
  }
  return close_files();
}

Result<void> Log::close_files() {
  for (const auto& segment : segments_) {
    MQ_CHECK(segment->release_reserve(kReserveKept));
    segment->release();
  }
  return {};
}

Result<void> Log::close_all(std::span<Log* const> logs, env::Tree& data) {
  Result<void> outcome;
  const auto note = [&](Result<void> of_one) {
    if (outcome) outcome = std::move(of_one);
  };
  std::vector<std::pair<Log*, SyncJob>> synced;
  std::vector<Log*> saved;
  std::vector<CheckpointJob> checkpoints;
  for (Log* log : logs) {
    note(log->check_usable());
    note(log->finish_recovery());
    if (auto job = log->begin_sync()) synced.emplace_back(log, *std::move(job));
    auto checkpoint = log->begin_checkpoint(true);
    if (!checkpoint) {
      note(fail(std::move(checkpoint).error()));
    } else if (*checkpoint) {
      saved.push_back(log);
      checkpoints.push_back(**std::move(checkpoint));
    }
  }
  const auto done = CheckpointJob::run_together(checkpoints, data);
  // A full disk leaves derived files unwritten, but what was appended is synced.
  const auto data_done = !checkpoints.empty() && checkpoints.front().is_derived_only() ? Result<void>{} : done;
  for (auto& [log, job] : synced) log->end_sync(job, data_done);
  for (std::size_t i = 0; i < saved.size(); ++i) saved[i]->end_checkpoint(checkpoints[i], done);
  note(done);
  for (Log* log : logs)
    if (!log->failed()) note(log->close_files());
  return outcome;
}

// --- Looking at it --------------------------------------------------------------------------------------------------

void Log::set_config(std::shared_ptr<const LogConfig> config) { config_ = std::move(config); }

void Log::check_invariants() const {
  durability_.check_invariants();
  segments_.check_invariants();
  snapshots_.check_invariants();
  MQ_ASSERT(synced_end() <= written_end());
  MQ_ASSERT(written_end() <= log_end());
  MQ_ASSERT(compacted_end_ <= log_end());
  MQ_ASSERT(segments_.empty() || segments_.back()->base_offset() <= log_end());
  MQ_ASSERT(!epochs_ || epochs_->entries().empty() || epochs_->entries().back().start <= log_end());
  // Bytes that recovery had to leave are out of reach of whoever appends.
  MQ_ASSERT(torn_.empty() || !active_loaded_);
  for (const Damage& damage : damage_) MQ_ASSERT(damage.first_offset < damage.end_offset);
}

std::vector<SegmentInfo> Log::segments() const {
  std::vector<SegmentInfo> all;
  all.reserve(segments_.size());
  for (const auto& segment : segments_)
    all.push_back({segment->base_offset(), segment->size_bytes(), segment == segments_.back()});
  return all;
}

}  // namespace mq::log
