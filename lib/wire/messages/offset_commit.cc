#include "wire/messages/offset_commit.h"

#include "wire/instantiate.h"

namespace mq::wire {

void describe(auto& v, OffsetCommitRequest::OffsetCommitRequestPartition& m) {
  v.field("partition_index", m.partition_index);
  v.field("committed_offset", m.committed_offset);
  v.field("committed_leader_epoch", m.committed_leader_epoch, since(6));  // KIP-320
  v.field("committed_metadata", m.committed_metadata);
}

void describe(auto& v, OffsetCommitRequest::OffsetCommitRequestTopic& m) {
  v.field("name", m.name, until(9));
  v.field("topic_id", m.topic_id, since(10));  // KIP-516
  v.field("partitions", m.partitions);
}

void describe(auto& v, OffsetCommitRequest& m) {
  v.field("group_id", m.group_id);
  v.field("generation_id_or_member_epoch", m.generation_id_or_member_epoch);
  v.field("member_id", m.member_id);
  v.field("group_instance_id", m.group_instance_id, since(7));  // static membership, KIP-345
  v.field("retention_time_ms", m.retention_time_ms, until(4));  // KIP-211 took it away
  v.field("topics", m.topics);
}

void describe(auto& v, OffsetCommitResponse::OffsetCommitResponsePartition& m) {
  v.field("partition_index", m.partition_index);
  v.field("error_code", m.error_code);
}

void describe(auto& v, OffsetCommitResponse::OffsetCommitResponseTopic& m) {
  v.field("name", m.name, until(9));
  v.field("topic_id", m.topic_id, since(10));  // KIP-516
  v.field("partitions", m.partitions);
}

void describe(auto& v, OffsetCommitResponse& m) {
  v.field("throttle_time_ms", m.throttle_time_ms, since(3));
  v.field("topics", m.topics);
}

MQ_WIRE_INSTANTIATE(OffsetCommitRequest)
MQ_WIRE_INSTANTIATE(OffsetCommitResponse)

}  // namespace mq::wire
