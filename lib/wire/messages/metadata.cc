#include "wire/messages/metadata.h"

#include "wire/instantiate.h"

namespace mq::wire {

void describe(auto& v, MetadataRequest::MetadataRequestTopic& m) {
  v.field("topic_id", m.topic_id, since(10));  // KIP-516
  v.field("name", m.name, kAlways, since(10));
}

void describe(auto& v, MetadataRequest& m) {
  v.field("topics", m.topics, kAlways, since(1));
  v.field("allow_auto_topic_creation", m.allow_auto_topic_creation, since(4));
  v.field("include_cluster_authorized_operations", m.include_cluster_authorized_operations,
          Versions{8, 10});  // moved to DescribeCluster, KIP-700
  v.field("include_topic_authorized_operations", m.include_topic_authorized_operations, since(8));  // KIP-430
}

void describe(auto& v, MetadataResponse::MetadataResponseBroker& m) {
  v.field("node_id", m.node_id);
  v.field("host", m.host);
  v.field("port", m.port);
  v.field("rack", m.rack, since(1));
}

void describe(auto& v, MetadataResponse::MetadataResponsePartition& m) {
  v.field("error_code", m.error_code);
  v.field("partition_index", m.partition_index);
  v.field("leader_id", m.leader_id);
  v.field("leader_epoch", m.leader_epoch, since(7));  // KIP-320
  v.field("replica_nodes", m.replica_nodes);
  v.field("isr_nodes", m.isr_nodes);
  v.field("offline_replicas", m.offline_replicas, since(5));  // KIP-112
}

void describe(auto& v, MetadataResponse::MetadataResponseTopic& m) {
  v.field("error_code", m.error_code);
  v.field("name", m.name, kAlways, since(12));
  v.field("topic_id", m.topic_id, since(10));  // KIP-516
  v.field("is_internal", m.is_internal, since(1));
  v.field("partitions", m.partitions);
  v.field("topic_authorized_operations", m.topic_authorized_operations, since(8));  // KIP-430
}

void describe(auto& v, MetadataResponse& m) {
  v.field("throttle_time_ms", m.throttle_time_ms, since(3));
  v.field("brokers", m.brokers);
  v.field("cluster_id", m.cluster_id, since(2));
  v.field("controller_id", m.controller_id, since(1));
  v.field("topics", m.topics);
  v.field("cluster_authorized_operations", m.cluster_authorized_operations,
          Versions{8, 10});  // moved to DescribeCluster, KIP-700
  v.field("error_code", m.error_code, since(13));
}

MQ_WIRE_INSTANTIATE(MetadataRequest)
MQ_WIRE_INSTANTIATE(MetadataResponse)

}  // namespace mq::wire
