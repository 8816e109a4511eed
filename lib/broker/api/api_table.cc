// Every API that is served.

#include <algorithm>

#include "broker/api/api.h"

namespace mq::broker {

// Each stands at the end of its file.
extern const ApiEntry kProduceApi;
extern const ApiEntry kFetchApi;
extern const ApiEntry kListOffsetsApi;
extern const ApiEntry kMetadataApi;
extern const ApiEntry kOffsetCommitApi;
extern const ApiEntry kOffsetFetchApi;
extern const ApiEntry kFindCoordinatorApi;
extern const ApiEntry kJoinGroupApi;
extern const ApiEntry kHeartbeatApi;
extern const ApiEntry kLeaveGroupApi;
extern const ApiEntry kSyncGroupApi;
extern const ApiEntry kDescribeGroupsApi;
extern const ApiEntry kListGroupsApi;
extern const ApiEntry kApiVersionsApi;
extern const ApiEntry kCreateTopicsApi;
extern const ApiEntry kDeleteTopicsApi;
extern const ApiEntry kDeleteRecordsApi;
extern const ApiEntry kInitProducerIdApi;
extern const ApiEntry kOffsetForLeaderEpochApi;
extern const ApiEntry kDescribeConfigsApi;
extern const ApiEntry kAlterConfigsApi;
extern const ApiEntry kDescribeLogDirsApi;
extern const ApiEntry kCreatePartitionsApi;
extern const ApiEntry kDeleteGroupsApi;
extern const ApiEntry kElectLeadersApi;
extern const ApiEntry kIncrementalAlterConfigsApi;
extern const ApiEntry kAlterPartitionReassignmentsApi;
extern const ApiEntry kListPartitionReassignmentsApi;
extern const ApiEntry kOffsetDeleteApi;
extern const ApiEntry kDescribeClusterApi;
extern const ApiEntry kDescribeProducersApi;
extern const ApiEntry kUnregisterBrokerApi;
extern const ApiEntry kDescribeTopicPartitionsApi;
extern const ApiEntry kPeerStatusApi;
extern const ApiEntry kLogEndsApi;
extern const ApiEntry kDrainBrokerApi;
extern const ApiEntry kStoreStatusApi;
extern const ApiEntry kAcceptStoreApi;

namespace {

constexpr const ApiEntry* kApis[] = {
    &kProduceApi,
    &kFetchApi,
    &kListOffsetsApi,
    &kMetadataApi,
    &kOffsetCommitApi,
    &kOffsetFetchApi,
    &kFindCoordinatorApi,
    &kJoinGroupApi,
    &kHeartbeatApi,
    &kLeaveGroupApi,
    &kSyncGroupApi,
    &kDescribeGroupsApi,
    &kListGroupsApi,
    &kApiVersionsApi,
    &kCreateTopicsApi,
    &kDeleteTopicsApi,
    &kDeleteRecordsApi,
    &kInitProducerIdApi,
    &kOffsetForLeaderEpochApi,
    &kDescribeConfigsApi,
    &kAlterConfigsApi,
    &kDescribeLogDirsApi,
    &kCreatePartitionsApi,
    &kDeleteGroupsApi,
    &kElectLeadersApi,
    &kIncrementalAlterConfigsApi,
    &kAlterPartitionReassignmentsApi,
    &kListPartitionReassignmentsApi,
    &kOffsetDeleteApi,
    &kDescribeClusterApi,
    &kDescribeProducersApi,
    &kUnregisterBrokerApi,
    &kDescribeTopicPartitionsApi,
    &kPeerStatusApi,
    &kLogEndsApi,
    &kDrainBrokerApi,
    &kStoreStatusApi,
    &kAcceptStoreApi,
};

}  // namespace

std::span<const ApiEntry* const> api_table() { return kApis; }

const ApiEntry* find_entry(ApiKey key) {
  const auto found = std::ranges::find(kApis, key, [](const ApiEntry* entry) { return entry->key; });
  return found == std::end(kApis) ? nullptr : *found;
}

}  // namespace mq::broker
