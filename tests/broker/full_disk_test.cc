// A disk without room: what is there is read, nothing is taken, and whoever frees space may; then it goes on by itself.

#include "broker/disk_space.h"
#include "broker_fixture.h"
#include "group/partition_for.h"
#include "wire/messages/delete_records.h"
#include "wire/messages/find_coordinator.h"
#include "wire/messages/init_producer_id.h"
#include "wire/messages/list_offsets.h"
#include "wire/messages/offset_commit.h"
#include "wire/messages/offset_fetch.h"

namespace mq::broker {
namespace {

using testing::make_batch;
using testing::only_row;
using testing::Peer;
using testing::produce_request;

constexpr std::uint64_t kReserve = 256u << 10;
const std::string kReserveFile = "/var/lib/mq/mq-reserve";

template <class Request>
awaitable<typename Request::Response> call(sim::Machine& client, Request request, ApiVersion version) {
  auto peer = co_await Peer::connect(client);
  co_return co_await peer->call(request, version);
}

class FullDisk : public testing::BrokerTest {
 protected:
  void begin(std::function<void(NodeConfig&)> change = {}) {
    start([&](NodeConfig& config) {
      config.disk_reserve_bytes = kReserve;
      if (change) change(config);
    });
    create_topic("big", 2);
    create_topic("t", 1);
    run(find_coordinator(*client_));
    for (int i = 0; i < 40; ++i) ASSERT_EQ(produce("big", i % 2, 50'000), ErrorCode::kNone);
    for (int i = 0; i < 3; ++i) ASSERT_EQ(produce("t"), ErrorCode::kNone);
    ASSERT_EQ(commit(2), ErrorCode::kNone);
  }

  static awaitable<void> find_coordinator(sim::Machine& client) {
    wire::FindCoordinatorRequest request;
    request.key = "readers";
    (void)co_await call(client, std::move(request), 3);
  }
  ErrorCode produce(const std::string& topic, std::int32_t index = 0, std::size_t bytes = 10) {
    const std::string batch = make_batch({.value_bytes = bytes});
    return only_row(run(call(*client_, produce_request(topic, index, batch), 12))).error_code;
  }
  ErrorCode commit(std::int64_t offset) {
    wire::OffsetCommitRequest request;
    request.group_id = "readers";
    request.topics.push_back({.name = "t", .partitions = {{.partition_index = 0, .committed_offset = offset}}});
    return run(call(*client_, std::move(request), 8)).topics.at(0).partitions.at(0).error_code;
  }
  std::int64_t committed() {
    wire::OffsetFetchRequest request;
    request.group_id = "readers";
    request.topics.emplace().push_back({.name = "t", .partition_indexes = {0}});
    return run(call(*client_, std::move(request), 7)).topics.at(0).partitions.at(0).committed_offset;
  }
  std::int64_t latest(const std::string& topic) {
    wire::ListOffsetsRequest request;
    request.replica_id = -1;
    request.topics.push_back({.name = topic, .partitions = {{.partition_index = 0, .timestamp = -1}}});
    return run(call(*client_, std::move(request), 5)).topics.at(0).partitions.at(0).offset;
  }
  std::size_t fetched_bytes(const std::string& topic) {
    wire::FetchRequest request;
    request.topics.push_back({.topic = topic, .partitions = {{.partition = 0, .partition_max_bytes = 1 << 20}}});
    const auto answer = run(call(*client_, std::move(request), 11));
    return answer.responses.at(0).partitions.at(0).records.size();
  }
  TopicOutcome create(const std::string& name) {
    std::vector<NewTopic> wanted(1);
    wanted.front().name = name;
    return world_->run(*machine_, node_->topics().create(std::move(wanted), false), 1min).front();
  }
  ErrorCode remove_topic(const std::string& name) {
    return world_->run(*machine_, node_->topics().remove(name), 1min).error;
  }
  void expect_reading() {
    EXPECT_EQ(latest("t"), 3);
    EXPECT_GT(fetched_bytes("t"), 0U);
    EXPECT_EQ(committed(), 2);
  }
  /// Everything works, and what a deletion may need is kept again.
  void expect_healed() {
    world_->run_for(3s);
    EXPECT_FALSE(node_->disk_space().is_full());
    EXPECT_EQ(node_->disk_space().reserved_bytes(), kReserve);
    EXPECT_EQ(produce("t"), ErrorCode::kNone);
    EXPECT_EQ(commit(3), ErrorCode::kNone);
    EXPECT_EQ(create("new").error, ErrorCode::kNone);
    EXPECT_FALSE(node_->is_offline());
  }
  /// The process dies, others take what was reserved as well, and it is started again.
  void restart_on_full_disk() {
    machine_->kill();
    (void)machine_->files().remove(kReserveFile);
    machine_->disk().fill();
    machine_->start();
    start_node();
  }
  /// Producing fails first, so that everybody knows.
  void fill() {
    machine_->disk().fill();
    EXPECT_EQ(produce("t", 0, 200'000), ErrorCode::kKafkaStorageError);
    EXPECT_TRUE(node_->disk_space().is_full());
  }
};

TEST_F(FullDisk, DeletingATopicEndsIt) {
  begin();
  fill();
  expect_reading();
  EXPECT_EQ(remove_topic("big"), ErrorCode::kNone);
  expect_healed();
  for (const auto& entry : machine_->files().list("/var/lib/mq").value()) EXPECT_FALSE(entry.name.starts_with("big"));
}

TEST_F(FullDisk, DeletingRecordsEndsIt) {
  begin();
  fill();
  wire::DeleteRecordsRequest request;
  request.topics.push_back({.name = "big", .partitions = {{.partition_index = 0, .offset = -1}}});
  const auto answer = run(call(*client_, std::move(request), 1));
  EXPECT_EQ(answer.topics.at(0).partitions.at(0).error_code, ErrorCode::kNone);
  expect_healed();
  EXPECT_EQ(partition("big", 0).log().size_bytes(), 0U);
}

TEST_F(FullDisk, LoweringTheRetentionEndsIt) {
  begin();
  fill();
  const auto outcome = world_->run(*machine_,
                                   node_->topics().change_config(
                                       "big",
                                       [](std::map<std::string, std::string>& configs) -> Result<void> {
                                         configs["retention.ms"] = "1";
                                         return {};
                                       },
                                       false),
                                   1min);
  EXPECT_EQ(outcome.error, ErrorCode::kNone) << outcome.message;
  expect_healed();
}

TEST_F(FullDisk, WhatIsKeptForDeletionsGoesToNobodyElse) {
  begin();
  // Between the two deletions others take what the first one left.
  create_topic("small", 1);
  ASSERT_EQ(produce("small"), ErrorCode::kNone);
  fill();
  EXPECT_EQ(remove_topic("small"), ErrorCode::kNone);
  EXPECT_TRUE(node_->disk_space().is_reserve_spent());
  for (int round = 0; round < 3; ++round) {
    world_->run_for(1s);
    EXPECT_EQ(produce("t"), ErrorCode::kKafkaStorageError) << "there is room, but not for this";
    EXPECT_EQ(commit(3), ErrorCode::kNotCoordinator);
    const auto created = create("new");
    EXPECT_EQ(created.error, ErrorCode::kKafkaStorageError);
    EXPECT_NE(created.message.find("is full"), std::string::npos) << created.message;
    expect_reading();
  }
  EXPECT_EQ(remove_topic("big"), ErrorCode::kNone);
  expect_healed();
}

TEST_F(FullDisk, TopicThatFindsNoRoomIsRefusedAsAStorageErrorAndLeavesNothing) {
  begin();
  machine_->disk().fill();
  const auto full = create("new");
  EXPECT_EQ(full.error, ErrorCode::kKafkaStorageError);
  EXPECT_NE(full.message.find("disk is full"), std::string::npos) << full.message;
  EXPECT_TRUE(node_->disk_space().is_full());
  EXPECT_FALSE(machine_->files().exists("/var/lib/mq/new-0").value());
  machine_->disk().make_room();
  machine_->disk().inject({.on = sim::DiskFault::On::change, .path_part = "/new-0", .times = 1, .code = Errc::refused});
  const auto read_only = create("new");
  EXPECT_EQ(read_only.error, ErrorCode::kKafkaStorageError) << "no policy of ours";
  EXPECT_FALSE(machine_->files().exists("/var/lib/mq/new-0").value());
  EXPECT_EQ(node_->first_shard().image()->find_topic("new"), nullptr) << "it was taken out of metadata again";
  EXPECT_EQ(create("new").error, ErrorCode::kNone);
}

TEST_F(FullDisk, TopicThatCanNeitherBeMadeNorTakenOutOfMetadataIsMadeWhenThereIsRoom) {
  begin();
  sim::Disk& disk = machine_->disk();
  disk.inject({.on = sim::DiskFault::On::change, .path_part = "/new-0", .times = 1, .code = Errc::refused});
  std::optional<TopicOutcome> outcome;
  machine_->spawn([](Topics& topics, std::optional<TopicOutcome>& to) -> awaitable<void> {
    std::vector<NewTopic> wanted(1);
    wanted.front().name = "new";
    to = (co_await topics.create(std::move(wanted), false)).front();
  }(node_->topics(), outcome));
  ASSERT_TRUE(world_->run_until([&] { return disk.faults_struck() == 1; }, 1min));
  disk.inject({.on = sim::DiskFault::On::write, .path_part = "metadata.db", .times = -1, .code = Errc::disk_full});
  ASSERT_TRUE(world_->run_until([&] { return outcome.has_value(); }, 1min));
  EXPECT_EQ(outcome->error, ErrorCode::kKafkaStorageError);
  const cluster::Topic* topic = node_->first_shard().image()->find_topic("new");
  ASSERT_NE(topic, nullptr) << "nothing is tested";
  const Uuid id = topic->id;
  const auto is_made = [&] { return node_->owner_of(id, 0).find(id, 0) != nullptr; };
  ASSERT_FALSE(is_made());
  disk.clear_faults();
  world_->run_for(15s);
  EXPECT_TRUE(is_made());
}

TEST_F(FullDisk, StartAfterAKillServesWhatIsThereAndGoesOnWhenThereIsRoom) {
  begin();
  restart_on_full_disk();
  EXPECT_TRUE(node_->disk_space().is_full());
  world_->run_for(2s);
  expect_reading();
  EXPECT_EQ(produce("t"), ErrorCode::kKafkaStorageError);
  EXPECT_EQ(commit(3), ErrorCode::kNotCoordinator);
  const LeaderEpoch before = partition("t", 0).leader_epoch();
  machine_->disk().make_room();
  expect_healed();
  EXPECT_EQ(partition("t", 0).leader_epoch().value(), before.value() + 1);
  EXPECT_EQ(latest("t"), 4);
}

TEST_F(FullDisk, NothingIsAppendedInALeaderEpochThatCouldNotBeRaised) {
  begin();
  machine_->kill();
  // Room for records, but not for metadata.
  machine_->disk().inject(
      {.on = sim::DiskFault::On::write, .path_part = "metadata.db", .times = -1, .code = Errc::disk_full});
  machine_->start();
  start_node();
  world_->run_for(2s);
  expect_reading();
  EXPECT_EQ(produce("t"), ErrorCode::kKafkaStorageError);
  // A topic that goes meanwhile has no epoch to raise.
  machine_->disk().clear_faults();
  EXPECT_EQ(remove_topic("big"), ErrorCode::kNone);
  expect_healed();
  EXPECT_EQ(partition("t", 0).leader_epoch(), LeaderEpoch{1});
}

TEST_F(FullDisk, StopIsCleanWithTheReserveAndSaysWhenItIsNot) {
  begin();
  for (const bool has_reserve : {true, false}) {
    ASSERT_EQ(produce("t"), ErrorCode::kNone);
    if (!has_reserve)
      machine_->disk().inject(
          {.on = sim::DiskFault::On::change, .path_part = kReserveFile, .times = -1, .code = Errc::disk_full});
    machine_->disk().fill();
    EXPECT_EQ(world_->run(*machine_, node_->stop(), 1min), has_reserve);
    machine_->kill();
    EXPECT_EQ(machine_->files().exists("/var/lib/mq/.kafka_cleanshutdown").value(), has_reserve);
    machine_->disk().clear_faults();
    machine_->disk().make_room();
    machine_->start();
    start_node();
    world_->run_for(2s);
  }
  EXPECT_EQ(latest("t"), 5);
}

TEST_F(FullDisk, SmallDiskKeepsNoReserveAndIsFullOnlyWhenItIs) {
  start([](NodeConfig& config) { config.disk_reserve_bytes = 0; });
  create_topic("t", 1);
  EXPECT_EQ(node_->disk_space().reserved_bytes(), 0U);
  EXPECT_FALSE(machine_->files().exists(kReserveFile).value());
  fill();
  world_->run_for(2s);
  EXPECT_FALSE(node_->disk_space().is_full()) << "nothing has asked for more since";
  EXPECT_EQ(produce("t", 0, 200'000), ErrorCode::kKafkaStorageError);
  machine_->disk().make_room();
  EXPECT_EQ(produce("t"), ErrorCode::kNone);
}

}  // namespace
}  // namespace mq::broker
