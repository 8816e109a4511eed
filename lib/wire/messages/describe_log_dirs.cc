#include "wire/messages/describe_log_dirs.h"

#include "wire/instantiate.h"

namespace mq::wire {

void describe(auto& v, DescribeLogDirsRequest::DescribableLogDirTopic& m) {
  v.field("topic", m.topic);
  v.field("partitions", m.partitions);
}

void describe(auto& v, DescribeLogDirsRequest& m) { v.field("topics", m.topics); }

void describe(auto& v, DescribeLogDirsResponse::DescribeLogDirsPartition& m) {
  v.field("partition_index", m.partition_index);
  v.field("partition_size", m.partition_size);
  v.field("offset_lag", m.offset_lag);
  v.field("is_future_key", m.is_future_key);
}

void describe(auto& v, DescribeLogDirsResponse::DescribeLogDirsTopic& m) {
  v.field("name", m.name);
  v.field("partitions", m.partitions);
}

void describe(auto& v, DescribeLogDirsResponse::DescribeLogDirsResult& m) {
  v.field("error_code", m.error_code);
  v.field("log_dir", m.log_dir);
  v.field("topics", m.topics);
  v.field("total_bytes", m.total_bytes, since(4));    // KIP-827
  v.field("usable_bytes", m.usable_bytes, since(4));  // KIP-827
  v.field("is_cordoned", m.is_cordoned, since(5));    // KIP-1066
}

void describe(auto& v, DescribeLogDirsResponse& m) {
  v.field("throttle_time_ms", m.throttle_time_ms);
  v.field("error_code", m.error_code, since(3));
  v.field("results", m.results);
}

MQ_WIRE_INSTANTIATE(DescribeLogDirsRequest)
MQ_WIRE_INSTANTIATE(DescribeLogDirsResponse)

}  // namespace mq::wire
