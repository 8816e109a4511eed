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

struct ListPartitionReassignmentsResponse;

/// Asks which partitions are on their way to other brokers, KIP-455.
struct ListPartitionReassignmentsRequest {
  using Response = ListPartitionReassignmentsResponse;
  static constexpr std::string_view kName = "ListPartitionReassignmentsRequest";
  static constexpr ApiKey kApi = ApiKey::kListPartitionReassignments;
  static constexpr Versions kVersions{0, 0};
  static constexpr ApiVersion kFlexibleSince = 0;

  struct ListPartitionReassignmentsTopics {
    std::string name{};
    std::vector<std::int32_t> partition_indexes{};
  };

  std::int32_t timeout_ms = 60000;
  std::optional<std::vector<ListPartitionReassignmentsTopics>> topics{};  ///< null: all
};

/// Those that are.
struct ListPartitionReassignmentsResponse {
  static constexpr std::string_view kName = "ListPartitionReassignmentsResponse";
  static constexpr ApiKey kApi = ApiKey::kListPartitionReassignments;
  static constexpr Versions kVersions{0, 0};
  static constexpr ApiVersion kFlexibleSince = 0;

  struct OngoingPartitionReassignment {
    std::int32_t partition_index = 0;
    std::vector<std::int32_t> replicas{};
    std::vector<std::int32_t> adding_replicas{};
    std::vector<std::int32_t> removing_replicas{};
  };
  struct OngoingTopicReassignment {
    std::string name{};
    std::vector<OngoingPartitionReassignment> partitions{};
  };

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;
  std::optional<std::string> error_message{};
  std::vector<OngoingTopicReassignment> topics{};
};

}  // namespace mq::wire
