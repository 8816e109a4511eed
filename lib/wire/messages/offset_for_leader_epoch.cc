#include "wire/messages/offset_for_leader_epoch.h"

#include "wire/instantiate.h"

namespace mq::wire {

void describe(auto& v, OffsetForLeaderEpochRequest::OffsetForLeaderPartition& m) {
  v.field("partition", m.partition);
  v.field("current_leader_epoch", m.current_leader_epoch);
  v.field("leader_epoch", m.leader_epoch);
}

void describe(auto& v, OffsetForLeaderEpochRequest::OffsetForLeaderTopic& m) {
  v.field("topic", m.topic);
  v.field("partitions", m.partitions);
}

void describe(auto& v, OffsetForLeaderEpochRequest& m) {
  v.field("replica_id", m.replica_id, since(3));
  v.field("topics", m.topics);
}

void describe(auto& v, OffsetForLeaderEpochResponse::EpochEndOffset& m) {
  v.field("error_code", m.error_code);
  v.field("partition", m.partition);
  v.field("leader_epoch", m.leader_epoch);
  v.field("end_offset", m.end_offset);
}

void describe(auto& v, OffsetForLeaderEpochResponse::OffsetForLeaderTopicResult& m) {
  v.field("topic", m.topic);
  v.field("partitions", m.partitions);
}

void describe(auto& v, OffsetForLeaderEpochResponse& m) {
  v.field("throttle_time_ms", m.throttle_time_ms);
  v.field("topics", m.topics);
}

MQ_WIRE_INSTANTIATE(OffsetForLeaderEpochRequest)
MQ_WIRE_INSTANTIATE(OffsetForLeaderEpochResponse)

}  // namespace mq::wire
