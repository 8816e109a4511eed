#include "broker/metadata_writer.h"

#include <deque>
#include <functional>
#include <optional>

#include "broker/data_directory.h"
#include "cluster/keys.h"
#include "cluster/values.h"
#include "controller/cluster_plans.h"
#include "keeper_fixture.h"

namespace mq::broker {
namespace {

using cluster::ClusterImage;
using controller::Plan;

/// Passes calls on to another store; the next transactions meet what was arranged for them.
class StoreWithTroubles final : public meta::MetadataStore {
 public:
  /// Given the transaction and the store. Nothing: it is passed on as if nothing had been arranged.
  using Trouble =
      std::function<awaitable<std::optional<Result<meta::Revision>>>(meta::Transaction, meta::MetadataStore&)>;

  explicit StoreWithTroubles(std::unique_ptr<meta::MetadataStore> store) : store_(std::move(store)) {}

  awaitable<Result<std::optional<meta::KeyValue>>> get(std::string key) override { return store_->get(std::move(key)); }
  awaitable<Result<std::optional<meta::Listing>>> list(std::string prefix,
                                                       std::optional<meta::NextPage> page) override {
    ++lists;
    return store_->list(std::move(prefix), std::move(page));
  }
  awaitable<Result<std::optional<meta::Changes>>> changes(meta::Revision since) override {
    ++asked_for_changes;
    if (has_forgotten) co_return std::nullopt;
    co_return co_await store_->changes(since);
  }
  awaitable<Result<meta::Revision>> transact(meta::Transaction transaction) override {
    sent.push_back(transaction);
    if (troubles.empty()) co_return co_await store_->transact(std::move(transaction));
    const Trouble trouble = std::move(troubles.front());
    troubles.pop_front();
    auto outcome = co_await trouble(transaction, *store_);
    if (outcome) co_return *std::move(outcome);
    co_return co_await store_->transact(std::move(transaction));
  }
  awaitable<Result<meta::Revision>> wait_for_change(meta::Revision seen, Instant deadline) override {
    return store_->wait_for_change(seen, deadline);
  }
  awaitable<Result<Duration>> begin_session(Duration ttl) override { return store_->begin_session(ttl); }
  awaitable<Result<void>> renew_session() override { return store_->renew_session(); }
  awaitable<Result<void>> end_session() override { return store_->end_session(); }
  awaitable<Result<void>> close() override { return store_->close(); }

  std::deque<Trouble> troubles;
  std::vector<meta::Transaction> sent;
  bool has_forgotten = false;  ///< what changed
  int lists = 0;
  int asked_for_changes = 0;

 private:
  std::unique_ptr<meta::MetadataStore> store_;
};

using Outcome = std::optional<Result<meta::Revision>>;

class MetadataWriterTest : public testing::NodeParts {
 public:
  MetadataWriterTest() : clock_(world_.scheduler()), model_(clock_) {
    EXPECT_TRUE(open_directory());
    auto store = std::make_unique<StoreWithTroubles>(model_.connect(machine_.shard(0)));
    store_ = store.get();
    other_ = &machine_.make<std::unique_ptr<meta::MetadataStore>>(model_.connect(machine_.shard(0)));
    writer_ = &machine_.make<MetadataWriter>(*node_, *shards_);
    writer_->use(std::move(store));
    EXPECT_TRUE(run(writer_->begin({})));
    writer_->remember_revisions();
    EXPECT_TRUE(change(
        [](const ClusterImage& image) -> Result<Plan> { return controller::plan_cluster(image, Uuid{.bytes = {1}}); }));
    store_->sent.clear();
    store_->lists = 0;
  }
  ~MetadataWriterTest() override { machine_.kill(); }

  using Make = std::function<Result<Plan>(const ClusterImage&)>;
  Result<void> change(Make make) {
    return run([](MetadataWriter* writer, Make plan) -> awaitable<Result<void>> {
      co_return co_await writer->change(plan);
    }(writer_, std::move(make)));
  }
  /// Takes so many producer ids, and counts how often it was planned.
  Result<void> take_ids(std::int64_t count) {
    planned_ = 0;
    return change([this, count](const ClusterImage& image) { return plan_ids(image, count); });
  }
  Result<Plan> plan_ids(const ClusterImage& image, std::int64_t count) {
    ++planned_;
    MQ_TRY(auto block, controller::plan_producer_ids(image, count));
    return std::move(block.plan);
  }
  [[nodiscard]] std::int64_t ids() const { return writer_->image()->producer_ids().next; }

  /// What somebody else does just before the next transaction.
  void before_the_next(cluster::Op op) {
    store_->troubles.push_back([op](meta::Transaction, meta::MetadataStore& store) -> awaitable<Outcome> {
      EXPECT_TRUE(co_await store.transact(of(op)));
      co_return std::nullopt;
    });
  }
  /// The next transaction takes effect, or does not, and nobody is told.
  void leave_open(bool takes_effect, Errc error = Errc::timed_out) {
    store_->troubles.push_back(
        [takes_effect, error](meta::Transaction sent, meta::MetadataStore& store) -> awaitable<Outcome> {
          if (takes_effect) EXPECT_TRUE(co_await store.transact(std::move(sent)));
          co_return fail(error, "no answer");
        });
  }
  static meta::Transaction of(cluster::Op op) {
    meta::Transaction transaction;
    transaction.ops.push_back(std::move(op));
    return transaction;
  }
  void expect_image_is_that_of_a_listing() {
    const auto listing = run(meta::list_all(**other_, "")).value();
    EXPECT_EQ(*writer_->image(), ClusterImage::of_listing(listing.entries, listing.revision).value());
    EXPECT_EQ(writer_->image()->revision(), listing.revision);
  }

  sim::Clock clock_;
  sim::ModelMetadata model_;
  StoreWithTroubles* store_ = nullptr;
  std::unique_ptr<meta::MetadataStore>* other_ = nullptr;  ///< somebody else's way to the same store
  MetadataWriter* writer_ = nullptr;
  int planned_ = 0;
};

TEST_F(MetadataWriterTest, AChangeIsFollowedWithoutAskingTheStore) {
  ASSERT_TRUE(take_ids(5));
  EXPECT_EQ(ids(), 5);
  EXPECT_EQ(store_->lists + store_->asked_for_changes, 0);
  EXPECT_TRUE(shards_->images.empty()) << "only when it is installed";
  (void)run([](MetadataWriter* writer) -> awaitable<bool> {
    co_await writer->install();
    co_return true;
  }(writer_));
  EXPECT_EQ(shards_->images.back(), writer_->image());
  expect_image_is_that_of_a_listing();
}

TEST_F(MetadataWriterTest, AfterAConflictWhatOthersChangedIsReadAndThePlanIsMadeAnew) {
  before_the_next(cluster::put_producer_ids(100));
  ASSERT_TRUE(take_ids(5));
  EXPECT_EQ(planned_, 2);
  EXPECT_EQ(ids(), 105);
  EXPECT_EQ(store_->lists, 0) << "changes are enough";
  EXPECT_NE(store_->sent[0].write_id, store_->sent[1].write_id);
  expect_image_is_that_of_a_listing();
}

TEST_F(MetadataWriterTest, WhatOthersChangedBesideItComesIntoTheImageToo) {
  before_the_next(cluster::put_broker_config(BrokerId{4}, {{"a", "b"}}));
  ASSERT_TRUE(take_ids(5));
  EXPECT_EQ(planned_, 1);
  EXPECT_EQ(writer_->image()->broker_config(BrokerId{4}).at("a"), "b");
  expect_image_is_that_of_a_listing();
}

TEST_F(MetadataWriterTest, ChangesThatTheStoreHasForgottenAreReadFromAListing) {
  store_->has_forgotten = true;
  before_the_next(cluster::put_producer_ids(100));
  ASSERT_TRUE(take_ids(5));
  EXPECT_EQ(ids(), 105);
  EXPECT_GT(store_->lists, 0);
  expect_image_is_that_of_a_listing();
}

TEST_F(MetadataWriterTest, OthersThatWinAgainAndAgainEndIt) {
  for (int i = 1; i <= 20; ++i) before_the_next(cluster::put_producer_ids(100 * i));
  EXPECT_EQ(take_ids(5).error().code, Errc::conflict);
  EXPECT_EQ(planned_, 10);
  expect_image_is_that_of_a_listing();
}

TEST_F(MetadataWriterTest, WhatTookEffectWithoutAnAnswerIsFoundByItsWriteIdAndNotDoneTwice) {
  for (const Errc error : {Errc::timed_out, Errc::unreachable}) {
    const std::int64_t before = ids();
    leave_open(true, error);
    ASSERT_TRUE(take_ids(5));
    EXPECT_EQ(ids(), before + 5);
    EXPECT_EQ(planned_, 1);
  }
  EXPECT_EQ(store_->sent.size(), 2U);
  expect_image_is_that_of_a_listing();
}

TEST_F(MetadataWriterTest, WhatTookNoEffectAndGotNoAnswerIsSentAgain) {
  leave_open(false);
  leave_open(false);
  ASSERT_TRUE(take_ids(5));
  EXPECT_EQ(ids(), 5);
  EXPECT_EQ(planned_, 1);
  EXPECT_EQ(store_->sent.size(), 3U);
  expect_image_is_that_of_a_listing();
}

TEST_F(MetadataWriterTest, ATransactionThatTakesEffectLateTakesEffectInsteadOfTheOneThatWasSentAgain) {
  std::optional<meta::Transaction> late;
  store_->troubles.push_back([&late](meta::Transaction sent, meta::MetadataStore&) -> awaitable<Outcome> {
    late = std::move(sent);
    co_return fail(Errc::timed_out, "no answer");
  });
  store_->troubles.push_back([&late](meta::Transaction, meta::MetadataStore& store) -> awaitable<Outcome> {
    EXPECT_TRUE(co_await store.transact(*late));
    co_return std::nullopt;
  });
  ASSERT_TRUE(take_ids(5));
  EXPECT_EQ(ids(), 5);
  EXPECT_EQ(planned_, 1);
  expect_image_is_that_of_a_listing();
}

TEST_F(MetadataWriterTest, AKeyThatSomebodyElseChangedMeanwhileSettlesItAsAConflict) {
  store_->troubles.push_back([](meta::Transaction, meta::MetadataStore& store) -> awaitable<Outcome> {
    EXPECT_TRUE(co_await store.transact(of(cluster::put_producer_ids(100))));
    co_return fail(Errc::timed_out, "no answer");
  });
  ASSERT_TRUE(take_ids(5));
  EXPECT_EQ(ids(), 105);
  EXPECT_EQ(planned_, 2);
  expect_image_is_that_of_a_listing();
}

TEST_F(MetadataWriterTest, AnOutcomeThatStaysOpenIsToldAsSuch) {
  for (int i = 0; i < 20; ++i) leave_open(false, Errc::unreachable);
  EXPECT_EQ(take_ids(5).error().code, Errc::unreachable);
  EXPECT_EQ(ids(), 0);
  store_->troubles.clear();
  EXPECT_TRUE(take_ids(5));
  EXPECT_EQ(ids(), 5);
}

TEST_F(MetadataWriterTest, ManyAtOnceGoOneAfterTheOther) {
  int done = 0;
  for (int i = 0; i < 20; ++i)
    machine_.spawn([](MetadataWriterTest* test, int* ended) -> awaitable<void> {
      EXPECT_TRUE(co_await test->writer_->change(
          [test](const ClusterImage& image) -> Result<Plan> { return test->plan_ids(image, 5); }));
      ++*ended;
    }(this, &done));
  world_.run_until([&] { return done == 20; }, 1min);
  EXPECT_EQ(ids(), 100);
  expect_image_is_that_of_a_listing();
}

TEST_F(MetadataWriterTest, ATopicThatVanishesWithoutATombstoneIsDamageAndTheImageStays) {
  cluster::Topic topic{.name = "t", .id = {.bytes = {5}}, .partitions = {}, .configs = {}};
  topic.partitions.push_back({.replicas = {kSelf}, .isr = {kSelf}, .leader = kSelf});
  for (const bool by_a_listing : {false, true}) {
    for (cluster::Op& op : cluster::put_whole_topic(topic)) ASSERT_TRUE(run((**other_).transact(of(std::move(op)))));
    ASSERT_TRUE(take_ids(5));
    ASSERT_NE(writer_->image()->find_topic("t"), nullptr);
    ASSERT_TRUE(run((**other_).transact(of(cluster::Op::erase(cluster::topic_key("t"))))));
    store_->has_forgotten = by_a_listing;
    // A listing may be of a store that was put back, and is not there until the right one is.
    EXPECT_EQ(take_ids(5).error().code, by_a_listing ? Errc::unreachable : Errc::corrupt);
    EXPECT_NE(writer_->image()->find_topic("t"), nullptr);
    store_->has_forgotten = false;
  }
}

TEST_F(MetadataWriterTest, AStopComesBetweenTheStepsOfAPlan) {
  store_->troubles.push_back([this](meta::Transaction, meta::MetadataStore&) -> awaitable<Outcome> {
    node_->life.begin_stop();
    co_return std::nullopt;
  });
  const auto done = change([](const ClusterImage&) -> Result<Plan> {
    Plan plan;
    plan.transactions.push_back(of(cluster::put_producer_ids(1)));
    plan.transactions.push_back(of(cluster::put_producer_ids(2)));
    return plan;
  });
  EXPECT_EQ(done.error().code, Errc::closed);
  EXPECT_EQ(ids(), 1);
}

TEST_F(MetadataWriterTest, TheRevisionIsRememberedBeforeAnybodyIsAnswered) {
  ASSERT_TRUE(take_ids(5));
  const std::int64_t revision = writer_->image()->revision().value();
  machine_.kill();
  begin_process();
  ASSERT_TRUE(open_directory());
  EXPECT_EQ(node_->log_dir().metadata_mark()->revision, revision);
}

TEST_F(MetadataWriterTest, WhileMetadataIsBeingAcceptedARestartFindsThat) {
  ASSERT_TRUE(run(writer_->begin_acceptance()));
  ASSERT_TRUE(take_ids(5));
  machine_.lose_power(sim::PowerLoss::drop_all);
  begin_process();
  ASSERT_TRUE(open_directory());
  EXPECT_EQ(node_->log_dir().metadata_mark()->revision, kBeingAccepted);
}

TEST_F(MetadataWriterTest, TopicsAreChangedOneAfterTheOther) {
  std::vector<int> order;
  for (int i = 0; i < 5; ++i)
    machine_.spawn([](MetadataWriterTest* test, std::vector<int>* to, int number) -> awaitable<void> {
      const auto held = co_await test->writer_->lock_topics();
      to->push_back(number);
      co_await test->machine_.shard(0).sleep_until(test->machine_.shard(0).now() + 10ms);
      to->push_back(number);
    }(this, &order, i));
  world_.run_for(1s);
  ASSERT_EQ(order.size(), 10U);
  for (std::size_t i = 0; i < order.size(); i += 2) EXPECT_EQ(order[i], order[i + 1]);
}

}  // namespace
}  // namespace mq::broker
