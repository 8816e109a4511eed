#include "cli/units.h"

#include <gtest/gtest.h>

#include "cli/position.h"
#include "cli/value_error.h"

namespace mq::cli {
namespace {

TEST(Duration, UnitIsRequiredAndExact) {
  EXPECT_EQ(parse_duration("5ms"), 5ms);
  EXPECT_EQ(parse_duration("1.5h"), 90min);
  EXPECT_EQ(parse_duration("0.25s"), 250ms);
  EXPECT_EQ(parse_duration("2d"), 48h);
  for (const char* text : {"", "5", "5 ms", "-5s", "5S", "5msx", "1.s", ".5s", "1e3s", "99999999999d", "1h30m"}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
}

TEST(Size, UnitsAreThoseOfCoreutils) {
  EXPECT_EQ(parse_size("100"), 100u);
  EXPECT_EQ(parse_size("4K"), 4096u);
  EXPECT_EQ(parse_size("4kB"), 4000u);
  EXPECT_EQ(parse_size("1.5M"), 1572864u);
  EXPECT_EQ(parse_size("1GiB"), 1u << 30);
  for (const char* text : {"", "k", "4k", "-1", "1 M", "9999999T", "0x10"}) EXPECT_FALSE(parse_size(text)) << text;
}

TEST(Number, CountsToItsLastByte) {
  EXPECT_EQ(parse_number("-5", -10, 10), -5);
  for (const char* text : {"", "abc", "1,2", "5 ", " 5", "+5", "99999999999999999999", "11"})
    EXPECT_FALSE(parse_number(text, -10, 10)) << text;
}

TEST(Rates, RecordsAndBytes) {
  EXPECT_DOUBLE_EQ(parse_rate("1000/s")->per_second, 1000);
  EXPECT_DOUBLE_EQ(parse_rate("60k/m")->per_second, 1000);
  EXPECT_FALSE(parse_rate("60k/m")->is_bytes);
  EXPECT_DOUBLE_EQ(parse_rate("10MB/s")->per_second, 1e7);
  EXPECT_TRUE(parse_rate("10MB/s")->is_bytes);
  for (const char* text : {"", "100", "100/d", "0/s", "/s", "1K/s"}) EXPECT_FALSE(parse_rate(text)) << text;
}

TEST(Time, AllSpellings) {
  const TimeContext now(1'738'332'005'123);  // 2025-01-31T14:00:05.123Z
  EXPECT_EQ(parse_time("now", now), 1'738'332'005'123);
  EXPECT_EQ(parse_time("-15m", now), 1'738'332'005'123 - 900'000);
  EXPECT_EQ(parse_time("today", now), 1'738'281'600'000);
  EXPECT_EQ(parse_time("yesterday", now), 1'738'281'600'000 - 86'400'000);
  EXPECT_EQ(parse_time("2025-01-31", now), 1'738'281'600'000);
  EXPECT_EQ(parse_time("2025-01-31 14:00", now), 1'738'332'000'000);
  EXPECT_EQ(parse_time("2025-01-31T14:00:05.123Z", now), 1'738'332'005'123);
  EXPECT_EQ(parse_time("2025-01-31T15:00:05.123+01:00", now), 1'738'332'005'123);
  EXPECT_EQ(parse_time("1738332005", now), 1'738'332'005'000);
  EXPECT_EQ(parse_time("1738332005123", now), 1'738'332'005'123);
  EXPECT_EQ(parse_time("1738332005123456", now), 1'738'332'005'123);
  EXPECT_EQ(parse_time("1738332005123456789", now), 1'738'332'005'123);
}

TEST(Time, HalfATimeIsRefused) {
  for (const char* text :
       {"", "garbage", "2025", "2025-02-30", "2025-01-31T", "2025-01-31T25:00", "2025-01-31T14", "2025-01-31T14:00:05.",
        "2025-01-31T14:00Zx", "2025-01-31T14:00+1", "123456", "-15", "1 hour ago"}) {
    EXPECT_FALSE(parse_time(text, TimeContext(0))) << text;
  }
}

TEST(Time, ZoneOfTheContextCountsWhereTheTextNamesNone) {
  const TimeContext east(1'738'332'005'123, [](std::int64_t) { return 3600; });
  EXPECT_EQ(parse_time("2025-01-31 15:00", east), 1'738'332'000'000);
  EXPECT_EQ(parse_time("2025-01-31T14:00Z", east), 1'738'332'000'000);
  EXPECT_EQ(parse_time("today", east), 1'738'281'600'000 - 3'600'000);
}

using Kind = Position::Kind;

TEST(Positions, EverySpelling) {
  EXPECT_EQ(parse_position("start", 0), (Position{Kind::start, 0}));
  EXPECT_EQ(parse_position("end-10", 0), (Position{Kind::end, 10}));
  EXPECT_EQ(parse_position("start+3", 0), (Position{Kind::start, 3}));
  EXPECT_EQ(parse_position("committed", 0), (Position{Kind::committed, 0}));
  EXPECT_EQ(parse_position("42", 0), (Position{Kind::offset, 42}));
  EXPECT_EQ(parse_position("@1738332005", 0), (Position{Kind::time, 1'738'332'005'000}));
}

TEST(Times, WhatIsBefore1970IsItsBeginning) {
  EXPECT_EQ(parse_time("1969-12-31T23:59:59.999Z", 0), 0);  // -1 would be the end of a partition
  EXPECT_EQ(parse_position("@-1h", 5), (Position{Kind::time, 0}));
}

TEST(Positions, KcatSpellings) {
  EXPECT_EQ(parse_position("beginning", 0), (Position{Kind::start, 0}));
  EXPECT_EQ(parse_position("stored", 0), (Position{Kind::committed, 0}));
  EXPECT_EQ(parse_position("-10", 0), (Position{Kind::end, 10}));
  EXPECT_EQ(parse_range("s@1234", 0)->first, (Position{Kind::time, 1234}));
  EXPECT_EQ(parse_range("e@1234", 0)->last, (Position{Kind::time, 1234}));
}

TEST(Positions, RangesAreHalfOpenAndMayLackAnEnd) {
  EXPECT_EQ(parse_range("5..10", 0), (PositionRange{Position{Kind::offset, 5}, Position{Kind::offset, 10}}));
  EXPECT_EQ(parse_range("end-10..", 0), (PositionRange{Position{Kind::end, 10}, std::nullopt}));
  EXPECT_EQ(parse_range("..@2025-01-31", 0)->last, (Position{Kind::time, 1'738'281'600'000}));
}

TEST(Positions, ListNamesPartitions) {
  const auto list = parse_position_list("0=100..200,3-5,7=end-10..,start", 0);
  ASSERT_TRUE(list);
  ASSERT_EQ(list->size(), 3u);
  EXPECT_EQ((*list)[0].partitions, std::vector<std::int32_t>{0});
  EXPECT_EQ((*list)[1].partitions, (std::vector<std::int32_t>{3, 4, 5, 7}));
  EXPECT_EQ((*list)[1].range.first, (Position{Kind::end, 10}));
  EXPECT_TRUE((*list)[2].partitions.empty());
}

TEST(Positions, WhatKcatTookForAnythingIsRefused) {
  for (const char* text : {"", "garbage", "-1h", "s@2025-01-01", "5...10", "..", "1..2..3", "end+1",
                           "99999999999999999999", "0=", "=5", "1-0=5"}) {
    EXPECT_FALSE(parse_position_list(text, 0)) << text;
  }
}

TEST(Positions, ErrorPointsAtThePart) {
  const auto list = parse_position_list("0=start..,1=oops", 0);
  ASSERT_FALSE(list);
  EXPECT_EQ(list.error().at, 12u);
  EXPECT_EQ(list.error().size, 4u);
}

TEST(Partitions, SortedOnceAndBounded) {
  EXPECT_EQ(parse_partitions("5,1-3,2"), (std::vector<std::int32_t>{1, 2, 3, 5}));
  for (const char* text : {"", "1,", "a", "3-1", "0-99999999", "-1", "1-"})
    EXPECT_FALSE(parse_partitions(text)) << text;
}

TEST(Underline, LongTextIsCutRoundThePart) {
  const std::string text = std::string(500, 'a') + "BAD" + std::string(500, 'b');
  const std::string shown = underline("x", text, {.at = 500, .size = 3, .why = "no"});
  EXPECT_LT(shown.size(), 250u);
  EXPECT_NE(shown.find("BAD"), std::string::npos);
  EXPECT_NE(shown.find("^~~"), std::string::npos);
}

}  // namespace
}  // namespace mq::cli
