#include "wire/messages/heartbeat.h"

#include "wire/instantiate.h"

namespace mq::wire {

void describe(auto& v, HeartbeatRequest& m) {
  v.field("group_id", m.group_id);
  v.field("generation_id", m.generation_id);
  v.field("member_id", m.member_id);
  v.field("group_instance_id", m.group_instance_id, since(3));  // static membership, KIP-345
}

void describe(auto& v, HeartbeatResponse& m) {
  v.field("throttle_time_ms", m.throttle_time_ms, since(1));
  v.field("error_code", m.error_code);
}

MQ_WIRE_INSTANTIATE(HeartbeatRequest)
MQ_WIRE_INSTANTIATE(HeartbeatResponse)

}  // namespace mq::wire
