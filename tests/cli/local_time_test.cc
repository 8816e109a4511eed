// Times of clocks that are not UTC's: every test names its zone, so that what machine it runs on does not matter.

#include "cli/local_time.h"

#include <gtest/gtest.h>

#include "cli/units.h"
#include "cli/zones.h"

namespace mq::cli {
namespace {

using namespace std::chrono_literals;

constexpr const char* kBerlin = "CET-1CEST,M3.5.0,M10.5.0/3";
constexpr const char* kSantiago = "<-04>4<-03>,M9.1.6/24,M4.1.6/24";
constexpr const char* kIndia = "IST-5:30";

const FixedZone kUtc;

WallMillis utc(std::string_view text) {
  const auto time = parse_time(text, {.now = 0, .zone = kUtc});
  EXPECT_TRUE(time) << text;
  return time.value_or(-1);
}

/// What `text` means to clocks of `zone`.
WallMillis at(const env::TimeZone& zone, std::string_view text, WallMillis now = 0) {
  const auto time = parse_time(text, {.now = now, .zone = zone});
  EXPECT_TRUE(time) << text << ": " << time.error().why;
  return time.value_or(-1);
}

TEST(LocalTime, TimeWithoutAZoneIsOfTheClocksHere) {
  const ZoneOfVariable berlin(kBerlin);
  EXPECT_EQ(at(berlin, "2026-01-31 14:00"), utc("2026-01-31T13:00Z"));
  EXPECT_EQ(at(berlin, "2026-07-31 14:00:05.250"), utc("2026-07-31T12:00:05.250Z"));
  EXPECT_EQ(at(berlin, "2026-07-31"), utc("2026-07-30T22:00Z"));
  EXPECT_EQ(at(berlin, "2026-07-31T14:00Z"), utc("2026-07-31T14:00Z"));
  EXPECT_EQ(at(berlin, "2026-07-31T14:00-03:30"), utc("2026-07-31T17:30Z"));
  EXPECT_EQ(at(berlin, "1785499205"), 1'785'499'205'000);
}

TEST(LocalTime, ZonesOfHalfHoursAndTheFarthestOnes) {
  {
    const ZoneOfVariable india(kIndia);
    EXPECT_EQ(at(india, "2026-01-31 14:00"), utc("2026-01-31T08:30Z"));
  }
  {
    const ZoneOfVariable behind("AAA24:59:59");
    EXPECT_EQ(at(behind, "2026-01-31 14:00"), utc("2026-02-01T14:59:59Z"));
  }
  const ZoneOfVariable ahead("AAA-24:59:59");
  EXPECT_EQ(at(ahead, "2026-01-31 14:00"), utc("2026-01-30T13:00:01Z"));
}

TEST(LocalTime, TimeThatClocksShowTwiceIsTheFirst) {
  const ZoneOfVariable berlin(kBerlin);  // 2026-10-25: from 03:00 back to 02:00
  EXPECT_EQ(at(berlin, "2026-10-25 01:59:59.999"), utc("2026-10-24T23:59:59.999Z"));
  EXPECT_EQ(at(berlin, "2026-10-25 02:00"), utc("2026-10-25T00:00Z"));
  EXPECT_EQ(at(berlin, "2026-10-25 02:59:59.999"), utc("2026-10-25T00:59:59.999Z"));
  EXPECT_EQ(at(berlin, "2026-10-25 03:00"), utc("2026-10-25T02:00Z"));
}

TEST(LocalTime, TimeThatClocksLeaveOutIsWhenTheyDo) {
  const ZoneOfVariable berlin(kBerlin);  // 2026-03-29: from 02:00 on to 03:00
  EXPECT_EQ(at(berlin, "2026-03-29 01:59:59.999"), utc("2026-03-29T00:59:59.999Z"));
  for (const char* text : {"2026-03-29 02:00", "2026-03-29 02:30:00.5", "2026-03-29 02:59:59.999", "2026-03-29 03:00"})
    EXPECT_EQ(at(berlin, text), utc("2026-03-29T01:00Z")) << text;
  EXPECT_EQ(at(berlin, "2026-03-29 03:00:00.001"), utc("2026-03-29T01:00:00.001Z"));
}

TEST(LocalTime, LaterTimeIsNeverAnEarlierMoment) {
  for (const char* rule :
       {kBerlin, kSantiago, kIndia, "LHST-10:30LHDT-11,M10.1.0,M4.1.0", "AAA12BBB-12,M3.5.0,M10.5.0"}) {
    const ZoneOfVariable zone(rule);
    const LocalMillis first{std::chrono::local_days{2026y / 1 / 1}};
    UtcMillis before{};
    for (LocalMillis local = first; local < first + std::chrono::days{366}; local += 37min) {
      const UtcMillis moment = first_moment_of(local, zone).value();
      ASSERT_GE(moment, before) << rule << ", " << local.time_since_epoch().count();
      ASSERT_GE(local_time_at(moment, zone).value(), local) << rule;
      ASSERT_LT(local_time_at(moment - 1ms, zone).value(), local) << rule;
      before = moment;
    }
  }
}

TEST(LocalTime, TodayBeginsWithTheDayOfTheClocksHere) {
  const ZoneOfVariable india(kIndia);
  const WallMillis early = utc("2026-01-30T19:00Z");  // 00:30 there
  EXPECT_EQ(at(india, "today", early), utc("2026-01-30T18:30Z"));
  EXPECT_EQ(at(india, "yesterday", early), utc("2026-01-29T18:30Z"));
}

TEST(LocalTime, TodayInTheHourBeforeClocksChangeAtMidnight) {
  const ZoneOfVariable santiago(kSantiago);
  const WallMillis spring = utc("2026-09-06T03:30Z");  // 2026-09-05 23:30; 24:00 is 01:00 of the next day
  EXPECT_EQ(at(santiago, "today", spring), utc("2026-09-05T04:00Z"));
  EXPECT_EQ(at(santiago, "yesterday", spring), utc("2026-09-04T04:00Z"));
  const WallMillis autumn = utc("2026-04-05T03:30Z");  // 2026-04-04 23:30 for the second time
  EXPECT_EQ(at(santiago, "today", autumn), utc("2026-04-04T03:00Z"));
  EXPECT_EQ(at(santiago, "today", autumn - 3'600'000), utc("2026-04-04T03:00Z"));
}

TEST(LocalTime, DayWhoseMidnightIsLeftOutBeginsBehindIt) {
  const ZoneOfVariable santiago(kSantiago);
  EXPECT_EQ(at(santiago, "2026-09-06"), utc("2026-09-06T04:00Z"));
  EXPECT_EQ(at(santiago, "today", utc("2026-09-06T15:00Z")), utc("2026-09-06T04:00Z"));
  EXPECT_EQ(at(santiago, "yesterday", utc("2026-09-07T15:00Z")), utc("2026-09-06T04:00Z"));
  EXPECT_EQ(at(santiago, "2026-04-05"), utc("2026-04-05T04:00Z"));
}

TEST(LocalTime, DurationsDoNotCareForClocks) {
  const ZoneOfVariable berlin(kBerlin);
  EXPECT_EQ(at(berlin, "-1d", utc("2026-03-29T12:00Z")), utc("2026-03-28T12:00Z"));
}

TEST(LocalTime, Before1970IsItsBeginningInEveryZone) {
  const ZoneOfVariable india(kIndia);
  EXPECT_EQ(at(india, "1970-01-01 05:30"), 0);
  EXPECT_EQ(at(india, "1970-01-01 05:30:00.001"), 1);
  EXPECT_EQ(at(india, "1970-01-01"), 0);
  EXPECT_EQ(at(india, "0000-01-01"), 0);
  EXPECT_EQ(at(india, "9999-12-31 23:59"), utc("9999-12-31T18:29Z"));
}

TEST(LocalTime, WithoutTheZoneOnlyTimesThatNeedItAreRefused) {
  const ZoneOfVariable nowhere("Nowhere/Land");
  for (const char* text : {"2026-01-31", "2026-01-31 14:00", "today", "yesterday"}) {
    const auto time = parse_time(text, {.now = 0, .zone = nowhere});
    ASSERT_FALSE(time) << text;
    EXPECT_NE(time.error().why.find("TZ=Nowhere/Land: there is no such time zone here"), std::string::npos);
    EXPECT_NE(time.error().why.find("Z or +HH:MM"), std::string::npos);
  }
  for (const char* text : {"2026-01-31T14:00Z", "2026-01-31T14:00+01:00", "-1h", "now", "1785499205"})
    EXPECT_TRUE(parse_time(text, {.now = 0, .zone = nowhere})) << text;
}

}  // namespace
}  // namespace mq::cli
