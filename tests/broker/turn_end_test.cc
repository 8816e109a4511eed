// What is put off to the end of a turn of the event loop.

#include "broker/turn_end.h"

#include <gtest/gtest.h>

#include "shard_fixture.h"

namespace mq::broker {
namespace {

class Ending final : public EndsTurn {
 public:
  explicit Ending(std::function<void()> end) : end_(std::move(end)) {}
  void end_turn() override { end_(); }

 private:
  std::function<void()> end_;
};

class EndOfTurn : public testing::ShardTest {
 public:
  void SetUp() override { start(); }
  std::shared_ptr<Ending> noting(std::string name) {
    return std::make_shared<Ending>([this, name] { order_.push_back(name); });
  }
  std::vector<std::string> order_;
};

TEST_F(EndOfTurn, PartitionsComeBeforeConnectionsInTheirOrderAndAfterAllThatCameInTheTurn) {
  on_shard([&] {
    TurnEnd& end = shard_->turn_end;
    end.add_connection(noting("connection"));
    end.add_partition(noting("first"));
    end.add_partition(noting("second"));
    EXPECT_TRUE(order_.empty());
  });
  world_.run_for(1ms);
  EXPECT_EQ(order_, (std::vector<std::string>{"first", "second", "connection"}));
  shard_->turn_end.check_invariants();
}

TEST_F(EndOfTurn, WhatAPartitionSettlesLeavesInTheSameTurnAndAllElseInTheNext) {
  on_shard([&] {
    TurnEnd& end = shard_->turn_end;
    end.add_partition(std::make_shared<Ending>([this, &end] {
      order_.emplace_back("partition");
      end.add_connection(noting("settled"));
      end.add_partition(noting("again"));
    }));
    end.add_connection(std::make_shared<Ending>([this, &end] {
      order_.emplace_back("connection");
      end.add_connection(noting("later"));
    }));
  });
  world_.run_for(1ms);
  EXPECT_EQ(order_, (std::vector<std::string>{"partition", "connection", "settled", "again", "later"}));
  shard_->turn_end.check_invariants();
}

}  // namespace
}  // namespace mq::broker
