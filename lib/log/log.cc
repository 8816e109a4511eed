#include "log/log.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "log/log_look.h"
#include "log/segment_reader.h"

namespace mq::log {
namespace {

/// How much may be appended before indexes and snapshots are saved again: what recovery reads at most of one log.
constexpr std::uint64_t kCheckpointBytes = std::uint64_t{64} << 20;
/// Reserved space that a close leaves to a log: the next appends take it.
constexpr std::uint64_t kReserveKept = std::uint64_t{64} << 10;
constexpr std::size_t kDerivedFileBytesMax = std::size_t{256} << 20;

}  // namespace

Log::Log(env::Files& files, std::string directory, TopicPartition partition, Uuid topic_id,
         std::shared_ptr<const LogConfig> config)
    : files_(files),
      directory_(std::make_shared<const std::string>(std::move(directory))),
      partition_(std::move(partition)),
      topic_id_(topic_id),
      config_(std::move(config)),
      segments_(files_, directory_) {}

Result<std::unique_ptr<Log>> Log::create(env::Files& files, std::string directory, TopicPartition partition,
                                         Uuid topic_id, std::shared_ptr<const LogConfig> config, Offset start) {
  MQ_CHECK(files.make_directories(directory));
  MQ_TRY(const DirectoryContents contents, read_directory(files, directory));
  if (!contents.segments.empty()) return fail(Errc::already_exists, "{} holds segments already", directory);
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
  auto log =
      std::unique_ptr<Log>(new Log(files, std::move(directory), std::move(partition), topic_id, std::move(config)));
  log->log_start_ = log->log_end_ = log->synced_end_ = log->recovery_point_ = start;
  log->epochs_ = std::make_unique<LeaderEpochs>();
  log->producers_ = std::make_unique<ProducerStates>();
  return log;
}

// --- Append ---------------------------------------------------------------------------------------------------------

Result<void> Log::check_usable() {
  if (failed_) return fail(Errc::disk_failed, "{}: an earlier write or sync failed", *directory_);
  use();
  return {};
}

Result<void> Log::load_active() {
  if (segments_.empty()) {
    segments_.add(log_end_, 0);
    names_unsynced_ = true;
  }
  before_opening(*segments_.back());
  if (active_loaded_) return {};
  MQ_CHECK(finish_recovery());
  Segment& active = *segments_.back();
  const auto end = active.load_tail(*config_);
  if (end && *end > log_end_)
    return fail(Errc::corrupt, "{} ends at offset {}, but the log was closed at {}", active.path(), end->value(),
                log_end_.value());
  if (end ? *end < log_end_ : is_damage(end.error())) {
    // As after recovery: nothing follows damage in one file.
    MQ_CHECK(roll_now());
    if (end)
      damage_.push_back({*end, log_end_,
                         fmt::format("{}: ends at offset {}, but the log was closed at {}", active.path(), end->value(),
                                     log_end_.value())});
  } else if (!end) {
    return fail(end.error());
  }
  MQ_TRY([[maybe_unused]] const WallMillis first, segments_.back()->first_timestamp());
  active_loaded_ = true;
  return {};
}

WarmUp Log::prepare_append() {
  is_warm_ = true;
  WarmUp job;
  job.files_ = &files_;
  job.from_ = log_start_;
  job.small_files_.push_back(path_of(kEpochsFile));
  const auto newest = std::ranges::find_if(snapshots_.rbegin(), snapshots_.rend(),
                                           [this](Offset offset) { return offset <= log_end_; });
  if (newest != snapshots_.rend()) {
    job.from_ = std::max(job.from_, *newest);
    for (const std::string_view extension : kSnapshotExtensions)
      job.small_files_.push_back(path_of(segment_file_name(*newest, extension)));
  }
  for (std::size_t i = segments_.empty() ? 0 : segments_.index_of(job.from_); i < segments_.size(); ++i) {
    const Segment& segment = *segments_[i];
    job.segments_.push_back({segment.path(), segment.path("index"), segment.path("timeindex"), segment.base_offset(),
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
  placed.base_offset = log_end_;
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
  MQ_CHECK(write_batch(BytesView(batch, placed.size_bytes()), placed));
  const bool stamped = placed.timestamp_type() == record::TimestampType::log_append_time;
  return AppendInfo{.base_offset = placed.base_offset,
                    .end_offset = log_end_,
                    .log_append_time = stamped ? placed.max_timestamp : -1,
                    .duplicate = false};
}

Result<AppendInfo> Log::append_as_is(BytesView batch, const record::BatchHeader& header, WallMillis wall_now) {
  MQ_CHECK(check_usable());
  MQ_CHECK(load_active());
  if (header.base_offset != log_end_)
    return fail(Errc::invalid_argument, "{}: a batch at offset {} does not continue the log at {}",
                partition_.to_string(), header.base_offset.value(), log_end_.value());
  MQ_CHECK(producer_states());
  MQ_CHECK(begin_epoch(header.leader_epoch));
  wall_seen_ = wall_now;
  MQ_CHECK(write_batch(batch, header));
  return AppendInfo{.base_offset = header.base_offset, .end_offset = log_end_};
}

Result<void> Log::write_batch(BytesView batch, const record::BatchHeader& header) {
  if (batch.size() > config_->segment_bytes)
    return fail(Errc::too_large, "{}: a batch of {} bytes is larger than a segment of {}", partition_.to_string(),
                batch.size(), config_->segment_bytes);
  if (segments_.back()->must_roll(batch.size(), header.last_offset(), header.max_timestamp, *config_))
    MQ_CHECK(roll_now());
  const std::shared_ptr<Segment>& active = segments_.back();
  const bool is_new = active->size_bytes() == 0;
  if (auto written = active->write(batch, *config_, small_batches_); !written) {
    if (written.error().code == Errc::disk_failed) failed_ = true;
    return written;
  }
  if (active->gathered_from() == active->size_bytes()) gathered_from_ = header.base_offset;
  // From here on nothing can fail: file, offset and producer state change together (P-8).
  if (is_new) names_unsynced_ = true;
  active->note_batch(header, *config_);
  if (producers_) producers_->apply(header, wall_seen_);
  log_end_ = header.next_offset();
  bytes_since_checkpoint_ += batch.size();
  mark_unsynced(active);
  // A full disk only makes the index wait in memory; a broken one shows at the next write or sync.
  if (active->wants_index_flush()) (void)active->flush_indexes();
  return {};
}

Result<void> Log::write_out() {
  if (!has_gathered()) return {};
  auto written = segments_.back()->write_out();
  if (!written && written.error().code == Errc::disk_failed) failed_ = true;
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
  if (epochs->assign(epoch, log_end_)) epochs_unsaved_ = true;
  return {};
}

void Log::mark_unsynced(const std::shared_ptr<Segment>& segment) {
  if (unsynced_.empty() || unsynced_.back() != segment) unsynced_.push_back(segment);
}

Result<void> Log::roll(WallMillis wall_now) {
  MQ_CHECK(check_usable());
  MQ_CHECK(load_active());
  wall_seen_ = wall_now;
  if (segments_.back()->size_bytes() == 0) return {};
  return roll_now();
}

Result<void> Log::roll_if_old(WallMillis wall_now, Wait wait) {
  if (failed_ || segments_.empty() || segments_.back()->size_bytes() == 0) return {};
  MQ_TRY(const WallMillis first, look_at(segments_.back(), wait, [](Segment& s) { return s.first_timestamp(); }));
  // A record must not sit in the newest segment, where compaction does not come, for longer than it may.
  std::int64_t age_max = segments_.back()->age_max(*config_);
  if (config_->cleanup_compact) age_max = std::min(age_max, config_->max_compaction_lag_ms);
  if (first < 0 || wall_now - first <= age_max) return {};
  return roll(wall_now);
}

Result<void> Log::roll_now() {
  MQ_CHECK(write_out());
  MQ_TRY(ProducerStates* const states, producer_states());
  const std::shared_ptr<Segment> ended = segments_.back();
  if (auto rolled = segments_.roll(log_end_, *config_); !rolled) {
    if (rolled.error().code == Errc::disk_failed) failed_ = true;
    return rolled;
  }
  unsaved_.push_back(ended);
  states->expire(wall_seen_, config_->producer_expiration_ms);
  producer_files_.push_back(producer_files(*states));
  names_unsynced_ = true;
  return {};
}

// --- Read -----------------------------------------------------------------------------------------------------------

Result<FileRange> Log::read(Offset from, std::size_t bytes_max, Offset end_bound, bool at_least_one, Wait wait) {
  use();
  if (from < log_start_ || from > log_end_)
    return fail(Errc::offset_out_of_range, "{}: offset {} is outside of [{}, {})", partition_.to_string(), from.value(),
                log_start_.value(), log_end_.value());
  for (const Damage& damage : damage_) {
    if (damage.first_offset <= from && from < damage.end_offset) return fail(Errc::corrupt_batch, "{}", damage.place);
  }
  const Offset bound = std::min(end_bound, log_end_);
  if (from >= bound || segments_.empty()) return FileRange{};

  for (std::size_t i = segments_.index_of(from); i < segments_.size(); ++i) {
    const std::shared_ptr<Segment>& segment = segments_[i];
    before_opening(*segment);
    const WaitScope scope(*segment, wait);
    MQ_TRY(const std::uint64_t begin, segment->position_of(from, *config_));
    if (begin >= segment->size_bytes()) {
      // Compaction leaves segments that end before the next one begins; else something is missing.
      if (!segments_.may_have_gaps(from)) return fail_missing(i);
      continue;
    }
    const bool is_last = segments_.is_last(i);
    const bool whole = bound == log_end_ || (!is_last && segments_[i + 1]->base_offset() <= bound);
    std::uint64_t limit = segment->size_bytes();
    if (!whole) {
      MQ_TRY(limit, segment->position_of(bound, *config_));
      segment->remember(bound, limit);
    }
    if (begin >= limit) return FileRange{};
    std::uint64_t end = limit;
    if (limit - begin > bytes_max) {
      MQ_TRY(end, segment->batch_end_before(begin, begin + bytes_max, at_least_one));
      end = std::min(end, limit);
    }
    const std::uint64_t verified_end = segment->verified_until(begin);
    const bool verified = verified_end > begin;
    if (verified) end = std::min(end, verified_end);
    MQ_TRY(auto file, segment->file());
    return FileRange{.file = std::move(file),
                     .segment = segment,
                     .position = begin,
                     .size = static_cast<std::size_t>(end - begin),
                     .verified = verified,
                     .from = from,
                     .rules = {.limit = segments_.end_of(i, log_end_), .gaps_end = segments_.gaps_end()},
                     .segment_end = segment->size_bytes(),
                     .files = &files_,
                     .has_more = end < limit || (!is_last && segments_[i + 1]->base_offset() < bound)};
  }
  return FileRange{};
}

std::unexpected<Error> Log::fail_missing(std::size_t index) {
  Segment& segment = *segments_[index];
  const auto end = segment.load_tail(*config_);
  if (!end) return fail(end.error());
  const bool is_last = segments_.is_last(index);
  const Offset expected = segments_.end_of(index, log_end_);
  damage_.push_back({*end, expected,
                     fmt::format("{}: ends at offset {}, but {} {}", segment.path(), end->value(),
                                 is_last ? "the log was closed at" : "the next segment begins at", expected.value())});
  return fail(Errc::corrupt_batch, "{}", damage_.back().place);
}

Result<LookUp> Log::prepare_read(Offset from, std::size_t bytes_max, Offset end_bound) {
  LookUp job;
  if (segments_.empty()) return job;
  const std::shared_ptr<Segment>& segment = segments_[segments_.index_of(from)];
  before_opening(*segment);
  MQ_TRY(job.file_, segment->file());
  job.files_ = &files_;
  job.path_ = segment->path();
  job.index_path_ = segment->path("index");
  job.base_ = segment->base_offset();
  job.size_ = segment->size_bytes();
  job.from_ = from;
  job.bound_ = end_bound;
  job.bytes_max_ = bytes_max;
  return job;
}

void Log::note_verified(const FileRange& range, const VerifyOutcome& outcome) {
  if (range.segment) range.segment->note_verified(range.position, range.position + outcome.good_bytes);
}

Result<std::optional<TimestampSearch>> Log::find_timestamp(WallMillis timestamp, Offset end_bound, Offset from,
                                                           Wait wait) {
  use();
  TimestampSearch search;
  search.timestamp_ = timestamp;
  search.start_ = log_start_;
  search.end_bound_ = std::min(end_bound, log_end_);
  for (const auto& segment : segments_) {
    if (segment->base_offset() < from || segment->size_bytes() == 0) continue;
    // The first segment may hold it below the start of the log, and compaction may have left nothing of it.
    if (search.parts_.size() == 2) {
      search.goes_on_at_ = segment->base_offset();
      break;
    }
    MQ_CHECK(look_at(segment, wait, [&](Segment& s) -> Result<void> {
      MQ_TRY(const TimeIndexEntry largest, s.largest_timestamp(*config_));
      if (largest.timestamp < timestamp) return {};
      MQ_TRY(const std::uint64_t begin, s.position_for_timestamp(timestamp, *config_));
      MQ_TRY(auto file, s.file());
      MQ_TRY(const Offset offset, s.offset_at(begin));
      search.parts_.push_back({std::move(file), begin, s.size_bytes(), s.path(), offset, s.rules()});
      return {};
    }));
  }
  if (search.parts_.empty()) return std::nullopt;
  return search;
}

Result<std::optional<TimestampSearch>> Log::find_max_timestamp(Offset end_bound, Wait wait) {
  use();
  TimestampSearch search;
  search.largest_ = true;
  search.start_ = log_start_;
  search.end_bound_ = std::min(end_bound, log_end_);
  std::optional<WallMillis> best;  // -1 when no record has a time: the first one counts then, as in Kafka
  std::optional<std::size_t> best_part;
  for (const auto& segment : segments_) {
    if (segment->size_bytes() == 0 || segment->base_offset() >= search.end_bound_) continue;
    MQ_CHECK(look_at(segment, wait, [&](Segment& s) -> Result<void> {
      MQ_TRY(const TimeIndexEntry largest, s.largest_timestamp(*config_));
      // What the largest record lies in; where that may lie outside of the bounds, all of the segment.
      const bool inside = largest.offset < search.end_bound_ && s.base_offset() >= log_start_;
      if (inside && best && largest.timestamp <= *best) return {};
      std::uint64_t begin = 0;
      if (inside) {
        MQ_TRY(begin, s.position_of(largest.offset, *config_));
      }
      MQ_TRY(auto file, s.file());
      if (inside) {
        best = largest.timestamp;
        if (best_part) search.parts_.erase(search.parts_.begin() + static_cast<std::ptrdiff_t>(*best_part));
        best_part = search.parts_.size();
      }
      MQ_TRY(const Offset offset, s.offset_at(begin));
      search.parts_.push_back({std::move(file), begin, s.size_bytes(), s.path(), offset, s.rules()});
      return {};
    }));
  }
  if (search.parts_.empty()) return std::nullopt;
  return search;
}

Result<TimesLookUp> Log::prepare_times(WallMillis timestamp) {
  const std::shared_ptr<Segment> segment = cold_.lock();
  if (!segment) return fail(Errc::not_found, "{}: nothing was looked for in vain", *directory_);
  TimesLookUp job;
  MQ_TRY(job.file_, look_at(segment, Wait::yes, [](Segment& s) { return s.file(); }));
  job.files_ = &files_;
  job.path_ = segment->path();
  job.index_path_ = segment->path("index");
  job.times_path_ = segment->path("timeindex");
  job.base_ = segment->base_offset();
  job.size_ = segment->size_bytes();
  job.timestamp_ = timestamp;
  return job;
}

// --- Epochs and producers -------------------------------------------------------------------------------------------

Result<LeaderEpochs*> Log::leader_epochs() {
  if (!epochs_) {
    MQ_TRY(auto epochs, read_epochs_file());
    if (!epochs && log_end_ > log_start_) {
      MQ_TRY(epochs, rebuild_leader_epochs());
      epochs_unsaved_ = true;
    }
    epochs_ = std::make_unique<LeaderEpochs>(std::move(epochs).value_or(LeaderEpochs{}));
    epochs_->truncate_from(next(log_end_));
  }
  return epochs_.get();
}

Result<std::optional<LeaderEpochs>> Log::read_epochs_file() {
  const auto text = env::read_whole(files_, path_of(kEpochsFile), kDerivedFileBytesMax);
  if (!text && is_passing(text.error().code)) return fail(text.error());
  if (!text) return std::nullopt;
  auto epochs = LeaderEpochs::decode(*text);
  // An epoch that nobody has reached yet is damage, too.
  if (!epochs || epochs->latest() > epoch_limit_) return std::nullopt;
  return *std::move(epochs);
}

Result<LeaderEpochs> Log::rebuild_leader_epochs() {
  LeaderEpochs epochs;
  MQ_CHECK(segments_.replay(log_start_, log_end_, *config_, [&](const record::BatchHeader& header) {
    if (header.leader_epoch <= epoch_limit_)
      epochs.assign(header.leader_epoch, std::max(header.base_offset, log_start_));
  }));
  return epochs;
}

Result<EpochEnd> Log::end_offset_for(LeaderEpoch epoch) {
  MQ_TRY(LeaderEpochs* const epochs, leader_epochs());
  return epochs->end_offset_for(epoch, log_end_);
}

Result<LeaderEpoch> Log::latest_epoch() {
  MQ_TRY(LeaderEpochs* const epochs, leader_epochs());
  return epochs->latest();
}

Result<LeaderEpoch> Log::epoch_at(Offset offset) {
  MQ_TRY(LeaderEpochs* const epochs, leader_epochs());
  return epochs->at(offset);
}

Result<ProducerStates*> Log::producer_states() {
  if (!producers_) {
    MQ_TRY(ProducerStates states, load_producer_states());
    producers_ = std::make_unique<ProducerStates>(std::move(states));
  }
  return producers_.get();
}

Result<ProducerStates> Log::load_producer_states() {
  ProducerStates states;
  Offset from = log_start_;
  for (auto offset = snapshots_.rbegin(); offset != snapshots_.rend(); ++offset) {
    if (*offset > log_end_) continue;
    const auto bytes = env::read_whole(files_, path_of(segment_file_name(*offset, "snapshot")), kDerivedFileBytesMax);
    if (!bytes && is_passing(bytes.error().code)) return fail(bytes.error());
    auto decoded = bytes ? ProducerStates::decode_snapshot(*bytes) : fail(bytes.error());
    if (!decoded) continue;  // P-6: an older one and more replay do as well
    states = *std::move(decoded);
    from = std::max(from, *offset);
    const auto window = env::read_whole(files_, path_of(segment_file_name(*offset, "mqwindow")), kDerivedFileBytesMax);
    if (states.empty() || (window && states.add_window(*window))) break;
    // A snapshot of Kafka's has one batch for each producer. The others of those in flight are not far before it.
    if (*offset > log_start_ && !segments_.empty()) {
      std::size_t first = segments_.index_of(*offset - OffsetDelta{1});
      std::uint64_t back = segments_[first]->size_bytes();
      while (first > 0 && back < kCheckpointBytes) back += segments_[--first]->size_bytes();
      MQ_CHECK(segments_.replay(std::max(segments_[first]->base_offset(), log_start_), *offset, *config_,
                                [&](const record::BatchHeader& header) { states.refill(header); }));
    }
    break;
  }
  MQ_CHECK(segments_.replay(from, log_end_, *config_,
                            [&](const record::BatchHeader& header) { states.apply(header, wall_seen_); }));
  states.restart_expiry(wall_seen_);
  return states;
}

Result<std::vector<ProducerInfo>> Log::producers(WallMillis wall_now) {
  MQ_TRY(ProducerStates* const states, producer_states());
  states->expire(wall_now, config_->producer_expiration_ms);
  return states->list();
}

// --- Sync -----------------------------------------------------------------------------------------------------------

std::optional<SyncJob> Log::begin_sync() {
  if (failed_ || syncing_ || !needs_sync()) return std::nullopt;
  if (!write_out()) return std::nullopt;  // whoever waits for the write is told
  SyncJob job;
  job.files_ = &files_;
  job.covers_to_ = log_end_;
  for (const auto& segment : unsynced_) {
    auto file = segment->file();
    // It was written, so it is open.
    MQ_ASSERT(file.has_value());
    job.dirty_.emplace_back(segment, *std::move(file));
  }
  if (!unsynced_.empty()) segments_.back()->remember(log_end_, segments_.back()->size_bytes());
  if (names_unsynced_) job.directory_ = *directory_;
  unsynced_.clear();
  names_unsynced_ = false;
  syncing_ = true;
  return job;
}

void Log::end_sync(const SyncJob& job, const Result<void>& outcome) {
  MQ_ASSERT(syncing_);
  syncing_ = false;
  if (!outcome && outcome.error().code == Errc::too_many_files) return take_back(job);
  if (!outcome) failed_ = true;
  if (failed_) return;
  // A truncation meanwhile has taken some of it away.
  synced_end_ = std::max(synced_end_, std::min(job.covers_to_, log_end_));
}

void Log::take_back(const SyncJob& job) {
  for (const auto& [segment, file] : job.dirty_) {
    if (segments_.find(segment->base_offset()) == segment && std::ranges::find(unsynced_, segment) == unsynced_.end())
      unsynced_.insert(unsynced_.begin(), segment);
  }
  names_unsynced_ = names_unsynced_ || !job.directory_.empty();
}

bool Log::has_unsaved() const {
  return !unsaved_.empty() || bytes_since_checkpoint_ > 0 || epochs_unsaved_ || recovery_point_ < log_end_;
}

Result<std::optional<CheckpointJob>> Log::begin_checkpoint(bool whatever) {
  if (failed_ || checkpointing_) return std::nullopt;
  const bool due = !unsaved_.empty() || bytes_since_checkpoint_ >= kCheckpointBytes;
  if (!(due || ((whatever || went_idle_) && has_unsaved())) || segments_.empty()) return std::nullopt;

  MQ_TRY(ProducerStates* const states, producer_states());
  MQ_TRY(LeaderEpochs* const epochs, leader_epochs());
  CheckpointJob job;
  job.files_ = &files_;
  job.directory_ = *directory_;
  job.covers_to_ = log_end_;
  job.bytes_appended_ = bytes_since_checkpoint_;
  std::vector<std::shared_ptr<Segment>> indexed = unsaved_;
  if (indexed.empty() || indexed.back() != segments_.back()) indexed.push_back(segments_.back());
  for (const auto& segment : indexed) {
    if (const auto flushed = segment->flush_indexes(); !flushed) {
      if (is_passing(flushed.error().code)) return fail(flushed.error());
      MQ_CHECK(segment->rebuild_indexes(*config_));
    }
    // What was closed was synced before.
    if (segment->is_open()) {
      MQ_TRY(auto file, segment->file());
      job.data_files_.push_back(std::move(file));
    }
  }
  job.indexed_ = std::move(indexed);
  states->expire(wall_seen_, config_->producer_expiration_ms);
  std::vector<ProducerFiles> taken = producer_files_;
  taken.push_back(producer_files(*states));
  for (ProducerFiles& files : taken) {
    job.new_files_.emplace_back(path_of(segment_file_name(files.offset, "snapshot")), std::move(files.snapshot));
    if (!files.window.empty())
      job.new_files_.emplace_back(path_of(segment_file_name(files.offset, "mqwindow")), std::move(files.window));
    if (snapshots_.empty() || snapshots_.back() < files.offset) snapshots_.push_back(files.offset);
  }
  if (std::exchange(epochs_unsaved_, false)) {
    job.epochs_path_ = path_of(kEpochsFile);
    job.epochs_text_ = epochs->encode();
  }
  // One snapshot for each segment, to truncate to, and the newest two.
  while (true) {
    const auto needless = std::find_if(snapshots_.begin(), snapshots_.end(), [&](Offset offset) {
      return snapshots_.end()[-1] != offset && (snapshots_.size() < 2 || snapshots_.end()[-2] != offset) &&
             segments_.find(offset) == nullptr;
    });
    if (needless == snapshots_.end()) break;
    for (const std::string_view extension : kSnapshotExtensions)
      job.obsolete_files_.push_back(path_of(segment_file_name(*needless, extension)));
    snapshots_.erase(needless);
  }
  job.sealed_ = unsaved_;
  checkpointing_ = true;
  return job;
}

void Log::end_checkpoint(const CheckpointJob& job, const Result<void>& outcome) {
  MQ_ASSERT(checkpointing_);
  checkpointing_ = false;
  if (!outcome) {
    if (!job.epochs_path_.empty()) epochs_unsaved_ = true;
    if (outcome.error().code == Errc::disk_failed && !job.derived_only_) failed_ = true;
    for (const auto& segment : job.lost_indexes_)
      if (segments_.find(segment->base_offset()) == segment && !segment->rebuild_indexes(*config_)) failed_ = true;
    return;
  }
  if (failed_) return;
  const Offset covered = std::min(job.covers_to_, log_end_);
  recovery_point_ = std::max(recovery_point_, covered);
  // It synced data and names as well; for a topic that is not synced at acks this is what frees its sealed segments.
  synced_end_ = std::max(synced_end_, covered);
  std::erase_if(unsynced_, [&](const std::shared_ptr<Segment>& segment) {
    return std::ranges::find(job.sealed_, segment) != job.sealed_.end();
  });
  went_idle_ = false;
  bytes_since_checkpoint_ -= std::min(bytes_since_checkpoint_, job.bytes_appended_);
  std::erase_if(unsaved_, [&](const std::shared_ptr<Segment>& segment) {
    return std::ranges::find(job.sealed_, segment) != job.sealed_.end();
  });
  std::erase_if(producer_files_, [&](const ProducerFiles& files) { return files.offset <= job.covers_to_; });
}

Log::ProducerFiles Log::producer_files(const ProducerStates& states) const {
  return {.offset = log_end_,
          .snapshot = states.encode_snapshot(),
          .window = states.empty() ? std::string() : states.encode_window()};
}

void Log::use() {
  touched_ = true;
  open_files_.use();
}

void Log::before_opening(const Segment& segment) {
  if (!segment.is_open()) open_files_.make_room();
}

bool Log::close_synced_files() {
  if (syncing_ || failed_) return false;
  for (const auto& segment : segments_) {
    if (!segment->is_open() || std::ranges::find(unsynced_, segment) != unsynced_.end()) continue;
    // Who used it may use it again, so a little of its room stays reserved.
    if (segment->release_reserve(kReserveKept)) segment->release();
  }
  return !has_open_files();
}

bool Log::release_if_idle() {
  const bool idle = !touched_ && !needs_sync() && !syncing_ && !checkpointing_ && !compacting_;
  touched_ = false;
  if (!idle) return !has_open_files();
  if (segments_.empty()) return true;
  if (!failed_ && has_unsaved()) {
    // Saved first, so that neither a stop nor recovery has to come back to it.
    went_idle_ = true;
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
  const auto data_done = !checkpoints.empty() && checkpoints.front().derived_only_ ? Result<void>{} : done;
  for (auto& [log, job] : synced) log->end_sync(job, data_done);
  for (std::size_t i = 0; i < saved.size(); ++i) saved[i]->end_checkpoint(checkpoints[i], done);
  note(done);
  for (Log* log : logs)
    if (!log->failed_) note(log->close_files());
  return outcome;
}

// --- Looking at it --------------------------------------------------------------------------------------------------

void Log::set_config(std::shared_ptr<const LogConfig> config) { config_ = std::move(config); }

std::vector<SegmentInfo> Log::segments() const {
  std::vector<SegmentInfo> all;
  all.reserve(segments_.size());
  for (const auto& segment : segments_)
    all.push_back({segment->base_offset(), segment->size_bytes(), segment == segments_.back()});
  return all;
}

}  // namespace mq::log
