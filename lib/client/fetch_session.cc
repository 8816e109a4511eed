#include "client/fetch_session.h"

#include <algorithm>
#include <limits>
#include <set>

#include "base/mark.h"

namespace mq::client {
namespace {

void add(std::vector<wire::FetchRequest::FetchTopic>& topics, const FetchTarget& target) {
  auto topic = std::ranges::find(topics, target.where.topic, &wire::FetchRequest::FetchTopic::topic);
  if (topic == topics.end()) {
    topic = topics.insert(topics.end(), wire::FetchRequest::FetchTopic{});
    topic->topic = target.where.topic;
    topic->topic_id = target.topic_id;
  }
  auto& partition = topic->partitions.emplace_back();
  partition.partition = target.where.partition;
  partition.current_leader_epoch = target.leader_epoch.value();
  partition.fetch_offset = target.offset.value();
  partition.partition_max_bytes = target.bytes_max;
}

void forget(std::vector<wire::FetchRequest::ForgottenTopic>& topics, const FetchTarget& target) {
  auto topic = std::ranges::find(topics, target.where.topic, &wire::FetchRequest::ForgottenTopic::topic);
  if (topic == topics.end()) {
    topic = topics.insert(topics.end(), wire::FetchRequest::ForgottenTopic{});
    topic->topic = target.where.topic;
    topic->topic_id = target.topic_id;
  }
  topic->partitions.push_back(target.where.partition);
}

}  // namespace

void FetchSession::prepare(const std::vector<FetchTarget>& targets, wire::FetchRequest& request) {
  // A topic that was deleted and made again has another id under the same name; the broker's session holds the old one.
  const bool is_other_topic = std::ranges::any_of(targets, [this](const FetchTarget& target) {
    const auto known = known_.find(target.where);
    return known != known_.end() && known->second.topic_id != target.topic_id;
  });
  if (is_other_topic) MQ_MARK("client: a fetch session begins anew for a topic made again");
  if (is_other_topic) reset();

  std::set<TopicPartition> wanted;
  for (const FetchTarget& target : targets) {
    wanted.insert(target.where);
    const auto [known, is_new] = known_.try_emplace(target.where, target);
    if (!is_full() && !is_new && known->second == target) continue;
    known->second = target;
    add(request.topics, target);
  }
  std::erase_if(known_, [&](const auto& entry) {
    if (wanted.contains(entry.first)) return false;
    if (!is_full()) MQ_MARK("client: a partition leaves a fetch session");
    if (!is_full()) forget(request.forgotten_topics_data, entry.second);
    return true;
  });
  request.session_id = id_;
  request.session_epoch = epoch_;
}

void FetchSession::accepted(std::int32_t session_id) {
  id_ = session_id;
  if (id_ == 0) {
    epoch_ = 0;
  } else {
    epoch_ = epoch_ == std::numeric_limits<std::int32_t>::max() ? 1 : epoch_ + 1;
  }
}

void FetchSession::reset() {
  // A full request may name the session that it replaces, which frees that one at the broker at once.
  epoch_ = 0;
  known_.clear();
}

}  // namespace mq::client
