#include "wire/messages/offset_fetch.h"

#include "wire/instantiate.h"

namespace mq::wire {

void describe(auto& v, OffsetFetchRequest::OffsetFetchRequestTopic& m) {
  v.field("name", m.name);
  v.field("partition_indexes", m.partition_indexes);
}

void describe(auto& v, OffsetFetchRequest::OffsetFetchRequestTopics& m) {
  v.field("name", m.name, until(9));
  v.field("topic_id", m.topic_id, since(10));  // KIP-516
  v.field("partition_indexes", m.partition_indexes);
}

void describe(auto& v, OffsetFetchRequest::OffsetFetchRequestGroup& m) {
  v.field("group_id", m.group_id);
  v.field("member_id", m.member_id, since(9));        // KIP-848
  v.field("member_epoch", m.member_epoch, since(9));  // KIP-848
  v.field("topics", m.topics);
}

void describe(auto& v, OffsetFetchRequest& m) {
  v.field("group_id", m.group_id, until(7));
  v.field("topics", m.topics, until(7), Versions{2, 7});
  v.field("groups", m.groups, since(8));                  // KIP-709
  v.field("require_stable", m.require_stable, since(7));  // KIP-447
}

void describe(auto& v, OffsetFetchResponse::OffsetFetchResponsePartition& m) {
  v.field("partition_index", m.partition_index);
  v.field("committed_offset", m.committed_offset);
  v.field("committed_leader_epoch", m.committed_leader_epoch, since(5));  // KIP-320
  v.field("metadata", m.metadata);
  v.field("error_code", m.error_code);
}

void describe(auto& v, OffsetFetchResponse::OffsetFetchResponseTopic& m) {
  v.field("name", m.name);
  v.field("partitions", m.partitions);
}

void describe(auto& v, OffsetFetchResponse::OffsetFetchResponsePartitions& m) {
  v.field("partition_index", m.partition_index);
  v.field("committed_offset", m.committed_offset);
  v.field("committed_leader_epoch", m.committed_leader_epoch);
  v.field("metadata", m.metadata);
  v.field("error_code", m.error_code);
}

void describe(auto& v, OffsetFetchResponse::OffsetFetchResponseTopics& m) {
  v.field("name", m.name, until(9));
  v.field("topic_id", m.topic_id, since(10));  // KIP-516
  v.field("partitions", m.partitions);
}

void describe(auto& v, OffsetFetchResponse::OffsetFetchResponseGroup& m) {
  v.field("group_id", m.group_id);
  v.field("topics", m.topics);
  v.field("error_code", m.error_code);
}

void describe(auto& v, OffsetFetchResponse& m) {
  v.field("throttle_time_ms", m.throttle_time_ms, since(3));
  v.field("topics", m.topics, until(7));
  v.field("error_code", m.error_code, Versions{2, 7});
  v.field("groups", m.groups, since(8));  // KIP-709
}

MQ_WIRE_INSTANTIATE(OffsetFetchRequest)
MQ_WIRE_INSTANTIATE(OffsetFetchResponse)

}  // namespace mq::wire
