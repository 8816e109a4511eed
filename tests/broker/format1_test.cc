// Data directories whose metadata an earlier mqd wrote.

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "broker_fixture.h"
#include "cluster/format1_writer.h"
#include "cluster/keys.h"
#include "cluster/values.h"

namespace mq::broker {
namespace {

namespace format1 = cluster::format1;
using testing::BrokerTest;

class Format1Test : public BrokerTest {
 protected:
  /// A broker with topics and records, whose metadata is put back into the old format. It is dead then.
  void begin(std::uint64_t seed = 1, int partitions = 300) {
    partitions_ = partitions;
    start({}, seed);
    create_topic("small", 1, {{"retention.ms", "-1"}});
    create_topic("large", partitions);
    produce("small", 5);
    cluster_id_ = node_->cluster_id();
    const auto image = node_->first_shard().image();
    for (const meta::KeyValue& entry : list().entries) write(cluster::Op::erase(entry.key));
    write(format1::put_cluster(cluster_id_));
    write(format1::put_producer_ids(7000));
    for (const cluster::TopicPtr& topic : image->topics())
      for (cluster::Op& op : format1::put_whole_topic(*topic)) write(std::move(op));
    auto cut_off =
        format1::put_whole_topic({.name = "cut", .id = {.bytes = {9}}, .partitions = cluster::PartitionList(3)});
    write(std::move(cut_off.front()));
    kill();
  }
  void produce(const std::string& topic, int records) {
    const auto send = [](sim::Machine& machine, std::string to, int count) -> awaitable<bool> {
      auto peer = co_await testing::Peer::connect(machine);
      const std::string batch = testing::make_batch({.records = count});
      const auto answer = co_await peer->call(testing::produce_request(to, 0, batch), ApiVersion{9});
      EXPECT_EQ(testing::only_row(answer).error_code, ErrorCode::kNone);
      peer->close();
      co_return true;
    };
    run(send(*client_, topic, records));
  }
  void write(cluster::Op op) {
    std::vector<cluster::Op> ops;
    ops.push_back(std::move(op));
    meta::Transaction transaction{.compares = {}, .ops = std::move(ops), .write_id = {}};
    ASSERT_TRUE(world_->run(*machine_, node_->store().transact(std::move(transaction)), 1min));
  }
  meta::Listing list() { return world_->run(*machine_, meta::list_all(node_->store(), ""), 1min).value(); }
  void kill() {
    broker_->kill();
    node_ = nullptr;
  }
  void expect_moved() {
    const auto image = node_->first_shard().image();
    EXPECT_EQ(node_->cluster_id(), cluster_id_);
    ASSERT_NE(image->find_topic("small"), nullptr);
    ASSERT_NE(image->find_topic("large"), nullptr);
    EXPECT_EQ(image->topics().size(), 2U);
    EXPECT_EQ(image->find_topic("small")->configs.at("retention.ms"), "-1");
    EXPECT_EQ(image->find_topic("large")->partition_count(), partitions_);
    EXPECT_EQ(log_end("small"), 5);
    EXPECT_EQ(image->producer_ids().next, 7000);
    EXPECT_TRUE(image->is_ready(config_.node_id));
    EXPECT_TRUE(image->defects().empty());
    EXPECT_TRUE(image->loose_partitions().empty());
    for (const meta::KeyValue& entry : list().entries)
      EXPECT_EQ(entry.value.front(), cluster::kValueVersion) << entry.key;
    for (const env::DirEntry& entry : machine_->files().list(config_.data_dir).value())
      EXPECT_FALSE(entry.name.ends_with("-stray")) << entry.name;
  }
  Uuid cluster_id_;
  int partitions_ = 0;
};

class Format1Cuts : public Format1Test, public ::testing::WithParamInterface<int> {};

TEST_F(Format1Test, AreMovedAtTheFirstStartAndNotAgain) {
  begin();
  start_node();
  expect_moved();
  EXPECT_TRUE(logged("was moved from an earlier format"));
  produce("small", 2);
  const meta::Revision moved = list().revision;
  restart();
  EXPECT_EQ(list().revision, moved);
  EXPECT_EQ(log_end("small"), 7);
}

TEST_P(Format1Cuts, AStartThatIsCutOffAmidTheMoveIsGoneOnWith) {
  begin(static_cast<std::uint64_t>(GetParam()));
  for (int cuts = 0; cuts < 3; ++cuts) {
    broker_->begin_start();
    world_->run_for(std::chrono::microseconds(world_->rng().below(30'000)));
    broker_->kill();
  }
  start_node();
  expect_moved();
}

TEST_F(Format1Test, AStartThatIsCutOffAtAnyWriteOfTheMoveIsGoneOnWith) {
  int cut_at = 0;
  for (bool is_cut = true; is_cut && !HasFatalFailure(); ++cut_at) {
    SCOPED_TRACE(cut_at);
    begin(1, 130);
    machine_->disk().inject({.on = sim::DiskFault::On::change, .after = cut_at, .times = -1});
    (void)try_start_node();
    is_cut = machine_->disk().faults_struck() > 0;
    kill();
    machine_->disk().clear_faults();
    if (cut_at % 2 == 1) machine_->disk().lose_power(sim::PowerLoss::any);
    start_node();
    expect_moved();
  }
  EXPECT_GT(cut_at, 20) << "the move alone writes more often";
}

TEST_F(Format1Test, ATopicThatCannotBeReadIsToldAndItsLogsStay) {
  begin();
  start_node();
  const Uuid id = node_->first_shard().image()->find_topic("large")->id;
  write(cluster::Op::put(cluster::partition_key(id, 7), "\2rubbish"));
  kill();
  start_node();
  EXPECT_EQ(node_->first_shard().image()->find_topic("large"), nullptr);
  EXPECT_TRUE(logged("the metadata store's key \"" + cluster::partition_key(id, 7) + "\" is damaged"));
  EXPECT_EQ(log_end("small"), 5);
  EXPECT_TRUE(machine_->files().exists("/var/lib/mq/large-7").value());
  EXPECT_TRUE(machine_->files().exists("/var/lib/mq/large-299").value());
  cluster::Partition mended{.replicas = {config_.node_id}, .isr = {config_.node_id}, .leader = config_.node_id};
  write(cluster::put_partition(id, 7, mended));
  restart();
  ASSERT_NE(node_->first_shard().image()->find_topic("large"), nullptr);
  EXPECT_EQ(log_end("large", 7), 0);
}

INSTANTIATE_TEST_SUITE_P(Seeds, Format1Cuts, ::testing::Range(1, 9));

}  // namespace
}  // namespace mq::broker
