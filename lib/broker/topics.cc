#include "broker/topics.h"

#include <algorithm>
#include <utility>

#include "base/mark.h"
#include "broker/errors.h"
#include "broker/settings.h"
#include "controller/isr_plans.h"

namespace mq::broker {
namespace {

TopicOutcome refuse(std::string name, const Error& error) {
  return {.name = std::move(name), .error = to_wire(error), .message = error.message, .topic = nullptr};
}

/// Those of this broker from `first_partition` on.
WantedLogs logs_of(const cluster::TopicPtr& topic, std::int32_t first_partition, BrokerId self) {
  WantedLogs wanted{.topic = topic, .logs = {}};
  for (std::int32_t index = first_partition; index < topic->partition_count(); ++index)
    if (topic->find_partition(index)->has_replica(self)) wanted.logs.push_back({.partition = index});
  return wanted;
}

}  // namespace

Topics::Topics(NodeContext& node, AllShards& shards, MetadataWriter& writer, LogKeeper& logs)
    : node_(node), shards_(shards), writer_(writer), logs_(logs), tasks_(node.home()) {}

controller::Rules Topics::rules() const {
  const NodeConfig& config = node_.config();
  return {.self = config.node_id,
          .is_member = node_.is_member(),
          .partitions_default = config.partitions_default,
          .replicas_default = config.replicas_default,
          .partitions_total_max = config.partitions_total_max,
          .delete_topics = config.delete_topics,
          .topic_defaults = config.topic_defaults,
          .offsets_partitions = config.offsets_partitions,
          .offsets_replicas_default = config.offsets_replicas_default,
          .offsets_segment_bytes = config.offsets_segment_bytes};
}

std::function<Uuid()> Topics::new_id() const {
  return [this] {
    Uuid id;
    node_.machine.random.fill(id.bytes);
    return id;
  };
}

template <class Make>
awaitable<TopicOutcome> Topics::carry_out(Make make, Room room) {
  for (int tries = 1;; ++tries) {
    controller::TopicPlan planned = make(*writer_.image());
    if (planned.plan.empty()) co_return std::move(planned.outcome);
    const bool is_in_steps = planned.plan.guard.has_value();
    auto done = co_await writer_.commit(std::move(planned.plan), room);
    if (!done && MetadataWriter::may_try_again(done.error(), tries)) continue;
    if (!done && is_in_steps) co_await give_up(planned.outcome.topic->id);
    if (!done) co_return refuse(std::move(planned.outcome.name), done.error());
    co_return std::move(planned.outcome);
  }
}

// --- Creation --------------------------------------------------------------------------------------------------------

awaitable<void> Topics::see_newest_for(const std::vector<NewTopic>& topics) {
  if (!node_.is_member() || node_.store_contact.is_lost()) co_return;
  const auto planned = controller::plan_creation(*writer_.image(), topics, rules(), new_id()).outcomes;
  const bool is_any_refused =
      std::ranges::any_of(planned, [](const TopicOutcome& outcome) { return outcome.error != ErrorCode::kNone; });
  if (is_any_refused) (void)co_await writer_.follow_others();
}

awaitable<std::vector<TopicOutcome>> Topics::create(std::vector<NewTopic> topics, bool validate_only) {
  const auto held = co_await writer_.lock_topics();
  co_await see_newest_for(topics);
  if (validate_only) co_return controller::plan_creation(*writer_.image(), topics, rules(), new_id()).outcomes;
  if (const auto room = node_.disk_space.check_room(); !room) {
    auto outcomes = controller::plan_creation(*writer_.image(), topics, rules(), new_id()).outcomes;
    for (TopicOutcome& outcome : outcomes)
      if (outcome.error == ErrorCode::kNone) outcome = refuse(std::move(outcome.name), room.error());
    co_return outcomes;
  }
  auto outcomes = co_await commit_new(std::move(topics));
  std::vector<cluster::TopicPtr> made;
  for (TopicOutcome& outcome : outcomes) {
    if (outcome.error != ErrorCode::kNone) continue;
    outcome.topic = writer_.image()->share_topic(outcome.topic->id);
    made.push_back(outcome.topic);
  }
  if (made.empty()) co_return outcomes;
  const auto logs = co_await make_logs(std::move(made), 0);
  auto next = logs.begin();
  for (TopicOutcome& outcome : outcomes) {
    if (outcome.error != ErrorCode::kNone) continue;
    if (const Result<void>& done = *next++; !done) outcome = refuse(std::move(outcome.name), done.error());
  }
  co_return outcomes;
}

awaitable<std::vector<TopicOutcome>> Topics::commit_new(std::vector<NewTopic> wanted) {
  std::vector<TopicOutcome> outcomes(wanted.size());
  std::vector<std::size_t> left(wanted.size());
  for (std::size_t i = 0; i < left.size(); ++i) left[i] = i;
  for (int tries = 1; !left.empty(); ++tries) {
    std::vector<NewTopic> asked;
    for (const std::size_t i : left) asked.push_back(wanted[i]);
    controller::CreationPlan creation = controller::plan_creation(*writer_.image(), asked, rules(), new_id());
    std::vector<std::size_t> again;
    for (controller::CreationPlan::Part& part : creation.parts) {
      const bool is_in_steps = part.plan.guard.has_value();
      const auto done = co_await writer_.commit(std::move(part.plan));
      if (!done && is_in_steps) co_await give_up(creation.outcomes[part.outcomes.front()].topic->id);
      const bool was_too_old = !done && MetadataWriter::may_try_again(done.error(), tries);
      for (const std::size_t i : part.outcomes) {
        if (was_too_old) again.push_back(left[i]);
        if (!done) creation.outcomes[i] = refuse(std::move(creation.outcomes[i].name), done.error());
      }
    }
    for (std::size_t i = 0; i < left.size(); ++i) outcomes[left[i]] = std::move(creation.outcomes[i]);
    std::ranges::sort(again);
    left = std::move(again);
  }
  co_return outcomes;
}

awaitable<void> Topics::give_up(Uuid topic) {
  const auto done = co_await writer_.change(
      [topic](const cluster::ClusterImage& image) -> Result<controller::Plan> {
        return controller::plan_sweep(image, std::span(&topic, 1));
      },
      Room::may_spend_reserve);
  if (!done && !node_.life.is_stopping())
    node_.logger().warn(
        "what metadata has of a topic that could not be made is left there: {}; the next start erases it",
        done.error().message);
}

awaitable<std::vector<Result<void>>> Topics::make_logs(std::vector<cluster::TopicPtr> topics,
                                                       std::int32_t first_partition) {
  std::vector<WantedLogs> wanted;
  for (const cluster::TopicPtr& topic : topics)
    wanted.push_back(logs_of(topic, first_partition, node_.config().node_id));
  auto outcomes = co_await logs_.make(std::move(wanted), writer_.image());
  for (std::size_t i = 0; i < topics.size(); ++i) {
    // A disk that failed takes nothing more; the next start makes the logs.
    if (outcomes[i] || outcomes[i].error().code == Errc::disk_failed) continue;
    if (node_.is_member()) {
      // Others have their logs of it by now: ours follow.
      MQ_MARK("broker: a topic is made though this broker cannot make its logs now");
      node_.logger().warn("the logs of {} cannot be made here: {}; it is tried again", topics[i]->name,
                          outcomes[i].error().message);
      writer_.note_changed(topics[i]->id);
      outcomes[i] = {};
      continue;
    }
    MQ_MARK("broker: a topic whose logs cannot be made is taken back");
    const auto undone = co_await withdraw(topics[i]->id, first_partition);
    if (undone)
      node_.logger().warn("{} could not be made and was taken out of metadata again: {}", topics[i]->name,
                          outcomes[i].error().message);
    if (undone) continue;
    MQ_MARK("broker: a topic without logs cannot be taken back");
    node_.logger().warn(
        "{} could not be made: {}; nor could it be taken out of metadata: {}. Its logs are made as soon as they can be",
        topics[i]->name, outcomes[i].error().message, undone.error().message);
    writer_.note_changed(topics[i]->id);
  }
  co_await writer_.install();
  co_return outcomes;
}

awaitable<Result<void>> Topics::withdraw(Uuid topic, std::int32_t first_partition) {
  co_return co_await writer_.change(
      [topic, first_partition](const cluster::ClusterImage& image) -> Result<controller::Plan> {
        return controller::plan_withdrawal(image, topic, first_partition);
      },
      Room::may_spend_reserve);
}

awaitable<std::vector<TopicOutcome>> Topics::create_on_demand(std::vector<std::string> names) {
  std::vector<NewTopic> wanted;
  for (std::string& name : names) wanted.push_back({.name = std::move(name)});
  auto outcomes = co_await create(std::move(wanted), false);
  // Somebody else's creation was as good as ours.
  for (TopicOutcome& outcome : outcomes)
    if (outcome.error == ErrorCode::kTopicAlreadyExists) outcome.error = ErrorCode::kNone;
  co_return outcomes;
}

awaitable<TopicOutcome> Topics::add_partitions(std::string name, std::int32_t count, Assigned assigned,
                                               bool validate_only) {
  const auto held = co_await writer_.lock_topics();
  const auto plan = [&](const cluster::ClusterImage& image) {
    return controller::plan_growth(image, name, count, assigned, rules());
  };
  controller::TopicPlan planned = plan(*writer_.image());
  if (validate_only || planned.outcome.error != ErrorCode::kNone) co_return std::move(planned.outcome);
  if (const auto room = node_.disk_space.check_room(); !room) co_return refuse(std::move(name), room.error());
  const std::int32_t before = writer_.image()->find_topic(std::string_view(name))->partition_count();
  TopicOutcome outcome = co_await carry_out(plan, Room::as_anybody);
  if (outcome.error != ErrorCode::kNone) co_return outcome;
  outcome.topic = writer_.image()->share_topic(outcome.topic->id);
  std::vector<cluster::TopicPtr> grown{outcome.topic};
  const auto logs = co_await make_logs(std::move(grown), before);
  if (!logs.front()) co_return refuse(std::move(name), logs.front().error());
  co_return outcome;
}

// --- Deletion --------------------------------------------------------------------------------------------------------

awaitable<TopicOutcome> Topics::remove(std::string name, Uuid id) {
  const auto held = co_await writer_.lock_topics();
  const auto plan = [&](const cluster::ClusterImage& image) {
    return controller::plan_deletion(image, name, id, rules());
  };
  const cluster::TopicPtr before = writer_.image()->share_topic(std::string_view(name));
  TopicOutcome outcome = co_await carry_out(plan, Room::may_spend_reserve);
  // The first of its transactions decides, and what is left of the topic goes with the tombstone.
  if (outcome.error != ErrorCode::kNone && before && writer_.image()->tombstones().contains(before->id))
    outcome = {.name = name, .error = ErrorCode::kNone, .message = {}, .topic = before};
  if (outcome.error != ErrorCode::kNone) co_return outcome;
  co_await writer_.install();
  co_await was_removed(outcome.topic);
  co_return outcome;
}

awaitable<void> Topics::was_removed(cluster::TopicPtr topic) {
  auto removal = co_await logs_.begin_removal(topic);
  tasks_.spawn(finish_removal(topic, std::move(removal)));
}

awaitable<void> Topics::was_moved_away(cluster::TopicPtr topic, std::vector<std::int32_t> partitions) {
  MQ_MARK("broker: the log of a partition that was moved away goes");
  tasks_.spawn(remove_files(co_await logs_.begin_removal(topic, std::move(partitions))));
}

awaitable<void> Topics::was_disowned(cluster::TopicPtr topic, std::vector<std::int32_t> partitions) {
  MQ_MARK("broker: logs that an accepted store does not know are set aside");
  co_await logs_.set_aside(topic, std::move(partitions));
}

awaitable<void> Topics::remove_files(LogKeeper::Removal removal) {
  (void)co_await logs_.finish_removal(std::move(removal));
}

awaitable<void> Topics::finish_removal(cluster::TopicPtr topic, LogKeeper::Removal removal) {
  const bool are_files_gone = co_await logs_.finish_removal(std::move(removal));
  if (!are_files_gone || node_.life.is_stopping()) co_return;
  std::vector<Uuid> deleted{topic->id};
  if (auto done = co_await forget(std::move(deleted)); !done && !node_.life.is_stopping())
    node_.logger().warn("what metadata has of the deleted {} could not be erased: {}; the next start tries again",
                        topic->name, done.error().message);
}

awaitable<Result<void>> Topics::forget(std::vector<Uuid> deleted) {
  const auto held = co_await writer_.lock_topics();
  const auto done = co_await writer_.change(
      [&](const cluster::ClusterImage& image) -> Result<controller::Plan> {
        return controller::plan_acknowledgement(image, deleted, node_.config().node_id);
      },
      Room::may_spend_reserve);
  co_await writer_.install();
  co_return done;
}

// --- Other changes ---------------------------------------------------------------------------------------------------

awaitable<TopicOutcome> Topics::change_config(std::string name, ConfigChange change, bool validate_only) {
  const auto held = co_await writer_.lock_topics();
  const auto plan = [&](const cluster::ClusterImage& image) {
    return controller::plan_topic_configs(image, name, change, rules());
  };
  if (validate_only) co_return plan(*writer_.image()).outcome;
  TopicOutcome outcome = co_await carry_out(plan, Room::may_spend_reserve);
  if (outcome.error != ErrorCode::kNone) co_return outcome;
  co_await writer_.install();
  node_.disk_space.look_for_space();
  co_return outcome;
}

awaitable<Result<void>> Topics::raise_epochs(std::vector<UncertainLog> logs) {
  const auto held = co_await writer_.lock_topics();
  const controller::SettingsOf settings_of = plan_settings(node_.config());
  const auto done = co_await writer_.change([&](const cluster::ClusterImage& image) -> Result<controller::Plan> {
    // Among several replicas others may have what is lost here: they lead.
    if (node_.is_member()) return controller::plan_stepping_out(image, node_.config().node_id, logs, settings_of);
    return controller::plan_raised_epochs(image, logs);
  });
  co_await writer_.install();
  co_return done;
}

awaitable<Result<void>> Topics::sweep() {
  const auto held = co_await writer_.lock_topics();
  const auto done = co_await writer_.change(
      [self = node_.config().node_id](const cluster::ClusterImage& image) -> Result<controller::Plan> {
        std::vector<Uuid> ours = controller::abandoned_creations(image);
        for (const auto& [id, creation] : image.creations())
          if (creation.maker == self) ours.push_back(id);
        return controller::plan_sweep(image, ours);
      },
      Room::may_spend_reserve);
  co_await writer_.install();
  co_return done;
}

awaitable<Result<std::vector<Differences::Missing>>> Topics::make_missing(std::vector<Differences::Missing> missing) {
  const auto held = co_await writer_.lock_topics();
  co_return co_await logs_.make_missing(std::move(missing), writer_.image());
}

awaitable<bool> Topics::stop() {
  co_await tasks_.join();
  co_return true;
}

}  // namespace mq::broker
