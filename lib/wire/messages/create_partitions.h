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

struct CreatePartitionsResponse;

/// Adds partitions to topics.
struct CreatePartitionsRequest {
  using Response = CreatePartitionsResponse;
  static constexpr std::string_view kName = "CreatePartitionsRequest";
  static constexpr ApiKey kApi = ApiKey::kCreatePartitions;
  static constexpr Versions kVersions{0, 3};
  static constexpr ApiVersion kFlexibleSince = 2;

  struct CreatePartitionsAssignment {
    std::vector<std::int32_t> broker_ids{};
  };
  struct CreatePartitionsTopic {
    std::string name{};
    std::int32_t count = 0;                                                ///< of all partitions, not of the new ones
    std::optional<std::vector<CreatePartitionsAssignment>> assignments{};  ///< null: as the broker likes
  };

  std::vector<CreatePartitionsTopic> topics{};
  std::int32_t timeout_ms = 0;
  bool validate_only = false;
};

/// An error per topic.
struct CreatePartitionsResponse {
  static constexpr std::string_view kName = "CreatePartitionsResponse";
  static constexpr ApiKey kApi = ApiKey::kCreatePartitions;
  static constexpr Versions kVersions{0, 3};
  static constexpr ApiVersion kFlexibleSince = 2;

  struct CreatePartitionsTopicResult {
    std::string name{};
    ErrorCode error_code = ErrorCode::kNone;
    std::optional<std::string> error_message{};
  };

  std::int32_t throttle_time_ms = 0;
  std::vector<CreatePartitionsTopicResult> results{};
};

}  // namespace mq::wire
