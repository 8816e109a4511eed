#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/api_key.h"
#include "model/error_code.h"
#include "wire/message.h"

namespace mq::wire {

struct DescribeProducersResponse;

/// Asks for the producers that partitions know.
struct DescribeProducersRequest {
  using Response = DescribeProducersResponse;
  static constexpr std::string_view kName = "DescribeProducersRequest";
  static constexpr ApiKey kApi = ApiKey::kDescribeProducers;
  static constexpr Versions kVersions{0, 0};
  static constexpr ApiVersion kFlexibleSince = 0;

  struct TopicRequest {
    std::string name{};
    std::vector<std::int32_t> partition_indexes{};
  };

  std::vector<TopicRequest> topics{};
};

/// Producer state per partition, for finding hanging transactions.
struct DescribeProducersResponse {
  static constexpr std::string_view kName = "DescribeProducersResponse";
  static constexpr ApiKey kApi = ApiKey::kDescribeProducers;
  static constexpr Versions kVersions{0, 0};
  static constexpr ApiVersion kFlexibleSince = 0;

  struct ProducerState {
    std::int64_t producer_id = 0;
    std::int32_t producer_epoch = 0;
    std::int32_t last_sequence = -1;
    std::int64_t last_timestamp = -1;
    std::int32_t coordinator_epoch = 0;
    std::int64_t current_txn_start_offset = -1;
  };
  struct PartitionResponse {
    std::int32_t partition_index = 0;
    ErrorCode error_code = ErrorCode::kNone;
    std::optional<std::string> error_message{};
    std::vector<ProducerState> active_producers{};
  };
  struct TopicResponse {
    std::string name{};
    std::vector<PartitionResponse> partitions{};
  };

  std::int32_t throttle_time_ms = 0;
  std::vector<TopicResponse> topics{};
};

}  // namespace mq::wire
