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

struct SyncGroupResponse;

/// Brings the leader's assignments, or nothing from the others.
struct SyncGroupRequest {
  using Response = SyncGroupResponse;
  static constexpr std::string_view kName = "SyncGroupRequest";
  static constexpr ApiKey kApi = ApiKey::kSyncGroup;
  static constexpr Versions kVersions{0, 5};
  static constexpr ApiVersion kFlexibleSince = 4;

  struct SyncGroupRequestAssignment {
    std::string member_id{};
    std::string assignment{};
  };

  std::string group_id{};
  std::int32_t generation_id = 0;
  std::string member_id{};
  std::optional<std::string> group_instance_id{};
  std::optional<std::string> protocol_type{};
  std::optional<std::string> protocol_name{};
  std::vector<SyncGroupRequestAssignment> assignments{};
};

/// The member's own assignment.
struct SyncGroupResponse {
  static constexpr std::string_view kName = "SyncGroupResponse";
  static constexpr ApiKey kApi = ApiKey::kSyncGroup;
  static constexpr Versions kVersions{0, 5};
  static constexpr ApiVersion kFlexibleSince = 4;

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;
  std::optional<std::string> protocol_type{};
  std::optional<std::string> protocol_name{};
  std::string assignment{};
};

}  // namespace mq::wire
