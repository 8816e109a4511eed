#include "broker/topics.h"

#include <algorithm>
#include <set>
#include <span>
#include <utility>

#include "base/assert.h"
#include "broker/data_directory.h"
#include "broker/errors.h"
#include "broker/group_service.h"
#include "broker/node.h"
#include "broker/partition.h"
#include "broker/settings.h"
#include "broker/shard_broker.h"
#include "cluster/records.h"
#include "log/directory_contents.h"

namespace mq::broker {
namespace {

constexpr std::int32_t kPartitionsPerRequestMax = 10'000;
/// How many directories one job of the pool makes or renames: others want their turn.
constexpr std::int32_t kDirectoriesPerJob = 256;
/// No log comes so far. An epoch beyond it is rot: no CRC covers a batch's epoch.
constexpr LeaderEpoch kLeaderEpochsEnd{1 << 30};

TopicOutcome refuse(std::string name, ErrorCode error, std::string message) {
  return {.name = std::move(name), .error = error, .message = std::move(message), .topic = nullptr};
}

/// The settings of our internal topics, whoever names them first.
NewTopic internal_topic(std::string name, const NodeConfig& config) {
  return {.name = std::move(name),
          .partitions = config.offsets_partitions,
          .configs = {{"cleanup.policy", "compact"},
                      {"segment.bytes", fmt::format("{}", config.offsets_segment_bytes)},
                      {"compression.type", "producer"},
                      {"mq.flush", "ack"}}};
}

/// What offsets and transactions rest on cannot be changed: a compacted topic whose answers wait for the disk.
Result<void> check_internal_configs(const std::string& name, const std::map<std::string, std::string>& configs,
                                    const NodeConfig& config) {
  const NewTopic fixed = internal_topic(name, config);
  for (const char* key : {"cleanup.policy", "mq.flush"}) {
    const auto value = configs.find(key);
    if (value == configs.end() || value->second != fixed.configs.at(key))
      return fail(Errc::invalid_argument, "{}={} is fixed for an internal topic", key, fixed.configs.at(key));
  }
  return {};
}

}  // namespace

/// Holds the right to change metadata. Waiters get it in the order they came.
class Topics::Turn {
 public:
  explicit Turn(Topics& topics) : topics_(&topics) {}
  Turn(Turn&& other) noexcept : topics_(std::exchange(other.topics_, nullptr)) {}
  ~Turn() {
    if (topics_ == nullptr) return;
    topics_->busy_ = false;
    topics_->freed_.notify_all();
  }

 private:
  Topics* topics_;
};

Topics::Topics(Node& node) : node_(node), freed_(node.first_shard().shard()) {}

void Topics::take_over(const meta::Listing& listing) {
  for (const meta::KeyValue& entry : listing.entries) seen_[entry.key] = entry.modified;
}

awaitable<Topics::Turn> Topics::take_turn() {
  while (busy_) co_await freed_.wait();
  busy_ = true;
  co_return Turn(*this);
}

TopicOutcome Topics::check(const NewTopic& wanted, const cluster::ClusterImage& image) const {
  const NodeConfig& config = node_.config();
  if (const char* problem = topic_name_problem(wanted.name))
    return refuse(wanted.name, ErrorCode::kInvalidTopicException, problem);
  if (image.find_topic(std::string_view(wanted.name)) != nullptr)
    return refuse(wanted.name, ErrorCode::kTopicAlreadyExists, fmt::format("topic '{}' already exists", wanted.name));
  if (const cluster::Topic* other = image.find_colliding(wanted.name))
    return refuse(wanted.name, ErrorCode::kInvalidTopicException,
                  fmt::format("the name collides with topic '{}': '.' and '_' count as the same", other->name));

  std::int32_t partitions = wanted.partitions == -1 ? config.partitions_default : wanted.partitions;
  if (!wanted.assignments.empty()) {
    if (wanted.partitions != -1 || wanted.replicas != -1)
      return refuse(wanted.name, ErrorCode::kInvalidRequest,
                    "give either an assignment or numbers of partitions and replicas (-1), not both");
    std::set<std::int32_t> named;
    for (const auto& [index, brokers] : wanted.assignments) {
      named.insert(index);
      if (brokers != std::vector{node_.id().value()})
        return refuse(wanted.name, ErrorCode::kInvalidReplicaAssignment,
                      fmt::format("partition {} can only be on broker {}", index, node_.id().value()));
    }
    partitions = static_cast<std::int32_t>(wanted.assignments.size());
    if (static_cast<std::int32_t>(named.size()) != partitions || *named.begin() != 0 ||
        *named.rbegin() != partitions - 1)
      return refuse(wanted.name, ErrorCode::kInvalidReplicaAssignment,
                    "an assignment names every partition from 0 on, once");
  }
  if (partitions <= 0)
    return refuse(wanted.name, ErrorCode::kInvalidPartitions, "a topic needs at least one partition");
  if (partitions > kPartitionsPerRequestMax ||
      static_cast<std::int64_t>(image.partition_count()) + partitions > config.partitions_total_max)
    return refuse(
        wanted.name, ErrorCode::kInvalidPartitions,
        fmt::format("{} partitions are more than this broker takes (at most {} in one topic's creation, {} in all)",
                    partitions, kPartitionsPerRequestMax, config.partitions_total_max));
  if (wanted.replicas != -1 && wanted.replicas != 1)
    return refuse(wanted.name, ErrorCode::kInvalidReplicationFactor,
                  fmt::format("replication factor {}, but there is 1 broker", wanted.replicas));
  const auto configs = checked_topic_configs(wanted.configs, config);
  if (!configs) return refuse(wanted.name, ErrorCode::kInvalidConfig, configs.error().message);

  cluster::Topic topic{.name = wanted.name, .id = {}, .partitions = {}, .configs = {configs->begin(), configs->end()}};
  topic.partitions.assign(static_cast<std::size_t>(partitions), {.replicas = {node_.id()},
                                                                 .isr = {node_.id()},
                                                                 .leader = node_.id(),
                                                                 .leader_epoch = LeaderEpoch{0},
                                                                 .partition_epoch = 0});
  do node_.machine().random.fill(topic.id.bytes);
  while (topic.id.is_zero() || image.find_topic(topic.id) != nullptr || topic.id.to_string().front() == '-');
  return {.name = wanted.name,
          .error = ErrorCode::kNone,
          .message = {},
          .topic = std::make_shared<const cluster::Topic>(std::move(topic))};
}

awaitable<std::vector<TopicOutcome>> Topics::create(std::vector<NewTopic> topics, bool validate_only) {
  const Turn turn = co_await take_turn();
  std::vector<TopicOutcome> outcomes;
  std::vector<Made> made;
  cluster::ClusterImage image = *node_.first_shard().image();
  for (const NewTopic& wanted : topics) {
    // An internal topic has its own settings, whoever names it first.
    TopicOutcome outcome =
        check(is_internal_topic(wanted.name) ? internal_topic(wanted.name, node_.config()) : wanted, image);
    if (outcome.error == ErrorCode::kNone) image = image.with_topic(outcome.topic);
    if (outcome.error == ErrorCode::kNone && !validate_only) {
      auto logs = co_await make_logs(outcome.topic, 0);
      if (logs) {
        made.push_back(std::move(*logs));
      } else {
        outcome = refuse(wanted.name, to_wire(logs.error()), logs.error().message);
      }
    }
    outcomes.push_back(std::move(outcome));
  }
  if (!made.empty()) co_await publish(std::move(made), outcomes);
  co_return outcomes;
}

awaitable<void> Topics::publish(std::vector<Made> made, std::vector<TopicOutcome>& outcomes) {
  const auto synced = co_await sync_new(made);
  cluster::ClusterImage image = *node_.first_shard().image();
  std::vector<Made> committed;
  while (!made.empty()) {
    std::vector<meta::Op> ops;
    std::size_t topics = 0;
    std::size_t bytes = 0;
    // As many whole topics as one transaction takes: it is done, or none of them is. A bigger one takes several alone.
    for (; topics < made.size(); ++topics) {
      auto records = cluster::to_records(*made[topics].topic);
      for (const cluster::KeyValue& record : records) bytes += 2 * record.key.size() + record.value.size();
      const bool is_too_much =
          ops.size() + records.size() > meta::kTransactionKeysMax || bytes > meta::kTransactionBytesMax;
      if (topics > 0 && is_too_much) break;
      for (cluster::KeyValue& record : records)
        ops.push_back(meta::Op::put(std::move(record.key), std::move(record.value)));
    }
    const auto done = synced ? co_await commit(std::move(ops)) : synced;
    for (std::size_t i = 0; i < topics; ++i) {
      if (done) {
        image = image.with_topic(made[i].topic);
        committed.push_back(std::move(made[i]));
        continue;
      }
      made[i].partitions.clear();
      co_await discard(*made[i].topic, 0);
      for (TopicOutcome& outcome : outcomes)
        if (outcome.topic == made[i].topic) outcome = refuse(outcome.name, to_wire(done.error()), done.error().message);
    }
    made.erase(made.begin(), made.begin() + static_cast<std::ptrdiff_t>(topics));
  }
  if (committed.empty()) co_return;
  co_await put(std::move(committed));
  (void)co_await install(std::make_shared<const cluster::ClusterImage>(std::move(image)));
}

awaitable<std::vector<TopicOutcome>> Topics::create_on_demand(std::vector<std::string> names) {
  std::vector<NewTopic> wanted;
  for (std::string& name : names) {
    wanted.push_back({.name = std::move(name)});
  }
  auto outcomes = co_await create(std::move(wanted), false);
  // Somebody else's creation was as good as ours.
  for (TopicOutcome& outcome : outcomes)
    if (outcome.error == ErrorCode::kTopicAlreadyExists) outcome.error = ErrorCode::kNone;
  co_return outcomes;
}

awaitable<TopicOutcome> Topics::remove(std::string name, Uuid id) {
  const Turn turn = co_await take_turn();
  const auto image = node_.first_shard().image();
  const cluster::TopicPtr topic = image->share_topic(std::string_view(name));
  if (!id.is_zero() && (!topic || topic->id != id))
    co_return refuse(name, ErrorCode::kUnknownTopicId, "there is no topic with this id");
  if (!topic) co_return refuse(name, ErrorCode::kUnknownTopicOrPartition, "there is no such topic");
  if (!node_.config().delete_topics)
    co_return refuse(name, ErrorCode::kTopicDeletionDisabled, "delete.topic.enable is off");
  if (is_internal_topic(name))
    co_return refuse(name, ErrorCode::kInvalidTopicException, "an internal topic cannot be deleted");
  // One transaction decides; what does not fit in it is invisible from then on and goes when the files are gone.
  std::vector<std::string> keys = cluster::keys_of(*topic);
  const std::size_t decisive = std::min(keys.size(), meta::kTransactionKeysMax - 1);
  std::vector<meta::Op> ops;
  cluster::KeyValue tombstone = cluster::tombstone_record(topic->id, topic->name);
  ops.push_back(meta::Op::put(std::move(tombstone.key), std::move(tombstone.value)));
  for (std::size_t i = 0; i < decisive; ++i) ops.push_back(meta::Op::erase(std::move(keys[i])));
  keys.erase(keys.begin(), keys.begin() + static_cast<std::ptrdiff_t>(decisive));
  if (auto done = co_await commit(std::move(ops), true); !done)
    co_return refuse(name, to_wire(done.error()), done.error().message);
  (void)co_await install(std::make_shared<const cluster::ClusterImage>(image->without_topic(name)));
  for (const auto& shard : node_.shards())
    co_await env::on_shard(node_.first_shard().shard(), shard->shard(),
                           [&shard, &name] { shard->groups().topic_deleted(name); });
  co_await drop_logs(*topic);
  Renamed renamed = co_await rename_directories(*topic, 0, Which::all);
  node_.first_shard().log_tasks().spawn(finish_removal(topic, std::move(renamed), std::move(keys)));
  co_return TopicOutcome{.name = std::move(name), .error = ErrorCode::kNone, .message = {}, .topic = topic};
}

awaitable<TopicOutcome> Topics::add_partitions(std::string name, std::int32_t count,
                                               std::optional<std::size_t> assigned, bool validate_only) {
  const Turn turn = co_await take_turn();
  const auto image = node_.first_shard().image();
  const cluster::Topic* topic = image->find_topic(std::string_view(name));
  if (topic == nullptr) co_return refuse(name, ErrorCode::kUnknownTopicOrPartition, "there is no such topic");
  if (is_internal_topic(name))
    co_return refuse(name, ErrorCode::kInvalidTopicException,
                     "an internal topic keeps its number of partitions: with another its groups would not be found");
  const std::int32_t before = topic->partition_count();
  if (count <= before)
    co_return refuse(name, ErrorCode::kInvalidPartitions,
                     fmt::format("the topic has {} partitions, so {} would not add any", before, count));
  if (count - before > kPartitionsPerRequestMax ||
      static_cast<std::int64_t>(image->partition_count()) + count - before > node_.config().partitions_total_max)
    co_return refuse(name, ErrorCode::kInvalidPartitions, "more partitions than this broker takes");
  if (assigned && *assigned != static_cast<std::size_t>(count - before))
    co_return refuse(name, ErrorCode::kInvalidReplicaAssignment,
                     fmt::format("{} partitions are added, but brokers are named for {}", count - before, *assigned));
  auto grown = std::make_shared<cluster::Topic>(*topic);
  grown->partitions.resize(static_cast<std::size_t>(count), {.replicas = {node_.id()},
                                                             .isr = {node_.id()},
                                                             .leader = node_.id(),
                                                             .leader_epoch = LeaderEpoch{0},
                                                             .partition_epoch = 0});
  if (!validate_only) {
    auto logs = co_await make_logs(grown, before);
    if (!logs) co_return refuse(name, to_wire(logs.error()), logs.error().message);
    std::vector<Made> made;
    made.push_back(std::move(*logs));
    auto done = co_await sync_new(made);
    if (done) {
      std::vector<meta::Op> ops;
      for (std::int32_t chunk = before / cluster::kPartitionsPerChunk; chunk < cluster::chunk_count(count); ++chunk) {
        cluster::KeyValue record = cluster::partitions_record(*grown, chunk);
        ops.push_back(meta::Op::put(std::move(record.key), std::move(record.value)));
      }
      cluster::KeyValue record = cluster::topic_record(*grown);
      ops.push_back(meta::Op::put(std::move(record.key), std::move(record.value)));
      done = co_await commit(std::move(ops));
    }
    if (!done) {
      made.clear();
      co_await discard(*grown, before);
      co_return refuse(name, to_wire(done.error()), done.error().message);
    }
    co_await put(std::move(made));
    (void)co_await install(std::make_shared<const cluster::ClusterImage>(image->with_topic(cluster::TopicPtr(grown))));
  }
  co_return TopicOutcome{.name = std::move(name), .error = ErrorCode::kNone, .message = {}, .topic = grown};
}

Result<config::Overrides> Topics::changed_configs(const cluster::Topic& topic, ConfigChange change) const {
  config::Overrides wanted = to_overrides(topic.configs);
  MQ_CHECK(change(wanted));
  MQ_TRY(config::Overrides configs, checked_topic_configs(wanted, node_.config()));
  if (is_internal_topic(topic.name)) MQ_CHECK(check_internal_configs(topic.name, configs, node_.config()));
  return configs;
}

awaitable<TopicOutcome> Topics::change_config(std::string name, ConfigChange change, bool validate_only) {
  const Turn turn = co_await take_turn();
  const auto image = node_.first_shard().image();
  const cluster::Topic* topic = image->find_topic(std::string_view(name));
  if (topic == nullptr) co_return refuse(name, ErrorCode::kUnknownTopicOrPartition, "there is no such topic");
  const auto configs = changed_configs(*topic, std::move(change));
  if (!configs) co_return refuse(name, ErrorCode::kInvalidConfig, configs.error().message);
  auto next =
      std::make_shared<const cluster::ClusterImage>(image->with_config(name, {configs->begin(), configs->end()}));
  if (!validate_only) {
    cluster::KeyValue record = cluster::topic_record(*next->find_topic(std::string_view(name)));
    std::vector<meta::Op> ops;
    ops.push_back(meta::Op::put(std::move(record.key), std::move(record.value)));
    if (auto done = co_await commit(std::move(ops), true); !done)
      co_return refuse(name, to_wire(done.error()), done.error().message);
    (void)co_await install(next);
    node_.disk_space().look_for_space();
  }
  co_return TopicOutcome{
      .name = name, .error = ErrorCode::kNone, .message = {}, .topic = next->share_topic(std::string_view(name))};
}

awaitable<Result<void>> Topics::raise_epochs(std::vector<UncertainLog> logs) {
  const Turn turn = co_await take_turn();
  auto image = *node_.first_shard().image();
  std::map<Uuid, std::shared_ptr<cluster::Topic>> raised;
  std::set<std::pair<Uuid, std::int32_t>> chunks;
  for (const UncertainLog& log : logs) {
    const cluster::Topic* known = image.find_topic(log.topic_id);
    if (known == nullptr) continue;
    auto& topic = raised[log.topic_id];
    if (!topic) topic = std::make_shared<cluster::Topic>(*known);
    cluster::Partition& partition = topic->partitions.edit(static_cast<std::size_t>(log.partition));
    const LeaderEpoch latest = log.latest_epoch < kLeaderEpochsEnd ? log.latest_epoch : kNoLeaderEpoch;
    partition.leader_epoch = LeaderEpoch{std::max(partition.leader_epoch, latest).value() + 1};
    ++partition.partition_epoch;
    chunks.emplace(log.topic_id, log.partition / cluster::kPartitionsPerChunk);
  }
  for (const auto& [id, topic] : raised) image = image.with_topic(cluster::TopicPtr(topic));
  std::vector<meta::Op> ops;
  for (const auto& [id, chunk] : chunks) {
    cluster::KeyValue record = cluster::partitions_record(*image.find_topic(id), chunk);
    ops.push_back(meta::Op::put(std::move(record.key), std::move(record.value)));
  }
  MQ_CO_CHECK(co_await commit(std::move(ops)));
  (void)co_await install(std::make_shared<const cluster::ClusterImage>(std::move(image)));
  co_return Result<void>{};
}

awaitable<Result<void>> Topics::forget(std::vector<Uuid> deleted, std::vector<std::string> orphans) {
  const Turn turn = co_await take_turn();
  std::vector<meta::Op> ops;
  for (std::string& key : orphans) ops.push_back(meta::Op::erase(std::move(key)));
  // Last, so that a tombstone stands as long as anything of its topic.
  for (const Uuid& id : deleted) ops.push_back(meta::Op::erase(cluster::tombstone_key(id)));
  MQ_CO_CHECK(co_await commit(std::move(ops), true));
  (void)co_await install(
      std::make_shared<const cluster::ClusterImage>(node_.first_shard().image()->without_tombstones(deleted)));
  co_return Result<void>{};
}

awaitable<Result<void>> Topics::commit(std::vector<meta::Op> ops, bool may_spend) {
  // A stop waits for the change in progress, not for all that wait for their turn.
  if (node_.is_stopping()) co_return fail(Errc::closed, "the broker is stopping");
  // In the order given, in as many transactions as the limits of every back end ask for; the last key makes it visible.
  auto from = ops.begin();
  while (from != ops.end()) {
    meta::Transaction transaction;
    std::size_t bytes = 0;
    const auto begin = from;
    for (; from != ops.end() && transaction.ops.size() < meta::kTransactionKeysMax; ++from) {
      bytes += 2 * from->key.size() + (from->value ? from->value->size() : 0);  // a key is compared, and changed
      if (bytes > meta::kTransactionBytesMax && !transaction.ops.empty()) break;
      const auto seen = seen_.find(from->key);
      transaction.compares.push_back(seen == seen_.end() ? meta::Compare::absent(from->key)
                                                         : meta::Compare::modified_at(from->key, seen->second));
      transaction.ops.push_back(*from);
    }
    const auto commit_it = [&] { return node_.commit(transaction); };
    const auto done =
        co_await (may_spend ? node_.disk_space().with_reserve(node_.first_shard().shard(), commit_it) : commit_it());
    if (!done && done.error().code == Errc::disk_full) node_.disk_space().found_full(done.error());
    if (!done && done.error().code == Errc::conflict) {
      node_.logger().error("{} while mqd runs; nothing was changed. Start mqd again, so that it reads what is there",
                           done.error().message);
      co_return fail(Errc::internal, "{}", done.error().message);
    }
    if (!done) co_return std::unexpected(done.error());
    for (const meta::Op& op : std::span(begin, from)) {
      if (op.value) {
        seen_[op.key] = *done;
      } else {
        seen_.erase(op.key);
      }
    }
  }
  co_return Result<void>{};
}

// --- Logs and their directories -------------------------------------------------------------------------------------

awaitable<Result<Topics::Made>> Topics::make_logs(cluster::TopicPtr topic, std::int32_t first_partition) {
  if (node_.is_stopping()) co_return fail(Errc::closed, "the broker is stopping");
  MQ_CO_CHECK(node_.disk_space().check_room());
  const auto settings = resolve_settings(topic->configs, node_.config());
  Made made{.topic = std::move(topic), .partitions = {}};
  const auto make_one = [this, image = node_.first_shard().image(), &made, &settings](
                            const TopicPartition& name, ShardBroker& owner) -> Result<std::unique_ptr<log::Log>> {
    log::LogDir& dir = node_.log_dir();
    auto log = log::Log::create(owner.log_files(), dir.directory_of(name), name, made.topic->id, settings->log);
    const bool is_taken = !log && (log.error().code == Errc::already_exists || log.error().code == Errc::conflict);
    if (!is_taken) return log;
    const NodeEnv& machine = node_.machine();
    MQ_CHECK(clear_the_way(dir, machine.files, *image, name, machine.random, node_.logger()));
    return log::Log::create(owner.log_files(), dir.directory_of(name), name, made.topic->id, settings->log);
  };
  const auto make_some = [this, &made, &make_one, &settings](std::int32_t from, std::int32_t to) -> Result<void> {
    for (std::int32_t index = from; index < to; ++index) {
      const TopicPartition name{made.topic->name, index};
      ShardBroker& owner = node_.owner_of(made.topic->id, index);
      MQ_TRY(auto log, make_one(name, owner));
      made.partitions.push_back(
          owner.make_partition(name, made.topic->id, *made.topic->find_partition(index), *settings, std::move(log)));
    }
    return {};
  };
  const std::int32_t count = made.topic->partition_count();
  for (std::int32_t from = first_partition; from < count; from += kDirectoriesPerJob) {
    const std::int32_t to = std::min(count, from + kDirectoriesPerJob);
    auto done =
        co_await node_.machine().disk_pool.run(node_.first_shard().shard(), [&] { return make_some(from, to); });
    if (done) continue;
    if (done.error().code == Errc::disk_full) node_.disk_space().found_full(done.error());
    made.partitions.clear();
    co_await discard(*made.topic, first_partition);
    co_return std::unexpected(std::move(done).error());
  }
  co_return made;
}

awaitable<Result<void>> Topics::sync_new(const std::vector<Made>& made) {
  std::vector<TopicPartition> names;
  for (const Made& topic : made)
    for (const auto& partition : topic.partitions) names.push_back(partition->name());
  auto synced = co_await node_.machine().disk_pool.run(node_.first_shard().shard(),
                                                       [&] { return node_.log_dir().sync_new(names); });
  if (!synced && synced.error().code == Errc::disk_failed) node_.disk_health().disk_failed(synced.error());
  co_return synced;
}

awaitable<void> Topics::put(std::vector<Made> made) {
  for (const auto& shard : node_.shards()) {
    std::vector<std::shared_ptr<Partition>> there;
    for (const Made& topic : made)
      for (const auto& partition : topic.partitions)
        if (&partition->shard() == &shard->context()) there.push_back(partition);
    // By value: what was posted may outlive a node that is killed.
    co_await env::on_shard(node_.first_shard().shard(), shard->shard(), [&shard, there = std::move(there)]() mutable {
      for (auto& partition : there) shard->put(std::move(partition));
    });
  }
}

awaitable<void> Topics::drop_logs(const cluster::Topic& topic) {
  for (const auto& shard : node_.shards()) {
    auto removed =
        co_await await_on(node_.first_shard(), *shard, [&shard, id = topic.id] { return shard->remove(id); });
    // The logs are destroyed on the pool: closing many files takes a while, and nobody can reach them any more.
    co_await node_.machine().disk_pool.run(node_.first_shard().shard(),
                                           [removed = std::move(removed)]() mutable { removed.clear(); });
  }
}

awaitable<Topics::Renamed> Topics::rename_directories(const cluster::Topic& topic, std::int32_t first_partition,
                                                      Which which) {
  Renamed renamed;
  for (std::int32_t from = first_partition; from < topic.partition_count(); from += kDirectoriesPerJob) {
    std::vector<TopicPartition> some;
    for (std::int32_t index = from; index < std::min(topic.partition_count(), from + kDirectoriesPerJob); ++index)
      some.push_back({topic.name, index});
    auto begun = co_await node_.machine().disk_pool.run(node_.first_shard().shard(), [&] {
      std::erase_if(some, [&](const TopicPartition& name) {
        const std::string directory = node_.log_dir().directory_of(name);
        return which == Which::without_record &&
               !log::is_without_record(node_.machine().files, directory).value_or(true);
      });
      return node_.log_dir().begin_removal(some, topic.id, topic.id.to_string());
    });
    if (begun)
      renamed.directories.insert(renamed.directories.end(), begun->directories.begin(), begun->directories.end());
    if (begun && begun->failures.empty()) continue;
    renamed.are_all = false;
    node_.logger().warn("the directories of {} could not all be renamed: {}; the next start tries again", topic.name,
                        begun ? begun->failures.front().message : begun.error().message);
  }
  co_return renamed;
}

awaitable<void> Topics::discard(const cluster::Topic& topic, std::int32_t first_partition) {
  Renamed renamed = co_await rename_directories(topic, first_partition, Which::without_record);
  node_.first_shard().log_tasks().spawn([](Topics& self, std::vector<std::string> directories) -> awaitable<void> {
    (void)co_await self.remove_files(std::move(directories));
  }(*this, std::move(renamed.directories)));
}

awaitable<bool> Topics::remove_files(std::vector<std::string> directories) {
  bool all = true;
  for (const std::string& directory : directories) {
    if (node_.is_stopping()) co_return false;  // the next start goes on
    const auto gone = co_await node_.machine().disk_pool.run(
        node_.first_shard().shard(), [&] { return node_.log_dir().remove_directory(directory); });
    if (gone) continue;
    all = false;
    node_.logger().warn("the files of a deleted topic could not be removed: {}; the next start tries again",
                        gone.error().message);
  }
  co_return all;
}

awaitable<void> Topics::finish_removal(cluster::TopicPtr topic, Renamed renamed, std::vector<std::string> keys) {
  const bool files_gone = co_await remove_files(std::move(renamed.directories));
  if (!files_gone || !renamed.are_all || node_.is_stopping()) co_return;
  if (auto done = co_await forget({topic->id}, std::move(keys)); !done && !node_.is_stopping())
    node_.logger().warn("what metadata has of the deleted {} could not be erased: {}; the next start tries again",
                        topic->name, done.error().message);
}

awaitable<bool> Topics::install(std::shared_ptr<const cluster::ClusterImage> image) {
  for (const auto& shard : node_.shards())
    co_await env::on_shard(node_.first_shard().shard(), shard->shard(), [&shard, image] { shard->install(image); });
  co_return true;
}

}  // namespace mq::broker
