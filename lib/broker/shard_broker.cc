#include "broker/shard_broker.h"

#include <algorithm>
#include <set>
#include <span>
#include <utility>

#include "base/mutant.h"
#include "broker/front_door.h"
#include "broker/group_service.h"
#include "controller/membership.h"
#include "log/cut_files.h"

namespace mq::broker {
namespace {

// How many logs one job of the pool opens: other jobs wait meanwhile.
constexpr std::size_t kOpenedTogetherMax = 256;

/// Whether the same brokers take part in replication.
bool are_same_there(const cluster::ClusterImage& a, const cluster::ClusterImage& b) {
  const auto all_as_in = [](const cluster::ClusterImage& one, const cluster::ClusterImage& other) {
    return std::ranges::all_of(one.brokers(), [&](const auto& broker) {
      return controller::is_there(one, broker.first) == controller::is_there(other, broker.first);
    });
  };
  return all_as_in(a, b) && all_as_in(b, a);
}

}  // namespace

ShardBroker::ShardBroker(Node& node, env::Shard& shard, ConnectionSet::Shared shared_by_connections)
    : node_(node),
      shard_(shard),
      context_(node.context(), shard),
      logs_(context_),
      groups_(std::make_unique<GroupService>(
          context_, [this](const Uuid& topic_id, std::int32_t index) { return find(topic_id, index); })),
      cluster_(context_.node.configs, shard),
      services_(node.services(), {.context = context_,
                                  .cluster = cluster_,
                                  .partitions = logs_.table(),
                                  .groups = *groups_,
                                  .connections = connections_}),
      connections_(context_, std::move(shared_by_connections), services_) {}

ShardBroker::~ShardBroker() = default;

void ShardBroker::Connections::start_request(Request request, Responder responder) {
  request_began();
  broker::serve(services_, std::move(request), std::move(responder));
}

void ShardBroker::drop_requests() {
  logs_.drop_waiters();
  groups_.reset();
}

void ShardBroker::install(std::shared_ptr<const cluster::ClusterImage> image) {
  connections_.settings_changed();
  logs_.settings_changed();
  std::vector<Uuid> topics;
  logs_.table().for_each_topic([&](const Uuid& id) { topics.push_back(id); });
  const auto before = cluster_.image();
  logs_.following().install(image);
  for (const cluster::Topic* topic : cluster_.install(std::move(image), topics)) {
    const auto now = cluster_.settings(*topic);
    logs_.table().for_each_of(topic->id, [&](Partition& partition) {
      partition.set_settings(*now);
      tell_image(partition, *topic);
    });
  }
  if (!are_same_there(*before, *cluster_.image()))
    logs_.table().for_each([this](Partition& partition) {
      const cluster::Topic* topic = cluster_.image()->find_topic(partition.topic_id());
      if (topic != nullptr) tell_image(partition, *topic);
    });
  // __consumer_offsets may just have come to be.
  if (started_) groups_->host_partitions(cluster_.image());
}

void ShardBroker::tell_image(Partition& partition, const cluster::Topic& topic) const {
  const cluster::Partition* key = topic.find_partition(partition.name().partition);
  if (key == nullptr) return;  // a growth was taken back
  std::vector<BrokerId> gone;
  for (const BrokerId id : key->replicas)
    if (id != context_.node.config().node_id && !controller::is_there(*cluster_.image(), id)) gone.push_back(id);
  partition.image_changed(*key, gone);
}

Result<ShardBroker::OpenedLog> ShardBroker::open_log(const WantedLog& wanted) {
  const cluster::Topic& topic = *wanted.topic;
  const TopicPartition name{topic.name, wanted.index};
  const cluster::Partition& key = *topic.find_partition(wanted.index);
  log::OpenContext context = node_.log_dir().context_of(name, topic.id, shard_.clock().wall_now());
  // Metadata that has gone back does not know how far the epochs have come.
  context.leader_epoch = node_.accepts_store() ? kNoLeaderEpoch : key.leader_epoch;
  const std::string directory = node_.log_dir().directory_of(name);
  OpenedLog opened;
  auto log = log::Log::open(logs_.files(), directory, name, wanted.settings->log, context, opened.report);
  if (!log) return std::unexpected(log.error());
  for (const std::string& note : opened.report.notes) node_.logger().info("{}: {}", name.to_string(), note);
  for (const log::Damage& damage : opened.report.damage)
    node_.logger().error("{}: offsets {} to {} are damaged on disk and will not be served: {}", name.to_string(),
                         damage.first_offset.value(), damage.end_offset.value(), damage.place);
  if (!opened.report.clean || opened.report.has_cut_files) {
    auto cuts = log::tidy_cut_files(logs_.files(), directory);
    if (!cuts)
      node_.logger().warn("{}: what recovery has cut off earlier is not tidied: {}", name.to_string(),
                          cuts.error().message);
    if (cuts) opened.cuts = *std::move(cuts);
    for (const std::string& note : opened.cuts.removed) node_.logger().info("{}: {}", name.to_string(), note);
  }
  if (node_.accepts_store()) opened.report.end_uncertain = true;
  if (node_.context().is_member()) opened.report.end_uncertain = may_lack_something(**log, opened.report);
  if (opened.report.end_uncertain && (node_.accepts_store() || node_.context().is_member())) {
    MQ_TRY(opened.latest_epoch, (*log)->latest_epoch());
  }
  opened.partition = make_partition(name, topic.id, key, *wanted.settings, std::move(*log));
  return opened;
}

/// Among several replicas it counts whether anything is lost that was acknowledged.
bool ShardBroker::may_lack_something(const log::Log& log, const log::RecoveryReport& report) const {
  if (report.clean) return false;
  const auto slot = node_.log_dir().slot_of(log.topic_id(), PartitionId{log.partition().partition});
  if (!slot) return true;
  const bool is_async = is_mutant("classnow") ? !log.config().flush_on_ack : slot->flush_class == FlushClass::async;
  if (is_async && !is_mutant("asynckept")) return true;
  return !report.damage.empty() || log.log_end() < slot->end;
}

awaitable<Result<std::vector<UncertainLog>>> ShardBroker::open_logs(
    const std::set<std::pair<Uuid, PartitionId>>& not_made) {
  std::vector<WantedLog> wanted;
  const auto image = cluster_.image();
  for (const cluster::TopicPtr& topic : image->topics())
    for (std::int32_t index = 0; index < topic->partition_count(); ++index)
      if (topic->partitions[static_cast<std::size_t>(index)].has_replica(node_.id()) &&
          &node_.owner_of(topic->id, index) == this && find(topic->id, index) == nullptr &&
          !not_made.contains({topic->id, PartitionId{index}}))
        wanted.push_back({topic.get(), index, cluster_.settings(*topic)});

  std::vector<UncertainLog> uncertain;
  env::Pool& pool = node_.machine().disk_pool;
  const bool clean = node_.log_dir().was_clean();
  for (std::span<const WantedLog> rest = wanted; !rest.empty();) {
    const auto some = rest.first(std::min(rest.size(), kOpenedTogetherMax));
    rest = rest.subspan(some.size());
    const auto open = [this, some] {
      std::vector<Result<OpenedLog>> opened;
      for (const WantedLog& log : some) opened.push_back(open_log(log));
      return opened;
    };
    // After a clean stop opening reads nothing and is cheaper than the hop to the pool.
    auto opened = clean ? open() : co_await pool.run(shard_, open);
    for (Result<OpenedLog>& log : opened) {
      if (!log) co_return std::unexpected(std::move(log).error());
      const log::RecoveryReport& report = log->report;
      if (report.end_uncertain)
        uncertain.push_back({.topic_id = log->partition->topic_id(),
                             .partition = log->partition->name().partition,
                             .latest_epoch = log->latest_epoch});
      context_.metrics.gauge(Metric::recovery_checked_bytes).add(static_cast<std::int64_t>(report.bytes_checked));
      context_.metrics.gauge(Metric::recovery_cut_bytes).add(static_cast<std::int64_t>(report.bytes_cut));
      context_.metrics.gauge(Metric::cut_files).add(static_cast<std::int64_t>(log->cuts.files));
      context_.metrics.gauge(Metric::cut_files_bytes).add(static_cast<std::int64_t>(log->cuts.bytes));
      put(std::move(log->partition));
    }
  }
  co_return uncertain;
}

void ShardBroker::start() {
  started_ = true;
  groups_->host_partitions(cluster_.image());
  logs_.start();
}

void ShardBroker::stop_serving() {
  connections_.finish();
  for (env::Timer* timer : services_.parked_fetches()) timer->cancel();
  logs_.stop();
  groups_->stop();
}

awaitable<bool> ShardBroker::end_requests(Instant patience) {
  co_await connections_.end(patience);
  co_return true;
}

awaitable<bool> ShardBroker::end_tasks() {
  context_.peer_log.stop();
  co_await context_.tasks.join();
  co_return true;
}

void ShardBroker::check_invariants() const {
  context_.turn_end.check_invariants();
  logs_.check_invariants();
  connections_.check_invariants();
}

}  // namespace mq::broker
