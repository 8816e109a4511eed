#include "wire/messages/list_partition_reassignments.h"

#include "wire/instantiate.h"

namespace mq::wire {

void describe(auto& v, ListPartitionReassignmentsRequest::ListPartitionReassignmentsTopics& m) {
  v.field("name", m.name);
  v.field("partition_indexes", m.partition_indexes);
}

void describe(auto& v, ListPartitionReassignmentsRequest& m) {
  v.field("timeout_ms", m.timeout_ms);
  v.field("topics", m.topics);
}

void describe(auto& v, ListPartitionReassignmentsResponse::OngoingPartitionReassignment& m) {
  v.field("partition_index", m.partition_index);
  v.field("replicas", m.replicas);
  v.field("adding_replicas", m.adding_replicas);
  v.field("removing_replicas", m.removing_replicas);
}

void describe(auto& v, ListPartitionReassignmentsResponse::OngoingTopicReassignment& m) {
  v.field("name", m.name);
  v.field("partitions", m.partitions);
}

void describe(auto& v, ListPartitionReassignmentsResponse& m) {
  v.field("throttle_time_ms", m.throttle_time_ms);
  v.field("error_code", m.error_code);
  v.field("error_message", m.error_message);
  v.field("topics", m.topics);
}

MQ_WIRE_INSTANTIATE(ListPartitionReassignmentsRequest)
MQ_WIRE_INSTANTIATE(ListPartitionReassignmentsResponse)

}  // namespace mq::wire
