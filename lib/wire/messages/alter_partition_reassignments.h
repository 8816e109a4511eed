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

struct AlterPartitionReassignmentsResponse;

/// Moves partitions to other brokers, KIP-455.
struct AlterPartitionReassignmentsRequest {
  using Response = AlterPartitionReassignmentsResponse;
  static constexpr std::string_view kName = "AlterPartitionReassignmentsRequest";
  static constexpr ApiKey kApi = ApiKey::kAlterPartitionReassignments;
  static constexpr Versions kVersions{0, 1};
  static constexpr ApiVersion kFlexibleSince = 0;

  struct ReassignablePartition {
    std::int32_t partition_index = 0;
    std::optional<std::vector<std::int32_t>> replicas{};  ///< null: what is going on is called off
  };
  struct ReassignableTopic {
    std::string name{};
    std::vector<ReassignablePartition> partitions{};
  };

  std::int32_t timeout_ms = 60000;
  bool allow_replication_factor_change = true;
  std::vector<ReassignableTopic> topics{};
};

/// An error per partition.
struct AlterPartitionReassignmentsResponse {
  static constexpr std::string_view kName = "AlterPartitionReassignmentsResponse";
  static constexpr ApiKey kApi = ApiKey::kAlterPartitionReassignments;
  static constexpr Versions kVersions{0, 1};
  static constexpr ApiVersion kFlexibleSince = 0;

  struct ReassignablePartitionResponse {
    std::int32_t partition_index = 0;
    ErrorCode error_code = ErrorCode::kNone;
    std::optional<std::string> error_message{};
  };
  struct ReassignableTopicResponse {
    std::string name{};
    std::vector<ReassignablePartitionResponse> partitions{};
  };

  std::int32_t throttle_time_ms = 0;
  bool allow_replication_factor_change = true;
  ErrorCode error_code = ErrorCode::kNone;
  std::optional<std::string> error_message{};
  std::vector<ReassignableTopicResponse> responses{};
};

}  // namespace mq::wire
