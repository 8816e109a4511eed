#include "broker/metadata_follower.h"

#include <algorithm>
#include <utility>

#include "base/mark.h"
#include "broker/data_directory.h"
#include "model/flush_class.h"

namespace mq::broker {
namespace {

/// A store may forget to tell of a change, and what could not be done is done later.
constexpr Duration kLookInterval = 10s;
/// In a cluster time alone may give the controller something to do.
constexpr Duration kCareInterval = 1s;
/// Between two looks at a store that cannot be reached, or is behind what it has told.
constexpr Duration kBehindPause = 500ms;
/// So often, at most, it is remembered how far the changes of others have come.
constexpr Duration kRememberInterval = 1s;

}  // namespace

MetadataFollower::MetadataFollower(NodeContext& node, AllShards& shards, MetadataWriter& writer, LogKeeper& logs,
                                   Topics& topics, Caretaker& caretaker)
    : node_(node),
      shards_(shards),
      writer_(writer),
      logs_(logs),
      topics_(topics),
      caretaker_(caretaker),
      tasks_(node.home()) {}

void MetadataFollower::start() { tasks_.spawn(follow()); }

awaitable<void> MetadataFollower::stop() {
  // Who holds it is at work, and nobody begins any more.
  const auto held = co_await writer_.lock_topics();
}

awaitable<void> MetadataFollower::join() { co_await tasks_.join(); }

awaitable<void> MetadataFollower::follow() {
  Instant look = node_.home().now() + kLookInterval;
  Instant remember = node_.home().now() + kRememberInterval;
  while (!node_.life.is_stopping()) {
    co_await caretaker_.look_after_cluster();
    if (node_.life.is_stopping()) break;
    if (node_.is_member() && node_.home().now() >= remember) {
      writer_.remember_others();
      remember = node_.home().now() + kRememberInterval;
    }
    const Instant next = node_.is_member() ? std::min(look, node_.home().now() + kCareInterval) : look;
    const auto seen = co_await writer_.store().wait_for_change(writer_.image()->revision(), next);
    if (node_.life.is_stopping()) break;
    const bool is_quiet = !seen && seen.error().code == Errc::timed_out;
    const bool is_over = !seen && !is_quiet && seen.error().code != Errc::unreachable;
    if (is_over) break;  // the store is closed, or its disk has failed
    // What is new is mostly of our own making.
    const bool is_known = is_quiet || (seen && *seen <= writer_.image()->revision());
    if (is_known && !writer_.has_changed() && node_.home().now() < look) continue;
    const bool is_there = co_await bring_up_to_date();
    // Nobody tells when one that went back is accepted.
    look = node_.home().now() + (writer_.why_not_followed() ? kCareInterval : kLookInterval);
    if (!is_there) caretaker_.lost_store();
    const bool is_behind = !is_there || (seen ? *seen > writer_.image()->revision() : !is_quiet);
    if (is_behind) co_await node_.home().sleep_until(node_.home().now() + kBehindPause);
  }
}

awaitable<bool> MetadataFollower::bring_up_to_date() {
  const auto held = co_await writer_.lock_topics();
  if (node_.life.is_stopping()) co_return true;
  if (const auto followed = co_await writer_.follow_others(); !followed) co_return false;
  const std::map<Uuid, cluster::TopicPtr> changed = writer_.take_changed();
  if (writer_.take_acceptance()) co_await go_on_with_accepted(changed);
  if (changed.empty()) {
    if (!writer_.is_installed()) co_await writer_.install();  // brokers come and go
    co_return true;
  }
  MQ_MARK("broker: metadata was changed by others");
  const ImagePtr image = writer_.image();
  std::vector<WantedLogs> wanted;
  for (const auto& [id, before] : changed) {
    const cluster::TopicPtr topic = image->share_topic(id);
    if (!topic) continue;
    WantedLogs missing = co_await missing_logs(topic);
    if (!missing.logs.empty()) wanted.push_back(std::move(missing));
  }
  if (!wanted.empty()) co_await make(std::move(wanted));
  co_await writer_.install();
  for (const auto& [id, before] : changed) {
    if (const cluster::TopicPtr topic = image->share_topic(id))
      if (auto away = moved_away(*topic); !away.empty()) co_await topics_.was_moved_away(topic, std::move(away));
    if (!before || !image->tombstones().contains(id)) continue;
    MQ_MARK("broker: a topic was deleted by others");
    co_await topics_.was_removed(before);
  }
  co_return true;
}

awaitable<void> MetadataFollower::go_on_with_accepted(const std::map<Uuid, cluster::TopicPtr>& changed) {
  const ImagePtr image = writer_.image();
  for (const auto& [id, before] : changed) {
    if (!before || image->tombstones().contains(id) || image->is_withheld(before->name)) continue;
    const cluster::Topic* now = image->find_topic(id);
    std::vector<std::int32_t> unknown;
    for (std::int32_t index = now ? now->partition_count() : 0; index < before->partition_count(); ++index)
      if (before->find_partition(index)->has_replica(node_.config().node_id)) unknown.push_back(index);
    if (!unknown.empty()) co_await topics_.was_disowned(before, std::move(unknown));
  }
  const auto noted =
      co_await node_.disk_pool().run(node_.home(), [this, image] { return note_acceptance(node_.log_dir(), *image); });
  if (!noted)
    node_.logger().warn("it cannot be noted that a metadata store was accepted: {}; the next start does so",
                        noted.error().message);
}

awaitable<WantedLogs> MetadataFollower::missing_logs(cluster::TopicPtr topic) {
  std::vector<std::int32_t> ours;
  for (std::int32_t index = 0; index < topic->partition_count(); ++index) {
    // One that has a slot was made before: whatever became of it, it is not to be made as if it had never been.
    const bool is_ours = topic->find_partition(index)->has_replica(node_.config().node_id);
    if (is_ours && !node_.log_dir().slot_of(topic->id, PartitionId{index})) ours.push_back(index);
  }
  WantedLogs missing{.topic = topic, .logs = {}};
  for (const std::int32_t index : co_await shards_.without_log(topic->id, std::move(ours)))
    missing.logs.push_back({.partition = index});
  co_return missing;
}

std::vector<std::int32_t> MetadataFollower::moved_away(const cluster::Topic& topic) const {
  std::vector<std::int32_t> away;
  // What is kept in them stays until the next start, which sets it aside: coordinators may be about to step down.
  if (!node_.is_member() || is_internal_topic(topic.name)) return away;
  for (std::int32_t index = 0; index < topic.partition_count(); ++index) {
    const cluster::Partition& partition = *topic.find_partition(index);
    const bool is_settled =
        partition.adding.empty() && partition.removing.empty() && partition.isr.size() == partition.replicas.size();
    if (partition.has_replica(node_.config().node_id) || !is_settled) continue;
    if (node_.log_dir().slot_of(topic.id, PartitionId{index})) away.push_back(index);
  }
  return away;
}

awaitable<void> MetadataFollower::make(std::vector<WantedLogs> wanted) {
  std::vector<cluster::TopicPtr> topics;
  for (const WantedLogs& topic : wanted) topics.push_back(topic.topic);
  MQ_MARK("broker: logs are made that metadata names of itself");
  const auto outcomes = co_await logs_.make(std::move(wanted), writer_.image());
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    if (outcomes[i] || outcomes[i].error().code == Errc::disk_failed) continue;
    MQ_MARK("broker: logs that metadata names cannot be made now");
    node_.logger().warn("the logs of {} cannot be made: {}; it is tried again", topics[i]->name,
                        outcomes[i].error().message);
    writer_.note_changed(topics[i]->id);
  }
}

}  // namespace mq::broker
