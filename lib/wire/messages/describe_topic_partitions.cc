#include "wire/messages/describe_topic_partitions.h"

#include "wire/instantiate.h"

namespace mq::wire {

void describe(auto& v, TopicPartitionsCursor& m) {
  v.field("topic_name", m.topic_name);
  v.field("partition_index", m.partition_index);
}

void describe(auto& v, DescribeTopicPartitionsRequest::TopicRequest& m) { v.field("name", m.name); }

void describe(auto& v, DescribeTopicPartitionsRequest& m) {
  v.field("topics", m.topics);
  v.field("response_partition_limit", m.response_partition_limit);
  v.field("cursor", m.cursor);
}

void describe(auto& v, DescribeTopicPartitionsResponse::DescribeTopicPartitionsResponsePartition& m) {
  v.field("error_code", m.error_code);
  v.field("partition_index", m.partition_index);
  v.field("leader_id", m.leader_id);
  v.field("leader_epoch", m.leader_epoch);
  v.field("replica_nodes", m.replica_nodes);
  v.field("isr_nodes", m.isr_nodes);
  v.field("eligible_leader_replicas", m.eligible_leader_replicas);
  v.field("last_known_elr", m.last_known_elr);
  v.field("offline_replicas", m.offline_replicas);
}

void describe(auto& v, DescribeTopicPartitionsResponse::DescribeTopicPartitionsResponseTopic& m) {
  v.field("error_code", m.error_code);
  v.field("name", m.name);
  v.field("topic_id", m.topic_id);
  v.field("is_internal", m.is_internal);
  v.field("partitions", m.partitions);
  v.field("topic_authorized_operations", m.topic_authorized_operations);
}

void describe(auto& v, DescribeTopicPartitionsResponse& m) {
  v.field("throttle_time_ms", m.throttle_time_ms);
  v.field("topics", m.topics);
  v.field("next_cursor", m.next_cursor);
}

MQ_WIRE_INSTANTIATE(DescribeTopicPartitionsRequest)
MQ_WIRE_INSTANTIATE(DescribeTopicPartitionsResponse)

}  // namespace mq::wire
