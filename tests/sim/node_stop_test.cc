// A stop amid everything: whatever was under way on whichever shard has ended when the logs are closed.

#include <gtest/gtest.h>

#include <iostream>
#include <set>
#include <string>
#include <vector>

#include "broker/node.h"
#include "client/admin.h"
#include "client/cluster.h"
#include "client/consumer.h"
#include "client/group_consumer.h"
#include "client/producer.h"
#include "meta/sqlite/sqlite_store.h"
#include "record/record.h"
#include "seeds.h"
#include "sim/machine/world.h"

namespace mq::sim {
namespace {

constexpr std::uint16_t kPort = 9092;
constexpr int kPartitions = 6;
constexpr int kRecords = 600;
const std::string kTopic = "events";

/// The broker that is stopped and started, and what its clients saw.
struct Life {
  explicit Life(std::uint64_t seed) : world(seed), machine(world.add_machine("broker", {.shards = 3})) {}

  void start_broker() {
    broker::NodeConfig config;
    config.data_dir = "/var/lib/mq";
    config.partitions_default = kPartitions;
    config.offsets_partitions = offsets_partitions;
    config.housekeeping_interval = housekeeping_interval;
    config.listeners.push_back({.address = {.host = "", .port = kPort, .path = {}}});
    broker::NodeEnv env{
        .shards = machine.shards(),
        .files = machine.files(),
        .disk_pool = machine.pool(),
        .metadata_pool = machine.metadata_pool(),
        .random = machine.random(),
        .logger = machine.logger(),
        .store = meta::sqlite_source(machine.files(), machine.metadata_pool(), machine.random(), machine.logger())};
    node = &machine.make<broker::Node>(std::move(env), std::move(config));
    const auto started = world.run(machine, node->start(), 1min);
    ASSERT_TRUE(started) << started.error().message;
  }
  void stop_broker() {
    world.run(machine, node->stop(), 10s);
    EXPECT_TRUE(machine.files().exists("/var/lib/mq/.kafka_cleanshutdown").value());
    machine.kill();
    machine.start();
  }

  World world;
  Machine& machine;
  std::int32_t offsets_partitions = 4;
  Duration housekeeping_interval = 30s;
  broker::Node* node = nullptr;
  std::set<std::string> acknowledged;
  bool produced = false;
  bool is_over = false;  ///< the endless clients end
  int running = 0;       ///< of them
};

client::ClientOptions options() {
  client::ClientOptions options;
  options.bootstrap.push_back({.host = "broker", .port = kPort, .path = {}});
  options.request_timeout = 5s;
  return options;
}

awaitable<void> produce(Life& life, Machine& host) {
  env::Shard& shard = host.shard(0);
  client::Cluster cluster(shard, host.random(), options());
  EXPECT_TRUE(co_await cluster.start(Instant::never()));
  client::ProducerOptions batches;
  batches.linger = 1ms;
  batches.batch_bytes = 300;
  client::Producer producer(cluster, batches, [&](const client::Delivery& delivery) {
    EXPECT_EQ(delivery.error, nullptr) << delivery.error->message;
    for (const std::uint64_t token : delivery.tokens) life.acknowledged.insert("record " + std::to_string(token));
  });
  auto topic = co_await producer.topic(kTopic, Instant::never());
  EXPECT_TRUE(topic) << topic.error().message;
  for (int i = 0; i < kRecords; ++i) {
    const std::string value = "record " + std::to_string(i);
    EXPECT_TRUE(co_await producer.send(**topic, {.partition = i % kPartitions,
                                                 .key = {},
                                                 .value = value,
                                                 .headers = {},
                                                 .token = static_cast<std::uint64_t>(i)}));
    if (i % 5 == 4) co_await shard.sleep_until(shard.now() + std::chrono::microseconds(host.random().below(3000)));
  }
  EXPECT_TRUE(co_await producer.close(Instant::never()));
  co_await cluster.close();
  life.produced = true;
}

/// Makes a topic and deletes it, again and again. A stop may come between the two, or before the answer.
awaitable<void> change_topics(Life& life, Machine& host) {
  ++life.running;
  env::Shard& shard = host.shard(0);
  client::Cluster cluster(shard, host.random(), options());
  EXPECT_TRUE(co_await cluster.start(Instant::never()));
  client::Admin admin(cluster);
  for (int i = 0; !life.is_over; ++i) {
    const std::string name = "passing-" + std::to_string(i);
    std::vector<client::NewTopic> wanted;
    wanted.push_back({.name = name, .partitions = 5});
    (void)co_await admin.create_topics(std::move(wanted), false, shard.now() + 20s);
    (void)co_await admin.delete_topics({name}, shard.now() + 20s);
  }
  co_await cluster.close();
  --life.running;
}

/// A member of a group that reads and commits; it waits in fetches and rebalances.
awaitable<void> read_as_member(Life& life, Machine& host) {
  ++life.running;
  env::Shard& shard = host.shard(0);
  client::Cluster cluster(shard, host.random(), options());
  EXPECT_TRUE(co_await cluster.start(Instant::never()));
  client::GroupOptions group;
  group.group = "readers";
  group.assignors = {assignment::Assignor::range};
  group.session_timeout = 6s;
  group.heartbeat_interval = 100ms;
  group.consumer.reset = client::OffsetReset::start;
  client::GroupConsumer member(cluster, {kTopic}, group);
  while (!life.is_over) {
    const auto polled = co_await member.poll(50ms);
    if (polled && !polled->batches.empty()) (void)co_await member.commit_polled(shard.now() + 10s);
  }
  (void)co_await member.close(shard.now() + 10s);
  co_await cluster.close();
  --life.running;
}

/// Reads the topic from its start until `count` records came.
awaitable<std::vector<std::string>> read_all(Machine& host, std::size_t count) {
  std::vector<std::string> seen;
  client::Cluster cluster(host.shard(0), host.random(), options());
  EXPECT_TRUE(co_await cluster.start(Instant::never()));
  client::Consumer consumer(cluster, {.reset = client::OffsetReset::start});
  for (std::int32_t partition = 0; partition < kPartitions; ++partition)
    consumer.assign({kTopic, partition}, Offset{0});
  record::RecordReader reader;
  while (seen.size() < count) {
    const auto polled = co_await consumer.poll(100ms);
    EXPECT_TRUE(polled) << polled.error().message;
    for (const client::FetchedBatch& batch : polled->batches)
      EXPECT_TRUE(client::for_each_record(
          reader, batch, [&](const record::RecordView& record) { seen.emplace_back(record.value.value_or("")); }));
  }
  co_await consumer.close();
  co_await cluster.close();
  co_return seen;
}

std::string group_name(int index) { return "group " + std::to_string(index); }
const TopicPartition kCommitted{kTopic, 0};

/// Commits for one of `groups` groups after the other, the numbers from 0 on, with so much text that a load takes
/// several steps.
awaitable<void> commit_for_many(Machine& host, int groups, int commits) {
  client::Cluster cluster(host.shard(0), host.random(), options());
  EXPECT_TRUE(co_await cluster.start(Instant::never()));
  EXPECT_TRUE(co_await cluster.topic(kTopic, client::Cluster::AutoCreate::yes, Instant::never()));
  client::Admin admin(cluster);
  for (int i = 0; i < commits; ++i) {
    std::vector<client::CommittedOffset> offsets;
    offsets.push_back({.where = kCommitted, .offset = Offset{i}, .metadata = std::string(4000, 'x')});
    const auto done = co_await admin.commit_offsets(group_name(i % groups), std::move(offsets), Instant::never());
    EXPECT_TRUE(done && !done->front().error);
  }
  co_await cluster.close();
}

/// What each of them has committed.
awaitable<std::vector<std::int64_t>> committed_by_many(Machine& host, int groups) {
  client::Cluster cluster(host.shard(0), host.random(), options());
  EXPECT_TRUE(co_await cluster.start(Instant::never()));
  client::Admin admin(cluster);
  std::vector<std::int64_t> committed;
  for (int i = 0; i < groups; ++i) {
    const auto found = co_await admin.fetch_offsets(group_name(i), {kCommitted}, Instant::never());
    EXPECT_TRUE(found);
    committed.push_back(found->front().offset.value());
  }
  co_await cluster.close();
  co_return committed;
}

class Stop : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(Stop, AmidEverythingIsCleanAndLosesNothing) {
  Life life(GetParam());
  life.start_broker();
  const auto add = [&](const char* host, auto client) {
    Machine& machine = life.world.add_machine(host, {.shards = 1});
    machine.spawn(client(life, machine));
  };
  add("producer", produce);
  add("admin-1", change_topics);
  add("admin-2", change_topics);
  add("member-1", read_as_member);
  add("member-2", read_as_member);
  for (int round = 0; round < 3; ++round) {
    life.world.run_for(std::chrono::microseconds(20'000 + life.world.rng().below(80'000)));
    life.stop_broker();
    life.start_broker();
  }
  ASSERT_TRUE(life.world.run_until([&] { return life.produced; }, 5min));
  life.is_over = true;
  ASSERT_TRUE(life.world.run_until([&] { return life.running == 0; }, 5min));

  Machine& reader = life.world.add_machine("reader", {.shards = 1});
  const auto seen = life.world.run(reader, read_all(reader, kRecords), 1min);
  EXPECT_EQ(life.acknowledged.size(), static_cast<std::size_t>(kRecords));
  EXPECT_EQ(seen.size(), life.acknowledged.size());
  EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()), life.acknowledged);
  if (HasFailure())
    for (const std::string& line : life.machine.log_lines()) std::cout << line << "\n";
}

TEST_P(Stop, AtAnyStepOfAStartThatLoadsGroupsIsCleanAndLosesNoOffset) {
  constexpr int kGroups = 60;
  constexpr int kCommits = 700;
  Life life(GetParam());
  life.offsets_partitions = 2;
  life.housekeeping_interval = 3ms;  // compaction and checkpoints are under way too
  life.start_broker();
  Machine& client = life.world.add_machine("client", {.shards = 1});
  life.world.run(client, commit_for_many(client, kGroups, kCommits), 10min);
  life.stop_broker();
  // These ask and commit in every state that the broker is in.
  Machine& asker = life.world.add_machine("asker", {.shards = 1});
  asker.spawn(change_topics(life, asker));
  Machine& member = life.world.add_machine("member", {.shards = 1});
  member.spawn(read_as_member(life, member));
  for (int round = 0; round < 20; ++round) {
    life.start_broker();
    std::uint64_t steps = life.world.rng().below(round % 2 == 0 ? 100 : 2000);
    (void)life.world.run_until([&] { return steps-- == 0; }, 1s);
    life.stop_broker();
  }
  life.start_broker();
  const auto committed = life.world.run(client, committed_by_many(client, kGroups), 1min);
  for (int last = kCommits - kGroups; last < kCommits; ++last) {
    const int group = last % kGroups;
    EXPECT_EQ(committed.at(static_cast<std::size_t>(group)), last) << group_name(group);
  }
  life.is_over = true;
  ASSERT_TRUE(life.world.run_until([&] { return life.running == 0; }, 5min));
  if (HasFailure())
    for (const std::string& line : life.machine.log_lines()) std::cout << line << "\n";
}

INSTANTIATE_TEST_SUITE_P(Seeds, Stop, ::testing::ValuesIn(seeds(10)));

}  // namespace
}  // namespace mq::sim
