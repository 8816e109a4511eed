#include "statelog/pending_appends.h"

#include <gtest/gtest.h>

#include <string>

namespace mq::statelog {
namespace {

using Pending = PendingAppends<std::string>;

/// The names of what has ended by now, each with its error.
std::vector<std::pair<std::string, ErrorCode>> take(Pending& pending) {
  std::vector<std::pair<std::string, ErrorCode>> all;
  while (auto ended = pending.next_ended()) all.emplace_back(std::move(ended->then), ended->error);
  return all;
}

using Names = std::vector<std::pair<std::string, ErrorCode>>;

TEST(PendingAppends, NewsThatCameTooEarlyWaitForThoseOfTheAppendsBefore) {
  Pending pending;
  const AppendToken a = pending.add("a");
  const AppendToken b = pending.add("b");
  const AppendToken c = pending.add("c");
  pending.end(c, ErrorCode::kNone);
  EXPECT_EQ(take(pending), Names{});
  pending.end(a, ErrorCode::kNotEnoughReplicas);
  EXPECT_EQ(take(pending), (Names{{"a", ErrorCode::kNotEnoughReplicas}}));
  pending.end(b, ErrorCode::kNone);
  EXPECT_EQ(take(pending), (Names{{"b", ErrorCode::kNone}, {"c", ErrorCode::kNone}}));
  EXPECT_EQ(pending.size(), 0u);
}

TEST(PendingAppends, TokensGrowByOneAlsoWhenAllHaveEnded) {
  Pending pending;
  const AppendToken a = pending.add("a");
  pending.end(a, ErrorCode::kNone);
  EXPECT_EQ(take(pending).size(), 1u);
  EXPECT_EQ(pending.add("b").value(), a.value() + 1);
  EXPECT_EQ(pending.add("c").value(), a.value() + 2);
}

TEST(PendingAppends, WhatIsBegunWhileOthersEndComesBehindThem) {
  Pending pending;
  const AppendToken a = pending.add("a");
  const AppendToken b = pending.add("b");
  pending.end(a, ErrorCode::kNone);
  EXPECT_EQ(pending.next_ended()->then, "a");
  const AppendToken c = pending.add("c");
  EXPECT_FALSE(pending.next_ended());
  pending.end(c, ErrorCode::kNone);
  pending.end(b, ErrorCode::kNone);
  EXPECT_EQ(take(pending), (Names{{"b", ErrorCode::kNone}, {"c", ErrorCode::kNone}}));
}

TEST(PendingAppends, WhoGivesUpGetsAllInLogOrderAlsoThoseWhoseEndIsKnown) {
  Pending pending;
  const AppendToken a = pending.add("a");
  const AppendToken b = pending.add("b");
  pending.end(b, ErrorCode::kNone);
  EXPECT_EQ(pending.give_up(), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(pending.size(), 0u);
  EXPECT_EQ(b.value(), a.value() + 1);
  EXPECT_EQ(pending.add("c").value(), b.value() + 1);
}

}  // namespace
}  // namespace mq::statelog
