// The loop over owners: where items are worked on, in which order, and how long it takes.

#include "broker/on_owners.h"

#include "services_fixture.h"

namespace mq::broker {
namespace {

class OnOwners : public testing::ServicesTest {
 public:
  /// One item for each partition of "t", and one for a partition that is not there.
  [[nodiscard]] std::vector<Addressed> items() const {
    static constexpr Needs kToRead{.topic = AclOperation::read};
    const Call call = this->call(kToRead);
    const TopicResolver topics(call, image_);
    const FoundTopic found = topics.by_name("t");
    std::vector<Addressed> items(9);
    for (std::size_t i = 0; i < items.size(); ++i) address(items[i], topics, found, static_cast<std::int32_t>(i));
    return items;
  }
};

constexpr auto kEveryItem = [](const Addressed&) { return true; };

TEST_F(OnOwners, ItemsAreGroupedByOwnerInTheOrderOfTheRequest) {
  const auto items = this->items();
  const auto parts = parts_of(items, kEveryItem);
  ASSERT_EQ(parts.size(), static_cast<std::size_t>(kShards));
  std::size_t count = 0;
  for (const OwnersPart& part : parts) {
    EXPECT_TRUE(std::ranges::is_sorted(part.items));
    for (const std::size_t index : part.items) EXPECT_EQ(items[index].owner, part.owner);
    count += part.items.size();
  }
  EXPECT_EQ(count, 8u) << "what has no owner is in no part";
  EXPECT_EQ(items.back().error, ErrorCode::kUnknownTopicOrPartition);
}

TEST_F(OnOwners, OnlyWhatIsWantedIsInAPart) {
  const auto items = this->items();
  const auto parts = parts_of(items, [](const Addressed& item) { return item.partition == 5; });
  ASSERT_EQ(parts.size(), 1u);
  EXPECT_EQ(parts.front().items, std::vector<std::size_t>{5});
}

TEST_F(OnOwners, EachPartRunsOnItsOwnersShardAndTheCallerGoesOnOnItsOwn) {
  run([](OnOwners& test) -> awaitable<void> {
    int ran = 0;
    co_await on_owners(test.home(), parts_of(test.items(), kEveryItem),
                       [&ran](const OwnersPart& part) -> awaitable<void> {
                         EXPECT_TRUE(part.owner->shard().is_current());
                         ++ran;
                         co_return;
                       });
    EXPECT_EQ(ran, kShards);
    EXPECT_TRUE(test.home().shard().is_current());
  }(*this));
}

TEST_F(OnOwners, ShardsWorkAtTheSameTime) {
  const Instant begun = world_.now();
  run([](OnOwners& test) -> awaitable<void> {
    co_await on_owners(test.home(), parts_of(test.items(), kEveryItem), [](const OwnersPart& part) -> awaitable<void> {
      co_await part.owner->shard().sleep_until(part.owner->shard().now() + 1s);
    });
  }(*this));
  EXPECT_GE(world_.now() - begun, 1s);
  EXPECT_LT(world_.now() - begun, 2s);
}

TEST_F(OnOwners, OneOwnerAndNoOwnerNeedNoOthers) {
  run([](OnOwners& test) -> awaitable<void> {
    co_await on_owners(test.home(), {}, [](const OwnersPart&) -> awaitable<void> {
      ADD_FAILURE() << "there is no part";
      co_return;
    });
    int ran = 0;
    auto parts = parts_of(test.items(), [](const Addressed& item) { return item.partition == 1; });
    co_await on_owners(test.home(), std::move(parts), [&ran](const OwnersPart&) -> awaitable<void> {
      ++ran;
      co_return;
    });
    EXPECT_EQ(ran, 1);
  }(*this));
}

TEST_F(OnOwners, APartitionThatIsGoneIsNotLedHere) {
  auto items = this->items();
  run([](OnOwners& test, std::vector<Addressed>& of) -> awaitable<void> {
    co_await on_each_partition(test.home(), of, [](Partition&, Addressed&) -> awaitable<void> {
      ADD_FAILURE() << "no shard has a partition";
      co_return;
    });
  }(*this, items));
  for (int i = 0; i < 8; ++i) EXPECT_EQ(items[static_cast<std::size_t>(i)].error, ErrorCode::kNotLeaderOrFollower);
  EXPECT_EQ(items.back().error, ErrorCode::kUnknownTopicOrPartition) << "it keeps the error that it had";
}

TEST_F(OnOwners, WhatIsNamedTwiceIsRefusedOnce) {
  auto items = this->items();
  items.push_back(items[3]);
  refuse_excess(home(), items);
  EXPECT_EQ(items.back().error, ErrorCode::kInvalidRequest);
  EXPECT_EQ(items.back().owner, nullptr);
  EXPECT_EQ(items[3].error, ErrorCode::kNone);
  EXPECT_EQ(items[8].error, ErrorCode::kUnknownTopicOrPartition) << "what is not there is not named twice";
}

TEST_F(OnOwners, TooMuchIsRefusedAltogether) {
  NodeConfig config = config_;
  config.partitions_per_request_max = 8;
  node().context().configs.set(config);
  auto items = this->items();
  refuse_excess(home(), items);
  for (const Addressed& item : items) {
    EXPECT_EQ(item.error, ErrorCode::kInvalidRequest);
    EXPECT_EQ(item.owner, nullptr);
  }
}

}  // namespace
}  // namespace mq::broker
