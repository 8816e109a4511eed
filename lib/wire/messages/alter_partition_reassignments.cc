#include "wire/messages/alter_partition_reassignments.h"

#include "wire/instantiate.h"

namespace mq::wire {

void describe(auto& v, AlterPartitionReassignmentsRequest::ReassignablePartition& m) {
  v.field("partition_index", m.partition_index);
  v.field("replicas", m.replicas);
}

void describe(auto& v, AlterPartitionReassignmentsRequest::ReassignableTopic& m) {
  v.field("name", m.name);
  v.field("partitions", m.partitions);
}

void describe(auto& v, AlterPartitionReassignmentsRequest& m) {
  v.field("timeout_ms", m.timeout_ms);
  v.field("allow_replication_factor_change", m.allow_replication_factor_change, since(1));
  v.field("topics", m.topics);
}

void describe(auto& v, AlterPartitionReassignmentsResponse::ReassignablePartitionResponse& m) {
  v.field("partition_index", m.partition_index);
  v.field("error_code", m.error_code);
  v.field("error_message", m.error_message);
}

void describe(auto& v, AlterPartitionReassignmentsResponse::ReassignableTopicResponse& m) {
  v.field("name", m.name);
  v.field("partitions", m.partitions);
}

void describe(auto& v, AlterPartitionReassignmentsResponse& m) {
  v.field("throttle_time_ms", m.throttle_time_ms);
  v.field("allow_replication_factor_change", m.allow_replication_factor_change, since(1));
  v.field("error_code", m.error_code);
  v.field("error_message", m.error_message);
  v.field("responses", m.responses);
}

MQ_WIRE_INSTANTIATE(AlterPartitionReassignmentsRequest)
MQ_WIRE_INSTANTIATE(AlterPartitionReassignmentsResponse)

}  // namespace mq::wire
