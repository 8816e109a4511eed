#include <gtest/gtest.h>

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "broker/api/api.h"
#include "broker/cluster_metrics.h"
#include "broker/metrics.h"
#include "config/option.h"
#include "model/api_key.h"
#include "model/error_code.h"

namespace mq {
namespace {

TEST(ErrorCodes, EveryCodeHasItsNameOnceAndInOrder) {
  std::set<std::string_view> names;
  int last = -2;
  for (const ErrorCodeInfo& row : error_codes()) {
    EXPECT_FALSE(row.name.empty());
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_GT(static_cast<int>(row.code), last) << row.name;
    EXPECT_EQ(name_of(row.code), row.name);
    last = static_cast<int>(row.code);
  }
}

TEST(Apis, EveryApiHasANameAndARangeOfVersions) {
  for (const ApiInfo& row : apis()) {
    EXPECT_FALSE(row.name.empty());
    EXPECT_LE(row.version_min, row.version_max) << row.name;
    EXPECT_EQ(find_api(static_cast<std::int16_t>(row.key)), &row) << row.name;
  }
}

TEST(Apis, EveryApiThatIsKnownIsServed) {
  const auto served = broker::api_table();
  const auto known = apis();
  ASSERT_EQ(served.size(), known.size());
  for (std::size_t i = 0; i < known.size(); ++i) {
    EXPECT_EQ(served[i]->key, known[i].key) << known[i].name;
    EXPECT_NE(served[i]->start, nullptr) << known[i].name;
    EXPECT_EQ(broker::find_entry(known[i].key), served[i]) << known[i].name;
  }
}

/// What Kafka's authorizer is asked: T topic, G group, C cluster, X transactional id. "suffices": who may do it to the
/// cluster may do it to each topic.
constexpr std::pair<ApiKey, std::string_view> kRights[] = {
    {ApiKey::kProduce, "WRITE T, WRITE X"},
    {ApiKey::kFetch, "READ T, CLUSTER_ACTION C"},
    {ApiKey::kListOffsets, "DESCRIBE T"},
    {ApiKey::kMetadata, "DESCRIBE T"},
    {ApiKey::kOffsetCommit, "READ T, READ G"},
    {ApiKey::kOffsetFetch, "DESCRIBE T, DESCRIBE G"},
    {ApiKey::kFindCoordinator, "DESCRIBE G, DESCRIBE X"},
    {ApiKey::kJoinGroup, "READ G"},
    {ApiKey::kHeartbeat, "READ G"},
    {ApiKey::kLeaveGroup, "READ G"},
    {ApiKey::kSyncGroup, "READ G"},
    {ApiKey::kDescribeGroups, "DESCRIBE G"},
    {ApiKey::kListGroups, "DESCRIBE G, DESCRIBE C"},
    {ApiKey::kApiVersions, ""},
    {ApiKey::kCreateTopics, "CREATE T, CREATE C suffices"},
    {ApiKey::kDeleteTopics, "DELETE T, DELETE C suffices"},
    {ApiKey::kDeleteRecords, "DELETE T"},
    {ApiKey::kInitProducerId, "IDEMPOTENT_WRITE C, WRITE X"},
    {ApiKey::kOffsetForLeaderEpoch, "DESCRIBE T, CLUSTER_ACTION C suffices"},
    {ApiKey::kDescribeConfigs, "DESCRIBE_CONFIGS T, DESCRIBE_CONFIGS C"},
    {ApiKey::kAlterConfigs, "ALTER_CONFIGS T, ALTER_CONFIGS C"},
    {ApiKey::kDescribeLogDirs, "DESCRIBE C suffices"},
    {ApiKey::kCreatePartitions, "ALTER T"},
    {ApiKey::kDeleteGroups, "DELETE G"},
    {ApiKey::kElectLeaders, "ALTER C"},
    {ApiKey::kIncrementalAlterConfigs, "ALTER_CONFIGS T, ALTER_CONFIGS C"},
    {ApiKey::kAlterPartitionReassignments, "ALTER C"},
    {ApiKey::kListPartitionReassignments, "DESCRIBE C"},
    {ApiKey::kOffsetDelete, "READ T, DELETE G"},
    {ApiKey::kDescribeCluster, ""},
    {ApiKey::kDescribeProducers, "READ T"},
    {ApiKey::kUnregisterBroker, "ALTER C"},
    {ApiKey::kDescribeTopicPartitions, "DESCRIBE T"},
    // Ours, between brokers, as Kafka's requests between brokers.
    {ApiKey::kPeerStatus, "CLUSTER_ACTION C"},
    {ApiKey::kLogEnds, "CLUSTER_ACTION C"},
    // Ours, of operators, as UnregisterBroker.
    {ApiKey::kDrainBroker, "ALTER C"},
    {ApiKey::kStoreStatus, "ALTER C"},
    {ApiKey::kAcceptStore, "ALTER C"},
};

std::string_view name_of(broker::AclOperation operation) {
  using enum broker::AclOperation;
  switch (operation) {
    case read:
      return "READ";
    case write:
      return "WRITE";
    case create:
      return "CREATE";
    case remove:
      return "DELETE";
    case alter:
      return "ALTER";
    case describe:
      return "DESCRIBE";
    case cluster_action:
      return "CLUSTER_ACTION";
    case describe_configs:
      return "DESCRIBE_CONFIGS";
    case alter_configs:
      return "ALTER_CONFIGS";
    case idempotent_write:
      return "IDEMPOTENT_WRITE";
  }
  return "?";
}

std::string text_of(const broker::Needs& needs) {
  std::string text;
  const auto add = [&](std::optional<broker::AclOperation> operation, std::string_view resource) {
    if (operation) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name_of(*operation), resource);
  };
  add(needs.topic, "T");
  add(needs.group, "G");
  add(needs.cluster, "C");
  if (needs.cluster_suffices) text += " suffices";
  add(needs.transactional_id, "X");
  return text;
}

TEST(Apis, EveryApiNeedsTheRightsThatItNeedsInKafka) {
  const auto served = broker::api_table();
  ASSERT_EQ(served.size(), std::size(kRights)) << "an API without a line, or a line without an API";
  for (std::size_t i = 0; i < served.size(); ++i) {
    EXPECT_EQ(served[i]->key, kRights[i].first);
    EXPECT_EQ(text_of(served[i]->needs), kRights[i].second) << api_info(served[i]->key).name;
  }
}

void expect_whole(std::span<const config::OptionRow> rows) {
  std::string_view last;
  for (const config::OptionRow& row : rows) {
    EXPECT_LT(last, row.name);
    EXPECT_FALSE(row.text.empty()) << row.name;
    const bool is_number = row.type == config::OptionType::integer || row.type == config::OptionType::short_integer ||
                           row.type == config::OptionType::long_integer || row.type == config::OptionType::real;
    EXPECT_EQ(is_number, row.unit != config::Unit::none) << row.name << " and its unit";
    if (!row.may_be_unset || !row.fallback.empty()) {
      EXPECT_TRUE(config::parse(row, row.fallback)) << row.name << " and its default '" << row.fallback << "'";
    }
    last = row.name;
  }
}

TEST(Settings, EveryTopicOptionHasTextUnitAndADefaultThatParses) { expect_whole(config::topic_options()); }
TEST(Settings, EveryBrokerOptionHasTextUnitAndADefaultThatParses) { expect_whole(config::broker_options()); }

TEST(Metrics, EveryRowHasTextUnitAndANameOfItsOwn) {
  std::set<std::string_view> names;
  std::vector<metrics::MetricRow> rows(broker::metric_rows().begin(), broker::metric_rows().end());
  rows.insert(rows.end(), broker::cluster_metric_rows().begin(), broker::cluster_metric_rows().end());
  for (const metrics::MetricRow& row : rows) {
    EXPECT_EQ(metrics::problem_of(row), nullptr) << row.name << ": " << metrics::problem_of(row);
    EXPECT_TRUE(row.name.starts_with("mq_") || row.name.starts_with("process_")) << row.name;
    EXPECT_TRUE(names.insert(row.name).second) << row.name << " stands twice";
  }
  EXPECT_EQ(broker::metric_rows().size(), static_cast<std::size_t>(broker::Metric::process_max_fds) + 1);
  EXPECT_EQ(broker::cluster_metric_rows().size(), static_cast<std::size_t>(broker::ClusterMetric::store_reachable) + 1);
}

TEST(Metrics, EveryApiHasAPlaceOfItsOwnAndUnknownKeysShareOne) {
  std::set<std::uint8_t> places;
  for (const ApiInfo& api : apis())
    EXPECT_TRUE(places.insert(broker::ShardMetrics::place_of(static_cast<std::int16_t>(api.key))).second) << api.name;
  for (const int key : {-1, 4, 127, 128, 32767})
    EXPECT_EQ(broker::ShardMetrics::place_of(static_cast<std::int16_t>(key)), 0) << key;
  EXPECT_FALSE(places.contains(0));
}

}  // namespace
}  // namespace mq
