// A whole broker with its clients in one thread from one seed: the seams are honest, or this cannot work.

#include "broker/node.h"

#include <gtest/gtest.h>

#include <iostream>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "broker/shard_broker.h"
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
constexpr int kPartitions = 3;
const std::string kTopic = "events";

/// A broker's machine and the broker on it.
class BrokerMachine {
 public:
  BrokerMachine(World& world, const std::string& host) : world_(world), machine_(world.add_machine(host)) { start(); }

  void start() {
    broker::NodeConfig config;
    config.data_dir = "/var/lib/mq";
    config.partitions_default = kPartitions;
    config.offsets_partitions = 4;
    config.listeners.push_back({.address = {.host = "", .port = kPort, .path = {}}});
    broker::NodeEnv env{
        .shards = machine_.shards(),
        .files = machine_.files(),
        .disk_pool = machine_.pool(),
        .metadata_pool = machine_.metadata_pool(),
        .random = machine_.random(),
        .logger = machine_.logger(),
        .store = meta::sqlite_source(machine_.files(), machine_.metadata_pool(), machine_.random(), machine_.logger())};
    node_ = &machine_.make<broker::Node>(std::move(env), std::move(config));
    const auto started = world_.run(machine_, node_->start(), 1min);
    ASSERT_TRUE(started) << started.error().message;
  }
  void restart_after_kill() {
    machine_.kill();
    machine_.start();
    start();
  }
  void restart_after_power_loss(PowerLoss how) {
    machine_.lose_power(how);
    machine_.start();
    start();
  }
  [[nodiscard]] Machine& machine() { return machine_; }
  [[nodiscard]] const broker::Node& node() const { return *node_; }
  /// Batches that came again since the last start, and were not appended again.
  [[nodiscard]] std::uint64_t duplicates() const {
    std::uint64_t count = 0;
    for (const auto& shard : node_->shards()) count += shard->metrics().duplicate_batches.value();
    return count;
  }

 private:
  World& world_;
  Machine& machine_;
  broker::Node* node_ = nullptr;
};

client::ClientOptions options_for(const std::string& broker) {
  client::ClientOptions options;
  options.bootstrap.push_back({.host = broker, .port = kPort, .path = {}});
  options.request_timeout = 5s;
  return options;
}

/// What the producer was told of each value: where it is.
using Acknowledged = std::map<std::string, std::pair<std::int32_t, std::int64_t>>;

/// Sends `count` records with acks=all and returns when all are reported.
awaitable<void> produce(Machine& node, std::string broker, int count, Acknowledged& acknowledged, bool& done) {
  env::Shard& shard = node.shard(0);
  client::Cluster cluster(shard, node.random(), options_for(broker));
  EXPECT_TRUE(co_await cluster.start(Instant::never()));
  client::ProducerOptions options;
  options.linger = 1ms;
  options.batch_bytes = 500;
  client::Producer producer(cluster, options, [&](const client::Delivery& delivery) {
    EXPECT_EQ(delivery.error, nullptr) << delivery.error->message;
    std::int64_t offset = delivery.base_offset;
    for (const std::uint64_t token : delivery.tokens)
      acknowledged["record " + std::to_string(token)] = {delivery.partition, offset++};
  });
  auto topic = co_await producer.topic(kTopic, Instant::never());
  EXPECT_TRUE(topic) << topic.error().message;
  for (int i = 0; i < count; ++i) {
    const std::string key = "key " + std::to_string(i % 17);
    const std::string value = "record " + std::to_string(i);
    EXPECT_TRUE(co_await producer.send(
        **topic, {.partition = {}, .key = key, .value = value, .headers = {}, .token = static_cast<std::uint64_t>(i)}));
    if (i % 10 == 9) co_await shard.sleep_until(shard.now() + std::chrono::microseconds(node.random().below(3000)));
  }
  EXPECT_TRUE(co_await producer.close(Instant::never()));
  co_await cluster.close();
  done = true;
}

/// A record as a consumer saw it.
struct Seen {
  std::int32_t partition;
  std::int64_t offset;
  std::string value;
};

/// Adds the records of a poll to `seen`.
void take(client::Polled& polled, std::vector<Seen>& seen) {
  record::RecordReader reader;
  for (const client::FetchedBatch& batch : polled.batches) {
    const auto read = client::for_each_record(reader, batch, [&](const record::RecordView& record) {
      seen.push_back({batch.where->partition, record.offset.value(), std::string(record.value.value_or(""))});
    });
    EXPECT_TRUE(read);
  }
  EXPECT_TRUE(polled.errors.empty()) << polled.errors.front().error.message;
}

/// Reads the topic from its start until `count` records came.
awaitable<void> consume(Machine& node, std::string broker, std::size_t count, std::vector<Seen>& seen, bool& done) {
  client::Cluster cluster(node.shard(0), node.random(), options_for(broker));
  EXPECT_TRUE(co_await cluster.start(Instant::never()));
  EXPECT_TRUE(co_await cluster.topic(kTopic, client::Cluster::AutoCreate::yes, Instant::never()));
  client::Consumer consumer(cluster, {.reset = client::OffsetReset::start});
  for (std::int32_t partition = 0; partition < kPartitions; ++partition)
    consumer.assign({kTopic, partition}, Offset{0});
  while (seen.size() < count) {
    auto polled = co_await consumer.poll(100ms);
    EXPECT_TRUE(polled) << polled.error().message;
    take(*polled, seen);
  }
  co_await consumer.close();
  co_await cluster.close();
  done = true;
}

/// A member of a group that reads until the group has seen `count` records, and commits what it read.
awaitable<void> consume_as_member(Machine& node, std::string broker, std::size_t count, std::vector<Seen>& seen,
                                  int& ended) {
  env::Shard& shard = node.shard(0);
  client::Cluster cluster(shard, node.random(), options_for(broker));
  EXPECT_TRUE(co_await cluster.start(Instant::never()));
  EXPECT_TRUE(co_await cluster.topic(kTopic, client::Cluster::AutoCreate::yes, Instant::never()));
  client::GroupOptions options;
  options.group = "readers";
  options.assignors = {assignment::Assignor::range};
  options.session_timeout = 6s;
  options.heartbeat_interval = 100ms;
  options.consumer.reset = client::OffsetReset::start;
  client::GroupConsumer member(cluster, {kTopic}, options);
  while (seen.size() < count) {
    auto polled = co_await member.poll(50ms);
    EXPECT_TRUE(polled) << polled.error().message;
    if (!polled) break;
    take(*polled, seen);
    if (polled->batches.empty()) continue;
    const auto committed = co_await member.commit_polled(shard.now() + 10s);
    if (!committed) EXPECT_EQ(committed.error().code, Errc::broker) << committed.error().message;
  }
  EXPECT_TRUE(co_await member.close(shard.now() + 10s));
  co_await cluster.close();
  ++ended;
}

/// Every acknowledged record is where the producer was told, nothing came twice, each partition has its records in the
/// order in which they were sent, and offsets have no gaps.
void expect_same(const Acknowledged& acknowledged, const std::vector<Seen>& seen) {
  std::map<std::int32_t, std::int64_t> next_offset;
  std::map<std::int32_t, int> last_sent;
  std::set<std::string> values;
  for (const Seen& record : seen) {
    EXPECT_EQ(record.offset, next_offset[record.partition]++);
    const int sent = std::stoi(record.value.substr(std::string_view("record ").size()));
    const auto before = last_sent.try_emplace(record.partition, -1).first;
    EXPECT_LT(std::exchange(before->second, sent), sent) << "in partition " << record.partition;
    EXPECT_TRUE(values.insert(record.value).second) << record.value << " came twice";
    const auto told = acknowledged.find(record.value);
    ASSERT_NE(told, acknowledged.end()) << record.value;
    EXPECT_EQ(told->second, std::pair(record.partition, record.offset)) << record.value;
  }
  EXPECT_EQ(values.size(), acknowledged.size());
}

std::uint64_t hash_of_a_life(std::uint64_t seed) {
  World world(seed);
  BrokerMachine broker(world, "broker");
  Machine& producers = world.add_machine("producers", {.shards = 1});
  Machine& consumers = world.add_machine("consumers", {.shards = 1});
  Acknowledged acknowledged;
  std::vector<Seen> seen;
  std::vector<Seen> seen_by_group;
  bool produced = false;
  bool consumed = false;
  int members_ended = 0;
  producers.spawn(produce(producers, "broker", 300, acknowledged, produced));
  consumers.spawn(consume(consumers, "broker", 300, seen, consumed));
  for (const char* host : {"member-1", "member-2"}) {
    Machine& machine = world.add_machine(host, {.shards = 1});
    machine.spawn(consume_as_member(machine, "broker", 300, seen_by_group, members_ended));
  }
  EXPECT_TRUE(world.run_until([&] { return produced && consumed && members_ended == 2; }, 2min));
  expect_same(acknowledged, seen);
  // A rebalance may give records that were not committed yet to another member, but loses none.
  std::set<std::string> values;
  for (const Seen& record : seen_by_group) values.insert(record.value);
  EXPECT_EQ(values.size(), acknowledged.size());
  return world.trace_hash();
}

TEST(Machine, BrokerWithItsClientsLivesTheSameLifeTwiceFromOneSeedAndAnotherFromAnother) {
  constexpr std::uint64_t kSeeds = 10;
  std::set<std::uint64_t> hashes;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const std::uint64_t first = hash_of_a_life(seed);
    EXPECT_EQ(first, hash_of_a_life(seed)) << "seed " << seed;
    hashes.insert(first);
  }
  EXPECT_EQ(hashes.size(), kSeeds);
}

class BrokerCrashes : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(BrokerCrashes, LoseNoAcknowledgedRecordAndDoubleNone) {
  World world(GetParam());
  BrokerMachine broker(world, "broker");
  Machine& producers = world.add_machine("producers", {.shards = 1});
  Acknowledged acknowledged;
  bool produced = false;
  producers.spawn(produce(producers, "broker", 400, acknowledged, produced));
  for (int crash = 0; crash < 4; ++crash) {
    world.run_for(std::chrono::microseconds(world.rng().below(60'000)));
    if (world.rng().one_in(2)) {
      broker.restart_after_kill();
    } else {
      broker.restart_after_power_loss(PowerLoss::any);
    }
  }
  ASSERT_TRUE(world.run_until([&] { return produced; }, 10min));
  Machine& consumers = world.add_machine("consumers", {.shards = 1});
  std::vector<Seen> seen;
  bool consumed = false;
  consumers.spawn(consume(consumers, "broker", 400, seen, consumed));
  EXPECT_TRUE(world.run_until([&] { return consumed; }, 1min)) << "read " << seen.size() << " records";
  EXPECT_EQ(acknowledged.size(), 400u);
  expect_same(acknowledged, seen);
  if (HasFailure())
    for (const std::string& line : broker.machine().log_lines()) std::cout << line << "\n";
}

/// A producer's life of 400 records while `trouble(world, broker)` makes some, again and again until all are
/// acknowledged; then everything is read.
template <class Trouble>
void live_through(std::uint64_t seed, Trouble trouble) {
  SCOPED_TRACE(seed);
  World world(seed);
  BrokerMachine broker(world, "broker");
  Machine& producers = world.add_machine("producers", {.shards = 1});
  Acknowledged acknowledged;
  bool produced = false;
  producers.spawn(produce(producers, "broker", 400, acknowledged, produced));
  for (int round = 0; round < 100 && !produced; ++round) {
    world.run_for(std::chrono::microseconds(world.rng().below(20'000)));
    trouble(world, broker);
  }
  ASSERT_TRUE(world.run_until([&] { return produced; }, 10min));
  Machine& consumers = world.add_machine("consumers", {.shards = 1});
  std::vector<Seen> seen;
  bool consumed = false;
  consumers.spawn(consume(consumers, "broker", 400, seen, consumed));
  EXPECT_TRUE(world.run_until([&] { return consumed; }, 1min)) << "read " << seen.size() << " records";
  EXPECT_EQ(acknowledged.size(), 400u);
  expect_same(acknowledged, seen);
}

TEST(BrokerFaults, NetworkThatCutsAndResetsLosesDoublesAndReordersNothing) {
  std::size_t resets = 0;
  std::uint64_t duplicates = 0;
  for (const std::uint64_t seed : seeds(20)) {
    std::uint64_t of_this_life = 0;
    live_through(seed, [&](World& world, BrokerMachine& broker) {
      const auto what = world.rng().below(3);
      if (what == 1) world.fabric().cut("broker", "producers");
      // Requests arrive, their answers do not: what was appended is sent again.
      if (what == 2) world.fabric().block("broker", "producers");
      if (what > 0) world.run_for(std::chrono::microseconds(world.rng().below(100'000)));
      if (what != 1) resets += world.fabric().reset("broker", "producers");
      world.fabric().heal();
      of_this_life = broker.duplicates();
    });
    duplicates += of_this_life;
  }
  EXPECT_GT(resets, 50u) << "the network was too good to prove anything";
  EXPECT_GT(duplicates, 20u) << "nothing was sent twice, so nothing is proved";
}

TEST(BrokerFaults, DiskWhoseSyncFailsTakesNothingBackThatWasAcknowledged) {
  int failures = 0;
  for (const std::uint64_t seed : seeds(30)) {
    live_through(seed, [&](World& world, BrokerMachine& broker) {
      Disk& disk = broker.machine().disk();
      disk.inject({.on = DiskFault::On::sync,
                   .path_part = ".log",
                   .after = static_cast<int>(world.rng().below(10)),
                   .how = static_cast<SyncFailure>(world.rng().below(3))});
      const bool failed = world.run_until([&] { return broker.node().is_offline(); }, 200ms);
      failures += failed ? 1 : 0;
      // What the cache shows now need not be on the disk; a restart alone does not make it so.
      world.run_for(std::chrono::microseconds(world.rng().below(50'000)));
      disk.clear_faults();
      if (!failed) return;
      if (world.rng().one_in(2)) {
        broker.restart_after_kill();
      } else {
        broker.restart_after_power_loss(PowerLoss::any);
      }
    });
  }
  EXPECT_GT(failures, 60) << "the disk was too good to prove anything";
}

/// Makes topics with more and with fewer partitions than are synced one by one, and deletes one of them.
awaitable<bool> make_and_delete_topics(Machine& node, std::string broker) {
  client::Cluster cluster(node.shard(0), node.random(), options_for(broker));
  EXPECT_TRUE(co_await cluster.start(Instant::never()));
  client::Admin admin(cluster);
  std::vector<client::NewTopic> topics;
  for (const auto& [name, partitions] : {std::pair{"many", 300}, {"few", 2}, {"gone", 20}})
    topics.push_back({.name = name, .partitions = partitions});
  const auto made = co_await admin.create_topics(topics, false, Instant::never());
  EXPECT_TRUE(made) << made.error().message;
  for (const client::CreatedTopic& topic : *made) EXPECT_FALSE(topic.error) << topic.error->message;
  EXPECT_TRUE(co_await admin.create_partitions("few", 40, false, Instant::never()));
  const auto deleted = co_await admin.delete_topics({"gone"}, Instant::never());
  EXPECT_TRUE(deleted && !deleted->front().error);
  co_await cluster.close();
  co_return true;
}

class TopicCrashes : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(TopicCrashes, LeaveWhatWasAnsweredAndTakeNothingElse) {
  World world(GetParam());
  BrokerMachine broker(world, "broker");
  Machine& admins = world.add_machine("admins", {.shards = 1});
  ASSERT_TRUE(world.run(admins, make_and_delete_topics(admins, "broker")));
  broker.restart_after_power_loss(PowerLoss::any);

  for (const auto& [name, partitions] : {std::pair{"many", 300}, {"few", 40}})
    for (int index = 0; index < partitions; ++index)
      EXPECT_TRUE(
          broker.machine().disk().durable_contents(fmt::format("/var/lib/mq/{}-{}/partition.metadata", name, index)))
          << name << "-" << index;
  std::size_t of_deleted = 0;
  for (const env::DirEntry& entry : broker.machine().files().list("/var/lib/mq").value())
    of_deleted += entry.name.starts_with("gone-") ? 1 : 0;
  EXPECT_EQ(of_deleted, 0U);
  for (const std::string& line : broker.machine().log_lines())
    EXPECT_EQ(line.find(" is gone"), std::string::npos) << line;
}

INSTANTIATE_TEST_SUITE_P(Seeds, TopicCrashes, ::testing::ValuesIn(seeds(5)));
INSTANTIATE_TEST_SUITE_P(Seeds, BrokerCrashes, ::testing::ValuesIn(seeds(30)));

}  // namespace
}  // namespace mq::sim
