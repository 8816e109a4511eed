#include "statelog/wakes.h"

#include <gtest/gtest.h>

#include <list>

namespace mq::statelog {
namespace {

struct Thing {
  std::string name;
  Wakes::Wake wake;
};

class WakesTest : public testing::Test {
 protected:
  void wake_by(Thing& thing, Duration when) { wakes.wake_by(thing.wake, thing.name, Instant{when}); }
  std::vector<std::string> due(Duration now) { return wakes.take_due(Instant{now}); }

  Wakes wakes;
  Thing a{"a", {}};
  Thing b{"b", {}};
};

using Due = std::vector<std::string>;

TEST_F(WakesTest, EverybodyIsDueAtItsTimeAndTheEarliestComesFirst) {
  wake_by(a, 3s);
  wake_by(b, 2s);
  EXPECT_EQ(wakes.next(), Instant{2s});
  EXPECT_EQ(due(1s), Due{});
  EXPECT_EQ(due(3s), (Due{"b", "a"}));
  EXPECT_EQ(wakes.next(), Instant::never());
  EXPECT_EQ(due(1h), Due{}) << "who was looked at asks anew";
}

TEST_F(WakesTest, AnEarlierTimeStaysAndALaterOneIsNotTaken) {
  wake_by(a, 3s);
  wake_by(a, 5s);
  EXPECT_EQ(a.wake.at(), Instant{3s});
  wake_by(a, 1s);
  EXPECT_EQ(wakes.next(), Instant{1s});
  EXPECT_EQ(wakes.size(), 1u);
  EXPECT_EQ(due(5s), Due{"a"});
}

TEST_F(WakesTest, NeverIsNoTime) {
  wakes.wake_by(a.wake, a.name, Instant::never());
  EXPECT_EQ(wakes.size(), 0u);
}

TEST_F(WakesTest, WhoIsForgottenIsNotDueAndMayComeAgain) {
  wake_by(a, 1s);
  wake_by(b, 1s);
  wakes.forget(a.wake, a.name);
  wakes.forget(a.wake, a.name);
  EXPECT_EQ(due(2s), Due{"b"});
  wake_by(a, 3s);
  EXPECT_EQ(due(3s), Due{"a"});
}

}  // namespace
}  // namespace mq::statelog
