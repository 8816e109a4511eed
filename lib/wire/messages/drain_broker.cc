#include "wire/messages/drain_broker.h"

#include "wire/instantiate.h"

namespace mq::wire {

void describe(auto& v, DrainBrokerRequest& m) {
  v.field("broker_id", m.broker_id);
  v.field("is_wanted", m.is_wanted);
}

void describe(auto& v, DrainBrokerResponse& m) {
  v.field("error_code", m.error_code);
  v.field("error_message", m.error_message);
}

MQ_WIRE_INSTANTIATE(DrainBrokerRequest)
MQ_WIRE_INSTANTIATE(DrainBrokerResponse)

}  // namespace mq::wire
