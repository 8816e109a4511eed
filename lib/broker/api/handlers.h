#pragma once

#include "broker/api/api.h"
#include "env/async.h"
#include "wire/messages/alter_configs.h"
#include "wire/messages/api_versions.h"
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
#include "wire/messages/fetch.h"
#include "wire/messages/find_coordinator.h"
#include "wire/messages/heartbeat.h"
#include "wire/messages/incremental_alter_configs.h"
#include "wire/messages/init_producer_id.h"
#include "wire/messages/join_group.h"
#include "wire/messages/leave_group.h"
#include "wire/messages/list_groups.h"
#include "wire/messages/list_offsets.h"
#include "wire/messages/metadata.h"
#include "wire/messages/offset_commit.h"
#include "wire/messages/offset_delete.h"
#include "wire/messages/offset_fetch.h"
#include "wire/messages/offset_for_leader_epoch.h"
#include "wire/messages/produce.h"
#include "wire/messages/sync_group.h"

namespace mq::broker {

// One handler per API, each in the file of its name. Three forms:
//   Response f(Call&, const Request&)             answers at once
//   awaitable<Response> f(Call&, const Request&)  waits; later requests of the connection start meanwhile
//   void f(Call, Request)                         answers by itself (the hot path, and what parks)

void produce(Call call, wire::ProduceRequest request);
/// Versions that are advertised only.
void produce_old(Call call);
void fetch(Call call, wire::FetchRequest request);

wire::ApiVersionsResponse api_versions(Call& call, const wire::ApiVersionsRequest& request);
awaitable<wire::MetadataResponse> metadata(Call& call, const wire::MetadataRequest& request);
awaitable<wire::ListOffsetsResponse> list_offsets(Call& call, const wire::ListOffsetsRequest& request);
awaitable<wire::OffsetForLeaderEpochResponse> offset_for_leader_epoch(Call& call,
                                                                      const wire::OffsetForLeaderEpochRequest& request);
awaitable<wire::InitProducerIdResponse> init_producer_id(Call& call, const wire::InitProducerIdRequest& request);
awaitable<wire::FindCoordinatorResponse> find_coordinator(Call& call, const wire::FindCoordinatorRequest& request);
awaitable<wire::CreateTopicsResponse> create_topics(Call& call, const wire::CreateTopicsRequest& request);
awaitable<wire::DeleteTopicsResponse> delete_topics(Call& call, const wire::DeleteTopicsRequest& request);
awaitable<wire::CreatePartitionsResponse> create_partitions(Call& call, const wire::CreatePartitionsRequest& request);
awaitable<wire::DeleteRecordsResponse> delete_records(Call& call, const wire::DeleteRecordsRequest& request);
wire::DescribeConfigsResponse describe_configs(Call& call, const wire::DescribeConfigsRequest& request);
awaitable<wire::IncrementalAlterConfigsResponse> incremental_alter_configs(
    Call& call, const wire::IncrementalAlterConfigsRequest& request);
awaitable<wire::AlterConfigsResponse> alter_configs(Call& call, const wire::AlterConfigsRequest& request);
wire::DescribeClusterResponse describe_cluster(Call& call, const wire::DescribeClusterRequest& request);
awaitable<wire::DescribeLogDirsResponse> describe_log_dirs(Call& call, const wire::DescribeLogDirsRequest& request);
awaitable<wire::DescribeProducersResponse> describe_producers(Call& call,
                                                              const wire::DescribeProducersRequest& request);
wire::DescribeTopicPartitionsResponse describe_topic_partitions(Call& call,
                                                                const wire::DescribeTopicPartitionsRequest& request);

void join_group(Call call, wire::JoinGroupRequest request);
void sync_group(Call call, wire::SyncGroupRequest request);
void heartbeat(Call call, wire::HeartbeatRequest request);
void leave_group(Call call, wire::LeaveGroupRequest request);
void offset_commit(Call call, wire::OffsetCommitRequest request);
void offset_fetch(Call call, wire::OffsetFetchRequest request);
void offset_delete(Call call, wire::OffsetDeleteRequest request);
awaitable<wire::DescribeGroupsResponse> describe_groups(Call& call, const wire::DescribeGroupsRequest& request);
awaitable<wire::ListGroupsResponse> list_groups(Call& call, const wire::ListGroupsRequest& request);
awaitable<wire::DeleteGroupsResponse> delete_groups(Call& call, const wire::DeleteGroupsRequest& request);

}  // namespace mq::broker
