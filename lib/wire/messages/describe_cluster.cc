#include "wire/messages/describe_cluster.h"

#include "wire/instantiate.h"

namespace mq::wire {

void describe(auto& v, DescribeClusterRequest& m) {
  v.field("include_cluster_authorized_operations", m.include_cluster_authorized_operations);
  v.field("endpoint_type", m.endpoint_type, since(1));                    // KIP-919
  v.field("include_fenced_brokers", m.include_fenced_brokers, since(2));  // KIP-1073
}

void describe(auto& v, DescribeClusterResponse::DescribeClusterBroker& m) {
  v.field("broker_id", m.broker_id);
  v.field("host", m.host);
  v.field("port", m.port);
  v.field("rack", m.rack);
  v.field("is_fenced", m.is_fenced, since(2));            // KIP-1073
  v.tagged(10000, "is_drained", m.is_drained, since(0));  // ours
}

void describe(auto& v, DescribeClusterResponse& m) {
  v.field("throttle_time_ms", m.throttle_time_ms);
  v.field("error_code", m.error_code);
  v.field("error_message", m.error_message);
  v.field("endpoint_type", m.endpoint_type, since(1));  // KIP-919
  v.field("cluster_id", m.cluster_id);
  v.field("controller_id", m.controller_id);
  v.field("brokers", m.brokers);
  v.field("cluster_authorized_operations", m.cluster_authorized_operations);
  v.tagged(10000, "store_trouble", m.store_trouble, since(0));  // ours
}

MQ_WIRE_INSTANTIATE(DescribeClusterRequest)
MQ_WIRE_INSTANTIATE(DescribeClusterResponse)

}  // namespace mq::wire
