// A failed write is final; a failed read is not.

#include "broker/disk_health.h"

#include "shard_fixture.h"

namespace mq::broker {
namespace {

class Health : public testing::ShardTest {};

TEST_F(Health, TheFirstFailureTakesTheDirectoryOfflineAndIsToldOnce) {
  start();
  EXPECT_FALSE(node_->disk_health.is_offline());
  node_->disk_health.disk_failed({Errc::disk_failed, "the first"});
  node_->disk_health.disk_failed({Errc::disk_failed, "the second"});
  EXPECT_TRUE(node_->disk_health.is_offline());
  EXPECT_EQ(times_offline_, 1);
  EXPECT_TRUE(logged("/data is offline: the first"));
  EXPECT_FALSE(logged("the second"));
}

TEST_F(Health, AFailedReadIsCountedAndTakesNothingOffline) {
  start();
  node_->disk_health.read_failed({Errc::read_failed, "here"});
  node_->disk_health.read_failed({Errc::read_failed, "there"});
  EXPECT_EQ(node_->disk_health.failed_reads().count, 2U);
  EXPECT_EQ(node_->disk_health.failed_reads().last, "there");
  EXPECT_FALSE(node_->disk_health.is_offline());
  EXPECT_EQ(times_offline_, 0);
}

}  // namespace
}  // namespace mq::broker
