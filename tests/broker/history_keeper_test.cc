#include "broker/history_keeper.h"

#include <gtest/gtest.h>

#include "meta/metadata_store.h"

namespace mq::broker {
namespace {

using cluster::Revision;

/// What is to be forgotten while one is looked at each 20 s, and so many changes come in a minute.
struct Watched {
  HistoryKeeper keeper;
  Instant now{};
  std::int64_t newest = 1;

  std::optional<Revision> pass(Duration time, std::int64_t changes_a_minute) {
    std::optional<Revision> last;
    for (const Instant end = now + time; now < end; now = now + 20s) {
      newest += changes_a_minute / 3;
      if (const auto due = keeper.due(now, Revision{newest})) last = due;
    }
    return last;
  }
};

TEST(HistoryKeeper, KeepsTenMinutes) {
  Watched busy;
  EXPECT_FALSE(busy.pass(meta::kChangesKept, 30'000));
  const auto forgotten = busy.pass(2min, 30'000);
  ASSERT_TRUE(forgotten);
  EXPECT_GE(busy.newest - forgotten->value(), 300'000);
  EXPECT_LE(busy.newest - forgotten->value(), 400'000);
}

TEST(HistoryKeeper, KeepsTenThousandChanges) {
  Watched idle;
  EXPECT_FALSE(idle.pass(60min, 150));
  const auto forgotten = idle.pass(60min, 150);
  ASSERT_TRUE(forgotten);
  EXPECT_GE(idle.newest - forgotten->value(), meta::kChangesKeptMax);
}

TEST(HistoryKeeper, AsksOnlyWhereItIsWorthIt) {
  Watched some;
  (void)some.pass(3h, 300);
  int asked = 0;
  for (int minute = 0; minute < 60; ++minute) asked += some.pass(1min, 300) ? 1 : 0;
  EXPECT_GE(asked, 10);
  EXPECT_LE(asked, 20);
}

TEST(HistoryKeeper, StoreThatWentBackCountsAnew) {
  Watched watched;
  (void)watched.pass(20min, 30'000);
  watched.newest = 1000;
  EXPECT_FALSE(watched.pass(meta::kChangesKept, 30'000));
  EXPECT_TRUE(watched.pass(2min, 30'000));
}

}  // namespace
}  // namespace mq::broker
