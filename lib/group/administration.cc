// DescribeGroups and ListGroups: what people ask.

#include <fmt/format.h>

#include <algorithm>

#include "group/coordinator.h"

namespace mq::group {
namespace {

constexpr std::string_view kGroupType = "classic";
constexpr std::string_view kDeadState = "Dead";
/// From here on a missing group is an error and not a dead group (KIP-1043).
constexpr ApiVersion kNotFoundSince = 6;

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

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
  described.group_state = name_of(group->state());
  described.protocol_type = group->protocol_type().value_or("");
  const bool is_stable = group->is(State::kStable);
  const std::string protocol = is_stable ? group->protocol_name().value_or("") : std::string();
  described.protocol_data = protocol;
  for (const auto& [id, member] : group->members()) {
    auto& listed = described.members.emplace_back();
    listed.member_id = id;
    listed.group_instance_id = member.instance_id;
    listed.client_id = member.client_id;
    listed.client_host = member.client_host;
    if (!is_stable) continue;
    listed.member_metadata = member.metadata_for(protocol);
    listed.member_assignment = member.assignment;
  }
  return described;
}

ErrorCode Coordinator::list(const wire::ListGroupsRequest& request,
                            std::vector<wire::ListGroupsResponse::ListedGroup>& groups) const {
  if (const auto error = not_serving()) return *error;
  if (!passes(request.types_filter, kGroupType)) return ErrorCode::kNone;
  for (const auto& [id, group] : groups_) {
    if (!passes(request.states_filter, name_of(group.state()))) continue;
    auto& listed = groups.emplace_back();
    listed.group_id = id;
    listed.protocol_type = group.protocol_type().value_or("");
    listed.group_state = name_of(group.state());
    listed.group_type = kGroupType;
  }
  return ErrorCode::kNone;
}

}  // namespace mq::group
