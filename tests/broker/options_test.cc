// What an operator sets arrives where it counts.

#include <gtest/gtest.h>

#include "broker/node_config.h"
#include "broker/settings.h"

namespace mq::broker {
namespace {

TEST(Options, LimitsReachTheNode) {
  NodeConfig config;
  const auto applied = apply_options({{"max.connections.per.ip", "7"},
                                      {"max.incremental.fetch.session.cache.slots", "8"},
                                      {"fetch.max.bytes", "9000"},
                                      {"broker.rack", "r1"},
                                      {"log.cleaner.enable", "false"},
                                      {"offsets.topic.segment.bytes", "5000000"},
                                      {"offsets.retention.check.interval.ms", "1000"}},
                                     config);
  ASSERT_TRUE(applied) << applied.error().message;
  EXPECT_EQ(config.connections_per_ip_max, 7u);
  EXPECT_EQ(config.fetch_sessions_max, 8u);
  EXPECT_EQ(config.fetch_bytes_max, 9000);
  EXPECT_EQ(config.rack, "r1");
  EXPECT_FALSE(config.compaction);
  EXPECT_EQ(config.offsets_segment_bytes, 5'000'000);
  EXPECT_EQ(config.offsets_retention_check_interval, 1s);
}

TEST(Options, DefaultsOfTheTableAreThoseOfANodeWithoutAny) {
  NodeConfig config;
  ASSERT_TRUE(apply_options({}, config));
  const NodeConfig plain;
  EXPECT_EQ(config.request_bytes_max, plain.request_bytes_max);
  EXPECT_EQ(config.queued_request_bytes_max, plain.queued_request_bytes_max);
  EXPECT_EQ(config.connections_max, plain.connections_max);
  EXPECT_EQ(config.connections_per_ip_max, plain.connections_per_ip_max);
  EXPECT_EQ(config.connection_rate_max, plain.connection_rate_max);
  EXPECT_EQ(config.connection_rate_per_ip_max, plain.connection_rate_per_ip_max);
  EXPECT_EQ(config.fetch_bytes_max, plain.fetch_bytes_max);
  EXPECT_EQ(config.fetch_sessions_max, plain.fetch_sessions_max);
  EXPECT_EQ(config.offsets_segment_bytes, plain.offsets_segment_bytes);
}

TEST(Options, MoreReplicasThanThereAreBrokersAreRefusedAtStart) {
  NodeConfig config;
  for (const char* name : {"default.replication.factor", "offsets.topic.replication.factor"}) {
    EXPECT_FALSE(apply_options({{name, "3"}}, config)) << name;
    EXPECT_TRUE(apply_options({{name, "1"}}, config)) << name;
  }
}

TEST(Options, MinInsyncReplicasOfATopicStandsOverTheBrokers) {
  NodeConfig config;
  ASSERT_TRUE(apply_options({{"min.insync.replicas", "2"}}, config));
  EXPECT_EQ(resolve_settings({}, config)->insync_replicas_min, 2u);
  EXPECT_EQ(resolve_settings({{"min.insync.replicas", "1"}}, config)->insync_replicas_min, 1u);
}

}  // namespace
}  // namespace mq::broker
