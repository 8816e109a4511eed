#include "group/offsets.h"

#include <chrono>
#include <limits>
#include <set>
#include <utility>

#include "base/assert.h"
#include "base/mark.h"
#include "group/policy.h"
#include "group/records.h"
#include "group/refusals.h"
#include "group/utf16.h"

namespace mq::group {
namespace {

constexpr std::int64_t kNoOffset = -1;
// Also where names are short nothing is gained by longer ones.
constexpr std::size_t kTombstonesPerAppend = 1000;

std::optional<WallMillis> expiry_of(std::int64_t retention_ms, WallMillis wall) {
  if (retention_ms < 0) return std::nullopt;
  return retention_ms > std::numeric_limits<WallMillis>::max() - wall ? std::numeric_limits<WallMillis>::max()
                                                                      : wall + retention_ms;
}

/// Partitions that nothing was written for get the error.
void fail_rest(wire::OffsetCommitResponse& response, ErrorCode error) {
  for (auto& topic : response.topics)
    for (auto& partition : topic.partitions)
      if (partition.error_code == ErrorCode::kNone) partition.error_code = error;
}

}  // namespace

/// What a commit writes, and the answer to it.
struct Offsets::Commit {
  wire::OffsetCommitResponse response;
  std::vector<Record> records;
  std::vector<TopicPartition> partitions;
  std::vector<CommittedOffset> offsets;  ///< of the partition with the same index

  Commit(const Step& step, const wire::OffsetCommitRequest& request) : response(refuse(request, ErrorCode::kNone)) {
    for (std::size_t t = 0; t < request.topics.size(); ++t) {
      const auto& topic = request.topics[t];
      const bool is_deleted = step.policy.is_deleted(topic.topic_id);
      if (is_deleted) MQ_MARK("group: a commit comes after the deletion of its topic");
      for (std::size_t p = 0; p < topic.partitions.size(); ++p) {
        const auto& wanted = topic.partitions[p];
        if (is_deleted) {
          response.topics[t].partitions[p].error_code = ErrorCode::kUnknownTopicOrPartition;
          continue;
        }
        CommittedOffset offset{.offset = wanted.committed_offset,
                               .leader_epoch = wanted.committed_leader_epoch,
                               .metadata = wanted.committed_metadata.value_or(""),
                               .committed_at = step.time.wall,
                               .expires_at = expiry_of(request.retention_time_ms, step.time.wall),
                               .topic_id = topic.topic_id};
        if (to_utf16(offset.metadata).size() > step.policy.settings.offset_metadata_chars_max) {
          response.topics[t].partitions[p].error_code = ErrorCode::kOffsetMetadataTooLarge;
          continue;
        }
        TopicPartition partition{topic.name, wanted.partition_index};
        records.push_back(offset_record(step.group_id, partition, offset));
        partitions.push_back(std::move(partition));
        offsets.push_back(std::move(offset));
      }
    }
  }
};

void Offsets::restore(const TopicPartition& partition, CommittedOffset offset) {
  committed_.put(partition, std::move(offset));
}

bool Offsets::knows(const TopicPartition& partition) const {
  return committed_.contains(partition) || in_progress_.contains(partition);
}

std::vector<TopicPartition> Offsets::known() const {
  std::set<TopicPartition> known;
  for (const auto& [partition, offset] : committed_) known.insert(partition);
  for (const auto& [partition, appends] : in_progress_) known.insert(partition);
  return {known.begin(), known.end()};
}

void Offsets::commit(Step& step, RequestToken token, const wire::OffsetCommitRequest& request) {
  Commit commit(step, request);
  const std::size_t growth = growth_with(commit);
  if (!step.policy.has_room_to_grow(0, growth))
    return step.answer(token, refuse(request, ErrorCode::kGroupMaxSizeReached));
  if (commit.records.empty()) return step.answer(token, std::move(commit.response));
  begin(commit);
  growth_ += growth;
  std::vector<Record> records = std::move(commit.records);
  step.append(std::move(records),
              [this, token, growth, commit = std::move(commit)](Step& later, ErrorCode error) mutable {
                end(commit);
                growth_ -= growth;
                for (std::size_t i = 0; error == ErrorCode::kNone && i < commit.partitions.size(); ++i)
                  committed_.put(commit.partitions[i], std::move(commit.offsets[i]));
                if (error != ErrorCode::kNone) MQ_MARK("group: a commit cannot be written");
                if (error != ErrorCode::kNone) fail_rest(commit.response, after_failed_offset_append(error));
                later.answer(token, std::move(commit.response));
              });
}

void Offsets::erase(Step& step, std::vector<TopicPartition> partitions, std::vector<Record> last, Step::Then then) {
  // Half a batch leaves room for what comes last.
  const std::size_t bytes_max = step.policy.room.batch_bytes() / 2;
  std::vector<TopicPartition> some;
  std::size_t bytes = 0;
  for (TopicPartition& partition : partitions) {
    const std::size_t more = tombstone_bytes_max(step.group_id, partition);
    if (!some.empty() && (bytes + more > bytes_max || some.size() == kTombstonesPerAppend)) {
      erase_some(step, std::exchange(some, {}), {}, [](Step&, ErrorCode) {});
      bytes = 0;
    }
    bytes += more;
    some.push_back(std::move(partition));
  }
  erase_some(step, std::move(some), std::move(last), std::move(then));
}

void Offsets::topics_deleted(Step& step, const DeletedTopics& deleted) {
  const std::vector<TopicPartition> committed = committed_.topics_deleted(deleted);
  std::set<TopicPartition> gone(committed.begin(), committed.end());
  for (auto& [partition, appends] : in_progress_) {
    for (InProgress::OneCommit& commit : appends.commits) {
      if (!deleted.have(partition, commit.topic_id)) continue;
      MQ_MARK("group: a topic is deleted amid a commit for it");
      commit.is_of_deleted_topic = true;
      gone.insert(partition);
    }
    // What comes behind for a topic of the same name takes its place, and a tombstone would take that away.
    const bool has_new = !appends.commits.empty() && !appends.commits.back().is_of_deleted_topic;
    if (has_new) gone.erase(partition);
  }
  if (gone.empty()) return;
  MQ_MARK("group: offsets of a deleted topic go");
  erase(step, {gone.begin(), gone.end()}, {}, [](Step&, ErrorCode) {});
}

void Offsets::erase_some(Step& step, std::vector<TopicPartition> partitions, std::vector<Record> last,
                         Step::Then then) {
  std::vector<Record> records;
  for (const TopicPartition& partition : partitions) records.push_back(offset_tombstone(step.group_id, partition));
  std::ranges::move(last, std::back_inserter(records));
  begin(partitions);
  step.append(std::move(records),
              [this, partitions = std::move(partitions), then = std::move(then)](Step& later, ErrorCode error) mutable {
                end(partitions);
                for (const TopicPartition& partition : partitions)
                  if (error == ErrorCode::kNone) committed_.erase(partition);
                then(later, error);
              });
}

Offsets::FetchedPartition Offsets::fetch(const TopicPartition& partition, bool require_stable) const {
  FetchedPartition row;
  row.partition_index = partition.partition;
  row.committed_offset = kNoOffset;
  row.committed_leader_epoch = -1;
  row.metadata = "";
  row.error_code = ErrorCode::kNone;
  if (require_stable && in_progress_.contains(partition)) {
    MQ_MARK("group: an offset is asked for amid its commit");
    row.error_code = ErrorCode::kUnstableOffsetCommit;
    return row;
  }
  const auto found = committed_.find(partition);
  if (found == committed_.end() || found->second.is_of_deleted_topic) return row;
  row.committed_offset = found->second.offset;
  row.committed_leader_epoch = found->second.leader_epoch;
  row.metadata = found->second.metadata;
  return row;
}

std::vector<TopicPartition> Offsets::expired(WallMillis now, Duration retention,
                                             const UnneededSince& unneeded_since) const {
  const WallMillis retention_ms = std::chrono::duration_cast<std::chrono::milliseconds>(retention).count();
  std::vector<TopicPartition> expired;
  for (const auto& [partition, offset] : committed_) {
    if (in_progress_.contains(partition)) continue;
    if (offset.is_of_deleted_topic) {
      expired.push_back(partition);
      continue;
    }
    const auto since = unneeded_since(partition.topic, offset.committed_at);
    if (!since) continue;
    if (offset.expires_at ? now >= *offset.expires_at : now - *since >= retention_ms) expired.push_back(partition);
  }
  return expired;
}

void Offsets::check_invariants() const {
  committed_.check_invariants();
  for (const auto& [partition, appends] : in_progress_)
    MQ_ASSERT(appends.count > 0 && appends.commits.size() <= static_cast<std::size_t>(appends.count));
  MQ_ASSERT(has_appends() || growth_ == 0);
}

void Offsets::begin(const std::vector<TopicPartition>& partitions) {
  for (const TopicPartition& partition : partitions) ++in_progress_[partition].count;
}

void Offsets::begin(const Commit& commit) {
  begin(commit.partitions);
  for (std::size_t i = 0; i < commit.partitions.size(); ++i)
    in_progress_[commit.partitions[i]].commits.push_back({.topic_id = commit.offsets[i].topic_id});
}

/// Appends end in the order of the log, so that the first of a partition's commits is this one.
void Offsets::end(Commit& commit) {
  for (std::size_t i = 0; i < commit.partitions.size(); ++i) {
    std::deque<InProgress::OneCommit>& commits = in_progress_.at(commit.partitions[i]).commits;
    MQ_ASSERT(!commits.empty() && commits.front().topic_id == commit.offsets[i].topic_id);
    commit.offsets[i].is_of_deleted_topic = commits.front().is_of_deleted_topic;
    commits.pop_front();
  }
  end(commit.partitions);
}

void Offsets::end(const std::vector<TopicPartition>& partitions) {
  for (const TopicPartition& partition : partitions) {
    const auto at = in_progress_.find(partition);
    MQ_ASSERT(at != in_progress_.end());
    if (--at->second.count == 0) in_progress_.erase(at);
  }
}

std::size_t Offsets::growth_with(const Commit& commit) const {
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < commit.partitions.size(); ++i)
    bytes += committed_.growth(commit.partitions[i], commit.offsets[i]);
  return bytes;
}

}  // namespace mq::group
