#include "cli/units.h"

#include <gtest/gtest.h>

#include "cli/position.h"
#include "cli/value_error.h"
#include "cli/zones.h"

namespace mq::cli {
namespace {

const FixedZone kUtc;
const TimeContext kBegin{.now = 0, .zone = kUtc};

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
  const TimeContext now{.now = 1'738'332'005'123, .zone = kUtc};  // 2025-01-31T14:00:05.123Z
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
    EXPECT_FALSE(parse_time(text, kBegin)) << text;
  }
}

using Kind = Position::Kind;

TEST(Positions, EverySpelling) {
  EXPECT_EQ(parse_position("start", kBegin), (Position{Kind::start, 0}));
  EXPECT_EQ(parse_position("end-10", kBegin), (Position{Kind::end, 10}));
  EXPECT_EQ(parse_position("start+3", kBegin), (Position{Kind::start, 3}));
  EXPECT_EQ(parse_position("committed", kBegin), (Position{Kind::committed, 0}));
  EXPECT_EQ(parse_position("42", kBegin), (Position{Kind::offset, 42}));
  EXPECT_EQ(parse_position("@1738332005", kBegin), (Position{Kind::time, 1'738'332'005'000}));
}

TEST(Times, WhatIsBefore1970IsItsBeginning) {
  EXPECT_EQ(parse_time("1969-12-31T23:59:59.999Z", kBegin), 0);  // -1 would be the end of a partition
  EXPECT_EQ(parse_position("@-1h", {.now = 5, .zone = kUtc}), (Position{Kind::time, 0}));
}

TEST(Positions, KcatSpellings) {
  EXPECT_EQ(parse_position("beginning", kBegin), (Position{Kind::start, 0}));
  EXPECT_EQ(parse_position("stored", kBegin), (Position{Kind::committed, 0}));
  EXPECT_EQ(parse_position("-10", kBegin), (Position{Kind::end, 10}));
  EXPECT_EQ(parse_range("s@1234", kBegin)->first, (Position{Kind::time, 1234}));
  EXPECT_EQ(parse_range("e@1234", kBegin)->last, (Position{Kind::time, 1234}));
}

TEST(Positions, RangesAreHalfOpenAndMayLackAnEnd) {
  EXPECT_EQ(parse_range("5..10", kBegin), (PositionRange{Position{Kind::offset, 5}, Position{Kind::offset, 10}}));
  EXPECT_EQ(parse_range("end-10..", kBegin), (PositionRange{Position{Kind::end, 10}, std::nullopt}));
  EXPECT_EQ(parse_range("..@2025-01-31", kBegin)->last, (Position{Kind::time, 1'738'281'600'000}));
}

TEST(Positions, ListNamesPartitions) {
  const auto list = parse_position_list("0=100..200,3-5,7=end-10..,start", kBegin);
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
    EXPECT_FALSE(parse_position_list(text, kBegin)) << text;
  }
}

TEST(Positions, ARangeThatEndsBeforeItBeginsIsRefused) {
  for (const char* text : {"5..2", "1=5..2", "start+3..start+2", "end-2..end-3", "end..end-1", "start+1..start",
                           "@2025-02-01..@2025-01-31", "@-1h..@-2h", "0=1..2,1=2..1"}) {
    EXPECT_FALSE(parse_position_list(text, {.now = 1'738'332'005'123, .zone = kUtc})) << text;
  }
  const auto range = parse_range("5..2", kBegin);
  ASSERT_FALSE(range);
  EXPECT_EQ(range.error().why, "the range ends before it begins; 2..5 is meant?");
  // Nothing lies in these, or it depends on the log.
  for (const char* text : {"5..5", "@-1h..@-1h", "end..end", "start..start", "5..end-1", "end-1..5", "start+9..end-9",
                           "5..@2025-01-31", "@-2h..@-1h"}) {
    EXPECT_TRUE(parse_range(text, kBegin)) << text;
  }
}

TEST(Positions, BlanksRoundTheElementsOfAListDoNotCount) {
  const auto list = parse_position_list(" 0=1..2, 1, 3-5 =end-10.. ,@2025-01-31 14:00", kBegin);
  ASSERT_TRUE(list) << list.error().why;
  ASSERT_EQ(list->size(), 3u);
  EXPECT_EQ((*list)[1].partitions, (std::vector<std::int32_t>{1, 3, 4, 5}));
  EXPECT_EQ((*list)[2].range.first, (Position{Kind::time, 1'738'332'000'000}));
  EXPECT_EQ(parse_partitions("0, 3-5"), (std::vector<std::int32_t>{0, 3, 4, 5}));
  for (const char* text : {" ", "1, ", "1 2", "1 = 2 .. 3"}) EXPECT_FALSE(parse_position_list(text, kBegin)) << text;
}

TEST(Positions, ALongListTakesTimeInProportion) {
  std::string text;
  for (int i = 0; i < 200'000; ++i) text += "7,";
  text += "end";
  EXPECT_EQ(parse_position_list(text, kBegin)->size(), 200'001u);
}

TEST(Positions, AreResolvedWithinTheLogAndNumbersAsTheyAre) {
  const Extent log{.start = Offset{100}, .end = Offset{200}, .committed = Offset{150}, .at_time = Offset{170}};
  EXPECT_EQ(resolve({Kind::start, 0}, log), Offset{100});
  EXPECT_EQ(resolve({Kind::start, 500}, log), Offset{200});
  EXPECT_EQ(resolve({Kind::end, 10}, log), Offset{190});
  EXPECT_EQ(resolve({Kind::end, 500}, log), Offset{100});
  EXPECT_EQ(resolve({Kind::offset, 5}, log), Offset{5});
  EXPECT_EQ(resolve({Kind::offset, 999}, log), Offset{999});
  EXPECT_EQ(resolve({Kind::committed, 0}, log), Offset{150});
  EXPECT_EQ(resolve({Kind::time, 1}, log), Offset{170});
  const Extent unknown{.start = Offset{100}, .end = Offset{200}, .committed = {}, .at_time = {}};
  EXPECT_EQ(resolve({Kind::committed, 0}, unknown), Offset{100});
  EXPECT_EQ(resolve({Kind::time, 1}, unknown), Offset{200});
}

TEST(Positions, ErrorPointsAtThePart) {
  const auto list = parse_position_list("0=start..,1=oops", kBegin);
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
