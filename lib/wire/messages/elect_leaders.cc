#include "wire/messages/elect_leaders.h"

#include "wire/instantiate.h"

namespace mq::wire {

void describe(auto& v, ElectLeadersRequest::TopicPartitions& m) {
  v.field("topic", m.topic);
  v.field("partitions", m.partitions);
}

void describe(auto& v, ElectLeadersRequest& m) {
  v.field("election_type", m.election_type, since(1));  // KIP-460
  v.field("topic_partitions", m.topic_partitions);
  v.field("timeout_ms", m.timeout_ms);
}

void describe(auto& v, ElectLeadersResponse::PartitionResult& m) {
  v.field("partition_id", m.partition_id);
  v.field("error_code", m.error_code);
  v.field("error_message", m.error_message);
}

void describe(auto& v, ElectLeadersResponse::ReplicaElectionResult& m) {
  v.field("topic", m.topic);
  v.field("partition_result", m.partition_result);
}

void describe(auto& v, ElectLeadersResponse& m) {
  v.field("throttle_time_ms", m.throttle_time_ms);
  v.field("error_code", m.error_code, since(1));
  v.field("replica_election_results", m.replica_election_results);
}

MQ_WIRE_INSTANTIATE(ElectLeadersRequest)
MQ_WIRE_INSTANTIATE(ElectLeadersResponse)

}  // namespace mq::wire
