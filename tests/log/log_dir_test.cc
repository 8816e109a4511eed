#include "log/log_dir.h"

#include <algorithm>

#include "log/directory_contents.h"
#include "log_fixture.h"

namespace mq::log {
namespace {

class LogDirTest : public ::testing::Test {
 protected:
  static constexpr const char* kPath = "/mq/data";
  void open() {
    dir_.reset();
    dir_ = LogDir::open(disk_, kPath).value();
  }
  void stop_clean() {
    ASSERT_TRUE(dir_->finish_clean());
    dir_.reset();
    disk_.lose_power(sim::PowerLoss::drop_all);
  }
  void write(const std::string& name, BytesView text) {
    auto file = disk_.open(std::string(kPath) + "/" + name, env::OpenMode::create).value();
    ASSERT_TRUE(file->truncate(0));
    ASSERT_TRUE(file->write_at(0, text));
  }
  std::string contents(const std::string& name) {
    return env::read_whole(disk_, std::string(kPath) + "/" + name).value();
  }

  LogDirTest() {
    EXPECT_TRUE(disk_.make_directories("/mq"));
    EXPECT_TRUE(disk_.sync_directory("/"));
    open();
    EXPECT_TRUE(dir_->set_identity(identity_));
    EXPECT_TRUE(dir_->begin_writing());
  }

  sim::Scheduler scheduler_{1};
  sim::Disk disk_{scheduler_, {.cold_read_one_in = 0}};
  DirIdentity identity_{
      .node = BrokerId{3}, .cluster_id = "abcdefghijklmnopqrstuv", .directory_id = "ABCDEFGHIJKLMNOPQRSTUV"};
  Uuid id_{{7}};
  std::unique_ptr<LogDir> dir_;
};

TEST_F(LogDirTest, SecondProcessIsRefused) { EXPECT_EQ(LogDir::open(disk_, kPath).error().code, Errc::refused); }

TEST_F(LogDirTest, ALockThatCannotBeTakenForAnotherReasonIsNotSaidToBeUsed) {
  for (const Errc why : {Errc::refused, Errc::disk_failed, Errc::disk_full}) {
    disk_.inject({.on = sim::DiskFault::On::open, .path_part = ".lock", .code = why});
    const auto opened = LogDir::open(disk_, "/other");
    EXPECT_EQ(opened.error().code, why);
    EXPECT_EQ(opened.error().message, "/other/.lock: injected open error");
  }
  EXPECT_TRUE(disk_.make_directories("/other/.lock"));
  EXPECT_EQ(LogDir::open(disk_, "/other").error().message, "/other/.lock is a directory");
}

TEST_F(LogDirTest, OpeningLeavesNothingButTheLock) {
  EXPECT_TRUE(disk_.make_directories("/other"));
  ASSERT_TRUE(LogDir::open(disk_, "/other"));
  const auto entries = disk_.list("/other").value();
  ASSERT_EQ(entries.size(), 1U);
  EXPECT_EQ(entries.front().name, ".lock");
}

TEST_F(LogDirTest, WhatAFailedSyncKeptFromTheDiskIsWrittenAnewByTheNextStart) {
  const PartitionId partition{0};
  const TopicPartition name{"t", 0};
  dir_->note_synced(id_, partition, Offset{18});
  ASSERT_TRUE(dir_->sync_synced_ends());
  disk_.inject({.on = sim::DiskFault::On::sync,
                .path_part = "mq-synced-ends",
                .times = 1,
                .how = sim::SyncFailure::pages_marked_clean});
  EXPECT_FALSE(dir_->lower_ends(name, id_, Offset{10}));
  // Only the process ends, and the next one reads what is in memory.
  open();
  ASSERT_TRUE(dir_->begin_writing());
  const Offset told = dir_->slot_of(id_, partition)->end;
  ASSERT_TRUE(dir_->lower_ends(name, id_, Offset{12}));
  dir_.reset();
  disk_.lose_power(sim::PowerLoss::drop_all);
  open();
  EXPECT_EQ(dir_->slot_of(id_, partition)->end, std::min(told, Offset{12}));
}

TEST_F(LogDirTest, IdentityIsKeptInKafkasProperties) {
  EXPECT_EQ(contents("meta.properties"),
            "#\nnode.id=3\nversion=1\ndirectory.id=ABCDEFGHIJKLMNOPQRSTUV\ncluster.id=abcdefghijklmnopqrstuv\n");
  dir_.reset();
  disk_.lose_power(sim::PowerLoss::drop_all);
  open();
  ASSERT_TRUE(dir_->identity());
  EXPECT_EQ(dir_->identity()->node, BrokerId{3});
  EXPECT_EQ(dir_->identity()->cluster_id, identity_.cluster_id);
}

TEST_F(LogDirTest, DamagedIdentityStopsEverything) {
  dir_.reset();
  write("meta.properties", "version=1\nnode.id=x\ncluster.id=a\n");
  EXPECT_EQ(LogDir::open(disk_, kPath).error().code, Errc::corrupt);
}

TEST_F(LogDirTest, CleanMarkerIsWrittenLastAndGoneBeforeTheFirstWrite) {
  EXPECT_FALSE(dir_->was_clean());
  stop_clean();
  open();
  EXPECT_TRUE(dir_->was_clean());
  EXPECT_EQ(contents(".kafka_cleanshutdown"), R"({"version":0,"brokerEpoch":-1})");
  ASSERT_TRUE(dir_->begin_writing());
  EXPECT_TRUE(dir_->was_clean());
  dir_.reset();
  disk_.lose_power(sim::PowerLoss::drop_all);
  open();
  EXPECT_FALSE(dir_->was_clean());
  dir_->go_offline("a sync failed");
  EXPECT_EQ(dir_->finish_clean().error().code, Errc::disk_failed);
}

TEST_F(LogDirTest, SyncedEndsAreDurableOneRoundLater) {
  dir_->note_synced(id_, PartitionId{0}, Offset{10});
  EXPECT_TRUE(dir_->write_synced_ends().value());
  dir_->note_synced(id_, PartitionId{0}, Offset{20});
  dir_->note_synced(id_, PartitionId{1}, Offset{5});
  EXPECT_TRUE(dir_->write_synced_ends().value());
  dir_.reset();
  disk_.lose_power(sim::PowerLoss::drop_all);
  open();
  EXPECT_EQ(dir_->context_of({"t", 0}, id_, 0).synced_end, Offset{10});
  EXPECT_EQ(dir_->context_of({"t", 1}, id_, 0).synced_end, std::nullopt);
  EXPECT_FALSE(dir_->write_synced_ends().value());
}

TEST_F(LogDirTest, SyncedEndsThatFoundNoRoomAreWrittenLater) {
  for (int p = 0; p < 3; ++p) dir_->note_synced(id_, PartitionId{p}, Offset{p + 1});
  disk_.inject({.on = sim::DiskFault::On::write, .path_part = "mq-synced-ends", .code = Errc::disk_full});
  EXPECT_EQ(dir_->write_synced_ends().error().code, Errc::disk_full);
  EXPECT_TRUE(dir_->write_synced_ends().value());
  EXPECT_TRUE(dir_->write_synced_ends().value());
  dir_.reset();
  disk_.lose_power(sim::PowerLoss::drop_all);
  open();
  for (int p = 0; p < 3; ++p) EXPECT_EQ(dir_->context_of({"t", p}, id_, 0).synced_end, Offset{p + 1});
}

TEST_F(LogDirTest, TornSlotOfSyncedEndsCountsAsMissing) {
  for (int p = 0; p < 100; ++p) dir_->note_synced(id_, PartitionId{p}, Offset{p + 1});
  stop_clean();
  disk_.flip_bits(std::string(kPath) + "/mq-synced-ends", 32 * 51 + 22, 0x01);
  disk_.lose_power(sim::PowerLoss::drop_all);
  open();
  for (int p = 0; p < 100; ++p) {
    const auto end = dir_->context_of({"t", p}, id_, 0).synced_end;
    if (p == 50)
      EXPECT_FALSE(end);
    else
      EXPECT_EQ(end, Offset{p + 1});
  }
  ASSERT_TRUE(dir_->begin_writing());
  dir_->note_synced(id_, PartitionId{50}, Offset{1000});
  stop_clean();
  open();
  EXPECT_EQ(dir_->context_of({"t", 50}, id_, 0).synced_end, Offset{1000});
  EXPECT_EQ(disk_.file_size(std::string(kPath) + "/mq-synced-ends").value(), 4096U);
}

TEST_F(LogDirTest, NewDirectoryKnowsThatALogWithoutASlotWasNeverMade) {
  EXPECT_TRUE(dir_->are_slots_whole());
  stop_clean();
  open();
  EXPECT_TRUE(dir_->are_slots_whole());
  EXPECT_TRUE(dir_->notes().empty());
}

TEST_F(LogDirTest, MissingOrDamagedSlotsProveNothingUntilTheyAreSettled) {
  const std::string path = std::string(kPath) + "/mq-synced-ends";
  dir_->note_synced(id_, PartitionId{0}, Offset{10});
  stop_clean();
  for (const bool is_missing : {true, false}) {
    if (is_missing) {
      ASSERT_TRUE(disk_.remove(path));
    } else {
      disk_.flip_bits(path, 40, 0x01);
      disk_.lose_power(sim::PowerLoss::drop_all);
    }
    open();
    EXPECT_FALSE(dir_->are_slots_whole());
    ASSERT_EQ(dir_->notes().size(), 1U);
    EXPECT_TRUE(dir_->notes()[0].starts_with(path + (is_missing ? " is missing" : " is damaged")));
    ASSERT_TRUE(dir_->begin_writing());
    dir_->note_synced(id_, PartitionId{0}, Offset{10});
    stop_clean();
    open();
    EXPECT_FALSE(dir_->are_slots_whole()) << "a start that did not settle them";
    EXPECT_TRUE(dir_->notes().empty());
    ASSERT_TRUE(dir_->begin_writing());
    ASSERT_TRUE(dir_->settle_slots());
    dir_.reset();
    disk_.lose_power(sim::PowerLoss::drop_all);
    open();
    EXPECT_TRUE(dir_->are_slots_whole());
    EXPECT_EQ(dir_->slot_of(id_, PartitionId{0})->end, Offset{10});
    ASSERT_TRUE(dir_->begin_writing());
    stop_clean();
  }
}

TEST_F(LogDirTest, LogWhoseSlotIsLostIsHeldToWhatWasCommitted) {
  const std::string path = std::string(kPath) + "/mq-synced-ends";
  dir_->note_synced(id_, PartitionId{0}, Offset{10});
  dir_->set_high_watermark({"t", 0}, Offset{8});
  dir_->set_recovery_point({"t", 0}, Offset{5});
  ASSERT_TRUE(dir_->write_checkpoints());
  stop_clean();
  open();
  EXPECT_EQ(dir_->context_of({"t", 0}, id_, 0).synced_end, Offset{10});
  EXPECT_EQ(dir_->context_of({"t", 1}, id_, 0).synced_end, std::nullopt);
  dir_.reset();
  ASSERT_TRUE(disk_.remove(path));
  open();
  EXPECT_EQ(dir_->context_of({"t", 0}, id_, 0).synced_end, Offset{8});
  EXPECT_EQ(dir_->context_of({"t", 1}, id_, 0).synced_end, std::nullopt);
}

TEST_F(LogDirTest, ClassOfALogIsDurableOnceItsSlotIsSynced) {
  EXPECT_EQ(dir_->slot_of(id_, PartitionId{0}), std::nullopt);
  dir_->note_class(id_, PartitionId{0}, FlushClass::ack);
  dir_->note_synced(id_, PartitionId{0}, Offset{10});
  dir_->note_synced(id_, PartitionId{1}, Offset{20});
  ASSERT_TRUE(dir_->sync_synced_ends());
  dir_->note_class(id_, PartitionId{1}, FlushClass::ack);  // noted only
  dir_.reset();
  disk_.lose_power(sim::PowerLoss::drop_all);
  open();
  EXPECT_EQ(dir_->slot_of(id_, PartitionId{0}), (SyncedEnd{.end = Offset{10}, .flush_class = FlushClass::ack}));
  EXPECT_EQ(dir_->slot_of(id_, PartitionId{1}), (SyncedEnd{.end = Offset{20}, .flush_class = FlushClass::async}));
}

TEST_F(LogDirTest, LoweringTheSyncedEndKeepsTheClass) {
  dir_->note_class(id_, PartitionId{0}, FlushClass::ack);
  dir_->note_synced(id_, PartitionId{0}, Offset{10});
  ASSERT_TRUE(dir_->lower_synced_end(id_, PartitionId{0}, Offset{4}));
  EXPECT_EQ(dir_->slot_of(id_, PartitionId{0}), (SyncedEnd{.end = Offset{4}, .flush_class = FlushClass::ack}));
}

TEST_F(LogDirTest, NewSlotsAreOnDiskBeforeTheHeaderCountsThem) {
  for (int p = 0; p < 1000; ++p) dir_->note_synced(id_, PartitionId{p}, Offset{p + 1});
  ASSERT_TRUE(dir_->write_noted());
  dir_.reset();
  disk_.lose_power(sim::PowerLoss::drop_all);
  open();
  EXPECT_TRUE(dir_->are_slots_whole());
  ASSERT_TRUE(dir_->begin_writing());
  for (int p = 0; p < 1000; ++p) dir_->note_synced(id_, PartitionId{p}, Offset{p + 1});
  ASSERT_TRUE(dir_->sync_synced_ends());
  // Whatever is cut off from here on is missed.
  dir_.reset();
  const std::string path = std::string(kPath) + "/mq-synced-ends";
  const std::uint64_t size = disk_.file_size(path).value();
  EXPECT_EQ(size, 8 * 4096U);
  ASSERT_TRUE(disk_.open(path, env::OpenMode::read_write).value()->truncate(size - 32));
  open();
  EXPECT_FALSE(dir_->are_slots_whole());
}

TEST_F(LogDirTest, LoweredSyncedEndIsDurableAtOnce) {
  dir_->note_synced(id_, PartitionId{0}, Offset{10});
  ASSERT_TRUE(dir_->write_synced_ends());
  ASSERT_TRUE(dir_->lower_synced_end(id_, PartitionId{0}, Offset{4}));
  dir_.reset();
  disk_.lose_power(sim::PowerLoss::drop_all);
  open();
  EXPECT_EQ(dir_->context_of({"t", 0}, id_, 0).synced_end, Offset{4});
}

TEST_F(LogDirTest, CheckpointsAreKafkasTextAndADamagedOneCountsAsMissing) {
  dir_->set_log_start({"a.b", 2}, Offset{17});
  dir_->set_log_start({"a.b", 10}, Offset{0});
  dir_->set_recovery_point({"a.b", 2}, Offset{30});
  ASSERT_TRUE(dir_->write_checkpoints());
  EXPECT_EQ(contents("log-start-offset-checkpoint"), "0\n2\na.b 2 17\na.b 10 0\n");
  EXPECT_EQ(contents("recovery-point-offset-checkpoint"), "0\n1\na.b 2 30\n");
  dir_.reset();
  write("recovery-point-offset-checkpoint", "0\n2\na.b 2 30\n");
  disk_.lose_power(sim::PowerLoss::keep_all);
  open();
  EXPECT_EQ(dir_->context_of({"a.b", 2}, id_, 0).log_start, Offset{17});
  EXPECT_EQ(dir_->context_of({"a.b", 2}, id_, 0).recovery_point, Offset{0});
  ASSERT_EQ(dir_->notes().size(), 1U);
}

/// What DeleteRecords took away must not come back because of a read that succeeds the next time.
TEST_F(LogDirTest, ReadErrorOfTheLogStartsEndsTheStartAndOfAnotherCheckpointIsANote) {
  dir_->set_log_start({"t", 0}, Offset{17});
  dir_->set_recovery_point({"t", 0}, Offset{30});
  ASSERT_TRUE(dir_->write_checkpoints());
  dir_.reset();
  disk_.inject({.on = sim::DiskFault::On::read, .path_part = "log-start-offset-checkpoint", .code = Errc::read_failed});
  const auto opened = LogDir::open(disk_, kPath);
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code, Errc::read_failed);
  EXPECT_NE(opened.error().message.find("it says where logs begin"), std::string::npos) << opened.error().message;
  disk_.inject(
      {.on = sim::DiskFault::On::read, .path_part = "recovery-point-offset-checkpoint", .code = Errc::read_failed});
  open();
  EXPECT_EQ(dir_->context_of({"t", 0}, id_, 0).log_start, Offset{17});
  EXPECT_EQ(dir_->context_of({"t", 0}, id_, 0).recovery_point, Offset{0});
  EXPECT_EQ(dir_->notes().size(), 1U);
}

TEST_F(LogDirTest, CheckpointsMayComeInAnyOrderAndNameAPartitionOnce) {
  dir_.reset();
  write("log-start-offset-checkpoint", "0\n3\nt 10 1\na 0 2\nt 2 3\n");
  write("recovery-point-offset-checkpoint", "0\n2\nz 0 5\nt 2 4\n");
  write("replication-offset-checkpoint", "0\n3\nt 2 6\na 0 7\nt 2 8\n");
  open();
  EXPECT_EQ(dir_->context_of({"t", 10}, id_, 0).log_start, Offset{1});
  EXPECT_EQ(dir_->context_of({"a", 0}, id_, 0).log_start, Offset{2});
  EXPECT_EQ(dir_->context_of({"t", 2}, id_, 0).log_start, Offset{3});
  EXPECT_EQ(dir_->context_of({"t", 2}, id_, 0).recovery_point, Offset{4});
  EXPECT_EQ(dir_->context_of({"z", 0}, id_, 0).recovery_point, Offset{5});
  EXPECT_EQ(dir_->context_of({"z", 0}, id_, 0).log_start, std::nullopt);
  EXPECT_EQ(dir_->high_watermark({"a", 0}), std::nullopt);
  ASSERT_EQ(dir_->notes().size(), 1U);
  EXPECT_NE(dir_->notes().front().find("partition t-2 stands twice"), std::string::npos) << dir_->notes().front();
}

/// A recovery point may be the new start of a log, below which nothing was saved.
TEST_F(LogDirTest, ARecoveryPointIsNotWrittenBeforeTheLogStartThatItRestsOn) {
  dir_->set_log_start({"t", 0}, Offset{17});
  dir_->set_recovery_point({"t", 0}, Offset{17});
  disk_.inject({.on = sim::DiskFault::On::change, .path_part = "log-start-offset-checkpoint"});
  ASSERT_FALSE(dir_->write_checkpoints());
  EXPECT_FALSE(disk_.exists(std::string(kPath) + "/recovery-point-offset-checkpoint").value());
  ASSERT_TRUE(dir_->write_checkpoints());
  EXPECT_EQ(contents("log-start-offset-checkpoint"), "0\n1\nt 0 17\n");
  EXPECT_EQ(contents("recovery-point-offset-checkpoint"), "0\n1\nt 0 17\n");
}

TEST_F(LogDirTest, OnlyDirectoriesNamedLikePartitionsAreListed) {
  for (const char* name :
       {"t-0", "t-10", "with-dash-3", "t-01", "t-", "-3", "t-x", "lost+found", "t-0.abc-delete", "t-1.abc-stray"})
    ASSERT_TRUE(disk_.make_directories(std::string(kPath) + "/" + name));
  write("t-9", "a file");
  auto found = dir_->partitions().value();
  std::ranges::sort(found);
  EXPECT_EQ(found, (std::vector<TopicPartition>{{"t", 0}, {"t", 10}, {"with-dash", 3}}));
}

TEST_F(LogDirTest, RemovalTakesOnlyWhatWasNamedForIt) {
  ASSERT_TRUE(disk_.make_directories(std::string(kPath) + "/t-0"));
  write("t-0/00000000000000000000.log", "x");
  dir_->note_synced(id_, PartitionId{0}, Offset{10});
  // A partition that never came to have a directory is passed over.
  const TopicPartition gone[] = {{"t", 0}, {"t", 1}};
  const auto removal = dir_->begin_removal(gone, id_, "abc").value();
  const auto& names = removal.directories;
  ASSERT_EQ(names, std::vector<std::string>{"t-0.abc-delete"});
  EXPECT_TRUE(removal.failures.empty());
  const std::string& name = names.front();
  EXPECT_EQ(dir_->moved()->removals, names);
  EXPECT_EQ(dir_->remove_directory("t-0").error().code, Errc::invalid_argument);
  EXPECT_EQ(dir_->remove_directory("../x-delete").error().code, Errc::invalid_argument);
  ASSERT_TRUE(dir_->remove_directory(name));
  EXPECT_TRUE(dir_->moved()->removals.empty());
  EXPECT_EQ(dir_->context_of({"t", 0}, id_, 0).synced_end, std::nullopt);
}

TEST_F(LogDirTest, RemovalOfOneThatCannotBeRenamedKeepsNoneOfTheOthers) {
  for (const char* name : {"t-0", "t-1", "t-2"}) ASSERT_TRUE(disk_.make_directories(std::string(kPath) + "/" + name));
  disk_.inject({.on = sim::DiskFault::On::rename, .path_part = "t-1", .code = Errc::refused});
  const TopicPartition gone[] = {{"t", 0}, {"t", 1}, {"t", 2}};
  const auto removal = dir_->begin_removal(gone, id_, "abc").value();
  EXPECT_EQ(removal.directories, (std::vector<std::string>{"t-0.abc-delete", "t-2.abc-delete"}));
  ASSERT_EQ(removal.failures.size(), 1U);
  EXPECT_EQ(removal.failures.front().code, Errc::refused);
  EXPECT_EQ(dir_->partitions().value(), (std::vector<TopicPartition>{{"t", 1}}));
}

TEST_F(LogDirTest, NewPartitionsSurviveAPowerCutBeTheyFewOrMany) {
  for (const int count : {2, 100}) {
    std::vector<TopicPartition> partitions;
    for (int p = 0; p < count; ++p) partitions.push_back({"t" + std::to_string(count), p});
    for (const TopicPartition& partition : partitions)
      ASSERT_TRUE(Log::create(disk_, dir_->directory_of(partition), partition, id_, std::make_shared<LogConfig>()));
    ASSERT_TRUE(dir_->sync_new(partitions));
    dir_.reset();
    disk_.lose_power(sim::PowerLoss::drop_all);
    open();
    for (const TopicPartition& partition : partitions)
      EXPECT_EQ(contents(partition.to_string() + "/partition.metadata"), encode_partition_metadata(id_));
  }
}

TEST_F(LogDirTest, NewPartitionInheritsNothingFromADeletedOneOfItsName) {
  const TopicPartition partition{"t", 0};
  const TopicPartition one[] = {partition};
  const auto fill = [&] {
    dir_->set_recovery_point(partition, Offset{30});
    dir_->set_log_start(partition, Offset{20});
    dir_->set_compacted_end(partition, Offset{25});
    ASSERT_TRUE(dir_->write_checkpoints());
  };
  const auto cut_the_power = [&] {
    dir_.reset();
    disk_.lose_power(sim::PowerLoss::drop_all);
    open();
  };
  const auto make_anew = [&] {
    ASSERT_TRUE(Log::create(disk_, dir_->directory_of(partition), partition, Uuid{{8}}, std::make_shared<LogConfig>()));
    ASSERT_TRUE(dir_->sync_new(one));
  };
  const auto expect_nothing_known = [&] {
    const OpenContext context = dir_->context_of(partition, Uuid{{8}}, 0);
    EXPECT_EQ(context.recovery_point, Offset{0});
    EXPECT_EQ(context.log_start, std::nullopt);
    EXPECT_EQ(context.compacted_end, Offset{0});
  };
  for (const bool cut_between : {false, true}) {
    fill();
    ASSERT_TRUE(dir_->begin_removal(one, id_, cut_between ? "b" : "a"));
    if (cut_between) cut_the_power();
    make_anew();
    cut_the_power();
    expect_nothing_known();
  }
}

TEST_F(LogDirTest, WhatAKilledProcessLeftUnsyncedIsDurableBeforeTheNextOneWrites) {
  write("some-file", "written and not synced");
  dir_.reset();
  open();
  EXPECT_FALSE(dir_->context_of({"t", 0}, id_, 0).synced);
  ASSERT_TRUE(dir_->begin_writing());
  EXPECT_TRUE(dir_->context_of({"t", 0}, id_, 0).synced);
  dir_.reset();
  disk_.lose_power(sim::PowerLoss::drop_all);
  EXPECT_EQ(contents("some-file"), "written and not synced");
}

TEST_F(LogDirTest, EveryDirectoryThatWasMadeOnTheWayIsDurable) {
  const std::string deep = "/a/b/c/data";
  auto dir = LogDir::open(disk_, deep).value();
  ASSERT_TRUE(dir->set_identity(identity_));
  dir.reset();
  dir_.reset();
  disk_.lose_power(sim::PowerLoss::drop_all);
  EXPECT_TRUE(LogDir::open(disk_, deep).value()->identity());
}

TEST_F(LogDirTest, ADirectoryOfAMemberKnowsItsStoreAndItsIncarnations) {
  identity_.store = "etcd://a:2379,b:2379/mq";
  identity_.nonces = {"AAAAAAAAAAAAAAAAAAAAAA", "BBBBBBBBBBBBBBBBBBBBBB"};
  ASSERT_TRUE(dir_->set_identity(identity_));
  dir_.reset();
  const auto again = LogDir::open(disk_, kPath).value();
  EXPECT_EQ(again->identity()->store, identity_.store);
  EXPECT_EQ(again->identity()->nonces, identity_.nonces);
}

TEST_F(LogDirTest, StrayDirectoryIsSetAsideAndKept) {
  ASSERT_TRUE(disk_.make_directories(std::string(kPath) + "/t-0"));
  EXPECT_EQ(dir_->set_aside({"t", 0}, "abc").value(), "t-0.abc-stray");
  EXPECT_TRUE(disk_.exists(std::string(kPath) + "/t-0.abc-stray").value());
  EXPECT_TRUE(dir_->partitions()->empty());
}

}  // namespace
}  // namespace mq::log
