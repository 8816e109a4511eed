#include "wire/messages/init_producer_id.h"

#include "wire/instantiate.h"

namespace mq::wire {

void describe(auto& v, InitProducerIdRequest& m) {
  v.field("transactional_id", m.transactional_id);
  v.field("transaction_timeout_ms", m.transaction_timeout_ms);
  v.field("producer_id", m.producer_id, since(3));  // a producer that goes on after an error, KIP-360
  v.field("producer_epoch", m.producer_epoch, since(3));
}

void describe(auto& v, InitProducerIdResponse& m) {
  v.field("throttle_time_ms", m.throttle_time_ms);
  v.field("error_code", m.error_code);
  v.field("producer_id", m.producer_id);
  v.field("producer_epoch", m.producer_epoch);
}

MQ_WIRE_INSTANTIATE(InitProducerIdRequest)
MQ_WIRE_INSTANTIATE(InitProducerIdResponse)

}  // namespace mq::wire
