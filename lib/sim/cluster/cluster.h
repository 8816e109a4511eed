#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "broker/node.h"
#include "broker/node_config.h"
#include "env/network.h"
#include "meta/store_source.h"
#include "sim/machine/disk.h"
#include "sim/machine/machine.h"
#include "sim/machine/model_metadata.h"
#include "sim/machine/world.h"

namespace mq::sim {

/// Where brokers keep their metadata.
enum class Store {
  sqlite,  ///< in the data directory, on the simulated disk: for a cluster of one
  model,   ///< a service beside them, which stays when they go
};

struct ClusterOptions {
  int brokers = 1;
  Store store = Store::sqlite;
  WorldOptions world = {};
  std::size_t descriptors_max = 0;  ///< that the process of each broker may have open; 0: without limit
  MachineOptions machine = {};      ///< of each broker
  /// Changes the settings of each broker before its first start.
  std::function<void(broker::NodeConfig&)> configure = {};
  std::function<env::Pool*()> disk_pool = {};  ///< asked at each start for the pool to give; empty: the machine's
};

/// One broker of a cluster: its machine, and the process on it while it runs. The only way to start a broker on a
/// simulated machine.
class Broker {
 public:
  static constexpr std::uint16_t kPort = 9092;

  Broker(World& world, const std::string& host, const ClusterOptions& options, ModelMetadata* model);
  Broker(const Broker&) = delete;
  Broker& operator=(const Broker&) = delete;

  /// What the next start is told.
  broker::NodeConfig config;
  bool is_alone = false;  ///< the next start has its metadata in its data directory, whatever the others do

  [[nodiscard]] Machine& machine() const { return machine_; }
  [[nodiscard]] const std::string& host() const { return machine_.host(); }
  [[nodiscard]] env::Address address() const { return {.host = host(), .port = kPort, .path = {}}; }

  /// Switches the machine on if need be, starts the broker, and runs the world until it serves or has failed: within a
  /// minute, asserted. One that has failed is there until it is stopped or killed.
  Result<void> start();
  /// Only begins with it.
  void begin_start();
  /// What came of the last start, once it has served or failed.
  [[nodiscard]] const std::optional<Result<void>>& started() const { return started_; }
  /// A clean stop, within `at_most` (asserted), and the end of the process. False: the next start checks the logs.
  bool stop(Duration at_most = 1min);
  /// `kill -9`. The machine stays on.
  void kill();
  /// The machine is off until the next start.
  void lose_power(PowerLoss how = PowerLoss::any);

  /// It was made and its process has not ended, however that may happen.
  [[nodiscard]] bool is_made() const { return node_ != nullptr; }
  [[nodiscard]] broker::Node& node() const;

 private:
  class Presence;

  void make();
  awaitable<void> run_start();
  [[nodiscard]] meta::StoreSource store() const;
  [[nodiscard]] meta::StoreSource store_alone() const;

  World& world_;
  Machine& machine_;
  ModelMetadata* model_;    ///< null: SQLite
  bool is_one_of_several_;  ///< which share the store
  std::function<env::Pool*()> disk_pool_;
  std::size_t descriptors_max_;
  broker::Node* node_ = nullptr;
  std::optional<Result<void>> started_;
};

/// N brokers, their metadata store and their clients: one world, one thread, one seed.
class Cluster {
 public:
  /// The machines of the brokers are on; no broker runs.
  explicit Cluster(std::uint64_t seed, ClusterOptions options = {});
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;
  ~Cluster();

  /// Of the broker with this index, in the network.
  [[nodiscard]] static std::string host_of(int index);
  /// Where the brokers keep what they know.
  static constexpr const char* kDataDir = "/var/lib/mq";

  [[nodiscard]] World& world() { return world_; }
  [[nodiscard]] Rng& rng() { return world_.rng(); }
  [[nodiscard]] int size() const { return static_cast<int>(brokers_.size()); }
  [[nodiscard]] Broker& broker(int index = 0) { return *brokers_.at(static_cast<std::size_t>(index)); }
  [[nodiscard]] std::vector<env::Address> addresses() const;
  /// Starts one after the other; the first failure ends it.
  Result<void> start();
  /// For troubles; it is used with Store::model only.
  [[nodiscard]] ModelMetadata& model_store() { return model_; }
  /// The model store loses all that it knows, while no broker runs.
  void forget_metadata() { model_.forget(); }
  /// A machine of its own for a client.
  Machine& add_client(const std::string& host) { return world_.add_machine(host, {.shards = 1}); }

 private:
  World world_;
  Clock clock_;  ///< of the model store
  ModelMetadata model_;
  std::vector<std::unique_ptr<Broker>> brokers_;
  Witness witness_;
};

}  // namespace mq::sim
