#include "broker/shard_broker.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "broker/group_service.h"

namespace mq::broker {
namespace {

// How often a shard with connections looks for those that overstay. Without connections nothing ticks.
constexpr Duration kSweepInterval = 5s;

}  // namespace

ShardBroker::ShardBroker(Node& node, env::Shard& shard)
    : node_(node),
      shard_(shard),
      tasks_(shard),
      syncer_(*this),
      groups_(std::make_unique<GroupService>(*this)),
      image_(std::make_shared<const cluster::ClusterImage>()),
      sweep_timer_(shard.make_timer()),
      request_bytes_max_(node.config().queued_request_bytes_max / node.machine().shards.size()) {}

ShardBroker::~ShardBroker() = default;

Partition* ShardBroker::find(const Uuid& topic_id, std::int32_t index) {
  const auto topic = partitions_.find(topic_id);
  if (topic == partitions_.end() || index < 0 || static_cast<std::size_t>(index) >= topic->second.size()) return nullptr;
  return topic->second[static_cast<std::size_t>(index)].get();
}

void ShardBroker::put(std::shared_ptr<Partition> partition) {
  auto& topic = partitions_[partition->topic_id()];
  const auto index = static_cast<std::size_t>(partition->name().partition);
  if (topic.size() <= index) topic.resize(index + 1);
  topic[index] = std::move(partition);
}

std::vector<std::shared_ptr<Partition>> ShardBroker::remove(const Uuid& topic_id) {
  const auto topic = partitions_.find(topic_id);
  if (topic == partitions_.end()) return {};
  auto removed = std::move(topic->second);
  partitions_.erase(topic);
  std::erase(removed, nullptr);
  for (const auto& partition : removed) partition->fail_waiters(ErrorCode::kUnknownTopicOrPartition);
  return removed;
}

void ShardBroker::install(std::shared_ptr<const cluster::ClusterImage> image) { image_ = std::move(image); }

void ShardBroker::adopt(std::unique_ptr<env::Stream> stream, const BoundListener& listener) {
  serve(std::make_shared<Connection>(*this, std::move(stream), listener));
}

void ShardBroker::serve(std::shared_ptr<Connection> connection) {
  connections_.push_back(connection);
  tasks_.spawn(run_connection(std::move(connection)));
  if (!sweeping_) {
    sweeping_ = true;
    tasks_.spawn(sweep_connections());
  }
}

awaitable<void> ShardBroker::run_connection(std::shared_ptr<Connection> connection) {
  if (node_.is_stopping()) connection->close();
  co_await connection->run();
  std::erase(connections_, connection);
  if (connections_.empty()) sweep_timer_->cancel();
  if (ShardBroker* target = connection->move_target(); target != nullptr && !connection->is_closing()) {
    connection->move_to(*target);
    target->shard().post([target, connection = std::move(connection)]() mutable { target->serve(std::move(connection)); });
  } else {
    node_.release_connection();
  }
}

awaitable<void> ShardBroker::sweep_connections() {
  while (!connections_.empty()) {
    if (!co_await sweep_timer_->wait_until(shard_.now() + kSweepInterval)) continue;
    const Instant now = shard_.now();
    for (const auto& connection : connections_)
      if (const char* why = connection->overdue(now)) connection->close_because(why);
  }
  sweeping_ = false;
}

void ShardBroker::close_connections() {
  for (const auto& connection : connections_) connection->close();
  for (env::Timer* timer : parked_fetches_) timer->cancel();
}

void ShardBroker::remove_request_bytes(std::size_t bytes) {
  MQ_ASSERT(bytes <= request_bytes_);
  const bool was_full = !may_take_requests();
  request_bytes_ -= bytes;
  if (was_full && may_take_requests())
    for (const auto& connection : connections_) connection->resume();
}

std::int32_t ShardBroker::new_session_id() {
  // Any positive number that this connection does not use; unguessable only so that bugs show.
  return static_cast<std::int32_t>(node_.machine().random.below(0x7fffffff) + 1);
}

}  // namespace mq::broker
