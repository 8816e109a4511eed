#include "mqctl/lag.h"

#include <gtest/gtest.h>

namespace mq::mqctl {
namespace {

TEST(Lag, WithinTheLogIsWhatIsLeftToRead) {
  EXPECT_EQ(lag_of(Offset{100}, Offset{0}, Offset{1000}), (Lag{.records = 900, .lost = 0, .time = {}}));
  EXPECT_EQ(lag_of(Offset{1000}, Offset{0}, Offset{1000}), (Lag{.records = 0, .lost = 0, .time = 0s}));
}

TEST(Lag, BelowTheStartIsWhatIsStillThereAndWhatWasLostIsToldApart) {
  EXPECT_EQ(lag_of(Offset{100}, Offset{400}, Offset{1000}), (Lag{.records = 600, .lost = 300, .time = {}}));
  EXPECT_EQ(lag_of(Offset{100}, Offset{1000}, Offset{1000}), (Lag{.records = 0, .lost = 900, .time = 0s}));
}

TEST(Lag, BeyondTheEndIsNegative) {
  const Lag beyond = lag_of(Offset{5000}, Offset{0}, Offset{1000});
  EXPECT_EQ(beyond, (Lag{.records = -4000, .lost = 0, .time = {}}));
  EXPECT_TRUE(beyond.is_beyond_end());
  EXPECT_EQ(lag_of(Offset{1}, Offset{0}, Offset{0}).records, -1);
}

TEST(Lag, AgeOfARecordWithoutATimeIsNotKnown) {
  EXPECT_EQ(age_of(4000, 5000), 1s);
  EXPECT_EQ(age_of(6000, 5000), 0s);  // a clock ahead of ours
  EXPECT_EQ(age_of(0, 5000), 5s);
  EXPECT_EQ(age_of(-1, 5000), std::nullopt);
}

TEST(LagLimit, CountsRecordsOrTime) {
  const Lag lag{.records = 10, .lost = 7, .time = 60s};
  EXPECT_FALSE(LagLimit{}.is_passed_by(lag));
  EXPECT_TRUE((LagLimit{.records = 9, .time = {}}.is_passed_by(lag)));
  EXPECT_FALSE((LagLimit{.records = 10, .time = {}}.is_passed_by(lag)));
  EXPECT_TRUE((LagLimit{.records = {}, .time = 59s}.is_passed_by(lag)));
  EXPECT_FALSE((LagLimit{.records = {}, .time = 60s}.is_passed_by(lag)));
}

TEST(LagLimit, NothingLeftToReadIsWithinAnyLimitWhateverWasLost) {
  const Lag lag = lag_of(Offset{100}, Offset{1000}, Offset{1000});
  EXPECT_FALSE((LagLimit{.records = 0, .time = {}}.is_passed_by(lag)));
  EXPECT_FALSE((LagLimit{.records = {}, .time = 0s}.is_passed_by(lag)));
}

TEST(LagLimit, BeyondTheEndPassesEveryLimit) {
  const Lag lag = lag_of(Offset{5000}, Offset{0}, Offset{1000});
  EXPECT_FALSE(LagLimit{}.is_passed_by(lag));
  EXPECT_TRUE((LagLimit{.records = 1'000'000, .time = {}}.is_passed_by(lag)));
  EXPECT_TRUE((LagLimit{.records = {}, .time = 1h}.is_passed_by(lag)));
  EXPECT_FALSE((LagLimit{.records = {}, .time = 1h}.cannot_judge(lag)));
}

TEST(LagLimit, TimeThatIsNotKnownCannotBeJudged) {
  const Lag lag{.records = 10, .lost = 0, .time = {}};
  EXPECT_FALSE((LagLimit{.records = {}, .time = 1s}.is_passed_by(lag)));
  EXPECT_TRUE((LagLimit{.records = {}, .time = 1s}.cannot_judge(lag)));
  EXPECT_FALSE((LagLimit{.records = 5, .time = {}}.cannot_judge(lag)));
}

}  // namespace
}  // namespace mq::mqctl
