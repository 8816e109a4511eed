#include "group/classic.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/mark.h"
#include "base/mutant.h"
#include "group/memory.h"
#include "group/policy.h"
#include "group/records.h"
#include "group/refusals.h"
#include "wire/messages/consumer_protocol.h"

// The life of a classic group: loading, time, its erasure, what it means for the group's offsets. What members ask for
// is in membership.cc and rebalance.cc beside this file.

namespace mq::group {
namespace {

constexpr std::string_view kConsumerProtocolType = "consumer";

}  // namespace

std::string_view name_of(State state) {
  switch (state) {
    case State::kEmpty:
      return "Empty";
    case State::kPreparingRebalance:
      return "PreparingRebalance";
    case State::kCompletingRebalance:
      return "CompletingRebalance";
    case State::kStable:
      return "Stable";
  }
  std::unreachable();
}

bool Classic::uses_consumer_protocol() const { return protocol_type_ == kConsumerProtocolType; }

void Classic::enter(State state, WallMillis wall) {
  state_ = state;
  state_since_ = wall;
}

void Classic::restore(const Policy& policy, std::optional<WrittenGroup> written) {
  is_written_ = written.has_value();
  WrittenGroup group = std::move(written).value_or(WrittenGroup{});
  generation_ = is_mutant("generationlost") ? 0 : group.generation;
  protocol_type_ = std::move(group.protocol_type);
  protocol_name_ = std::move(group.protocol_name);
  members_.clear();
  for (Member& member : group.members) {
    const bool is_twice = members_.find(member.id) != nullptr ||
                          (member.instance_id && members_.static_member(*member.instance_id) != nullptr);
    if (!is_twice) members_.add(std::move(member));
  }
  members_.set_leader(group.leader);
  enter(members_.empty() ? State::kEmpty : State::kStable, group.state_since);
  read_subscriptions(policy);
  settle();
}

void Classic::loaded(Step& step) {
  for (auto& [id, member] : members_) keep_session(step, member);
  if (!members_.empty()) MQ_MARK("group: a group is loaded with its members");
  // The limit may be lower than when they joined; the next round lets only so many in.
  if (is(State::kStable) && members_.size() > step.policy.settings.members_max) rebalance(step);
  settle();
}

void Classic::time_passed(Step& step) {
  expire_sessions(step);
  if (join_deadline_ && *join_deadline_ <= step.time.now) join_time_is_over(step);
  if (sync_deadline_ && *sync_deadline_ <= step.time.now) sync_time_is_over(step);
  if (write_due_ && *write_due_ <= step.time.now) write_time_is_up(step);
  settle();
}

void Classic::expire_sessions(Step& step) {
  const Instant now = step.time.now;
  members_.expire_pending(now);
  std::vector<std::string> expired;
  for (const auto& [id, member] : members_)
    if (member.may_expire() && member.session_deadline <= now) expired.push_back(id);
  if (!expired.empty()) MQ_MARK("group: the sessions of members end");
  for (const std::string& id : expired) take_out(step, id);
  if (expired.empty()) {
    if (is(State::kPreparingRebalance)) complete_join_if_all_joined(step);
  } else {
    after_removal(step);
  }
}

void Classic::end_requests(Step& step) {
  for (auto& [id, member] : members_) {
    if (member.join_token.has_value()) MQ_MARK("group: the coordinator stops while a member joins");
    if (member.join_token) answer_join(step, member, join_error(id, ErrorCode::kNotCoordinator));
    if (member.sync_token) answer_sync(step, member, ErrorCode::kNotCoordinator);
  }
  settle();
}

bool Classic::is_in_use() const { return !is_deserted() || is_written_ || has_appends(); }

void Classic::keep_session(const Step& step, const std::string& member_id) {
  if (Member* member = members_.find(member_id)) keep_session(step, *member);
}

void Classic::keep_session(const Step& step, Member& member) {
  member.session_deadline =
      step.time.now + (member.is_new ? step.policy.settings.new_member_join_timeout : member.session_timeout);
}

void Classic::describe(wire::DescribeGroupsResponse::DescribedGroup& described) const {
  described.group_state = name_of(state_);
  described.protocol_type = protocol_type_.value_or("");
  const bool is_stable = is(State::kStable);
  const std::string protocol = is_stable ? protocol_name_.value_or("") : std::string();
  described.protocol_data = protocol;
  for (const auto& [id, member] : members_) {
    auto& listed = described.members.emplace_back();
    listed.member_id = id;
    listed.group_instance_id = member.instance_id;
    listed.client_id = member.client_id;
    listed.client_host = member.client_host;
    if (!is_stable) continue;
    listed.member_metadata = member.metadata_for(protocol);
    listed.member_assignment = member.assignment;
  }
}

std::optional<ErrorCode> Classic::commit_problem(const wire::OffsetCommitRequest& request) const {
  const std::int32_t generation = request.generation_id_or_member_epoch;
  // Without a generation it comes from an administrator or from a consumer that assigns itself: such may use a group
  // that has no members.
  if (generation < 0 && is(State::kEmpty)) return std::nullopt;
  if (generation < 0 && request.member_id.empty() && !request.group_instance_id) return ErrorCode::kUnknownMemberId;
  if (is_mutant("zombiecommit")) return std::nullopt;
  if (const auto problem = members_.problem_of(request.member_id, request.group_instance_id)) return problem;
  if (generation != generation_) MQ_MARK("group: a commit comes from an old generation");
  if (generation != generation_) return ErrorCode::kIllegalGeneration;
  // It knows its generation and has no assignment in it yet.
  if (is(State::kCompletingRebalance)) MQ_MARK("group: a commit comes before its assignment");
  if (is(State::kCompletingRebalance)) return ErrorCode::kRebalanceInProgress;
  return std::nullopt;
}

bool Classic::is_subscribed_to(std::string_view topic) const {
  return subscribed_ ? subscribed_->contains(topic) : uses_consumer_protocol() && !members_.empty();
}

std::optional<WallMillis> Classic::unneeded_since(std::string_view topic, WallMillis committed_at) const {
  if (is(State::kEmpty)) {
    // Nobody has read since the last member left. A group that never had one is a consumer that assigns itself.
    return protocol_type_ && state_since_ >= 0 ? state_since_ : committed_at;
  }
  const bool knows_readers = is(State::kStable) && uses_consumer_protocol();
  if (!knows_readers || is_subscribed_to(topic)) return std::nullopt;
  return committed_at;
}

Classic::Erasure Classic::begin_erasure() {
  ++appends_in_progress_;
  return {.writes = writes_};
}

void Classic::end_erasure(Erasure erasure, ErrorCode error) {
  --appends_in_progress_;
  if (error == ErrorCode::kNone) {
    // A group that came back to life has written itself after the tombstone, or will.
    is_written_ = false;
    if (erasure.writes == writes_ && is(State::kEmpty)) {
      // What it was is not remembered by the log either.
      MQ_MARK("group: a group is forgotten");
      write_due_.reset();
      generation_ = 0;
      protocol_type_.reset();
      protocol_name_.reset();
    }
  }
  settle();
}

void Classic::read_subscriptions(const Policy& policy) {
  subscribed_.reset();
  subscribed_bytes_ = 0;
  if (!members_.empty() && (!uses_consumer_protocol() || !protocol_name_)) return;
  std::set<std::string, std::less<>> topics;
  for (const auto& [id, member] : members_) {
    const auto subscription =
        wire::decode_versioned<wire::ConsumerProtocolSubscription>(member.metadata_for(*protocol_name_));
    if (!subscription) return;
    topics.insert(subscription->topics.begin(), subscription->topics.end());
  }
  std::size_t bytes = 0;
  for (const std::string& topic : topics) bytes += kStringNodeBytes + topic.size();
  if (!policy.has_room_to_grow(0, bytes)) return;
  subscribed_bytes_ = bytes;
  subscribed_ = std::move(topics);
}

void Classic::settle() {
  bytes_ = measured_bytes();
  deadline_ = first_deadline();
  check_state();
}

std::size_t Classic::measured_bytes() const { return subscribed_bytes_ + members_.bytes(); }

Instant Classic::first_deadline() const {
  Instant first = members_.first_deadline();
  if (join_deadline_) first = std::min(first, *join_deadline_);
  if (sync_deadline_) first = std::min(first, *sync_deadline_);
  if (write_due_) first = std::min(first, *write_due_);
  return first;
}

void Classic::check_state() const {
  MQ_ASSERT(!is(State::kEmpty) || members_.empty());
  MQ_ASSERT(is(State::kEmpty) || is(State::kPreparingRebalance) || !members_.empty());
  MQ_ASSERT(join_deadline_.has_value() == is(State::kPreparingRebalance));
  MQ_ASSERT(!initial_delay_ || is(State::kPreparingRebalance));
  MQ_ASSERT(!sync_deadline_ || is(State::kCompletingRebalance) || is(State::kStable));
  MQ_ASSERT(!write_due_ || is(State::kEmpty));
  MQ_ASSERT(subscribed_ || subscribed_bytes_ == 0);
  MQ_ASSERT(appends_in_progress_ >= 0);
  MQ_ASSERT(!assignment_in_progress_ || has_appends());
}

void Classic::check_invariants() const {
  check_state();
  members_.check_invariants();
  for (const auto& [id, member] : members_) {
    MQ_ASSERT(!member.sync_token || is(State::kCompletingRebalance));
    MQ_ASSERT(!member.join_token || is(State::kPreparingRebalance) || is(State::kStable));
    MQ_ASSERT(!member.sync_due || is(State::kCompletingRebalance) || is(State::kStable));
  }
  MQ_ASSERT(bytes_ == measured_bytes());
  MQ_ASSERT(deadline_ <= first_deadline());
}

}  // namespace mq::group
