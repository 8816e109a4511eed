#include "wire/messages/create_partitions.h"

#include "wire/instantiate.h"

namespace mq::wire {

void describe(auto& v, CreatePartitionsRequest::CreatePartitionsAssignment& m) { v.field("broker_ids", m.broker_ids); }

void describe(auto& v, CreatePartitionsRequest::CreatePartitionsTopic& m) {
  v.field("name", m.name);
  v.field("count", m.count);
  v.field("assignments", m.assignments);
}

void describe(auto& v, CreatePartitionsRequest& m) {
  v.field("topics", m.topics);
  v.field("timeout_ms", m.timeout_ms);
  v.field("validate_only", m.validate_only);
}

void describe(auto& v, CreatePartitionsResponse::CreatePartitionsTopicResult& m) {
  v.field("name", m.name);
  v.field("error_code", m.error_code);
  v.field("error_message", m.error_message);
}

void describe(auto& v, CreatePartitionsResponse& m) {
  v.field("throttle_time_ms", m.throttle_time_ms);
  v.field("results", m.results);
}

MQ_WIRE_INSTANTIATE(CreatePartitionsRequest)
MQ_WIRE_INSTANTIATE(CreatePartitionsResponse)

}  // namespace mq::wire
