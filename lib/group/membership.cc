// JoinGroup, Heartbeat, LeaveGroup: members come and go.

#include <chrono>
#include <set>
#include <utility>

#include "base/mark.h"
#include "group/classic.h"
#include "group/policy.h"
#include "group/records.h"
#include "group/refusals.h"
#include "wire/codec.h"

namespace mq::group {
namespace {

/// KIP-394: a client without an id is given one and joins again with it, so that a lost answer leaves no ghost.
constexpr ApiVersion kMemberIdRequiredSince = 4;
/// The leader may be told to leave the assignment as it is.
constexpr ApiVersion kSkipAssignmentSince = 9;
/// Versions below have one member and no list.
constexpr ApiVersion kLeaveListSince = 3;

Duration session_timeout(const wire::JoinGroupRequest& request) {
  return std::chrono::milliseconds(request.session_timeout_ms);
}

/// Version 0 has no rebalance timeout: its session timeout is both.
Duration rebalance_timeout(const wire::JoinGroupRequest& request) {
  return request.rebalance_timeout_ms < 0 ? session_timeout(request)
                                          : std::chrono::milliseconds(request.rebalance_timeout_ms);
}

std::vector<Protocol> protocols_of(const wire::JoinGroupRequest& request) {
  std::vector<Protocol> protocols;
  std::set<std::string_view> names;
  for (const auto& protocol : request.protocols)
    if (names.insert(protocol.name).second) protocols.push_back({protocol.name, protocol.metadata});
  return protocols;
}

}  // namespace

void Classic::join(Step& step, RequestToken token, const Client& client, const wire::JoinGroupRequest& request) {
  if (!has_room_for(request.member_id, step.policy.settings.members_max)) {
    turn_away(step, token, request.member_id);
  } else if (const auto problem = join_problem(step, client, request)) {
    step.answer(token, refuse(request, *problem));
  } else if (request.member_id.empty()) {
    join_as_new(step, token, client, request);
  } else {
    join_as_known(step, token, client, request);
  }
  settle();
}

bool Classic::has_room_for(const std::string& member_id, std::size_t members_max) const {
  const Member* member = members_.find(member_id);
  switch (state_) {
    case State::kEmpty:
      return members_.is_pending(member_id) || members_.pending_count() < members_max;
    case State::kPreparingRebalance:
      // By those who have joined, so that a group that became too big loses the last to come back.
      return (member != nullptr && member->join_token) || members_.joined_count() < members_max;
    case State::kCompletingRebalance:
    case State::kStable:
      return member != nullptr || members_.size() < members_max;
  }
  std::unreachable();
}

void Classic::turn_away(Step& step, RequestToken token, const std::string& member_id) {
  members_.remove_pending(member_id);
  if (members_.find(member_id) != nullptr) {
    take_out(step, member_id);
    after_removal(step);
  }
  step.answer(token, join_error("", ErrorCode::kGroupMaxSizeReached));
}

std::optional<ErrorCode> Classic::join_problem(const Step& step, const Client& client,
                                               const wire::JoinGroupRequest& request) const {
  if (!supports(request)) return ErrorCode::kInconsistentGroupProtocol;
  if (!has_memory_for(step, client, request)) return ErrorCode::kGroupMaxSizeReached;
  return std::nullopt;
}

bool Classic::supports(const wire::JoinGroupRequest& request) const {
  if (is(State::kEmpty)) return !request.protocol_type.empty() && !request.protocols.empty();
  return protocol_type_ == request.protocol_type && members_.all_support_one_of(protocols_of(request));
}

bool Classic::has_memory_for(const Step& step, const Client& client, const wire::JoinGroupRequest& request) const {
  const std::string* known_as =
      request.group_instance_id ? members_.static_member(*request.group_instance_id) : &request.member_id;
  const Member* known = known_as == nullptr ? nullptr : members_.find(*known_as);
  Member wanted;
  wanted.id = request.member_id;
  wanted.instance_id = request.group_instance_id;
  wanted.client_id = client.id;
  wanted.client_host = client.host;
  wanted.protocols_size = size_of(protocols_of(request));
  const bool has_room = known == nullptr ? step.policy.has_room_to_grow(0, wanted.bytes())
                                         : step.policy.has_room_to_grow(
                                               known->bytes(), known->bytes_with(wanted.protocols_size.bytes, 0));
  if (!has_room) return false;
  // A generation whose record cannot be written would fail, each time anew. What is assigned is looked at when it
  // comes.
  return record_bytes_max(step.group_id, *this, known) + record_bytes_max(wanted) <= step.policy.room.batch_bytes();
}

void Classic::join_as_new(Step& step, RequestToken token, const Client& client, const wire::JoinGroupRequest& request) {
  const auto& instance_id = request.group_instance_id;
  const std::string suffix = "-" + step.policy.new_member_suffix();
  // As long as a string may be in an answer and in the group's record, and still its own.
  std::string member_id = instance_id.value_or(client.id).substr(0, wire::kStringBytesMax - suffix.size()) + suffix;
  if (instance_id) {
    if (const std::string* old_id = members_.static_member(*instance_id))
      return take_over(step, token, client.version, request, std::string(*old_id), member_id);
    return add_member(step, token, client, request, std::move(member_id));
  }
  if (client.version < kMemberIdRequiredSince) return add_member(step, token, client, request, std::move(member_id));
  if (members_.pending_count() >= step.policy.settings.members_max)
    return step.answer(token, join_error("", ErrorCode::kGroupMaxSizeReached));
  members_.add_pending(member_id, step.time.now + session_timeout(request));
  MQ_MARK("group: a new member is given its id");
  step.answer(token, join_error(member_id, ErrorCode::kMemberIdRequired));
}

void Classic::join_as_known(Step& step, RequestToken token, const Client& client,
                            const wire::JoinGroupRequest& request) {
  if (members_.is_pending(request.member_id)) {
    // Only dynamic members are ever pending.
    if (request.group_instance_id) return step.answer(token, refuse(request, ErrorCode::kUnknownMemberId));
    return add_member(step, token, client, request, request.member_id);
  }
  if (const auto problem = members_.problem_of(request.member_id, request.group_instance_id))
    return step.answer(token, refuse(request, *problem));

  Member& member = *members_.find(request.member_id);
  const bool leads = members_.is_leader(member.id);
  const bool is_same = member.protocols == protocols_of(request);
  // A member that asks again with the same metadata has missed the answer. A stable leader that does it has seen
  // something that the assignment depends on, such as new partitions.
  const bool only_asks = is_same && (is(State::kCompletingRebalance) || (is(State::kStable) && !leads));
  if (only_asks) MQ_MARK("group: a member missed the answer to its join");
  if (only_asks) return step.answer(token, generation_for(member.id, leads));
  park_join(step, token, request, member);
  rebalance(step);
}

void Classic::add_member(Step& step, RequestToken token, const Client& client, const wire::JoinGroupRequest& request,
                         std::string member_id) {
  Member member;
  member.id = std::move(member_id);
  member.instance_id = request.group_instance_id;
  member.client_id = client.id;
  member.client_host = client.host;
  member.rebalance_timeout = rebalance_timeout(request);
  member.session_timeout = session_timeout(request);
  member.protocols = protocols_of(request);
  member.is_new = true;
  member.join_token = token;
  if (initial_delay_) initial_delay_->member_added = true;
  if (members_.empty()) protocol_type_ = request.protocol_type;
  keep_session(step, members_.add(std::move(member)));
  rebalance(step);
}

void Classic::park_join(Step& step, RequestToken token, const wire::JoinGroupRequest& request, Member& member) {
  // Two of its requests at a time: the client has given the first one up.
  if (member.join_token.has_value()) MQ_MARK("group: a member joins while its join waits");
  if (member.join_token) answer_join(step, member, join_error(member.id, ErrorCode::kRebalanceInProgress));
  if (member.sync_token) answer_sync(step, member, ErrorCode::kRebalanceInProgress);
  members_.set_protocols(member, protocols_of(request));
  member.rebalance_timeout = rebalance_timeout(request);
  member.session_timeout = session_timeout(request);
  member.join_token = token;
}

void Classic::take_over(Step& step, RequestToken token, ApiVersion version, const wire::JoinGroupRequest& request,
                        const std::string& old_id, const std::string& new_id) {
  Member& old = *members_.find(old_id);
  MQ_MARK("group: a static member comes back");
  if (old.join_token) answer_join(step, old, join_error(old_id, ErrorCode::kFencedInstanceId));
  if (old.sync_token) answer_sync(step, old, ErrorCode::kFencedInstanceId);
  Member before = old;
  std::string old_leader = members_.leader();
  Member& member = members_.replace_id(old_id, new_id);
  park_join(step, token, request, member);
  keep_session(step, member);
  // Its old assignment is good as long as the group goes on assigning in the same way. While others still wait for an
  // assignment, the leader may be making one for the old id.
  const bool goes_on = is(State::kStable) && protocol_name_ == members_.select_protocol();
  if (!goes_on) MQ_MARK("group: a static member comes back amid a rebalance");
  if (!goes_on) return rebalance(step);
  write_takeover(step, version, member, std::move(before), std::move(old_leader));
}

void Classic::write_takeover(Step& step, ApiVersion version, const Member& taken, Member before,
                             std::string old_leader) {
  write(step, [this, version, id = taken.id, token = *taken.join_token, before = std::move(before),
               old_leader = std::move(old_leader)](Step& later, ErrorCode error) {
    Member* member = members_.find(id);
    // Meanwhile a rebalance may have begun, which will answer it, or somebody has taken it over again.
    if (member == nullptr || member->join_token != token || !is(State::kStable)) return;
    if (error != ErrorCode::kNone) {
      answer_join(later, *member, join_error("", after_failed_group_append(error)));
      Member& restored = members_.replace_id(id, before.id);
      members_.set_protocols(restored, before.protocols);
      restored.rebalance_timeout = before.rebalance_timeout;
      restored.session_timeout = before.session_timeout;
      return keep_session(later, restored);
    }
    const bool skips = version >= kSkipAssignmentSince;
    const bool leads = members_.is_leader(id);
    auto response = generation_for(id, skips && leads);
    // Without a word for "leave it as it is" it must not believe that it leads, or it would assign anew.
    if (!skips) response.leader = old_leader;
    response.skip_assignment = skips && leads;
    answer_join(later, *member, std::move(response));
    member->is_new = false;
    keep_session(later, *member);
  });
}

ErrorCode Classic::heartbeat(const Step& step, const wire::HeartbeatRequest& request) {
  if (const auto problem = members_.problem_of(request.member_id, request.group_instance_id)) return *problem;
  if (request.generation_id != generation_) return ErrorCode::kIllegalGeneration;
  keep_session(step, request.member_id);
  if (is(State::kPreparingRebalance)) MQ_MARK("group: a heartbeat is told of a rebalance");
  return is(State::kPreparingRebalance) ? ErrorCode::kRebalanceInProgress : ErrorCode::kNone;
}

wire::LeaveGroupResponse Classic::leave(Step& step, ApiVersion version, const wire::LeaveGroupRequest& request) {
  wire::LeaveGroupResponse response;
  response.error_code = ErrorCode::kNone;
  bool any_left = false;
  if (version < kLeaveListSince) {
    response.error_code = leave_one(step, request.member_id, std::nullopt);
    any_left = response.error_code == ErrorCode::kNone;
  }
  for (const auto& member : request.members) {
    auto& left = response.members.emplace_back();
    left.member_id = member.member_id;
    left.group_instance_id = member.group_instance_id;
    left.error_code = leave_one(step, member.member_id, member.group_instance_id);
    any_left |= left.error_code == ErrorCode::kNone;
  }
  if (any_left) after_removal(step);
  settle();
  return response;
}

ErrorCode Classic::leave_one(Step& step, const std::string& member_id, const std::optional<std::string>& instance_id) {
  if (member_id.empty()) {
    // An administrator removes a static member, whose current id he need not know.
    const std::string* known = instance_id ? members_.static_member(*instance_id) : nullptr;
    if (known == nullptr) return ErrorCode::kUnknownMemberId;
    take_out(step, std::string(*known));
    return ErrorCode::kNone;
  }
  if (members_.remove_pending(member_id)) return ErrorCode::kNone;
  if (const auto problem = members_.problem_of(member_id, instance_id)) return *problem;
  MQ_MARK("group: a member leaves");
  take_out(step, member_id);
  return ErrorCode::kNone;
}

void Classic::answer_join(Step& step, Member& member, wire::JoinGroupResponse response) {
  step.answer(*std::exchange(member.join_token, std::nullopt), std::move(response));
}

wire::JoinGroupResponse Classic::generation_for(const std::string& member_id, bool with_members) const {
  wire::JoinGroupResponse response;
  response.error_code = ErrorCode::kNone;
  response.generation_id = generation_;
  response.protocol_type = protocol_type_;
  response.protocol_name = protocol_name_;
  response.leader = members_.leader();
  response.member_id = member_id;
  if (!with_members) return response;
  for (const auto& [id, member] : members_) {
    auto& listed = response.members.emplace_back();
    listed.member_id = id;
    listed.group_instance_id = member.instance_id;
    listed.metadata = member.metadata_for(protocol_name_.value_or(""));
  }
  return response;
}

}  // namespace mq::group
