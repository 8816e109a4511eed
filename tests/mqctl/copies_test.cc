#include "mqctl/copies.h"

#include <gtest/gtest.h>

#include <vector>

namespace mq::mqctl {
namespace {

using Kind = Difference::Kind;

void fill(Copies& copies, std::size_t copy, const std::vector<LogItem>& items, std::int64_t end) {
  for (const LogItem& item : items) copies.add(copy, item);
  copies.read_to(copy, Offset{end});
}

LogItem item(std::int64_t first, std::int64_t next, std::uint32_t digest) {
  return {.first = Offset{first}, .next = Offset{next}, .digest = digest};
}

Difference found(Kind kind, std::int64_t first, std::int64_t next) {
  return {.copy = 1, .kind = kind, .first = Offset{first}, .next = Offset{next}};
}

TEST(Copies, EqualOnesDoNotDifferHoweverTheyAreRead) {
  Copies copies(2, false);
  fill(copies, 0, {item(0, 5, 1), item(5, 9, 2)}, 9);
  fill(copies, 1, {item(0, 5, 1)}, 5);
  EXPECT_EQ(copies.common_end(), Offset{5});
  EXPECT_TRUE(copies.compare().empty());
  fill(copies, 1, {item(5, 9, 2), item(9, 10, 3)}, 10);
  EXPECT_TRUE(copies.compare().empty()) << "what only one was read for waits";
  fill(copies, 0, {item(9, 10, 3)}, 10);
  EXPECT_TRUE(copies.compare().empty());
}

TEST(Copies, EachKindOfDifferenceIsFoundAndNeighboursAreOne) {
  Copies copies(2, false);
  fill(copies, 0, {item(0, 1, 1), item(1, 2, 2), item(2, 3, 3), item(5, 6, 5), item(6, 8, 6), item(8, 9, 8)}, 9);
  fill(copies, 1, {item(0, 1, 9), item(1, 2, 9), item(2, 3, 3), item(3, 4, 4), item(5, 6, 5), item(6, 7, 6)}, 9);
  EXPECT_EQ(copies.compare(), (std::vector{found(Kind::differs, 0, 2), found(Kind::has_more, 3, 4),
                                           found(Kind::differs, 6, 8), found(Kind::lacks, 8, 9)}));
}

TEST(Copies, WhatCompactionTookAwayInOnePlaceIsNoDifference) {
  Copies copies(2, true);
  fill(copies, 0, {item(1, 2, 2), item(2, 3, 3)}, 4);
  fill(copies, 1, {item(0, 1, 1), item(2, 3, 7), item(3, 4, 4)}, 4);
  EXPECT_EQ(copies.compare(), std::vector{found(Kind::differs, 2, 3)});
}

TEST(Copies, OneThatIsGivenUpHoldsNobodyUp) {
  Copies copies(3, false);
  copies.give_up(1);
  fill(copies, 0, {item(0, 1, 1)}, 1);
  fill(copies, 2, {item(0, 1, 2)}, 1);
  EXPECT_EQ(copies.common_end(), Offset{1});
  const auto differences = copies.compare();
  ASSERT_EQ(differences.size(), 1U);
  EXPECT_EQ(differences.front().copy, 2U);
}

TEST(Copies, WithoutTheLeadersTheOthersAreCompared) {
  Copies copies(3, false);
  fill(copies, 1, {item(0, 1, 1)}, 1);
  fill(copies, 2, {item(0, 1, 2)}, 1);
  copies.give_up(0);
  const auto differences = copies.compare();
  ASSERT_EQ(differences.size(), 1U);
  EXPECT_EQ(differences.front().copy, 2U);
  EXPECT_EQ(differences.front().other, 1U);
}

}  // namespace
}  // namespace mq::mqctl
