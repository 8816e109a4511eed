#include "wire/messages/log_ends.h"

#include "wire/instantiate.h"

namespace mq::wire {

void describe(auto& v, LogEndsRequest::Topic& m) {
  v.field("topic_id", m.topic_id);
  v.field("partitions", m.partitions);
}

void describe(auto& v, LogEndsRequest& m) { v.field("topics", m.topics); }

void describe(auto& v, LogEndsResponse::Partition& m) {
  v.field("partition", m.partition);
  v.field("last_epoch", m.last_epoch);
  v.field("log_end", m.log_end);
}

void describe(auto& v, LogEndsResponse::Topic& m) {
  v.field("topic_id", m.topic_id);
  v.field("partitions", m.partitions);
}

void describe(auto& v, LogEndsResponse& m) {
  v.field("error_code", m.error_code);
  v.field("topics", m.topics);
}

MQ_WIRE_INSTANTIATE(LogEndsRequest)
MQ_WIRE_INSTANTIATE(LogEndsResponse)

}  // namespace mq::wire
