#include "group/coordinator.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <set>
#include <utility>

#include "base/assert.h"
#include "base/buggify.h"
#include "base/mark.h"
#include "base/mutant.h"
#include "group/records.h"
#include "group/refusals.h"

// Which group an event is for, and what comes of it: loading, requests, time, appends, unloading. What people ask is in
// administration.cc beside this file; what happens in a group is in group.cc and its parts.

namespace mq::group {
namespace {

Effects answer_with(RequestToken token, Response response) {
  Effects effects;
  effects.answers.push_back({token, std::move(response)});
  return effects;
}

}  // namespace

Coordinator::Coordinator(Settings settings, std::function<std::string()> new_member_suffix, Room room,
                         std::function<bool(const Uuid&)> is_deleted)
    : policy_{.settings = settings,
              .new_member_suffix = std::move(new_member_suffix),
              .room = std::move(room),
              .is_deleted = std::move(is_deleted)} {}

Coordinator::~Coordinator() = default;

// Loading.

Coordinator::Replayed Coordinator::take(BytesView key, std::optional<BytesView> value) {
  if (!is_known_key(key)) return Replayed::kForeign;
  auto decoded = decode_key(key);
  if (!decoded) return Replayed::kUnreadable;
  if (const auto* offset_key = std::get_if<OffsetKey>(&*decoded)) {
    if (!value) MQ_MARK("group: a load finds that an offset was deleted");
    if (!value) {
      if (Kept* kept = find_kept(offset_key->group_id)) kept->group.offsets().restore_erased(offset_key->partition);
      return Replayed::kTaken;
    }
    auto offset = decode_offset(*value);
    if (!offset) return Replayed::kUnreadable;
    find_or_make(offset_key->group_id, -1).group.offsets().restore(offset_key->partition, std::move(*offset));
    return Replayed::kTaken;
  }
  std::optional<WrittenGroup> written;
  if (!value) MQ_MARK("group: a load finds that a group was deleted");
  if (value) {
    written = decode_group(*value);
    if (!written) return Replayed::kUnreadable;
  }
  Classic& classic = find_or_make(std::get<GroupKey>(*decoded).group_id, -1).group.classic();
  classic.restore(policy_, std::move(written));
  return Replayed::kTaken;
}

Effects Coordinator::loaded(Time time) {
  Effects effects;
  std::vector<Kept*> all;
  for (auto& [id, kept] : groups_) all.push_back(&kept);
  for (Kept* kept : all) {
    Step step = step_at(kept->group, time);
    kept->group.loaded(step);
    take_up(std::move(step), effects);
    settle(*kept);
  }
  offsets_check_at_ = time.now + policy_.settings.offsets_check_interval;
  return effects;
}

// Requests.

std::optional<ErrorCode> Coordinator::problem_with(std::string_view group_id) const {
  if (!is_serving()) MQ_MARK("group: a request comes while the coordinator does not serve");
  if (const auto error = not_serving()) return error;
  if (MQ_BUGGIFY("group: groups are said to be loading")) return ErrorCode::kCoordinatorLoadInProgress;
  if (group_id.empty()) return ErrorCode::kInvalidGroupId;
  return std::nullopt;
}

Effects Coordinator::join(RequestToken token, const Client& client, const wire::JoinGroupRequest& request, Time time) {
  if (const auto problem = join_problem(request)) return answer_with(token, refuse(request, *problem));
  Kept& kept = find_or_make(request.group_id, time.wall);
  return at(kept, time, [&](Step& step) { kept.group.classic().join(step, token, client, request); });
}

std::optional<ErrorCode> Coordinator::join_problem(const wire::JoinGroupRequest& request) const {
  if (const auto problem = problem_with(request.group_id)) return problem;
  const Duration session_timeout = std::chrono::milliseconds(request.session_timeout_ms);
  if (session_timeout < policy_.settings.session_timeout_min || session_timeout > policy_.settings.session_timeout_max)
    return ErrorCode::kInvalidSessionTimeout;
  if (find(request.group_id) != nullptr) return std::nullopt;
  if (!request.member_id.empty()) return ErrorCode::kUnknownMemberId;
  // Kafka has no such limit. This is an error that its clients do not retry, and show.
  if (!policy_.room.for_group()) return ErrorCode::kGroupMaxSizeReached;
  return std::nullopt;
}

Effects Coordinator::sync(RequestToken token, const wire::SyncGroupRequest& request, Time time) {
  if (const auto problem = problem_with(request.group_id)) return answer_with(token, refuse(request, *problem));
  Kept* kept = find_kept(request.group_id);
  if (kept == nullptr) return answer_with(token, refuse(request, ErrorCode::kUnknownMemberId));
  return at(*kept, time, [&](Step& step) { kept->group.classic().sync(step, token, request); });
}

Effects Coordinator::heartbeat(RequestToken token, const wire::HeartbeatRequest& request, Time time) {
  if (const auto problem = problem_with(request.group_id)) return answer_with(token, refuse(request, *problem));
  Kept* kept = find_kept(request.group_id);
  if (kept == nullptr) return answer_with(token, refuse(request, ErrorCode::kUnknownMemberId));
  // It only moves a deadline back, so there is nothing to settle.
  return answer_with(token, refuse(request, kept->group.classic().heartbeat(step_at(kept->group, time), request)));
}

Effects Coordinator::leave(RequestToken token, ApiVersion version, const wire::LeaveGroupRequest& request, Time time) {
  if (const auto problem = problem_with(request.group_id)) return answer_with(token, refuse(request, *problem));
  // A group that is not there is one without members.
  Kept& kept = find_or_make(request.group_id, time.wall);
  return at(kept, time, [&](Step& step) { step.answer(token, kept.group.classic().leave(step, version, request)); });
}

Effects Coordinator::commit_offsets(RequestToken token, const wire::OffsetCommitRequest& request, Time time) {
  if (const auto problem = commit_problem(request)) return answer_with(token, refuse(request, *problem));
  Kept& kept = find_or_make(request.group_id, time.wall);
  return at(kept, time, [&](Step& step) { kept.group.commit_offsets(step, token, request); });
}

std::optional<ErrorCode> Coordinator::commit_problem(const wire::OffsetCommitRequest& request) const {
  if (const auto error = not_serving()) return error;
  if (const Group* group = find(request.group_id)) return group->commit_problem(request);
  if (request.generation_id_or_member_epoch >= 0) return ErrorCode::kIllegalGeneration;
  if (!policy_.room.for_group()) return ErrorCode::kGroupMaxSizeReached;
  return std::nullopt;
}

wire::OffsetFetchResponse::OffsetFetchResponseGroup Coordinator::fetch_offsets(
    const wire::OffsetFetchRequest::OffsetFetchRequestGroup& request, bool require_stable) const {
  if (const auto error = not_serving()) return refuse(request, *error);
  static const Offsets kNone;
  const Group* group = find(request.group_id);
  const Offsets& offsets = group == nullptr ? kNone : group->offsets();
  auto response = refuse(request, ErrorCode::kNone);
  if (request.topics) {
    for (const auto& topic : *request.topics) {
      auto& answered = response.topics.emplace_back();
      answered.name = topic.name;
      answered.topic_id = topic.topic_id;
      answered.partitions.reserve(topic.partition_indexes.size());
      for (const std::int32_t index : topic.partition_indexes)
        answered.partitions.push_back(offsets.fetch({topic.name, index}, require_stable));
    }
    return response;
  }
  for (const auto& [partition, offset] : offsets.committed()) {
    if (offset.is_of_deleted_topic) continue;
    if (response.topics.empty() || response.topics.back().name != partition.topic)
      response.topics.emplace_back().name = partition.topic;
    response.topics.back().partitions.push_back(offsets.fetch(partition, require_stable));
  }
  return response;
}

Effects Coordinator::delete_offsets(RequestToken token, const wire::OffsetDeleteRequest& request, Time time) {
  if (const auto problem = problem_with(request.group_id)) return answer_with(token, refuse(request, *problem));
  Kept* kept = find_kept(request.group_id);
  if (kept == nullptr) return answer_with(token, refuse(request, ErrorCode::kGroupIdNotFound));
  return at(*kept, time, [&](Step& step) { kept->group.delete_offsets(step, token, request); });
}

Effects Coordinator::delete_group(RequestToken token, std::string_view group_id, Time time) {
  if (const auto error = not_serving()) return answer_with(token, refuse_delete(group_id, *error));
  Kept* kept = find_kept(group_id);
  if (kept == nullptr) return answer_with(token, refuse_delete(group_id, ErrorCode::kGroupIdNotFound));
  return at(*kept, time, [&](Step& step) { kept->group.remove(step, token); });
}

// Time and news.

Instant Coordinator::first_deadline() const { return std::min(offsets_check_at_, wakes_.next()); }

Effects Coordinator::time_passed(Time time) {
  Effects effects;
  for (const std::string& group_id : wakes_.take_due(time.now)) {
    Kept& kept = groups_.at(group_id);
    Step step = step_at(kept.group, time);
    kept.group.time_passed(step);
    take_up(std::move(step), effects);
    settle(kept);
  }
  if (offsets_check_at_ > time.now) return effects;
  offsets_check_at_ = time.now + policy_.settings.offsets_check_interval;
  for (auto& [id, kept] : groups_) {
    Step step = step_at(kept.group, time);
    kept.group.expire_offsets(step);
    take_up(std::move(step), effects);
  }
  return effects;
}

Effects Coordinator::image_changed(const statelog::ImageChange& change, Time time) {
  Effects effects;
  const DeletedTopics deleted(change);
  if (deleted.empty() || is_mutant("keptoffsets")) return effects;
  MQ_MARK("group: groups hear of a deleted topic");
  for (auto& [id, kept] : groups_) {
    Step step = step_at(kept.group, time);
    kept.group.topics_deleted(step, deleted);
    take_up(std::move(step), effects);
  }
  return effects;
}

Effects Coordinator::appended(AppendToken token, ErrorCode error, Time time) {
  Effects effects;
  pending_appends_.end(token, error);
  while (auto ended = pending_appends_.next_ended()) conclude(ended->then, ended->error, time, effects);
  return effects;
}

Effects Coordinator::end_requests() {
  Effects effects;
  for (PendingAppend& pending : pending_appends_.give_up())
    conclude(pending, ErrorCode::kNotCoordinator, Time{}, effects);
  for (auto& [id, kept] : groups_) {
    Step step = step_at(kept.group, Time{});
    kept.group.end_requests(step);
    take_up(std::move(step), effects);
  }
  return effects;
}

void Coordinator::forget() {
  bytes_ = 0;
  wakes_ = {};
  groups_.clear();
  pending_appends_ = {};
}

// A step, from beginning to end.

template <class F>
Effects Coordinator::at(Kept& kept, Time time, F event) {
  Effects effects;
  Step step = step_at(kept.group, time);
  event(step);
  take_up(std::move(step), effects);
  settle(kept);
  return effects;
}

void Coordinator::take_up(Step step, Effects& effects) {
  for (WantedAppend& wanted : step.appends) {
    const AppendToken token = pending_appends_.add({step.group_id, std::move(wanted.then)});
    effects.appends.push_back({token, std::move(wanted.records)});
  }
  std::ranges::move(step.answers, std::back_inserter(effects.answers));
  rebalances_ += step.generations_begun;
}

void Coordinator::conclude(PendingAppend& pending, ErrorCode result, Time time, Effects& effects) {
  // It is still there: a group with an append in progress is never dropped.
  if (result != ErrorCode::kNone) MQ_MARK("group: an append of a group fails");
  Kept& kept = groups_.at(pending.group_id);
  Step step = step_at(kept.group, time);
  pending.then(step, result);
  take_up(std::move(step), effects);
  settle(kept);
}

void Coordinator::settle(Kept& kept) {
  const bool in_use = kept.group.is_in_use();
  const std::size_t before = std::exchange(kept.bytes, in_use ? kept.group.bytes() : 0);
  bytes_ = bytes_ - before + kept.bytes;
  if (in_use) {
    wakes_.wake_by(kept.wake, kept.group.id(), kept.group.deadline());
  } else {
    MQ_MARK("group: a group that nobody needs goes");
    wakes_.forget(kept.wake, kept.group.id());
    groups_.erase(groups_.find(kept.group.id()));
  }
}

const Group* Coordinator::find(std::string_view group_id) const {
  const auto found = groups_.find(group_id);
  return found == groups_.end() ? nullptr : &found->second.group;
}

Coordinator::Kept* Coordinator::find_kept(std::string_view group_id) {
  const auto found = groups_.find(group_id);
  return found == groups_.end() ? nullptr : &found->second;
}

Coordinator::Kept& Coordinator::find_or_make(std::string_view group_id, WallMillis wall) {
  if (Kept* kept = find_kept(group_id)) return *kept;
  std::string id(group_id);
  return groups_.try_emplace(id, id, wall).first->second;
}

void Coordinator::check_invariants() const {
  std::size_t bytes = 0;
  std::size_t looked_at = 0;
  bool any_appends = false;
  for (const auto& [id, kept] : groups_) {
    MQ_ASSERT(id == kept.group.id());
    MQ_ASSERT(!is_serving() || kept.group.is_in_use());
    MQ_ASSERT(!is_serving() || kept.bytes == kept.group.bytes());
    MQ_ASSERT(!is_serving() || kept.wake.at() <= kept.group.deadline());
    kept.group.check_invariants();
    bytes += kept.bytes;
    looked_at += kept.wake.at() != Instant::never() ? 1 : 0;
    any_appends |= kept.group.has_appends();
  }
  MQ_ASSERT(bytes == bytes_);
  MQ_ASSERT(looked_at == wakes_.size());
  wakes_.check_invariants();
  pending_appends_.check_invariants();
  MQ_ASSERT(any_appends == (pending_appends_.size() > 0));
}

}  // namespace mq::group
