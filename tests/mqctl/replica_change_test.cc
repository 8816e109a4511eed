#include "mqctl/replica_change.h"

#include <gtest/gtest.h>

#include <string_view>
#include <vector>

#include "broker_ids.h"

namespace mq::mqctl {
namespace {

TEST(ReplicaChange, AListIsWhereThePartitionIsToBe) {
  const auto change = parse_replica_change("3,1,2");
  ASSERT_TRUE(change);
  EXPECT_EQ(change->of(ids({4})), ids({3, 1, 2}));
}

TEST(ReplicaChange, AnExchangeKeepsTheOthersAndTheirOrder) {
  EXPECT_EQ(parse_replica_change("2>4")->of(ids({1, 2, 3})), ids({1, 4, 3}));
  EXPECT_EQ(parse_replica_change("2>4,3>5")->of(ids({1, 2, 3})), ids({1, 4, 5}));
  EXPECT_EQ(parse_replica_change("2>3")->of(ids({1, 2, 3})), ids({1, 3})) << "broker 3 has it already";
  EXPECT_EQ(parse_replica_change("7>4")->of(ids({1, 2, 3})), std::nullopt) << "it does not concern broker 7";
}

TEST(ReplicaChange, NonsenseIsRefused) {
  for (const std::string_view text : {"", ",", "1,", "1,1", "x", "-1", "1>", ">2", "2>2", "1,2>3", "1;2", "1>2>3"})
    EXPECT_FALSE(parse_replica_change(text)) << text;
}

}  // namespace
}  // namespace mq::mqctl
