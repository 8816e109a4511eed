// DescribeGroups and ListGroups: what people ask.

#include <fmt/format.h>

#include <algorithm>

#include "base/letter_case.h"
#include "group/coordinator.h"

namespace mq::group {
namespace {

constexpr std::string_view kDeadState = "Dead";
/// From here on a missing group is an error and not a dead group (KIP-1043).
constexpr ApiVersion kNotFoundSince = 6;

bool passes(const std::vector<std::string>& filter, std::string_view name) {
  return filter.empty() ||
         std::ranges::any_of(filter, [&](const std::string& wanted) { return equal_ignoring_case(wanted, name); });
}

}  // namespace

wire::DescribeGroupsResponse::DescribedGroup Coordinator::describe(std::string_view group_id,
                                                                   ApiVersion version) const {
  wire::DescribeGroupsResponse::DescribedGroup described;
  described.group_id = group_id;
  described.error_code = ErrorCode::kNone;
  if (const auto error = not_serving()) {
    described.error_code = *error;
    return described;
  }
  const Group* group = find(group_id);
  if (group == nullptr) {
    described.group_state = kDeadState;
    if (version >= kNotFoundSince) {
      described.error_code = ErrorCode::kGroupIdNotFound;
      described.error_message = fmt::format("Group {} not found.", group_id);
    }
    return described;
  }
  group->classic().describe(described);
  return described;
}

ErrorCode Coordinator::list(const wire::ListGroupsRequest& request,
                            std::vector<wire::ListGroupsResponse::ListedGroup>& groups) const {
  if (const auto error = not_serving()) return *error;
  for (const auto& [id, kept] : groups_) {
    const Group& group = kept.group;
    if (!passes(request.types_filter, group.type()) || !passes(request.states_filter, group.state_name())) continue;
    auto& listed = groups.emplace_back();
    listed.group_id = id;
    listed.protocol_type = group.classic().protocol_type().value_or("");
    listed.group_state = group.state_name();
    listed.group_type = group.type();
  }
  return ErrorCode::kNone;
}

}  // namespace mq::group
