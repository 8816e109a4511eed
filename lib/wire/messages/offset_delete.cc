#include "wire/messages/offset_delete.h"

#include "wire/instantiate.h"

namespace mq::wire {

void describe(auto& v, OffsetDeleteRequest::OffsetDeleteRequestPartition& m) {
  v.field("partition_index", m.partition_index);
}

void describe(auto& v, OffsetDeleteRequest::OffsetDeleteRequestTopic& m) {
  v.field("name", m.name);
  v.field("partitions", m.partitions);
}

void describe(auto& v, OffsetDeleteRequest& m) {
  v.field("group_id", m.group_id);
  v.field("topics", m.topics);
}

void describe(auto& v, OffsetDeleteResponse::OffsetDeleteResponsePartition& m) {
  v.field("partition_index", m.partition_index);
  v.field("error_code", m.error_code);
}

void describe(auto& v, OffsetDeleteResponse::OffsetDeleteResponseTopic& m) {
  v.field("name", m.name);
  v.field("partitions", m.partitions);
}

void describe(auto& v, OffsetDeleteResponse& m) {
  v.field("error_code", m.error_code);
  v.field("throttle_time_ms", m.throttle_time_ms);
  v.field("topics", m.topics);
}

MQ_WIRE_INSTANTIATE(OffsetDeleteRequest)
MQ_WIRE_INSTANTIATE(OffsetDeleteResponse)

}  // namespace mq::wire
