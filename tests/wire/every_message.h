#pragma once

#include "wire/messages/accept_store.h"
#include "wire/messages/alter_configs.h"
#include "wire/messages/alter_partition_reassignments.h"
#include "wire/messages/api_versions.h"
#include "wire/messages/consumer_protocol.h"
#include "wire/messages/create_partitions.h"
#include "wire/messages/create_topics.h"
#include "wire/messages/delete_groups.h"
#include "wire/messages/delete_records.h"
#include "wire/messages/delete_topics.h"
#include "wire/messages/describe_cluster.h"
#include "wire/messages/describe_configs.h"
#include "wire/messages/describe_groups.h"
#include "wire/messages/describe_log_dirs.h"
#include "wire/messages/describe_producers.h"
#include "wire/messages/describe_topic_partitions.h"
#include "wire/messages/drain_broker.h"
#include "wire/messages/elect_leaders.h"
#include "wire/messages/fetch.h"
#include "wire/messages/find_coordinator.h"
#include "wire/messages/heartbeat.h"
#include "wire/messages/incremental_alter_configs.h"
#include "wire/messages/init_producer_id.h"
#include "wire/messages/join_group.h"
#include "wire/messages/leave_group.h"
#include "wire/messages/list_groups.h"
#include "wire/messages/list_offsets.h"
#include "wire/messages/list_partition_reassignments.h"
#include "wire/messages/log_ends.h"
#include "wire/messages/metadata.h"
#include "wire/messages/offset_commit.h"
#include "wire/messages/offset_delete.h"
#include "wire/messages/offset_fetch.h"
#include "wire/messages/offset_for_leader_epoch.h"
#include "wire/messages/offsets_topic.h"
#include "wire/messages/peer_status.h"
#include "wire/messages/produce.h"
#include "wire/messages/store_status.h"
#include "wire/messages/sync_group.h"
#include "wire/messages/unregister_broker.h"

namespace mq::wire {

template <class... M>
struct MessageList {};

using EveryRequest = MessageList<
    AcceptStoreRequest, AlterConfigsRequest, AlterPartitionReassignmentsRequest, ApiVersionsRequest,
    CreatePartitionsRequest, CreateTopicsRequest, DeleteGroupsRequest, DeleteRecordsRequest, DeleteTopicsRequest,
    DescribeClusterRequest, DescribeConfigsRequest, DescribeGroupsRequest, DescribeLogDirsRequest,
    DescribeProducersRequest, DescribeTopicPartitionsRequest, DrainBrokerRequest, ElectLeadersRequest, FetchRequest,
    FindCoordinatorRequest, HeartbeatRequest, IncrementalAlterConfigsRequest, InitProducerIdRequest, JoinGroupRequest,
    LeaveGroupRequest, ListGroupsRequest, ListOffsetsRequest, ListPartitionReassignmentsRequest, LogEndsRequest,
    MetadataRequest, OffsetCommitRequest, OffsetDeleteRequest, OffsetFetchRequest, OffsetForLeaderEpochRequest,
    PeerStatusRequest, ProduceRequest, StoreStatusRequest, SyncGroupRequest, UnregisterBrokerRequest>;

/// What begins with its own version.
using EveryVersioned = MessageList<ConsumerProtocolSubscription, ConsumerProtocolAssignment, OffsetCommitKey,
                                   OffsetCommitValue, GroupMetadataKey, GroupMetadataValue>;

/// Calls `f.template operator()<M>()` for each message of a list.
template <class F, class... M>
void for_each_message(MessageList<M...>, F f) {
  (f.template operator()<M>(), ...);
}

/// Calls it for every request, every response, and everything that begins with its version.
template <class F>
void for_every_message(F f) {
  for_each_message(EveryRequest{}, [&]<class M> {
    f.template operator()<M>();
    f.template operator()<typename M::Response>();
  });
  for_each_message(EveryVersioned{}, f);
}

template <class M>
inline constexpr bool kBeginsWithVersion = !ApiMessage<M>;

/// Decodes as `M` is found on the wire or in a topic.
template <class M>
Result<M> decode_any(BytesView bytes, ApiVersion version) {
  if constexpr (kBeginsWithVersion<M>) {
    return decode_versioned<M>(bytes);
  } else {
    return decode<M>(bytes, version);
  }
}

template <class M>
std::string encode_any(const M& message, ApiVersion version) {
  if constexpr (kBeginsWithVersion<M>) {
    return encode_versioned(message, version);
  } else {
    std::string out;
    encode(message, version, out);
    return out;
  }
}

}  // namespace mq::wire
