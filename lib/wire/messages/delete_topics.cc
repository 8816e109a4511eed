#include "wire/messages/delete_topics.h"

#include "wire/instantiate.h"

namespace mq::wire {

void describe(auto& v, DeleteTopicsRequest::DeleteTopicState& m) {
  v.field("name", m.name);
  v.field("topic_id", m.topic_id);
}

void describe(auto& v, DeleteTopicsRequest& m) {
  v.field("topics", m.topics, since(6));
  v.field("topic_names", m.topic_names, until(5));
  v.field("timeout_ms", m.timeout_ms);
}

void describe(auto& v, DeleteTopicsResponse::DeletableTopicResult& m) {
  v.field("name", m.name, kAlways, since(6));
  v.field("topic_id", m.topic_id, since(6));  // KIP-516
  v.field("error_code", m.error_code);
  v.field("error_message", m.error_message, since(5));
}

void describe(auto& v, DeleteTopicsResponse& m) {
  v.field("throttle_time_ms", m.throttle_time_ms);
  v.field("responses", m.responses);
}

MQ_WIRE_INSTANTIATE(DeleteTopicsRequest)
MQ_WIRE_INSTANTIATE(DeleteTopicsResponse)

}  // namespace mq::wire
