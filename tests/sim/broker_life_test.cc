// Whole brokers with their clients in one thread from one seed: the seams are honest, or this cannot work.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <string>
#include <utility>

#include "broker/shard_broker.h"
#include "life.h"
#include "seeds.h"
#include "sim/checkers/groups.h"
#include "sim/checkers/records.h"
#include "sim/checkers/topics.h"
#include "sim/cluster/cluster.h"
#include "sim/workload/admins.h"
#include "sim/workload/producers.h"
#include "sim/workload/readers.h"

namespace mq::sim {
namespace {

constexpr int kPartitions = 3;
const std::string kTopic = "events";
const std::string kProducers = "producers";

ClusterOptions brokers_on(Store store) {
  return {.store = store, .configure = [](broker::NodeConfig& config) {
            config.partitions_default = kPartitions;
            config.offsets_partitions = 4;
          }};
}

ClientProgram produce_records(std::int64_t count) {
  return produce({.topic = kTopic, .records = count, .producer = {.linger = 1ms, .batch_bytes = 500}});
}

ClientProgram read_records(std::size_t count) {
  return read({.topic = kTopic, .partitions = kPartitions, .records = count});
}

/// Batches that came again since the last start, and were not appended again.
std::uint64_t duplicates(const Broker& broker) {
  std::uint64_t count = 0;
  for (const auto& shard : broker.node().shards()) count += shard->metrics().duplicate_batches.value();
  return count;
}

std::uint64_t hash_of_a_life(std::uint64_t seed, Store store, bool has_crashes) {
  constexpr std::size_t kFew = 300;
  Cluster cluster(seed, brokers_on(store));
  start(cluster.broker());
  Workload clients(cluster);
  clients.add(kProducers, produce_records(kFew));
  clients.add("consumers", read_records(kFew));
  for (const char* host : {"member-1", "member-2"})
    clients.add(host, join({.topic = kTopic, .group = "readers", .records = kFew, .is_patient = has_crashes}));
  for (int crashes = has_crashes ? 2 : 0; crashes > 0; --crashes) {
    cluster.world().run_for(std::chrono::microseconds(cluster.rng().below(60'000)));
    crash(cluster, cluster.broker());
  }
  EXPECT_TRUE(clients.end(2min));
  expect_kept(clients.history().complaints);
  expect_kept(judge_records(clients.history(), "consumers"));
  // A rebalance may give records that were not committed yet to another member, but loses none.
  expect_kept(judge_shared_records(clients.history(), "readers"));
  expect_kept(judge_assignments(clients.history()));
  return cluster.world().trace_hash();
}

TEST(BrokerLife, WithItsClientsIsTheSameTwiceFromOneSeedAndAnotherFromAnother) {
  constexpr std::uint64_t kSeeds = 10;
  std::set<std::uint64_t> hashes;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const std::uint64_t first = hash_of_a_life(seed, Store::sqlite, false);
    EXPECT_EQ(first, hash_of_a_life(seed, Store::sqlite, false)) << "seed " << seed;
    hashes.insert(first);
  }
  EXPECT_EQ(hashes.size(), kSeeds);
}

TEST(BrokerLife, WithCrashesIsTheSameTwiceOnEitherStore) {
  for (const Store store : {Store::sqlite, Store::model})
    for (std::uint64_t seed = 1; seed <= 3; ++seed)
      EXPECT_EQ(hash_of_a_life(seed, store, true), hash_of_a_life(seed, store, true)) << "seed " << seed;
}

TEST(BrokerLife, OfSeveralIsLivedOnOneStore) {
  Cluster cluster(1, {.brokers = 3, .store = Store::model});
  const auto started = cluster.start();
  ASSERT_TRUE(started) << started.error().message;
  const Uuid cluster_id = cluster.broker(0).node().cluster_id();
  cluster.broker(1).lose_power();
  EXPECT_TRUE(cluster.broker(2).stop());
  cluster.world().run_for(1s);
  EXPECT_TRUE(cluster.broker(0).is_made());
  for (const int index : {1, 2}) {
    EXPECT_FALSE(cluster.broker(index).is_made());
    start(cluster.broker(index));
  }
  for (int index = 0; index < cluster.size(); ++index) {
    EXPECT_EQ(cluster.broker(index).node().cluster_id(), cluster_id);
    EXPECT_EQ(cluster.broker(index).node().id(), BrokerId{index + 1});
  }
}

constexpr std::size_t kRecords = 400;

/// The producer ends; then everything is read.
void expect_everything(Cluster& cluster, Workload& clients) {
  ASSERT_TRUE(clients.run_to_end_of(kProducers, 10min));
  EXPECT_TRUE(clients.run("consumers", read_records(kRecords), 1min)) << "not all that was acknowledged can be read";
  EXPECT_EQ(clients.history().acknowledged.size(), kRecords);
  expect_kept(clients.history().complaints);
  expect_kept(judge_records(clients.history(), "consumers"));
  if (::testing::Test::HasFailure()) print_logs(cluster);
}

class BrokerCrashes : public ::testing::TestWithParam<std::pair<Store, std::uint64_t>> {};

TEST_P(BrokerCrashes, LoseNoAcknowledgedRecordAndDoubleNone) {
  const auto& [store, seed] = GetParam();
  Cluster cluster(seed, brokers_on(store));
  start(cluster.broker());
  Workload clients(cluster);
  clients.add(kProducers, produce_records(kRecords));
  for (int crashes = 0; crashes < 4; ++crashes) {
    cluster.world().run_for(std::chrono::microseconds(cluster.rng().below(60'000)));
    crash(cluster, cluster.broker());
  }
  expect_everything(cluster, clients);
}

/// A producer's life while `trouble` makes some, again and again until all is acknowledged.
template <class Trouble>
void live_through(Cluster& cluster, Trouble trouble) {
  start(cluster.broker());
  Workload clients(cluster);
  clients.add(kProducers, produce_records(kRecords));
  for (int round = 0; round < 100 && !clients.has_ended(kProducers); ++round) {
    cluster.world().run_for(std::chrono::microseconds(cluster.rng().below(20'000)));
    trouble();
  }
  expect_everything(cluster, clients);
}

TEST(BrokerFaults, NetworkThatCutsAndResetsLosesDoublesAndReordersNothing) {
  std::size_t resets = 0;
  std::uint64_t duplicated = 0;
  for (const std::uint64_t seed : seeds(20)) {
    SCOPED_TRACE(seed);
    Cluster cluster(seed, brokers_on(Store::sqlite));
    World& world = cluster.world();
    const std::string& host = cluster.broker().host();
    live_through(cluster, [&] {
      const auto what = world.rng().below(3);
      if (what == 1) world.fabric().cut(host, kProducers);
      // Requests arrive, their answers do not: what was appended is sent again.
      if (what == 2) world.fabric().block(host, kProducers);
      if (what > 0) world.run_for(std::chrono::microseconds(world.rng().below(100'000)));
      if (what != 1) resets += world.fabric().reset(host, kProducers);
      world.fabric().heal();
    });
    duplicated += duplicates(cluster.broker());
  }
  EXPECT_GT(resets, 50u) << "the network was too good to prove anything";
  EXPECT_GT(duplicated, 20u) << "nothing was sent twice, so nothing is proved";
}

TEST(BrokerFaults, DiskWhoseSyncFailsTakesNothingBackThatWasAcknowledged) {
  int failures = 0;
  for (const std::uint64_t seed : seeds(60)) {
    SCOPED_TRACE(seed);
    Cluster cluster(seed, brokers_on(Store::sqlite));
    World& world = cluster.world();
    Broker& broker = cluster.broker();
    live_through(cluster, [&] {
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
      if (failed) crash(cluster, broker);
    });
  }
  EXPECT_GT(failures, 100) << "the disk was too good to prove anything";
}

KeptDirectories kept_directories(Broker& broker) {
  KeptDirectories kept;
  for (const env::DirEntry& entry : broker.machine().files().list(Cluster::kDataDir).value()) {
    kept.listed.insert(entry.name);
    const std::string identity = fmt::format("{}/{}/partition.metadata", Cluster::kDataDir, entry.name);
    if (broker.machine().disk().durable_contents(identity)) kept.durable.insert(entry.name);
  }
  return kept;
}

class TopicCrashes : public ::testing::TestWithParam<std::pair<Store, std::uint64_t>> {};

TEST_P(TopicCrashes, LeaveWhatWasAnsweredAndTakeNothingElse) {
  const auto& [store, seed] = GetParam();
  Cluster cluster(seed, brokers_on(store));
  Broker& broker = cluster.broker();
  start(broker);
  Workload clients(cluster);
  // More and fewer partitions than are synced one by one.
  ASSERT_TRUE(clients.run("admins",
                          make_topics({{.name = "many", .partitions = 300},
                                       {.name = "few", .partitions = 2, .partitions_later = 40},
                                       {.name = "gone", .partitions = 20, .is_deleted = true}}),
                          1h));
  broker.lose_power(PowerLoss::any);
  start(broker);
  expect_kept(clients.history().complaints);
  EXPECT_EQ(clients.history().topics.size(), 2U);
  expect_kept(judge_topics(clients.history(), kept_directories(broker)));
  for (const std::string& line : broker.machine().log_lines())
    EXPECT_EQ(line.find(" is gone"), std::string::npos) << line;
}

std::vector<std::pair<Store, std::uint64_t>> lives(std::size_t on_sqlite, std::size_t on_model) {
  std::vector<std::pair<Store, std::uint64_t>> all;
  for (const std::uint64_t seed : seeds(on_sqlite)) all.emplace_back(Store::sqlite, seed);
  for (const std::uint64_t seed : seeds(on_model)) all.emplace_back(Store::model, seed);
  return all;
}

std::string life_name(const ::testing::TestParamInfo<std::pair<Store, std::uint64_t>>& life) {
  return fmt::format("{}{}", life.param.first == Store::sqlite ? "Sqlite" : "Model", life.param.second);
}

INSTANTIATE_TEST_SUITE_P(Seeds, TopicCrashes, ::testing::ValuesIn(lives(5, 3)), life_name);
INSTANTIATE_TEST_SUITE_P(Seeds, BrokerCrashes, ::testing::ValuesIn(lives(30, 10)), life_name);

}  // namespace
}  // namespace mq::sim
