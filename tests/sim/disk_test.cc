#include "sim/machine/disk.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "sim/machine/world.h"

namespace mq::sim {
namespace {

std::string contents(Disk& disk, const std::string& path) {
  auto whole = env::read_whole(disk, path);
  return whole ? *whole : "error: " + whole.error().message;
}

class DiskTest : public ::testing::Test {
 protected:
  std::unique_ptr<env::File> file(const std::string& path) { return *disk.open(path, env::OpenMode::create); }
  void write(const std::string& path, BytesView text) { ASSERT_TRUE(file(path)->write_at(0, text)); }
  void make_durable(const std::string& path, BytesView text) {
    write(path, text);
    ASSERT_TRUE(file(path)->sync());
    ASSERT_TRUE(disk.sync_directory(path.substr(0, path.find_last_of('/') + 1)));
  }

  World world{11};
  Machine& machine = world.add_machine("a");
  Disk& disk = machine.disk();
};

TEST_F(DiskTest, KillKeepsWhatWasWritten) {
  write("f", "hello");
  machine.kill();
  EXPECT_EQ(contents(disk, "f"), "hello");
}

TEST_F(DiskTest, PowerLossAfterSyncKeepsAndBeforeItLoses) {
  make_durable("f", "kept");
  write("f", "lost");
  machine.lose_power(PowerLoss::drop_all);
  EXPECT_EQ(contents(disk, "f"), "kept");
}

TEST_F(DiskTest, SyncedFileWithoutDirectorySyncLosesItsName) {
  write("f", "hello");
  ASSERT_TRUE(file("f")->sync());
  machine.lose_power(PowerLoss::drop_all);
  EXPECT_FALSE(*disk.exists("f"));
}

TEST_F(DiskTest, RenameWithoutDirectorySyncShowsTheOldFileAfterPowerLoss) {
  make_durable("f", "old");
  make_durable("f.tmp", "new");
  ASSERT_TRUE(disk.rename("f.tmp", "f"));
  EXPECT_EQ(contents(disk, "f"), "new");
  machine.lose_power(PowerLoss::drop_all);
  EXPECT_EQ(contents(disk, "f"), "old");
  EXPECT_EQ(contents(disk, "f.tmp"), "new");
}

TEST_F(DiskTest, DirectoryThatWasNeverSyncedGoesWithItsFiles) {
  ASSERT_TRUE(disk.make_directories("/a/b"));
  make_durable("/a/b/f", "hello");
  machine.lose_power(PowerLoss::drop_all);
  EXPECT_FALSE(*disk.exists("/a"));
}

TEST_F(DiskTest, SyncedTreeKeepsItsContentsAndNamesAndNothingBeside) {
  ASSERT_TRUE(disk.make_directories("/d/inner"));
  write("/d/inner/f", "inside");
  write("/g", "");
  ASSERT_TRUE(disk.open_tree("/d").value()->sync());
  ASSERT_TRUE(disk.sync_directory("/"));
  write("/d/inner/f", "INSIDE");
  write("/g", "beside");
  disk.lose_power(PowerLoss::drop_all);
  EXPECT_EQ(contents(disk, "/d/inner/f"), "inside");
  EXPECT_EQ(contents(disk, "/g"), "");
  EXPECT_EQ(disk.open_tree("/none").error().code, Errc::not_found);
}

TEST_F(DiskTest, FaultOfOneFileFailsTheSyncOfItsTreeAndTheRestIsSynced) {
  ASSERT_TRUE(disk.make_directories("/d"));
  ASSERT_TRUE(disk.sync_directory("/"));
  for (const char* name : {"/d/bad", "/d/good"}) write(name, "new");
  const auto tree = disk.open_tree("/d").value();
  disk.inject({.on = DiskFault::On::sync, .path_part = "bad"});
  EXPECT_EQ(tree->sync().error().code, Errc::disk_failed);
  EXPECT_TRUE(tree->sync());
  disk.lose_power(PowerLoss::drop_all);
  EXPECT_EQ(contents(disk, "/d/bad"), "");
  EXPECT_EQ(contents(disk, "/d/good"), "new");
}

TEST_F(DiskTest, ReplaceAtomicallyLeavesOldOrNewWholeAtEveryPowerLoss) {
  std::set<std::string> seen;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    World other(seed);
    Machine& machine = other.add_machine("a");
    const std::string old_text(3000, 'o');
    const std::string new_text(5000, 'n');
    ASSERT_TRUE(env::replace_atomically(machine.disk(), "/f", old_text));
    // Power goes at a point of the second replacement that the seed draws: a fault stops it there.
    const auto on = static_cast<DiskFault::On>(seed % 5);
    machine.disk().inject({.on = on, .path_part = "", .times = -1, .how = SyncFailure::pages_stay_dirty});
    (void)env::replace_atomically(machine.disk(), "/f", new_text);
    machine.disk().clear_faults();
    machine.lose_power(PowerLoss::any);
    const std::string found = contents(machine.disk(), "/f");
    EXPECT_TRUE(found == old_text || found == new_text) << "seed " << seed << ": " << found.size() << " bytes";
    seen.insert(found.substr(0, 1));
  }
  EXPECT_EQ(seen, (std::set<std::string>{"n", "o"}));
}

TEST_F(DiskTest, TornWritesLeaveSomeSectorsNewAndSomeOld) {
  make_durable("/f", std::string(64 << 10, 'o'));
  write("/f", std::string(64 << 10, 'n'));
  // The write as a whole may be dropped too, so try a few cuts.
  for (int i = 0; i < 20; ++i) {
    machine.lose_power(PowerLoss::torn);
    const std::string found = contents(disk, "/f");
    ASSERT_EQ(found.size(), std::size_t{64 << 10});
    for (std::size_t sector = 0; sector < found.size(); sector += 512)
      ASSERT_EQ(found.substr(sector, 512), std::string(512, found[sector]));
    if (found.find('n') != std::string::npos && found.find('o') != std::string::npos) return;
    write("/f", std::string(64 << 10, 'n'));
  }
  FAIL() << "no torn write in twenty power losses";
}

TEST_F(DiskTest, UnsyncedWritesAreLostWhateverTheirOrder) {
  bool later_without_earlier = false;
  for (int i = 0; i < 50 && !later_without_earlier; ++i) {
    make_durable("/f", "--");
    ASSERT_TRUE(file("/f")->write_at(0, "1"));
    ASSERT_TRUE(file("/f")->write_at(1, "2"));
    machine.lose_power(PowerLoss::drop_some);
    later_without_earlier = contents(disk, "/f") == "-2";
  }
  EXPECT_TRUE(later_without_earlier);
}

TEST_F(DiskTest, FailedSyncThatMarksPagesCleanLiesUntilTheCacheIsDropped) {
  make_durable("/f", "old");
  disk.inject({.on = DiskFault::On::sync, .path_part = "/f", .how = SyncFailure::pages_marked_clean});
  auto open = file("/f");
  ASSERT_TRUE(open->write_at(0, "new"));
  EXPECT_EQ(open->sync().error().code, Errc::disk_failed);
  EXPECT_EQ(open->sync().error().code, Errc::disk_failed) << "who has it open knows better";
  EXPECT_TRUE(file("/f")->sync());  // the retry that must never be believed
  EXPECT_EQ(contents(disk, "/f"), "new");
  open->drop_cache();
  EXPECT_EQ(contents(disk, "/f"), "old");
}

TEST_F(DiskTest, FailedSyncThatDropsPagesShowsTheOldContents) {
  make_durable("/f", "old");
  disk.inject({.on = DiskFault::On::sync, .how = SyncFailure::pages_dropped});
  write("/f", "newer");
  EXPECT_FALSE(file("/f")->sync());
  EXPECT_EQ(contents(disk, "/f"), "old");
}

TEST_F(DiskTest, FaultStrikesAfterSoManyAndSoManyTimes) {
  disk.inject({.on = DiskFault::On::write, .path_part = "f", .after = 1, .times = 2});
  auto open = file("/f");
  EXPECT_TRUE(file("/g")->write_at(0, "x"));
  EXPECT_TRUE(open->write_at(0, "x"));
  EXPECT_FALSE(open->write_at(0, "x"));
  EXPECT_FALSE(open->write_at(0, "x"));
  EXPECT_TRUE(open->write_at(0, "x"));
}

TEST_F(DiskTest, FullDiskRefusesGrowthAndAcceptsItAgainAfterADeletion) {
  disk.set_capacity(1000);
  write("/a", std::string(600, 'a'));
  auto b = file("/b");
  EXPECT_EQ(b->write_at(0, std::string(600, 'b')).error().code, Errc::disk_full);
  EXPECT_TRUE(file("/a")->write_at(0, std::string(600, 'c')));  // no growth
  ASSERT_TRUE(disk.remove("/a"));
  EXPECT_TRUE(b->write_at(0, std::string(600, 'b')));
  EXPECT_EQ(disk.space("/")->free_bytes, 400u);
}

TEST_F(DiskTest, FilledDiskTakesNoNewNameButLetsOneReplaceAnother) {
  write("/a", "a");
  write("/b", std::string(5000, 'b'));
  disk.fill();
  EXPECT_EQ(disk.open("/c", env::OpenMode::create).error().code, Errc::disk_full);
  EXPECT_EQ(disk.rename("/a", "/c").error().code, Errc::disk_full);
  EXPECT_EQ(disk.make_directories("/d").error().code, Errc::disk_full);
  EXPECT_EQ(file("/a")->write_at(0, "aa").error().code, Errc::disk_full);
  EXPECT_TRUE(disk.rename("/a", "/b"));
  EXPECT_TRUE(disk.open("/c", env::OpenMode::create)) << "what was replaced made room";
  disk.make_room();
  EXPECT_TRUE(file("/b")->write_at(0, "bb"));
}

TEST_F(DiskTest, DeletedFileKeepsItsSpaceWhileItIsOpen) {
  disk.set_capacity(1000);
  auto a = file("/a");
  ASSERT_TRUE(a->write_at(0, std::string(600, 'a')));
  ASSERT_TRUE(disk.remove("/a"));
  EXPECT_EQ(disk.space("/")->free_bytes, 400u);
  a.reset();
  EXPECT_EQ(disk.space("/")->free_bytes, 1000u);
}

TEST_F(DiskTest, ReservedSpaceIsThereWhenTheDiskIsFull) {
  disk.set_capacity(1000);
  auto a = file("/a");
  ASSERT_TRUE(a->reserve(0, 800));
  EXPECT_EQ(*a->size(), 0u);
  auto b = file("/b");
  EXPECT_EQ(b->reserve(0, 300).error().code, Errc::disk_full);
  EXPECT_TRUE(a->write_at(0, std::string(800, 'a')));
}

TEST_F(DiskTest, FlippedBitShowsOnlyWhenReadFromTheMedia) {
  make_durable("/f", "aaaa");
  disk.flip_bits("/f", 2, 1);
  EXPECT_EQ(contents(disk, "/f"), "aaaa");
  file("/f")->drop_cache();
  EXPECT_EQ(contents(disk, "/f"), "aa`a");
}

TEST_F(DiskTest, LockIsHeldOnceAndGoesWithItsHolder) {
  auto lock = disk.lock("/.lock");
  ASSERT_TRUE(lock);
  EXPECT_EQ(disk.lock("/.lock").error().code, Errc::conflict);
  machine.own(std::shared_ptr<env::FileLock>(std::move(*lock)));
  machine.kill();
  EXPECT_TRUE(disk.lock("/.lock"));
}

TEST_F(DiskTest, MissingAndExistingFilesAreToldApart) {
  EXPECT_EQ(disk.open("/f", env::OpenMode::read).error().code, Errc::not_found);
  EXPECT_EQ(disk.open("/no/f", env::OpenMode::create).error().code, Errc::not_found);
  write("/f", "x");
  EXPECT_EQ(disk.open("/f", env::OpenMode::create_new).error().code, Errc::already_exists);
  EXPECT_EQ((*disk.open("/f", env::OpenMode::read))->write_at(0, "y").error().code, Errc::invalid_argument);
  EXPECT_EQ(disk.remove("/g").error().code, Errc::not_found);
  ASSERT_TRUE(disk.make_directories("/d/e"));
  EXPECT_EQ(disk.list("/")->size(), 2u);
  EXPECT_TRUE(disk.list("/")->front().is_directory);
}

TEST_F(DiskTest, DirectoryIsRenamedWithItsFiles) {
  ASSERT_TRUE(disk.make_directories("/data/topic-0"));
  write("/data/topic-0/f", "x");
  ASSERT_TRUE(disk.rename("/data/topic-0", "/data/topic-0.deleted"));
  EXPECT_EQ(contents(disk, "/data/topic-0.deleted/f"), "x");
  EXPECT_FALSE(*disk.exists("/data/topic-0"));
}

TEST_F(DiskTest, DestructorThatWritesIsCaught) {
  struct Writer {
    env::Files& files;
    bool& is_wrong;
    ~Writer() {
      if (is_wrong) (void)env::replace_atomically(files, "/clean", "yes");
    }
  };
  bool is_wrong = true;
  machine.own(std::make_shared<Writer>(disk, is_wrong));
  EXPECT_DEATH(machine.kill(), "is_frozen_");
  is_wrong = false;
  machine.kill();
}

}  // namespace
}  // namespace mq::sim
