#include "broker/log_keeper.h"

#include "keeper_fixture.h"
#include "log/directory_contents.h"

namespace mq::broker {
namespace {

using Missing = Differences::Missing;

class LogKeeperTest : public testing::NodeParts {
 public:
  LogKeeperTest() { begin(); }
  ~LogKeeperTest() override {
    if (machine_.is_running()) machine_.kill();
  }

  /// What a start has opened when the keeper is first asked.
  void begin() {
    const auto opened = open_directory();
    ASSERT_TRUE(opened) << opened.error().message;
    keeper_ = &machine_.make<LogKeeper>(*node_, *shards_);
  }
  void lose_power_and_begin(sim::PowerLoss how = sim::PowerLoss::drop_all) {
    machine_.lose_power(how);
    begin_process();
    begin();
  }

  /// The image names it from now on.
  cluster::TopicPtr name(const std::string& topic, std::int32_t partitions, std::uint8_t id = 1) {
    cluster::Topic made{.name = topic, .id = {.bytes = {id}}, .partitions = {}, .configs = {}};
    for (std::int32_t index = 0; index < partitions; ++index)
      made.partitions.push_back({.replicas = {kSelf}, .isr = {kSelf}, .leader = kSelf});
    image_ = std::make_shared<const cluster::ClusterImage>(image_->with_topic(std::move(made)));
    return image_->share_topic(std::string_view(topic));
  }
  void delete_from_image(const std::string& topic) {
    image_ = std::make_shared<const cluster::ClusterImage>(image_->without_topic(topic));
  }
  static WantedLogs all_of(const cluster::TopicPtr& topic) {
    WantedLogs wanted{.topic = topic, .logs = {}};
    for (std::int32_t index = 0; index < topic->partition_count(); ++index) wanted.logs.push_back({.partition = index});
    return wanted;
  }
  std::vector<Result<void>> make(std::vector<WantedLogs> wanted) {
    return run(keeper_->make(std::move(wanted), image_));
  }
  Result<std::vector<Missing>> make_missing(std::vector<Missing> missing) {
    return run(keeper_->make_missing(std::move(missing), image_));
  }
  Differences found(Look look = Look::at_names) {
    auto differences = compare(node_->log_dir(), machine_.files(), *image_, kSelf, look);
    EXPECT_TRUE(differences) << differences.error().message;
    return *std::move(differences);
  }
  /// What is in the data directory that is named like `part`.
  std::vector<std::string> traces(std::string_view part) {
    std::vector<std::string> names;
    for (const env::DirEntry& entry : machine_.files().list(kDataDir).value())
      if (entry.name.find(part) != std::string::npos) names.push_back(entry.name);
    return names;
  }
  void put_file(const std::string& path, std::string_view contents) {
    auto file = machine_.files().open(path, env::OpenMode::create);
    ASSERT_TRUE(file);
    ASSERT_TRUE((*file)->write_at(0, contents));
  }
  void write_synced_ends() {
    ASSERT_TRUE(run(node_->disk_pool().run(node_->home(), [this] { return node_->log_dir().sync_synced_ends(); })));
  }
  [[nodiscard]] std::optional<log::SyncedEnd> slot(const cluster::TopicPtr& topic, std::int32_t index) const {
    return node_->log_dir().slot_of(topic->id, PartitionId{index});
  }

  LogKeeper* keeper_ = nullptr;
  ImagePtr image_ = std::make_shared<const cluster::ClusterImage>();
};

TEST_F(LogKeeperTest, NewLogsAndTheirSlotsAreOnDiskWhenTheirShardsHaveThem) {
  const auto topic = name("t", 3);
  const auto outcomes = make({all_of(topic)});
  ASSERT_TRUE(outcomes.front()) << outcomes.front().error().message;
  EXPECT_EQ(shards_->logs.size(), 3U);
  lose_power_and_begin();
  EXPECT_TRUE(node_->log_dir().are_slots_whole());
  const Differences differences = found();
  EXPECT_TRUE(differences.missing.empty());
  EXPECT_TRUE(differences.without_slot.empty());
  for (std::int32_t index = 0; index < 3; ++index) EXPECT_TRUE(slot(topic, index));
}

TEST_F(LogKeeperTest, APowerCutAtAnyMomentLeavesLogsThatAreThereOrWereNeverMade) {
  int cut_short = 0;
  for (int round = 0; round < 60; ++round) {
    const auto topic = name("t" + std::to_string(round), 3, static_cast<std::uint8_t>(round + 1));
    bool is_done = false;
    machine_.spawn([](LogKeeperTest* test, WantedLogs wanted, bool* done) -> awaitable<void> {
      std::vector<WantedLogs> all;
      all.push_back(std::move(wanted));
      (void)co_await test->keeper_->make(std::move(all), test->image_);
      *done = true;
    }(this, all_of(topic), &is_done));
    world_.run_for(std::chrono::microseconds(100 * round));
    if (!is_done) ++cut_short;
    lose_power_and_begin(sim::PowerLoss::any);
    EXPECT_TRUE(node_->log_dir().are_slots_whole());
    Differences differences = found();
    for (const Missing& log : differences.missing) EXPECT_FALSE(log.is_lost) << "round " << round;
    EXPECT_TRUE(!is_done || differences.missing.empty());
    EXPECT_TRUE(differences.unknown.empty());
    // The next start makes up for it.
    ASSERT_TRUE(run(keeper_->tidy(differences, image_)));
    const auto left = make_missing(std::move(differences.missing));
    ASSERT_TRUE(left) << left.error().message;
    EXPECT_TRUE(left->empty());
    differences = found();
    EXPECT_TRUE(differences.missing.empty());
    EXPECT_TRUE(differences.without_slot.empty());
  }
  EXPECT_GT(cut_short, 10);
  EXPECT_LT(cut_short, 60);
}

TEST_F(LogKeeperTest, OfATopicThatFailsNothingIsLeftAndTheOthersAreMade) {
  const auto good = name("good", 2, 1);
  const auto bad = name("bad", 3, 2);
  machine_.disk().inject({.on = sim::DiskFault::On::change, .path_part = "/bad-1", .code = Errc::refused});
  const auto outcomes = make({all_of(bad), all_of(good)});
  EXPECT_EQ(outcomes[0].error().code, Errc::refused);
  EXPECT_TRUE(outcomes[1]);
  EXPECT_EQ(traces("bad"), std::vector<std::string>{});
  EXPECT_EQ(traces("good").size(), 2U);
  EXPECT_EQ(shards_->logs.size(), 2U);
}

TEST_F(LogKeeperTest, ADiskThatFailsForANewDirectoryIsOffline) {
  const auto topic = name("t", 2);
  machine_.disk().inject({.on = sim::DiskFault::On::change, .path_part = "/t-1", .code = Errc::disk_failed});
  EXPECT_EQ(make({all_of(topic)})[0].error().code, Errc::disk_failed);
  EXPECT_TRUE(node_->disk_health.is_offline());
}

TEST_F(LogKeeperTest, WhatCannotBeMadeDurableIsTakenAwayAgain) {
  const auto topic = name("t", 2);
  machine_.disk().inject({.on = sim::DiskFault::On::sync_directory, .path_part = "", .code = Errc::disk_full});
  const auto outcomes = make({all_of(topic)});
  EXPECT_EQ(outcomes[0].error().code, Errc::disk_full);
  EXPECT_TRUE(node_->disk_space.is_full());
  EXPECT_TRUE(shards_->logs.empty());
  EXPECT_EQ(traces("t-"), std::vector<std::string>{});
}

TEST_F(LogKeeperTest, AnotherLogInTheWayIsSetAsideAndOneOfADeletedTopicRemoved) {
  const auto old = name("t", 2, 1);
  ASSERT_TRUE(make({all_of(old)}).front());
  shards_->logs.clear();
  put_file("/data/t-0/00000000000000000000.log", "records");
  put_file("/data/t-1/00000000000000000000.log", "records");
  // The first is one that nobody knows, the second is of a topic that was deleted.
  put_file("/data/t-0/partition.metadata", log::encode_partition_metadata(Uuid{.bytes = {99}}));
  delete_from_image("t");
  const auto topic = name("t", 2, 2);
  const auto outcomes = make({all_of(topic)});
  ASSERT_TRUE(outcomes.front()) << outcomes.front().error().message;
  EXPECT_EQ(traces("-stray").size(), 1U);
  EXPECT_EQ(traces("t-1."), traces("-delete"));
  EXPECT_TRUE(log::is_without_record(machine_.files(), "/data/t-0").value());
  EXPECT_TRUE(log::is_without_record(machine_.files(), "/data/t-1").value());
}

TEST_F(LogKeeperTest, TheVeryLogThatIsToBeMadeIsNotReplaced) {
  const auto topic = name("t", 1);
  ASSERT_TRUE(make({all_of(topic)}).front());
  put_file("/data/t-0/00000000000000000000.log", "records");
  EXPECT_EQ(make({all_of(topic)}).front().error().code, Errc::already_exists);
  EXPECT_FALSE(log::is_without_record(machine_.files(), "/data/t-0").value());
}

TEST_F(LogKeeperTest, ALogThatIsGoneIsLostAndGoesOnWhereItWasKnownToBeOnDisk) {
  const auto topic = name("t", 2);
  ASSERT_TRUE(make({all_of(topic)}).front());
  node_->log_dir().note_synced(topic->id, PartitionId{1}, Offset{42});
  write_synced_ends();
  shards_->logs.clear();
  for (const env::DirEntry& entry : machine_.files().list("/data/t-1").value())
    ASSERT_TRUE(machine_.files().remove("/data/t-1/" + entry.name));
  ASSERT_TRUE(machine_.files().remove("/data/t-1"));
  Differences differences = found();
  ASSERT_EQ(differences.missing.size(), 1U);
  EXPECT_TRUE(differences.missing[0].is_lost);
  EXPECT_EQ(differences.missing[0].start, Offset{42});
  ASSERT_TRUE(make_missing(std::move(differences.missing)));
  EXPECT_EQ(shards_->logs.at("t-1")->log_start(), Offset{42});
  EXPECT_EQ(shards_->logs.at("t-1")->log_end(), Offset{42});
  EXPECT_TRUE(logged("the log of t-1 is gone; it goes on at offset 42"));
  lose_power_and_begin();
  EXPECT_EQ(slot(topic, 1)->end, Offset{42});
  EXPECT_EQ(node_->log_dir().context_of({"t", 1}, topic->id, 0).log_start, Offset{42});
}

TEST_F(LogKeeperTest, WhatTheImageDoesNotNameAnyMoreIsNotMade) {
  const auto topic = name("t", 1);
  Differences differences = found();
  ASSERT_EQ(differences.missing.size(), 1U);
  delete_from_image("t");
  const auto left = make_missing(std::move(differences.missing));
  ASSERT_TRUE(left);
  EXPECT_TRUE(left->empty());
  EXPECT_EQ(traces("t-"), std::vector<std::string>{});
}

TEST_F(LogKeeperTest, WhatWasPutOffAndWasMadeMeanwhileStaysAsItIs) {
  const auto topic = name("t", 1);
  Differences differences = found();
  ASSERT_EQ(differences.missing.size(), 1U);
  ASSERT_TRUE(make({all_of(topic)}).front());
  const log::Log* const made = shards_->logs.at("t-0").get();
  const auto left = make_missing(std::move(differences.missing));
  ASSERT_TRUE(left);
  EXPECT_TRUE(left->empty());
  EXPECT_EQ(shards_->logs.at("t-0").get(), made);
  EXPECT_EQ(traces("t-"), std::vector<std::string>{"t-0"});
}

TEST_F(LogKeeperTest, WhatAFullDiskHasNoRoomForIsLeftForLater) {
  const auto topic = name("t", 1);
  Differences differences = found();
  machine_.disk().fill();
  auto left = make_missing(std::move(differences.missing));
  ASSERT_TRUE(left);
  ASSERT_EQ(left->size(), 1U);
  machine_.disk().make_room();
  left = make_missing(*std::move(left));
  ASSERT_TRUE(left);
  EXPECT_TRUE(left->empty());
  EXPECT_EQ(shards_->logs.size(), 1U);
}

TEST_F(LogKeeperTest, PartitionsOfOtherBrokersAreNotMissedHere) {
  cluster::Topic elsewhere{.name = "t", .id = {.bytes = {1}}, .partitions = {}, .configs = {}};
  elsewhere.partitions.push_back({.replicas = {BrokerId{2}}, .isr = {BrokerId{2}}, .leader = BrokerId{2}});
  image_ = std::make_shared<const cluster::ClusterImage>(image_->with_topic(std::move(elsewhere)));
  EXPECT_TRUE(found().missing.empty());
}

TEST_F(LogKeeperTest, ARemovedTopicLeavesNeitherFilesNorSlots) {
  const auto topic = name("t", 300);
  ASSERT_TRUE(make({all_of(topic)}).front());
  delete_from_image("t");
  auto removal = run(keeper_->begin_removal(topic));
  EXPECT_TRUE(shards_->logs.empty());
  EXPECT_TRUE(removal.are_all);
  EXPECT_EQ(removal.directories.size(), 300U);
  EXPECT_EQ(traces("-delete").size(), 300U);
  EXPECT_FALSE(slot(topic, 7));
  EXPECT_TRUE(run(keeper_->finish_removal(std::move(removal))));
  EXPECT_EQ(traces("t-"), std::vector<std::string>{});
}

TEST_F(LogKeeperTest, ADirectoryThatCannotBeRenamedIsToldAndTheNextStartGoesOn) {
  const auto topic = name("t", 3);
  ASSERT_TRUE(make({all_of(topic)}).front());
  delete_from_image("t");
  machine_.disk().inject({.on = sim::DiskFault::On::rename, .path_part = "/t-1", .code = Errc::refused});
  auto removal = run(keeper_->begin_removal(topic));
  EXPECT_FALSE(removal.are_all);
  EXPECT_FALSE(run(keeper_->finish_removal(std::move(removal)))) << "the tombstone is still needed";
  EXPECT_EQ(traces("t-"), std::vector<std::string>{"t-1"});
  const auto tidied = run(keeper_->tidy(found(Look::at_topic_ids), image_));
  ASSERT_TRUE(tidied);
  EXPECT_TRUE(tidied->deleted_left.empty());
  EXPECT_EQ(traces("t-"), std::vector<std::string>{});
}

TEST_F(LogKeeperTest, WithoutItsSlotsADirectoryIsSettledByAStartThatHasEveryLog) {
  const auto topic = name("t", 2);
  ASSERT_TRUE(make({all_of(topic)}).front());
  machine_.kill();
  ASSERT_TRUE(machine_.files().remove("/data/mq-synced-ends"));
  begin_process();
  begin();
  EXPECT_FALSE(node_->log_dir().are_slots_whole());
  const auto late = name("late", 1, 2);
  Differences differences = found();
  EXPECT_EQ(differences.without_slot.size(), 2U);
  ASSERT_EQ(differences.missing.size(), 1U);
  EXPECT_TRUE(differences.missing[0].is_lost) << "it may have been here";
  ASSERT_TRUE(run(keeper_->tidy(differences, image_)));
  ASSERT_TRUE(make_missing(std::move(differences.missing)));
  ASSERT_TRUE(run(keeper_->settle()));
  lose_power_and_begin();
  EXPECT_TRUE(node_->log_dir().are_slots_whole());
  const auto newest = name("newest", 1, 3);
  differences = found();
  ASSERT_EQ(differences.missing.size(), 1U);
  EXPECT_FALSE(differences.missing[0].is_lost) << "it cannot have been here";
}

}  // namespace
}  // namespace mq::broker
