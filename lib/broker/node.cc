#include "broker/node.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <set>
#include <type_traits>
#include <utility>

#include "base/assert.h"
#include "base/mark.h"
#include "broker/acceptor.h"
#include "broker/administration.h"
#include "broker/api/fetch_session.h"
#include "broker/caretaker.h"
#include "broker/group_service.h"
#include "broker/isr_writer.h"
#include "broker/log_keeper.h"
#include "broker/log_opening.h"
#include "broker/membership.h"
#include "broker/metadata_follower.h"
#include "broker/metadata_writer.h"
#include "broker/peer_watch.h"
#include "broker/producer_ids.h"
#include "broker/request_room.h"
#include "broker/settings.h"
#include "broker/shard_broker.h"
#include "broker/store_acceptance.h"
#include "broker/topics.h"

namespace mq::broker {
namespace {

// So long a stop waits for clients to read the answers to what they asked.
constexpr Duration kAnswerPatience = 1s;

/// Runs the coroutine that `make(shard)` returns on each shard, all at once, and returns what they returned.
template <class Make, class T = typename std::invoke_result_t<Make&, ShardBroker&>::value_type>
awaitable<std::vector<T>> on_every_shard(const Node& node, Make make) {
  std::vector<std::optional<T>> done(node.shards().size());
  env::TaskGroup running(node.first_shard().shard());
  for (std::size_t i = 0; i < done.size(); ++i)
    running.spawn([](ShardBroker& home, ShardBroker& there, Make& of_one, std::optional<T>& result) -> awaitable<void> {
      result = co_await await_on(home, there, [&] { return of_one(there); });
    }(node.first_shard(), *node.shards()[i], make, done[i]));
  co_await running.join();
  std::vector<T> results;
  for (std::optional<T>& result : done) results.push_back(std::move(*result));
  co_return results;
}

}  // namespace

Node::Node(NodeEnv env, NodeConfig config)
    : context_(std::move(env), std::move(config),
               {.go_offline = [this](const Error& error) { go_offline(error); },
                .free_space = [this] { look_after_logs_soon(); }}),
      base_(context_.config()),
      connection_limits_(context_) {
  const ConnectionSet::Shared shared{
      .limits = connection_limits_,
      .extra_frame = std::make_shared<ExtraFrame>(),
      .fetch_session_slots = std::make_shared<FetchSessionSlots>(this->config().fetch_sessions_max)};
  std::vector<ConnectionSet*> connections;
  for (env::Shard* shard : machine().shards) {
    shards_.push_back(std::make_unique<ShardBroker>(*this, *shard, shared));
    connections.push_back(&shards_.back()->connection_set());
  }
  AllShards& all = *this;
  writer_ = std::make_unique<MetadataWriter>(context_, all);
  log_keeper_ = std::make_unique<LogKeeper>(context_, all);
  topics_ = std::make_unique<Topics>(context_, all, *writer_, *log_keeper_);
  producer_ids_ = std::make_unique<ProducerIds>(context_, *writer_);
  membership_ = std::make_unique<Membership>(context_, all, *writer_);
  join_ = std::make_unique<ClusterJoin>(context_, *writer_, *membership_, listeners_);
  store_acceptance_ = std::make_unique<StoreAcceptance>(context_, *writer_);
  isr_writer_ = std::make_unique<IsrWriter>(context_, *writer_);
  context_.leader_wishes = isr_writer_.get();
  peer_watch_ = std::make_unique<PeerWatch>(context_, *writer_);
  caretaker_ = std::make_unique<Caretaker>(context_, *writer_, *peer_watch_);
  StartingShards& at_start = *this;
  follower_ = std::make_unique<MetadataFollower>(context_, all, *writer_, *log_keeper_, *topics_, *caretaker_);
  administration_ = std::make_unique<Administration>(context_, *writer_, *follower_, *peer_watch_);
  log_opening_ = std::make_unique<LogOpening>(context_, at_start, *topics_, *log_keeper_);
  acceptor_ =
      std::make_unique<Acceptor>(first_shard().context(), listeners_, connection_limits_, std::move(connections));
}

Node::~Node() {
  context_.life.end();
  // Partitions and groups hold requests of connections that live on other shards.
  for (const auto& shard : shards_) shard->drop_requests();
}

awaitable<void> Node::reconfigure(NodeConfig config) {
  base_ = std::move(config);
  take_settings(*writer_->image());
  for (const auto& shard : shards_) {
    // From then on the logs may be in the hands of who closes them.
    if (is_stopping()) co_return;
    co_await env::on_shard(first_shard().shard(), shard->shard(), [&shard] { shard->install(shard->image()); });
  }
}

ShardBroker& Node::owner_of(const Uuid& topic_id, std::int32_t partition) const {
  const auto place = std::ranges::find(services_.shards(), &services_.owner_of(topic_id, partition));
  return *shards_[static_cast<std::size_t>(place - services_.shards().begin())];
}

awaitable<Result<void>> Node::start() {
  env::Shard& home = first_shard().shard();
  const Instant begun = home.now();
  Uuid wanted;
  if (!config().cluster_id.empty() && !Uuid::parse(config().cluster_id, wanted))
    co_return fail(Errc::invalid_argument, "'{}' is no cluster id: 22 characters of URL-safe base64 are",
                   config().cluster_id);
  // First, so that whoever finds an address taken leaves nothing behind. Who connects meanwhile waits.
  MQ_CO_CHECK(acceptor_->listen());
  MQ_CO_TRY(context_.opened_log_dir, co_await machine().disk_pool.run(home, [this] {
    return log::LogDir::open(machine().files, config().data_dir);
  }));
  for (const std::string& note : log_dir().notes()) logger().warn("{}", note);
  const bool unclean = log_dir().identity() && !log_dir().was_clean();
  ShardMetrics& metrics = first_shard().metrics();
  metrics.gauge(Metric::unclean_start).set(unclean ? 1 : 0);
  // Nothing is written before it is known that the store and the directory belong here.
  MQ_CO_TRY(ClusterJoin::Found found, co_await look_at_store(wanted));
  co_await disk_space().open_reserve();
  MQ_CO_CHECK(co_await machine().disk_pool.run(home, [this] { return log_dir().begin_writing(); }));
  MQ_CO_CHECK(co_await join_->join(std::move(found.migration), std::move(found.image)));
  // What was deleted since the look still has its directories: only the deletions of that image are over here.
  const ImagePtr seen = writer_->image();
  if (context_.is_member()) {
    MQ_CO_TRY(found.differences, co_await join_->compare_again(seen));
  }
  MQ_CO_TRY(const std::size_t strays, co_await log_opening_->tidy(found.differences, seen));
  metrics.gauge(Metric::stray_directories).set(static_cast<std::int64_t>(strays));
  const Instant recovery_begun = home.now();
  if (unclean)
    logger().info("the last stop was not clean; checking what {} partitions had not synced",
                  first_shard().image()->partition_count());
  MQ_CO_CHECK(co_await log_opening_->open(std::move(found.differences.missing), accepts_store()));
  if (accepts_store()) {
    if (!context_.is_member()) MQ_CO_CHECK(co_await producer_ids_->pass_over_lost());  // in a cluster they are
    MQ_CO_CHECK(co_await join_->end_acceptance());
  }
  MQ_CO_CHECK(co_await membership_->become_ready());
  if (context_.is_member()) producer_ids_->keep_spare();
  is_open_ = true;
  const Duration recovery_took = home.now() - recovery_begun;
  metrics.gauge(Metric::recovery_duration).set(recovery_took.count());
  if (unclean) tell_recovery(recovery_took);
  for (const auto& shard : shards_) shard->shard().post([&shard] { shard->start(); });
  // One that was held has accepted connections since.
  if (!context_.is_held.exchange(false)) acceptor_->start();
  follower_->start();
  metrics.gauge(Metric::start_duration).set((home.now() - begun).count());
  co_return Result<void>{};
}

awaitable<Result<ClusterJoin::Found>> Node::look_at_store(Uuid wanted) {
  MQ_CO_TRY(ClusterJoin::Found found, co_await join_->look(wanted));
  while (found.went_back) {
    co_await hold(*found.image, *found.went_back);
    co_await join_->wait_for_other(*found.image);
    auto again = co_await join_->look_again();
    // It may go away again, and come back.
    if (!again && (again.error().code == Errc::unreachable || again.error().code == Errc::timed_out)) continue;
    MQ_CO_TRY(found, std::move(again));
  }
  if (context_.is_held) logger().info("{} is one that this broker goes on with; it starts", machine().store.name);
  co_return found;
}

awaitable<void> Node::hold(const cluster::ClusterImage& seen, const std::string& why) {
  const bool is_first = !context_.is_held.exchange(true);
  writer_->hold(join_->seen_from_outside(seen),
                fmt::format("{} is not the one that this broker knew: it {}", machine().store.name, why));
  co_await writer_->install();
  if (!is_first) co_return;
  MQ_MARK("broker: a start is held since its metadata store is not the one that was known");
  logger().error(
      "{}. Nothing is registered, led or changed until a store is put back that is as new as what was seen; if there "
      "is none, mqctl cluster accept-store has all brokers go on with this one",
      *writer_->why_not_followed());
  acceptor_->start();
  if (machine().tell_waiting) machine().tell_waiting();
}

std::optional<std::string> Node::why_held() const {
  return context_.is_held ? writer_->why_not_followed() : std::nullopt;
}

void Node::tell_recovery(Duration took) {
  std::int64_t checked = 0;
  std::int64_t cut = 0;
  for (const auto& shard : shards_) {
    checked += shard->metrics().gauge(Metric::recovery_checked_bytes).value();
    cut += shard->metrics().gauge(Metric::recovery_cut_bytes).value();
  }
  logger().info(
      "checked {} bytes of logs in {} ms; {}", checked, took / 1ms,
      cut == 0
          ? "no torn end was found"
          : fmt::format("{} bytes of torn ends were cut; whole batches among them are kept beside the logs as *.cut",
                        cut));
}

meta::MetadataStore& Node::store() const { return writer_->store(); }
const Uuid& Node::cluster_id() const { return join_->cluster_id(); }
bool Node::accepts_store() const { return join_->accepts_store(); }

// --- All shards ------------------------------------------------------------------------------------------------------

void Node::take_settings(const cluster::ClusterImage& image) {
  base_.node_id = id();
  live_ = {.own = image.broker_config(id()), .all = image.broker_config(kNoBroker)};
  const bool is_any = !live_.own.empty() || !live_.all.empty();
  auto config = is_any ? with_live_options(base_, to_overrides(live_.own), to_overrides(live_.all)) : base_;
  if (!config) {
    MQ_MARK("broker: settings in metadata do not go with those of the file");
    logger().warn("what is set in metadata does not go with this broker's file or command line: {}; it does not count",
                  config.error().message);
    config = base_;
  }
  const bool is_other_level = config->log_level != context_.config().log_level;
  context_.configs.set(*std::move(config));
  if (is_other_level && machine().set_log_level) machine().set_log_level(context_.config().log_level);
}

awaitable<bool> Node::install(ImagePtr image) {
  // Before the shards have the image, which resolve the settings of topics anew with it.
  if (live_ != LiveOptions{.own = image->broker_config(id()), .all = image->broker_config(kNoBroker)}) {
    MQ_MARK("broker: settings of brokers change in metadata");
    take_settings(*image);
    std::set<std::string> names;
    for (const cluster::ConfigMap* configs : {&live_.own, &live_.all})
      for (const auto& [name, value] : *configs) names.insert(name);
    logger().info("settings that stand in metadata, and count before file and command line: {}",
                  names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", ")));
  }
  for (const auto& shard : shards_)
    co_await env::on_shard(context_.home(), shard->shard(), [&shard, image] { shard->install(image); });
  co_return true;
}

env::Files& Node::files_of(const Uuid& topic, std::int32_t partition) { return owner_of(topic, partition).log_files(); }

awaitable<bool> Node::put(std::vector<std::unique_ptr<log::Log>> logs, ImagePtr image) {
  boost::unordered_flat_map<const cluster::Topic*, std::shared_ptr<const TopicSettings>> settings;
  boost::unordered_flat_map<const ShardBroker*, std::vector<std::shared_ptr<Partition>>> of_shards;
  for (auto& log : logs) {
    const cluster::Topic* topic = image->find_topic(log->topic_id());
    const TopicPartition name = log->partition();
    auto& resolved = settings[topic];
    if (!resolved) resolved = resolve_settings(topic->configs, config());
    ShardBroker& owner = owner_of(topic->id, name.partition);
    of_shards[&owner].push_back(
        owner.make_partition(name, topic->id, *topic->find_partition(name.partition), *resolved, std::move(log)));
  }
  // In the order of the shards, so that a simulated life is the same from the same seed. By value: what was posted may
  // outlive a node that is killed.
  for (const auto& shard : shards_) {
    auto partitions = std::move(of_shards[shard.get()]);
    if (partitions.empty()) continue;
    co_await env::on_shard(context_.home(), shard->shard(), [&shard, there = std::move(partitions)]() mutable {
      for (auto& partition : there) shard->put(std::move(partition));
    });
  }
  co_return true;
}

awaitable<bool> Node::registered(cluster::BrokerEpoch epoch) {
  for (const auto& shard : shards_)
    co_await env::on_shard(context_.home(), shard->shard(), [&shard, epoch] {
      shard->logs().table().for_each([epoch](Partition& partition) { partition.registered(epoch); });
    });
  co_return true;
}

awaitable<std::vector<std::int32_t>> Node::without_log(Uuid topic, std::vector<std::int32_t> partitions) {
  for (const auto& shard : shards_)
    co_await env::on_shard(context_.home(), shard->shard(), [&] {
      std::erase_if(partitions, [&](std::int32_t index) { return shard->find(topic, index) != nullptr; });
    });
  co_return partitions;
}

awaitable<bool> Node::take(Uuid topic) {
  for (const auto& shard : shards_) {
    auto taken = co_await await_on(first_shard(), *shard, [&shard, topic] { return shard->remove(topic); });
    // The logs are destroyed on the pool: closing many files takes a while, and nobody can reach them any more.
    co_await machine().disk_pool.run(context_.home(), [taken = std::move(taken)]() mutable { taken.clear(); });
  }
  co_return true;
}

awaitable<bool> Node::take(Uuid topic, std::vector<std::int32_t> partitions) {
  for (const auto& shard : shards_) {
    auto taken = co_await await_on(first_shard(), *shard,
                                   [&shard, topic, &partitions] { return shard->remove(topic, partitions); });
    co_await machine().disk_pool.run(context_.home(), [taken = std::move(taken)]() mutable { taken.clear(); });
  }
  co_return true;
}

awaitable<Result<std::vector<UncertainLog>>> Node::open_logs(std::set<std::pair<Uuid, PartitionId>> not_made) {
  std::vector<UncertainLog> uncertain;
  for (auto& opened :
       co_await on_every_shard(*this, [&not_made](ShardBroker& shard) { return shard.open_logs(not_made); })) {
    if (!opened) co_return std::unexpected(std::move(opened).error());
    uncertain.insert(uncertain.end(), opened->begin(), opened->end());
  }
  co_return uncertain;
}

awaitable<bool> Node::hold_appends(std::vector<UncertainLog> logs) {
  for (const auto& shard : shards_)
    co_await env::on_shard(context_.home(), shard->shard(), [&shard, &logs] {
      for (const UncertainLog& log : logs)
        if (Partition* partition = shard->find(log.topic_id, log.partition)) partition->hold_appends();
    });
  co_return true;
}

awaitable<bool> Node::topics_deleted(std::vector<cluster::TopicPtr> topics) {
  for (const auto& shard : shards_)
    co_await env::on_shard(context_.home(), shard->shard(), [&] { shard->groups().topics_deleted(topics); });
  co_return true;
}

awaitable<bool> Node::topics_are_gone(std::vector<cluster::TopicPtr> topics) {
  for (const auto& shard : shards_)
    co_await env::on_shard(context_.home(), shard->shard(), [&] { shard->groups().topics_are_gone(topics); });
  co_return true;
}

void Node::go_offline(const Error& error) {
  log_dir().go_offline(error.message);
  for (const auto& shard : shards_)
    shard->shard().post([&shard] { shard->logs().fail_waiters(ErrorCode::kKafkaStorageError); });
}

void Node::check_invariants() const { acceptor_->check_invariants(); }

void Node::look_after_logs_soon() {
  for (const auto& shard : shards_) shard->shard().post([&shard] { shard->logs().look_now(); });
}

awaitable<bool> Node::stop() {
  env::Shard& home = first_shard().shard();
  if (is_open_) co_await membership_->drain();
  context_.life.begin_stop();
  co_await acceptor_->stop();
  co_await context_.synced_ends.stop();
  co_await disk_space().stop();
  co_await end_serving();
  co_await isr_writer_->stop();
  co_await peer_watch_->stop();
  co_await producer_ids_->stop();
  co_await follower_->stop();
  co_await membership_->leave();
  co_await topics_->stop();
  // What a start that did not come to its end has not looked at is as the last process left it.
  bool clean = is_open_ && !is_offline();
  if (is_offline()) MQ_MARK("broker: a stop finds the data directory offline");
  for (const bool closed : co_await on_every_shard(*this, [](ShardBroker& shard) { return shard.close_logs(); }))
    clean = clean && closed;
  if (is_open_) {
    const auto closed = co_await writer_->store().close();
    co_await follower_->join();
    if (!closed) {
      // What a store that others have says of its end concerns no log here.
      const bool is_of_others = context_.is_member() && closed.error().code != Errc::disk_failed;
      logger().warn("the metadata store did not close well: {}; {}", closed.error().message,
                    is_of_others ? "the session of this broker ends by itself" : "the next start checks it");
      clean = clean && is_of_others;
    }
  }
  if (clean) {
    const auto mark = [&] { return machine().disk_pool.run(home, [this] { return log_dir().finish_clean(); }); };
    auto marked = co_await disk_space().with_reserve(home, mark);
    if (!marked) MQ_MARK("broker: the marker of a clean stop cannot be written");
    if (!marked)
      logger().warn("no clean-stop marker was written: {}; the next start checks the logs", marked.error().message);
    clean = marked.has_value();
  }
  listeners_.clear();
  co_return clean;
}

/// On return nothing is in progress on any shard: no request on its way to a log, no change of a topic, no checkpoint.
awaitable<void> Node::end_serving() {
  const Instant patience = first_shard().shard().now() + kAnswerPatience;
  for (const auto& shard : shards_)
    co_await env::on_shard(first_shard().shard(), shard->shard(), [&shard] { shard->stop_serving(); });
  // A connection that is on its way from one shard to another is seen by neither; it ends where it arrives.
  do {
    for (const auto& shard : shards_)
      co_await await_on(first_shard(), *shard, [&shard, patience] { return shard->end_requests(patience); });
  } while (connection_count() > 0);
  // Only now: a request may begin tasks on any shard.
  for (const auto& shard : shards_) co_await await_on(first_shard(), *shard, [&shard] { return shard->end_tasks(); });
}

}  // namespace mq::broker
