// What only a store with several users can show, on the model.

#include <gtest/gtest.h>

#include <string>

#include "env/task_group.h"
#include "sim/machine/model_metadata.h"
#include "sim/machine/world.h"

namespace mq::meta {
namespace {

class ModelStoreTest : public ::testing::Test {
 protected:
  Result<Revision> put(MetadataStore& store, std::string key, Stay stay = Stay::for_good) {
    Transaction transaction;
    transaction.ops.push_back(Op::put(std::move(key), "1", stay));
    return world_.run(node_, store.transact(std::move(transaction)));
  }
  bool is_there(std::string key) { return world_.run(node_, other_->get(std::move(key))).value().has_value(); }
  Instant now() { return node_.shard(0).now(); }

  sim::World world_{1};
  sim::Machine& node_ = world_.add_machine("a");
  sim::ModelMetadata model_{node_.clock()};
  std::unique_ptr<MetadataStore> store_ = model_.connect(node_.shard(0));
  std::unique_ptr<MetadataStore> other_ = model_.connect(node_.shard(0));
};

TEST_F(ModelStoreTest, SilentSessionEndsAndAWaiterHearsOfIt) {
  ASSERT_TRUE(world_.run(node_, store_->begin_session(3s)));
  ASSERT_TRUE(put(*store_, "alive/1", Stay::leased));
  const Revision seen = *put(*store_, "brokers/1");
  store_.reset();  // its process has died
  const Instant began = now();
  const auto heard = world_.run(node_, other_->wait_for_change(seen, began + 1min));
  ASSERT_TRUE(heard);
  EXPECT_LT(now() - began, 3100ms);
  const auto changes = world_.run(node_, other_->changes(seen)).value();
  ASSERT_TRUE(changes);
  ASSERT_EQ(changes->entries.size(), 1u);
  EXPECT_TRUE(changes->entries[0].is_erased);
  EXPECT_EQ(changes->entries[0].entry.key, "alive/1");
  EXPECT_TRUE(is_there("brokers/1"));
}

TEST_F(ModelStoreTest, RenewedSessionLastsAndOneThatWasSilentTooLongIsLost) {
  ASSERT_TRUE(world_.run(node_, store_->begin_session(3s)));
  ASSERT_TRUE(put(*store_, "alive/1", Stay::leased));
  for (int i = 0; i < 5; ++i) {
    world_.run_for(2s);
    ASSERT_TRUE(world_.run(node_, store_->renew_session()));
  }
  EXPECT_TRUE(is_there("alive/1"));
  world_.run_for(4s);
  EXPECT_FALSE(is_there("alive/1"));
  EXPECT_EQ(world_.run(node_, store_->renew_session()).error().code, Errc::conflict);
  EXPECT_EQ(put(*store_, "alive/1", Stay::leased).error().code, Errc::conflict);
}

TEST_F(ModelStoreTest, KeyThatAnotherPutGoesWithTheSessionOfTheOther) {
  ASSERT_TRUE(world_.run(node_, store_->begin_session(10s)));
  ASSERT_TRUE(world_.run(node_, other_->begin_session(10s)));
  ASSERT_TRUE(put(*store_, "a", Stay::leased));
  ASSERT_TRUE(put(*other_, "a", Stay::leased));
  ASSERT_TRUE(world_.run(node_, store_->end_session()));
  EXPECT_TRUE(is_there("a"));
  ASSERT_TRUE(world_.run(node_, other_->end_session()));
  EXPECT_FALSE(is_there("a"));
}

TEST_F(ModelStoreTest, EveryoneHearsWhatOneChanges) {
  const Revision seen = *put(*store_, "a");
  ASSERT_TRUE(put(*store_, "b"));
  EXPECT_EQ(world_.run(node_, other_->wait_for_change(seen, now() + 1s)), Revision{2});
  EXPECT_EQ(world_.run(node_, other_->changes(seen)).value()->entries.at(0).entry.key, "b");
}

}  // namespace
}  // namespace mq::meta
