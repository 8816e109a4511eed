#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace mq {

/// The APIs we speak, with Kafka's numbers, and from 10000 on with ours.
enum class ApiKey : std::int16_t {
  kProduce = 0,
  kFetch = 1,
  kListOffsets = 2,
  kMetadata = 3,
  kOffsetCommit = 8,
  kOffsetFetch = 9,
  kFindCoordinator = 10,
  kJoinGroup = 11,
  kHeartbeat = 12,
  kLeaveGroup = 13,
  kSyncGroup = 14,
  kDescribeGroups = 15,
  kListGroups = 16,
  kApiVersions = 18,
  kCreateTopics = 19,
  kDeleteTopics = 20,
  kDeleteRecords = 21,
  kInitProducerId = 22,
  kOffsetForLeaderEpoch = 23,
  kDescribeConfigs = 32,
  kAlterConfigs = 33,
  kDescribeLogDirs = 35,
  kCreatePartitions = 37,
  kDeleteGroups = 42,
  kElectLeaders = 43,
  kIncrementalAlterConfigs = 44,
  kAlterPartitionReassignments = 45,
  kListPartitionReassignments = 46,
  kOffsetDelete = 47,
  kDescribeCluster = 60,
  kDescribeProducers = 61,
  kUnregisterBroker = 64,
  kDescribeTopicPartitions = 75,
  // Of our own: between brokers, and of operators.
  kPeerStatus = 10000,
  kLogEnds = 10001,
  kDrainBroker = 10002,
  kStoreStatus = 10003,
  kAcceptStore = 10004,
};

/// Kafka has no such key: it is not advertised, and only brokers and tools of ours ask it.
[[nodiscard]] constexpr bool is_our_own(ApiKey key) { return static_cast<std::int16_t>(key) >= 10000; }

using ApiVersion = std::int16_t;

/// One row of the table of APIs: what a broker advertises when it serves the API, and when its encoding changed.
struct ApiInfo {
  ApiKey key;
  std::string_view name;
  ApiVersion version_min;     ///< as advertised; Produce 0 to 2 are advertised only, see the table
  ApiVersion version_max;     ///< included
  ApiVersion flexible_since;  ///< first version with compact lengths and tagged fields; above `version_max`: none
};

/// Every API, in the order of the keys.
[[nodiscard]] std::span<const ApiInfo> apis();
[[nodiscard]] const ApiInfo& api_info(ApiKey key);
/// Null for a number that we do not speak.
[[nodiscard]] const ApiInfo* find_api(std::int16_t key);

}  // namespace mq
