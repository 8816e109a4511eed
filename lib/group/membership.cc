// JoinGroup, Heartbeat, LeaveGroup: members come and go.

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/assert.h"
#include "group/coordinator.h"
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

/// The current generation, as this member may see it: only the leader needs to know the others.
wire::JoinGroupResponse generation_of(const Group& group, const std::string& member_id, bool with_members) {
  wire::JoinGroupResponse response;
  response.error_code = ErrorCode::kNone;
  response.generation_id = group.generation();
  response.protocol_type = group.protocol_type();
  response.protocol_name = group.protocol_name();
  response.leader = group.leader();
  response.member_id = member_id;
  if (!with_members) return response;
  for (const auto& [id, member] : group.members()) {
    auto& listed = response.members.emplace_back();
    listed.member_id = id;
    listed.group_instance_id = member.instance_id;
    listed.metadata = member.metadata_for(group.protocol_name().value_or(""));
  }
  return response;
}

}  // namespace

Effects Coordinator::join(RequestToken token, const Client& client, const wire::JoinGroupRequest& request, Time time) {
  Turn turn{time};
  if (const auto problem = join_problem(request)) {
    answer(turn, token, refuse(request, *problem));
    return std::move(turn.effects);
  }
  Group& group = find_or_make_group(request.group_id, time.wall);
  if (!has_room_for(group, request.member_id)) {
    group.pending().erase(request.member_id);
    if (group.find(request.member_id) != nullptr) {
      take_out(turn, group, request.member_id);
      after_removal(turn, group);
    }
    answer(turn, token, join_error("", ErrorCode::kGroupMaxSizeReached));
  } else if (!group.supports(request.protocol_type, protocols_of(request))) {
    answer(turn, token, refuse(request, ErrorCode::kInconsistentGroupProtocol));
  } else if (!has_memory_for(group, client, request)) {
    answer(turn, token, refuse(request, ErrorCode::kGroupMaxSizeReached));
  } else if (request.member_id.empty()) {
    join_as_new(turn, token, client, request, group);
  } else {
    join_as_known(turn, token, client, request, group);
  }
  settle(group);
  return std::move(turn.effects);
}

std::optional<ErrorCode> Coordinator::join_problem(const wire::JoinGroupRequest& request) const {
  if (const auto error = not_serving()) return error;
  if (request.group_id.empty()) return ErrorCode::kInvalidGroupId;
  if (session_timeout(request) < settings_.session_timeout_min ||
      session_timeout(request) > settings_.session_timeout_max)
    return ErrorCode::kInvalidSessionTimeout;
  if (find(request.group_id) != nullptr) return std::nullopt;
  if (!request.member_id.empty()) return ErrorCode::kUnknownMemberId;
  // Kafka has no such limit. This is an error that its clients do not retry, and show.
  if (!room_.for_group()) return ErrorCode::kGroupMaxSizeReached;
  return std::nullopt;
}

bool Coordinator::has_room_for(const Group& group, const std::string& member_id) const {
  const Member* member = group.find(member_id);
  switch (group.state()) {
    case State::kEmpty:
      return group.pending().contains(member_id) || group.pending().size() < settings_.members_max;
    case State::kPreparingRebalance:
      // By those who have joined, so that a group that became too big loses the last to come back.
      return (member != nullptr && member->join_token) || group.joined_count() < settings_.members_max;
    case State::kCompletingRebalance:
    case State::kStable:
      return member != nullptr || group.members().size() < settings_.members_max;
  }
  std::unreachable();
}

bool Coordinator::has_memory_for(const Group& group, const Client& client,
                                 const wire::JoinGroupRequest& request) const {
  const std::string* known_as =
      request.group_instance_id ? group.static_member(*request.group_instance_id) : &request.member_id;
  const Member* known = known_as == nullptr ? nullptr : group.find(*known_as);
  Member wanted;
  wanted.id = request.member_id;
  wanted.instance_id = request.group_instance_id;
  wanted.client_id = client.id;
  wanted.client_host = client.host;
  wanted.protocols_size = size_of(protocols_of(request));
  const bool has_room = known == nullptr
                            ? has_room_to_grow(0, wanted.bytes())
                            : has_room_to_grow(known->bytes(), known->bytes_with(wanted.protocols_size.bytes, 0));
  if (!has_room) return false;
  // A generation whose record cannot be written would fail, each time anew. What is assigned is looked at when it
  // comes.
  return record_bytes_max(group, known) + record_bytes_max(wanted) <= room_.batch_bytes();
}

void Coordinator::join_as_new(Turn& turn, RequestToken token, const Client& client,
                              const wire::JoinGroupRequest& request, Group& group) {
  const auto& instance_id = request.group_instance_id;
  const std::string suffix = "-" + new_member_suffix_();
  // As long as a string may be in an answer and in the group's record, and still its own.
  std::string member_id = instance_id.value_or(client.id).substr(0, wire::kStringBytesMax - suffix.size()) + suffix;
  if (instance_id) {
    if (const std::string* old_id = group.static_member(*instance_id))
      return take_over(turn, token, client.version, request, group, std::string(*old_id), member_id);
    return add_member(turn, token, client, request, group, std::move(member_id));
  }
  if (client.version < kMemberIdRequiredSince)
    return add_member(turn, token, client, request, group, std::move(member_id));
  if (group.pending().size() >= settings_.members_max)
    return answer(turn, token, join_error("", ErrorCode::kGroupMaxSizeReached));
  const Instant until = turn.time.now + session_timeout(request);
  group.pending().emplace(member_id, until);
  wake_by(group, until);
  answer(turn, token, join_error(member_id, ErrorCode::kMemberIdRequired));
}

void Coordinator::join_as_known(Turn& turn, RequestToken token, const Client& client,
                                const wire::JoinGroupRequest& request, Group& group) {
  if (group.pending().contains(request.member_id)) {
    // Only dynamic members are ever pending.
    if (request.group_instance_id) return answer(turn, token, refuse(request, ErrorCode::kUnknownMemberId));
    return add_member(turn, token, client, request, group, request.member_id);
  }
  if (const auto problem = group.member_problem(request.member_id, request.group_instance_id))
    return answer(turn, token, refuse(request, *problem));

  Member& member = *group.find(request.member_id);
  const bool leads = group.is_leader(member.id);
  const bool is_same = member.protocols == protocols_of(request);
  // A member that asks again with the same metadata has missed the answer. A stable leader that does it has seen
  // something that the assignment depends on, such as new partitions.
  const bool only_asks = is_same && (group.is(State::kCompletingRebalance) || (group.is(State::kStable) && !leads));
  if (only_asks) return answer(turn, token, generation_of(group, member.id, leads));
  park_join(turn, token, request, group, member);
  rebalance(turn, group);
}

void Coordinator::add_member(Turn& turn, RequestToken token, const Client& client,
                             const wire::JoinGroupRequest& request, Group& group, std::string member_id) {
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
  if (group.initial_delay) group.initial_delay->member_added = true;
  keep_session(turn, group, group.add(std::move(member), request.protocol_type));
  rebalance(turn, group);
}

void Coordinator::park_join(Turn& turn, RequestToken token, const wire::JoinGroupRequest& request, Group& group,
                            Member& member) {
  // Two of its requests at a time: the client has given the first one up.
  if (member.join_token) answer_join(turn, member, join_error(member.id, ErrorCode::kRebalanceInProgress));
  if (member.sync_token) answer_sync(turn, group, member, ErrorCode::kRebalanceInProgress);
  group.set_protocols(member, protocols_of(request));
  member.rebalance_timeout = rebalance_timeout(request);
  member.session_timeout = session_timeout(request);
  member.join_token = token;
}

void Coordinator::take_over(Turn& turn, RequestToken token, ApiVersion version, const wire::JoinGroupRequest& request,
                            Group& group, const std::string& old_id, const std::string& new_id) {
  Member& old = *group.find(old_id);
  if (old.join_token) answer_join(turn, old, join_error(old_id, ErrorCode::kFencedInstanceId));
  if (old.sync_token) answer_sync(turn, group, old, ErrorCode::kFencedInstanceId);
  Member before = old;
  std::string old_leader = group.leader();
  Member& member = group.replace_id(old_id, new_id);
  park_join(turn, token, request, group, member);
  keep_session(turn, group, member);
  // Its old assignment is good as long as the group goes on assigning in the same way. While others still wait for an
  // assignment, the leader may be making one for the old id.
  const bool goes_on = group.is(State::kStable) && group.protocol_name() == group.select_protocol();
  if (!goes_on) return rebalance(turn, group);
  write_takeover(turn, version, group, member, std::move(before), std::move(old_leader));
}

void Coordinator::write_takeover(Turn& turn, ApiVersion version, Group& group, const Member& taken, Member before,
                                 std::string old_leader) {
  write_group(turn, group,
              [this, version, id = taken.id, token = *taken.join_token, before = std::move(before),
               old_leader = std::move(old_leader)](Turn& later, Group& g, ErrorCode error) {
                Member* member = g.find(id);
                // Meanwhile a rebalance may have begun, which will answer it, or somebody has taken it over again.
                if (member == nullptr || member->join_token != token || !g.is(State::kStable)) return;
                if (error != ErrorCode::kNone) {
                  answer_join(later, *member, join_error("", after_failed_group_append(error)));
                  Member& restored = g.replace_id(id, before.id);
                  g.set_protocols(restored, before.protocols);
                  restored.rebalance_timeout = before.rebalance_timeout;
                  restored.session_timeout = before.session_timeout;
                  return keep_session(later, g, restored);
                }
                const bool skips = version >= kSkipAssignmentSince;
                const bool leads = g.is_leader(id);
                auto response = generation_of(g, id, skips && leads);
                // Without a word for "leave it as it is" it must not believe that it leads, or it would assign anew.
                if (!skips) response.leader = old_leader;
                response.skip_assignment = skips && leads;
                answer_join(later, *member, std::move(response));
                member->is_new = false;
                keep_session(later, g, *member);
              });
}

Effects Coordinator::heartbeat(RequestToken token, const wire::HeartbeatRequest& request, Time time) {
  Turn turn{time};
  const auto outcome = [&]() -> ErrorCode {
    if (const auto error = not_serving()) return *error;
    if (request.group_id.empty()) return ErrorCode::kInvalidGroupId;
    Group* group = find_group(request.group_id);
    if (group == nullptr) return ErrorCode::kUnknownMemberId;
    if (const auto problem = group->member_problem(request.member_id, request.group_instance_id)) return *problem;
    if (request.generation_id != group->generation()) return ErrorCode::kIllegalGeneration;
    keep_session(turn, *group, *group->find(request.member_id));
    return group->is(State::kPreparingRebalance) ? ErrorCode::kRebalanceInProgress : ErrorCode::kNone;
  };
  answer(turn, token, refuse(request, outcome()));
  return std::move(turn.effects);
}

Effects Coordinator::leave(RequestToken token, ApiVersion version, const wire::LeaveGroupRequest& request, Time time) {
  Turn turn{time};
  auto error = not_serving();
  if (!error && request.group_id.empty()) error = ErrorCode::kInvalidGroupId;
  if (error) {
    answer(turn, token, refuse(request, *error));
    return std::move(turn.effects);
  }

  Group* group = find_group(request.group_id);
  const auto leave = [&](const std::string& member_id, const std::optional<std::string>& instance_id) {
    return group == nullptr ? ErrorCode::kUnknownMemberId : leave_one(turn, *group, member_id, instance_id);
  };
  wire::LeaveGroupResponse response;
  response.error_code = ErrorCode::kNone;
  bool any_left = false;
  if (version < kLeaveListSince) {
    response.error_code = leave(request.member_id, std::nullopt);
    any_left = response.error_code == ErrorCode::kNone;
  }
  for (const auto& member : request.members) {
    auto& left = response.members.emplace_back();
    left.member_id = member.member_id;
    left.group_instance_id = member.group_instance_id;
    left.error_code = leave(member.member_id, member.group_instance_id);
    any_left |= left.error_code == ErrorCode::kNone;
  }
  if (any_left) after_removal(turn, *group);
  answer(turn, token, std::move(response));
  if (group != nullptr) settle(*group);
  return std::move(turn.effects);
}

ErrorCode Coordinator::leave_one(Turn& turn, Group& group, const std::string& member_id,
                                 const std::optional<std::string>& instance_id) {
  if (member_id.empty()) {
    // An administrator removes a static member, whose current id he need not know.
    const std::string* known = instance_id ? group.static_member(*instance_id) : nullptr;
    if (known == nullptr) return ErrorCode::kUnknownMemberId;
    take_out(turn, group, std::string(*known));
    return ErrorCode::kNone;
  }
  if (group.pending().erase(member_id) > 0) return ErrorCode::kNone;
  if (const auto problem = group.member_problem(member_id, instance_id)) return *problem;
  take_out(turn, group, member_id);
  return ErrorCode::kNone;
}

void Coordinator::complete_join(Turn& turn, Group& group) {
  group.initial_delay.reset();
  group.join_deadline.reset();
  std::vector<std::string> absent;
  for (const auto& [id, member] : group.members())
    if (!member.join_token && !member.instance_id) absent.push_back(id);
  for (const std::string& id : absent) group.remove(id);

  if (!group.members().empty() && !group.elect_joined_leader()) {
    // Only static members that have not come back: they keep their place until their sessions end.
    group.join_deadline = turn.time.now + group.rebalance_timeout();
    return wake_by(group, *group.join_deadline);
  }
  group.begin_generation(turn.time.wall);
  keep_subscription(group);
  ++rebalances_;
  if (group.is(State::kEmpty)) return write_empty_group(turn, group);

  for (auto& [id, member] : group.members()) {
    if (member.join_token) answer_join(turn, member, generation_of(group, id, group.is_leader(id)));
    member.is_new = false;
    member.sync_due = true;
    keep_session(turn, group, member);
  }
  group.sync_deadline = turn.time.now + group.rebalance_timeout();
  wake_by(group, *group.sync_deadline);
}

}  // namespace mq::group
