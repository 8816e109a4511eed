// How a classic group gets from one generation to the next: everybody joins, the leader assigns, everybody is told.

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/mark.h"
#include "base/mutant.h"
#include "group/classic.h"
#include "group/policy.h"
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

void Classic::rebalance(Step& step) {
  is(State::kPreparingRebalance) ? complete_join_if_all_joined(step) : begin_rebalance(step);
}

void Classic::begin_rebalance(Step& step) {
  if (is(State::kCompletingRebalance)) MQ_MARK("group: a rebalance begins while others wait for their assignment");
  if (is(State::kCompletingRebalance)) end_syncs_with(step, ErrorCode::kRebalanceInProgress);
  sync_deadline_.reset();
  write_due_.reset();
  for (auto& [id, member] : members_) member.sync_due = false;
  const bool was_empty = is(State::kEmpty);
  enter(State::kPreparingRebalance, step.time.wall);
  if (!was_empty) return complete_join_if_all_joined(step);

  const Duration delay = step.policy.settings.initial_rebalance_delay;
  if (delay == Duration::zero()) return complete_join(step);
  MQ_MARK("group: a new group waits for more members");
  initial_delay_ = {.current = delay, .left = std::max(members_.rebalance_timeout() - delay, Duration::zero())};
  join_deadline_ = step.time.now + delay;
}

void Classic::complete_join_if_all_joined(Step& step) {
  if (initial_delay_) return;
  if (members_.all_joined()) return complete_join(step);
  if (!join_deadline_) join_deadline_ = step.time.now + members_.rebalance_timeout();
}

void Classic::join_time_is_over(Step& step) {
  if (!initial_delay_) MQ_MARK("group: the time to join is over");
  if (!initial_delay_ || !initial_delay_->member_added || initial_delay_->left == Duration::zero())
    return complete_join(step);
  InitialDelay& delay = *initial_delay_;
  MQ_MARK("group: a new group waits again for more members");
  const Duration used =
      std::exchange(delay.current, std::min(step.policy.settings.initial_rebalance_delay, delay.left));
  delay.left = std::max(delay.left - used, Duration::zero());
  delay.member_added = false;
  join_deadline_ = step.time.now + delay.current;
}

void Classic::complete_join(Step& step) {
  initial_delay_.reset();
  join_deadline_.reset();
  std::vector<std::string> absent;
  for (const auto& [id, member] : members_)
    if (!member.join_token && !member.instance_id) absent.push_back(id);
  if (!absent.empty()) MQ_MARK("group: members that did not join again are taken out");
  for (const std::string& id : absent) members_.remove(id);

  if (!members_.empty() && !members_.elect_joined_leader()) {
    // Only static members that have not come back: they keep their place until their sessions end.
    join_deadline_ = step.time.now + members_.rebalance_timeout();
    return;
  }
  begin_generation(step);
  if (is(State::kEmpty)) MQ_MARK("group: the last member is gone");
  if (is(State::kEmpty)) return write_empty(step);

  for (auto& [id, member] : members_) {
    if (member.join_token) answer_join(step, member, generation_for(id, members_.is_leader(id)));
    member.is_new = false;
    member.sync_due = true;
    keep_session(step, member);
  }
  sync_deadline_ = step.time.now + members_.rebalance_timeout();
}

void Classic::begin_generation(Step& step) {
  ++step.generations_begun;
  if (!is_mutant("samegeneration") || generation_ < 1) generation_ = generation_ == INT32_MAX ? 1 : generation_ + 1;
  if (members_.empty()) {
    protocol_name_.reset();
    enter(State::kEmpty, step.time.wall);
  } else {
    protocol_name_ = members_.select_protocol();
    enter(State::kCompletingRebalance, step.time.wall);
  }
  read_subscriptions(step.policy);
}

void Classic::sync(Step& step, RequestToken token, const wire::SyncGroupRequest& request) {
  if (const auto problem = sync_problem(step, request)) return step.answer(token, refuse(request, *problem));
  park_sync(step, token, request, *members_.find(request.member_id));
  settle();
}

std::optional<ErrorCode> Classic::sync_problem(const Step& step, const wire::SyncGroupRequest& request) const {
  if (const auto problem = members_.problem_of(request.member_id, request.group_instance_id)) return problem;
  if (request.generation_id != generation_) return ErrorCode::kIllegalGeneration;
  if (contradicts(request.protocol_type, protocol_type_) || contradicts(request.protocol_name, protocol_name_))
    return ErrorCode::kInconsistentGroupProtocol;
  if (is(State::kPreparingRebalance)) MQ_MARK("group: a rebalance has begun before an assignment is asked for");
  if (is(State::kPreparingRebalance)) return ErrorCode::kRebalanceInProgress;
  // It has joined the next round already, and waits for it with another request.
  if (members_.find(request.member_id)->join_token) return ErrorCode::kRebalanceInProgress;
  return assigns(request.member_id) ? assignment_problem(step, request) : std::nullopt;
}

bool Classic::assigns(const std::string& member_id) const {
  return is(State::kCompletingRebalance) && members_.is_leader(member_id) && assignment_in_progress_ != generation_;
}

std::optional<ErrorCode> Classic::assignment_problem(const Step& step, const wire::SyncGroupRequest& request) const {
  std::size_t record_bytes = record_bytes_max(step.group_id, *this);
  std::size_t from = 0;
  std::size_t to = 0;
  for (const auto& assigned : request.assignments) {
    const Member* member = members_.find(assigned.member_id);
    if (member == nullptr) continue;
    record_bytes += assigned.assignment.size();
    from += member->bytes();
    to += member->bytes_with(member->protocols_size.bytes, assigned.assignment.size());
  }
  // As Kafka answers when it could not write it.
  if (record_bytes > step.policy.room.batch_bytes()) return ErrorCode::kUnknownServerError;
  if (!step.policy.has_room_to_grow(from, to)) return ErrorCode::kGroupMaxSizeReached;
  return std::nullopt;
}

void Classic::park_sync(Step& step, RequestToken token, const wire::SyncGroupRequest& request, Member& member) {
  // Two of its requests at a time: the client has given the first one up.
  if (member.sync_token) answer_sync(step, member, ErrorCode::kRebalanceInProgress);
  member.sync_token = token;
  member.sync_due = false;
  if (!members_.any_sync_due()) sync_deadline_.reset();
  if (is(State::kStable)) return answer_sync(step, member, ErrorCode::kNone);
  if (assigns(member.id)) take_assignment(step, request);
}

void Classic::take_assignment(Step& step, const wire::SyncGroupRequest& request) {
  for (auto& [id, member] : members_) member.assignment.clear();
  for (const auto& assigned : request.assignments)
    if (Member* member = members_.find(assigned.member_id)) member->assignment = assigned.assignment;
  assignment_in_progress_ = generation_;
  write(step, [this, generation = generation_](Step& later, ErrorCode error) {
    if (assignment_in_progress_ == generation) assignment_in_progress_.reset();
    // Another member may have begun the next rebalance meanwhile: then this assignment is history.
    if (!is(State::kCompletingRebalance) || generation_ != generation)
      MQ_MARK("group: an assignment is history when it is written");
    if (is(State::kCompletingRebalance) && generation_ == generation) assignment_written(later, error);
  });
}

void Classic::assignment_written(Step& step, ErrorCode error) {
  if (error != ErrorCode::kNone) MQ_MARK("group: an assignment cannot be written");
  if (error != ErrorCode::kNone) {
    end_syncs_with(step, after_failed_group_append(error));
    return begin_rebalance(step);
  }
  for (auto& [id, member] : members_)
    if (member.sync_token) answer_sync(step, member, ErrorCode::kNone);
  enter(State::kStable, step.time.wall);
}

void Classic::end_syncs_with(Step& step, ErrorCode error) {
  for (auto& [id, member] : members_) {
    member.assignment.clear();
    if (member.sync_token) answer_sync(step, member, error);
  }
}

void Classic::answer_sync(Step& step, Member& member, ErrorCode error) {
  wire::SyncGroupResponse response;
  response.error_code = error;
  if (error == ErrorCode::kNone) {
    response.protocol_type = protocol_type_;
    response.protocol_name = protocol_name_;
    response.assignment = is_mutant("overlap") ? members_.find(members_.leader())->assignment : member.assignment;
  }
  step.answer(*std::exchange(member.sync_token, std::nullopt), std::move(response));
  keep_session(step, member);
}

void Classic::sync_time_is_over(Step& step) {
  sync_deadline_.reset();
  std::vector<std::string> silent;
  for (const auto& [id, member] : members_)
    if (member.sync_due) silent.push_back(id);
  for (const std::string& id : silent) take_out(step, id);
  if (!silent.empty()) begin_rebalance(step);
}

void Classic::take_out(Step& step, const std::string& member_id) {
  Member& member = *members_.find(member_id);
  // A new member whose request timed out may still be there; so it will join anew.
  if (member.join_token) answer_join(step, member, join_error("", ErrorCode::kUnknownMemberId));
  if (member.sync_token) answer_sync(step, member, ErrorCode::kUnknownMemberId);
  members_.remove(std::string(member_id));
}

void Classic::after_removal(Step& step) {
  switch (state_) {
    case State::kEmpty:
      return;
    case State::kPreparingRebalance:
      if (!initial_delay_ && members_.all_joined()) complete_join(step);
      return;
    case State::kCompletingRebalance:
    case State::kStable:
      return begin_rebalance(step);
  }
}

void Classic::write(Step& step, Step::Then then) {
  ++writes_;
  ++appends_in_progress_;
  step.append({group_record(step.group_id, *this)},
              [this, then = std::move(then)](Step& later, ErrorCode error) mutable {
                --appends_in_progress_;
                if (error == ErrorCode::kNone) is_written_ = true;
                then(later, error);
                settle();
              });
}

/// Nobody waits for it to be written. But while it is not, a restart would bring the members of the generation before
/// back, and new ones would wait for their sessions to end.
void Classic::write_empty(Step& step) {
  write(step, [this, generation = generation_](Step& later, ErrorCode error) {
    if (error == ErrorCode::kNone || !is_written_ || !is(State::kEmpty) || generation_ != generation) return;
    write_due_ = later.time.now + kWriteAgainAfter;
  });
}

void Classic::write_time_is_up(Step& step) {
  write_due_.reset();
  if (!has_appends()) return write_empty(step);
  // One of them may be its tombstone, behind which it must not be written.
  write_due_ = step.time.now + kWriteAgainAfter;
}

}  // namespace mq::group
