#include "wire/messages/offsets_topic.h"

#include "wire/instantiate.h"

namespace mq::wire {

void describe(auto& v, OffsetCommitKey& m) {
  v.field("group", m.group);
  v.field("topic", m.topic);
  v.field("partition", m.partition);
}

void describe(auto& v, OffsetCommitValue& m) {
  v.field("offset", m.offset);
  v.field("leader_epoch", m.leader_epoch, since(3));  // KIP-320
  v.field("metadata", m.metadata);
  v.field("commit_timestamp", m.commit_timestamp);
  v.field("expire_timestamp", m.expire_timestamp, Versions{1, 1});  // KIP-211 took it away
  v.tagged(0, "topic_id", m.topic_id, since(4));                    // KIP-516
}

void describe(auto& v, GroupMetadataKey& m) { v.field("group", m.group, since(2)); }

void describe(auto& v, GroupMetadataValue::MemberMetadata& m) {
  v.field("member_id", m.member_id);
  v.field("group_instance_id", m.group_instance_id, since(3));  // static membership, KIP-345
  v.field("client_id", m.client_id);
  v.field("client_host", m.client_host);
  v.field("rebalance_timeout", m.rebalance_timeout, since(1));
  v.field("session_timeout", m.session_timeout);
  v.bytes("subscription", m.subscription);
  v.bytes("assignment", m.assignment);
}

void describe(auto& v, GroupMetadataValue& m) {
  v.field("protocol_type", m.protocol_type);
  v.field("generation", m.generation);
  v.field("protocol", m.protocol);
  v.field("leader", m.leader);
  v.field("current_state_timestamp", m.current_state_timestamp, since(2));
  v.field("members", m.members);
}

MQ_WIRE_INSTANTIATE_VERSIONED(OffsetCommitKey)
MQ_WIRE_INSTANTIATE_VERSIONED(OffsetCommitValue)
MQ_WIRE_INSTANTIATE_VERSIONED(GroupMetadataKey)
MQ_WIRE_INSTANTIATE_VERSIONED(GroupMetadataValue)

}  // namespace mq::wire
