#include "wire/messages/produce.h"

#include "wire/instantiate.h"

namespace mq::wire {

void describe(auto& v, ProduceRequest::PartitionProduceData& m) {
  v.field("index", m.index);
  v.field("records", m.records);
}

void describe(auto& v, ProduceRequest::TopicProduceData& m) {
  v.field("name", m.name, until(12));
  v.field("topic_id", m.topic_id, since(13));  // KIP-516
  v.field("partition_data", m.partition_data);
}

void describe(auto& v, ProduceRequest& m) {
  v.field("transactional_id", m.transactional_id);
  v.field("acks", m.acks);
  v.field("timeout_ms", m.timeout_ms);
  v.field("topic_data", m.topic_data);
}

void describe(auto& v, ProduceResponse::BatchIndexAndErrorMessage& m) {
  v.field("batch_index", m.batch_index);
  v.field("batch_index_error_message", m.batch_index_error_message);
}

void describe(auto& v, ProduceResponse::LeaderIdAndEpoch& m) {
  v.field("leader_id", m.leader_id);
  v.field("leader_epoch", m.leader_epoch);
}

void describe(auto& v, ProduceResponse::PartitionProduceResponse& m) {
  v.field("index", m.index);
  v.field("error_code", m.error_code);
  v.field("base_offset", m.base_offset);
  v.field("log_append_time_ms", m.log_append_time_ms);
  v.field("log_start_offset", m.log_start_offset, since(5));
  v.field("record_errors", m.record_errors, since(8));  // KIP-467
  v.field("error_message", m.error_message, since(8));
  v.tagged(0, "current_leader", m.current_leader, since(10));  // KIP-951
}

void describe(auto& v, ProduceResponse::TopicProduceResponse& m) {
  v.field("name", m.name, until(12));
  v.field("topic_id", m.topic_id, since(13));  // KIP-516
  v.field("partition_responses", m.partition_responses);
}

void describe(auto& v, ProduceResponse::NodeEndpoint& m) {
  v.field("node_id", m.node_id);
  v.field("host", m.host);
  v.field("port", m.port);
  v.field("rack", m.rack);
}

void describe(auto& v, ProduceResponse& m) {
  v.field("responses", m.responses);
  v.field("throttle_time_ms", m.throttle_time_ms);
  v.tagged(0, "node_endpoints", m.node_endpoints, since(10));  // KIP-951
}

MQ_WIRE_INSTANTIATE(ProduceRequest)
MQ_WIRE_INSTANTIATE(ProduceResponse)

}  // namespace mq::wire
