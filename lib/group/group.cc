#include "group/group.h"

#include <utility>

#include "base/assert.h"
#include "base/mark.h"
#include "group/memory.h"
#include "group/policy.h"
#include "group/records.h"
#include "group/refusals.h"

namespace mq::group {

void Group::commit_offsets(Step& step, RequestToken token, const wire::OffsetCommitRequest& request) {
  classic_.keep_session(step, request.member_id);
  offsets_.commit(step, token, request);
}

void Group::delete_offsets(Step& step, RequestToken token, const wire::OffsetDeleteRequest& request) {
  // Of other protocols than the consumer's we cannot know what its members read.
  if (!classic_.is(State::kEmpty) && !classic_.uses_consumer_protocol())
    return step.answer(token, refuse(request, ErrorCode::kNonEmptyGroup));

  wire::OffsetDeleteResponse response;
  response.error_code = ErrorCode::kNone;
  std::vector<TopicPartition> erased;
  for (const auto& topic : request.topics) {
    const bool is_read = classic_.is_subscribed_to(topic.name);
    auto& answered = response.topics.emplace_back();
    answered.name = topic.name;
    for (const auto& wanted : topic.partitions) {
      auto& row = answered.partitions.emplace_back();
      row.partition_index = wanted.partition_index;
      row.error_code = is_read ? ErrorCode::kGroupSubscribedToTopic : ErrorCode::kNone;
      TopicPartition partition{topic.name, wanted.partition_index};
      if (!is_read && offsets_.knows(partition)) erased.push_back(std::move(partition));
    }
  }
  if (erased.empty()) return step.answer(token, std::move(response));
  MQ_MARK("group: offsets are deleted");
  offsets_.erase(step, std::move(erased), {},
                 [token, response = std::move(response)](Step& later, ErrorCode error) mutable {
                   if (error != ErrorCode::kNone) {
                     response = {};
                     response.error_code = after_failed_group_append(error);
                   }
                   later.answer(token, std::move(response));
                 });
}

void Group::remove(Step& step, RequestToken token) {
  if (!classic_.is(State::kEmpty)) MQ_MARK("group: a group with members cannot be deleted");
  if (!classic_.is(State::kEmpty)) return step.answer(token, refuse_delete(id_, ErrorCode::kNonEmptyGroup));
  MQ_MARK("group: a group is deleted");
  erase_with_group(step, offsets_.known(), [token](Step& later, ErrorCode error) {
    later.answer(token, refuse_delete(later.group_id, after_failed_group_append(error)));
  });
}

void Group::erase_with_group(Step& step, std::vector<TopicPartition> partitions, Step::Then then) {
  const Classic::Erasure erasure = classic_.begin_erasure();
  offsets_.erase(step, std::move(partitions), {group_tombstone(id_)},
                 [this, erasure, then = std::move(then)](Step& later, ErrorCode error) mutable {
                   classic_.end_erasure(erasure, error);
                   then(later, error);
                 });
}

void Group::expire_offsets(Step& step) {
  std::vector<TopicPartition> expired = offsets_.expired(
      step.time.wall, step.policy.settings.offsets_retention,
      [this](std::string_view topic, WallMillis committed_at) { return classic_.unneeded_since(topic, committed_at); });
  const auto nobody_waits = [](Step&, ErrorCode) {};
  const bool is_last_of_it = classic_.is_deserted() && !has_appends() && expired.size() == offsets_.committed().size();
  if (is_last_of_it) return erase_with_group(step, std::move(expired), nobody_waits);
  if (!expired.empty()) offsets_.erase(step, std::move(expired), {}, nobody_waits);
}

std::size_t Group::bytes() const {
  // Twice its id: it is what the group is found by.
  return sizeof(Group) + kStringNodeBytes + 2 * id_.size() + classic_.bytes() + offsets_.bytes();
}

void Group::check_invariants() const {
  classic_.check_invariants();
  offsets_.check_invariants();
}

}  // namespace mq::group
