#include "wire/messages/unregister_broker.h"

#include "wire/instantiate.h"

namespace mq::wire {

void describe(auto& v, UnregisterBrokerRequest& m) { v.field("broker_id", m.broker_id); }

void describe(auto& v, UnregisterBrokerResponse& m) {
  v.field("throttle_time_ms", m.throttle_time_ms);
  v.field("error_code", m.error_code);
  v.field("error_message", m.error_message);
}

MQ_WIRE_INSTANTIATE(UnregisterBrokerRequest)
MQ_WIRE_INSTANTIATE(UnregisterBrokerResponse)

}  // namespace mq::wire
