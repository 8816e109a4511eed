#include "wire/messages/delete_groups.h"

#include "wire/instantiate.h"

namespace mq::wire {

void describe(auto& v, DeleteGroupsRequest& m) { v.field("groups_names", m.groups_names); }

void describe(auto& v, DeleteGroupsResponse::DeletableGroupResult& m) {
  v.field("group_id", m.group_id);
  v.field("error_code", m.error_code);
}

void describe(auto& v, DeleteGroupsResponse& m) {
  v.field("throttle_time_ms", m.throttle_time_ms);
  v.field("results", m.results);
}

MQ_WIRE_INSTANTIATE(DeleteGroupsRequest)
MQ_WIRE_INSTANTIATE(DeleteGroupsResponse)

}  // namespace mq::wire
