#include <algorithm>

#include "log_fixture.h"

namespace mq::log {
namespace {

/// A follower's log, cut where its leader's differs.
class TruncationTest : public LogFixture {
 protected:
  /// Batches of three records each.
  void append_threes(int count) {
    for (int i = 0; i < count; ++i)
      ASSERT_TRUE(append(std::vector<TestRecord>(3, TestRecord{.key = {}, .value = "v", .timestamp = wall_})));
    ASSERT_TRUE(sync());
  }
  std::uint64_t batch_bytes() {
    return make_batch(std::vector<TestRecord>(3, TestRecord{.key = {}, .value = "v"})).size();
  }
  /// As a caller does who has a data directory: what is told of the log is lowered first.
  Offset truncate(std::int64_t offset) {
    lowered_ = log_->truncation_end(Offset{offset}).value();
    EXPECT_TRUE(log_->truncate_to(Offset{offset}, wall_));
    EXPECT_EQ(log_->log_end(), lowered_);
    log_->check_invariants();
    return lowered_;
  }
  OpenContext lowered() {
    OpenContext context = unclean();
    context.synced_end = context.recovery_point = lowered_;
    return context;
  }

  /// The batches of a leader's log, which is gone then.
  std::string leaders_log(int threes) {
    create();
    append_threes(threes);
    const auto all = log_->read(Offset{0}, 1 << 20, log_->log_end(), true).value();
    std::string bytes = read_bytes(all).value();
    log_.reset();
    return bytes;
  }
  /// Copies what `leaders` gives, up to `end`.
  void copy_below(record::BatchReader& leaders, Offset end) {
    while (log_->log_end() < end) {
      const auto batch = leaders.next().value();
      ASSERT_TRUE(batch && log_->append_as_is(batch->bytes(), batch->header(), wall_));
    }
  }

  Offset lowered_{0};
};

TEST_F(TruncationTest, EndsBeforeTheBatchThatHoldsTheOffset) {
  create();
  append_threes(5);
  EXPECT_EQ(truncate(15), Offset{15});
  EXPECT_EQ(truncate(11), Offset{9});
  // Who knows that it ends there takes nothing for lost.
  ASSERT_TRUE(open(lowered()));
  EXPECT_TRUE(report_.damage.empty());
  EXPECT_EQ(log_->log_end(), Offset{9});
  append_threes(1);
  EXPECT_EQ(offsets_from(0), numbers(0, 12));
}

TEST_F(TruncationTest, EndsInEverySegmentAtEveryOffset) {
  config_.segment_bytes = 2 * batch_bytes();
  for (std::int64_t offset = 0; offset <= 24; ++offset) {
    SCOPED_TRACE(offset);
    create();
    append_threes(8);
    EXPECT_EQ(truncate(offset), Offset{offset / 3 * 3});
    append_threes(1);
    EXPECT_EQ(offsets_from(0), numbers(0, offset / 3 * 3 + 3));
    log_.reset();
    for (const auto& name : names()) ASSERT_TRUE(disk_.remove(std::string(kDirectory) + "/" + name));
  }
}

TEST_F(TruncationTest, NeverEndsBelowTheStartAlsoAmidABatch) {
  create();
  append_threes(5);
  ASSERT_TRUE(log_->advance_start(Offset{7}, Offset{15}));
  EXPECT_EQ(truncate(7), Offset{7});
  EXPECT_EQ(log_->log_start(), Offset{7});
  EXPECT_TRUE(log_->damage().empty());
  append_threes(1);
  EXPECT_TRUE(log_->damage().empty());
  EXPECT_EQ(offsets_from(7), numbers(7, 10));
}

TEST_F(TruncationTest, CutOffAmidTheBatchWhereTheLogStartsItIsGoneOnWith) {
  create();
  append_threes(3);
  ASSERT_TRUE(log_->roll(wall_));
  append_threes(2);
  ASSERT_TRUE(log_->advance_start(Offset{7}, Offset{15}));
  ASSERT_TRUE(sync());
  OpenContext context = unclean();
  context.synced_end = context.recovery_point = Offset{7};  // LogDir::lower_ends
  log_.reset();
  // The first segment was cut, the second not removed yet.
  auto first = disk_.open(path(0), env::OpenMode::read_write).value();
  ASSERT_TRUE(first->truncate(2 * batch_bytes()));
  ASSERT_TRUE(first->sync());
  ASSERT_TRUE(open(context));
  EXPECT_TRUE(log_->damage().empty());
  EXPECT_EQ(log_->log_end(), Offset{7});
  append_threes(1);
  EXPECT_EQ(offsets_from(7), numbers(7, 10));
}

TEST_F(TruncationTest, WhatNoBatchBeforeItVouchesForGoesToo) {
  create();
  append_threes(6);
  const OpenContext context = unclean();
  log_.reset();
  constexpr std::size_t kMagicAt = 16;
  disk_.flip_bits(path(0), 3 * batch_bytes() + kMagicAt, 0x10);
  disk_.lose_power(sim::PowerLoss::keep_all);
  ASSERT_TRUE(open(context));
  ASSERT_EQ(log_->damage().size(), 1U);
  // Before a good batch that stays it stays what it is.
  EXPECT_EQ(truncate(15), Offset{15});
  EXPECT_EQ(log_->damage().size(), 1U);
  EXPECT_EQ(truncate(13), Offset{9});
  EXPECT_TRUE(log_->damage().empty());
  append_threes(2);
  EXPECT_EQ(offsets_from(0), numbers(0, 15));
}

TEST_F(TruncationTest, BeforeTheFirstSegmentThatIsLeftTheLogBeginsAnew) {
  config_.segment_bytes = 2 * batch_bytes();
  create();
  append_threes(6);
  const OpenContext context = unclean();
  log_.reset();
  for (const std::int64_t base : {0, 6, 12}) ASSERT_TRUE(disk_.remove(path(base)));
  ASSERT_TRUE(open(context));
  ASSERT_EQ(log_->log_end(), Offset{18});
  append_threes(1);
  ASSERT_EQ(log_->segments().front().base_offset, Offset{18});
  EXPECT_EQ(truncate(4), Offset{4});
  EXPECT_TRUE(std::ranges::all_of(log_->damage(), [](const Damage& d) { return d.end_offset == Offset{4}; }));
  append_threes(1);
  EXPECT_EQ(offsets_from(4), numbers(4, 7));
  ASSERT_TRUE(log_->close());
  ASSERT_TRUE(open(clean()));
  EXPECT_EQ(offsets_from(4), numbers(4, 7));
}

TEST_F(TruncationTest, ASegmentThatHadEndedMayBeAppendedToAgainWhenItIsCut) {
  int ended = 0;
  for (int after = 0; after < 12; ++after) {
    SCOPED_TRACE(after);
    create();
    append_threes(4);
    const OpenContext context = unclean();
    log_.reset();
    // A part of it cannot be read at this start.
    disk_.inject({.on = sim::DiskFault::On::read, .path_part = ".log", .after = after, .times = -1});
    (void)open(context);
    disk_.clear_faults();
    if (disk_.exists(path(0, kEndExtension)).value()) ++ended;
    ASSERT_TRUE(open(context));
    for (const std::int64_t end : {3, 0}) {
      EXPECT_EQ(truncate(end + 1), Offset{end});
      append_threes(4);
      ASSERT_TRUE(open(unclean()));
      EXPECT_EQ(log_->log_end(), Offset{end + 12});
      EXPECT_EQ(offsets_from(0), numbers(0, end + 12));
      EXPECT_EQ(log_->segments().size(), 1U);
    }
    log_.reset();
    for (const auto& name : names()) ASSERT_TRUE(disk_.remove(std::string(kDirectory) + "/" + name));
  }
  EXPECT_GT(ended, 0);
}

TEST_F(TruncationTest, WhatWasCutDoesNotComeBackAmidWhatTookItsPlace) {
  for (const auto how : {sim::PowerLoss::drop_all, sim::PowerLoss::drop_some, sim::PowerLoss::torn}) {
    create();
    append_threes(5);
    ASSERT_TRUE(checkpoint());
    truncate(6);
    // Not synced, but what was cut is off the disk before the first of these is written.
    ASSERT_TRUE(append({{.key = {}, .value = "another"}}));
    const OpenContext context = lowered();
    log_.reset();
    disk_.lose_power(how);
    ASSERT_TRUE(open(context));
    EXPECT_LE(log_->log_end(), Offset{7});
    EXPECT_GE(log_->log_end(), Offset{6});
    log_.reset();
    for (const auto& name : names()) ASSERT_TRUE(disk_.remove(std::string(kDirectory) + "/" + name));
  }
}

TEST_F(TruncationTest, BegunAnewAboveItsEndItHasNothingOfWhatItHad) {
  for (const bool is_killed : {false, true}) {
    SCOPED_TRACE(is_killed);
    config_.segment_bytes = 2 * batch_bytes();
    create();
    append_threes(5);
    ASSERT_TRUE(checkpoint());
    ASSERT_TRUE(log_->restart_at(Offset{100}, wall_));
    EXPECT_EQ(log_->log_start(), Offset{100});
    EXPECT_EQ(log_->log_end(), Offset{100});
    EXPECT_EQ(log_->disk_end(), Offset{100});
    EXPECT_EQ(log_->last_epoch().value(), kNoLeaderEpoch);
    EXPECT_EQ(log_->producers(wall_).value().size(), 0U);
    append_threes(2);
    EXPECT_EQ(offsets_from(100), numbers(100, 106));
    if (!is_killed) ASSERT_TRUE(log_->close());
    OpenContext context = is_killed ? unclean() : clean();
    context.log_start = Offset{100};
    ASSERT_TRUE(open(context));
    EXPECT_EQ(log_->log_start(), Offset{100});
    EXPECT_EQ(offsets_from(100), numbers(100, 106));
    EXPECT_TRUE(log_->damage().empty());
    log_.reset();
    for (const auto& name : names()) ASSERT_TRUE(disk_.remove(std::string(kDirectory) + "/" + name));
  }
}

TEST_F(TruncationTest, APowerCutAfterItBeganAnewLeavesNoDamage) {
  for (const auto how : {sim::PowerLoss::drop_all, sim::PowerLoss::drop_some, sim::PowerLoss::keep_all}) {
    create();
    append_threes(5);
    OpenContext context = unclean();
    context.log_start = Offset{100};  // LogDir::set_log_start
    ASSERT_TRUE(log_->restart_at(Offset{100}, wall_));
    ASSERT_TRUE(append({{.key = {}, .value = "another"}}));
    log_.reset();
    disk_.lose_power(how);
    ASSERT_TRUE(open(context));
    EXPECT_EQ(log_->log_start(), Offset{100});
    EXPECT_TRUE(log_->damage().empty());
    append_threes(1);
    EXPECT_EQ(log_->last_epoch().value(), log_->latest_epoch().value());
    log_.reset();
    for (const auto& name : names()) ASSERT_TRUE(disk_.remove(std::string(kDirectory) + "/" + name));
  }
}

TEST_F(TruncationTest, ACopyHasTheGapsOfTheLeadersLog) {
  const std::string bytes = leaders_log(8);
  for (const bool is_killed : {false, true}) {
    SCOPED_TRACE(is_killed);
    for (const auto& name : names()) ASSERT_TRUE(disk_.remove(std::string(kDirectory) + "/" + name));
    create();
    record::BatchReader reader(bytes);
    while (auto batch = reader.next().value()) {
      // Compaction has left the second batch, and the last ones.
      const Offset base = batch->header().base_offset;
      if (base != Offset{3} && base < Offset{15}) continue;
      ASSERT_TRUE(log_->append_as_is(batch->bytes(), batch->header(), wall_));
    }
    ASSERT_TRUE(sync());
    std::vector<std::int64_t> wanted = numbers(3, 6);
    for (const std::int64_t offset : numbers(15, 24)) wanted.push_back(offset);
    EXPECT_EQ(offsets_from(0), wanted);
    if (!is_killed) ASSERT_TRUE(log_->close());
    const OpenContext context = is_killed ? unclean() : clean();
    if (is_killed) disk_.lose_power(sim::PowerLoss::drop_all);
    ASSERT_TRUE(open(context));
    EXPECT_EQ(offsets_from(0), wanted);
    EXPECT_TRUE(log_->damage().empty());
    log_.reset();
  }
}

TEST_F(TruncationTest, AnEpochWithoutBatchesGivesWayToTheOlderEndThatTheNextLeaderHas) {
  const std::string bytes = leaders_log(8);
  for (const auto& name : names()) ASSERT_TRUE(disk_.remove(std::string(kDirectory) + "/" + name));
  for (const bool is_killed : {false, true}) {
    SCOPED_TRACE(is_killed);
    create();
    record::BatchReader reader(bytes);
    copy_below(reader, Offset{15});
    const LeaderEpoch copied = log_->latest_epoch().value();
    const LeaderEpoch led{copied.value() + 2};
    ASSERT_TRUE(log_->begin_epoch(led));
    ASSERT_TRUE(checkpoint());
    EXPECT_EQ(log_->latest_epoch().value(), led);
    EXPECT_EQ(log_->last_epoch().value(), copied);
    copy_below(reader, Offset{24});
    EXPECT_EQ(log_->latest_epoch().value(), copied);
    ASSERT_TRUE(sync());
    if (!is_killed) ASSERT_TRUE(log_->close());
    OpenContext context = is_killed ? unclean() : clean();
    context.leader_epoch = led;
    ASSERT_TRUE(open(context));
    EXPECT_EQ(log_->latest_epoch().value(), copied);
    EXPECT_EQ(log_->end_offset_for(copied).value(), (EpochEnd{copied, Offset{24}}));
    log_.reset();
    for (const auto& name : names()) ASSERT_TRUE(disk_.remove(std::string(kDirectory) + "/" + name));
  }
}

TEST_F(TruncationTest, AnEpochThatGaveWayDoesNotComeBackWithItsFile) {
  const std::string bytes = leaders_log(8);
  for (const bool is_all_deleted : {false, true}) {
    SCOPED_TRACE(is_all_deleted);
    for (const auto& name : names()) ASSERT_TRUE(disk_.remove(std::string(kDirectory) + "/" + name));
    create();
    record::BatchReader reader(bytes);
    copy_below(reader, Offset{15});
    const LeaderEpoch copied = log_->latest_epoch().value();
    const LeaderEpoch led{copied.value() + 2};
    ASSERT_TRUE(log_->begin_epoch(led));
    ASSERT_TRUE(checkpoint());
    copy_below(reader, Offset{21});
    ASSERT_TRUE(sync());
    // What is deleted need not be recovered, so the file tells of a place that nobody looks at any more.
    const Offset deleted{is_all_deleted ? 21 : 18};
    ASSERT_TRUE(log_->advance_start(deleted, deleted));
    OpenContext context = unclean();
    context.leader_epoch = led;
    disk_.lose_power(sim::PowerLoss::drop_all);
    ASSERT_TRUE(open(context));
    if (!is_all_deleted) EXPECT_EQ(log_->epoch_at(Offset{18}).value(), copied);
    copy_below(reader, Offset{24});
    EXPECT_EQ(log_->latest_epoch().value(), copied);
    EXPECT_EQ(offsets_from(deleted.value()), numbers(deleted.value(), 24));
    log_.reset();
  }
}

TEST_F(TruncationTest, ACopyMayBeginAmidABatchAsTheLeadersLogDoes) {
  const std::string bytes = leaders_log(4);
  for (const auto& name : names()) ASSERT_TRUE(disk_.remove(std::string(kDirectory) + "/" + name));
  for (const bool is_killed : {false, true}) {
    SCOPED_TRACE(is_killed);
    create();
    ASSERT_TRUE(log_->restart_at(Offset{7}, wall_));
    record::BatchReader reader(bytes);
    while (auto batch = reader.next().value()) {
      const bool is_wanted = batch->header().next_offset() > Offset{7};
      EXPECT_EQ(log_->append_as_is(batch->bytes(), batch->header(), wall_).has_value(), is_wanted);
    }
    ASSERT_TRUE(sync());
    EXPECT_EQ(log_->log_start(), Offset{7});
    EXPECT_EQ(offsets_from(7), numbers(7, 12));
    if (!is_killed) ASSERT_TRUE(log_->close());
    OpenContext context = is_killed ? unclean() : clean();
    context.log_start = Offset{7};
    ASSERT_TRUE(open(context));
    EXPECT_EQ(offsets_from(7), numbers(7, 12));
    EXPECT_TRUE(log_->damage().empty());
    append_threes(1);
    log_.reset();
    for (const auto& name : names()) ASSERT_TRUE(disk_.remove(std::string(kDirectory) + "/" + name));
  }
}

TEST_F(TruncationTest, WhereItWasCutToNothingACopyMayBeginAmidABatch) {
  const std::string bytes = leaders_log(4);
  for (const auto& name : names()) ASSERT_TRUE(disk_.remove(std::string(kDirectory) + "/" + name));
  create();
  ASSERT_TRUE(log_->restart_at(Offset{7}, wall_));
  ASSERT_TRUE(append({{.key = {}, .value = "of another leader"}}));
  ASSERT_TRUE(log_->truncate_to(Offset{7}, wall_));
  record::BatchReader reader(bytes);
  while (auto batch = reader.next().value())
    if (batch->header().next_offset() > Offset{7})
      ASSERT_TRUE(log_->append_as_is(batch->bytes(), batch->header(), wall_));
  ASSERT_TRUE(log_->roll(wall_));
  ASSERT_TRUE(sync());
  EXPECT_EQ(offsets_from(7), numbers(7, 12));
}

}  // namespace
}  // namespace mq::log
