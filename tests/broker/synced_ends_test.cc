// The file of synced ends is written by itself, soon after a log was synced.

#include "broker_fixture.h"

namespace mq::broker {
namespace {

/// A pool after whose jobs something may happen, before anybody hears that they are done.
class PoolWithMishaps final : public env::Pool {
 public:
  explicit PoolWithMishaps(env::Pool& pool) : pool_(pool) {}
  void submit(std::move_only_function<void()> job) override {
    pool_.submit([this, job = std::move(job)]() mutable {
      job();
      if (after) after();
    });
  }
  std::function<void()> after;

 private:
  env::Pool& pool_;
};

class SyncedEnds : public testing::BrokerTest {
 public:
  env::Pool& disk_pool() override {
    pool_ = &machine_->make<PoolWithMishaps>(machine_->pool());
    return *pool_;
  }
  void note(std::int64_t end) {
    node_->log_dir().note_synced(partition("t", 0).topic_id(), PartitionId{0}, Offset{end});
    node_->context().synced_ends.note();
  }
  PoolWithMishaps* pool_ = nullptr;
};

TEST_F(SyncedEnds, WhatIsNotedWhileTheyAreWrittenIsWrittenAsWell) {
  start();
  create_topic("t", 1);
  world_->run_for(1s);
  std::int64_t end = 0;
  // The first job writes, the next makes that durable, the third finds nothing to do.
  for (int job = 1; job <= 3; ++job) {
    int left = job;
    pool_->after = [&] {
      if (--left == 0) note(++end);
    };
    note(++end);
    world_->run_for(1s);
    pool_->after = nullptr;
    EXPECT_LE(left, 0) << "job " << job;
    EXPECT_FALSE(node_->log_dir().write_synced_ends().value()) << "after job " << job << " something was left";
  }
}

}  // namespace
}  // namespace mq::broker
