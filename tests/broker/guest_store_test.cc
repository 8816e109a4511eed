// A broker whose metadata is kept elsewhere: nothing of it stands in the data directory.

#include <gtest/gtest.h>

#include <memory>

#include "broker_fixture.h"
#include "sim/machine/model_metadata.h"

namespace mq::broker {
namespace {

awaitable<Result<std::unique_ptr<meta::MetadataStore>>> connect(sim::ModelMetadata& model, meta::StoreOpening opening) {
  co_return model.connect(*opening.home);
}

class GuestStore : public testing::BrokerTest {
 protected:
  meta::StoreSource store_source() override {
    return {.name = "the model", .open = [this](meta::StoreOpening opening) {
              if (!model_) model_ = std::make_unique<sim::ModelMetadata>(machine_->clock());
              return connect(*model_, std::move(opening));
            }};
  }
  std::unique_ptr<sim::ModelMetadata> model_;
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
  world_->run(*machine_, node_->stop(), 1min);
  machine_->kill();
  machine_->start();
  model_ = nullptr;
  const auto started = try_start_node();
  ASSERT_FALSE(started);
  EXPECT_NE(started.error().message.find("gone back in time"), std::string::npos) << started.error().message;
}

}  // namespace
}  // namespace mq::broker
