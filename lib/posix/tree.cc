#include "posix/tree.h"

#include <linux/magic.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

namespace mq::posix {
namespace {

bool kernel_reports_failed_writes() {
  utsname kernel{};
  int major = 0;
  int minor = 0;
  if (::uname(&kernel) != 0 || std::sscanf(kernel.release, "%d.%d", &major, &minor) != 2) return false;
  return std::pair{major, minor} >= std::pair{5, 8};
}

bool is_local_disk(int descriptor) {
  // EXT4_SUPER_MAGIC is also that of ext2 and ext3.
  constexpr std::array<unsigned long, 5> kKinds = {EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC,
                                                   F2FS_SUPER_MAGIC, TMPFS_MAGIC};
  struct statfs info{};
  return ::fstatfs(descriptor, &info) == 0 &&
         std::ranges::find(kKinds, static_cast<unsigned long>(info.f_type)) != kKinds.end();
}

}  // namespace

PosixTree::PosixTree(env::Files& files, Descriptor descriptor, std::string path)
    : files_(files),
      descriptor_(std::move(descriptor)),
      path_(std::move(path)),
      syncfs_is_enough_(kernel_reports_failed_writes() && is_local_disk(descriptor_.get())) {}

Result<void> PosixTree::sync() {
  if (syncfs_is_enough_ && ::syncfs(descriptor_.get()) == 0) return {};
  return sync_each(path_);
}

Result<void> PosixTree::sync_each(const std::string& directory) {
  // What is removed meanwhile needs no sync, and what is not ours to read is not ours to sync.
  const auto is_not_ours = [](const Error& error) {
    return error.code == Errc::not_found || error.code == Errc::refused;
  };
  const auto entries = files_.list(directory);
  if (!entries) return is_not_ours(entries.error()) ? Result<void>{} : fail(entries.error());
  for (const env::DirEntry& entry : *entries) {
    const std::string path = directory + "/" + entry.name;
    if (entry.is_directory) {
      MQ_CHECK(sync_each(path));
      continue;
    }
    auto file = files_.open(path, env::OpenMode::read);
    if (!file && is_not_ours(file.error())) continue;
    if (!file) return fail(std::move(file).error());
    MQ_CHECK((*file)->sync());
  }
  return files_.sync_directory(directory);
}

}  // namespace mq::posix
