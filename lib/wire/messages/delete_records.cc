#include "wire/messages/delete_records.h"

#include "wire/instantiate.h"

namespace mq::wire {

void describe(auto& v, DeleteRecordsRequest::DeleteRecordsPartition& m) {
  v.field("partition_index", m.partition_index);
  v.field("offset", m.offset);
}

void describe(auto& v, DeleteRecordsRequest::DeleteRecordsTopic& m) {
  v.field("name", m.name);
  v.field("partitions", m.partitions);
}

void describe(auto& v, DeleteRecordsRequest& m) {
  v.field("topics", m.topics);
  v.field("timeout_ms", m.timeout_ms);
}

void describe(auto& v, DeleteRecordsResponse::DeleteRecordsPartitionResult& m) {
  v.field("partition_index", m.partition_index);
  v.field("low_watermark", m.low_watermark);
  v.field("error_code", m.error_code);
}

void describe(auto& v, DeleteRecordsResponse::DeleteRecordsTopicResult& m) {
  v.field("name", m.name);
  v.field("partitions", m.partitions);
}

void describe(auto& v, DeleteRecordsResponse& m) {
  v.field("throttle_time_ms", m.throttle_time_ms);
  v.field("topics", m.topics);
}

MQ_WIRE_INSTANTIATE(DeleteRecordsRequest)
MQ_WIRE_INSTANTIATE(DeleteRecordsResponse)

}  // namespace mq::wire
