#pragma once

#include <cstdint>
#include <string>

#include "base/time.h"
#include "client/producer.h"
#include "sim/workload/workload.h"

namespace mq::sim {

struct ProduceOptions {
  std::string topic;
  std::int64_t records = 100;
  std::int32_t partitions = 0;  ///< records go to one after the other; 0: to the partition of their key
  std::int32_t keys = 17;
  std::int64_t burst = 10;  ///< so many records in a row, then a pause
  Duration pause_max = 3ms;
  client::ProducerOptions producer = {};
};

/// Sends the records, which are acknowledged however long it takes, and ends. An error of a record is a complaint.
[[nodiscard]] ClientProgram produce(ProduceOptions options);

}  // namespace mq::sim
