#include "wire/messages/accept_store.h"

#include "wire/instantiate.h"
#include "wire/messages/store_holdings.h"

namespace mq::wire {

void describe(auto& v, AcceptStoreRequest& m) {
  v.field("validate_only", m.validate_only);
  v.field("asked", m.asked);
  v.field("left_out", m.left_out);
}

void describe(auto& v, AcceptStoreResponse::Topic& m) {
  v.field("name", m.name);
  v.field("topic_id", m.topic_id);
  v.field("partitions", m.partitions);
  v.field("is_known", m.is_known);
}

void describe(auto& v, AcceptStoreResponse& m) {
  v.field("error_code", m.error_code);
  v.field("error_message", m.error_message);
  v.field("unasked", m.unasked);
  v.field("topics", m.topics);
  v.field("raised", m.raised);
}

MQ_WIRE_INSTANTIATE(AcceptStoreRequest)
MQ_WIRE_INSTANTIATE(AcceptStoreResponse)

}  // namespace mq::wire
