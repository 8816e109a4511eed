// A stop amid everything: whatever was under way on whichever shard has ended when the logs are closed.

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "life.h"
#include "seeds.h"
#include "sim/checkers/groups.h"
#include "sim/checkers/records.h"
#include "sim/cluster/cluster.h"
#include "sim/workload/admins.h"
#include "sim/workload/producers.h"
#include "sim/workload/readers.h"

namespace mq::sim {
namespace {

constexpr int kStoppedPartitions = 6;
const std::string kStoppedTopic = "events";
const JoinOptions kMember{.topic = kStoppedTopic, .group = "readers", .is_patient = true};

ClusterOptions three_shards(std::int32_t offsets_partitions, Duration housekeeping_interval) {
  return {.machine = {.shards = 3}, .configure = [=](broker::NodeConfig& config) {
            config.partitions_default = kStoppedPartitions;
            config.offsets_partitions = offsets_partitions;
            config.housekeeping_interval = housekeeping_interval;
          }};
}

void stop(Broker& broker) {
  EXPECT_TRUE(broker.stop(10s));
  EXPECT_TRUE(broker.machine().files().exists("/var/lib/mq/.kafka_cleanshutdown").value());
}

class Stop : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(Stop, AmidEverythingIsCleanAndLosesNothing) {
  constexpr std::size_t kRecordsSent = 600;
  Cluster cluster(GetParam(), three_shards(4, 30s));
  Broker& broker = cluster.broker();
  start(broker);
  Workload clients(cluster);
  clients.add("producer", produce({.topic = kStoppedTopic,
                                   .records = kRecordsSent,
                                   .partitions = kStoppedPartitions,
                                   .burst = 5,
                                   .producer = {.linger = 1ms, .batch_bytes = 300}}));
  for (const char* host : {"admin-1", "admin-2"}) clients.add(host, make_and_delete_topics());
  for (const char* host : {"member-1", "member-2"}) clients.add(host, join(kMember));
  for (int round = 0; round < 3; ++round) {
    cluster.world().run_for(std::chrono::microseconds(20'000 + cluster.rng().below(80'000)));
    stop(broker);
    start(broker);
  }
  ASSERT_TRUE(clients.run_to_end_of("producer", 5min));
  ASSERT_TRUE(clients.end(5min));
  EXPECT_TRUE(clients.run(
      "reader", read({.topic = kStoppedTopic, .partitions = kStoppedPartitions, .records = kRecordsSent}), 1min));
  EXPECT_EQ(clients.history().acknowledged.size(), kRecordsSent);
  expect_kept(clients.history().complaints);
  expect_kept(judge_records(clients.history(), "reader"));
  EXPECT_TRUE(clients.history().seen.contains(kMember.group)) << "the members read nothing, so nothing is proved";
  expect_kept(judge_assignments(clients.history()));
  if (HasFailure()) print_logs(cluster);
}

TEST_P(Stop, AtAnyStepOfAStartThatLoadsGroupsIsCleanAndLosesNoOffset) {
  // So much text that a load takes several steps.
  const CommitOptions commits{.topic = kStoppedTopic, .groups = 60, .commits = 700, .metadata_bytes = 4000};
  Cluster cluster(GetParam(), three_shards(2, 3ms));  // compaction and checkpoints are under way too
  Broker& broker = cluster.broker();
  start(broker);
  Workload clients(cluster);
  ASSERT_TRUE(clients.run("committer", commit_for_groups(commits), 10min));
  stop(broker);
  // These ask and commit in every state that the broker is in.
  clients.add("asker", make_and_delete_topics());
  clients.add("member", join(kMember));
  for (int round = 0; round < 20; ++round) {
    start(broker);
    std::uint64_t steps = cluster.rng().below(round % 2 == 0 ? 100 : 2000);
    (void)cluster.world().run_until([&] { return steps-- == 0; }, 1s);
    stop(broker);
  }
  start(broker);
  EXPECT_TRUE(clients.run("reader", look_up_commits(commits), 1min));
  EXPECT_EQ(clients.history().commits.size(), 2U * 700U + 60U);
  expect_kept(clients.history().complaints);
  expect_kept(judge_commits(clients.history()));
  ASSERT_TRUE(clients.end(5min));
  if (HasFailure()) print_logs(cluster);
}

INSTANTIATE_TEST_SUITE_P(Seeds, Stop, ::testing::ValuesIn(seeds(10)));

}  // namespace
}  // namespace mq::sim
