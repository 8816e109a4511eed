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

struct FindCoordinatorResponse;

/// Asks who coordinates groups or transactional ids: one until version 3, several from 4 on.
struct FindCoordinatorRequest {
  using Response = FindCoordinatorResponse;
  static constexpr std::string_view kName = "FindCoordinatorRequest";
  static constexpr ApiKey kApi = ApiKey::kFindCoordinator;
  static constexpr Versions kVersions{0, 6};
  static constexpr ApiVersion kFlexibleSince = 3;

  std::string key{};
  std::int8_t key_type = 0;  ///< 0: group, 1: transaction, 2: share
  std::vector<std::string> coordinator_keys{};
};

/// The brokers, in the shape of the request.
struct FindCoordinatorResponse {
  static constexpr std::string_view kName = "FindCoordinatorResponse";
  static constexpr ApiKey kApi = ApiKey::kFindCoordinator;
  static constexpr Versions kVersions{0, 6};
  static constexpr ApiVersion kFlexibleSince = 3;

  struct Coordinator {
    std::string key{};
    std::int32_t node_id = 0;
    std::string host{};
    std::int32_t port = 0;
    ErrorCode error_code = ErrorCode::kNone;
    std::optional<std::string> error_message{};
  };

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;
  std::optional<std::string> error_message{};
  std::int32_t node_id = 0;
  std::string host{};
  std::int32_t port = 0;
  std::vector<Coordinator> coordinators{};
};

}  // namespace mq::wire
