// OffsetCommit, OffsetFetch, OffsetDelete and the end of offsets that nobody needs any more.

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

#include "base/assert.h"
#include "group/coordinator.h"
#include "group/records.h"
#include "group/refusals.h"
#include "group/utf16.h"

namespace mq::group {
namespace {

constexpr std::int64_t kNoOffset = -1;
// Also where names are short nothing is gained by longer ones.
constexpr std::size_t kTombstonesPerAppend = 1000;

using FetchedPartition = wire::OffsetFetchResponse::OffsetFetchResponsePartitions;

std::optional<WallMillis> expiry_of(std::int64_t retention_ms, WallMillis wall) {
  if (retention_ms < 0) return std::nullopt;
  return retention_ms > std::numeric_limits<WallMillis>::max() - wall ? std::numeric_limits<WallMillis>::max()
                                                                      : wall + retention_ms;
}

FetchedPartition fetched(const Group* group, const TopicPartition& partition, bool require_stable) {
  FetchedPartition row;
  row.partition_index = partition.partition;
  row.committed_offset = kNoOffset;
  row.committed_leader_epoch = -1;
  row.metadata = "";
  row.error_code = ErrorCode::kNone;
  if (group == nullptr) return row;
  if (require_stable && group->offsets_in_progress.contains(partition)) {
    row.error_code = ErrorCode::kUnstableOffsetCommit;
    return row;
  }
  const auto found = group->offsets.find(partition);
  if (found == group->offsets.end()) return row;
  row.committed_offset = found->second.offset;
  row.committed_leader_epoch = found->second.leader_epoch;
  row.metadata = found->second.metadata;
  return row;
}

void begin(Group& group, const std::vector<TopicPartition>& partitions) {
  for (const TopicPartition& partition : partitions) ++group.offsets_in_progress[partition];
}

void end(Group& group, const std::vector<TopicPartition>& partitions) {
  for (const TopicPartition& partition : partitions) {
    const auto at = group.offsets_in_progress.find(partition);
    MQ_ASSERT(at != group.offsets_in_progress.end());
    if (--at->second == 0) group.offsets_in_progress.erase(at);
  }
}

/// Also those that are on their way into the log: a tombstone that follows them must erase them.
std::vector<TopicPartition> known_partitions(const Group& group) {
  std::set<TopicPartition> known;
  for (const auto& [partition, offset] : group.offsets) known.insert(partition);
  for (const auto& [partition, count] : group.offsets_in_progress) known.insert(partition);
  return {known.begin(), known.end()};
}

/// What a commit writes, besides the answer to it.
struct Commit {
  std::vector<Record> records;
  std::vector<TopicPartition> partitions;
  std::vector<CommittedOffset> offsets;  ///< of the partition with the same index

  /// By how much `known` grows with it, at most.
  [[nodiscard]] std::size_t growth(const CommittedOffsets& known) const {
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < partitions.size(); ++i) bytes += known.growth(partitions[i], offsets[i]);
    return bytes;
  }
};

Commit commit_of(const wire::OffsetCommitRequest& request, std::size_t metadata_chars_max, WallMillis wall,
                 wire::OffsetCommitResponse& response) {
  Commit commit;
  response = refuse(request, ErrorCode::kNone);
  for (std::size_t t = 0; t < request.topics.size(); ++t) {
    const auto& topic = request.topics[t];
    for (std::size_t p = 0; p < topic.partitions.size(); ++p) {
      const auto& wanted = topic.partitions[p];
      CommittedOffset offset{.offset = wanted.committed_offset,
                             .leader_epoch = wanted.committed_leader_epoch,
                             .metadata = wanted.committed_metadata.value_or(""),
                             .committed_at = wall,
                             .expires_at = expiry_of(request.retention_time_ms, wall)};
      if (to_utf16(offset.metadata).size() > metadata_chars_max) {
        response.topics[t].partitions[p].error_code = ErrorCode::kOffsetMetadataTooLarge;
        continue;
      }
      TopicPartition partition{topic.name, wanted.partition_index};
      commit.records.push_back(offset_record(request.group_id, partition, offset));
      commit.partitions.push_back(std::move(partition));
      commit.offsets.push_back(std::move(offset));
    }
  }
  return commit;
}

}  // namespace

Effects Coordinator::commit_offsets(RequestToken token, const wire::OffsetCommitRequest& request, Time time) {
  Turn turn{time};
  auto problem = not_serving();
  const Group* known = find(request.group_id);
  if (!problem) problem = commit_problem(known, request);
  if (!problem && known == nullptr && !room_.for_group()) problem = ErrorCode::kGroupMaxSizeReached;
  if (problem) {
    answer(turn, token, refuse(request, *problem));
    return std::move(turn.effects);
  }
  Group& group = find_or_make_group(request.group_id, time.wall);
  if (Member* member = group.find(request.member_id)) keep_session(turn, group, *member);

  wire::OffsetCommitResponse response;
  Commit commit = commit_of(request, settings_.offset_metadata_chars_max, time.wall, response);
  const std::size_t growth = commit.growth(group.offsets);
  const bool has_room = has_room_to_grow(0, growth);
  if (!has_room) response = refuse(request, ErrorCode::kGroupMaxSizeReached);
  if (!has_room || commit.records.empty()) {
    answer(turn, token, std::move(response));
    settle(group);
    return std::move(turn.effects);
  }
  begin(group, commit.partitions);
  group.offsets_growth += growth;
  append(turn, group, std::move(commit.records),
         [token, growth, response = std::move(response), partitions = std::move(commit.partitions),
          offsets = std::move(commit.offsets)](Turn& later, Group& g, ErrorCode error) mutable {
           end(g, partitions);
           g.offsets_growth -= growth;
           for (std::size_t i = 0; error == ErrorCode::kNone && i < partitions.size(); ++i)
             g.offsets.put(partitions[i], std::move(offsets[i]));
           if (error != ErrorCode::kNone) {
             for (auto& topic : response.topics)
               for (auto& partition : topic.partitions)
                 if (partition.error_code == ErrorCode::kNone) partition.error_code = after_failed_offset_append(error);
           }
           answer(later, token, std::move(response));
         });
  settle(group);
  return std::move(turn.effects);
}

std::optional<ErrorCode> Coordinator::commit_problem(const Group* group,
                                                     const wire::OffsetCommitRequest& request) const {
  const std::int32_t generation = request.generation_id_or_member_epoch;
  // Without a generation it comes from an administrator or from a consumer that assigns itself: such may use a group
  // that has no members.
  if (group == nullptr) return generation < 0 ? std::nullopt : std::optional(ErrorCode::kIllegalGeneration);
  if (generation < 0 && group->is(State::kEmpty)) return std::nullopt;
  if (generation < 0 && request.member_id.empty() && !request.group_instance_id) return ErrorCode::kUnknownMemberId;
  if (const auto problem = group->member_problem(request.member_id, request.group_instance_id)) return problem;
  if (generation != group->generation()) return ErrorCode::kIllegalGeneration;
  // It knows its generation and has no assignment in it yet.
  if (group->is(State::kCompletingRebalance)) return ErrorCode::kRebalanceInProgress;
  return std::nullopt;
}

wire::OffsetFetchResponse::OffsetFetchResponseGroup Coordinator::fetch_offsets(
    const wire::OffsetFetchRequest::OffsetFetchRequestGroup& request, bool require_stable) const {
  if (const auto error = not_serving()) return refuse(request, *error);
  auto response = refuse(request, ErrorCode::kNone);
  const Group* group = find(request.group_id);
  if (request.topics) {
    for (const auto& topic : *request.topics) {
      auto& answered = response.topics.emplace_back();
      answered.name = topic.name;
      answered.topic_id = topic.topic_id;
      answered.partitions.reserve(topic.partition_indexes.size());
      for (const std::int32_t index : topic.partition_indexes)
        answered.partitions.push_back(fetched(group, {topic.name, index}, require_stable));
    }
  } else if (group != nullptr) {
    for (const auto& [partition, offset] : group->offsets) {
      if (response.topics.empty() || response.topics.back().name != partition.topic)
        response.topics.emplace_back().name = partition.topic;
      response.topics.back().partitions.push_back(fetched(group, partition, require_stable));
    }
  }
  return response;
}

Effects Coordinator::delete_offsets(RequestToken token, const wire::OffsetDeleteRequest& request, Time time) {
  Turn turn{time};
  const auto refuse_with = [&](ErrorCode error) {
    answer(turn, token, refuse(request, error));
    return std::move(turn.effects);
  };
  if (const auto error = not_serving()) return refuse_with(*error);
  if (request.group_id.empty()) return refuse_with(ErrorCode::kInvalidGroupId);
  Group* group = find_group(request.group_id);
  if (group == nullptr) return refuse_with(ErrorCode::kGroupIdNotFound);
  // Of other protocols than the consumer's we cannot know what its members read.
  if (!group->is(State::kEmpty) && !group->uses_consumer_protocol()) return refuse_with(ErrorCode::kNonEmptyGroup);

  wire::OffsetDeleteResponse response;
  response.error_code = ErrorCode::kNone;
  std::vector<TopicPartition> erased;
  for (const auto& topic : request.topics) {
    const bool is_read = group->is_subscribed_to(topic.name);
    auto& answered = response.topics.emplace_back();
    answered.name = topic.name;
    for (const auto& wanted : topic.partitions) {
      auto& row = answered.partitions.emplace_back();
      row.partition_index = wanted.partition_index;
      row.error_code = is_read ? ErrorCode::kGroupSubscribedToTopic : ErrorCode::kNone;
      TopicPartition partition{topic.name, wanted.partition_index};
      const bool is_known = group->offsets.contains(partition) || group->offsets_in_progress.contains(partition);
      if (!is_read && is_known) erased.push_back(std::move(partition));
    }
  }
  if (erased.empty()) {
    answer(turn, token, std::move(response));
    return std::move(turn.effects);
  }
  erase(turn, *group, std::move(erased), false,
        [token, response = std::move(response)](Turn& later, Group&, ErrorCode error) mutable {
          if (error != ErrorCode::kNone) {
            response = {};
            response.error_code = after_failed_group_append(error);
          }
          answer(later, token, std::move(response));
        });
  return std::move(turn.effects);
}

Effects Coordinator::delete_group(RequestToken token, std::string_view group_id, Time time) {
  Turn turn{time};
  auto problem = not_serving();
  Group* group = find_group(group_id);
  if (!problem && group == nullptr) problem = ErrorCode::kGroupIdNotFound;
  if (!problem && !group->is(State::kEmpty)) problem = ErrorCode::kNonEmptyGroup;
  if (problem) {
    answer(turn, token, refuse_delete(group_id, *problem));
    return std::move(turn.effects);
  }
  erase(turn, *group, known_partitions(*group), true, [token](Turn& later, Group& g, ErrorCode error) {
    answer(later, token, refuse_delete(g.id(), after_failed_group_append(error)));
  });
  return std::move(turn.effects);
}

void Coordinator::erase(Turn& turn, Group& group, std::vector<TopicPartition> partitions, bool with_group,
                        Continuation then) {
  // Half a batch leaves room for the group's own tombstone.
  const std::size_t bytes_max = room_.batch_bytes() / 2;
  std::vector<TopicPartition> some;
  std::size_t bytes = 0;
  for (TopicPartition& partition : partitions) {
    const std::size_t more = tombstone_bytes_max(group.id(), partition);
    if (!some.empty() && (bytes + more > bytes_max || some.size() == kTombstonesPerAppend)) {
      erase_some(turn, group, std::exchange(some, {}), false, [](Turn&, Group&, ErrorCode) {});
      bytes = 0;
    }
    bytes += more;
    some.push_back(std::move(partition));
  }
  erase_some(turn, group, std::move(some), with_group, std::move(then));
}

void Coordinator::erase_some(Turn& turn, Group& group, std::vector<TopicPartition> partitions, bool with_group,
                             Continuation then) {
  std::vector<Record> records;
  for (const TopicPartition& partition : partitions) records.push_back(offset_tombstone(group.id(), partition));
  if (with_group) records.push_back(group_tombstone(group.id()));
  begin(group, partitions);
  append(turn, group, std::move(records),
         [partitions = std::move(partitions), with_group, writes = group.writes, then = std::move(then)](
             Turn& later, Group& g, ErrorCode error) mutable {
           end(g, partitions);
           if (error == ErrorCode::kNone) {
             for (const TopicPartition& partition : partitions) g.offsets.erase(partition);
             // A group that came back to life has written itself after the tombstone, or will.
             if (with_group) g.is_written = false;
             if (with_group && g.writes == writes && g.is(State::kEmpty)) g.forget();
           }
           then(later, g, error);
         });
}

bool Coordinator::is_expired(const Group& group, const TopicPartition& partition, const CommittedOffset& offset,
                             WallMillis wall) const {
  if (group.offsets_in_progress.contains(partition)) return false;
  WallMillis since = offset.committed_at;
  if (group.protocol_type()) {
    if (group.is(State::kEmpty)) {
      // Nobody has read since the last member left.
      if (group.state_since() >= 0) since = group.state_since();
    } else if (!group.is(State::kStable) || group.is_subscribed_to(partition.topic) ||
               !group.uses_consumer_protocol()) {
      return false;
    }
  } else if (!group.is(State::kEmpty)) {
    return false;
  }
  if (offset.expires_at) return wall >= *offset.expires_at;
  return wall - since >= std::chrono::duration_cast<std::chrono::milliseconds>(settings_.offsets_retention).count();
}

void Coordinator::expire_offsets(Turn& turn) {
  for (auto& [id, group] : groups_) {
    std::vector<TopicPartition> expired;
    for (const auto& [partition, offset] : group.offsets)
      if (is_expired(group, partition, offset, turn.time.wall)) expired.push_back(partition);
    const bool is_over = group.is(State::kEmpty) && group.pending().empty() && group.appends_in_progress == 0 &&
                         expired.size() == group.offsets.size();
    if (is_over || !expired.empty()) erase(turn, group, std::move(expired), is_over, [](Turn&, Group&, ErrorCode) {});
  }
}

Effects Coordinator::image_changed(const statelog::ImageChange& change, Time time) {
  Turn turn{time};
  for (const std::string& topic : change.topics_deleted) {
    for (auto& [id, group] : groups_) {
      std::vector<TopicPartition> gone = known_partitions(group);
      std::erase_if(gone, [&](const TopicPartition& partition) { return partition.topic != topic; });
      if (!gone.empty()) erase(turn, group, std::move(gone), false, [](Turn&, Group&, ErrorCode) {});
    }
  }
  return std::move(turn.effects);
}

}  // namespace mq::group
