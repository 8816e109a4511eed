#include "wire/messages/store_status.h"

#include "wire/instantiate.h"
#include "wire/messages/store_holdings.h"

namespace mq::wire {

void describe(auto& /*v*/, StoreStatusRequest& /*m*/) {}

void describe(auto& v, StoreStatusResponse& m) {
  v.field("error_code", m.error_code);
  v.field("message", m.message);
  v.field("holdings", m.holdings);
}

MQ_WIRE_INSTANTIATE(StoreStatusRequest)
MQ_WIRE_INSTANTIATE(StoreStatusResponse)

}  // namespace mq::wire
