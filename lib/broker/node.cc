#include "broker/node.h"

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <type_traits>
#include <utility>

#include "base/assert.h"
#include "broker/acceptor.h"
#include "broker/api/fetch_session.h"
#include "broker/endpoint.h"
#include "broker/group_service.h"
#include "broker/log_keeper.h"
#include "broker/metadata_writer.h"
#include "broker/producer_ids.h"
#include "broker/request_room.h"
#include "broker/settings.h"
#include "broker/shard_broker.h"
#include "broker/topics.h"
#include "controller/migration.h"

namespace mq::broker {
namespace {

/// What a store that holds `entries` will hold once `plan` is carried out.
std::vector<cluster::KeyValue> listing_after(const std::vector<cluster::KeyValue>& entries,
                                             const controller::Plan& plan) {
  std::map<std::string, cluster::KeyValue> after;
  for (const cluster::KeyValue& entry : entries) after[entry.key] = entry;
  for (const cluster::Transaction& transaction : plan.transactions) {
    for (const cluster::Op& op : transaction.ops) {
      if (op.value) {
        after[op.key] = {.key = op.key, .value = *op.value};
      } else {
        after.erase(op.key);
      }
    }
  }
  std::vector<cluster::KeyValue> listing;
  for (auto& [key, entry] : after) listing.push_back(std::move(entry));
  return listing;
}

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
  acceptor_ =
      std::make_unique<Acceptor>(first_shard().context(), listeners_, connection_limits_, std::move(connections));
}

Node::~Node() {
  context_.life.end();
  // Partitions and groups hold requests of connections that live on other shards.
  for (const auto& shard : shards_) shard->drop_requests();
}

awaitable<void> Node::reconfigure(NodeConfig config) {
  context_.configs.set(std::move(config));
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
  if (log_dir().identity() && log_dir().identity()->node != config().node_id)
    co_return fail(Errc::refused, "{} belongs to node {}, this is node {}; use its own directory or its id",
                   config().data_dir, log_dir().identity()->node.value(), config().node_id.value());
  const bool unclean = log_dir().identity() && !log_dir().was_clean();
  ShardMetrics& metrics = first_shard().metrics();
  metrics.gauge(Metric::unclean_start).set(unclean ? 1 : 0);
  // Nothing is written before it is known that the store and the directory belong here.
  MQ_CO_TRY(Found found, co_await look_at_metadata(wanted));
  co_await disk_space().open_reserve();
  MQ_CO_CHECK(co_await machine().disk_pool.run(home, [this] { return log_dir().begin_writing(); }));
  MQ_CO_CHECK(co_await join_cluster(std::move(found.migration)));
  MQ_CO_CHECK(co_await tidy_up(found.differences));
  const Instant recovery_begun = home.now();
  if (unclean)
    logger().info("the last stop was not clean; checking what {} partitions had not synced",
                  first_shard().image()->partition_count());
  MQ_CO_CHECK(co_await open_partitions(std::move(found.differences.missing)));
  if (accepts_store_) MQ_CO_CHECK(co_await end_acceptance());
  is_open_ = true;
  const Duration recovery_took = home.now() - recovery_begun;
  metrics.gauge(Metric::recovery_duration).set(recovery_took.count());
  if (unclean) tell_recovery(recovery_took);
  for (const auto& shard : shards_) shard->shard().post([&shard] { shard->start(); });
  acceptor_->start();
  metrics.gauge(Metric::start_duration).set((home.now() - begun).count());
  co_return Result<void>{};
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

awaitable<Result<Node::Found>> Node::look_at_metadata(Uuid wanted) {
  const bool was_made = log_dir().identity().has_value();
  // F-16: metadata that is lost must not look like "no data".
  const auto no_metadata = [this](std::string_view what) {
    return fail(Errc::corrupt, "{} has data of cluster {}, but its {} is {}; restore {}, nothing was changed",
                config().data_dir, log_dir().identity()->cluster_id, machine().store.name, what, machine().store.name);
  };
  auto store = co_await machine().store.open(
      {.home = &context_.home(),
       .data_dir = config().data_dir,
       .was_made = was_made,
       .last_stop = was_made && !log_dir().was_clean() ? meta::LastStop::unclean : meta::LastStop::clean});
  if (!store && was_made && store.error().code == Errc::not_found) co_return no_metadata("missing");
  if (!store) co_return std::unexpected(std::move(store).error());
  writer_->use(*std::move(store));
  MQ_CO_TRY(const meta::Listing listing, co_await meta::list_all(writer_->store(), ""));
  Found found;
  MQ_CO_TRY(found.migration, controller::plan_migration(listing.entries, id()));
  MQ_CO_TRY(const cluster::ClusterImage image,
            cluster::ClusterImage::of_listing(listing_after(listing.entries, found.migration), listing.revision));
  MQ_CO_TRY(found.differences, co_await check_store(listing.revision, image));
  cluster_id_ = image.cluster_id();
  if (cluster_id_.is_zero() && was_made) co_return no_metadata("empty");
  if (cluster_id_.is_zero()) cluster_id_ = wanted;
  while (cluster_id_.is_zero()) machine().random.fill(cluster_id_.bytes);
  if (!wanted.is_zero() && wanted != cluster_id_)
    co_return fail(Errc::refused, "{} belongs to cluster {}, not {}", config().data_dir, cluster_id_.to_string(),
                   config().cluster_id);
  if (was_made && log_dir().identity()->cluster_id != cluster_id_.to_string())
    co_return fail(Errc::corrupt, "{}/meta.properties names cluster {}, its {} cluster {}; nothing was changed",
                   config().data_dir, log_dir().identity()->cluster_id, machine().store.name, cluster_id_.to_string());
  co_return found;
}

awaitable<Result<void>> Node::join_cluster(controller::Plan migration) {
  using cluster::ClusterImage;
  if (accepts_store_) MQ_CO_CHECK(co_await writer_->begin_acceptance());
  const bool is_moved = !migration.empty();
  MQ_CO_CHECK(co_await writer_->begin(std::move(migration)));
  if (is_moved)
    logger().info("{} was moved from an earlier format; an earlier mqd will not open it any more",
                  machine().store.name);
  if (!accepts_store_) writer_->remember_revisions();
  MQ_CO_CHECK(co_await writer_->change([this](const ClusterImage& image) -> Result<controller::Plan> {
    return controller::plan_cluster(image, cluster_id_);
  }));
  if (!log_dir().identity()) {
    Uuid directory;
    machine().random.fill(directory.bytes);
    const log::DirIdentity identity{
        .node = id(), .cluster_id = cluster_id_.to_string(), .directory_id = directory.to_string()};
    MQ_CO_CHECK(co_await machine().disk_pool.run(context_.home(),
                                                 [this, identity] { return log_dir().set_identity(identity); }));
  }
  const controller::Registration registration = this->registration();
  const auto registered = co_await writer_->change(
      [&registration](const ClusterImage& image) { return controller::plan_registration(image, registration); });
  // On a full disk a broker that is known goes on with what is known of it.
  const bool is_known = writer_->image()->find_broker(id()) != nullptr;
  if (!registered && (registered.error().code != Errc::disk_full || !is_known)) co_return registered;
  co_await writer_->install();
  for (const auto& [key, defect] : writer_->image()->defects()) logger().error("{}", defect.message);
  co_return Result<void>{};
}

controller::Registration Node::registration() const {
  controller::Registration registration{.id = id(), .directory = {}, .nonce = {}};
  (void)Uuid::parse(log_dir().identity()->directory_id, registration.directory);  // Kafka's earlier ones have none
  for (const auto& bound : listeners_) {
    if (bound->address.is_unix()) continue;  // nobody reaches it from elsewhere
    Endpoint reached = advertised(*bound, bound->address.host);
    registration.endpoints.push_back({.listener = bound->config.name,
                                      .host = std::move(reached.host),
                                      .port = static_cast<std::uint16_t>(reached.port)});
    if (registration.inter_broker_listener.empty()) registration.inter_broker_listener = bound->config.name;
  }
  if (!config().rack.empty()) registration.rack = config().rack;
  return registration;
}

awaitable<Result<Differences>> Node::check_store(meta::Revision revision, const cluster::ClusterImage& image) {
  const auto find = [&](Look look) {
    return machine().disk_pool.run(
        first_shard().shard(), [this, &image, look] { return compare(log_dir(), machine().files, image, id(), look); });
  };
  MQ_CO_TRY(Differences differences, co_await find(Look::at_names));
  const auto went_back = store_went_back(log_dir(), differences, revision.value());
  if (!went_back) {
    if (config().accept_store) logger().warn("--accept-store: there was nothing to accept; leave it out from now on");
    co_return differences;
  }
  if (!config().accept_store)
    co_return fail(
        Errc::corrupt,
        "{}/metadata.db has gone back in time: it {}. Nothing was changed. Put back a metadata.db that is as "
        "new as the logs, with its metadata.db-wal, or start once with --accept-store: what is unknown to it "
        "is then set aside as *-stray, and every leader epoch rises",
        config().data_dir, *went_back);
  logger().warn("--accept-store: metadata.db has gone back in time, it {}; going on with what it has", *went_back);
  accepts_store_ = true;
  co_return co_await find(Look::at_topic_ids);
}

awaitable<Result<void>> Node::end_acceptance() {
  MQ_CO_CHECK(co_await producer_ids_->pass_over_lost());
  accepts_store_ = false;
  co_return co_await writer_->end_acceptance();
}

awaitable<Result<void>> Node::open_partitions(std::vector<Differences::Missing> missing) {
  std::vector<UncertainLog> uncertain;
  // Before they are made again: else the next start would take them for what was there before.
  for (const Differences::Missing& log : missing)
    if (log.is_lost || accepts_store_) uncertain.push_back({.topic_id = log.topic->id, .partition = log.partition});
  MQ_CO_TRY(const bool may_make_lost, co_await raise_epochs(uncertain));
  LateWork late;
  std::vector<Differences::Missing> to_make;
  for (Differences::Missing& log : missing)
    (log.is_lost && !may_make_lost ? late.to_make : to_make).push_back(std::move(log));
  MQ_CO_TRY(const auto left, co_await topics_->make_missing(std::move(to_make)));
  late.to_make.insert(late.to_make.end(), left.begin(), left.end());

  std::set<std::pair<Uuid, PartitionId>> not_made;
  for (const Differences::Missing& log : late.to_make) not_made.emplace(log.topic->id, PartitionId{log.partition});
  uncertain.clear();
  for (auto& opened :
       co_await on_every_shard(*this, [&not_made](ShardBroker& shard) { return shard.open_logs(not_made); })) {
    if (!opened) co_return std::unexpected(std::move(opened).error());
    uncertain.insert(uncertain.end(), opened->begin(), opened->end());
  }
  MQ_CO_TRY(const bool are_raised, co_await raise_epochs(uncertain));
  if (!are_raised) late.to_raise = std::move(uncertain);
  if (late.to_make.empty()) MQ_CO_CHECK(co_await log_keeper_->settle());
  if (late.to_raise.empty() && late.to_make.empty()) co_return Result<void>{};
  // What was proven can be read meanwhile.
  co_await hold_appends(late.to_raise);
  disk_space().put_off([this, work = std::make_shared<LateWork>(std::move(late))] { return do_late(work); });
  co_return Result<void>{};
}

awaitable<Result<bool>> Node::raise_epochs(const std::vector<UncertainLog>& logs) {
  if (logs.empty()) co_return true;
  logger().info("raising the leader epoch of {} partitions, whose last records may be lost", logs.size());
  const auto raised = co_await topics_->raise_epochs(logs);
  // Metadata that has gone back is accepted as a whole or not at all.
  if (!raised && (raised.error().code != Errc::disk_full || accepts_store_)) co_return fail(raised.error());
  co_return raised.has_value();
}

awaitable<bool> Node::do_late(std::shared_ptr<LateWork> work) {
  std::vector<UncertainLog> uncertain = work->to_raise;
  for (const Differences::Missing& log : work->to_make)
    if (log.is_lost) uncertain.push_back({.topic_id = log.topic->id, .partition = log.partition});
  if (!uncertain.empty()) {
    if (!co_await topics_->raise_epochs(uncertain)) co_return false;
    logger().info("raised the leader epoch of {} partitions, which take appends now", uncertain.size());
  }
  work->to_raise.clear();
  for (Differences::Missing& log : work->to_make) log.is_lost = false;  // their epochs are above all that they had
  auto left = co_await topics_->make_missing(std::exchange(work->to_make, {}));
  if (!left) co_return true;  // the disk failed, or a directory is in the way: the next start says so
  work->to_make = *std::move(left);
  if (!work->to_make.empty()) co_return false;
  if (auto settled = co_await log_keeper_->settle(); !settled && settled.error().code == Errc::disk_failed)
    disk_health().disk_failed(settled.error());
  co_return true;
}

awaitable<void> Node::hold_appends(const std::vector<UncertainLog>& logs) {
  for (const auto& shard : shards_)
    co_await env::on_shard(first_shard().shard(), shard->shard(), [&shard, &logs] {
      for (const UncertainLog& log : logs)
        if (Partition* partition = shard->find(log.topic_id, log.partition)) partition->hold_appends();
    });
}

awaitable<Result<void>> Node::tidy_up(const Differences& found) {
  const ImagePtr image = writer_->image();
  MQ_CO_TRY(const Tidied tidied, co_await log_keeper_->tidy(found, image));
  first_shard().metrics().gauge(Metric::stray_directories).set(static_cast<std::int64_t>(tidied.strays));
  std::vector<Uuid> gone;
  for (const auto& [id, tombstone] : image->tombstones())
    if (!tidied.deleted_left.contains(id)) gone.push_back(id);
  Result<void> done;
  if (!gone.empty()) done = co_await topics_->forget(std::move(gone));
  if (done && !(image->creations().empty() && image->loose_partitions().empty())) done = co_await topics_->sweep();
  // On a full disk we start all the same: consumers want to read, and nothing rests on this.
  if (!done && done.error().code != Errc::disk_full) co_return done;
  if (!done)
    logger().warn("what metadata has of deleted topics could not be erased: {}; the next start tries again",
                  done.error().message);
  co_return Result<void>{};
}

meta::MetadataStore& Node::store() const { return writer_->store(); }

// --- All shards ------------------------------------------------------------------------------------------------------

awaitable<bool> Node::install(ImagePtr image) {
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

awaitable<bool> Node::take(Uuid topic) {
  for (const auto& shard : shards_) {
    auto taken = co_await await_on(first_shard(), *shard, [&shard, topic] { return shard->remove(topic); });
    // The logs are destroyed on the pool: closing many files takes a while, and nobody can reach them any more.
    co_await machine().disk_pool.run(context_.home(), [taken = std::move(taken)]() mutable { taken.clear(); });
  }
  co_return true;
}

awaitable<bool> Node::topic_deleted(std::string topic) {
  for (const auto& shard : shards_)
    co_await env::on_shard(context_.home(), shard->shard(),
                           [&shard, &topic] { shard->groups().image_changed({.topics_deleted = {topic}}); });
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
  context_.life.begin_stop();
  co_await acceptor_->stop();
  co_await context_.synced_ends.stop();
  co_await disk_space().stop();
  co_await end_serving();
  co_await topics_->stop();
  // What a start that did not come to its end has not looked at is as the last process left it.
  bool clean = is_open_ && !is_offline();
  for (const bool closed : co_await on_every_shard(*this, [](ShardBroker& shard) { return shard.close_logs(); }))
    clean = clean && closed;
  if (is_open_) {
    if (auto closed = co_await writer_->store().close(); !closed) {
      logger().warn("the metadata store did not close well: {}; the next start checks it", closed.error().message);
      clean = false;
    }
  }
  if (clean) {
    const auto mark = [&] { return machine().disk_pool.run(home, [this] { return log_dir().finish_clean(); }); };
    auto marked = co_await disk_space().with_reserve(home, mark);
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
