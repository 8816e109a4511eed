#include "wire/messages/sync_group.h"

#include "wire/instantiate.h"

namespace mq::wire {

void describe(auto& v, SyncGroupRequest::SyncGroupRequestAssignment& m) {
  v.field("member_id", m.member_id);
  v.bytes("assignment", m.assignment);
}

void describe(auto& v, SyncGroupRequest& m) {
  v.field("group_id", m.group_id);
  v.field("generation_id", m.generation_id);
  v.field("member_id", m.member_id);
  v.field("group_instance_id", m.group_instance_id, since(3));  // static membership, KIP-345
  v.field("protocol_type", m.protocol_type, since(5));          // KIP-559
  v.field("protocol_name", m.protocol_name, since(5));
  v.field("assignments", m.assignments);
}

void describe(auto& v, SyncGroupResponse& m) {
  v.field("throttle_time_ms", m.throttle_time_ms, since(1));
  v.field("error_code", m.error_code);
  v.field("protocol_type", m.protocol_type, since(5));  // KIP-559
  v.field("protocol_name", m.protocol_name, since(5));
  v.bytes("assignment", m.assignment);
}

MQ_WIRE_INSTANTIATE(SyncGroupRequest)
MQ_WIRE_INSTANTIATE(SyncGroupResponse)

}  // namespace mq::wire
