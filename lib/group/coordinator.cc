#include "group/coordinator.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "group/records.h"
#include "group/refusals.h"

// The life of a coordinator: loading, time, appends, unloading. What clients ask for is in membership.cc, offsets.cc
// and administration.cc beside this file; how a generation comes about is in rebalance.cc.

namespace mq::group {

Coordinator::Coordinator(Settings settings, std::function<std::string()> new_member_suffix, Room room)
    : settings_(settings), new_member_suffix_(std::move(new_member_suffix)), room_(std::move(room)) {}

Coordinator::~Coordinator() = default;

Coordinator::Replayed Coordinator::take(BytesView key, std::optional<BytesView> value) {
  if (!is_known_key(key)) return Replayed::kForeign;
  auto decoded = decode_key(key);
  if (!decoded) return Replayed::kUnreadable;
  if (const auto* offset_key = std::get_if<OffsetKey>(&*decoded)) {
    if (!value) {
      if (Group* group = find_group(offset_key->group_id)) group->offsets.erase(offset_key->partition);
      return Replayed::kTaken;
    }
    auto offset = decode_offset(*value);
    if (!offset) return Replayed::kUnreadable;
    find_or_make_group(offset_key->group_id, -1).offsets.put(offset_key->partition, std::move(*offset));
    return Replayed::kTaken;
  }
  const std::string& group_id = std::get<GroupKey>(*decoded).group_id;
  std::optional<WrittenGroup> written = WrittenGroup{};
  if (value) written = decode_group(*value);
  if (!written) return Replayed::kUnreadable;
  Group& group = find_or_make_group(group_id, -1);
  group.is_written = value.has_value();
  group.restore(written->generation, std::move(written->protocol_type), std::move(written->protocol_name),
                std::move(written->leader), std::move(written->members), written->state_since);
  keep_subscription(group);
  return Replayed::kTaken;
}

Effects Coordinator::loaded(Time time) {
  Turn turn{time};
  std::vector<std::string> group_ids;
  for (const auto& [id, group] : groups_) group_ids.push_back(id);
  for (const std::string& id : group_ids) {
    Group& group = groups_.at(id);
    for (auto& [member_id, member] : group.members()) keep_session(turn, group, member);
    // The limit may be lower than when they joined; the next round lets only so many in.
    if (group.is(State::kStable) && group.members().size() > settings_.members_max) rebalance(turn, group);
    settle(group);
  }
  offsets_check_at_ = time.now + settings_.offsets_check_interval;
  return std::move(turn.effects);
}

Instant Coordinator::first_deadline() const { return std::min(offsets_check_at_, wakes_.next()); }

Effects Coordinator::time_passed(Time time) {
  Turn turn{time};
  for (const std::string& group_id : wakes_.take_due(time.now)) look_at(turn, groups_.at(group_id));
  if (offsets_check_at_ <= time.now) {
    offsets_check_at_ = time.now + settings_.offsets_check_interval;
    expire_offsets(turn);
  }
  return std::move(turn.effects);
}

Effects Coordinator::appended(AppendToken token, ErrorCode error, Time time) {
  Turn turn{time};
  pending_appends_.end(token, error);
  while (auto ended = pending_appends_.next_ended()) conclude(turn, ended->then, ended->error);
  return std::move(turn.effects);
}

Effects Coordinator::end_requests() {
  Turn turn{Time{}};
  for (PendingAppend& pending : pending_appends_.give_up()) conclude(turn, pending, ErrorCode::kNotCoordinator);
  for (auto& [id, group] : groups_) {
    for (auto& [member_id, member] : group.members()) {
      if (member.join_token) answer_join(turn, member, join_error(member_id, ErrorCode::kNotCoordinator));
      if (member.sync_token) answer_sync(turn, group, member, ErrorCode::kNotCoordinator);
    }
  }
  return std::move(turn.effects);
}

void Coordinator::forget() {
  bytes_ = 0;
  wakes_ = {};
  groups_.clear();
  pending_appends_ = {};
}

const Group* Coordinator::find(std::string_view group_id) const {
  const auto at = groups_.find(group_id);
  return at == groups_.end() ? nullptr : &at->second;
}

void Coordinator::check_invariants() const {
  std::size_t bytes = 0;
  std::size_t looked_at = 0;
  for (const auto& [id, group] : groups_) {
    MQ_ASSERT(id == group.id());
    group.check_invariants();
    MQ_ASSERT(!is_serving() || group.wake.at() <= group.first_deadline());
    bytes += group.bytes();
    looked_at += group.wake.at() != Instant::never() ? 1 : 0;
  }
  MQ_ASSERT(looked_at == wakes_.size());
  MQ_ASSERT(!is_serving() || bytes == bytes_);
}

Group* Coordinator::find_group(std::string_view group_id) {
  const auto at = groups_.find(group_id);
  return at == groups_.end() ? nullptr : &at->second;
}

Group& Coordinator::find_or_make_group(std::string_view group_id, WallMillis wall) {
  if (Group* group = find_group(group_id)) return *group;
  std::string id(group_id);
  return groups_.try_emplace(id, id, wall).first->second;
}

void Coordinator::append(Turn& turn, Group& group, std::vector<Record> records, Continuation then) {
  ++group.appends_in_progress;
  const AppendToken token = pending_appends_.add({group.id(), std::move(then)});
  turn.effects.appends.push_back({token, std::move(records)});
}

void Coordinator::conclude(Turn& turn, PendingAppend& pending, ErrorCode result) {
  // It is still there: a group with an append in progress is never dropped.
  Group& group = groups_.at(pending.group_id);
  --group.appends_in_progress;
  pending.then(turn, group, result);
  settle(group);
}

void Coordinator::settle(Group& group) {
  group.check_invariants();
  const bool in_use = !group.is(State::kEmpty) || !group.pending().empty() || !group.offsets.empty() ||
                      group.appends_in_progress > 0 || group.is_written;
  const std::size_t before = std::exchange(group.bytes_counted, in_use ? group.bytes() : 0);
  bytes_ = bytes_ - before + group.bytes_counted;
  if (in_use) return;
  wakes_.forget(group.wake, group.id());
  groups_.erase(groups_.find(group.id()));
}

bool Coordinator::has_room_to_grow(std::size_t from, std::size_t to) const {
  return to <= from || room_.for_bytes(to - from);
}

void Coordinator::keep_subscription(Group& group) const {
  if (!has_room_to_grow(0, group.subscription_bytes())) group.forget_subscription();
}

void Coordinator::wake_by(Group& group, Instant when) { wakes_.wake_by(group.wake, group.id(), when); }

void Coordinator::keep_session(Turn& turn, Group& group, Member& member) {
  member.session_deadline =
      turn.time.now + (member.is_new ? settings_.new_member_join_timeout : member.session_timeout);
  wake_by(group, member.session_deadline);
}

void Coordinator::look_at(Turn& turn, Group& group) {
  expire_sessions(turn, group);
  if (group.join_deadline && *group.join_deadline <= turn.time.now) join_time_is_over(turn, group);
  if (group.sync_deadline && *group.sync_deadline <= turn.time.now) sync_time_is_over(turn, group);
  if (group.write_due && *group.write_due <= turn.time.now) write_time_is_up(turn, group);
  // Heartbeats move deadlines back without telling; here is where we find out how far.
  wake_by(group, group.first_deadline());
  settle(group);
}

void Coordinator::expire_sessions(Turn& turn, Group& group) {
  const Instant now = turn.time.now;
  std::erase_if(group.pending(), [&](const auto& entry) { return entry.second <= now; });
  std::vector<std::string> expired;
  for (const auto& [id, member] : group.members())
    if (member.may_expire() && member.session_deadline <= now) expired.push_back(id);
  for (const std::string& id : expired) take_out(turn, group, id);
  if (expired.empty()) {
    if (group.is(State::kPreparingRebalance)) complete_join_if_all_joined(turn, group);
  } else {
    after_removal(turn, group);
  }
}

}  // namespace mq::group
