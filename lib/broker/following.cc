#include "broker/following.h"

#include <algorithm>
#include <utility>

#include "base/mark.h"
#include "broker/inter_broker_address.h"

namespace mq::broker {

void Following::install(std::shared_ptr<const cluster::ClusterImage> image) {
  image_ = std::move(image);
  for (const auto& waiting : std::exchange(waiting_, {}))
    if (const auto alive = waiting.lock(); alive && !copied_by_.contains(alive.get())) role_changed(*alive);
  // Who moved is found at its new address; those that it leads are told of no change.
  std::vector<std::shared_ptr<Follower>> astray;
  for (const auto& [key, follower] : followers_)
    if (inter_broker_address(*image_, key.first) != follower->leader().address) astray.push_back(follower);
  if (astray.empty()) return;
  partitions_.for_each([&](Partition& partition) {
    const auto by = copied_by_.find(&partition);
    if (by != copied_by_.end() && std::ranges::find(astray, by->second) != astray.end()) role_changed(partition);
  });
}

void Following::start() {
  is_running_ = true;
  partitions_.for_each([this](Partition& partition) { role_changed(partition); });
}

void Following::stop() {
  is_running_ = false;
  for (const auto& [key, follower] : std::exchange(followers_, {})) follower->stop();
  copied_by_.clear();
}

void Following::role_changed(Partition& partition) {
  if (!is_running_) return;
  const std::shared_ptr<Follower> before = take(partition);
  if (const std::shared_ptr<Follower> next = follower_for(partition)) {
    copied_by_[&partition] = next;
    next->add(partition.shared_from_this());
  } else if (partition.replica().role() == replication::Role::follower) {
    waiting_.push_back(partition.weak_from_this());
  }
  drop_idle(before);
}

void Following::has_news(const Partition& partition) {
  const auto by = copied_by_.find(&partition);
  if (by != copied_by_.end()) by->second->has_news(partition);
}

std::shared_ptr<Follower> Following::take(const Partition& partition) {
  const auto by = copied_by_.find(&partition);
  if (by == copied_by_.end()) return nullptr;
  std::shared_ptr<Follower> follower = std::move(by->second);
  copied_by_.erase(by);
  follower->remove(partition);
  return follower;
}

void Following::drop_idle(const std::shared_ptr<Follower>& follower) {
  if (!follower || !follower->is_idle()) return;
  std::erase_if(followers_, [&](const auto& one) { return one.second == follower; });
  follower->stop();
}

std::shared_ptr<Follower> Following::follower_for(const Partition& partition) {
  if (partition.replica().role() != replication::Role::follower) return nullptr;
  const cluster::Topic* topic = image_->find_topic(partition.topic_id());
  const cluster::Partition* key = topic != nullptr ? topic->find_partition(partition.name().partition) : nullptr;
  if (key == nullptr || key->leader == kNoBroker) return nullptr;
  const auto address = inter_broker_address(*image_, key->leader);
  if (!address) return nullptr;
  const Follower::Leader leader{.id = key->leader, .address = *address};
  std::shared_ptr<Follower>& follower = followers_[{leader.id, partition.replica().counted_class()}];
  if (follower && follower->leader() == leader) return follower;
  // Those that are copied by the one before come here one by one.
  MQ_MARK("broker: a follower connects to a leader");
  follower = std::make_shared<Follower>(shard_, leader);
  follower->start();
  return follower;
}

}  // namespace mq::broker
