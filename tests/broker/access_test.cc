// What somebody is told who may not: the same whether the topic is there or not.

#include "broker/access.h"

#include <vector>

#include "broker_fixture.h"
#include "wire/messages/create_partitions.h"
#include "wire/messages/create_topics.h"
#include "wire/messages/delete_records.h"
#include "wire/messages/delete_topics.h"
#include "wire/messages/describe_configs.h"
#include "wire/messages/describe_log_dirs.h"
#include "wire/messages/describe_producers.h"
#include "wire/messages/describe_topic_partitions.h"
#include "wire/messages/incremental_alter_configs.h"
#include "wire/messages/init_producer_id.h"
#include "wire/messages/list_offsets.h"
#include "wire/messages/metadata.h"
#include "wire/messages/offset_for_leader_epoch.h"

namespace mq::broker {
namespace {

using testing::make_batch;
using testing::only_row;
using testing::Peer;
using testing::produce_request;

constexpr auto kDenied = ErrorCode::kTopicAuthorizationFailed;
constexpr std::int8_t kTopicResource = 2;
constexpr std::int8_t kBrokerResource = 4;

/// "open" and "secret" are there, "secret too" is not. Nobody may do anything to the secret ones, nor to the cluster.
class Access : public testing::BrokerTest {
 public:
  void SetUp() override {
    start();
    create_topic("open", 1);
    create_topic("secret", 1);
    node_->services().set_authorizer([](const Principal& who, AclOperation, const Resource& what) {
      EXPECT_EQ(who, anonymous());
      return what.type == ResourceType::topic && !what.name.starts_with("secret");
    });
  }
  template <class Request>
  typename Request::Response ask(Request request, ApiVersion version) {
    return run([](sim::Machine& client, Request asked, ApiVersion in) -> awaitable<typename Request::Response> {
      auto peer = co_await Peer::connect(client);
      co_return co_await peer->call(asked, in);
    }(*client_, std::move(request), version));
  }
};

const std::string kNames[] = {"open", "secret", "secret-too"};

[[nodiscard]] ErrorCode wanted(const std::string& name) { return name == "open" ? ErrorCode::kNone : kDenied; }

TEST_F(Access, ProduceAndFetch) {
  for (const std::string& name : kNames) {
    const std::string batch = make_batch({});
    EXPECT_EQ(only_row(ask(produce_request(name, 0, batch), testing::kProduceVersion)).error_code, wanted(name));
    wire::FetchRequest fetch;
    fetch.max_bytes = 1000;
    auto& topic = fetch.topics.emplace_back();
    topic.topic = name;
    topic.partitions.emplace_back().partition_max_bytes = 1000;
    EXPECT_EQ(ask(fetch, 12).responses.at(0).partitions.at(0).error_code, wanted(name)) << name;
  }
}

TEST_F(Access, WhatLooksAtALog) {
  for (const std::string& name : kNames) {
    wire::ListOffsetsRequest offsets;
    auto& of = offsets.topics.emplace_back();
    of.name = name;
    of.partitions.emplace_back().timestamp = -2;
    EXPECT_EQ(ask(offsets, 7).topics.at(0).partitions.at(0).error_code, wanted(name)) << name;

    wire::OffsetForLeaderEpochRequest epochs;
    auto& by = epochs.topics.emplace_back();
    by.topic = name;
    by.partitions.emplace_back().leader_epoch = 0;
    EXPECT_EQ(ask(epochs, 4).topics.at(0).partitions.at(0).error_code, wanted(name)) << name;

    wire::DescribeProducersRequest producers;
    producers.topics.push_back({.name = name, .partition_indexes = {0}});
    EXPECT_EQ(ask(producers, 0).topics.at(0).partitions.at(0).error_code, wanted(name)) << name;

    wire::DeleteRecordsRequest records;
    auto& from = records.topics.emplace_back();
    from.name = name;
    from.partitions.emplace_back().offset = 0;
    EXPECT_EQ(ask(records, 2).topics.at(0).partitions.at(0).error_code, wanted(name)) << name;
  }
}

TEST_F(Access, WhatDescribesTopics) {
  wire::MetadataRequest metadata;
  metadata.topics.emplace();
  wire::DescribeTopicPartitionsRequest pages;
  wire::DescribeConfigsRequest configs;
  for (const std::string& name : kNames) {
    metadata.topics->emplace_back().name = name;
    pages.topics.emplace_back().name = name;
    configs.resources.push_back({.resource_type = kTopicResource, .resource_name = name});
  }
  for (const auto& topic : ask(metadata, 9).topics) EXPECT_EQ(topic.error_code, wanted(*topic.name));
  for (const auto& topic : ask(pages, 0).topics) EXPECT_EQ(topic.error_code, wanted(*topic.name));
  for (const auto& result : ask(configs, 4).results) EXPECT_EQ(result.error_code, wanted(result.resource_name));
}

TEST_F(Access, WhatIsNamedAndMissingIsMadeForWhoMayCreateIt) {
  node_->services().set_authorizer([](const Principal&, AclOperation operation, const Resource& what) {
    return operation == AclOperation::describe || what.name == "mine";
  });
  wire::MetadataRequest metadata;
  metadata.topics.emplace();
  metadata.topics->emplace_back().name = "mine";
  metadata.topics->emplace_back().name = "not-mine";
  const auto answer = ask(metadata, 9);
  EXPECT_EQ(answer.topics.at(0).error_code, ErrorCode::kNone);
  EXPECT_EQ(answer.topics.at(1).error_code, kDenied);
}

TEST_F(Access, AmongAllTopicsOnlyThoseThatMayBeSeen) {
  wire::MetadataRequest metadata;
  const auto all = ask(metadata, 9);
  ASSERT_EQ(all.topics.size(), 1u);
  EXPECT_EQ(all.topics.front().name, "open");
  wire::DescribeTopicPartitionsRequest pages;
  pages.response_partition_limit = 10;
  ASSERT_EQ(ask(pages, 0).topics.size(), 1u);
}

TEST_F(Access, WhatChangesTopics) {
  wire::CreateTopicsRequest create;
  for (const char* name : {"open-too", "secret", "secret-too"})
    create.topics.push_back({.name = name, .num_partitions = 1, .replication_factor = 1});
  const auto created = ask(create, 7);
  EXPECT_EQ(created.topics.at(0).error_code, ErrorCode::kNone);
  EXPECT_EQ(created.topics.at(1).error_code, kDenied);
  EXPECT_EQ(created.topics.at(2).error_code, kDenied);

  wire::IncrementalAlterConfigsRequest alter;
  wire::CreatePartitionsRequest grow;
  wire::DeleteTopicsRequest remove;
  for (const std::string& name : kNames) {
    auto& resource = alter.resources.emplace_back();
    resource.resource_type = kTopicResource;
    resource.resource_name = name;
    auto& change = resource.configs.emplace_back();
    change.name = "retention.ms";
    change.value = "1000";
    grow.topics.push_back({.name = name, .count = 2});
    remove.topic_names.push_back(name);
  }
  for (const auto& row : ask(alter, 1).responses) EXPECT_EQ(row.error_code, wanted(row.resource_name));
  for (const auto& row : ask(grow, 3).results) EXPECT_EQ(row.error_code, wanted(row.name));
  for (const auto& row : ask(remove, 5).responses) EXPECT_EQ(row.error_code, wanted(*row.name));
}

TEST_F(Access, TheClusterIsAResourceOfItsOwn) {
  EXPECT_EQ(ask(wire::DescribeLogDirsRequest{}, 4).error_code, ErrorCode::kClusterAuthorizationFailed);
  EXPECT_EQ(ask(wire::InitProducerIdRequest{}, 4).error_code, ErrorCode::kClusterAuthorizationFailed);
  wire::DescribeConfigsRequest configs;
  configs.resources.push_back({.resource_type = kBrokerResource, .resource_name = "1"});
  EXPECT_EQ(ask(configs, 4).results.at(0).error_code, ErrorCode::kClusterAuthorizationFailed);
}

}  // namespace
}  // namespace mq::broker
