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

struct DeleteTopicsResponse;

/// Deletes topics: by name until version 5, by name or id from 6 on.
struct DeleteTopicsRequest {
  using Response = DeleteTopicsResponse;
  static constexpr std::string_view kName = "DeleteTopicsRequest";
  static constexpr ApiKey kApi = ApiKey::kDeleteTopics;
  static constexpr Versions kVersions{1, 6};
  static constexpr ApiVersion kFlexibleSince = 4;

  struct DeleteTopicState {
    std::optional<std::string> name{};
    Uuid topic_id{};
  };

  std::vector<DeleteTopicState> topics{};
  std::vector<std::string> topic_names{};
  std::int32_t timeout_ms = 0;
};

/// An error per topic.
struct DeleteTopicsResponse {
  static constexpr std::string_view kName = "DeleteTopicsResponse";
  static constexpr ApiKey kApi = ApiKey::kDeleteTopics;
  static constexpr Versions kVersions{1, 6};
  static constexpr ApiVersion kFlexibleSince = 4;

  struct DeletableTopicResult {
    std::optional<std::string> name{};
    Uuid topic_id{};
    ErrorCode error_code = ErrorCode::kNone;
    std::optional<std::string> error_message{};
  };

  std::int32_t throttle_time_ms = 0;
  std::vector<DeletableTopicResult> responses{};
};

}  // namespace mq::wire
