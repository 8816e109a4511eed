// Our encoding against the bytes of Kafka's own classes, for every message and version.

#include "wire/golden.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "model/api_key.h"
#include "wire/every_message.h"
#include "wire/header.h"

namespace mq::wire {
namespace {

TEST(Golden, EveryMessageOfEveryVersionKeepsItsBytes) {
  for_every_message([]<class M> {
    if constexpr (requires { M::kApi; })
      if (is_our_own(M::kApi)) return;  // below
    std::set<ApiVersion> seen;
    for (const Golden& golden : golden_messages()) {
      if (golden.name != M::kName) continue;
      SCOPED_TRACE(golden.title());
      seen.insert(golden.version);
      auto message = decode_any<M>(golden.bytes, golden.version);
      ASSERT_TRUE(message) << message.error().message;
      EXPECT_EQ(encode_any(*message, golden.version), golden.bytes) << print(*message, golden.version);
    }
    for (ApiVersion v = M::kVersions.first; v <= M::kVersions.last; ++v)
      EXPECT_TRUE(seen.contains(v)) << M::kName << " v" << v;
    EXPECT_EQ(seen.size(), static_cast<std::size_t>(M::kVersions.last - M::kVersions.first + 1)) << M::kName;
  });
}

template <class M>
void expect_bytes(std::string_view hex) {
  const std::string bytes = from_hex(hex);
  const auto message = decode_any<M>(bytes, 0);
  ASSERT_TRUE(message) << message.error().message;
  EXPECT_EQ(encode_any(*message, 0), bytes) << print(*message, 0);
}

TEST(Golden, WhatIsOurOwnIsAsTheFormatsSay) {
  const std::string topic = "000102030405060708090a0b0c0d0e0f";
  expect_bytes<PeerStatusRequest>("00");
  expect_bytes<PeerStatusResponse>(
      "0000"
      "00000003"
      "0000000000000007"
      "01"
      "00");
  expect_bytes<LogEndsRequest>("02" + topic +
                               "03"
                               "00000000"
                               "00000005"
                               "00"
                               "00");
  expect_bytes<LogEndsResponse>(
      "0000"
      "02" +
      topic +
      "02"
      "00000005"
      "00000002"
      "000000000000002a"
      "00"
      "00"
      "00");

  const std::string holdings =
      "00000003"
      "185e26068da5b0f008c50ac36d8c6168"
      "185e26068da5b0f008c50ac36d8c6168"
      "0000000000000007"
      "01"
      "00000000000003e8"
      "02" +
      topic +
      "0274"
      "02"
      "00000005"
      "00000002"
      "ffffffff"
      "00"
      "00"
      "00";
  expect_bytes<StoreStatusRequest>("00");
  expect_bytes<StoreStatusResponse>("002a0277" + holdings + "00");
  expect_bytes<AcceptStoreRequest>("0102" + holdings + "020000000400");
  expect_bytes<AcceptStoreResponse>(
      "002a"
      "026e"
      "0200000004"
      "02"
      "0274" +
      topic +
      "00000001"
      "01"
      "00"
      "00000009"
      "00");

  expect_bytes<DrainBrokerRequest>(
      "00000003"
      "01"
      "00");
  expect_bytes<DrainBrokerResponse>(
      "002a"
      "03"
      "6e6f"
      "00");
  // Broker 3 is drained, and has no rack.
  expect_bytes<DescribeClusterResponse>(
      "00000000"
      "0000"
      "00"
      "0263"
      "00000003"
      "02"
      "00000003"
      "0268"
      "00002384"
      "00"
      "01"
      "904e"
      "01"
      "01"
      "80000000"
      "00");

  const auto status = decode_any<PeerStatusResponse>(from_hex("0000"
                                                              "00000003"
                                                              "0000000000000007"
                                                              "01"
                                                              "00"),
                                                     0);
  ASSERT_TRUE(status);
  EXPECT_EQ(status->broker_id, 3);
  EXPECT_EQ(status->broker_epoch, 7);
  EXPECT_TRUE(status->is_anew);
}

TEST(Golden, EveryLineIsAMessageThatWeKnow) {
  std::set<std::string> known;
  for_every_message([&]<class M> { known.emplace(M::kName); });
  for (const Golden& golden : golden_messages())
    EXPECT_TRUE(known.contains(golden.name) || golden.name.find("Header/") != std::string::npos) << golden.name;
}

TEST(Golden, RequestHeadersKeepTheirBytes) {
  int seen = 0;
  for (const Golden& golden : golden_messages()) {
    if (!golden.name.starts_with("RequestHeader/")) continue;
    SCOPED_TRACE(golden.title());
    ++seen;
    const int key = std::stoi(golden.name.substr(golden.name.find('/') + 1));
    Reader in(golden.bytes);
    auto header = decode_request_header(in);
    ASSERT_TRUE(header) << header.error().message;
    EXPECT_EQ(in.remaining(), 0u);
    EXPECT_EQ(header->api_key, key);
    EXPECT_EQ(header->api_version, golden.version);
    EXPECT_EQ(header->correlation_id, 1'000'000 * (key + 1) + golden.version);
    EXPECT_EQ(header->client_id.has_value(), golden.filling != "null");
    std::string again;
    encode_request_header(*header, again);
    EXPECT_EQ(again, golden.bytes);
  }
  EXPECT_GT(seen, 500);
}

TEST(Golden, ResponseHeadersKeepTheirBytes) {
  int seen = 0;
  for (const Golden& golden : golden_messages()) {
    if (!golden.name.starts_with("ResponseHeader/")) continue;
    SCOPED_TRACE(golden.title());
    ++seen;
    const auto key = static_cast<ApiKey>(std::stoi(golden.name.substr(golden.name.find('/') + 1)));
    Reader in(golden.bytes);
    auto correlation_id = decode_response_header(in, key, golden.version);
    ASSERT_TRUE(correlation_id) << correlation_id.error().message;
    EXPECT_EQ(in.remaining(), 0u);
    std::string again;
    encode_response_header(key, golden.version, *correlation_id, again);
    EXPECT_EQ(again, golden.bytes);
  }
  EXPECT_GT(seen, 150);
}

TEST(ApiTable, HasTheVersionsOfKafka) {
  struct Row {
    std::int16_t key;
    std::string_view name;
    ApiVersion min;
    ApiVersion max;
  };
  // What a broker of Kafka 4.3.1 advertises.
  constexpr Row kKafka[] = {
      {0, "Produce", 0, 13},
      {1, "Fetch", 4, 18},
      {2, "ListOffsets", 1, 11},
      {3, "Metadata", 0, 13},
      {8, "OffsetCommit", 2, 10},
      {9, "OffsetFetch", 1, 10},
      {10, "FindCoordinator", 0, 6},
      {11, "JoinGroup", 0, 9},
      {12, "Heartbeat", 0, 4},
      {13, "LeaveGroup", 0, 5},
      {14, "SyncGroup", 0, 5},
      {15, "DescribeGroups", 0, 6},
      {16, "ListGroups", 0, 5},
      {18, "ApiVersions", 0, 4},
      {19, "CreateTopics", 2, 7},
      {20, "DeleteTopics", 1, 6},
      {21, "DeleteRecords", 0, 2},
      {22, "InitProducerId", 0, 5},
      {23, "OffsetForLeaderEpoch", 2, 4},
      {32, "DescribeConfigs", 1, 4},
      {33, "AlterConfigs", 0, 2},
      {35, "DescribeLogDirs", 1, 5},
      {37, "CreatePartitions", 0, 3},
      {42, "DeleteGroups", 0, 2},
      {43, "ElectLeaders", 0, 2},
      {44, "IncrementalAlterConfigs", 0, 1},
      {45, "AlterPartitionReassignments", 0, 1},
      {46, "ListPartitionReassignments", 0, 0},
      {47, "OffsetDelete", 0, 0},
      {60, "DescribeCluster", 0, 2},
      {61, "DescribeProducers", 0, 0},
      {64, "UnregisterBroker", 0, 0},
      {75, "DescribeTopicPartitions", 0, 0},
  };
  const auto of_kafka = std::ranges::count_if(apis(), [](const ApiInfo& api) { return !is_our_own(api.key); });
  ASSERT_EQ(static_cast<std::size_t>(of_kafka), std::size(kKafka));
  for (const Row& row : kKafka) {
    const ApiInfo* api = find_api(row.key);
    ASSERT_NE(api, nullptr) << row.name;
    EXPECT_EQ(api->name, row.name);
    EXPECT_EQ(api->version_min, row.min) << row.name;
    EXPECT_EQ(api->version_max, row.max) << row.name;
  }
  EXPECT_EQ(find_api(4), nullptr);
  EXPECT_EQ(find_api(-1), nullptr);
  EXPECT_EQ(find_api(32767), nullptr);
}

TEST(ApiTable, AgreesWithTheMessages) {
  std::set<ApiKey> described;
  for_each_message(EveryRequest{}, [&]<class M> {
    const ApiInfo& api = api_info(M::kApi);
    described.insert(M::kApi);
    static_assert(M::kVersions == M::Response::kVersions && M::kFlexibleSince == M::Response::kFlexibleSince);
    EXPECT_EQ(M::kName, std::string(api.name) + "Request");
    EXPECT_EQ(M::Response::kName, std::string(api.name) + "Response");
    EXPECT_EQ(M::kFlexibleSince, api.flexible_since) << api.name;
    EXPECT_EQ(M::kVersions.last, api.version_max) << api.name;
    EXPECT_EQ(M::kVersions.first, M::kApi == ApiKey::kProduce ? 3 : api.version_min) << api.name;
  });
  EXPECT_EQ(described.size(), apis().size());
}

}  // namespace
}  // namespace mq::wire
