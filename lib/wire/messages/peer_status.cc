#include "wire/messages/peer_status.h"

#include "wire/instantiate.h"

namespace mq::wire {

void describe(auto& /*v*/, PeerStatusRequest& /*m*/) {}

void describe(auto& v, PeerStatusResponse& m) {
  v.field("error_code", m.error_code);
  v.field("broker_id", m.broker_id);
  v.field("broker_epoch", m.broker_epoch);
  v.field("is_anew", m.is_anew);
}

MQ_WIRE_INSTANTIATE(PeerStatusRequest)
MQ_WIRE_INSTANTIATE(PeerStatusResponse)

}  // namespace mq::wire
