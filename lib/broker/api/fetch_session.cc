#include "broker/api/fetch_session.h"

#include <algorithm>
#include <limits>

namespace mq::broker {
namespace {

constexpr std::int32_t kFinalEpoch = -1;   // "no session, please"
constexpr std::int32_t kInitialEpoch = 0;  // "a new session, please"
constexpr ApiVersion kTopicIdsSince = 13;

std::vector<FetchedPartition> partitions_of(const wire::FetchRequest& request) {
  std::vector<FetchedPartition> partitions;
  for (const auto& topic : request.topics)
    for (const auto& partition : topic.partitions)
      partitions.push_back({.topic_id = topic.topic_id,
                            .topic = topic.topic,
                            .partition = partition.partition,
                            .current_leader_epoch = partition.current_leader_epoch,
                            .fetch_offset = partition.fetch_offset,
                            .last_fetched_epoch = partition.last_fetched_epoch,
                            .bytes_max = partition.partition_max_bytes});
  return partitions;
}

std::int32_t epoch_after(std::int32_t epoch) {
  return epoch == std::numeric_limits<std::int32_t>::max() ? 1 : epoch + 1;
}

}  // namespace

FetchSession::Turn FetchSession::take_turn(const wire::FetchRequest& request, ApiVersion version,
                                           std::int32_t new_session_id) {
  const bool by_topic_id = version >= kTopicIdsSince;
  if (request.session_epoch == kFinalEpoch || request.session_epoch == kInitialEpoch) {
    if (request.session_id != 0 && request.session_id == id_) close();
    if (request.session_epoch == kFinalEpoch) return {.partitions = partitions_of(request)};
    id_ = new_session_id;
    next_epoch_ = 1;
    by_topic_id_ = by_topic_id;
    partitions_ = partitions_of(request);
    return {.session_id = id_, .partitions = partitions_};
  }
  if (request.session_id == 0 || request.session_id != id_) return {.error = ErrorCode::kFetchSessionIdNotFound};
  if (request.session_epoch != next_epoch_) return {.error = ErrorCode::kInvalidFetchSessionEpoch, .session_id = id_};
  if (by_topic_id != by_topic_id_) return {.error = ErrorCode::kFetchSessionTopicIdError, .session_id = id_};
  next_epoch_ = epoch_after(next_epoch_);

  for (FetchedPartition& wanted : partitions_of(request)) {
    const auto known = std::ranges::find_if(partitions_, [&](const auto& p) { return p.same_partition(wanted); });
    if (known == partitions_.end()) {
      partitions_.push_back(std::move(wanted));
    } else {
      wanted.told_high_watermark = known->told_high_watermark;
      wanted.told_log_start = known->told_log_start;
      wanted.is_new = known->is_new;
      *known = std::move(wanted);
    }
  }
  for (const auto& topic : request.forgotten_topics_data)
    std::erase_if(partitions_, [&](const FetchedPartition& p) {
      return p.topic_id == topic.topic_id && p.topic == topic.topic &&
             std::ranges::find(topic.partitions, p.partition) != topic.partitions.end();
    });
  return {.session_id = id_, .incremental = true, .partitions = partitions_};
}

void FetchSession::told(const FetchedPartition& partition, std::int64_t high_watermark, std::int64_t log_start,
                        bool has_records) {
  const auto known = std::ranges::find_if(partitions_, [&](const auto& p) { return p.same_partition(partition); });
  if (known == partitions_.end()) return;
  known->told_high_watermark = high_watermark;
  known->told_log_start = log_start;
  known->is_new = false;
  if (has_records) std::rotate(known, known + 1, partitions_.end());
}

void FetchSession::close() {
  id_ = 0;
  partitions_.clear();
}

}  // namespace mq::broker
