#include <algorithm>
#include <map>

#include "log_fixture.h"

namespace mq::log {
namespace {

class CompactionTest : public LogFixture {
 protected:
  CompactionTest() {
    config_.cleanup_delete = false;
    config_.cleanup_compact = true;
    config_.min_cleanable_ratio = 0;
    config_.segment_bytes = 800;
    config_.delete_retention_ms = 1000;
  }
  void put(const std::string& key, std::optional<std::string> value) {
    auto appended = append({{.key = key, .value = std::move(value), .timestamp = wall_}});
    ASSERT_TRUE(appended) << appended.error().message;
  }
  /// Some 40 keys written again and again, one in eight times a tombstone.
  void fill(int count, std::uint64_t seed = 5) {
    std::uint64_t state = seed;
    for (int i = 0; i < count; ++i) {
      state = state * 6364136223846793005ULL + 1442695040888963407ULL;
      std::vector<TestRecord> records;
      for (std::uint64_t r = 0; r <= (state >> 60) % 3; ++r) {
        const std::string key = "key" + std::to_string((state >> (20 + r * 5)) % 40);
        const bool is_tombstone = (state >> (40 + r)) % 8 == 0;
        records.push_back({.key = key,
                           .value = is_tombstone ? std::nullopt : std::optional(key + "=" + std::to_string(i)),
                           .timestamp = wall_ + i});
      }
      ASSERT_TRUE(append(records));
    }
    ASSERT_TRUE(sync());
  }
  /// True when it ran.
  Result<bool> compact() {
    MQ_TRY(auto job, log_->begin_compaction(wall_, log_->synced_end()));
    if (!job) return false;
    while (!job->done()) {
      if (auto step = job->step(); !step) {
        log_->abandon_compaction(*job);
        return fail(step.error());
      }
    }
    MQ_CHECK(log_->finish_compaction(*job, Instant{}));
    return true;
  }
  static std::map<std::string, std::string> latest(const std::vector<TestRecord>& records) {
    std::map<std::string, std::string> values;
    for (const TestRecord& r : records) {
      if (r.value)
        values[*r.key] = *r.value;
      else
        values.erase(*r.key);
    }
    return values;
  }
  /// What is left is a part of what was, in order, with its offsets, and says the same about every key.
  void expect_same_meaning(const std::vector<TestRecord>& before, const std::vector<TestRecord>& after) {
    EXPECT_EQ(latest(before), latest(after));
    EXPECT_TRUE(std::ranges::includes(before, after, [](const auto& a, const auto& b) { return a.offset < b.offset; }));
    for (const TestRecord& r : after) {
      const auto original = std::ranges::find(before, r.offset, &TestRecord::offset);
      ASSERT_NE(original, before.end());
      EXPECT_EQ(*original, r);
    }
  }
};

TEST_F(CompactionTest, KeepsTheNewestRecordOfEachKeyWithItsOffset) {
  create();
  fill(300);
  const auto before = read_all(0);
  const std::uint64_t size = log_->size_bytes();
  ASSERT_TRUE(compact().value());
  const auto after = read_all(0);
  expect_same_meaning(before, after);
  EXPECT_LT(log_->size_bytes(), size / 2);
  EXPECT_LT(after.size(), before.size() / 2);
  // Below the newest segment every key stands once.
  std::map<std::string, int> count;
  for (const TestRecord& r : after) {
    if (Offset{r.offset} < log_->compacted_end()) ++count[*r.key];
  }
  for (const auto& [key, n] : count) EXPECT_EQ(n, 1) << key;
  EXPECT_FALSE(compact().value()) << "nothing new";
  ASSERT_TRUE(log_->close());
  ASSERT_TRUE(open(clean()));
  EXPECT_EQ(read_all(0), after);
}

TEST_F(CompactionTest, GoesOnWithWhatCameSinceTheLastRun) {
  create();
  for (int round = 0; round < 5; ++round) {
    fill(120, static_cast<std::uint64_t>(round) + 1);
    const auto before = read_all(0);
    ASSERT_TRUE(compact().value());
    expect_same_meaning(before, read_all(0));
    for (std::int64_t from = 0; from < log_->log_end().value(); from += 13) {
      const auto rest = read_all(from);
      if (!rest.empty()) EXPECT_GE(rest.front().offset, from);
    }
  }
}

TEST_F(CompactionTest, LittleMemoryTakesMoreRunsToTheSameEnd) {
  config_.compaction_memory_bytes = 1000;
  create();
  fill(200);
  const auto before = read_all(0);
  int runs = 0;
  while (compact().value()) ASSERT_LT(++runs, 200);
  EXPECT_GT(runs, 3);
  expect_same_meaning(before, read_all(0));
}

TEST_F(CompactionTest, TombstonesStayUntilTheirHorizonHasPassed) {
  create();
  put("gone", "value");
  put("gone", std::nullopt);
  for (int i = 0; i < 30; ++i) put("k" + std::to_string(i), "v");
  ASSERT_TRUE(sync());
  ASSERT_TRUE(compact().value());
  const auto has_tombstone = [&] {
    return std::ranges::any_of(read_all(0), [](const TestRecord& r) { return r.key == "gone"; });
  };
  EXPECT_TRUE(has_tombstone());
  EXPECT_EQ(read_all(0).front().timestamp, 1000) << "the horizon does not change the record's time";
  wall_ += 500;
  for (int i = 0; i < 30; ++i) put("l" + std::to_string(i), "v");
  ASSERT_TRUE(sync());
  ASSERT_TRUE(compact().value());
  EXPECT_TRUE(has_tombstone());
  wall_ += 501;
  for (int i = 0; i < 30; ++i) put("m" + std::to_string(i), "v");
  ASSERT_TRUE(sync());
  ASSERT_TRUE(compact().value());
  EXPECT_FALSE(has_tombstone());
}

TEST_F(CompactionTest, TombstonesKeptForEverAreKept) {
  config_.delete_retention_ms = std::numeric_limits<std::int64_t>::max();
  create();
  put("gone", "value");
  put("gone", std::nullopt);
  for (int run = 0; run < 3; ++run) {
    for (int i = 0; i < 30; ++i) put("k" + std::to_string(i), "v");
    ASSERT_TRUE(sync());
    ASSERT_TRUE(compact().value());
    const auto all = read_all(0);
    ASSERT_EQ(all.front().key, "gone");
    EXPECT_EQ(all.front().timestamp, 1000);
    wall_ += 1'000'000'000'000;
  }
}

TEST_F(CompactionTest, LastFiveBatchesOfAProducerStayEvenWhenEmpty) {
  create();
  const auto send = [this](int sequence) {
    return append({{.key = "a", .value = "1"}, {.key = "b", .value = "2"}},
                  {.id = 7, .epoch = 2, .sequence = sequence});
  };
  for (const int sequence : {10, 12, 14, 16, 18, 20}) ASSERT_TRUE(send(sequence));
  fill(1);
  for (int i = 0; i < 40; ++i) put("a", std::to_string(i)), put("b", std::to_string(i));
  ASSERT_TRUE(sync());
  ASSERT_TRUE(compact().value());
  ASSERT_TRUE(log_->close());
  OpenContext context = clean();
  log_.reset();
  for (const auto& name : names()) {
    if (name.ends_with(".snapshot") || name.ends_with(".mqwindow"))
      ASSERT_TRUE(disk_.remove(std::string(kDirectory) + "/" + name));
  }
  ASSERT_TRUE(open(context));
  // A producer that heard no answer sends all five again. Were the older ones unknown they would seem to be a gap, and
  // it would send them in a new epoch.
  for (const int sequence : {12, 14, 16, 18, 20}) {
    const auto again = send(sequence);
    ASSERT_TRUE(again) << sequence;
    EXPECT_TRUE(again->duplicate);
    EXPECT_EQ(again->base_offset, Offset{sequence - 10});
  }
  ASSERT_FALSE(send(10));
  EXPECT_EQ(send(10).error().code, Errc::out_of_order_sequence);
  EXPECT_FALSE(send(22)->duplicate);
}

TEST_F(CompactionTest, EpochsCanBeMadeAnewFromWhatIsLeft) {
  create();
  for (const int epoch : {3, 5, 6, 8, 9}) {
    epoch_ = LeaderEpoch{epoch};
    for (int i = 0; i < 10; ++i) put("a", std::to_string(i)), put("b", std::to_string(i));
  }
  fill(40);
  const auto ends = [this] {
    std::vector<EpochEnd> all;
    for (int epoch = 3; epoch < 10; ++epoch) all.push_back(log_->end_offset_for(LeaderEpoch{epoch}).value());
    return all;
  };
  const std::vector<EpochEnd> before = ends();
  EXPECT_EQ(before[2], (EpochEnd{LeaderEpoch{5}, Offset{40}}));
  ASSERT_TRUE(compact().value());
  EXPECT_EQ(ends(), before);
  std::string bytes;
  for (const SegmentInfo& segment : log_->segments()) {
    if (segment.size_bytes == 0) continue;
    bytes += read_bytes(log_->read(segment.base_offset, 1 << 20, log_->log_end(), true).value()).value();
  }
  EXPECT_LT(read_all(0).size(), 60U);

  // Of this log, when the file that names them is lost.
  ASSERT_TRUE(log_->close());
  OpenContext context = clean();
  log_.reset();
  ASSERT_TRUE(disk_.remove(std::string(kDirectory) + "/leader-epoch-checkpoint"));
  ASSERT_TRUE(open(context));
  EXPECT_EQ(ends(), before);

  // Of a copy, which has nothing else.
  log_.reset();
  for (const auto& name : names()) ASSERT_TRUE(disk_.remove(std::string(kDirectory) + "/" + name));
  create();
  record::BatchReader reader(bytes);
  while (auto batch = reader.next().value()) ASSERT_TRUE(log_->append_as_is(batch->bytes(), batch->header(), wall_));
  EXPECT_EQ(ends(), before);
}

TEST_F(CompactionTest, WhatAPowerCutTookFromAmidWhatWasNotOnDiskIsNoGap) {
  create();
  for (int i = 0; i < 60; ++i) put("k" + std::to_string(i), std::string(60, 'x'));
  const std::vector<SegmentInfo> segments = log_->segments();
  ASSERT_GE(segments.size(), 4U);
  // Nobody has compacted here yet, so nothing says where gaps may be.
  OpenContext context = unclean();
  context.synced_end = segments[1].base_offset;
  context.recovery_point = Offset{0};
  log_.reset();
  const std::string torn = std::string(kDirectory) + "/" + segment_file_name(segments[2].base_offset, "log");
  ASSERT_TRUE(disk_.open(torn, env::OpenMode::read_write).value()->truncate(segments[2].size_bytes / 2));
  ASSERT_TRUE(open(context));
  EXPECT_GT(log_->log_end(), segments[2].base_offset);
  EXPECT_LT(log_->log_end(), segments[3].base_offset) << "what follows a hole is not of the log";
}

TEST_F(CompactionTest, SegmentThatBecameEmptyDoesNotHoldUpRetention) {
  for (const bool by_time : {false, true}) {
    log_.reset();
    if (disk_.exists(kDirectory).value())
      for (const auto& name : names()) ASSERT_TRUE(disk_.remove(std::string(kDirectory) + "/" + name));
    config_.cleanup_delete = true;
    config_.retention_ms = config_.retention_bytes = -1;
    create();
    for (int i = 0; i < 60; ++i) put("a", std::string(60, 'x'));
    for (int i = 0; i < 60; ++i) put("k" + std::to_string(i), std::string(60, 'x'));
    ASSERT_TRUE(sync());
    ASSERT_TRUE(compact().value());
    ASSERT_EQ(log_->segments()[1].size_bytes, 0U);
    const Offset first_kept = Offset{read_all(0).front().offset};
    ASSERT_EQ(log_->delete_old_segments(wall_, Instant{}, log_->log_end()).value(), 0U) << "nothing is too much";
    EXPECT_EQ(log_->log_start(), Offset{0});
    (by_time ? config_.retention_ms : config_.retention_bytes) = 1000;
    log_->set_config(config());
    ASSERT_GT(log_->delete_old_segments(wall_ + 2000, Instant{}, log_->log_end()).value(), 0U);
    EXPECT_GT(log_->log_start(), first_kept);
  }
}

TEST_F(CompactionTest, SearchByTimeGoesOnBehindBatchesThatBecameEmpty) {
  create();
  // Each segment's largest timestamp is that of a producer's last batch, whose record is gone.
  for (int producer = 0; producer < 4; ++producer) {
    for (int i = 0; i < 8; ++i) put("k" + std::to_string(i), std::string(30, 'x'));
    wall_ += 1'000;
    ASSERT_TRUE(append({{.key = "a", .value = "1", .timestamp = wall_}}, {.id = producer, .epoch = 0, .sequence = 0}));
    ASSERT_TRUE(log_->roll(wall_));
  }
  put("a", "last");
  for (int i = 0; i < 8; ++i) put("k" + std::to_string(i), "last");
  const Offset last = log_->log_end() - OffsetDelta{9};
  ASSERT_TRUE(log_->roll(wall_));
  ASSERT_TRUE(sync());
  ASSERT_TRUE(compact().value());
  std::optional<TimestampOffset> found;
  int searches = 0;
  for (std::optional<Offset> from = Offset{0}; from && !found; ++searches) {
    auto search = log_->find_timestamp(1'500, log_->log_end(), *from);
    ASSERT_TRUE(search) << search.error().message;
    ASSERT_TRUE(*search);
    from = (*search)->goes_on_at();
    found = (*search)->run().value();
  }
  ASSERT_TRUE(found);
  EXPECT_EQ(found->offset, last);
  EXPECT_GT(searches, 1);
}

TEST_F(CompactionTest, CompressedBatchesStayCompressed) {
  create();
  for (int i = 0; i < 60; ++i)
    ASSERT_TRUE(append_bytes(
        make_batch({{.key = "same", .value = std::string(50, 'x')}, {.key = std::to_string(i), .value = "y"}}, {},
                   record::Codec::zstd)));
  ASSERT_TRUE(sync());
  const auto before = read_all(0);
  ASSERT_TRUE(compact().value());
  expect_same_meaning(before, read_all(0));
  const std::string bytes = read_bytes_at(0).value();
  EXPECT_EQ(record::first_batch(bytes)->header().compression(), record::Codec::zstd);
}

TEST_F(CompactionTest, YoungRecordsWait) {
  config_.min_compaction_lag_ms = 10'000;
  create();
  for (int i = 0; i < 50; ++i) put("k", std::to_string(i));
  ASSERT_TRUE(sync());
  EXPECT_FALSE(compact().value());
  wall_ += 10'000;
  EXPECT_TRUE(compact().value());
}

TEST_F(CompactionTest, DirtTooLittleWaitsUnlessItIsOld) {
  config_.min_cleanable_ratio = 0.9;
  create();
  for (int i = 0; i < 100; ++i) put("k" + std::to_string(i), "v");
  ASSERT_TRUE(sync());
  ASSERT_TRUE(compact().value());
  for (int i = 0; i < 30; ++i) put("k", "v");
  ASSERT_TRUE(sync());
  EXPECT_FALSE(compact().value());
  config_.max_compaction_lag_ms = 100;
  log_->set_config(config());
  wall_ += 101;
  EXPECT_TRUE(compact().value());
}

TEST_F(CompactionTest, DamageIsNeverCompactedAway) {
  create();
  fill(100);
  ASSERT_TRUE(checkpoint());
  log_->release_if_idle();
  ASSERT_TRUE(log_->release_if_idle());
  disk_.flip_bits(path(0), 75, 0x08);
  disk_.open(path(0), env::OpenMode::read).value()->drop_cache();
  const auto all = names();
  EXPECT_EQ(compact().error().code, Errc::corrupt_batch);
  EXPECT_EQ(names(), all);
  EXPECT_FALSE(log_->failed());
}

TEST_F(CompactionTest, TruncationMeanwhileVoidsIt) {
  create();
  fill(100);
  auto job = log_->begin_compaction(wall_, log_->synced_end()).value();
  while (!job->done()) ASSERT_TRUE(job->step());
  ASSERT_TRUE(log_->truncate_to(Offset{20}, wall_));
  EXPECT_EQ(log_->finish_compaction(*job, Instant{}).error().code, Errc::conflict);
  EXPECT_EQ(read_all(0).back().offset, 19);
}

TEST_F(CompactionTest, PolicyThatBecameAnotherMeanwhileVoidsIt) {
  create();
  fill(100);
  const auto all = read_all(0);
  auto job = log_->begin_compaction(wall_, log_->synced_end()).value();
  while (!job->done()) ASSERT_TRUE(job->step());
  config_.cleanup_compact = false;
  config_.cleanup_delete = true;
  log_->set_config(config());
  EXPECT_EQ(log_->finish_compaction(*job, Instant{}).error().code, Errc::conflict);
  EXPECT_EQ(read_all(0).size(), all.size());
  EXPECT_FALSE(log_->failed());
}

/// A crash after each single step of the work and of the swap, with and without losing unsynced names.
TEST_F(CompactionTest, CrashAtEveryStepOfTheSwapLeavesTheSameMeaning) {
  for (const sim::DiskFault::On on : {sim::DiskFault::On::open, sim::DiskFault::On::write, sim::DiskFault::On::sync,
                                      sim::DiskFault::On::sync_directory}) {
    for (const bool power_too : {false, true}) {
      for (int after = 0;; ++after) {
        ASSERT_LT(after, 500);
        log_.reset();
        if (disk_.exists(kDirectory).value()) {
          for (const auto& name : names()) ASSERT_TRUE(disk_.remove(std::string(kDirectory) + "/" + name));
        }
        create();
        fill(60);
        ASSERT_TRUE(checkpoint());
        const auto before = read_all(0);
        const OpenContext context = unclean();
        disk_.inject({.on = on, .path_part = kDirectory, .after = after, .times = -1});
        const auto ran = compact();
        disk_.clear_faults();
        log_.reset();
        if (power_too) disk_.lose_power(sim::PowerLoss::any);
        for (int round = 0; round < 2; ++round) {
          auto opened = open(context);
          ASSERT_TRUE(opened) << opened.error().message;
          EXPECT_TRUE(report_.damage.empty());
          expect_same_meaning(before, read_all(0));
        }
        if (ran) break;
      }
    }
  }
}

TEST_F(CompactionTest, SwapWithoutRoomForItsNamesLeavesAllAsItWasAndComesAgain) {
  for (const Errc code : {Errc::disk_full, Errc::too_many_files}) {
    log_.reset();
    if (disk_.exists(kDirectory).value())
      for (const auto& name : names()) ASSERT_TRUE(disk_.remove(std::string(kDirectory) + "/" + name));
    create();
    fill(200);
    const auto before = read_all(0);
    auto job = log_->begin_compaction(wall_, log_->synced_end()).value();
    while (!job->done()) ASSERT_TRUE(job->step());
    // A name in the one case, the directory's sync in the other.
    disk_.inject({.on = code == Errc::disk_full ? sim::DiskFault::On::change : sim::DiskFault::On::sync_directory,
                  .path_part = kDirectory,
                  .after = code == Errc::disk_full ? 1 : 0,
                  .code = code});
    EXPECT_EQ(log_->finish_compaction(*job, Instant{}).error().code, code);
    EXPECT_FALSE(log_->failed());
    EXPECT_EQ(read_all(0), before);
    fill(10, 6);
    const auto more = read_all(0);
    ASSERT_TRUE(compact().value());
    expect_same_meaning(more, read_all(0));
    const OpenContext context = unclean();
    ASSERT_TRUE(open(context));
    expect_same_meaning(more, read_all(0));
  }
}

TEST_F(CompactionTest, SwapOnceNamedNeedsNoMoreRoom) {
  create();
  fill(200);
  ASSERT_TRUE(checkpoint());
  const auto before = read_all(0);
  auto job = log_->begin_compaction(wall_, log_->synced_end()).value();
  while (!job->done()) ASSERT_TRUE(job->step());
  // The names of the output, then none any more.
  const auto outputs = std::ranges::count_if(names(), [](const auto& name) { return name.ends_with(".log.cleaned"); });
  disk_.inject({.on = sim::DiskFault::On::name,
                .path_part = kDirectory,
                .after = static_cast<int>(outputs),
                .times = -1,
                .code = Errc::disk_full});
  const auto swapped = log_->finish_compaction(*job, Instant{});
  ASSERT_TRUE(swapped) << swapped.error().message;
  disk_.clear_faults();
  expect_same_meaning(before, read_all(0));
  const OpenContext context = unclean();
  ASSERT_TRUE(open(context));
  expect_same_meaning(before, read_all(0));
}

/// The output is named, some of what it replaces is gone, the process dies, and a sector of the output rots.
TEST_F(CompactionTest, DamagedOutputOfACutOffSwapGivesWayToWhatItWasMadeFrom) {
  int restored = 0;
  for (int after = 0;; ++after) {
    ASSERT_LT(after, 500);
    log_.reset();
    if (disk_.exists(kDirectory).value())
      for (const auto& name : names()) ASSERT_TRUE(disk_.remove(std::string(kDirectory) + "/" + name));
    create();
    fill(100);
    ASSERT_TRUE(compact().value());
    fill(60, 7);
    ASSERT_TRUE(checkpoint());
    const auto before = read_all(0);
    const OpenContext context = unclean();
    disk_.inject({.on = sim::DiskFault::On::change, .path_part = kDirectory, .after = after, .times = -1});
    const auto ran = compact();
    disk_.clear_faults();
    log_.reset();
    if (ran) break;
    for (const auto& name : names()) {
      if (!name.ends_with(".log.swap")) continue;
      const std::string swap = std::string(kDirectory) + "/" + name;
      if (disk_.file_size(swap).value() < 100) continue;
      ASSERT_TRUE(disk_.open(swap, env::OpenMode::read_write).value()->write_at(80, "rot"));
      ++restored;
    }
    for (int round = 0; round < 2; ++round) {
      const auto opened = open(context);
      ASSERT_TRUE(opened) << opened.error().message;
      EXPECT_TRUE(report_.damage.empty());
      expect_same_meaning(before, read_all(0));
    }
  }
  EXPECT_GT(restored, 3);
}

/// A log whose newest segment is empty, as a roll leaves it: then all that was written is compacted. The last records
/// may all go, so that the newest bytes end long before the newest offset.
class SwapCrashTest : public CompactionTest {
 protected:
  /// What the data directory knew when the process died: as of now, of a while ago, or nothing.
  enum class Known { all, part, nothing };
  void make_log() {
    log_.reset();
    wall_ = 1'000;
    config_.cleanup_compact = true;
    if (disk_.exists(kDirectory).value()) {
      for (const auto& name : names()) ASSERT_TRUE(disk_.remove(std::string(kDirectory) + "/" + name));
    }
    create();
    fill(20);
    ASSERT_TRUE(checkpoint());
    earlier_ = unclean();
    fill(10);
    for (int i = 0; i < 15; ++i) put("gone" + std::to_string(i % 3), std::nullopt);
    ASSERT_TRUE(log_->roll(wall_));
    ASSERT_TRUE(sync());
    // The first run gives the tombstones their horizon, so that the one under test takes them away.
    ASSERT_TRUE(compact().value());
    wall_ += 5'000;
    put("last", "1");
    put("last", std::nullopt);
    ASSERT_TRUE(log_->roll(wall_));
    ASSERT_TRUE(sync());
  }
  OpenContext known(Known what) const {
    if (what == Known::all) return unclean();
    return what == Known::part ? earlier_ : OpenContext{.topic_id = topic_id_};
  }
  OpenContext earlier_;
};

TEST_F(SwapCrashTest, CrashAtAnyChangeWithAnEmptyNewestSegmentLeavesAWorkingLog) {
  std::uint64_t crashes = 0;
  for (const Known what : {Known::all, Known::part, Known::nothing}) {
    // The policy may be another one by the next start: what is there was compacted all the same.
    for (const bool still_compacts : {false, true}) {
      for (const bool power_too : {false, true}) {
        for (int after = 0;; ++after) {
          ASSERT_LT(after, 500);
          make_log();
          const auto before = read_all(0);
          const Offset end = log_->log_end();
          const OpenContext context = known(what);
          disk_.inject({.on = sim::DiskFault::On::change, .path_part = kDirectory, .after = after, .times = -1});
          const auto ran = compact();
          disk_.clear_faults();
          log_.reset();
          if (power_too) disk_.lose_power(sim::PowerLoss::any);
          ++crashes;
          config_.cleanup_compact = still_compacts;
          for (int round = 0; round < 2; ++round) {
            auto opened = open(context);
            ASSERT_TRUE(opened) << opened.error().message;
            EXPECT_TRUE(report_.damage.empty()) << report_.damage[0].place;
            ASSERT_EQ(log_->log_end(), end);
            expect_same_meaning(before, read_all(0));
          }
          put("new", "1");
          ASSERT_TRUE(sync());
          EXPECT_EQ(read_all(end.value()).size(), 1U);
          const auto all = read_all(0);
          ASSERT_TRUE(log_->close());
          const OpenContext stopped = clean();
          ASSERT_TRUE(open(stopped));
          EXPECT_TRUE(report_.clean);
          EXPECT_EQ(read_all(0), all);
          if (ran) break;
        }
      }
    }
  }
  EXPECT_GT(crashes, 100U);
}

}  // namespace
}  // namespace mq::log
