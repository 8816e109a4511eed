#include <algorithm>

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
    ASSERT_LE(log_->log_end().value(), static_cast<std::int64_t>(written_.size()));
    EXPECT_GE(log_->log_start(), durable_start_);
    if (!is_harmed_) EXPECT_LE(log_->log_start(), start_max_);
    start_max_ = std::max(start_max_, log_->log_start());
    written_.resize(static_cast<std::size_t>(log_->log_end().value()));
    for (Offset from = log_->log_start(); from < log_->log_end(); from = next(from)) {
      const auto read = log_->read(from, 1, log_->log_end(), true);
      if (is_harmed_ && !read) {
        ASSERT_EQ(read.error().code, Errc::corrupt_batch) << read.error().message;
        continue;
      }
      ASSERT_TRUE(read) << read.error().message;
      const FileRange& range = *read;
      if (is_harmed_ && verify(range).damage) continue;
      ASSERT_FALSE(verify(range).damage) << from.value();
      std::string got = read_bytes(range).value();
      record::set_leader_epoch(got.data(), LeaderEpoch{0});
      ASSERT_EQ(got, written_[static_cast<std::size_t>(from.value())]) << from.value();
    }
    durable_end_ = log_->synced_end();  // it is served now
    ASSERT_EQ(durable_end_, log_->log_end());
  }

  [[nodiscard]] bool is_harmed() const { return is_harmed_; }

 private:
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

  /// One thing that a broker does; an error is the end.
  Result<void> step() {
    switch (below(10)) {
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
      default:
        return append();
    }
  }
  Result<void> append() {
    for (std::uint64_t i = below(4); i < 4; ++i) {
      const auto offset = static_cast<std::int64_t>(written_.size());
      std::string batch = make_batch(
          {{.key = {}, .value = std::to_string(++appends_) + std::string(below(90), '.'), .timestamp = wall_}});
      const auto header = record::parse_header(batch).value();
      std::string expected = batch;
      record::set_base_offset(expected.data(), Offset{offset});
      record::set_leader_epoch(expected.data(), LeaderEpoch{0});
      written_.push_back(expected);  // also when it fails: some of it may be there
      MQ_TRY(const AppendInfo info, log_->append(batch.data(), header, header.max_timestamp, epoch_, wall_));
      EXPECT_EQ(info.base_offset, Offset{offset});
    }
    return {};
  }
  Result<void> sync() {
    if (auto job = log_->begin_sync()) {
      const auto outcome = job->run();
      log_->end_sync(*job, outcome);
      MQ_CHECK(outcome);
    }
    durable_end_ = std::max(durable_end_, log_->synced_end());
    dir_->note_synced(id_, PartitionId{0}, log_->synced_end());
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
        Offset{static_cast<std::int64_t>(below(static_cast<std::uint64_t>(log_->synced_end().value()) + 1))},
        log_->synced_end()));
    start_max_ = std::max(start_max_, log_->log_start());
    dir_->set_log_start(partition_, log_->log_start());
    MQ_CHECK(dir_->write_checkpoints());
    durable_start_ = log_->log_start();
    return {};
  }
  Result<void> keep_house() {
    (void)log_->release_if_idle();
    auto deleted = log_->delete_old_segments(wall_, now_, log_->synced_end());
    // Cut off, it may have gone further than it says.
    start_max_ = std::max(start_max_, deleted ? log_->log_start() : log_->synced_end());
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
    dir_->note_synced(id_, PartitionId{0}, log_->synced_end());
    dir_->set_recovery_point(partition_, log_->recovery_point());
    dir_->set_log_start(partition_, log_->log_start());
    dir_->set_log_bytes(partition_, log_->size_bytes());
  }

  Harm harm_;
  bool is_harmed_ = false;  ///< at least once
  sim::Scheduler scheduler_;
  sim::Disk disk_{scheduler_, {.cold_read_one_in = 0}};
  LogConfig config_;
  TopicPartition partition_{"t", 0};
  Uuid id_{{1, 2, 3}};
  LeaderEpoch epoch_{0};
  WallMillis wall_ = 1'000;
  Instant now_;
  std::unique_ptr<LogDir> dir_;
  std::unique_ptr<Log> log_;
  RecoveryReport report_;

  std::vector<std::string> written_;  ///< by offset; all in epoch 0
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
