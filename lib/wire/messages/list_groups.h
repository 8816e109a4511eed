#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/api_key.h"
#include "model/error_code.h"
#include "wire/message.h"

namespace mq::wire {

struct ListGroupsResponse;

/// Asks for the groups that this broker coordinates. Empty filters pass everything.
struct ListGroupsRequest {
  using Response = ListGroupsResponse;
  static constexpr std::string_view kName = "ListGroupsRequest";
  static constexpr ApiKey kApi = ApiKey::kListGroups;
  static constexpr Versions kVersions{0, 5};
  static constexpr ApiVersion kFlexibleSince = 3;

  std::vector<std::string> states_filter{};
  std::vector<std::string> types_filter{};
};

/// The groups that pass the filters.
struct ListGroupsResponse {
  static constexpr std::string_view kName = "ListGroupsResponse";
  static constexpr ApiKey kApi = ApiKey::kListGroups;
  static constexpr Versions kVersions{0, 5};
  static constexpr ApiVersion kFlexibleSince = 3;

  struct ListedGroup {
    std::string group_id{};
    std::string protocol_type{};
    std::string group_state{};
    std::string group_type{};
  };

  std::int32_t throttle_time_ms = 0;
  ErrorCode error_code = ErrorCode::kNone;
  std::vector<ListedGroup> groups{};
};

}  // namespace mq::wire
