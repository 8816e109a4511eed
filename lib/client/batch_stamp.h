#pragma once

#include <string>

#include "model/ids.h"

namespace mq::client {

/// Who sends a batch, as its header tells the broker.
struct ProducerIdentity {
  ProducerId id = kNoProducerId;
  ProducerEpoch epoch = kNoProducerEpoch;
  friend bool operator==(const ProducerIdentity&, const ProducerIdentity&) = default;
};

/// Overwrites the producer fields of one whole batch and computes its CRC anew: a pass over its bytes.
void stamp_producer(std::string& batch, ProducerIdentity identity, Sequence base_sequence);

}  // namespace mq::client
