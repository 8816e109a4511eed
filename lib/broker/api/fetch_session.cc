#include "broker/api/fetch_session.h"

#include <boost/unordered/unordered_flat_set.hpp>
#include <iterator>
#include <limits>
#include <utility>

#include "base/buggify.h"
#include "base/mark.h"

namespace mq::broker {
namespace {

constexpr std::int32_t kFinalEpoch = -1;   // "no session, please"
constexpr std::int32_t kInitialEpoch = 0;  // "a new session, please"

/// In the order of the request. Of a partition that is named again only the first is read: no client means it.
std::vector<FetchedPartition> partitions_of(const wire::FetchRequest& request) {
  std::vector<FetchedPartition> partitions;
  boost::unordered_flat_set<FetchedPartition::Key, FetchedPartition::KeyHash> seen;
  const bool is_one = request.topics.size() == 1 && request.topics.front().partitions.size() == 1;
  for (const auto& topic : request.topics)
    for (const auto& partition : topic.partitions) {
      if (!is_one && !seen.insert({topic.topic_id, topic.topic, partition.partition}).second) continue;
      partitions.push_back({.topic_id = topic.topic_id,
                            .topic = topic.topic,
                            .partition = partition.partition,
                            .current_leader_epoch = partition.current_leader_epoch,
                            .fetch_offset = partition.fetch_offset,
                            .last_fetched_epoch = partition.last_fetched_epoch,
                            .bytes_max = partition.partition_max_bytes,
                            .known_high_watermark = partition.high_watermark,
                            .synced_end = partition.synced_end,
                            .log_start = partition.log_start_offset});
    }
  return partitions;
}

std::int32_t epoch_after(std::int32_t epoch) {
  return epoch == std::numeric_limits<std::int32_t>::max() ? 1 : epoch + 1;
}

}  // namespace

FetchSession::Asked FetchSession::apply(const wire::FetchRequest& request, ApiVersion version,
                                        std::int32_t new_session_id) {
  const bool by_topic_id = version >= kFetchTopicIdsSince;
  if (request.session_epoch == kFinalEpoch || request.session_epoch == kInitialEpoch) {
    Asked asked{.partitions = partitions_of(request)};
    if (request.session_epoch == kInitialEpoch || request.session_id == id_) close();
    if (request.session_epoch == kInitialEpoch && open(asked.partitions, new_session_id)) {
      by_topic_id_ = by_topic_id;
      asked.session_id = id_;
    }
    if (request.session_epoch == kInitialEpoch && asked.session_id == 0)
      MQ_MARK("broker: there is no place for another fetch session");
    return asked;
  }
  if (request.session_id == 0 || request.session_id != id_)
    MQ_MARK("broker: a fetch names a session that is not there");
  if (request.session_id == 0 || request.session_id != id_) return {.error = ErrorCode::kFetchSessionIdNotFound};
  if (request.session_epoch != next_epoch_) return {.error = ErrorCode::kInvalidFetchSessionEpoch};
  if (MQ_BUGGIFY("broker: a fetch session is forgotten"))
    return close(), Asked{.error = ErrorCode::kFetchSessionIdNotFound};
  if (by_topic_id != by_topic_id_) return {.error = ErrorCode::kFetchSessionTopicIdError};
  next_epoch_ = epoch_after(next_epoch_);
  for (FetchedPartition& wanted : partitions_of(request)) put(std::move(wanted));
  forget(request);
  if (partitions_.size() > kPartitionsMax) {
    // The client begins again with all it wants, and is told that there is no session for so much.
    close();
    return {.error = ErrorCode::kFetchSessionIdNotFound};
  }
  return {.session_id = id_, .incremental = true, .partitions = {partitions_.begin(), partitions_.end()}};
}

bool FetchSession::open(std::vector<FetchedPartition> partitions, std::int32_t id) {
  if (MQ_BUGGIFY("broker: a fetch gets no session")) return false;
  if (partitions.size() > kPartitionsMax || !slots_->take()) return false;
  id_ = id;
  next_epoch_ = kInitialEpoch + 1;
  for (FetchedPartition& wanted : partitions) put(std::move(wanted));
  return true;
}

void FetchSession::put(FetchedPartition wanted) {
  const auto known = places_.find(wanted.key());
  if (known == places_.end()) {
    partitions_.push_back(std::move(wanted));
    places_.emplace(partitions_.back().key(), std::prev(partitions_.end()));
    return;
  }
  FetchedPartition& partition = *known->second;
  partition.current_leader_epoch = wanted.current_leader_epoch;
  partition.fetch_offset = wanted.fetch_offset;
  partition.last_fetched_epoch = wanted.last_fetched_epoch;
  partition.bytes_max = wanted.bytes_max;
  partition.known_high_watermark = wanted.known_high_watermark;
  partition.synced_end = wanted.synced_end;
  partition.log_start = wanted.log_start;
}

void FetchSession::forget(const wire::FetchRequest& request) {
  for (const auto& topic : request.forgotten_topics_data)
    for (const std::int32_t partition : topic.partitions) {
      const auto known = places_.find(FetchedPartition::Key{topic.topic_id, topic.topic, partition});
      if (known == places_.end()) continue;
      const auto place = known->second;
      MQ_MARK("broker: a fetch session forgets a partition");
      places_.erase(known);
      partitions_.erase(place);
    }
}

void FetchSession::told(const FetchedPartition& partition, std::int64_t high_watermark, std::int64_t log_start,
                        bool has_records) {
  const auto known = places_.find(partition.key());
  if (known == places_.end()) return;
  const auto place = known->second;
  place->told_high_watermark = high_watermark;
  place->told_log_start = log_start;
  place->is_new = false;
  if (has_records) partitions_.splice(partitions_.end(), partitions_, place);
}

void FetchSession::close() {
  if (id_ != 0) slots_->give_back();
  id_ = 0;
  places_.clear();
  partitions_.clear();
}

}  // namespace mq::broker
