#include "model/api_key.h"

#include <algorithm>

#include "base/assert.h"

namespace mq {
namespace {

constexpr ApiVersion kNever = 32767;

constexpr ApiInfo kApis[] = {
    // librdkafka stops compressing without a word when Produce does not begin at 0. Versions 0 to 2 carry record
    // formats
    // that nobody has written for long; who sends them is told UNSUPPORTED_VERSION.
    {ApiKey::kProduce, "Produce", 0, 13, 9},
    {ApiKey::kFetch, "Fetch", 4, 18, 12},
    {ApiKey::kListOffsets, "ListOffsets", 1, 11, 6},
    {ApiKey::kMetadata, "Metadata", 0, 13, 9},
    {ApiKey::kOffsetCommit, "OffsetCommit", 2, 10, 8},
    {ApiKey::kOffsetFetch, "OffsetFetch", 1, 10, 6},
    {ApiKey::kFindCoordinator, "FindCoordinator", 0, 6, 3},
    {ApiKey::kJoinGroup, "JoinGroup", 0, 9, 6},
    {ApiKey::kHeartbeat, "Heartbeat", 0, 4, 4},
    {ApiKey::kLeaveGroup, "LeaveGroup", 0, 5, 4},
    {ApiKey::kSyncGroup, "SyncGroup", 0, 5, 4},
    {ApiKey::kDescribeGroups, "DescribeGroups", 0, 6, 5},
    {ApiKey::kListGroups, "ListGroups", 0, 5, 3},
    {ApiKey::kApiVersions, "ApiVersions", 0, 4, 3},
    {ApiKey::kCreateTopics, "CreateTopics", 2, 7, 5},
    {ApiKey::kDeleteTopics, "DeleteTopics", 1, 6, 4},
    {ApiKey::kDeleteRecords, "DeleteRecords", 0, 2, 2},
    {ApiKey::kInitProducerId, "InitProducerId", 0, 5, 2},
    {ApiKey::kOffsetForLeaderEpoch, "OffsetForLeaderEpoch", 2, 4, 4},
    {ApiKey::kDescribeConfigs, "DescribeConfigs", 1, 4, 4},
    {ApiKey::kAlterConfigs, "AlterConfigs", 0, 2, 2},
    {ApiKey::kDescribeLogDirs, "DescribeLogDirs", 1, 5, 2},
    {ApiKey::kCreatePartitions, "CreatePartitions", 0, 3, 2},
    {ApiKey::kDeleteGroups, "DeleteGroups", 0, 2, 2},
    {ApiKey::kElectLeaders, "ElectLeaders", 0, 2, 2},
    {ApiKey::kIncrementalAlterConfigs, "IncrementalAlterConfigs", 0, 1, 1},
    {ApiKey::kAlterPartitionReassignments, "AlterPartitionReassignments", 0, 1, 0},
    {ApiKey::kListPartitionReassignments, "ListPartitionReassignments", 0, 0, 0},
    {ApiKey::kOffsetDelete, "OffsetDelete", 0, 0, kNever},
    {ApiKey::kDescribeCluster, "DescribeCluster", 0, 2, 0},
    {ApiKey::kDescribeProducers, "DescribeProducers", 0, 0, 0},
    {ApiKey::kUnregisterBroker, "UnregisterBroker", 0, 0, 0},
    {ApiKey::kDescribeTopicPartitions, "DescribeTopicPartitions", 0, 0, 0},
    {ApiKey::kPeerStatus, "PeerStatus", 0, 0, 0},
    {ApiKey::kLogEnds, "LogEnds", 0, 0, 0},
    {ApiKey::kDrainBroker, "DrainBroker", 0, 0, 0},
    {ApiKey::kStoreStatus, "StoreStatus", 0, 0, 0},
    {ApiKey::kAcceptStore, "AcceptStore", 0, 0, 0},
};
static_assert(std::ranges::is_sorted(kApis, {}, &ApiInfo::key));

}  // namespace

std::span<const ApiInfo> apis() { return kApis; }

const ApiInfo* find_api(std::int16_t key) {
  const auto* row = std::ranges::lower_bound(kApis, static_cast<ApiKey>(key), {}, &ApiInfo::key);
  return row != std::end(kApis) && row->key == static_cast<ApiKey>(key) ? row : nullptr;
}

const ApiInfo& api_info(ApiKey key) {
  const ApiInfo* row = find_api(static_cast<std::int16_t>(key));
  MQ_ASSERT(row != nullptr);
  return *row;
}

}  // namespace mq
