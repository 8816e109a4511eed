#include "wire/messages/join_group.h"

#include "wire/instantiate.h"

namespace mq::wire {

void describe(auto& v, JoinGroupRequest::JoinGroupRequestProtocol& m) {
  v.field("name", m.name);
  v.bytes("metadata", m.metadata);
}

void describe(auto& v, JoinGroupRequest& m) {
  v.field("group_id", m.group_id);
  v.field("session_timeout_ms", m.session_timeout_ms);
  v.field("rebalance_timeout_ms", m.rebalance_timeout_ms, since(1));
  v.field("member_id", m.member_id);
  v.field("group_instance_id", m.group_instance_id, since(5));  // static membership, KIP-345
  v.field("protocol_type", m.protocol_type);
  v.field("protocols", m.protocols);
  v.field("reason", m.reason, since(8));  // KIP-800
}

void describe(auto& v, JoinGroupResponse::JoinGroupResponseMember& m) {
  v.field("member_id", m.member_id);
  v.field("group_instance_id", m.group_instance_id, since(5));  // static membership, KIP-345
  v.bytes("metadata", m.metadata);
}

void describe(auto& v, JoinGroupResponse& m) {
  v.field("throttle_time_ms", m.throttle_time_ms, since(2));
  v.field("error_code", m.error_code);
  v.field("generation_id", m.generation_id);
  v.field("protocol_type", m.protocol_type, since(7));  // KIP-559
  v.field("protocol_name", m.protocol_name, kAlways, since(7));
  v.field("leader", m.leader);
  v.field("skip_assignment", m.skip_assignment, since(9));  // KIP-814
  v.field("member_id", m.member_id);
  v.field("members", m.members);
}

MQ_WIRE_INSTANTIATE(JoinGroupRequest)
MQ_WIRE_INSTANTIATE(JoinGroupResponse)

}  // namespace mq::wire
