#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/api_key.h"
#include "model/error_code.h"
#include "model/ids.h"
#include "wire/message.h"

namespace mq::wire {

struct CreateTopicsResponse;

/// Makes topics.
struct CreateTopicsRequest {
  using Response = CreateTopicsResponse;
  static constexpr std::string_view kName = "CreateTopicsRequest";
  static constexpr ApiKey kApi = ApiKey::kCreateTopics;
  static constexpr Versions kVersions{2, 7};
  static constexpr ApiVersion kFlexibleSince = 5;

  struct CreatableReplicaAssignment {
    std::int32_t partition_index = 0;
    std::vector<std::int32_t> broker_ids{};
  };
  struct CreatableTopicConfig {
    std::string name{};
    std::optional<std::string> value{};
  };
  struct CreatableTopic {
    std::string name{};
    std::int32_t num_partitions = 0;      ///< -1: the broker's default, or as assigned
    std::int16_t replication_factor = 0;  ///< -1: the broker's default, or as assigned
    std::vector<CreatableReplicaAssignment> assignments{};
    std::vector<CreatableTopicConfig> configs{};
  };

  std::vector<CreatableTopic> topics{};
  std::int32_t timeout_ms = 60000;
  bool validate_only = false;
};

/// What was made, or why not.
struct CreateTopicsResponse {
  static constexpr std::string_view kName = "CreateTopicsResponse";
  static constexpr ApiKey kApi = ApiKey::kCreateTopics;
  static constexpr Versions kVersions{2, 7};
  static constexpr ApiVersion kFlexibleSince = 5;

  struct CreatableTopicConfigs {
    std::string name{};
    std::optional<std::string> value{};
    bool read_only = false;
    std::int8_t config_source = -1;
    bool is_sensitive = false;
  };
  struct CreatableTopicResult {
    std::string name{};
    Uuid topic_id{};
    ErrorCode error_code = ErrorCode::kNone;
    std::optional<std::string> error_message{};
    ErrorCode topic_config_error_code = ErrorCode::kNone;
    std::int32_t num_partitions = -1;
    std::int16_t replication_factor = -1;
    std::optional<std::vector<CreatableTopicConfigs>> configs{};
  };

  std::int32_t throttle_time_ms = 0;
  std::vector<CreatableTopicResult> topics{};
};

}  // namespace mq::wire
