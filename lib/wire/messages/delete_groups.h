#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/api_key.h"
#include "model/error_code.h"
#include "wire/message.h"

namespace mq::wire {

struct DeleteGroupsResponse;

/// Deletes groups without members, with their offsets.
struct DeleteGroupsRequest {
  using Response = DeleteGroupsResponse;
  static constexpr std::string_view kName = "DeleteGroupsRequest";
  static constexpr ApiKey kApi = ApiKey::kDeleteGroups;
  static constexpr Versions kVersions{0, 2};
  static constexpr ApiVersion kFlexibleSince = 2;

  std::vector<std::string> groups_names{};
};

/// An error per group.
struct DeleteGroupsResponse {
  static constexpr std::string_view kName = "DeleteGroupsResponse";
  static constexpr ApiKey kApi = ApiKey::kDeleteGroups;
  static constexpr Versions kVersions{0, 2};
  static constexpr ApiVersion kFlexibleSince = 2;

  struct DeletableGroupResult {
    std::string group_id{};
    ErrorCode error_code = ErrorCode::kNone;
  };

  std::int32_t throttle_time_ms = 0;
  std::vector<DeletableGroupResult> results{};
};

}  // namespace mq::wire
