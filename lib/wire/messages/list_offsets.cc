#include "wire/messages/list_offsets.h"

#include "wire/instantiate.h"

namespace mq::wire {

void describe(auto& v, ListOffsetsRequest::ListOffsetsPartition& m) {
  v.field("partition_index", m.partition_index);
  v.field("current_leader_epoch", m.current_leader_epoch, since(4));  // KIP-320
  v.field("timestamp", m.timestamp);
}

void describe(auto& v, ListOffsetsRequest::ListOffsetsTopic& m) {
  v.field("name", m.name);
  v.field("partitions", m.partitions);
}

void describe(auto& v, ListOffsetsRequest& m) {
  v.field("replica_id", m.replica_id);
  v.field("isolation_level", m.isolation_level, since(2));
  v.field("topics", m.topics);
  v.field("timeout_ms", m.timeout_ms, since(10));  // KIP-1075
}

void describe(auto& v, ListOffsetsResponse::ListOffsetsPartitionResponse& m) {
  v.field("partition_index", m.partition_index);
  v.field("error_code", m.error_code);
  v.field("timestamp", m.timestamp);
  v.field("offset", m.offset);
  v.field("leader_epoch", m.leader_epoch, since(4));  // KIP-320
}

void describe(auto& v, ListOffsetsResponse::ListOffsetsTopicResponse& m) {
  v.field("name", m.name);
  v.field("partitions", m.partitions);
}

void describe(auto& v, ListOffsetsResponse& m) {
  v.field("throttle_time_ms", m.throttle_time_ms, since(2));
  v.field("topics", m.topics);
}

MQ_WIRE_INSTANTIATE(ListOffsetsRequest)
MQ_WIRE_INSTANTIATE(ListOffsetsResponse)

}  // namespace mq::wire
