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

struct LeaveGroupResponse;

/// Takes members out of a group: one until version 2, several from 3 on.
struct LeaveGroupRequest {
  using Response = LeaveGroupResponse;
  static constexpr std::string_view kName = "LeaveGroupRequest";
  static constexpr ApiKey kApi = ApiKey::kLeaveGroup;
  static constexpr Versions kVersions{0, 5};
  static constexpr ApiVersion kFlexibleSince = 4;

  struct MemberIdentity {
    std::string member_id{};
    std::optional<std::string> group_instance_id{};
    std::optional<std::string> reason{};
  };

  std::string group_id{};
  std::string member_id{};
  std::vector<MemberIdentity> members{};
};

/// An error per member from version 3 on.
struct LeaveGroupResponse {
  static constexpr std::string_view kName = "LeaveGroupResponse";
  static constexpr ApiKey kApi = ApiKey::kLeaveGroup;
  static constexpr Versions kVersions{0, 5};
  static constexpr ApiVersion kFlexibleSince = 4;

  struct MemberResponse {
    std::string member_id{};
    std::optional<std::string> group_instance_id{};
    ErrorCode error_code = ErrorCode::kNone;
  };

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;
  std::vector<MemberResponse> members{};
};

}  // namespace mq::wire
