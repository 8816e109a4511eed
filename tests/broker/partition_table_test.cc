// Which partitions live on a shard.

#include "broker/partition_table.h"

#include <algorithm>

#include "shard_fixture.h"

namespace mq::broker {
namespace {

using testing::IdleHost;
using Names = std::vector<std::string>;

class Table : public testing::ShardTest {
 public:
  void SetUp() override {
    start();
    host_ = &machine_->make<IdleHost>();
    table_ = &machine_->make<PartitionTable>();
  }

  /// Puts a partition of a topic of one letter, and returns it.
  Partition* put(const std::string& topic, std::int32_t index) {
    auto partition = make_partition(*host_, topic, {}, index);
    Partition* const added = partition.get();
    table_->put(std::move(partition));
    return added;
  }
  [[nodiscard]] static Uuid id_of(char topic) {
    Uuid id;
    id.bytes[0] = static_cast<std::uint8_t>(topic);
    return id;
  }
  [[nodiscard]] static Names names_of(const PartitionTable::Topic& partitions) {
    Names names;
    for (const auto& partition : partitions) names.push_back(partition->name().to_string());
    return names;
  }
  /// In the order in which they come.
  [[nodiscard]] Names names_of_topic(char topic) const {
    Names names;
    table_->for_each_of(id_of(topic), [&](const Partition& of) { names.push_back(of.name().to_string()); });
    return names;
  }
  [[nodiscard]] Names all_names() const {
    Names names;
    table_->for_each([&](const Partition& partition) { names.push_back(partition.name().to_string()); });
    std::ranges::sort(names);
    return names;
  }
  [[nodiscard]] std::string topics() const {
    std::string letters;
    table_->for_each_topic([&](const Uuid& id) { letters += static_cast<char>(id.bytes[0]); });
    std::ranges::sort(letters);
    return letters;
  }

  IdleHost* host_ = nullptr;
  PartitionTable* table_ = nullptr;
};

TEST_F(Table, HasNothingInTheBeginning) {
  EXPECT_EQ(table_->find(id_of('a'), 0), nullptr);
  EXPECT_TRUE(table_->take(id_of('a')).empty());
  EXPECT_EQ(all_names(), Names{});
  EXPECT_EQ(names_of_topic('a'), Names{});
  EXPECT_EQ(topics(), "");
  EXPECT_FALSE(table_->are_logs_lent());
}

TEST_F(Table, FindsAPartitionByItsTopicAndIndex) {
  Partition* const first = put("a", 0);
  Partition* const third = put("a", 2);
  Partition* const other = put("b", 0);
  EXPECT_EQ(table_->find(id_of('a'), 0), first);
  EXPECT_EQ(table_->find(id_of('a'), 2), third);
  EXPECT_EQ(table_->find(id_of('b'), 0), other);
}

TEST_F(Table, FindsNothingWhereAnotherShardHasIt) {
  put("a", 2);
  put("b", 7);
  for (const std::int32_t index : {-1, 0, 1, 3, 7, 2'000'000'000})
    EXPECT_EQ(table_->find(id_of('a'), index), nullptr) << index;
  EXPECT_EQ(table_->find(id_of('c'), 2), nullptr);
}

TEST_F(Table, PartitionsOfATopicComeByTheirIndexInWhateverOrderTheyWerePut) {
  for (const std::int32_t index : {5, 0, 12, 1}) put("a", index);
  put("b", 3);
  EXPECT_EQ(names_of_topic('a'), (Names{"a-0", "a-1", "a-5", "a-12"}));
  EXPECT_EQ(names_of_topic('b'), Names{"b-3"});
}

TEST_F(Table, EveryTopicAndEveryPartitionComesOnce) {
  Names all;
  for (const char topic : std::string("abcdefgh"))
    for (const std::int32_t index : {1, 4}) {
      put({topic}, index);
      all.push_back(std::string{topic} + "-" + std::to_string(index));
    }
  EXPECT_EQ(all_names(), all);
  EXPECT_EQ(topics(), "abcdefgh");
}

TEST_F(Table, ATopicIsTakenWithAllThatIsHereAndNothingElse) {
  for (const std::int32_t index : {4, 1}) put("a", index);
  put("b", 1);
  EXPECT_EQ(names_of(table_->take(id_of('a'))), (Names{"a-1", "a-4"})) << "none for the partitions of other shards";
  EXPECT_EQ(table_->find(id_of('a'), 1), nullptr);
  EXPECT_EQ(topics(), "b");
  EXPECT_EQ(all_names(), Names{"b-1"});
  EXPECT_TRUE(table_->take(id_of('a')).empty()) << "it is taken once";
}

TEST_F(Table, ATopicThatWasTakenComesAnewWithNothingOfBefore) {
  put("a", 0);
  put("a", 3);
  (void)table_->take(id_of('a'));
  Partition* const again = put("a", 1);
  EXPECT_EQ(table_->find(id_of('a'), 1), again);
  EXPECT_EQ(table_->find(id_of('a'), 0), nullptr);
  EXPECT_EQ(table_->find(id_of('a'), 3), nullptr);
  EXPECT_EQ(names_of_topic('a'), Names{"a-1"});
}

TEST_F(Table, KeepsWhatItHasAndNothingThatWasTaken) {
  const std::weak_ptr<Partition> kept = put("a", 0)->weak_from_this();
  EXPECT_FALSE(kept.expired());
  auto taken = table_->take(id_of('a'));
  EXPECT_FALSE(kept.expired()) << "who takes it has it";
  taken.clear();
  EXPECT_TRUE(kept.expired());
}

TEST_F(Table, WhoHoldsAPartitionHasItAlsoWhenItsTopicIsTakenAndRetired) {
  const auto held = put("a", 0)->shared_from_this();
  for (const auto& partition : table_->take(id_of('a'))) partition->retire();
  EXPECT_EQ(held.use_count(), 1) << "nobody else has it";
  EXPECT_TRUE(held->is_retired());
  EXPECT_EQ(held->name().to_string(), "a-0");
  Partition* const next = put("a", 1);
  EXPECT_EQ(table_->find(id_of('a'), 0), nullptr) << "it does not come back";
  EXPECT_FALSE(next->is_retired());
}

TEST_F(Table, WhatIsFoundStaysWhereItIsWhenOthersCome) {
  Partition* const first = put("a", 0);
  for (const char topic : std::string("bcdefghijklmnopqrstuvwxyz")) put({topic}, 0);
  put("a", 500);
  EXPECT_EQ(table_->find(id_of('a'), 0), first);
  EXPECT_EQ(first->name().to_string(), "a-0");
}

TEST_F(Table, APartitionIsPutOnce) {
  put("a", 0);
  const auto again = table_->find(id_of('a'), 0)->shared_from_this();
  EXPECT_DEATH(table_->put(again), "nullptr");
}

TEST_F(Table, SaysWhileItsLogsAreLent) {
  table_->lend_logs(true);
  EXPECT_TRUE(table_->are_logs_lent());
  table_->lend_logs(false);
  EXPECT_FALSE(table_->are_logs_lent());
}

}  // namespace
}  // namespace mq::broker
