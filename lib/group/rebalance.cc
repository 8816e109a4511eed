// How a group gets from one generation to the next: everybody joins (complete_join, in membership.cc beside the answers
// it shares), the leader assigns, everybody is told.

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "group/coordinator.h"
#include "group/records.h"
#include "group/refusals.h"

namespace mq::group {
namespace {

constexpr Duration kWriteAgainAfter = 5s;

/// Clients before SyncGroup 5 do not say which protocol they mean.
bool contradicts(const std::optional<std::string>& said, const std::optional<std::string>& is) {
  return said && is && *said != *is;
}

}  // namespace

void Coordinator::rebalance(Turn& turn, Group& group) {
  group.is(State::kPreparingRebalance) ? complete_join_if_all_joined(turn, group) : begin_rebalance(turn, group);
}

void Coordinator::begin_rebalance(Turn& turn, Group& group) {
  if (group.is(State::kCompletingRebalance)) end_syncs_with(turn, group, ErrorCode::kRebalanceInProgress);
  group.sync_deadline.reset();
  group.write_due.reset();
  for (auto& [id, member] : group.members()) member.sync_due = false;
  const bool was_empty = group.is(State::kEmpty);
  group.enter(State::kPreparingRebalance, turn.time.wall);
  if (!was_empty) return complete_join_if_all_joined(turn, group);

  const Duration delay = settings_.initial_rebalance_delay;
  if (delay == Duration::zero()) return complete_join(turn, group);
  group.initial_delay = {.current = delay, .left = std::max(group.rebalance_timeout() - delay, Duration::zero())};
  group.join_deadline = turn.time.now + delay;
  wake_by(group, *group.join_deadline);
}

void Coordinator::complete_join_if_all_joined(Turn& turn, Group& group) {
  if (group.initial_delay) return;
  if (group.all_joined()) return complete_join(turn, group);
  if (group.join_deadline) return;
  group.join_deadline = turn.time.now + group.rebalance_timeout();
  wake_by(group, *group.join_deadline);
}

void Coordinator::join_time_is_over(Turn& turn, Group& group) {
  if (!group.initial_delay || !group.initial_delay->member_added || group.initial_delay->left == Duration::zero())
    return complete_join(turn, group);
  Group::InitialDelay& delay = *group.initial_delay;
  const Duration used = std::exchange(delay.current, std::min(settings_.initial_rebalance_delay, delay.left));
  delay.left = std::max(delay.left - used, Duration::zero());
  delay.member_added = false;
  group.join_deadline = turn.time.now + delay.current;
  wake_by(group, *group.join_deadline);
}

Effects Coordinator::sync(RequestToken token, const wire::SyncGroupRequest& request, Time time) {
  Turn turn{time};
  const auto refuse_with = [&](ErrorCode error) {
    answer(turn, token, refuse(request, error));
    return std::move(turn.effects);
  };
  if (const auto error = not_serving()) return refuse_with(*error);
  if (request.group_id.empty()) return refuse_with(ErrorCode::kInvalidGroupId);
  Group* group = find_group(request.group_id);
  if (group == nullptr) return refuse_with(ErrorCode::kUnknownMemberId);
  if (const auto problem = group->member_problem(request.member_id, request.group_instance_id))
    return refuse_with(*problem);
  if (request.generation_id != group->generation()) return refuse_with(ErrorCode::kIllegalGeneration);
  if (contradicts(request.protocol_type, group->protocol_type()) ||
      contradicts(request.protocol_name, group->protocol_name()))
    return refuse_with(ErrorCode::kInconsistentGroupProtocol);
  if (group->is(State::kPreparingRebalance)) return refuse_with(ErrorCode::kRebalanceInProgress);
  // It has joined the next round already, and waits for it with another request.
  if (group->find(request.member_id)->join_token) return refuse_with(ErrorCode::kRebalanceInProgress);

  if (assigns(*group, request.member_id))
    if (const auto problem = assignment_problem(*group, request)) return refuse_with(*problem);

  park_sync(turn, token, request, *group, *group->find(request.member_id));
  settle(*group);
  return std::move(turn.effects);
}

bool Coordinator::assigns(const Group& group, const std::string& member_id) {
  return group.is(State::kCompletingRebalance) && group.is_leader(member_id) &&
         group.assignment_in_progress != group.generation();
}

std::optional<ErrorCode> Coordinator::assignment_problem(const Group& group,
                                                         const wire::SyncGroupRequest& request) const {
  std::size_t record_bytes = record_bytes_max(group);
  std::size_t from = 0;
  std::size_t to = 0;
  for (const auto& assigned : request.assignments) {
    const Member* member = group.find(assigned.member_id);
    if (member == nullptr) continue;
    record_bytes += assigned.assignment.size();
    from += member->bytes();
    to += member->bytes_with(member->protocols_size.bytes, assigned.assignment.size());
  }
  // As Kafka answers when it could not write it.
  if (record_bytes > room_.batch_bytes()) return ErrorCode::kUnknownServerError;
  if (!has_room_to_grow(from, to)) return ErrorCode::kGroupMaxSizeReached;
  return std::nullopt;
}

void Coordinator::park_sync(Turn& turn, RequestToken token, const wire::SyncGroupRequest& request, Group& group,
                            Member& member) {
  // Two of its requests at a time: the client has given the first one up.
  if (member.sync_token) answer_sync(turn, group, member, ErrorCode::kRebalanceInProgress);
  member.sync_token = token;
  member.sync_due = false;
  if (!group.any_sync_due()) group.sync_deadline.reset();
  if (group.is(State::kStable)) return answer_sync(turn, group, member, ErrorCode::kNone);
  if (assigns(group, member.id)) take_assignment(turn, group, request);
}

void Coordinator::take_assignment(Turn& turn, Group& group, const wire::SyncGroupRequest& request) {
  for (auto& [id, member] : group.members()) member.assignment.clear();
  for (const auto& assigned : request.assignments)
    if (Member* member = group.find(assigned.member_id)) member->assignment = assigned.assignment;
  group.assignment_in_progress = group.generation();
  write_group(turn, group, [this, generation = group.generation()](Turn& later, Group& g, ErrorCode error) {
    if (g.assignment_in_progress == generation) g.assignment_in_progress.reset();
    // Another member may have begun the next rebalance meanwhile: then this assignment is history.
    if (g.is(State::kCompletingRebalance) && g.generation() == generation) assignment_written(later, g, error);
  });
}

void Coordinator::assignment_written(Turn& turn, Group& group, ErrorCode error) {
  if (error != ErrorCode::kNone) {
    end_syncs_with(turn, group, after_failed_group_append(error));
    return begin_rebalance(turn, group);
  }
  for (auto& [id, member] : group.members())
    if (member.sync_token) answer_sync(turn, group, member, ErrorCode::kNone);
  group.enter(State::kStable, turn.time.wall);
}

void Coordinator::end_syncs_with(Turn& turn, Group& group, ErrorCode error) {
  for (auto& [id, member] : group.members()) {
    member.assignment.clear();
    if (member.sync_token) answer_sync(turn, group, member, error);
  }
}

void Coordinator::sync_time_is_over(Turn& turn, Group& group) {
  group.sync_deadline.reset();
  std::vector<std::string> silent;
  for (const auto& [id, member] : group.members())
    if (member.sync_due) silent.push_back(id);
  for (const std::string& id : silent) take_out(turn, group, id);
  if (!silent.empty()) begin_rebalance(turn, group);
}

void Coordinator::take_out(Turn& turn, Group& group, const std::string& member_id) {
  Member& member = *group.find(member_id);
  // A new member whose request timed out may still be there; so it will join anew.
  if (member.join_token) answer_join(turn, member, join_error("", ErrorCode::kUnknownMemberId));
  if (member.sync_token) answer_sync(turn, group, member, ErrorCode::kUnknownMemberId);
  group.remove(std::string(member_id));
}

void Coordinator::after_removal(Turn& turn, Group& group) {
  switch (group.state()) {
    case State::kEmpty:
      return;
    case State::kPreparingRebalance:
      if (!group.initial_delay && group.all_joined()) complete_join(turn, group);
      return;
    case State::kCompletingRebalance:
    case State::kStable:
      return begin_rebalance(turn, group);
  }
}

void Coordinator::write_group(Turn& turn, Group& group, Continuation then) {
  ++group.writes;
  append(turn, group, {group_record(group)}, [then = std::move(then)](Turn& later, Group& g, ErrorCode error) mutable {
    if (error == ErrorCode::kNone) g.is_written = true;
    then(later, g, error);
  });
}

/// Nobody waits for it to be written. But while it is not, a restart would bring the members of the generation before
/// back, and new ones would wait for their sessions to end.
void Coordinator::write_empty_group(Turn& turn, Group& group) {
  write_group(turn, group, [this, generation = group.generation()](Turn& later, Group& g, ErrorCode error) {
    if (error == ErrorCode::kNone || !g.is_written || !g.is(State::kEmpty) || g.generation() != generation) return;
    g.write_due = later.time.now + kWriteAgainAfter;
    wake_by(g, *g.write_due);
  });
}

void Coordinator::write_time_is_up(Turn& turn, Group& group) {
  group.write_due.reset();
  if (group.appends_in_progress == 0) return write_empty_group(turn, group);
  // One of them may be its tombstone, behind which it must not be written.
  group.write_due = turn.time.now + kWriteAgainAfter;
}

void Coordinator::answer_join(Turn& turn, Member& member, wire::JoinGroupResponse response) {
  answer(turn, *std::exchange(member.join_token, std::nullopt), std::move(response));
}

void Coordinator::answer_sync(Turn& turn, Group& group, Member& member, ErrorCode error) {
  wire::SyncGroupResponse response;
  response.error_code = error;
  if (error == ErrorCode::kNone) {
    response.protocol_type = group.protocol_type();
    response.protocol_name = group.protocol_name();
    response.assignment = member.assignment;
  }
  answer(turn, *std::exchange(member.sync_token, std::nullopt), std::move(response));
  keep_session(turn, group, member);
}

}  // namespace mq::group
