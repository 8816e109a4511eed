// A topic's mq.flush is changed, and a log's slot says at every moment what a power cut may have taken.

#include "broker_fixture.h"
#include "log/synced_ends.h"
#include "seeds.h"
#include "wire/messages/incremental_alter_configs.h"

namespace mq::broker {
namespace {

using testing::kAll;
using testing::kProduceVersion;
using testing::make_batch;
using testing::only_row;
using testing::Peer;
using testing::produce_request;

constexpr const char* kSlots = "/var/lib/mq/mq-synced-ends";

wire::IncrementalAlterConfigsRequest set_flush(std::string value) {
  wire::IncrementalAlterConfigsRequest request;
  request.resources.push_back({.resource_type = 2,
                               .resource_name = "t",
                               .configs = {{.name = "mq.flush", .config_operation = 0, .value = std::move(value)}}});
  return request;
}

/// A pool whose jobs may have to wait.
class PoolThatHolds final : public env::Pool {
 public:
  explicit PoolThatHolds(env::Pool& pool) : pool_(pool) {}
  void submit(std::move_only_function<void()> job) override {
    if (is_held_) return jobs_.push_back(std::move(job));
    pool_.submit(std::move(job));
  }
  void hold() { is_held_ = true; }
  void release() {
    is_held_ = false;
    for (auto& job : std::exchange(jobs_, {})) pool_.submit(std::move(job));
  }

 private:
  env::Pool& pool_;
  std::vector<std::move_only_function<void()>> jobs_;
  bool is_held_ = false;
};

class FlushClassOfALog : public testing::BrokerTest {
 public:
  env::Pool& disk_pool() override {
    pool_ = &machine_->make<PoolThatHolds>(machine_->pool());
    return *pool_;
  }
  void start_with(const std::string& flush, std::uint64_t seed = 1) {
    start({}, seed, 1);
    create_topic("t", 1, {{"mq.flush", flush}});
    topic_id_ = partition("t", 0).topic_id();
  }
  void set(const std::string& flush) {
    run([](sim::Machine& client, std::string value) -> awaitable<void> {
      auto peer = co_await Peer::connect(client);
      const auto answer = co_await peer->call(set_flush(std::move(value)), 1);
      EXPECT_EQ(answer.responses.at(0).error_code, ErrorCode::kNone);
    }(*client_, flush));
  }
  /// The offset, or what was answered instead.
  std::expected<std::int64_t, ErrorCode> produce() {
    return run([](sim::Machine& client) -> awaitable<std::expected<std::int64_t, ErrorCode>> {
      auto peer = co_await Peer::connect(client);
      const std::string batch = make_batch({});
      const auto row = only_row(co_await peer->call(produce_request("t", 0, batch, kAll), kProduceVersion));
      if (row.error_code != ErrorCode::kNone) co_return std::unexpected(row.error_code);
      co_return row.base_offset;
    }(*client_));
  }
  /// What was noted, if it is not written yet.
  FlushClass slot_class() {
    return node_->log_dir().slot_of(topic_id_, PartitionId{0}).value_or(log::SyncedEnd{}).flush_class;
  }
  /// The power goes, and with it all that was not synced. What the slot on the disk says then.
  FlushClass cut_power() {
    broker_->lose_power(sim::PowerLoss::drop_all);
    machine_->start();
    auto slots = log::SyncedEnds::open(machine_->files(), kSlots);
    EXPECT_TRUE(slots);
    return (*slots)->get(topic_id_, PartitionId{0}).value_or(log::SyncedEnd{}).flush_class;
  }
  Uuid topic_id_;
  PoolThatHolds* pool_ = nullptr;
};

TEST_F(FlushClassOfALog, SaysAckSoonAfterTheTopicWasMadeOrCameToBeSo) {
  start_with("ack");
  world_->run_for(1s);
  EXPECT_EQ(cut_power(), FlushClass::ack) << "though nothing was ever written to it";

  start_with("async");
  ASSERT_EQ(produce(), 0);
  world_->run_for(1s);
  EXPECT_EQ(cut_power(), FlushClass::async);
  start_node();
  set("ack");
  world_->run_for(1s);
  EXPECT_EQ(cut_power(), FlushClass::ack);
}

TEST_F(FlushClassOfALog, SaysAckOnlyOnceWhatTheLogHeldIsOnDisk) {
  start_with("async");
  ASSERT_EQ(produce(), 0);
  world_->run_for(1s);
  pool_->hold();
  set("ack");
  world_->run_for(1s);
  EXPECT_EQ(partition("t", 0).log().synced_end(), Offset{0});
  EXPECT_EQ(slot_class(), FlushClass::async);
  pool_->release();
  world_->run_for(1s);
  EXPECT_EQ(partition("t", 0).log().synced_end(), Offset{1});
  EXPECT_EQ(slot_class(), FlushClass::ack);
}

TEST_F(FlushClassOfALog, NothingUnsyncedCountsUnlessTheSlotSaysAsyncDurably) {
  start_with("ack");
  ASSERT_EQ(produce(), 0);
  world_->run_for(1s);
  machine_->disk().inject({.on = sim::DiskFault::On::sync, .path_part = kSlots, .times = -1});
  set("async");
  EXPECT_FALSE(produce().has_value());
  EXPECT_TRUE(node_->is_offline()) << "a failed sync of the slots is as final as any other";
  EXPECT_TRUE(logged("is offline"));
  EXPECT_EQ(partition("t", 0).high_watermark(), Offset{1});
  machine_->disk().clear_faults();
  EXPECT_EQ(cut_power(), FlushClass::ack);
  start_node();
  EXPECT_GE(log_end("t"), 1);
  world_->run_for(1s);
  EXPECT_EQ(cut_power(), FlushClass::async) << "the setting holds, and is carried out by the next start";
}

TEST_F(FlushClassOfALog, AFullDiskDelaysOnlyWhenUnsyncedRecordsBeginToCount) {
  start_with("ack");
  ASSERT_EQ(produce(), 0);
  world_->run_for(1s);
  machine_->disk().inject({.on = sim::DiskFault::On::write, .path_part = kSlots, .times = -1, .code = Errc::disk_full});
  set("async");
  world_->run_for(1s);
  EXPECT_FALSE(node_->is_offline());
  EXPECT_EQ(produce(), 1) << "as on a flush=ack topic";
  EXPECT_EQ(partition("t", 0).log().synced_end(), Offset{2});
  machine_->disk().clear_faults();
  world_->run_for(1s);
  EXPECT_EQ(produce(), 2);
  EXPECT_EQ(partition("t", 0).log().synced_end(), Offset{2}) << "nobody waits for the disk any more";
  EXPECT_EQ(cut_power(), FlushClass::async);
}

TEST_F(FlushClassOfALog, ATopicThatIsDeletedMeanwhileLeavesNoSlot) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    start_with("ack", seed);
    machine_->spawn([](FlushClassOfALog* self) -> awaitable<void> {
      env::Shard& shard = self->machine_->shard(0);
      co_await shard.sleep_until(shard.now() + std::chrono::microseconds(self->world_->rng().below(20'000)));
      (void)co_await self->node_->topics().remove("t");
    }(this));
    run([](sim::Machine& client) -> awaitable<void> {
      auto peer = co_await Peer::connect(client);
      for (int i = 0; i < 10; ++i) (void)co_await peer->call(set_flush(i % 2 == 0 ? "async" : "ack"), 1);
    }(*client_));
    world_->run_for(1s);
    EXPECT_EQ(node_->log_dir().slot_of(topic_id_, PartitionId{0}), std::nullopt) << "seed " << seed;
  }
}

TEST_F(FlushClassOfALog, WhereItSaysAckAPowerCutAtAnyMomentTakesNothingAcknowledged) {
  int with_ack = 0;
  int with_async = 0;
  int lost = 0;
  for (const std::uint64_t seed : seeds(80)) {
    start_with(seed % 2 == 0 ? "ack" : "async", seed);
    auto acknowledged = std::make_shared<std::int64_t>(0);
    client_->spawn([](sim::Machine* client, std::shared_ptr<std::int64_t> end) -> awaitable<void> {
      auto peer = co_await Peer::connect(*client);
      const std::string batch = make_batch({});
      while (true) {
        co_await peer->send(produce_request("t", 0, batch, kAll), kProduceVersion);
        if (const auto frame = co_await peer->read_frame(); !frame) co_return;
        ++*end;  // one connection, and nothing is refused before the power goes
        co_await client->shard(0).sleep_until(client->shard(0).now() + 1ms);
      }
    }(client_, acknowledged));
    client_->spawn([](FlushClassOfALog* self, bool is_ack) -> awaitable<void> {
      env::Shard& shard = self->client_->shard(0);
      auto peer = co_await Peer::connect(*self->client_);
      while (true) {
        is_ack = !is_ack;
        co_await peer->send(set_flush(is_ack ? "ack" : "async"), 1);
        if (const auto frame = co_await peer->read_frame(); !frame) co_return;
        // It takes a while until the slot says ack.
        const auto pause = self->world_->rng().below(2) != 0 ? 2000U : is_ack ? 800'000U : 400'000U;
        co_await shard.sleep_until(shard.now() + std::chrono::microseconds(self->world_->rng().below(pause)));
      }
    }(this, seed % 2 == 0));
    world_->run_for(std::chrono::microseconds(100'000 + world_->rng().below(700'000)));
    const std::int64_t end = *acknowledged;
    const FlushClass slot = cut_power();
    client_->kill();
    ++(slot == FlushClass::ack ? with_ack : with_async);
    start_node();
    if (log_end("t") < end) {
      ++lost;
      EXPECT_EQ(slot, FlushClass::async) << "seed " << seed << ": " << end << " were acknowledged, " << log_end("t")
                                         << " are there";
    }
  }
  EXPECT_GT(with_ack, 10);
  EXPECT_GT(with_async, 10);
  EXPECT_GT(lost, 10) << "else nothing was tested";
}

}  // namespace
}  // namespace mq::broker
