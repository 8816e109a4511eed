#include "broker/caretaker.h"

#include <algorithm>
#include <utility>

#include "base/mark.h"
#include "base/mutant.h"
#include "broker/settings.h"
#include "controller/cluster_plans.h"
#include "controller/placement.h"
#include "controller/reassignment_plans.h"

namespace mq::broker {
namespace {

using cluster::ClusterImage;

/// Time alone gives something to do, at most so often.
constexpr Duration kLookInterval = 2s;
/// So many partitions at most are copied to new replicas because of what nobody has asked for.
constexpr std::size_t kMovingMax = 100;
/// The first replica leads again when it could for so long: who comes and goes is left alone. So many at one time.
constexpr Duration kPreferredPatience = 1min;
constexpr std::size_t kPreferredMax = 100;
/// Candidates have so long to say how far their logs go. Nobody leads meanwhile.
constexpr Duration kAnswerPatience = 50ms;

}  // namespace

awaitable<void> Caretaker::look_after_cluster() {
  if (!node_.is_member()) co_return;
  if (!writer_.image()->controller()) co_await take_lease();
  const ImagePtr image = writer_.image();
  peers_.look(*image);
  if (!holds_lease(*image)) {
    lease_.reset();
    not_preferred_since_.clear();
    co_return;
  }
  const Instant now = node_.home().now();
  const bool is_new = lease_ != image->controller()->revision;
  if (is_new) node_.logger().info("this broker is the controller now");
  lease_ = image->controller()->revision;
  if (is_new || trusts_absence_at_ == Instant::never()) {
    trusts_absence_at_ = now + node_.config().session_timeout;
    seen_ = cluster::kNoRevision;
  }
  if (!image->is_ready(self()) && !is_another_ready(*image, Among::all)) co_return;
  if (!image->is_ready(self()) || yields(*image)) co_return co_await let_lease_go();
  if (const auto until = history_.due(now, image->revision())) co_await forget_changes(*until);
  note_members(*image);
  const bool trusts_anew = looked_at_ < trusts_absence_at_ && trusts_absence_at_ <= now;
  if (seen_ == image->revision() && !trusts_anew && now - looked_at_ < kLookInterval) co_return;
  looked_at_ = now;
  std::vector<controller::Case> cases = cases_in(*image);
  std::vector<controller::Plan> plans;
  if (cases.empty()) {
    plans = improvements_of(*image);
  } else {
    MQ_MARK("broker: the controller looks after partitions");
    co_await ask_candidates(*image, cases);
    plans.push_back(controller::plan_care(*image, *lease_, cases, plan_settings(node_.config())));
  }
  if (plans.empty()) {
    seen_ = image->revision();
    co_return;
  }
  // What conflicts comes again with the next look.
  for (controller::Plan& plan : plans) (void)co_await writer_.commit(std::move(plan));
  co_await writer_.install();
}

awaitable<void> Caretaker::forget_changes(cluster::Revision until) {
  const Result<void> forgotten = co_await writer_.store().forget_changes(until);
  if (forgotten) co_return;
  node_.logger().warn(
      "the metadata store does not forget what was changed before revision {}: {}; where this goes on it "
      "fills up, so let it compact by itself (etcd: --auto-compaction-retention)",
      until.value(), forgotten.error().message);
}

awaitable<void> Caretaker::take_lease() {
  const ImagePtr before = writer_.image();
  if (!before->is_ready(self()) || yields(*before)) co_return;
  Uuid acquisition;
  node_.machine.random.fill(acquisition.bytes);
  // Where another one was faster the image says so.
  (void)co_await writer_.change([&](const ClusterImage& image) -> Result<controller::Plan> {
    return controller::plan_controller(image, self(), acquisition);
  });
  co_await writer_.install();
}

awaitable<void> Caretaker::let_lease_go() {
  MQ_MARK("broker: a controller lets its lease go");
  (void)co_await writer_.commit(controller::plan_abdication(*lease_));
  co_await writer_.install();
}

bool Caretaker::is_another_ready(const ClusterImage& image, Among among) const {
  return std::ranges::any_of(image.brokers(), [&](const auto& entry) {
    const bool counts = among == Among::all || !image.is_drained(entry.first);
    return entry.first != self() && counts && image.is_ready(entry.first);
  });
}

bool Caretaker::yields(const ClusterImage& image) const {
  // Never to one that is drained: that one yields, too, and nobody would be the controller.
  const bool is_able = !peers_.is_ill() && !image.is_drained(self());
  if (is_able || !is_another_ready(image, Among::undrained)) return false;
  if (image.is_drained(self())) MQ_MARK("broker: a drained broker leaves the controller's part to another");
  return true;
}

bool Caretaker::holds_lease(const ClusterImage& image) const {
  const auto& controller = image.controller();
  return controller && controller->broker == self() && controller->broker_epoch == node_.broker_epoch.load();
}

void Caretaker::note_members(const ClusterImage& image) {
  Members members;
  for (const auto& [id, broker] : image.brokers()) members[id] = {broker.epoch, image.is_ready(id)};
  if (members == members_) return;
  members_ = std::move(members);
  members_changed_at_ = node_.home().now();
}

controller::Circumstances Caretaker::circumstances_in(const ClusterImage& image) const {
  const Instant now = node_.home().now();
  controller::Circumstances circumstances{
      .answers = {}, .has_waited = now - members_changed_at_ >= node_.config().session_timeout, .spared = {}};
  if (now < trusts_absence_at_)
    for (const auto& [id, broker] : image.brokers())
      if (!image.sessions().contains(id) && !peers_.is_gone(id, broker.epoch)) circumstances.spared.push_back(id);
  return circumstances;
}

std::vector<controller::Case> Caretaker::cases_in(const ClusterImage& image) const {
  const controller::Circumstances circumstances = circumstances_in(image);
  const controller::SettingsOf settings_of = plan_settings(node_.config());
  std::vector<controller::Case> cases;
  for (const cluster::TopicPtr& topic : image.topics()) {
    const controller::TopicSettings settings = settings_of(*topic);
    for (std::int32_t index = 0; index < topic->partition_count(); ++index)
      if (controller::needs_care(image, *topic->find_partition(index), settings, circumstances))
        cases.push_back({.place = {topic->id, index}, .circumstances = circumstances});
  }
  return cases;
}

awaitable<void> Caretaker::ask_candidates(const ClusterImage& image, std::vector<controller::Case>& cases) {
  const controller::SettingsOf settings_of = plan_settings(node_.config());
  std::map<BrokerId, PeerWatch::Question> questions;
  for (const controller::Case& one : cases) {
    const cluster::Topic& topic = *image.find_topic(one.place.topic);
    const controller::Candidacy candidacy =
        controller::candidacy_of(image, *topic.find_partition(one.place.index), settings_of(topic), one.circumstances);
    if (!candidacy.is_due || candidacy.candidates.size() < 2) continue;
    for (const BrokerId candidate : candidacy.candidates) questions[candidate].push_back(one.place);
  }
  if (questions.empty() || is_mutant("asknobody")) co_return;
  MQ_MARK("broker: candidates are asked for their logs");
  const auto answers = co_await peers_.ask_for_log_ends(std::move(questions), kAnswerPatience);
  std::map<cluster::PartitionPlace, controller::Case*> by_place;
  for (controller::Case& one : cases) by_place.emplace(one.place, &one);
  for (const auto& [place, end] : answers)
    if (const auto found = by_place.find(place); found != by_place.end())
      found->second->circumstances.answers.push_back(end);
}

std::vector<controller::Case> Caretaker::not_preferred_in(const ClusterImage& image) {
  const Instant now = node_.home().now();
  controller::Circumstances circumstances = circumstances_in(image);
  circumstances.is_preferred_wanted = true;
  const controller::SettingsOf settings_of = plan_settings(node_.config());
  decltype(not_preferred_since_) since;
  std::vector<controller::Case> due;
  for (const cluster::TopicPtr& topic : image.topics()) {
    for (std::int32_t index = 0; index < topic->partition_count(); ++index) {
      const cluster::Partition& partition = *topic->find_partition(index);
      const bool is_moving = !partition.adding.empty() || !partition.removing.empty();
      if (partition.leader == kNoBroker || partition.leader == partition.replicas.front() || is_moving) continue;
      if (!controller::needs_care(image, partition, settings_of(*topic), circumstances)) continue;
      const cluster::PartitionPlace place{.topic = topic->id, .index = index};
      const auto known = not_preferred_since_.find(place);
      since[place] = known != not_preferred_since_.end() ? known->second : now;
      if (now - since[place] >= kPreferredPatience && due.size() < kPreferredMax)
        due.push_back({.place = place, .circumstances = circumstances});
    }
  }
  not_preferred_since_ = std::move(since);
  return due;
}

std::vector<controller::Plan> Caretaker::improvements_of(const ClusterImage& image) {
  const NodeConfig& config = node_.config();
  const auto factor = std::min(static_cast<std::size_t>(config.replicas_default), controller::ready_count(image));
  const controller::SettingsOf settings_of = plan_settings(config);
  std::vector<cluster::PartitionPlace> ready;
  std::size_t moving = 0;
  bool is_short = false;
  for (const cluster::TopicPtr& topic : image.topics()) {
    const controller::TopicSettings settings = settings_of(*topic);
    for (std::int32_t index = 0; index < topic->partition_count(); ++index) {
      const cluster::Partition& partition = *topic->find_partition(index);
      is_short = is_short || (topic->has_default_factor && partition.replicas.size() < factor);
      if (partition.adding.empty() && partition.removing.empty()) continue;
      ++moving;
      if (controller::can_finish(image, partition, settings)) ready.push_back({.topic = topic->id, .index = index});
    }
  }
  std::vector<controller::Plan> plans;
  if (!ready.empty()) {
    MQ_MARK("broker: the controller ends a reassignment");
    plans.push_back(controller::plan_finished(image, *lease_, ready, settings_of));
  }
  if (is_short && moving < kMovingMax) {
    controller::Plan growth = controller::plan_factor_growth(image, *lease_, factor, kMovingMax - moving);
    if (!growth.empty()) {
      MQ_MARK("broker: the controller gives topics more replicas");
      plans.push_back(std::move(growth));
    }
  }
  if (!config.preferred_leaders) return plans;
  if (const std::vector<controller::Case> cases = not_preferred_in(image); !cases.empty()) {
    MQ_MARK("broker: the controller has preferred replicas lead again");
    plans.push_back(controller::plan_care(image, *lease_, cases, settings_of));
  }
  return plans;
}

}  // namespace mq::broker
