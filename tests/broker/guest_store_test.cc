// A broker whose metadata is kept elsewhere: nothing of it stands in the data directory.

#include <gtest/gtest.h>

#include "broker_fixture.h"

namespace mq::broker {
namespace {

class GuestStore : public testing::BrokerTest {
 protected:
  [[nodiscard]] sim::Store store() const override { return sim::Store::model; }
};

TEST_F(GuestStore, ABrokerLivesOnWhateverStoreItIsGiven) {
  start();
  EXPECT_FALSE(machine_->files().exists("/var/lib/mq/metadata.db").value());
  create_topic("t", 3);
  restart();
  EXPECT_EQ(node_->first_shard().image()->find_topic(std::string_view("t"))->partition_count(), 3);
  EXPECT_EQ(log_end("t", 2), 0);
}

TEST_F(GuestStore, OneThatKnowsNothingOfTheDirectoryIsNotTakenForANewOne) {
  start();
  create_topic("t", 1);
  broker_->stop();
  cluster_->forget_metadata();
  const auto started = try_start_node();
  ASSERT_FALSE(started);
  EXPECT_NE(started.error().message.find("gone back in time"), std::string::npos) << started.error().message;
}

}  // namespace
}  // namespace mq::broker
