#include "wire/messages/describe_groups.h"

#include "wire/instantiate.h"

namespace mq::wire {

void describe(auto& v, DescribeGroupsRequest& m) {
  v.field("groups", m.groups);
  v.field("include_authorized_operations", m.include_authorized_operations, since(3));  // KIP-430
}

void describe(auto& v, DescribeGroupsResponse::DescribedGroupMember& m) {
  v.field("member_id", m.member_id);
  v.field("group_instance_id", m.group_instance_id, since(4));  // static membership, KIP-345
  v.field("client_id", m.client_id);
  v.field("client_host", m.client_host);
  v.bytes("member_metadata", m.member_metadata);
  v.bytes("member_assignment", m.member_assignment);
}

void describe(auto& v, DescribeGroupsResponse::DescribedGroup& m) {
  v.field("error_code", m.error_code);
  v.field("error_message", m.error_message, since(6));
  v.field("group_id", m.group_id);
  v.field("group_state", m.group_state);
  v.field("protocol_type", m.protocol_type);
  v.field("protocol_data", m.protocol_data);
  v.field("members", m.members);
  v.field("authorized_operations", m.authorized_operations, since(3));  // KIP-430
}

void describe(auto& v, DescribeGroupsResponse& m) {
  v.field("throttle_time_ms", m.throttle_time_ms, since(1));
  v.field("groups", m.groups);
}

MQ_WIRE_INSTANTIATE(DescribeGroupsRequest)
MQ_WIRE_INSTANTIATE(DescribeGroupsResponse)

}  // namespace mq::wire
