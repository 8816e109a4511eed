// A part of a segment cannot be read at one start, so that the log goes on in another segment, and can be read at the
// next: what stands behind the place where the log went on is not of the log.

#include <algorithm>
#include <map>

#include "log/segment_check.h"
#include "log_fixture.h"

namespace mq::log {
namespace {

class ReplacedBatchesTest : public LogFixture {
 protected:
  /// Batches of three records each, whose values are all different.
  void append_threes(int count) {
    for (int i = 0; i < count; ++i) {
      std::vector<TestRecord> records;
      for (int j = 0; j < 3; ++j)
        records.push_back({.key = {}, .value = std::to_string(++values_), .timestamp = wall_});
      const auto appended = append(records);
      ASSERT_TRUE(appended) << appended.error().message;
      for (int j = 0; j < 3; ++j)
        written_[appended->base_offset.value() + j] = *records[static_cast<std::size_t>(j)].value;
    }
    ASSERT_TRUE(sync());
  }
  void clear() {
    log_.reset();
    written_.clear();
    for (const auto& name : names()) ASSERT_TRUE(disk_.remove(std::string(kDirectory) + "/" + name));
  }
  bool damage_is_found_offline() {
    std::vector<Finding> findings;
    EXPECT_TRUE(check_directory(disk_, kDirectory, findings));
    return !std::ranges::all_of(findings, &Finding::is_harmless);
  }
  void make_unreadable(int after) {
    disk_.inject({.on = sim::DiskFault::On::read, .path_part = ".log", .after = after, .times = -1});
  }
  /// What is served is what was written there last; what is not served is told. Returns how many offsets are not.
  int expect_served_or_told() {
    int told = 0;
    for (Offset at = log_->log_start(); at < log_->log_end(); at = next(at)) {
      const auto bytes = read_bytes_at(at.value(), 1);
      if (!bytes) {
        EXPECT_EQ(bytes.error().code, Errc::corrupt_batch) << bytes.error().message;
        EXPECT_TRUE(std::ranges::any_of(log_->damage(), [&](const Damage& damage) {
          return damage.first_offset <= at && at < damage.end_offset;
        })) << at.value();
        ++told;
        continue;
      }
      const auto batch = record::first_batch(*bytes).value();
      record::RecordReader records;
      bool is_there = false;
      EXPECT_TRUE(record::for_each_record(records, batch, [&](const record::RecordView& record) {
        if (record.offset != at) return;
        is_there = true;
        EXPECT_EQ(*record.value, written_[at.value()]) << at.value();
      }));
      EXPECT_TRUE(is_there) << at.value();
    }
    return told;
  }

  int values_ = 0;
  std::map<std::int64_t, std::string> written_;  ///< by offset
};

TEST_F(ReplacedBatchesTest, ABatchAmidWhichTheLogHasGoneOnEndsNoStartWhenItCanBeReadAgain) {
  int amid = 0;
  for (const bool has_slot : {true, false})
    for (std::int64_t durable = 1; durable < 12; ++durable)
      for (int after = 0; after < 12; ++after) {
        SCOPED_TRACE(::testing::Message() << has_slot << ", durable to " << durable << ", " << after << " reads");
        create();
        append_threes(4);
        OpenContext context = unclean();
        context.synced_end.reset();
        (has_slot ? context.synced_end.emplace() : context.recovery_point) = Offset{durable};
        log_.reset();
        make_unreadable(after);
        const auto opened = open(context);
        disk_.clear_faults();
        ASSERT_TRUE(opened) << opened.error().message;
        const Offset went_on = log_->log_end();
        ASSERT_GE(went_on, Offset{durable});
        if (went_on.value() % 3 != 0) ++amid;
        append_threes(2);
        EXPECT_EQ(damage_is_found_offline(), went_on.value() % 3 != 0);
        for (int start = 0; start < 3; ++start) {
          // The checkpoints are lost, and maybe the slots as well.
          context.recovery_point = Offset{0};
          if (has_slot) context.synced_end = log_->synced_end();
          const auto again = open(context);
          ASSERT_TRUE(again) << again.error().message;
          EXPECT_EQ(log_->log_end(), went_on + OffsetDelta{6});
          // Only the front of the batch amid which the log went on.
          EXPECT_EQ(expect_served_or_told(), went_on.value() % 3);
          EXPECT_EQ(offsets_from(went_on.value()), numbers(went_on.value(), went_on.value() + 6));
        }
        ASSERT_TRUE(log_->close());
        ASSERT_TRUE(open(clean()));
        append_threes(1);
        EXPECT_EQ(offsets_from(went_on.value()), numbers(went_on.value(), went_on.value() + 9));
        clear();
      }
  EXPECT_GT(amid, 0);
}

TEST_F(ReplacedBatchesTest, ALogStartAmidABatchEndsNoStartEither) {
  for (const bool is_start_lost : {false, true}) {
    SCOPED_TRACE(is_start_lost);
    create();
    append_threes(4);
    OpenContext context = unclean();
    context.synced_end.reset();
    context.recovery_point = Offset{0};
    context.log_start = Offset{7};
    log_.reset();
    // Without room this start leaves in the segment what it takes for torn.
    disk_.fill();
    make_unreadable(0);
    const auto opened = open(context);
    disk_.clear_faults();
    ASSERT_TRUE(opened) << opened.error().message;
    ASSERT_EQ(log_->log_end(), Offset{7});
    log_.reset();
    disk_.make_room();
    if (is_start_lost) context.log_start.reset();
    const auto again = open(context);
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_LE(expect_served_or_told(), is_start_lost ? 1 : 0);
    append_threes(1);
    ASSERT_TRUE(open(unclean()));
    clear();
  }
}

TEST_F(ReplacedBatchesTest, WhatALostSegmentHadReplacedStaysReplacedHoweverOftenItCannotBeRead) {
  for (const std::int64_t durable : {6, 7})
    for (int after = 0; after < 12; ++after) {
      SCOPED_TRACE(::testing::Message() << "durable to " << durable << ", " << after << " reads");
      create();
      append_threes(4);
      OpenContext context = unclean();
      context.synced_end.reset();
      context.recovery_point = Offset{durable};
      log_.reset();
      make_unreadable(0);
      ASSERT_TRUE(open(context));
      disk_.clear_faults();
      ASSERT_EQ(log_->log_end(), Offset{durable});
      append_threes(3);
      const Offset end = log_->log_end();
      context = unclean();
      context.recovery_point = Offset{0};
      log_.reset();
      ASSERT_TRUE(disk_.remove(path(durable)));
      make_unreadable(after);
      ASSERT_TRUE(open(context));
      disk_.clear_faults();
      ASSERT_TRUE(open(context));
      EXPECT_EQ(log_->log_end(), end);
      EXPECT_EQ(expect_served_or_told(), end.value() - 6);
      clear();
    }
}

}  // namespace
}  // namespace mq::log
