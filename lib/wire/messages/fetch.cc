#include "wire/messages/fetch.h"

#include "wire/instantiate.h"

namespace mq::wire {

void describe(auto& v, FetchRequest::ReplicaState& m) {
  v.field("replica_id", m.replica_id);
  v.field("replica_epoch", m.replica_epoch);
}

void describe(auto& v, FetchRequest::FetchPartition& m) {
  v.field("partition", m.partition);
  v.field("current_leader_epoch", m.current_leader_epoch, since(9));  // KIP-320
  v.field("fetch_offset", m.fetch_offset);
  v.field("last_fetched_epoch", m.last_fetched_epoch, since(12));  // truncation by fetching, KIP-595
  v.field("log_start_offset", m.log_start_offset, since(5));
  v.field("partition_max_bytes", m.partition_max_bytes);
  v.tagged(0, "replica_directory_id", m.replica_directory_id, since(17));                                // KIP-853
  v.tagged(1, "high_watermark", m.high_watermark, since(18), std::numeric_limits<std::int64_t>::max());  // KIP-1166
  v.tagged(10000, "synced_end", m.synced_end, since(15), std::int64_t{-1});                              // ours
}

void describe(auto& v, FetchRequest::FetchTopic& m) {
  v.field("topic", m.topic, until(12));
  v.field("topic_id", m.topic_id, since(13));  // KIP-516
  v.field("partitions", m.partitions);
}

void describe(auto& v, FetchRequest::ForgottenTopic& m) {
  v.field("topic", m.topic, until(12));
  v.field("topic_id", m.topic_id, since(13));  // KIP-516
  v.field("partitions", m.partitions);
}

void describe(auto& v, FetchRequest& m) {
  v.field("replica_id", m.replica_id, until(14));  // moved into replica_state, KIP-903
  v.field("max_wait_ms", m.max_wait_ms);
  v.field("min_bytes", m.min_bytes);
  v.field("max_bytes", m.max_bytes);
  v.field("isolation_level", m.isolation_level);
  v.field("session_id", m.session_id, since(7));        // fetch sessions, KIP-227
  v.field("session_epoch", m.session_epoch, since(7));  // KIP-227
  v.field("topics", m.topics);
  v.field("forgotten_topics_data", m.forgotten_topics_data, since(7));  // KIP-227
  v.field("rack_id", m.rack_id, since(11));                             // fetch from the closest replica, KIP-392
  v.tagged(0, "cluster_id", m.cluster_id, since(12));
  v.tagged(1, "replica_state", m.replica_state, since(15));  // KIP-903
}

void describe(auto& v, FetchResponse::EpochEndOffset& m) {
  v.field("epoch", m.epoch);
  v.field("end_offset", m.end_offset);
}

void describe(auto& v, FetchResponse::LeaderIdAndEpoch& m) {
  v.field("leader_id", m.leader_id);
  v.field("leader_epoch", m.leader_epoch);
}

void describe(auto& v, FetchResponse::SnapshotId& m) {
  v.field("end_offset", m.end_offset);
  v.field("epoch", m.epoch);
}

void describe(auto& v, FetchResponse::AbortedTransaction& m) {
  v.field("producer_id", m.producer_id);
  v.field("first_offset", m.first_offset);
}

void describe(auto& v, FetchResponse::PartitionData& m) {
  v.field("partition_index", m.partition_index);
  v.field("error_code", m.error_code);
  v.field("high_watermark", m.high_watermark);
  v.field("last_stable_offset", m.last_stable_offset);
  v.field("log_start_offset", m.log_start_offset, since(5));
  v.field("aborted_transactions", m.aborted_transactions);
  v.field("preferred_read_replica", m.preferred_read_replica, since(11));  // KIP-392
  v.field("records", m.records);
  v.tagged(0, "diverging_epoch", m.diverging_epoch, since(12));                  // KIP-595
  v.tagged(1, "current_leader", m.current_leader, since(12));                    // KIP-595
  v.tagged(2, "snapshot_id", m.snapshot_id, since(12));                          // KIP-630
  v.tagged(10000, "start_wanted", m.start_wanted, since(15), std::int64_t{-1});  // ours
}

void describe(auto& v, FetchResponse::FetchableTopicResponse& m) {
  v.field("topic", m.topic, until(12));
  v.field("topic_id", m.topic_id, since(13));  // KIP-516
  v.field("partitions", m.partitions);
}

void describe(auto& v, FetchResponse::NodeEndpoint& m) {
  v.field("node_id", m.node_id);
  v.field("host", m.host);
  v.field("port", m.port);
  v.field("rack", m.rack);
}

void describe(auto& v, FetchResponse& m) {
  v.field("throttle_time_ms", m.throttle_time_ms);
  v.field("error_code", m.error_code, since(7));
  v.field("session_id", m.session_id, since(7));  // fetch sessions, KIP-227
  v.field("responses", m.responses);
  v.tagged(0, "node_endpoints", m.node_endpoints, since(16));  // KIP-951
}

MQ_WIRE_INSTANTIATE(FetchRequest)
MQ_WIRE_INSTANTIATE(FetchResponse)

}  // namespace mq::wire
