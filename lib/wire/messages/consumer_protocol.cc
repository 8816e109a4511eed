#include "wire/messages/consumer_protocol.h"

#include "wire/instantiate.h"

namespace mq::wire {

void describe(auto& v, ConsumerProtocolSubscription::TopicPartition& m) {
  v.field("topic", m.topic);
  v.field("partitions", m.partitions);
}

void describe(auto& v, ConsumerProtocolSubscription& m) {
  v.field("topics", m.topics);
  v.bytes("user_data", m.user_data);
  v.field("owned_partitions", m.owned_partitions, since(1));  // incremental rebalancing, KIP-429
  v.field("generation_id", m.generation_id, since(2));        // KIP-792
  v.field("rack_id", m.rack_id, since(3));                    // KIP-881
}

void describe(auto& v, ConsumerProtocolAssignment::TopicPartition& m) {
  v.field("topic", m.topic);
  v.field("partitions", m.partitions);
}

void describe(auto& v, ConsumerProtocolAssignment& m) {
  v.field("assigned_partitions", m.assigned_partitions);
  v.bytes("user_data", m.user_data);
}

MQ_WIRE_INSTANTIATE_VERSIONED(ConsumerProtocolSubscription)
MQ_WIRE_INSTANTIATE_VERSIONED(ConsumerProtocolAssignment)

}  // namespace mq::wire
