// A topic may have a name so long that its directory's name has no room for what is put behind it when it is moved.

#include <gtest/gtest.h>

#include <filesystem>
#include <set>
#include <string>

#include "log/log_dir.h"
#include "posix/files.h"
#include "sim/machine/disk.h"

namespace mq::log {
namespace {

/// As many characters as a topic id has.
constexpr std::string_view kUnique = "ABCDEFGHIJKLMNOPQRSTUV";

/// Moves directories of topics of every length from `shortest` on out of the way, on whichever files.
void move_all(env::Files& files, const std::string& path, std::size_t shortest) {
  auto dir = LogDir::open(files, path).value();
  ASSERT_TRUE(dir->set_identity({.node = BrokerId{1}, .cluster_id = "abcdefghijklmnopqrstuv", .directory_id = ""}));
  ASSERT_TRUE(dir->begin_writing());
  for (const std::int32_t partition : {0, 10, 100, 1000, 10'000}) {
    for (std::size_t length = shortest; length <= kTopicNameBytesMax; ++length) {
      const TopicPartition one[] = {{std::string(length, 'b'), partition}};
      const std::string directory = dir->directory_of(one[0]);
      ASSERT_TRUE(files.make_directories(directory));
      const auto removal = dir->begin_removal(one, Uuid{{7}}, kUnique).value();
      ASSERT_TRUE(removal.failures.empty()) << removal.failures.front().message;
      ASSERT_EQ(removal.directories.size(), 1U);
      EXPECT_EQ(dir->moved()->removals, removal.directories);
      ASSERT_TRUE(dir->remove_directory(removal.directories.front()));

      ASSERT_TRUE(files.make_directories(directory));
      const auto stray = dir->set_aside(one[0], kUnique);
      ASSERT_TRUE(stray) << stray.error().message;
      EXPECT_TRUE(dir->partitions()->empty());
      ASSERT_TRUE(files.remove(path + "/" + *stray));
    }
  }
}

TEST(LongNames, OfEveryLengthCanBeMovedAwayOnASimulatedDisk) {
  sim::Scheduler scheduler{1};
  sim::Disk disk{scheduler, {}};
  ASSERT_TRUE(disk.make_directories("/mq"));
  move_all(disk, "/mq/data", 1);
}

TEST(LongNames, OfEveryLengthCanBeMovedAwayOnARealDisk) {
  std::string root = std::filesystem::temp_directory_path() / "mq-names-XXXXXX";
  ASSERT_NE(mkdtemp(root.data()), nullptr);
  posix::PosixFiles files;
  move_all(files, root + "/data", kTopicNameBytesMax - 35);  // each waits for the disk
  std::filesystem::remove_all(root);
}

TEST(LongNames, ThatBeginAlikeStayApart) {
  sim::Scheduler scheduler{1};
  sim::Disk disk{scheduler, {}};
  auto dir = LogDir::open(disk, "/mq").value();
  std::set<std::string> names;
  const std::string same(240, 'b');
  for (const char* end : {"x", "y"}) {
    for (const std::int32_t partition : {1, 11}) {
      const TopicPartition one[] = {{same + end, partition}};
      ASSERT_TRUE(disk.make_directories(dir->directory_of(one[0])));
      const std::string id = std::string(kUnique.substr(1)) + end;  // each topic has an id of its own
      names.insert(dir->begin_removal(one, Uuid{}, id).value().directories.at(0));
    }
  }
  EXPECT_EQ(names.size(), 4U);
  EXPECT_EQ(dir->moved()->removals.size(), 4U);
}

}  // namespace
}  // namespace mq::log
