#include "assignment/assignor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

namespace mq::assignment {
namespace {

AssignedMember member(std::string id, std::vector<std::string> topics, std::vector<TopicPartition> owned = {},
                      std::int32_t generation = -1) {
  return {.id = std::move(id), .topics = std::move(topics), .owned = std::move(owned), .generation = generation};
}

std::vector<TopicPartition> partitions(const std::string& topic, std::vector<std::int32_t> indexes) {
  std::vector<TopicPartition> list;
  for (const std::int32_t index : indexes) list.push_back({topic, index});
  return list;
}

TEST(RangeAssignor, EachTopicIsCutIntoRunsAndTheFirstMembersGetTheRest) {
  const auto assigned = assign(Assignor::range, {member("b", {"t", "u"}), member("a", {"t"})}, {{"t", 3}, {"u", 2}});
  EXPECT_EQ(assigned.at("a"), partitions("t", {0, 1}));
  EXPECT_EQ(assigned.at("b"), (std::vector<TopicPartition>{{"t", 2}, {"u", 0}, {"u", 1}}));
}

TEST(RangeAssignor, AMemberWithoutAShareHasAnEmptyEntry) {
  const auto assigned = assign(Assignor::range, {member("a", {"t"}), member("b", {"t"})}, {{"t", 1}});
  EXPECT_TRUE(assigned.at("b").empty());
}

TEST(RoundRobinAssignor, PartitionsOfAllTopicsAreDealtOut) {
  const auto assigned =
      assign(Assignor::round_robin, {member("a", {"t", "u"}), member("b", {"t", "u"})}, {{"t", 3}, {"u", 3}});
  EXPECT_EQ(assigned.at("a"), (std::vector<TopicPartition>{{"t", 0}, {"t", 2}, {"u", 1}}));
  EXPECT_EQ(assigned.at("b"), (std::vector<TopicPartition>{{"t", 1}, {"u", 0}, {"u", 2}}));
}

TEST(RoundRobinAssignor, ATopicThatDoesNotExistIsLeftOut) {
  const auto assigned = assign(Assignor::round_robin, {member("a", {"nowhere"})}, {{"t", 3}});
  EXPECT_TRUE(assigned.at("a").empty());
}

TEST(CooperativeStickyAssignor, ANewMemberGetsItsShareOnlyAfterTheOwnerGaveItUp) {
  const auto first = assign(Assignor::cooperative_sticky,
                            {member("a", {"t"}, partitions("t", {0, 1, 2, 3}), 1), member("b", {"t"})}, {{"t", 4}});
  EXPECT_EQ(first.at("a").size(), 2u);
  EXPECT_TRUE(first.at("b").empty());
  const auto second = assign(Assignor::cooperative_sticky,
                             {member("a", {"t"}, first.at("a"), 2), member("b", {"t"}, {}, 2)}, {{"t", 4}});
  EXPECT_EQ(second.at("a"), first.at("a"));
  EXPECT_EQ(second.at("b").size(), 2u);
}

TEST(CooperativeStickyAssignor, WhatADepartedMemberHadIsGivenOutAtOnceAndNothingElseMoves) {
  const auto assigned = assign(
      Assignor::cooperative_sticky,
      {member("a", {"t"}, partitions("t", {0, 1}), 1), member("b", {"t"}, partitions("t", {2, 3}), 1)}, {{"t", 6}});
  EXPECT_TRUE(std::ranges::includes(assigned.at("a"), partitions("t", {0, 1})));
  EXPECT_TRUE(std::ranges::includes(assigned.at("b"), partitions("t", {2, 3})));
  EXPECT_EQ(assigned.at("a").size(), 3u);
  EXPECT_EQ(assigned.at("b").size(), 3u);
}

TEST(CooperativeStickyAssignor, AnOlderGenerationsClaimIsIgnored) {
  const auto assigned = assign(
      Assignor::cooperative_sticky,
      {member("a", {"t"}, partitions("t", {0}), 5), member("zombie", {"t"}, partitions("t", {0, 1}), 3)}, {{"t", 2}});
  EXPECT_EQ(assigned.at("a"), partitions("t", {0}));
  EXPECT_EQ(assigned.at("zombie"), partitions("t", {1}));
}

TEST(CooperativeStickyAssignor, APartitionThatTwoClaimInOneGenerationWaitsForBothToGiveItUp) {
  const auto assigned =
      assign(Assignor::cooperative_sticky,
             {member("a", {"t"}, partitions("t", {0}), 5), member("b", {"t"}, partitions("t", {0}), 5)}, {{"t", 1}});
  EXPECT_TRUE(assigned.at("a").empty());
  EXPECT_TRUE(assigned.at("b").empty());
}

/// Groups that change at random must end, after a few rounds, with every wanted partition read by exactly one.
TEST(CooperativeStickyAssignor, RandomGroupsSettleWithoutEverHavingTwoOwners) {
  for (unsigned seed = 1; seed <= 200; ++seed) {
    std::mt19937 random(seed);
    const std::map<std::string, std::int32_t> counts{
        {"t", static_cast<std::int32_t>(random() % 20 + 1)}, {"u", 7}, {"v", 1}};
    std::vector<AssignedMember> members;
    for (std::int32_t round = 1; round <= 12; ++round) {
      if (round <= 6 && (members.size() < 2 || random() % 2)) {
        AssignedMember joined = member("m" + std::to_string(random() % 100000), {});
        for (const auto& [topic, count] : counts)
          if (random() % 3 || topic == "u") joined.topics.push_back(topic);
        members.push_back(joined);
      } else if (round <= 6) {
        members.erase(members.begin() + static_cast<std::ptrdiff_t>(random() % members.size()));
      }
      const Assignment assigned = assign(Assignor::cooperative_sticky, members, counts);
      std::set<TopicPartition> taken;
      for (AssignedMember& each : members) {
        for (const TopicPartition& partition : assigned.at(each.id)) {
          ASSERT_TRUE(taken.insert(partition).second) << "seed " << seed;
          ASSERT_NE(std::ranges::find(each.topics, partition.topic), each.topics.end());
          for (const AssignedMember& other : members)
            ASSERT_TRUE(other.id == each.id || std::ranges::find(other.owned, partition) == other.owned.end())
                << "seed " << seed;
        }
      }
      for (AssignedMember& each : members) {
        each.owned = assigned.at(each.id);
        each.generation = round;
      }
      if (round < 12) continue;
      for (const auto& [topic, count] : counts) {
        const bool is_wanted = std::ranges::any_of(members, [&](const AssignedMember& each) {
          return std::ranges::find(each.topics, topic) != each.topics.end();
        });
        for (std::int32_t p = 0; is_wanted && p < count; ++p)
          EXPECT_TRUE(taken.contains({topic, p})) << "seed " << seed;
      }
    }
  }
}

TEST(CooperativeStickyAssignor, EqualSubscriptionsEndWithinOneOfEachOther) {
  std::vector<AssignedMember> members;
  for (int m = 0; m < 7; ++m) members.push_back(member("m" + std::to_string(m), {"t"}));
  members[0].owned = partitions("t", {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19});
  for (std::int32_t round = 1; round <= 3; ++round) {
    const Assignment assigned = assign(Assignor::cooperative_sticky, members, {{"t", 20}});
    for (AssignedMember& each : members) {
      each.owned = assigned.at(each.id);
      each.generation = round;
    }
  }
  for (const AssignedMember& each : members) {
    EXPECT_GE(each.owned.size(), 2u);
    EXPECT_LE(each.owned.size(), 3u);
  }
}

}  // namespace
}  // namespace mq::assignment
