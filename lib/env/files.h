#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace mq::env {

/// One open file. Destroying it closes it and does no other I/O (destroying a simulated node is a `kill -9`).
///
/// All calls are synchronous. Appends, cached reads and metadata calls may run on a shard; `sync`, cold reads and
/// anything long run inside `Pool::run`. Calls on one file from several threads are safe as far as the kernel's are:
/// positional, no shared cursor.
/// Errors: disk_full (nothing durable changed), read_failed (only of reads: this place, now), disk_failed (anything
/// else from the device: final), corrupt is never returned here.
class File {
 public:
  virtual ~File() = default;
  /// Reads up to `size` bytes at `position`; fewer only at the end of the file.
  [[nodiscard]] virtual Result<std::size_t> read_at(std::uint64_t position, char* to, std::size_t size) = 0;
  /// The same, but would_block instead of waiting for the disk when a page is not in the cache (RWF_NOWAIT). Where the
  /// kernel cannot tell, reads.
  [[nodiscard]] virtual Result<std::size_t> read_cached_at(std::uint64_t position, char* to, std::size_t size) = 0;
  /// Writes all of `bytes` at `position`, continuing after short writes. After an error any prefix may be there.
  [[nodiscard]] virtual Result<void> write_at(std::uint64_t position, BytesView bytes) = 0;
  /// fdatasync. An error is final for the directory: the cache may be lying from here on (D-1). It is everybody's who
  /// syncs this open file from then on, or does so meanwhile: a kernel tells of a lost write once.
  [[nodiscard]] virtual Result<void> sync() = 0;
  [[nodiscard]] virtual Result<void> truncate(std::uint64_t size) = 0;
  /// Reserves disk space for [position, position + size) without changing the file's size, so that a later write or
  /// sync cannot meet ENOSPC. A file system that cannot do it answers unsupported.
  [[nodiscard]] virtual Result<void> reserve(std::uint64_t position, std::uint64_t size) = 0;
  [[nodiscard]] virtual Result<std::uint64_t> size() const = 0;
  /// Drops clean pages from the page cache, so that the next read comes from the media (D-2). Sync first.
  virtual void drop_cache() = 0;
  /// The descriptor, for `Stream::send_file` of the same environment; -1 in simulation.
  [[nodiscard]] virtual int descriptor() const { return -1; }
};

enum class OpenMode {
  read,        ///< must exist; writes fail
  read_write,  ///< must exist
  create,      ///< read and write, made when missing
  create_new,  ///< read and write, already_exists when there
};

struct DirEntry {
  std::string name;
  bool is_directory = false;
};

struct DiskSpace {
  std::uint64_t total_bytes = 0;
  std::uint64_t free_bytes = 0;  ///< for us, without root's reserve
};

/// Keeps a lock file locked while it lives.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

/// A directory and everything below it, for one sync where there would be thousands. Held open because only so is every
/// failed write noticed that came after the opening.
class Tree {
 public:
  virtual ~Tree() = default;
  /// Makes contents and names at and below the directory durable, as a sync of each file and each directory there would
  /// (the directory's own name is its parent's). Waits also for what others wrote to the same file system: for starts,
  /// stops and other large changes, not for an answer. Safe from every thread. An error is final as that of
  /// `File::sync` is.
  [[nodiscard]] virtual Result<void> sync() = 0;
};

/// The file system. Synchronous; safe from every thread. Paths are UTF-8, absolute or relative to the process.
/// Names made, renamed or removed are durable only after `sync_directory` of their directory.
class Files {
 public:
  virtual ~Files() = default;
  [[nodiscard]] virtual Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) = 0;
  /// Replaces `to` if it exists.
  [[nodiscard]] virtual Result<void> rename(const std::string& from, const std::string& to) = 0;
  /// Removes a file or an empty directory. not_found when there is none.
  [[nodiscard]] virtual Result<void> remove(const std::string& path) = 0;
  /// Makes the directory and its parents; fine when it is there.
  [[nodiscard]] virtual Result<void> make_directories(const std::string& path) = 0;
  /// Sorted by name, without "." and "..".
  [[nodiscard]] virtual Result<std::vector<DirEntry>> list(const std::string& directory) = 0;
  [[nodiscard]] virtual Result<bool> exists(const std::string& path) = 0;
  /// invalid_argument: not a regular file. To open a named pipe could wait for ever, so whoever is given a path asks
  /// this first.
  [[nodiscard]] virtual Result<std::uint64_t> file_size(const std::string& path) = 0;
  [[nodiscard]] virtual Result<void> sync_directory(const std::string& path) = 0;
  /// not_found: no such directory.
  [[nodiscard]] virtual Result<std::unique_ptr<Tree>> open_tree(const std::string& directory) = 0;
  /// conflict when another process (or another simulated node) holds it. Makes the file.
  [[nodiscard]] virtual Result<std::unique_ptr<FileLock>> lock(const std::string& path) = 0;
  [[nodiscard]] virtual Result<DiskSpace> space(const std::string& path) = 0;
};

/// The whole file, at most `size_max` bytes (too_large above). For small files only.
[[nodiscard]] Result<std::string> read_whole(Files& files, const std::string& path, std::size_t size_max = 64 << 20);

/// Replaces `path` so that after any crash either the old or the new contents are there, whole: `path.tmp`, sync,
/// rename, directory sync (D-3). The name must have a directory part.
[[nodiscard]] Result<void> replace_atomically(Files& files, const std::string& path, BytesView contents);

}  // namespace mq::env
