// Metadata that has gone back in time: an older file was put back, or SQLite drops what follows a flipped bit. It must
// not pass for "these topics do not exist".

#include <fmt/format.h>

#include <map>
#include <string>

#include "base/crc32c.h"
#include "base/cursor.h"
#include "broker/producer_ids.h"
#include "broker_fixture.h"
#include "log/directory_contents.h"
#include "seeds.h"

namespace mq::broker {
namespace {

constexpr const char* kStore = "/var/lib/mq/metadata.db";
constexpr const char* kStoreLog = "/var/lib/mq/metadata.db-wal";
constexpr const char* kSyncedEnds = "/var/lib/mq/mq-synced-ends";
constexpr const char* kCleanMarker = "/var/lib/mq/.kafka_cleanshutdown";

class StoreWentBack : public testing::BrokerTest {
 protected:
  void produce(const std::string& topic, int records) {
    run([](sim::Machine& client, std::string to, int count) -> awaitable<void> {
      auto peer = co_await testing::Peer::connect(client);
      const std::string batch = testing::make_batch({});
      for (int i = 0; i < count; ++i) {
        const auto answer = co_await peer->call(testing::produce_request(to, 0, batch), testing::kProduceVersion);
        EXPECT_EQ(testing::only_row(answer).error_code, ErrorCode::kNone);
      }
      peer->close();
    }(*client_, topic, records));
  }
  std::int64_t next_producer_id() { return world_->run(*machine_, node_->producer_ids().next(), 1min).value().value(); }
  [[nodiscard]] const cluster::Topic* find(const std::string& topic) {
    return node_->first_shard().image()->find_topic(std::string_view(topic));
  }
  [[nodiscard]] std::int32_t epoch_of(const std::string& topic) {
    return find(topic)->find_partition(0)->leader_epoch.value();
  }

  void stop() { broker_->stop(); }
  void kill() { broker_->kill(); }
  /// As the daemon does it: a start that failed is stopped.
  Error refused() {
    const std::map<std::string, std::string> before = everything();
    auto started = try_start_node();
    EXPECT_FALSE(started);
    stop();
    EXPECT_EQ(everything(), before) << "the refused start has changed something";
    return started ? Error{} : started.error();
  }
  void accept() {
    config_.accept_store = true;
    start_node();
    config_.accept_store = false;
  }

  std::string read(const std::string& path) { return env::read_whole(machine_->files(), path).value(); }
  void write(const std::string& path, BytesView contents) {
    auto file = machine_->files().open(path, env::OpenMode::create).value();
    ASSERT_TRUE(file->truncate(0));
    ASSERT_TRUE(file->write_at(0, contents));
    ASSERT_TRUE(file->sync());
  }
  /// Every file below the data directory, but the lock.
  std::map<std::string, std::string> everything(const std::string& directory = "/var/lib/mq") {
    std::map<std::string, std::string> found;
    for (const env::DirEntry& entry : machine_->files().list(directory).value()) {
      const std::string path = directory + "/" + entry.name;
      if (entry.is_directory) {
        found[path] = "(directory)";
        found.merge(everything(path));
      } else if (entry.name != ".lock") {
        found[path] = read(path);
      }
    }
    return found;
  }
  [[nodiscard]] int strays(const std::string& topic) {
    int count = 0;
    for (const env::DirEntry& entry : machine_->files().list("/var/lib/mq").value())
      if (entry.name.starts_with(topic + "-") && entry.name.ends_with("-stray")) ++count;
    return count;
  }
  /// As a directory that was written by a version which remembered no revision.
  void forget_revision() {
    std::string ends = read(kSyncedEnds);
    constexpr std::size_t kWriteIdBytes = 16;
    const std::string of_metadata("\3\0\0\0", 4);  // behind the write id
    std::string free(28, '\0');
    Writer(free).be(crc32c(free));
    for (std::size_t slot = 32; slot + 32 <= ends.size(); slot += 32)
      if (ends.compare(slot + kWriteIdBytes, of_metadata.size(), of_metadata) == 0)
        ends.replace(slot, free.size(), free);
    write(kSyncedEnds, ends);
  }
};

TEST_F(StoreWentBack, AnOlderFilePutBackEndsTheStartAndNamesWhatWouldVanish) {
  start();
  create_topic("kept", 1);
  produce("kept", 3);
  stop();
  const std::string older = read(kStore);
  start_node();
  create_topic("young", 3);
  create_topic("other", 1);
  produce("young", 2);
  stop();
  write(kStore, older);

  const Error why = refused();
  EXPECT_EQ(why.code, Errc::corrupt);
  for (const char* part : {"metadata.db has gone back in time: it is at revision", "was on disk once",
                           "unknown to it are other (1 partition), young (3 partitions)", "--accept-store"})
    EXPECT_NE(why.message.find(part), std::string::npos) << why.message;
  EXPECT_TRUE(machine_->files().exists(kCleanMarker).value()) << "the mqd with the right metadata.db starts as before";

  accept();
  EXPECT_EQ(find("young"), nullptr);
  EXPECT_EQ(strays("young"), 1) << "the other two hold no record";
  EXPECT_EQ(log_end("kept"), 3);
  EXPECT_EQ(epoch_of("kept"), 1);
  create_topic("young", 1);
  produce("young", 1);
  restart();
  EXPECT_EQ(log_end("young"), 1);
}

TEST_F(StoreWentBack, ATopicThatWasAnsweredJustBeforeAKillIsMissed) {
  start();
  create_topic("kept", 1);
  produce("kept", 1);
  world_->run_for(1s);
  const std::string older = read(kStoreLog);
  create_topic("young", 1);
  kill();
  write(kStoreLog, older);
  EXPECT_NE(refused().message.find("young (1 partition)"), std::string::npos);
}

TEST_F(StoreWentBack, TransactionsThatAFlippedBitTakesFromTheLogAreMissed) {
  start();
  create_topic("kept", 1);
  produce("kept", 1);
  world_->run_for(1s);
  const std::size_t good = read(kStoreLog).size();
  for (int i = 0; i < 5; ++i) {
    create_topic(fmt::format("young-{}", i), 1);
    produce(fmt::format("young-{}", i), 1);
  }
  world_->run_for(1s);
  machine_->disk().flip_bits(kStoreLog, good + 100, 0x10);
  broker_->lose_power(sim::PowerLoss::drop_all);
  const Error why = refused();
  EXPECT_EQ(why.code, Errc::corrupt);
  EXPECT_NE(why.message.find("young-0 (1 partition)"), std::string::npos) << why.message;
  accept();
  EXPECT_EQ(log_end("kept"), 1);
  EXPECT_EQ(strays("young-4"), 1);
}

TEST_F(StoreWentBack, LogsWithRecordsTellItWhereNoRevisionIsRemembered) {
  start();
  create_topic("kept", 1);
  stop();
  const std::string older = read(kStore);
  start_node();
  create_topic("young", 1);
  produce("young", 1);
  stop();
  forget_revision();
  const std::string newer = read(kStore);
  write(kStore, older);
  EXPECT_NE(refused().message.find("does not know logs that it has named once; unknown to it are young (1 partition)"),
            std::string::npos);
  // Without the remembered revision, and with the right metadata, all is as it was.
  write(kStore, newer);
  start_node();
  EXPECT_EQ(log_end("young"), 1);
}

TEST_F(StoreWentBack, EpochsRiseAboveAllThatTheLogsHave) {
  start();
  create_topic("t", 1);
  stop();
  const std::string older = read(kStore);
  start_node();
  for (int round = 0; round < 3; ++round) {
    produce("t", 1);
    kill();
    start_node();
  }
  produce("t", 1);
  ASSERT_EQ(epoch_of("t"), 3);
  stop();
  write(kStore, older);
  EXPECT_EQ(refused().message.find("unknown to it are"), std::string::npos) << "no log would vanish";
  accept();
  EXPECT_EQ(epoch_of("t"), 4);
  produce("t", 1);
  restart();
  EXPECT_EQ(partition("t", 0).log().epoch_at(Offset{3}).value(), LeaderEpoch{3});
  EXPECT_EQ(partition("t", 0).log().latest_epoch().value(), LeaderEpoch{4});
}

TEST_F(StoreWentBack, ProducerIdsThatWereGivenOutAreNotGivenOutAgain) {
  start();
  stop();
  const std::string older = read(kStore);
  start_node();
  const std::int64_t before = next_producer_id();
  stop();
  write(kStore, older);
  (void)refused();
  accept();
  EXPECT_GT(next_producer_id(), before + 1'000'000);
}

TEST_F(StoreWentBack, ALogUnderANameThatMetadataHasForAnotherIsSetAside) {
  start();
  create_topic("t", 1, {{"mq.flush", "async"}});
  stop();
  const std::string older = read(kStore);
  start_node();
  ASSERT_EQ(world_->run(*machine_, node_->topics().remove("t"), 1min).error, ErrorCode::kNone);
  create_topic("t", 1, {{"mq.flush", "async"}});
  produce("t", 2);
  stop();
  write(kStore, older);
  EXPECT_NE(refused().message.find("gone back in time"), std::string::npos);
  accept();
  EXPECT_EQ(strays("t"), 1);
  EXPECT_EQ(log_end("t"), 0);
}

TEST_F(StoreWentBack, AcceptingWhatIsAsItWasChangesNothing) {
  start();
  create_topic("t", 1);
  produce("t", 1);
  stop();
  accept();
  EXPECT_EQ(epoch_of("t"), 0);
  EXPECT_TRUE(logged("there was nothing to accept"));
}

TEST_F(StoreWentBack, AStartThatFailsAmidTheLogsLeavesNoCleanMarker) {
  for (const bool was_clean : {false, true}) {
    start();
    create_topic("t", 4);
    produce("t", 3);
    was_clean ? stop() : kill();
    const std::string metadata = "/var/lib/mq/t-2/partition.metadata";
    const std::string right = read(metadata);
    write(metadata, log::encode_partition_metadata(Uuid{{9}}));
    EXPECT_FALSE(try_start_node());
    stop();
    EXPECT_FALSE(machine_->files().exists(kCleanMarker).value());
    write(metadata, right);
    start_node();
    EXPECT_EQ(log_end("t"), 3);
  }
}

/// A life with power cuts at any moment: topics come and go, records are acknowledged.
class PowerCuts : public StoreWentBack, public ::testing::WithParamInterface<std::uint64_t> {
 protected:
  static awaitable<void> live(PowerCuts& test, sim::Machine& client) {
    for (int i = 0;; ++i) {
      const std::string name = fmt::format("t-{}-{}", test.lives_, i);
      std::vector<NewTopic> wanted(1);
      wanted.front().name = name;
      wanted.front().partitions = 1 + static_cast<std::int32_t>(client.random().below(3));
      (void)co_await test.node_->topics().create(std::move(wanted), false);
      if (client.random().below(3) == 0) (void)co_await test.node_->producer_ids().next();
      if (client.random().below(2) == 0) (void)co_await test.node_->topics().remove(name);
      // Now and then long enough for the revision to be remembered.
      env::Shard& shard = client.shard(0);
      co_await shard.sleep_until(shard.now() + std::chrono::microseconds(client.random().below(60'000)));
    }
  }
  int lives_ = 0;
};

TEST_P(PowerCuts, NeverMakeAStartTakeItsMetadataForOlder) {
  start({}, GetParam());
  create_topic("kept", 1);
  for (lives_ = 0; lives_ < 10; ++lives_) {
    machine_->spawn(live(*this, *machine_));
    if (world_->rng().one_in(2)) produce("kept", 2);
    world_->run_for(std::chrono::microseconds(world_->rng().below(400'000)));
    if (world_->rng().one_in(3)) {
      kill();
    } else {
      broker_->lose_power();
    }
    const auto started = try_start_node();
    ASSERT_TRUE(started) << started.error().message;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, PowerCuts, ::testing::ValuesIn(seeds(40)));

class Acceptance : public StoreWentBack, public ::testing::WithParamInterface<std::uint64_t> {};

TEST_P(Acceptance, CutOffAnywhereIsDoneOrAskedForAgain) {
  start({}, GetParam());
  create_topic("t", 2);
  stop();
  const std::string older = read(kStore);
  start_node();
  produce("t", 1);
  for (int round = 0; round < 2; ++round) {
    kill();
    start_node();
    produce("t", 1);
  }
  create_topic("young", 2);
  produce("young", 1);
  stop();
  write(kStore, older);
  write(kStoreLog, {});  // a stop leaves it empty, which the power may take back: then the newer store is there again
  if (world_->rng().one_in(2)) forget_revision();

  config_.accept_store = true;
  broker_->config = config_;
  broker_->begin_start();
  world_->run_for(std::chrono::microseconds(world_->rng().below(12'000)));
  broker_->lose_power();
  config_.accept_store = false;
  if (!try_start_node()) {
    stop();
    accept();
  }
  EXPECT_GT(epoch_of("t"), 2);
  EXPECT_EQ(log_end("t"), 3);
  EXPECT_EQ(find("young"), nullptr);
  EXPECT_GE(strays("young"), 1);
}

INSTANTIATE_TEST_SUITE_P(Seeds, Acceptance, ::testing::ValuesIn(seeds(30)));

}  // namespace
}  // namespace mq::broker
