// Whole lives, a few of them: mq_sim draws more. See docs/testing.md.

#include "sim/life/life.h"

#include <gtest/gtest.h>

#include "seeds.h"

namespace mq::sim {
namespace {

TEST(Life, KeepsItsPromisesAndIsTheSameTwice) {
  std::size_t kept = 0;
  for (const std::uint64_t seed : seeds(4)) {
    SCOPED_TRACE(seed);
    const Plan plan = draw_plan(seed, 1);
    const LifeReport first = live(plan);
    const LifeReport second = live(plan);
    EXPECT_EQ(first.hash, second.hash);
    EXPECT_EQ(first.history, second.history);
    EXPECT_NE(first.answer, LifeReport::Answer::broken) << first.text;
    kept += first.answer == LifeReport::Answer::kept ? 1U : 0U;
  }
  EXPECT_GT(kept, 0U) << "too little happened in all of them";
}

TEST(Life, WithoutFaultsKeepsEverything) {
  Plan plan = draw_plan(1, 1);
  plan.events.clear();
  const LifeReport report = live(plan);
  EXPECT_EQ(report.answer, LifeReport::Answer::kept) << report.text;
}

}  // namespace
}  // namespace mq::sim
