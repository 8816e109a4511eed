#include "log/torn_tails.h"

#include <algorithm>

#include "log/segment.h"
#include "log/segment_set.h"
#include "log_fixture.h"

namespace mq::log {
namespace {

class TornTailsTest : public LogFixture {
 protected:
  TornTailsTest() { EXPECT_TRUE(disk_.make_directories(kDirectory)); }

  std::shared_ptr<Segment> add(std::int64_t base, const std::string& bytes) {
    EXPECT_TRUE(disk_.open(path(base), env::OpenMode::create).value()->write_at(0, bytes));
    EXPECT_TRUE(disk_.open_tree("/data").value()->sync());
    return set_.add(Offset{base}, bytes.size());
  }
  bool is_there(const std::string& name) { return std::ranges::count(names(), name) > 0; }

  SegmentSet set_{disk_, std::make_shared<const std::string>(kDirectory)};
  TornTails torn_{set_.names()};
};

TEST_F(TornTailsTest, ATailIsKeptBesideAndCutDurably) {
  const auto segment = add(0, "good batch, torn");
  ASSERT_TRUE(torn_.add({.segment = segment, .position = 10, .end = Offset{1}, .what = "a torn tail"}, report_));
  EXPECT_TRUE(torn_.empty());
  EXPECT_EQ(segment->size_bytes(), 10U);
  EXPECT_EQ(report_.bytes_cut, 6U);
  disk_.lose_power(sim::PowerLoss::drop_all);
  EXPECT_EQ(contents(path(0)), "good batch");
  EXPECT_EQ(contents(path(0) + ".10.cut"), ", torn");
}

TEST_F(TornTailsTest, ZerosAreNotKept) {
  const auto segment = add(0, "good batch" + std::string(6, '\0'));
  ASSERT_TRUE(torn_.add({.segment = segment, .position = 10, .end = Offset{1}, .what = "a torn tail"}, report_));
  EXPECT_EQ(contents(path(0)), "good batch");
  EXPECT_FALSE(is_there(segment_file_name(Offset{0}, "log") + ".10.cut"));
}

TEST_F(TornTailsTest, WhatFollowsATornSegmentIsSetAsideWholeAndEmptyOnesGo) {
  (void)add(0, "good batch, torn");
  (void)add(5, "another");
  (void)add(9, "");
  const auto segment = set_.front();
  ASSERT_TRUE(torn_.add(
      {.segment = segment, .followers = set_.take_from(1), .position = 10, .end = Offset{1}, .what = "a torn tail"},
      report_));
  EXPECT_EQ(contents(path(5) + ".0.cut"), "another");
  EXPECT_FALSE(is_there(segment_file_name(Offset{5}, "log")));
  EXPECT_FALSE(is_there(segment_file_name(Offset{9}, "log")));
  EXPECT_EQ(report_.bytes_cut, 13U);
}

TEST_F(TornTailsTest, WithoutRoomItStaysOutOfSightUntilThereIsSome) {
  const auto segment = add(0, "good batch, torn");
  disk_.fill();
  ASSERT_TRUE(torn_.add({.segment = segment, .position = 10, .end = Offset{1}, .what = "a torn tail"}, report_));
  EXPECT_FALSE(torn_.empty());
  EXPECT_EQ(segment->size_bytes(), 10U);
  EXPECT_EQ(contents(path(0)), "good batch, torn");
  ASSERT_EQ(report_.notes.size(), 1U);
  EXPECT_EQ(torn_.cut(report_).error().code, Errc::disk_full);
  disk_.make_room();
  ASSERT_TRUE(torn_.cut(report_));
  EXPECT_TRUE(torn_.empty());
  EXPECT_EQ(contents(path(0) + ".10.cut"), ", torn");
}

}  // namespace
}  // namespace mq::log
