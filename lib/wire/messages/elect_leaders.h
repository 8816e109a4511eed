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

struct ElectLeadersResponse;

/// Elects leaders of partitions, KIP-460.
struct ElectLeadersRequest {
  using Response = ElectLeadersResponse;
  static constexpr std::string_view kName = "ElectLeadersRequest";
  static constexpr ApiKey kApi = ApiKey::kElectLeaders;
  static constexpr Versions kVersions{0, 2};
  static constexpr ApiVersion kFlexibleSince = 2;

  struct TopicPartitions {
    std::string topic{};
    std::vector<std::int32_t> partitions{};
  };

  std::int8_t election_type = 0;                                   ///< 0: preferred, 1: unclean
  std::optional<std::vector<TopicPartitions>> topic_partitions{};  ///< null: all
  std::int32_t timeout_ms = 60000;
};

/// An error per partition.
struct ElectLeadersResponse {
  static constexpr std::string_view kName = "ElectLeadersResponse";
  static constexpr ApiKey kApi = ApiKey::kElectLeaders;
  static constexpr Versions kVersions{0, 2};
  static constexpr ApiVersion kFlexibleSince = 2;

  struct PartitionResult {
    std::int32_t partition_id = 0;
    ErrorCode error_code = ErrorCode::kNone;
    std::optional<std::string> error_message{};
  };
  struct ReplicaElectionResult {
    std::string topic{};
    std::vector<PartitionResult> partition_result{};
  };

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;
  std::vector<ReplicaElectionResult> replica_election_results{};
};

}  // namespace mq::wire
