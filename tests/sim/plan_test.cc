#include "sim/life/plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "seeds.h"

namespace mq::sim {
namespace {

TEST(Plan, IsTheSameFromOneSeedAndAnotherFromAnother) {
  std::set<std::string> all;
  for (const std::uint64_t seed : seeds(50)) {
    EXPECT_EQ(to_string(draw_plan(seed, 1)), to_string(draw_plan(seed, 1)));
    all.insert(to_string(draw_plan(seed, 1)));
  }
  EXPECT_EQ(all.size(), seeds(50).size());
}

TEST(Plan, DrawsEveryKindOfFault) {
  std::set<Fault> drawn;
  for (const std::uint64_t seed : seeds(200))
    for (const PlannedFault& event : draw_plan(seed, 1).events) drawn.insert(event.what);
  EXPECT_EQ(drawn.size(), static_cast<std::size_t>(kFaults));
}

TEST(Plan, ThatIsCutLeavesTheRestAsItWas) {
  const Plan whole = draw_plan(7, 1);
  ASSERT_GT(whole.events.size(), 3U);
  const Fault first = whole.events.front().what;
  const Plan without_fault = cut(whole, {.without_faults = {first}, .without_events = {}, .without_clients = {}});
  EXPECT_FALSE(std::ranges::any_of(without_fault.events, [&](const auto& event) { return event.what == first; }));
  for (const PlannedFault& left : without_fault.events)
    EXPECT_TRUE(std::ranges::any_of(whole.events, [&](const auto& event) {
      return event.at == left.at && event.what == left.what && event.seed == left.seed;
    }));

  const Plan without_parts = cut(whole, {.without_faults = {}, .without_events = {0, 2}, .without_clients = {1}});
  EXPECT_EQ(without_parts.events.size(), whole.events.size() - 2);
  EXPECT_EQ(without_parts.events.front().seed, whole.events[1].seed);
  EXPECT_EQ(without_parts.clients.size(), whole.clients.size() - 1);
}

TEST(Plan, NamesItsFaultsByWords) {
  for (int number = 0; number < kFaults; ++number) {
    const auto fault = static_cast<Fault>(number);
    EXPECT_EQ(parse_fault(to_string(fault)), fault);
  }
  const auto unknown = parse_fault("flood");
  ASSERT_FALSE(unknown);
  EXPECT_NE(unknown.error().message.find("kill"), std::string::npos) << unknown.error().message;
}

}  // namespace
}  // namespace mq::sim
