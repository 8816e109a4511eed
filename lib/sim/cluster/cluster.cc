#include "sim/cluster/cluster.h"

#include <fmt/format.h>

#include "base/assert.h"
#include "broker/shard_broker.h"
#include "meta/sqlite/sqlite_store.h"

namespace mq::sim {
namespace {

awaitable<Result<std::unique_ptr<meta::MetadataStore>>> connect(ModelMetadata& model, meta::StoreOpening opening) {
  co_return model.connect(*opening.home);
}

/// What a broker keeps on the shard that has just run a task is consistent.
void check_invariants(const broker::Node& node) {
  for (const auto& shard : node.shards()) {
    if (!shard->shard().is_current()) continue;
    shard->check_invariants();
    if (shard.get() == &node.first_shard()) node.check_invariants();
  }
}

}  // namespace

/// Goes with the process, after the broker.
class Broker::Presence {
 public:
  explicit Presence(Broker& broker) : broker_(broker) {}
  Presence(const Presence&) = delete;
  Presence& operator=(const Presence&) = delete;
  ~Presence() { broker_.node_ = nullptr; }

 private:
  Broker& broker_;
};

Broker::Broker(World& world, const std::string& host, const ClusterOptions& options, ModelMetadata* model)
    : world_(world),
      machine_(world.add_machine(host, options.machine)),
      model_(model),
      is_one_of_several_(options.brokers > 1),
      disk_pool_(options.disk_pool),
      descriptors_max_(options.descriptors_max) {}

Result<void> Broker::start() {
  make();
  world_.run(machine_, run_start(), 1min);
  return *started_;
}

void Broker::begin_start() {
  make();
  machine_.spawn(run_start());
}

awaitable<void> Broker::run_start() { started_ = co_await node_->start(); }

bool Broker::stop(Duration at_most) {
  const bool was_clean = world_.run(machine_, node().stop(), at_most);
  kill();
  return was_clean;
}

void Broker::kill() {
  machine_.kill();
  machine_.start();
}

void Broker::lose_power(PowerLoss how) { machine_.lose_power(how); }

broker::Node& Broker::node() const {
  MQ_ASSERT(node_ != nullptr);
  return *node_;
}

void Broker::make() {
  MQ_ASSERT(node_ == nullptr);
  started_.reset();
  if (!machine_.is_running()) machine_.start();
  broker::NodeEnv env{.shards = machine_.shards(),
                      .files = machine_.files(),
                      .disk_pool = disk_pool_ ? *disk_pool_() : machine_.pool(),
                      .metadata_pool = machine_.metadata_pool(),
                      .random = machine_.random(),
                      .logger = machine_.logger(),
                      .store = store(),
                      .store_alone = store_alone(),
                      .descriptors_max = descriptors_max_};
  machine_.make<Presence>(*this);
  node_ = &machine_.make<broker::Node>(std::move(env), config);
}

meta::StoreSource Broker::store_alone() const {
  return meta::sqlite_source(machine_.files(), machine_.metadata_pool(), machine_.random(), machine_.logger());
}

meta::StoreSource Broker::store() const {
  if (model_ == nullptr || is_alone) return store_alone();
  return {.name = "the model", .is_shared = is_one_of_several_, .open = [model = model_](meta::StoreOpening opening) {
            return connect(*model, std::move(opening));
          }};
}

Cluster::Cluster(std::uint64_t seed, ClusterOptions options)
    : world_(seed, options.world), clock_(world_.scheduler()), model_(clock_) {
  MQ_ASSERT(options.brokers == 1 || (options.brokers > 1 && options.store == Store::model));
  for (int index = 0; index < options.brokers; ++index) {
    ModelMetadata* const model = options.store == Store::model ? &model_ : nullptr;
    Broker& added = *brokers_.emplace_back(std::make_unique<Broker>(world_, host_of(index), options, model));
    added.config.node_id = BrokerId{index + 1};
    added.config.data_dir = kDataDir;
    added.config.listeners.push_back({.address = {.host = "", .port = Broker::kPort, .path = {}}});
    if (options.brokers > 1) {
      added.config.listeners.front().advertised_host = host_of(index);
      added.config.topic_defaults["min.insync.replicas"] = "2";
    }
    if (options.configure) options.configure(added.config);
  }
  witness_ = world_.scheduler().after_each_task([this] {
    for (const auto& broker : brokers_)
      if (broker->is_made()) check_invariants(broker->node());
  });
}

Cluster::~Cluster() {
  for (const auto& broker : brokers_)  // what runs on their machines knows them and the store
    if (broker->machine().is_running()) broker->machine().kill();
}

std::string Cluster::host_of(int index) { return fmt::format("broker-{}", index + 1); }

std::vector<env::Address> Cluster::addresses() const {
  std::vector<env::Address> all;
  for (const auto& broker : brokers_) all.push_back(broker->address());
  return all;
}

Result<void> Cluster::start() {
  for (const auto& broker : brokers_) MQ_CHECK(broker->start());
  return {};
}

}  // namespace mq::sim
