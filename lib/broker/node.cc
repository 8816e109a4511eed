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
#include "broker/group_service.h"
#include "broker/producer_ids.h"
#include "broker/request_room.h"
#include "broker/settings.h"
#include "broker/shard_broker.h"
#include "broker/topics.h"
#include "cluster/records.h"
#include "log/directory_contents.h"

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
  topics_ = std::make_unique<Topics>(*this);
  producer_ids_ = std::make_unique<ProducerIds>(*this);
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
  MQ_CO_TRY(auto metadata, co_await open_metadata(wanted));
  co_await disk_space().open_reserve();
  MQ_CO_CHECK(co_await machine().disk_pool.run(home, [this] { return log_dir().begin_writing(); }));
  revision_ = metadata.revision;
  if (accepts_store_) MQ_CO_CHECK(co_await remember_revision(kBeingAccepted));
  note_revision();
  MQ_CO_CHECK(co_await tidy_up(std::move(metadata)));
  const Instant recovery_begun = home.now();
  if (unclean)
    logger().info("the last stop was not clean; checking what {} partitions had not synced",
                  first_shard().image()->partition_count());
  MQ_CO_CHECK(co_await open_partitions());
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

awaitable<Result<Node::OpenedMetadata>> Node::open_metadata(Uuid wanted) {
  env::Shard& home = first_shard().shard();
  const bool was_made = log_dir().identity().has_value();
  // F-16: metadata that is lost must not look like "no data".
  const auto no_metadata = [this](std::string_view what) {
    return fail(Errc::corrupt, "{} has data of cluster {}, but its {} is {}; restore {}, nothing was changed",
                config().data_dir, log_dir().identity()->cluster_id, machine().store.name, what, machine().store.name);
  };
  auto store = co_await machine().store.open(
      {.home = &home,
       .data_dir = config().data_dir,
       .was_made = was_made,
       .last_stop = was_made && !log_dir().was_clean() ? meta::LastStop::unclean : meta::LastStop::clean});
  if (!store && was_made && store.error().code == Errc::not_found) co_return no_metadata("missing");
  if (!store) co_return std::unexpected(std::move(store).error());
  store_ = *std::move(store);
  MQ_CO_TRY(const meta::Listing listing, co_await meta::list_all(*store_, ""));
  std::vector<cluster::KeyValue> records;
  records.reserve(listing.entries.size());
  for (const meta::KeyValue& entry : listing.entries) records.push_back({entry.key, entry.value});
  MQ_CO_TRY(cluster::ClusterImage image, cluster::from_records(records));
  topics_->take_over(listing);
  OpenedMetadata opened{.revision = listing.revision};
  MQ_CO_TRY(opened.unclaimed, co_await check_store(listing.revision, image));

  cluster_id_ = image.cluster_id();
  if (cluster_id_.is_zero()) {
    if (log_dir().identity()) co_return no_metadata("empty");
    cluster_id_ = wanted;
    while (cluster_id_.is_zero()) machine().random.fill(cluster_id_.bytes);
    image = image.with_cluster_id(cluster_id_);
    cluster::KeyValue record = cluster::cluster_record(cluster_id_);
    meta::Transaction transaction;
    transaction.compares.push_back(meta::Compare::absent(record.key));
    transaction.ops.push_back(meta::Op::put(std::move(record.key), std::move(record.value)));
    machine().random.fill(transaction.write_id);
    MQ_CO_TRY(opened.revision, co_await store_->transact(std::move(transaction)));
  }
  if (!wanted.is_zero() && wanted != cluster_id_)
    co_return fail(Errc::refused, "{} belongs to cluster {}, not {}", config().data_dir, cluster_id_.to_string(),
                   config().cluster_id);
  if (log_dir().identity() && log_dir().identity()->cluster_id != cluster_id_.to_string())
    co_return fail(Errc::corrupt,
                   "{}/meta.properties names cluster {}, its metadata.db cluster {}; nothing was changed",
                   config().data_dir, log_dir().identity()->cluster_id, cluster_id_.to_string());
  if (!log_dir().identity()) {
    Uuid directory;
    machine().random.fill(directory.bytes);
    const log::DirIdentity identity{
        .node = config().node_id, .cluster_id = cluster_id_.to_string(), .directory_id = directory.to_string()};
    MQ_CO_CHECK(co_await machine().disk_pool.run(home, [this, identity] { return log_dir().set_identity(identity); }));
  }
  const auto shared = std::make_shared<const cluster::ClusterImage>(std::move(image));
  for (const auto& shard : shards_)
    co_await env::on_shard(home, shard->shard(), [&shard, shared] { shard->install(shared); });
  opened.orphans = cluster::orphan_keys(records, *shared);
  co_return opened;
}

awaitable<Result<Unclaimed>> Node::check_store(meta::Revision revision, const cluster::ClusterImage& image) {
  const auto find = [&](Look look) {
    return machine().disk_pool.run(first_shard().shard(), [this, &image, look] {
      return find_unclaimed(log_dir(), machine().files, image, look);
    });
  };
  MQ_CO_TRY(Unclaimed unclaimed, co_await find(Look::at_names));
  const auto went_back = store_went_back(log_dir(), unclaimed, revision.value());
  if (!went_back) {
    if (config().accept_store) logger().warn("--accept-store: there was nothing to accept; leave it out from now on");
    co_return unclaimed;
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
  co_return co_await remember_revision(revision_.value());
}

awaitable<Result<void>> Node::remember_revision(std::int64_t revision) {
  co_return co_await machine().disk_pool.run(first_shard().shard(), [this, revision] {
    log_dir().note_metadata_revision(revision);
    return log_dir().sync_synced_ends();
  });
}

awaitable<Result<meta::Revision>> Node::commit(meta::Transaction transaction) {
  machine().random.fill(transaction.write_id);
  auto committed = co_await store_->transact(std::move(transaction));
  if (committed) {
    revision_ = std::max(revision_, *committed);
    note_revision();
    // Before anybody is answered, so that a kill -9 now does not lose it. Made durable soon. Not on the pool of the
    // logs: a sync of theirs that hangs holds up no metadata.
    auto written =
        co_await machine().metadata_pool.run(first_shard().shard(), [this] { return log_dir().write_noted(); });
    if (!written && written.error().code == Errc::disk_failed) disk_health().disk_failed(written.error());
  }
  if (!committed && committed.error().code == Errc::disk_failed) disk_health().disk_failed(committed.error());
  co_return committed;
}

void Node::note_revision() {
  if (accepts_store_) return;  // a crash now must find that it was being accepted
  log_dir().note_metadata_revision(revision_.value());
  context_.synced_ends.note();
}

awaitable<Result<void>> Node::open_partitions() {
  std::vector<UncertainLog> uncertain;
  for (auto& found : co_await on_every_shard(*this, [](ShardBroker& shard) { return shard.open_logs(); })) {
    if (!found) co_return std::unexpected(std::move(found).error());
    uncertain.insert(uncertain.end(), found->begin(), found->end());
  }
  Result<void> raised;
  if (!uncertain.empty()) {
    logger().info("raising the leader epoch of {} partitions, whose last records may be lost", uncertain.size());
    raised = co_await topics_->raise_epochs(uncertain);
    // Metadata that has gone back is accepted as a whole or not at all.
    if (!raised && (raised.error().code != Errc::disk_full || accepts_store_)) co_return raised;
  }
  // What was proven can be read meanwhile.
  if (raised) co_return Result<void>{};
  co_await hold_appends(uncertain);
  disk_space().put_off([this, logs = std::move(uncertain)] { return raise_epochs_late(logs); });
  co_return Result<void>{};
}

awaitable<void> Node::hold_appends(const std::vector<UncertainLog>& logs) {
  for (const auto& shard : shards_)
    co_await env::on_shard(first_shard().shard(), shard->shard(), [&shard, &logs] {
      for (const UncertainLog& log : logs)
        if (Partition* partition = shard->find(log.topic_id, log.partition)) partition->hold_appends();
    });
}

awaitable<bool> Node::raise_epochs_late(std::vector<UncertainLog> logs) {
  const std::size_t count = logs.size();
  if (!co_await topics_->raise_epochs(std::move(logs))) co_return false;
  logger().info("raised the leader epoch of {} partitions, which take appends now", count);
  co_return true;
}

awaitable<Result<void>> Node::tidy_up(OpenedMetadata found) {
  const auto image = first_shard().image();
  MQ_CO_TRY(const Tidied tidied, co_await machine().disk_pool.run(first_shard().shard(), [&] {
    return broker::tidy_up(log_dir(), machine().files, *image, found.unclaimed, machine().random, logger());
  }));
  first_shard().metrics().gauge(Metric::stray_directories).set(static_cast<std::int64_t>(tidied.strays));
  std::vector<Uuid> gone;
  for (const auto& [id, tombstone] : image->tombstones())
    if (!tidied.deleted_left.contains(id)) gone.push_back(id);
  if (gone.empty() && found.orphans.empty()) co_return Result<void>{};
  if (auto done = co_await topics_->forget(std::move(gone), std::move(found.orphans)); !done) {
    // On a full disk we start all the same: consumers want to read, and nothing rests on this.
    if (done.error().code != Errc::disk_full) co_return done;
    logger().warn("what metadata has of deleted topics could not be erased: {}; the next start tries again",
                  done.error().message);
  }
  co_return Result<void>{};
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
  // What a start that did not come to its end has not looked at is as the last process left it.
  bool clean = is_open_ && !is_offline();
  for (const bool closed : co_await on_every_shard(*this, [](ShardBroker& shard) { return shard.close_logs(); }))
    clean = clean && closed;
  if (is_open_) {
    if (auto closed = co_await store_->close(); !closed) {
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
