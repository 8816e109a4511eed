#include "wire/messages/leave_group.h"

#include "wire/instantiate.h"

namespace mq::wire {

void describe(auto& v, LeaveGroupRequest::MemberIdentity& m) {
  v.field("member_id", m.member_id);
  v.field("group_instance_id", m.group_instance_id);
  v.field("reason", m.reason, since(5));  // KIP-800
}

void describe(auto& v, LeaveGroupRequest& m) {
  v.field("group_id", m.group_id);
  v.field("member_id", m.member_id, until(2));
  v.field("members", m.members, since(3));  // several at once, KIP-345
}

void describe(auto& v, LeaveGroupResponse::MemberResponse& m) {
  v.field("member_id", m.member_id);
  v.field("group_instance_id", m.group_instance_id);
  v.field("error_code", m.error_code);
}

void describe(auto& v, LeaveGroupResponse& m) {
  v.field("throttle_time_ms", m.throttle_time_ms, since(1));
  v.field("error_code", m.error_code);
  v.field("members", m.members, since(3));
}

MQ_WIRE_INSTANTIATE(LeaveGroupRequest)
MQ_WIRE_INSTANTIATE(LeaveGroupResponse)

}  // namespace mq::wire
