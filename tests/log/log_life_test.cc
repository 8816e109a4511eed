#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "log_fixture.h"
#include "seeds.h"

namespace mq::log {
namespace {

/// A data directory with one partition that lives through crash after crash: the process dies at any change of the
/// disk, also amid recovery, with or without the power. The test knows what was promised.
class Life {
 public:
  /// Of what was on disk, between a death and the next start.
  enum class Harm { none, some };
  explicit Life(std::uint64_t seed, Harm harm = Harm::none) : harm_(harm), scheduler_(seed) {
    config_.segment_bytes = 700;
    config_.index_interval_bytes = 128;
    config_.retention_bytes = 3'000;
    is_async_ = below(2) == 0;
    EXPECT_TRUE(disk_.make_directories("/data"));
    EXPECT_TRUE(disk_.sync_directory("/"));
    EXPECT_TRUE(open());
    EXPECT_TRUE(dir_->set_identity({.node = BrokerId{1}, .cluster_id = "c", .directory_id = "d"}));
    EXPECT_TRUE(dir_->begin_writing());
    log_ = Log::create(disk_, dir_->directory_of(partition_), partition_, id_, config()).value();
    EXPECT_TRUE(dir_->sync_new({&partition_, 1}));
  }

  void live_and_die() {
    disk_.inject({.on = sim::DiskFault::On::change, .after = static_cast<int>(below(150)), .times = -1});
    for (std::uint64_t steps = 1 + below(40); steps > 0 && log_; --steps)
      if (!step()) break;
    disk_.clear_faults();
    die();
  }

  void start_again() {
    // Recovery may be cut off as well.
    for (bool again = below(3) == 0; again; again = below(2) == 0) {
      disk_.inject({.on = sim::DiskFault::On::change, .after = static_cast<int>(below(25)), .times = -1});
      (void)start();
      disk_.clear_faults();
      die();
    }
    if (harm_ == Harm::some && below(2) == 0) do_harm();
    const auto started = start();
    disk_.clear_faults();
    ASSERT_TRUE(started) << started.error().message;
    if (!is_harmed_) EXPECT_TRUE(report_.damage.empty()) << report_.damage.front().place;
    // What is harmed behind the slot, which may be late, looks like a torn end.
    ASSERT_GE(log_->log_end(), is_harmed_ ? known_end_ : durable_end_);
    EXPECT_GE(log_->log_start(), durable_start_);
    if (!is_harmed_) EXPECT_LE(log_->log_start(), start_max_);
    start_max_ = std::max(start_max_, log_->log_start());
    // Either one log or the other, never a bit of both.
    auto difference = difference_from(written_);
    if (difference && cut_ && !difference_from(*cut_)) {
      written_ = *cut_;
      difference.reset();
    }
    ASSERT_FALSE(difference) << *difference;
    cut_.reset();
    written_.resize(static_cast<std::size_t>(log_->log_end().value()));
    if (!is_harmed_) expect_derived_state();
    log_->check_invariants();
    durable_end_ = log_->synced_end();  // it is served now
    ASSERT_EQ(durable_end_, log_->log_end());
  }

  [[nodiscard]] bool is_harmed() const { return is_harmed_; }
  [[nodiscard]] int truncations() const { return truncations_; }

 private:
  static constexpr std::int64_t kProducers = 3;

  /// Where the batch begins that has this offset.
  [[nodiscard]] Offset base_at(Offset offset) const {
    return record::parse_header(written_[static_cast<std::size_t>(offset.value())])->base_offset;
  }
  /// What the log serves that is not in `history`, or is another there. Nothing: it is a prefix of that.
  std::optional<std::string> difference_from(const std::vector<std::string>& history) {
    if (log_->log_end().value() > static_cast<std::int64_t>(history.size()))
      return fmt::format("ends at {}, not {} or before", log_->log_end().value(), history.size());
    for (Offset from = log_->log_start(), after; from < log_->log_end(); from = after) {
      after = next(from);
      const auto read = log_->read(from, 1, log_->log_end(), true);
      if (is_harmed_ && !read && read.error().code == Errc::corrupt_batch) continue;
      if (!read) return read.error().message;
      const bool is_damaged = verify(*read).damage.has_value();
      if (is_harmed_ && is_damaged) continue;
      const std::string& written = history[static_cast<std::size_t>(from.value())];
      if (is_damaged || read_bytes(*read).value() != written)
        return fmt::format("has something else at {}", from.value());
      after = record::parse_header(written)->next_offset();
    }
    return std::nullopt;
  }
  /// Leader epochs and producers are what the batches say.
  void expect_derived_state() {
    for (Offset at = log_->log_start(); at < log_->log_end(); at = next(at)) {
      const auto header = record::parse_header(written_[static_cast<std::size_t>(at.value())]).value();
      ASSERT_EQ(log_->epoch_at(at).value(), header.leader_epoch) << at.value();
    }
    std::map<std::int64_t, Sequence> known;
    for (const ProducerInfo& producer : log_->producers(wall_).value())
      known[producer.id.value()] = producer.last_sequence;
    for (std::int64_t id = 0; id < kProducers; ++id) {
      const auto last = last_of(id);
      const auto found = known.find(id);
      if (last && last->base_offset >= log_->log_start()) ASSERT_NE(found, known.end()) << id;
      // When its batches are deleted it may be forgotten, but never be known as it was before its last one (P-5).
      if (found == known.end()) continue;
      ASSERT_TRUE(last) << id;
      ASSERT_EQ(found->second, last->last_sequence()) << id;
    }
  }
  /// Its last batch in the history.
  std::optional<record::BatchHeader> last_of(std::int64_t producer) const {
    for (auto batch = written_.rbegin(); batch != written_.rend(); ++batch) {
      const auto header = record::parse_header(*batch).value();
      if (header.producer_id.value() == producer) return header;
    }
    return std::nullopt;
  }

  /// A bit that no CRC covers is flipped, a segment is missing, or the disk cannot read some places.
  void do_harm() {
    std::vector<std::string> segments;
    for (const auto& entry : disk_.list("/data/t-0").value())
      if (entry.name.ends_with(".log")) segments.push_back("/data/t-0/" + entry.name);
    if (segments.empty()) return;
    is_harmed_ = true;
    const std::string& hit = segments[below(segments.size())];
    const std::string bytes = env::read_whole(disk_, hit).value();
    switch (below(4)) {
      case 0:
        EXPECT_TRUE(disk_.remove(hit));
        EXPECT_TRUE(disk_.sync_directory("/data/t-0"));
        return;
      case 1:
        return disk_.inject({.on = sim::DiskFault::On::read,
                             .path_part = below(2) == 0 ? hit : ".log",
                             .after = static_cast<int>(below(12)),
                             .times = 1 + static_cast<int>(below(6))});
      default:
        break;
    }
    std::vector<std::uint64_t> places;
    record::BatchReader batches(bytes);
    for (auto batch = batches.next(); batch && *batch; batch = batches.next())
      places.push_back(bytes.size() - batches.rest().size() - (**batch).bytes().size());
    if (places.empty()) return;
    constexpr std::uint64_t kUncovered = 21;  // base offset, length, epoch, format and the CRC itself
    constexpr std::uint64_t kEpochAt = 12;
    constexpr std::uint64_t kMagicAt = 16;
    std::uint64_t byte = below(kUncovered);
    if (byte >= kEpochAt && byte < kMagicAt) byte -= kEpochAt;  // a wrong epoch may be served
    const std::uint64_t at = places[below(places.size())] + byte;
    const auto flipped = static_cast<char>(bytes[at] ^ (1 << below(8)));
    auto file = disk_.open(hit, env::OpenMode::read_write).value();
    EXPECT_TRUE(file->write_at(at, BytesView(&flipped, 1)));
    EXPECT_TRUE(file->sync());
  }

  std::uint64_t below(std::uint64_t bound) { return scheduler_.rng().below(bound); }
  std::shared_ptr<const LogConfig> config() const { return std::make_shared<const LogConfig>(config_); }

  Result<void> open() {
    MQ_TRY(dir_, LogDir::open(disk_, "/data"));
    return {};
  }
  Result<void> start() {
    MQ_CHECK(open());
    MQ_CHECK(dir_->begin_writing());
    OpenContext context = dir_->context_of(partition_, id_, wall_);
    epoch_ = std::max(epoch_, begun_);
    context.leader_epoch = epoch_;
    known_end_ = context.synced_end.value_or(Offset{0});
    report_ = {};
    MQ_TRY(log_, Log::open(disk_, dir_->directory_of(partition_), partition_, config(), context, report_));
    if (report_.end_uncertain) epoch_ = LeaderEpoch{epoch_.value() + 1};
    return {};
  }
  void die() {
    log_.reset();
    dir_.reset();
    if (below(2) == 0) disk_.lose_power(sim::PowerLoss::any);
  }

  /// The high watermark.
  [[nodiscard]] Offset readable_end() const { return is_async_ ? log_->written_end() : log_->synced_end(); }
  /// One thing that a broker does; an error is the end.
  Result<void> step() {
    log_->check_invariants();
    switch (below(13)) {
      case 0:
        return sync();
      case 1:
        return checkpoint();
      case 2:
        return delete_records();
      case 3:
        return keep_house();
      case 4:
        return log_->roll(wall_);
      case 5:
        return below(4) == 0 ? stop() : Result<void>{};
      case 6:
        return below(2) == 0 ? truncate() : Result<void>{};
      case 7:
      case 8:
        return follow(true);
      default:
        return append();
    }
  }
  /// The batch that comes next, of a producer or of none, as it will stand in the log.
  std::string make_next() {
    ProducerFields producer;
    if (const auto id = static_cast<std::int64_t>(below(kProducers + 1)); id < kProducers) {
      const auto last = last_of(id);
      producer = {.id = id, .epoch = 0, .sequence = last ? last->last_sequence().value() + 1 : 0};
    }
    std::vector<TestRecord> records;
    do {
      records.push_back(
          {.key = {}, .value = std::to_string(++appends_) + std::string(below(90), '.'), .timestamp = wall_});
    } while (below(2) == 0);
    std::string batch = make_batch(records, producer);
    record::set_base_offset(batch.data(), Offset{static_cast<std::int64_t>(written_.size())});
    record::set_leader_epoch(batch.data(), epoch_);
    return batch;
  }
  Result<void> append() {
    for (std::uint64_t i = below(4); i < 4; ++i) {
      std::string batch = make_next();
      const auto header = record::parse_header(batch).value();
      note_written(batch, header);  // also when it fails: some of it may be there
      MQ_TRY(const AppendInfo info, log_->append(batch.data(), header, header.max_timestamp, epoch_, wall_));
      EXPECT_EQ(info.base_offset, header.base_offset);
      cut_.reset();
    }
    return {};
  }
  void note_written(const std::string& batch, const record::BatchHeader& header) {
    written_.resize(static_cast<std::size_t>(header.next_offset().value()), batch);
  }
  /// Another leads and has more, which it has from before this one led, who wrote nothing.
  Result<void> follow(bool may_save = false) {
    if (below(2) == 0) epoch_ = LeaderEpoch{epoch_.value() + 1};
    if (below(4) == 0) {
      begun_ = LeaderEpoch{epoch_.value() + 1};
      MQ_CHECK(log_->begin_epoch(begun_));
      if (may_save && below(2) == 0) MQ_CHECK(checkpoint());
    }
    for (std::uint64_t i = below(4); i < 4; ++i) {
      const std::string batch = make_next();
      const auto header = record::parse_header(batch).value();
      note_written(batch, header);
      MQ_CHECK(log_->append_as_is(batch, header, wall_));
      cut_.reset();
    }
    return {};
  }
  /// A new leader does not have the end of the log.
  Result<void> truncate() {
    const auto size = static_cast<std::uint64_t>((log_->log_end() - log_->log_start()).value());
    const Offset wanted = log_->log_start() + OffsetDelta{static_cast<std::int64_t>(below(size + 1))};
    epoch_ = LeaderEpoch{epoch_.value() + 1};
    MQ_TRY(const Offset end, log_->truncation_end(wanted));
    EXPECT_LE(end, wanted);
    if (!is_harmed_) EXPECT_EQ(end, wanted < log_->log_end() ? std::max(base_at(wanted), log_->log_start()) : wanted);
    MQ_CHECK(dir_->lower_ends(partition_, id_, end));
    durable_end_ = std::min(durable_end_, end);
    if (!cut_) cut_ = written_;
    written_.resize(static_cast<std::size_t>(end.value()));
    ++truncations_;
    MQ_CHECK(log_->truncate_to(wanted, wall_));
    EXPECT_EQ(log_->log_end(), end);
    if (!is_harmed_) expect_derived_state();
    return {};
  }
  Result<void> sync() {
    if (auto job = log_->begin_sync()) {
      const int truncations = truncations_;
      const auto outcome = job->run();
      // Things happen while a round is under way.
      if (below(4) == 0) MQ_CHECK(truncate());
      if (below(4) == 0) MQ_CHECK(follow());
      log_->end_sync(*job, outcome);
      MQ_CHECK(outcome);
      if (truncations == truncations_) cut_.reset();
    }
    durable_end_ = std::max(durable_end_, log_->disk_end());
    dir_->note_synced(id_, PartitionId{0}, log_->disk_end());
    if (below(2) == 0) MQ_CHECK(dir_->write_synced_ends());
    return {};
  }
  Result<void> checkpoint() {
    MQ_TRY(auto job, log_->begin_checkpoint(below(2) == 0));
    if (!job) return {};
    const auto outcome = job->run();
    log_->end_checkpoint(*job, outcome);
    MQ_CHECK(outcome);
    note_ends();
    return {};
  }
  Result<void> delete_records() {
    MQ_CHECK(log_->advance_start(
        Offset{static_cast<std::int64_t>(below(static_cast<std::uint64_t>(readable_end().value()) + 1))},
        readable_end()));
    start_max_ = std::max(start_max_, log_->log_start());
    dir_->set_log_start(partition_, log_->log_start());
    // A sync round may end before that is written.
    if (below(4) == 0) MQ_CHECK(sync());
    MQ_CHECK(dir_->write_checkpoints());
    durable_start_ = log_->log_start();
    return {};
  }
  Result<void> keep_house() {
    (void)log_->release_if_idle();
    auto deleted = log_->delete_old_segments(wall_, now_, readable_end());
    // Cut off, it may have gone further than it says.
    start_max_ = std::max(start_max_, deleted ? log_->log_start() : readable_end());
    MQ_CHECK(deleted);
    now_ = now_ + 30s;
    note_ends();
    if (auto removal = log_->due_removals(now_)) {
      MQ_CHECK(dir_->write_log_starts());
      MQ_CHECK(removal->run());
    }
    return dir_->write_checkpoints();
  }
  Result<void> stop() {
    MQ_CHECK(log_->close());
    durable_end_ = log_->synced_end();
    note_ends();
    MQ_CHECK(dir_->finish_clean());
    log_.reset();
    return {};
  }
  void note_ends() {
    dir_->note_synced(id_, PartitionId{0}, log_->disk_end());
    dir_->set_log_start(partition_, log_->log_start());
    dir_->set_recovery_point(partition_, log_->recovery_point());
    dir_->set_log_bytes(partition_, log_->size_bytes());
  }

  Harm harm_;
  bool is_harmed_ = false;  ///< at least once
  bool is_async_ = false;   ///< what is not on disk may be read
  sim::Scheduler scheduler_;
  sim::Disk disk_{scheduler_, {.cold_read_one_in = 0}};
  LogConfig config_;
  TopicPartition partition_{"t", 0};
  Uuid id_{{1, 2, 3}};
  LeaderEpoch begun_{0};  ///< led in, maybe without a batch
  LeaderEpoch epoch_{0};
  WallMillis wall_ = 1'000;
  Instant now_;
  std::unique_ptr<LogDir> dir_;
  std::unique_ptr<Log> log_;
  RecoveryReport report_;

  std::vector<std::string> written_;             ///< by offset: the batch that has it
  std::optional<std::vector<std::string>> cut_;  ///< what was there before a truncation that may not be on disk yet
  int truncations_ = 0;
  int appends_ = 0;
  Offset durable_end_{0};    ///< an answer may have told so
  Offset known_end_{0};      ///< as the data directory had it at the last start
  Offset durable_start_{0};  ///< DeleteRecords was answered
  Offset start_max_{0};
};

TEST(LogLife, CrashesAnywhereKeepWhatWasPromised) {
  for (const std::uint64_t seed : seeds(300)) {
    SCOPED_TRACE(seed);
    Life life(seed);
    for (int crash = 0; crash < 12; ++crash) {
      life.live_and_die();
      life.start_again();
      if (::testing::Test::HasFailure()) return;
    }
  }
}

/// A bit of a header that no CRC covers, a missing segment, places that cannot be read: what is served is what was
/// written, at its offset, offsets are not given out again, and the log lives on.
TEST(LogLife, HarmedLogsServeNothingWrongAndLiveOn) {
  std::size_t harmed = 0;
  const std::vector<std::uint64_t> lives = seeds(300);
  for (const std::uint64_t seed : lives) {
    SCOPED_TRACE(seed);
    Life life(seed, Life::Harm::some);
    for (int crash = 0; crash < 8; ++crash) {
      life.live_and_die();
      life.start_again();
      if (::testing::Test::HasFailure()) return;
    }
    if (life.is_harmed()) ++harmed;
  }
  EXPECT_GT(3 * harmed, 2 * lives.size());
}

}  // namespace
}  // namespace mq::log
