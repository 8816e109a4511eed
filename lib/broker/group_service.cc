#include "broker/group_service.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "broker/errors.h"
#include "broker/group_load.h"
#include "broker/partition.h"
#include "broker/shard_broker.h"
#include "record/batch_builder.h"

namespace mq::broker {
namespace {

// How long a load that failed rests: longer each time, since the disk is not likely to get well.
constexpr Duration kLoadPauseMin = 1s;
constexpr Duration kLoadPauseMax = 1min;

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

GroupService::GroupService(ShardBroker& shard) : shard_(shard) {}
GroupService::~GroupService() = default;

std::unique_ptr<group::Coordinator> GroupService::make_coordinator(std::shared_ptr<const Partition> partition) {
  return std::make_unique<group::Coordinator>(
      settings_of(shard_.node().config()),
      [&random = shard_.node().machine().random] { return new_member_suffix(random); },
      group::Room{
          .for_group = [this] { return has_room_for_group(); },
          .for_bytes = [this](std::size_t more) { return has_room_for_bytes(more); },
          .batch_bytes = [partition = std::move(partition)] { return partition->log().config().batch_bytes_max; }});
}

group::Time GroupService::time() const {
  return {.now = shard_.shard().now(), .wall = shard_.shard().clock().wall_now()};
}

bool GroupService::has_room_for_group() const {
  const std::size_t most = shard_.node().config().groups_max / shard_.node().machine().shards.size();
  const std::size_t groups = sum([](const group::Coordinator& coordinator) { return coordinator.group_count(); });
  if (groups < most) return true;
  shard_.peer_log().warn(
      "a new consumer group is refused: this shard has {} of them; those that nobody uses go after "
      "offsets.retention.minutes",
      groups);
  return false;
}

bool GroupService::has_room_for_bytes(std::size_t more) const {
  const std::size_t most = shard_.node().config().group_bytes_max / shard_.node().machine().shards.size();
  const std::size_t bytes = sum([](const group::Coordinator& coordinator) { return coordinator.bytes(); });
  if (bytes + more <= most) return true;
  shard_.peer_log().warn(
      "consumer groups get no more memory: those of this shard have {} bytes of its {}; what is there goes on. Delete "
      "groups that nobody uses, or raise mq.group.memory.bytes",
      bytes, most);
  return false;
}

void GroupService::host_partitions() {
  const cluster::Topic* topic = shard_.image()->find_topic(kOffsetsTopic);
  if (topic == nullptr || stopped_) return;
  for (std::int32_t index = 0; index < topic->partition_count(); ++index) {
    Partition* partition = shard_.find(topic->id, index);
    if (partition == nullptr || hosted_.contains(index)) continue;
    auto hosted = std::make_shared<Hosted>(
        partition->shared_from_this(), make_coordinator(partition->shared_from_this()), shard_.shard().make_timer());
    hosted_.emplace(index, hosted);
    if (partition->log().log_start() == partition->log().log_end()) {
      carry_out(hosted, hosted->coordinator->finish_loading(time()));
    } else {
      hosted->topics_deleted.emplace();
      shard_.tasks().spawn(load(hosted));
    }
  }
}

void GroupService::stop() {
  stopped_ = true;
  for (const auto& [index, hosted] : hosted_) {
    carry_out(hosted, hosted->coordinator->unload());
    hosted->timer->cancel();
  }
}

void GroupService::topic_deleted(const std::string& topic) {
  for (const auto& [index, hosted] : hosted_) {
    if (hosted->topics_deleted) hosted->topics_deleted->insert(topic);
    carry_out(hosted, hosted->coordinator->on_topic_deleted(topic, time()));
  }
}

bool GroupService::ask(std::int32_t offsets_partition, Ask ask, Told told) {
  const auto found = hosted_.find(offsets_partition);
  if (found == hosted_.end()) return false;
  const auto hosted = found->second;
  const group::RequestToken token{++hosted->last_token};
  hosted->waiting.emplace(token, std::move(told));
  carry_out(hosted, ask(*hosted->coordinator, token, time()));
  return true;
}

void GroupService::after_commits(std::int32_t offsets_partition, std::string_view group_id,
                                 std::move_only_function<void()> done) {
  const auto found = hosted_.find(offsets_partition);
  const group::Group* group = found == hosted_.end() ? nullptr : found->second->coordinator->find(group_id);
  if (group == nullptr || group->offsets_in_progress.empty()) return done();
  Partition& partition = *found->second->partition;
  // In a turn of its own, behind those in which the coordinator hears of its appends.
  partition.when_committed(partition.log().log_end(), [this, done = std::move(done)](ErrorCode) mutable {
    shard_.shard().post([done = std::move(done)]() mutable { done(); });
  });
}

const group::Coordinator* GroupService::find(std::int32_t offsets_partition) const {
  const auto found = hosted_.find(offsets_partition);
  return found == hosted_.end() ? nullptr : found->second->coordinator.get();
}

void GroupService::refresh_metrics() {
  std::map<group::State, std::int64_t> groups;
  std::int64_t members = 0;
  std::uint64_t rebalances = 0;
  for_each([&](const group::Coordinator& coordinator) {
    rebalances += coordinator.rebalance_count();
    coordinator.for_each_group([&](const group::Group& group) {
      ++groups[group.state()];
      members += static_cast<std::int64_t>(group.members().size());
    });
  });
  for (const group::State state : {group::State::kEmpty, group::State::kPreparingRebalance,
                                   group::State::kCompletingRebalance, group::State::kStable})
    shard_.metrics().gauge(Metric::groups, static_cast<std::size_t>(state)).set(groups[state]);
  shard_.metrics().gauge(Metric::group_members).set(members);
  const std::size_t bytes = sum([](const group::Coordinator& coordinator) { return coordinator.bytes(); });
  shard_.metrics().gauge(Metric::group_memory_bytes).set(static_cast<std::int64_t>(bytes));
  shard_.metrics().counter(Metric::group_rebalances).raise_to(rebalances);
}

awaitable<void> GroupService::load(std::shared_ptr<Hosted> hosted) {
  for (Duration pause = kLoadPauseMin; !stopped_; pause = std::min(2 * pause, kLoadPauseMax)) {
    auto loaded = make_coordinator(hosted->partition);
    const auto done = co_await load_groups(*hosted->partition, *loaded);
    if (shard_.node().is_stopping()) co_return;
    if (done) co_return take_office(hosted, std::move(loaded));
    if (!may_load_again(*hosted->partition, done.error())) break;
    (void)co_await hosted->timer->wait_until(shard_.shard().now() + pause);
  }
  hosted->topics_deleted.reset();
}

void GroupService::take_office(const std::shared_ptr<Hosted>& hosted, std::unique_ptr<group::Coordinator> loaded) {
  MQ_ASSERT(!stopped_ && hosted->waiting.empty());
  hosted->coordinator = std::move(loaded);
  const auto deleted = std::exchange(hosted->topics_deleted, std::nullopt);
  carry_out(hosted, hosted->coordinator->finish_loading(time()));
  for (const std::string& topic : *deleted) carry_out(hosted, hosted->coordinator->on_topic_deleted(topic, time()));
}

bool GroupService::may_load_again(const Partition& partition, const Error& error) {
  // Serving with half of the offsets would send consumers back to where they were long ago: stay in loading (G-1).
  const std::string name = partition.name().to_string();
  if (error.code == Errc::corrupt || error.code == Errc::corrupt_batch) {
    shard_.node().logger().error(
        "{}: its groups cannot be loaded and are not served: {}; 'mqctl segment verify {}' names what is damaged; "
        "with mqd stopped, put back a good copy of the directory, or move it away: its groups then begin anew",
        name, error.message, partition.log().directory());
    return false;
  }
  shard_.node().logger().error("{}: its groups are not served yet, since they cannot be read: {}; it is tried again",
                               name, error.message);
  if (error.code == Errc::disk_failed) shard_.node().disk_failed(error);
  return true;
}

void GroupService::carry_out(const std::shared_ptr<Hosted>& hosted, group::Effects effects) {
  for (group::Append& wanted : effects.appends) append(hosted, std::move(wanted));
  for (group::Answer& answer : effects.answers) {
    auto waiting = hosted->waiting.extract(answer.to);
    MQ_ASSERT(!waiting.empty());
    waiting.mapped()(std::move(answer.response));
  }
  set_clock(hosted);
}

void GroupService::append(const std::shared_ptr<Hosted>& hosted, group::Append wanted) {
  record::BatchBuilder builder;
  const WallMillis now = shard_.shard().clock().wall_now();
  for (const group::Record& record : wanted.records)
    builder.add(now, BytesView(record.key), record.value ? std::optional<BytesView>(*record.value) : std::nullopt);
  // Continues in its own turn: the coordinator may still be inside the call that asked for this.
  const auto then = [this, hosted, token = wanted.token](ErrorCode error) {
    shard_.shard().post(
        [this, hosted, token, error] { carry_out(hosted, hosted->coordinator->on_appended(token, error, time())); });
  };
  auto batch = builder.finish();
  if (!batch) return then(to_wire(batch.error()));
  if (batch->size() > hosted->partition->log().config().batch_bytes_max) return then(ErrorCode::kMessageTooLarge);
  const auto header = record::parse_header(*batch);
  MQ_ASSERT(header.has_value());
  auto appended = hosted->partition->append(batch->data(), {.header = *header, .max_timestamp = now});
  if (!appended) return then(to_wire(appended.error()));
  hosted->partition->when_committed(appended->end, then);
}

void GroupService::set_clock(const std::shared_ptr<Hosted>& hosted) {
  const Instant next = stopped_ ? Instant::never() : hosted->coordinator->next_deadline();
  if (next >= hosted->timer_at) return;
  const bool runs = hosted->timer_at != Instant::never();
  hosted->timer_at = next;
  runs ? hosted->timer->cancel() : shard_.tasks().spawn(run_clock(hosted));
}

awaitable<void> GroupService::run_clock(std::shared_ptr<Hosted> hosted) {
  while (!stopped_) {
    hosted->timer_at = hosted->coordinator->next_deadline();
    if (hosted->timer_at == Instant::never()) co_return;
    if (!co_await hosted->timer->wait_until(hosted->timer_at)) continue;
    if (!stopped_) carry_out(hosted, hosted->coordinator->on_time(time()));
  }
}

}  // namespace mq::broker
