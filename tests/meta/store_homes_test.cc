// The back ends that the contract is tested on. A new one is one more class and one more row in contract_test.cc.

#include <optional>

#include "meta/etcd/etcd_store.h"
#include "meta/etcd_server.h"
#include "meta/running_shard.h"
#include "meta/sqlite/sqlite_store.h"
#include "meta/store_contract.h"
#include "meta/zookeeper/zookeeper_store.h"
#include "meta/zookeeper_server.h"
#include "posix/runtime.h"
#include "posix/temporary_directory.h"
#include "sim/machine/model_metadata.h"
#include "sim/machine/world.h"

namespace mq::meta {
namespace {

/// A process of one simulated node; derived classes say how it opens its store.
class SimulatedHome : public StoreHome {
 public:
  [[nodiscard]] MetadataStore& store() override { return *store_; }
  [[nodiscard]] env::Shard& shard() override { return node_.shard(0); }
  void restart(Restart how) override {
    if (how == Restart::cleanly) EXPECT_TRUE(run(store_->close()));
    store_.reset();
    node_.kill();
    node_.start();
    open(how == Restart::cleanly ? LastStop::clean : LastStop::unclean);
  }

 protected:
  virtual void open(LastStop last_stop) = 0;
  void drive(awaitable<void> task) override { world_.run(node_, std::move(task)); }

  sim::World world_{1};
  sim::Machine& node_ = world_.add_machine("a");
  std::unique_ptr<MetadataStore> store_;
};

class ModelHome final : public SimulatedHome {
 public:
  ModelHome() { open(LastStop::clean); }
  ~ModelHome() override { store_.reset(); }

 private:
  void open(LastStop /*last_stop*/) override { store_ = model_.connect(node_.shard(0)); }
  sim::ModelMetadata model_{node_.clock()};
};

class SqliteSimulatedHome final : public SimulatedHome {
 public:
  SqliteSimulatedHome() {
    EXPECT_TRUE(node_.files().make_directories("/data"));
    open(LastStop::clean);
  }

 private:
  void open(LastStop last_stop) override {
    auto opened = run(open_sqlite_store(node_.files(), node_.metadata_pool(), node_.shard(0), "/data/metadata.db",
                                        node_.random(), node_.logger(), last_stop));
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
  }
};

class SqliteRealHome final : public StoreHome {
 public:
  SqliteRealHome() { open(LastStop::clean); }

  [[nodiscard]] MetadataStore& store() override { return *store_; }
  [[nodiscard]] env::Shard& shard() override { return runtime_.shard(0); }
  void restart(Restart how) override {
    if (how == Restart::cleanly) EXPECT_TRUE(run(store_->close()));
    store_.reset();
    open(how == Restart::cleanly ? LastStop::clean : LastStop::unclean);
  }

 protected:
  void drive(awaitable<void> task) override {
    runtime_.run([&task]() -> awaitable<int> {
      co_await std::move(task);
      co_return 0;
    });
  }

 private:
  void open(LastStop last_stop) {
    auto opened =
        run(open_sqlite_store(runtime_.files(), runtime_.pool(), runtime_.shard(0), directory_.file("metadata.db"),
                              runtime_.random(), runtime_.logger(), last_stop));
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
  }

  posix::Runtime runtime_{{.shards = 1, .pool_threads = 2, .log = {.level = env::LogLevel::error}}};
  posix::TemporaryDirectory directory_;
  std::unique_ptr<MetadataStore> store_;
};

/// A process of this machine with an etcd of its own.
class EtcdHome final : public StoreHome {
 public:
  EtcdHome() { open(); }
  ~EtcdHome() override { drop(); }

  [[nodiscard]] MetadataStore& store() override { return *store_; }
  [[nodiscard]] env::Shard& shard() override { return running_.shard(); }
  void restart(Restart how) override {
    if (how == Restart::cleanly) EXPECT_TRUE(run(store_->close()));
    drop();
    open();
  }

 protected:
  void drive(awaitable<void> task) override { running_.run(std::move(task)); }

 private:
  void open() {
    auto opened = run(open_etcd_store(shard(), running_.runtime().logger(), {.url = servers_.url(), .password = {}}));
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
  }
  void drop() {
    running_.call([this] { store_.reset(); });
  }

  EtcdServers servers_;
  RunningShard running_;
  std::unique_ptr<MetadataStore> store_;
};

class ZooKeeperHome final : public StoreHome {
 public:
  ZooKeeperHome() { open(); }

  [[nodiscard]] MetadataStore& store() override { return *store_; }
  [[nodiscard]] env::Shard& shard() override { return running_.shard(); }
  void restart(Restart how) override {
    if (how == Restart::cleanly) EXPECT_TRUE(run(store_->close()));
    store_.reset();
    open();
  }

 protected:
  void drive(awaitable<void> task) override { running_.run(std::move(task)); }

 private:
  void open() {
    posix::Runtime& runtime = running_.runtime();
    auto opened = run(open_zookeeper_store(runtime.pool(), shard(), runtime.random(), runtime.logger(), place_, false));
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = running_.own(*std::move(opened));
  }

  const ZooKeeperPlace place_ = ZooKeeperServer::shared().place(ZooKeeperServer::fresh_prefix());
  RunningShard running_;
  RunningShard::Store store_;
};

}  // namespace

std::unique_ptr<StoreHome> make_model_home() { return std::make_unique<ModelHome>(); }
std::unique_ptr<StoreHome> make_sqlite_home_in_simulation() { return std::make_unique<SqliteSimulatedHome>(); }
std::unique_ptr<StoreHome> make_sqlite_home_on_real_files() { return std::make_unique<SqliteRealHome>(); }
std::unique_ptr<StoreHome> make_etcd_home() { return std::make_unique<EtcdHome>(); }
std::unique_ptr<StoreHome> make_zookeeper_home() { return std::make_unique<ZooKeeperHome>(); }

}  // namespace mq::meta
