#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "model/api_key.h"
#include "model/error_code.h"
#include "wire/message.h"

namespace mq::wire {

struct HeartbeatResponse;

/// Says that a member lives.
struct HeartbeatRequest {
  using Response = HeartbeatResponse;
  static constexpr std::string_view kName = "HeartbeatRequest";
  static constexpr ApiKey kApi = ApiKey::kHeartbeat;
  static constexpr Versions kVersions{0, 4};
  static constexpr ApiVersion kFlexibleSince = 4;

  std::string group_id{};
  std::int32_t generation_id = 0;
  std::string member_id{};
  std::optional<std::string> group_instance_id{};
};

/// REBALANCE_IN_PROGRESS tells the member to join again.
struct HeartbeatResponse {
  static constexpr std::string_view kName = "HeartbeatResponse";
  static constexpr ApiKey kApi = ApiKey::kHeartbeat;
  static constexpr Versions kVersions{0, 4};
  static constexpr ApiVersion kFlexibleSince = 4;

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;
};

}  // namespace mq::wire
