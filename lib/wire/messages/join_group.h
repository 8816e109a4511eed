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

struct JoinGroupResponse;

/// Joins a group, or joins again in a rebalance.
struct JoinGroupRequest {
  using Response = JoinGroupResponse;
  static constexpr std::string_view kName = "JoinGroupRequest";
  static constexpr ApiKey kApi = ApiKey::kJoinGroup;
  static constexpr Versions kVersions{0, 9};
  static constexpr ApiVersion kFlexibleSince = 6;

  struct JoinGroupRequestProtocol {
    std::string name{};
    std::string metadata{};
  };

  std::string group_id{};
  std::int32_t session_timeout_ms = 0;
  std::int32_t rebalance_timeout_ms = -1;  ///< -1: as session_timeout_ms
  std::string member_id{};                 ///< empty: a new member
  std::optional<std::string> group_instance_id{};
  std::string protocol_type{};
  std::vector<JoinGroupRequestProtocol> protocols{};
  std::optional<std::string> reason{};
};

/// Held back until all members have joined.
struct JoinGroupResponse {
  static constexpr std::string_view kName = "JoinGroupResponse";
  static constexpr ApiKey kApi = ApiKey::kJoinGroup;
  static constexpr Versions kVersions{0, 9};
  static constexpr ApiVersion kFlexibleSince = 6;

  struct JoinGroupResponseMember {
    std::string member_id{};
    std::optional<std::string> group_instance_id{};
    std::string metadata{};
  };

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;
  std::int32_t generation_id = -1;
  std::optional<std::string> protocol_type{};
  std::optional<std::string> protocol_name{};
  std::string leader{};
  bool skip_assignment = false;
  std::string member_id{};
  std::vector<JoinGroupResponseMember> members{};  ///< for the leader only
};

}  // namespace mq::wire
