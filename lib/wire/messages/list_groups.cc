#include "wire/messages/list_groups.h"

#include "wire/instantiate.h"

namespace mq::wire {

void describe(auto& v, ListGroupsRequest& m) {
  v.field("states_filter", m.states_filter, since(4));  // KIP-518
  v.field("types_filter", m.types_filter, since(5));    // KIP-848
}

void describe(auto& v, ListGroupsResponse::ListedGroup& m) {
  v.field("group_id", m.group_id);
  v.field("protocol_type", m.protocol_type);
  v.field("group_state", m.group_state, since(4));  // KIP-518
  v.field("group_type", m.group_type, since(5));    // KIP-848
}

void describe(auto& v, ListGroupsResponse& m) {
  v.field("throttle_time_ms", m.throttle_time_ms, since(1));
  v.field("error_code", m.error_code);
  v.field("groups", m.groups);
}

MQ_WIRE_INSTANTIATE(ListGroupsRequest)
MQ_WIRE_INSTANTIATE(ListGroupsResponse)

}  // namespace mq::wire
