#include "posix/files.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <vector>

#include "posix/posix_testing.h"

namespace mq::posix {
namespace {

using env::OpenMode;

class FilesTest : public ::testing::Test {
 protected:
  std::unique_ptr<env::File> make(const std::string& name, BytesView contents = {}) {
    auto file = files_.open(directory_.file(name), OpenMode::create).value();
    EXPECT_TRUE(file->write_at(0, contents));
    return file;
  }

  TemporaryDirectory directory_;
  PosixFiles files_;
};

TEST_F(FilesTest, WhatIsWrittenIsReadBackAtItsPlace) {
  auto file = make("data", "0123456789");
  EXPECT_TRUE(file->write_at(4, "abc"));
  char to[16];
  EXPECT_EQ(file->read_at(2, to, 6).value(), 6U);
  EXPECT_EQ(BytesView(to, 6), "23abc7");
  EXPECT_EQ(file->read_at(8, to, sizeof to).value(), 2U);
  EXPECT_EQ(file->read_at(100, to, sizeof to).value(), 0U);
  EXPECT_TRUE(file->sync());
  EXPECT_EQ(file->size().value(), 10U);
}

TEST_F(FilesTest, CachedReadGivesWhatWasJustWritten) {
  auto file = make("data", std::string(10'000, 'x'));
  char to[10'000];
  EXPECT_EQ(file->read_cached_at(0, to, sizeof to).value(), sizeof to);
  EXPECT_EQ(file->read_cached_at(9'999, to, sizeof to).value(), 1U);
}

TEST_F(FilesTest, CachedReadAfterDropCacheNeverGivesWrongBytes) {
  auto file = make("data", std::string(100'000, 'x'));
  EXPECT_TRUE(file->sync());
  file->drop_cache();
  std::string to(100'000, '\0');
  const auto got = file->read_cached_at(0, to.data(), to.size());
  // Whether the pages have gone is the file system's choice (tmpfs keeps them).
  if (got) {
    EXPECT_EQ(to, std::string(100'000, 'x'));
  } else {
    EXPECT_EQ(got.error().code, Errc::would_block);
  }
  EXPECT_EQ(file->read_at(0, to.data(), to.size()).value(), to.size());
  EXPECT_EQ(to, std::string(100'000, 'x'));
}

TEST_F(FilesTest, ReservedSpaceDoesNotChangeTheSize) {
  auto file = make("data", "abc");
  const auto reserved = file->reserve(0, 1 << 20);
  if (!reserved) {
    EXPECT_EQ(reserved.error().code, Errc::unsupported);
  }
  EXPECT_EQ(file->size().value(), 3U);
  EXPECT_TRUE(file->truncate(2));
  EXPECT_EQ(file->size().value(), 2U);
}

TEST_F(FilesTest, OpenModesDecideWhetherTheFileMayOrMustExist) {
  const std::string path = directory_.file("file");
  EXPECT_EQ(files_.open(path, OpenMode::read).error().code, Errc::not_found);
  EXPECT_EQ(files_.open(path, OpenMode::read_write).error().code, Errc::not_found);
  EXPECT_TRUE(files_.open(path, OpenMode::create_new));
  EXPECT_EQ(files_.open(path, OpenMode::create_new).error().code, Errc::already_exists);
  EXPECT_TRUE(files_.open(path, OpenMode::create));
  EXPECT_TRUE(files_.open(path, OpenMode::read));
}

TEST_F(FilesTest, ErrorsNameThePathAndTheReason) {
  const auto error = files_.open(directory_.file("missing"), OpenMode::read).error();
  EXPECT_EQ(error.message, directory_.file("missing") + ": cannot open: No such file or directory");
}

TEST_F(FilesTest, OnlyARegularFileHasASize) {
  const std::string pipe = directory_.file("pipe");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(files_.file_size(pipe).error().message, pipe + ": not a regular file");
  EXPECT_EQ(files_.file_size(directory_.path()).error().code, Errc::invalid_argument);
}

TEST_F(FilesTest, DescriptorsAreClosedOnExec) {
  auto file = make("data");
  EXPECT_EQ(::fcntl(file->descriptor(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

TEST_F(FilesTest, NoDescriptorLeftIsTooManyFiles) {
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const rlimit none{.rlim_cur = 0, .rlim_max = before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &none);
  const auto refused = files_.open(directory_.file("file"), OpenMode::create);
  ::setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_EQ(refused.error().code, Errc::too_many_files);
}

TEST_F(FilesTest, WriteOverTheFileSizeLimitIsTooLarge) {
  auto file = make("data");
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{.rlim_cur = 4096, .rlim_max = before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  const auto refused = file->write_at(0, std::string(8192, 'x'));
  ::setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_EQ(refused.error().code, Errc::too_large);
}

TEST_F(FilesTest, DirectoriesAreMadeWithTheirParentsAndListedByName) {
  const std::string deep = directory_.file("a/b/c");
  EXPECT_TRUE(files_.make_directories(deep));
  EXPECT_TRUE(files_.make_directories(deep));
  make("z");
  make("b");
  const auto entries = files_.list(directory_.path()).value();
  ASSERT_EQ(entries.size(), 3U);
  EXPECT_EQ(entries[0].name, "a");
  EXPECT_TRUE(entries[0].is_directory);
  EXPECT_EQ(entries[1].name, "b");
  EXPECT_FALSE(entries[1].is_directory);
  EXPECT_EQ(entries[2].name, "z");
  EXPECT_EQ(files_.list(directory_.file("none")).error().code, Errc::not_found);
  EXPECT_EQ(files_.make_directories(directory_.file("z/below")).error().code, Errc::already_exists);
  EXPECT_TRUE(files_.sync_directory(directory_.path()));
}

TEST_F(FilesTest, RenameReplacesAndRemoveTakesFilesAndEmptyDirectories) {
  make("from", "new");
  make("to", "old");
  EXPECT_TRUE(files_.rename(directory_.file("from"), directory_.file("to")));
  EXPECT_EQ(env::read_whole(files_, directory_.file("to")).value(), "new");
  EXPECT_FALSE(files_.exists(directory_.file("from")).value());
  EXPECT_EQ(files_.remove(directory_.path()).error().code, Errc::conflict);
  EXPECT_TRUE(files_.remove(directory_.file("to")));
  EXPECT_EQ(files_.remove(directory_.file("to")).error().code, Errc::not_found);
  EXPECT_EQ(files_.rename(directory_.file("from"), directory_.file("to")).error().code, Errc::not_found);
}

TEST_F(FilesTest, TreeIsSyncedWhateverComesAndGoesInIt) {
  ASSERT_TRUE(files_.make_directories(directory_.file("a/b")));
  const auto tree = files_.open_tree(directory_.path()).value();
  auto file = make("a/b/data", "0123456789");
  EXPECT_TRUE(tree->sync());
  ASSERT_TRUE(files_.remove(directory_.file("a/b/data")));
  ASSERT_TRUE(files_.remove(directory_.file("a/b")));
  EXPECT_TRUE(tree->sync());
  EXPECT_EQ(files_.open_tree(directory_.file("none")).error().code, Errc::not_found);
}

TEST_F(FilesTest, ReplaceAtomicallyLeavesTheNewContentsAndNoTemporaryFile) {
  const std::string path = directory_.file("meta");
  EXPECT_TRUE(env::replace_atomically(files_, path, "a long first version"));
  EXPECT_TRUE(env::replace_atomically(files_, path, "short"));
  EXPECT_EQ(env::read_whole(files_, path).value(), "short");
  EXPECT_EQ(files_.list(directory_.path()).value().size(), 1U);
  EXPECT_EQ(env::read_whole(files_, path, 4).error().code, Errc::too_large);
}

bool posix_lock_from_another_process(const std::string& path) {
  const pid_t child = ::fork();
  if (child == 0) {
    const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    struct flock whole{.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 0, .l_pid = 0};
    ::_exit(::fcntl(fd, F_SETLK, &whole) == 0 ? 0 : 1);
  }
  int status = 1;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST_F(FilesTest, LockIsRefusedToAnotherProcessUntilItsHolderEnds) {
  const std::string path = directory_.file("lock");
  int ready[2];
  int finish[2];
  ASSERT_EQ(::pipe(ready), 0);
  ASSERT_EQ(::pipe(finish), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    // As Java's FileChannel.tryLock does: whoever uses the directory in another language is held off, too.
    struct flock whole{.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 0, .l_pid = 0};
    const bool locked = ::fcntl(fd, F_SETLK, &whole) == 0;
    char c = locked ? 'y' : 'n';
    (void)!::write(ready[1], &c, 1);
    (void)!::read(finish[0], &c, 1);
    ::_exit(0);
  }
  char c = 0;
  ASSERT_EQ(::read(ready[0], &c, 1), 1);
  EXPECT_EQ(c, 'y');
  const auto refused = files_.lock(path);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::conflict);
  EXPECT_TRUE(refused.error().message.ends_with("locked by process " + std::to_string(child)))
      << refused.error().message;
  ASSERT_EQ(::write(finish[1], "x", 1), 1);
  ::waitpid(child, nullptr, 0);
  for (const int fd : {ready[0], ready[1], finish[0], finish[1]}) ::close(fd);

  auto lock = files_.lock(path);
  EXPECT_TRUE(lock);
  EXPECT_EQ(files_.lock(path).error().code, Errc::conflict);
  EXPECT_FALSE(posix_lock_from_another_process(path));
  lock->reset();
  EXPECT_TRUE(posix_lock_from_another_process(path));
  EXPECT_TRUE(files_.lock(path));
}

TEST_F(FilesTest, SpaceOfTheDiskIsKnown) {
  const auto space = files_.space(directory_.path()).value();
  EXPECT_GT(space.total_bytes, 0U);
  EXPECT_LE(space.free_bytes, space.total_bytes);
  EXPECT_EQ(files_.space(directory_.file("none")).error().code, Errc::not_found);
}

/// A file system of 256 KiB; only root can make one.
class SmallDisk {
 public:
  explicit SmallDisk(std::string at) : at_(std::move(at)) {
    ::mkdir(at_.c_str(), 0700);
    mounted_ = ::mount("tmpfs", at_.c_str(), "tmpfs", 0, "size=256k") == 0;
  }
  ~SmallDisk() {
    if (mounted_) ::umount2(at_.c_str(), MNT_DETACH);
  }
  [[nodiscard]] bool mounted() const { return mounted_; }

 private:
  std::string at_;
  bool mounted_ = false;
};

/// /dev/full answers every write with ENOSPC, for everyone.
TEST_F(FilesTest, WriteToAFullDeviceIsDiskFull) {
  auto full = files_.open("/dev/full", OpenMode::read_write).value();
  EXPECT_EQ(full->write_at(0, "x").error().code, Errc::disk_full);
}

TEST_F(FilesTest, FullDiskRefusesToReserveAndRecoversWhenSpaceIsFreed) {
  const SmallDisk disk(directory_.file("disk"));
  const std::uint64_t too_much = disk.mounted() ? 1 << 20 : files_.space(directory_.path()).value().total_bytes * 2;
  auto filler = make(disk.mounted() ? "disk/filler" : "filler");
  EXPECT_EQ(filler->reserve(0, too_much).error().code, Errc::disk_full);
  if (disk.mounted()) {
    EXPECT_EQ(filler->write_at(0, std::string(1 << 20, 'x')).error().code, Errc::disk_full);
    auto other = make("disk/other");
    EXPECT_EQ(other->write_at(0, std::string(8192, 'y')).error().code, Errc::disk_full);
    EXPECT_TRUE(filler->truncate(0));
    EXPECT_TRUE(other->write_at(0, std::string(8192, 'y')));
  }
}

}  // namespace
}  // namespace mq::posix
