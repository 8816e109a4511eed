#include "posix/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <mutex>
#include <utility>

#include "posix/descriptor.h"
#include "posix/system_error.h"
#include "posix/tree.h"

namespace mq::posix {
namespace {

class PosixFile final : public env::File {
 public:
  PosixFile(Descriptor descriptor, std::string path) : descriptor_(std::move(descriptor)), path_(std::move(path)) {}

  Result<std::size_t> read_at(std::uint64_t position, char* to, std::size_t size) override {
    std::size_t done = 0;
    while (done < size) {
      const ssize_t got = ::pread(fd(), to + done, size - done, static_cast<off_t>(position + done));
      if (got == 0) break;
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return read_failure(errno, position + done);
      done += static_cast<std::size_t>(got);
    }
    return done;
  }

  Result<std::size_t> read_cached_at(std::uint64_t position, char* to, std::size_t size) override {
    std::size_t done = 0;
    while (done < size) {
      const iovec piece{.iov_base = to + done, .iov_len = size - done};
      const ssize_t got = ::preadv2(fd(), &piece, 1, static_cast<off_t>(position + done), RWF_NOWAIT);
      if (got == 0) break;
      if (got < 0 && errno == EINTR) continue;
      if (got < 0 && errno == EAGAIN) return fail(Errc::would_block, "{}: not in the page cache", path_);
      if (got < 0 && errno == EOPNOTSUPP) return read_at(position, to, size);
      if (got < 0) return read_failure(errno, position + done);
      done += static_cast<std::size_t>(got);
    }
    return done;
  }

  Result<void> write_at(std::uint64_t position, BytesView bytes) override {
    while (!bytes.empty()) {
      const ssize_t put = ::pwrite(fd(), bytes.data(), bytes.size(), static_cast<off_t>(position));
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return file_failure(errno, "write", path_);
      position += static_cast<std::uint64_t>(put);
      bytes.remove_prefix(static_cast<std::size_t>(put));
    }
    return {};
  }

  Result<void> sync() override {
    // Of two at once on one descriptor only one would be told that a write failed.
    const std::lock_guard one_at_a_time(syncing_);
    // Not retried, not even after EINTR: the kernel may have dropped the dirty pages with the first failure.
    if (sync_error_ == 0 && ::fdatasync(fd()) != 0) sync_error_ = errno;
    return sync_error_ == 0 ? Result<void>{} : sync_failure(sync_error_, path_);
  }

  Result<void> truncate(std::uint64_t size) override {
    while (::ftruncate(fd(), static_cast<off_t>(size)) != 0) {
      if (errno != EINTR) return file_failure(errno, "set the size", path_);
    }
    return {};
  }

  Result<void> reserve(std::uint64_t position, std::uint64_t size) override {
    while (::fallocate(fd(), FALLOC_FL_KEEP_SIZE, static_cast<off_t>(position), static_cast<off_t>(size)) != 0) {
      if (errno == ENOSYS) return fail(Errc::unsupported, "{}: the kernel cannot reserve space", path_);
      if (errno != EINTR) return file_failure(errno, "reserve space", path_);
    }
    return {};
  }

  Result<std::uint64_t> size() const override {
    struct stat info{};
    if (::fstat(fd(), &info) != 0) return file_failure(errno, "read the size", path_);
    return static_cast<std::uint64_t>(info.st_size);
  }

  void drop_cache() override { (void)::posix_fadvise(fd(), 0, 0, POSIX_FADV_DONTNEED); }
  int descriptor() const override { return fd(); }

  /// A failed sync is disk_failed even when the reason was a full disk: what was written is in doubt.
  static std::unexpected<Error> sync_failure(int error_number, const std::string& path) {
    return fail(Errc::disk_failed, "{}: cannot sync: {}", path, system_text(error_number));
  }

 private:
  int fd() const { return descriptor_.get(); }
  /// What cannot be read here says nothing about the rest of the disk.
  std::unexpected<Error> read_failure(int error_number, std::uint64_t position) const {
    const Errc code = file_errc(error_number);
    return fail(code == Errc::disk_failed ? Errc::read_failed : code, "{}:{}: cannot read: {}", path_, position,
                system_text(error_number));
  }

  Descriptor descriptor_;
  const std::string path_;
  std::mutex syncing_;
  int sync_error_ = 0;  ///< of the first sync that failed
};

class PosixFileLock final : public env::FileLock {
 public:
  explicit PosixFileLock(Descriptor descriptor) : descriptor_(std::move(descriptor)) {}

 private:
  Descriptor descriptor_;  // closing it unlocks
};

/// Who keeps us from locking.
std::string holder(int descriptor) {
  struct flock lock{};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  // A lock like ours belongs to no process in particular.
  if (::fcntl(descriptor, F_OFD_GETLK, &lock) != 0 || lock.l_type == F_UNLCK || lock.l_pid <= 0)
    return "another process";
  return fmt::format("process {}", lock.l_pid);
}

int open_retrying(const std::string& path, int flags, mode_t mode = 0) {
  int fd;
  do {
    fd = ::open(path.c_str(), flags | O_CLOEXEC, mode);
  } while (fd < 0 && errno == EINTR);
  return fd;
}

int open_flags(env::OpenMode mode) {
  switch (mode) {
    case env::OpenMode::read:
      return O_RDONLY;
    case env::OpenMode::read_write:
      return O_RDWR;
    case env::OpenMode::create:
      return O_RDWR | O_CREAT;
    case env::OpenMode::create_new:
      return O_RDWR | O_CREAT | O_EXCL;
  }
  std::unreachable();
}

bool is_directory(const std::string& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

bool is_directory(const std::string& parent, const dirent& entry) {
  if (entry.d_type != DT_UNKNOWN && entry.d_type != DT_LNK) return entry.d_type == DT_DIR;
  return is_directory(parent + "/" + entry.d_name);
}

}  // namespace

Result<std::unique_ptr<env::File>> PosixFiles::open(const std::string& path, env::OpenMode mode) {
  Descriptor descriptor(open_retrying(path, open_flags(mode), 0640));
  if (!descriptor) return file_failure(errno, "open", path);
  return std::make_unique<PosixFile>(std::move(descriptor), path);
}

Result<void> PosixFiles::rename(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return file_failure(errno, "rename to " + to, from);
  return {};
}

Result<void> PosixFiles::remove(const std::string& path) {
  if (::remove(path.c_str()) != 0) return file_failure(errno, "remove", path);
  return {};
}

Result<void> PosixFiles::make_directories(const std::string& path) {
  for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const std::string part = path.substr(0, end);
    if (::mkdir(part.c_str(), 0750) != 0 && !(errno == EEXIST && is_directory(part))) {
      return file_failure(errno, "make the directory", part);
    }
    if (end == std::string::npos || end + 1 == path.size()) return {};
  }
}

Result<std::vector<env::DirEntry>> PosixFiles::list(const std::string& directory) {
  const std::unique_ptr<DIR, int (*)(DIR*)> open(::opendir(directory.c_str()), ::closedir);
  if (!open) return file_failure(errno, "list", directory);
  std::vector<env::DirEntry> entries;
  while (true) {
    errno = 0;
    const dirent* entry = ::readdir(open.get());
    if (!entry && errno != 0) return file_failure(errno, "list", directory);
    if (!entry) break;
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    entries.push_back({.name = std::string(name), .is_directory = is_directory(directory, *entry)});
  }
  std::ranges::sort(entries, {}, &env::DirEntry::name);
  return entries;
}

Result<bool> PosixFiles::exists(const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) == 0) return true;
  if (errno == ENOENT || errno == ENOTDIR) return false;
  return file_failure(errno, "look at", path);
}

Result<std::uint64_t> PosixFiles::file_size(const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return file_failure(errno, "read the size", path);
  if (!S_ISREG(info.st_mode)) return fail(Errc::invalid_argument, "{}: not a regular file", path);
  return static_cast<std::uint64_t>(info.st_size);
}

Result<void> PosixFiles::sync_directory(const std::string& path) {
  const Descriptor descriptor(open_retrying(path.empty() ? "/" : path, O_RDONLY | O_DIRECTORY));
  if (!descriptor) return file_failure(errno, "open the directory", path);
  if (::fsync(descriptor.get()) != 0) return PosixFile::sync_failure(errno, path);
  return {};
}

Result<std::unique_ptr<env::Tree>> PosixFiles::open_tree(const std::string& directory) {
  Descriptor descriptor(open_retrying(directory, O_RDONLY | O_DIRECTORY));
  if (!descriptor) return file_failure(errno, "open the directory", directory);
  return std::make_unique<PosixTree>(*this, std::move(descriptor), directory);
}

Result<std::unique_ptr<env::FileLock>> PosixFiles::lock(const std::string& path) {
  Descriptor descriptor(open_retrying(path, O_RDWR | O_CREAT, 0640));
  if (!descriptor) return file_failure(errno, "open", path);
  // Of the file as a whole, and owned by this opening of it: two in one process exclude each other, and both exclude
  // whoever locks as POSIX says, as Java does.
  struct flock whole{};
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  while (::fcntl(descriptor.get(), F_OFD_SETLK, &whole) != 0) {
    if (errno == EAGAIN || errno == EACCES)
      return fail(Errc::conflict, "{}: locked by {}", path, holder(descriptor.get()));
    if (errno != EINTR) return file_failure(errno, "lock", path);
  }
  return std::make_unique<PosixFileLock>(std::move(descriptor));
}

Result<env::DiskSpace> PosixFiles::space(const std::string& path) {
  struct statvfs info{};
  if (::statvfs(path.c_str(), &info) != 0) return file_failure(errno, "read the free space", path);
  return env::DiskSpace{.total_bytes = std::uint64_t{info.f_blocks} * info.f_frsize,
                        .free_bytes = std::uint64_t{info.f_bavail} * info.f_frsize};
}

}  // namespace mq::posix
