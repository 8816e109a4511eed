#include "log/segment_set.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "log_fixture.h"

namespace mq::log {
namespace {

class SegmentSetTest : public LogFixture {
 protected:
  SegmentSetTest() {
    EXPECT_TRUE(disk_.make_directories(kDirectory));
    for (const std::int64_t base : {0, 10, 20, 30}) set_.add(Offset{base}, 0);
  }
  std::vector<std::int64_t> bases() const {
    std::vector<std::int64_t> all;
    for (const auto& segment : set_) all.push_back(segment->base_offset().value());
    return all;
  }
  void make_files(std::int64_t base, const std::vector<std::string>& extensions) {
    for (const std::string& extension : extensions)
      EXPECT_TRUE(disk_.open(path(base, extension), env::OpenMode::create).value()->write_at(0, "x"));
  }

  SegmentSet set_{disk_, std::make_shared<const std::string>(kDirectory)};
};

TEST_F(SegmentSetTest, AnOffsetBelongsIntoTheLastSegmentThatBeginsAtOrBelow) {
  EXPECT_EQ(set_.index_of(Offset{0}), 0U);
  EXPECT_EQ(set_.index_of(Offset{9}), 0U);
  EXPECT_EQ(set_.index_of(Offset{10}), 1U);
  EXPECT_EQ(set_.index_of(Offset{1'000}), 3U);
  EXPECT_EQ(set_.find(Offset{20}), set_[2]);
  EXPECT_EQ(set_.find(Offset{21}), nullptr);
  EXPECT_EQ(set_.end_of(2, Offset{35}), Offset{30});
  EXPECT_EQ(set_.end_of(3, Offset{35}), Offset{35});
}

TEST_F(SegmentSetTest, SegmentsKnowTheirNeighboursAfterEveryChange) {
  EXPECT_EQ(set_[1]->rules().limit, Offset{20});
  EXPECT_EQ(set_[3]->rules().limit, OffsetRules::kNone);
  set_.set_gaps_end(Offset{20});
  EXPECT_EQ(set_[3]->rules().gaps_end, Offset{20});
  ASSERT_TRUE(set_.roll(Offset{40}, config_));
  EXPECT_EQ(set_[3]->rules().limit, Offset{40});
  set_.replace(1, 2, std::make_shared<Segment>(disk_, set_.names().directory(), Offset{10}, 0));
  EXPECT_EQ(bases(), (std::vector<std::int64_t>{0, 10, 30, 40}));
  EXPECT_EQ(set_[1]->rules().limit, Offset{30});
  EXPECT_EQ(set_[1]->rules().gaps_end, Offset{20});
  const SegmentSet::List taken = set_.take_from(2);
  EXPECT_EQ(taken.size(), 2U);
  EXPECT_EQ(set_[1]->rules().limit, OffsetRules::kNone);
}

TEST_F(SegmentSetTest, WhatIsRetiredTakesItsDerivedFilesAlongAndLeavesTheSnapshots) {
  make_files(0, {"log", "index", "timeindex", "txnindex", "snapshot", "mqwindow"});
  make_files(10, {"log", "txnindex"});
  ASSERT_TRUE(set_.retire_front(1, Instant{} + 60s));
  EXPECT_EQ(bases(), (std::vector<std::int64_t>{10, 20, 30}));
  auto left = names();
  for (const char* extension : {"log", "index", "timeindex", "txnindex"})
    EXPECT_EQ(std::ranges::count(left, segment_file_name(Offset{0}, extension) + ".deleted"), 1) << extension;
  for (const char* extension : {"snapshot", "mqwindow"})
    EXPECT_EQ(std::ranges::count(left, segment_file_name(Offset{0}, extension)), 1) << extension;
  EXPECT_EQ(set_.next_due(), Instant{} + 60s);
  EXPECT_TRUE(set_.take_due(Instant{} + 59s).empty());
  EXPECT_EQ(set_.take_due(Instant{} + 60s).size(), 4U);
  EXPECT_EQ(set_.next_due(), Instant::never());
}

TEST_F(SegmentSetTest, AnErrorAmidRetirementLeavesTheRestInTheSet) {
  for (const std::int64_t base : {0, 10, 20, 30}) make_files(base, {"log"});
  disk_.inject({.on = sim::DiskFault::On::rename, .path_part = segment_file_name(Offset{10}, "log")});
  EXPECT_EQ(set_.retire_front(3, Instant{}).error().code, Errc::disk_failed);
  EXPECT_EQ(bases(), (std::vector<std::int64_t>{10, 20, 30}));
  EXPECT_EQ(set_.take_due(Instant{}), std::vector<std::string>{path(0) + ".deleted"});
}

TEST_F(SegmentSetTest, WithoutRoomForANameARollChangesNothing) {
  disk_.fill();
  EXPECT_EQ(set_.roll(Offset{40}, config_).error().code, Errc::disk_full);
  EXPECT_EQ(bases(), (std::vector<std::int64_t>{0, 10, 20, 30}));
  disk_.make_room();
}

/// Of Kafka's index of aborted transactions an entry is version, producer id, first, last and last stable offset.
TEST_F(LogFixture, TruncationCutsTheIndexOfAbortedTransactions) {
  create();
  append_many(10);
  ASSERT_TRUE(sync());
  std::string index;
  for (const std::int64_t last : {2, 5, 7}) {
    std::string entry(34, '\0');
    store_be<std::int64_t>(entry.data() + 18, last);
    index += entry;
  }
  ASSERT_TRUE(disk_.open(path(0, "txnindex"), env::OpenMode::create).value()->write_at(0, index));
  ASSERT_TRUE(log_->truncate_to(Offset{7}, wall_));
  EXPECT_EQ(contents(path(0, "txnindex")), index.substr(0, 68));
  ASSERT_TRUE(log_->truncate_to(Offset{5}, wall_));
  EXPECT_EQ(contents(path(0, "txnindex")), index.substr(0, 34));
}

}  // namespace
}  // namespace mq::log
