#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/api_key.h"
#include "model/error_code.h"
#include "wire/authorized_operations.h"
#include "wire/message.h"

namespace mq::wire {

struct DescribeGroupsResponse;

/// Asks for the state and the members of groups.
struct DescribeGroupsRequest {
  using Response = DescribeGroupsResponse;
  static constexpr std::string_view kName = "DescribeGroupsRequest";
  static constexpr ApiKey kApi = ApiKey::kDescribeGroups;
  static constexpr Versions kVersions{0, 6};
  static constexpr ApiVersion kFlexibleSince = 5;

  std::vector<std::string> groups{};
  bool include_authorized_operations = false;
};

/// State and members, as the coordinator knows them.
struct DescribeGroupsResponse {
  static constexpr std::string_view kName = "DescribeGroupsResponse";
  static constexpr ApiKey kApi = ApiKey::kDescribeGroups;
  static constexpr Versions kVersions{0, 6};
  static constexpr ApiVersion kFlexibleSince = 5;

  struct DescribedGroupMember {
    std::string member_id{};
    std::optional<std::string> group_instance_id{};
    std::string client_id{};
    std::string client_host{};
    std::string member_metadata{};
    std::string member_assignment{};
  };
  struct DescribedGroup {
    ErrorCode error_code = ErrorCode::kNone;
    std::optional<std::string> error_message{};
    std::string group_id{};
    std::string group_state{};
    std::string protocol_type{};
    std::string protocol_data{};
    std::vector<DescribedGroupMember> members{};
    std::int32_t authorized_operations = kNoOperations;
  };

  std::int32_t throttle_time_ms = 0;
  std::vector<DescribedGroup> groups{};
};

}  // namespace mq::wire
