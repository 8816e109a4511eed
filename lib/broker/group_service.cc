#include "broker/group_service.h"

#include <fmt/format.h>

#include <set>
#include <utility>

#include "base/mark.h"
#include "broker/partition.h"
#include "broker/shard_context.h"
#include "cluster/image.h"
#include "env/random.h"

namespace mq::broker {
namespace {

group::Settings settings_of(const NodeConfig& config) {
  return {.session_timeout_min = config.group_session_timeout_min,
          .session_timeout_max = config.group_session_timeout_max,
          .initial_rebalance_delay = config.group_initial_rebalance_delay,
          .members_max = static_cast<std::size_t>(config.group_members_max),
          .offset_metadata_chars_max = static_cast<std::size_t>(config.offset_metadata_chars_max),
          .offsets_retention = config.offsets_retention,
          .offsets_check_interval = config.offsets_retention_check_interval};
}

std::string new_member_suffix(env::Random& random) {
  Uuid id;
  random.fill(id.bytes);
  const auto& b = id.bytes;
  return fmt::format(
      "{:02x}{:02x}{:02x}{:02x}-{:02x}{:02x}-{:02x}{:02x}-{:02x}{:02x}-{:02x}{:02x}{:02x}{:02x}{:02x}{:02x}", b[0],
      b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

}  // namespace

GroupService::GroupService(ShardContext& shard, FindPartition find_partition)
    : shard_(shard), find_partition_(std::move(find_partition)) {
  nobody_ = std::make_unique<group::Coordinator>(group::Settings{}, [] { return std::string(); });
  (void)nobody_->unload();
}

GroupService::~GroupService() = default;

const NodeConfig& GroupService::config() const { return shard_.node.config(); }

std::size_t GroupService::shards() const { return shard_.node.machine.shards.size(); }

std::unique_ptr<group::Coordinator> GroupService::make_coordinator(std::shared_ptr<const Partition> partition) {
  return std::make_unique<group::Coordinator>(
      settings_of(config()), [&random = shard_.node.machine.random] { return new_member_suffix(random); },
      group::Room{
          .for_group = [this] { return has_room_for_group(); },
          .for_bytes = [this](std::size_t more) { return has_room_for_bytes(more); },
          .batch_bytes = [partition = std::move(partition)] { return partition->log().config().batch_bytes_max; }},
      [this](const Uuid& topic) { return deleted_.contains(topic); });
}

std::shared_ptr<GroupService::Host> GroupService::make_host(std::shared_ptr<Partition> partition) {
  auto make = [this, partition] { return make_coordinator(partition); };
  auto what_changed = [this](const group::Coordinator& loaded) { return deletions_missed_by(loaded); };
  return std::make_shared<Host>(partition, "groups", std::move(make), std::move(what_changed));
}

statelog::ImageChange GroupService::deletions_missed_by(const group::Coordinator& loaded) const {
  // Metadata that has gone back does not know all topics that there are.
  if (config().accept_store) return {};
  std::set<Uuid> gone;
  std::set<std::string> gone_names;
  loaded.for_each_group([&](const group::Group& group) {
    for (const auto& [partition, offset] : group.offsets().committed()) {
      // One that is there and cannot be read is not gone.
      if (offset.is_of_deleted_topic || image_->is_withheld(partition.topic)) continue;
      const bool has_id = !offset.topic_id.is_zero();
      const auto* topic = has_id ? image_->find_topic(offset.topic_id) : image_->find_topic(partition.topic);
      if (topic != nullptr) continue;
      if (has_id) gone.insert(offset.topic_id);
      if (!has_id) gone_names.insert(partition.topic);
    }
  });
  statelog::ImageChange missed;
  for (const Uuid& id : gone) missed.topics_deleted.push_back({.id = id, .name = {}});
  for (const std::string& name : gone_names) missed.topics_deleted.push_back({.id = {}, .name = name});
  return missed;
}

bool GroupService::has_room_for_group() const {
  const std::size_t most = config().groups_max / shards();
  const std::size_t groups = sum([](const group::Coordinator& coordinator) { return coordinator.group_count(); });
  if (groups < most) return true;
  shard_.peer_log.warn(
      "a new consumer group is refused: this shard has {} of them; those that nobody uses go after "
      "offsets.retention.minutes",
      groups);
  return false;
}

bool GroupService::has_room_for_bytes(std::size_t more) const {
  const std::size_t most = config().group_bytes_max / shards();
  const std::size_t bytes = sum([](const group::Coordinator& coordinator) { return coordinator.bytes(); });
  if (bytes + more <= most) return true;
  shard_.peer_log.warn(
      "consumer groups get no more memory: those of this shard have {} bytes of its {}; what is there goes on. Delete "
      "groups that nobody uses, or raise mq.group.memory.bytes",
      bytes, most);
  return false;
}

void GroupService::host_partitions(std::shared_ptr<const cluster::ClusterImage> image) {
  image_ = std::move(image);
  const cluster::Topic* topic = image_->find_topic(kOffsetsTopic);
  if (topic == nullptr || stopped_) return;
  for (std::int32_t index = 0; index < topic->partition_count(); ++index) {
    Partition* partition = find_partition_(topic->id, index);
    const auto found = hosts_.find(index);
    const bool leads = partition != nullptr && partition->is_leader();
    if (found != hosts_.end()) {
      if (leads && may_go_on(*found->second, *partition)) {
        found->second->lead_in(partition->leader_epoch());
        continue;
      }
      MQ_MARK("broker: another leads a partition of groups now");
      found->second->step_down();
      hosts_.erase(found);
    }
    if (!leads) continue;
    const std::shared_ptr<Host> host = make_host(partition->shared_from_this());
    hosts_.emplace(index, host);
    host->start();
  }
}

/// Between two epochs that follow one another nobody else has led.
bool GroupService::may_go_on(const Host& host, const Partition& partition) const {
  if (!shard_.node.is_member()) return true;
  return partition.leader_epoch().value() - host.epoch().value() <= 1;
}

void GroupService::stop() {
  stopped_ = true;
  for (const auto& [index, host] : hosts_) host->step_down();
}

void GroupService::topics_deleted(std::span<const cluster::TopicPtr> topics) {
  statelog::ImageChange change;
  for (const cluster::TopicPtr& topic : topics) {
    deleted_.insert(topic->id);
    change.topics_deleted.push_back({.id = topic->id, .name = topic->name});
  }
  for (const auto& [index, host] : hosts_) host->image_changed(change);
}

void GroupService::topics_are_gone(std::span<const cluster::TopicPtr> topics) {
  for (const cluster::TopicPtr& topic : topics) deleted_.erase(topic->id);
}

void GroupService::ask(std::int32_t offsets_partition, Host::Ask ask, Host::Told told) {
  if (Host* host = find_host(offsets_partition)) return host->ask(std::move(ask), std::move(told));
  auto effects = ask(*nobody_, group::RequestToken{1}, group::Time{});
  told(std::move(effects.answers.at(0).response));
}

void GroupService::after_commits(std::int32_t offsets_partition, std::string_view group_id,
                                 std::move_only_function<void()> done) {
  Host* host = find_host(offsets_partition);
  if (host == nullptr || !host->machine().has_commits_in_progress(group_id)) return done();
  MQ_MARK("broker: who asks for offsets waits for commits on their way");
  host->after_appends(std::move(done));
}

const group::Coordinator& GroupService::find(std::int32_t offsets_partition) const {
  const Host* host = find_host(offsets_partition);
  return host == nullptr ? *nobody_ : host->machine();
}

GroupService::Host* GroupService::find_host(std::int32_t offsets_partition) const {
  const auto found = hosts_.find(offsets_partition);
  return found == hosts_.end() || may_be_replaced(offsets_partition) ? nullptr : found->second.get();
}

bool GroupService::may_be_replaced(std::int32_t offsets_partition) const {
  if (!shard_.node.store_contact.is_silent()) return false;
  const cluster::Topic* topic = image_ ? image_->find_topic(kOffsetsTopic) : nullptr;
  const Partition* partition = topic ? find_partition_(topic->id, offsets_partition) : nullptr;
  if (partition == nullptr || !partition->may_be_replaced()) return false;
  MQ_MARK("broker: a coordinator that may be replaced answers nobody");
  return true;
}

void GroupService::refresh_metrics() {
  std::map<group::State, std::int64_t> groups;
  std::int64_t members = 0;
  std::uint64_t rebalances = 0;
  for_each([&](const group::Coordinator& coordinator) {
    rebalances += coordinator.rebalance_count();
    coordinator.for_each_group([&](const group::Group& group) {
      ++groups[group.classic().state()];
      members += static_cast<std::int64_t>(group.classic().members().size());
    });
  });
  for (const group::State state : {group::State::kEmpty, group::State::kPreparingRebalance,
                                   group::State::kCompletingRebalance, group::State::kStable})
    shard_.metrics.gauge(Metric::groups, static_cast<std::size_t>(state)).set(groups[state]);
  shard_.metrics.gauge(Metric::group_members).set(members);
  const std::size_t bytes = sum([](const group::Coordinator& coordinator) { return coordinator.bytes(); });
  shard_.metrics.gauge(Metric::group_memory_bytes).set(static_cast<std::int64_t>(bytes));
  shard_.metrics.counter(Metric::group_rebalances).raise_to(rebalances);
}

}  // namespace mq::broker
