#pragma once

#include "wire/messages/store_status.h"

namespace mq::wire {

// For the messages that have holdings in them.

void describe(auto& v, StoreHoldings::Partition& m) {
  v.field("partition", m.partition);
  v.field("leader_epoch", m.leader_epoch);
  v.field("partition_epoch", m.partition_epoch);
}

void describe(auto& v, StoreHoldings::Topic& m) {
  v.field("topic_id", m.topic_id);
  v.field("name", m.name);
  v.field("partitions", m.partitions);
}

void describe(auto& v, StoreHoldings& m) {
  v.field("broker_id", m.broker_id);
  v.field("directory_id", m.directory_id);
  v.field("nonce", m.nonce);
  v.field("broker_epoch", m.broker_epoch);
  v.field("is_holding", m.is_holding);
  v.field("producer_ids_end", m.producer_ids_end);
  v.field("topics", m.topics);
}

}  // namespace mq::wire
