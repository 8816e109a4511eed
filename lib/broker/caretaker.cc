#include "broker/caretaker.h"

#include <memory>
#include <utility>

#include "base/mark.h"
#include "broker/settings.h"
#include "cluster/values.h"
#include "controller/cluster_plans.h"

namespace mq::broker {
namespace {

/// A new controller takes nobody for gone before that: who has lost the store, as everybody may have, comes back.
constexpr Duration kQuiet = 3s;
/// Time alone gives something to do, at most so often.
constexpr Duration kLookInterval = 2s;

}  // namespace

awaitable<void> Caretaker::look_after_cluster() {
  if (!node_.machine.store.is_shared || !writer_.image()->is_ready(node_.config().node_id)) co_return;
  if (!writer_.image()->controller()) co_await take_lease();
  const ImagePtr image = writer_.image();
  const Instant now = node_.home().now();
  if (!holds_lease(*image)) {
    lease_.reset();
    co_return;
  }
  if (!std::exchange(lease_, image->controller()->revision)) {
    node_.logger().info("this broker is the controller now");
    held_since_ = now;
    seen_ = cluster::kNoRevision;
  }
  Members members;
  for (const auto& [id, broker] : image->brokers()) members[id] = {broker.epoch, image->is_ready(id)};
  if (members != members_) members_ = std::move(members), members_changed_at_ = now;
  if (now - held_since_ < kQuiet || (seen_ == image->revision() && now - looked_at_ < kLookInterval)) co_return;
  looked_at_ = now;
  const std::vector<controller::Case> cases = cases_in(*image);
  if (cases.empty()) {
    seen_ = image->revision();
    co_return;
  }
  MQ_MARK("broker: the controller looks after partitions");
  // Those that conflict come again with the next look.
  (void)co_await writer_.commit(controller::plan_care(
      *image, *lease_, cases, [this](const cluster::Topic& topic) { return settings_of(topic); }));
  co_await writer_.install();
}

awaitable<void> Caretaker::take_lease() {
  MQ_MARK("broker: a broker becomes the controller");
  Uuid acquisition;
  node_.machine.random.fill(acquisition.bytes);
  (void)co_await writer_.change([&](const cluster::ClusterImage& image) -> Result<controller::Plan> {
    return controller::plan_controller(image, node_.config().node_id, acquisition);
  });
}

bool Caretaker::holds_lease(const cluster::ClusterImage& image) const {
  const auto& controller = image.controller();
  return controller && controller->broker == node_.config().node_id &&
         controller->broker_epoch == node_.broker_epoch.load();
}

std::vector<controller::Case> Caretaker::cases_in(const cluster::ClusterImage& image) const {
  std::vector<controller::Case> cases;
  const controller::Circumstances circumstances{.has_waited = node_.home().now() - members_changed_at_ >= kQuiet};
  for (const cluster::TopicPtr& topic : image.topics()) {
    const controller::TopicSettings settings = settings_of(*topic);
    for (std::int32_t index = 0; index < topic->partition_count(); ++index)
      if (controller::needs_care(image, *topic->find_partition(index), settings, circumstances))
        cases.push_back({.place = {topic->id, index}, .circumstances = circumstances});
  }
  return cases;
}

controller::TopicSettings Caretaker::settings_of(const cluster::Topic& topic) const {
  return {.insync_replicas_min = resolve_settings(topic.configs, node_.config())->insync_replicas_min};
}

}  // namespace mq::broker
