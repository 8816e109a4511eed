#include "wire/messages/describe_producers.h"

#include "wire/instantiate.h"

namespace mq::wire {

void describe(auto& v, DescribeProducersRequest::TopicRequest& m) {
  v.field("name", m.name);
  v.field("partition_indexes", m.partition_indexes);
}

void describe(auto& v, DescribeProducersRequest& m) { v.field("topics", m.topics); }

void describe(auto& v, DescribeProducersResponse::ProducerState& m) {
  v.field("producer_id", m.producer_id);
  v.field("producer_epoch", m.producer_epoch);
  v.field("last_sequence", m.last_sequence);
  v.field("last_timestamp", m.last_timestamp);
  v.field("coordinator_epoch", m.coordinator_epoch);
  v.field("current_txn_start_offset", m.current_txn_start_offset);
}

void describe(auto& v, DescribeProducersResponse::PartitionResponse& m) {
  v.field("partition_index", m.partition_index);
  v.field("error_code", m.error_code);
  v.field("error_message", m.error_message);
  v.field("active_producers", m.active_producers);
}

void describe(auto& v, DescribeProducersResponse::TopicResponse& m) {
  v.field("name", m.name);
  v.field("partitions", m.partitions);
}

void describe(auto& v, DescribeProducersResponse& m) {
  v.field("throttle_time_ms", m.throttle_time_ms);
  v.field("topics", m.topics);
}

MQ_WIRE_INSTANTIATE(DescribeProducersRequest)
MQ_WIRE_INSTANTIATE(DescribeProducersResponse)

}  // namespace mq::wire
