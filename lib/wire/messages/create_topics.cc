#include "wire/messages/create_topics.h"

#include "wire/instantiate.h"

namespace mq::wire {

void describe(auto& v, CreateTopicsRequest::CreatableReplicaAssignment& m) {
  v.field("partition_index", m.partition_index);
  v.field("broker_ids", m.broker_ids);
}

void describe(auto& v, CreateTopicsRequest::CreatableTopicConfig& m) {
  v.field("name", m.name);
  v.field("value", m.value);
}

void describe(auto& v, CreateTopicsRequest::CreatableTopic& m) {
  v.field("name", m.name);
  v.field("num_partitions", m.num_partitions);
  v.field("replication_factor", m.replication_factor);
  v.field("assignments", m.assignments);
  v.field("configs", m.configs);
}

void describe(auto& v, CreateTopicsRequest& m) {
  v.field("topics", m.topics);
  v.field("timeout_ms", m.timeout_ms);
  v.field("validate_only", m.validate_only);
}

void describe(auto& v, CreateTopicsResponse::CreatableTopicConfigs& m) {
  v.field("name", m.name);
  v.field("value", m.value);
  v.field("read_only", m.read_only);
  v.field("config_source", m.config_source);
  v.field("is_sensitive", m.is_sensitive);
}

void describe(auto& v, CreateTopicsResponse::CreatableTopicResult& m) {
  v.field("name", m.name);
  v.field("topic_id", m.topic_id, since(7));  // KIP-516
  v.field("error_code", m.error_code);
  v.field("error_message", m.error_message);
  v.field("num_partitions", m.num_partitions, since(5));
  v.field("replication_factor", m.replication_factor, since(5));
  v.field("configs", m.configs, since(5));                                      // KIP-525
  v.tagged(0, "topic_config_error_code", m.topic_config_error_code, since(5));  // KIP-525
}

void describe(auto& v, CreateTopicsResponse& m) {
  v.field("throttle_time_ms", m.throttle_time_ms);
  v.field("topics", m.topics);
}

MQ_WIRE_INSTANTIATE(CreateTopicsRequest)
MQ_WIRE_INSTANTIATE(CreateTopicsResponse)

}  // namespace mq::wire
