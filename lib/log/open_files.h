#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "env/files.h"

namespace mq::log {

class Log;

/// The files of one shard's logs, so that only so many are open: a cache of open segments with a bound.
///
/// Counts every file opened through it, also those that somebody holds longer than the log does (an answer being sent,
/// a sync on the pool). The logs of the shard enter themselves; before one opens a segment it asks for room. From three
/// quarters of the bound on, the segments of the logs that were used the longest ago are closed: what is on disk at
/// once, what is not after a sync on the pool. At the bound what is still not on disk is synced here and now, so that
/// no append fails for want of a descriptor. What others hold cannot be closed: once they hold so much that no more
/// than a quarter is left, files are scarce, and whoever reads should hold none; at the bound no read opens another. So
/// what passes the bound, by what a call opens beyond that, are a few.
///
/// As `env::Files` safe from every thread; the rest on the shard of the logs.
class OpenFiles final : public env::Files {
 public:
  /// Whoever has the logs and syncs them.
  class Owner {
   public:
    virtual ~Owner() = default;
    /// `log` should be synced soon, on the pool; its files are closed by a later look.
    virtual void sync_soon(Log& log) = 0;
    /// `log` was synced by this, with this outcome. Called from inside of another log's methods.
    virtual void was_synced(Log& log, const Result<void>& outcome) = 0;
  };
  static constexpr std::size_t kUnbounded = std::numeric_limits<std::size_t>::max();

  OpenFiles(env::Files& files, Owner& owner) : files_(files), owner_(owner) {}
  /// The logs that are still entered may outlive it, but open nothing any more.
  ~OpenFiles() override;

  /// What a log keeps of it: whether it is entered, where, and when it was used last.
  class Member {
   public:
    explicit Member(Log& log) : log_(log) {}
    ~Member() { leave(); }
    Member(const Member&) = delete;
    Member& operator=(const Member&) = delete;
    void enter(OpenFiles& files) { files.enter(*this); }
    void leave() {
      if (files_ != nullptr) files_->leave(*this);
    }
    void use() {
      if (files_ != nullptr) last_use_ = ++files_->uses_;
    }
    /// The log is about to open a file.
    void make_room() {
      if (files_ != nullptr && files_->count() >= files_->look_at_) files_->look(*this);
    }
    [[nodiscard]] bool are_scarce() const { return files_ != nullptr && files_->are_scarce(); }
    [[nodiscard]] bool are_all_open() const { return files_ != nullptr && files_->count() >= files_->files_max_; }

   private:
    friend class OpenFiles;
    Log& log_;
    OpenFiles* files_ = nullptr;  ///< null: nobody bounds how many are open
    std::size_t place_ = 0;       ///< in its list
    std::uint64_t last_use_ = 0;  ///< larger: later
  };

  void set_bound(std::size_t files_max);
  /// Open at this moment. Any thread.
  [[nodiscard]] std::size_t count() const { return count_->load(std::memory_order_relaxed); }
  /// More than three quarters of the bound are open, though all was closed that could be at once.
  [[nodiscard]] bool are_scarce() const;

  Result<std::unique_ptr<env::File>> open(const std::string& path, env::OpenMode mode) override;
  Result<void> rename(const std::string& from, const std::string& to) override { return files_.rename(from, to); }
  Result<void> remove(const std::string& path) override { return files_.remove(path); }
  Result<void> make_directories(const std::string& path) override { return files_.make_directories(path); }
  Result<std::vector<env::DirEntry>> list(const std::string& directory) override { return files_.list(directory); }
  Result<bool> exists(const std::string& path) override { return files_.exists(path); }
  Result<std::uint64_t> file_size(const std::string& path) override { return files_.file_size(path); }
  Result<void> sync_directory(const std::string& path) override { return files_.sync_directory(path); }
  Result<std::unique_ptr<env::Tree>> open_tree(const std::string& path) override { return files_.open_tree(path); }
  Result<std::unique_ptr<env::FileLock>> lock(const std::string& path) override { return files_.lock(path); }
  Result<env::DiskSpace> space(const std::string& path) override { return files_.space(path); }

 private:
  void enter(Member& member);
  void leave(Member& member);
  void look(const Member& spared);
  /// The other logs with open segments, the longest unused first.
  [[nodiscard]] std::vector<Log*> closable(const Member& spared) const;
  void sync_here(const std::vector<Log*>& logs);

  env::Files& files_;
  Owner& owner_;
  std::shared_ptr<std::atomic<std::size_t>> count_ = std::make_shared<std::atomic<std::size_t>>(0);
  std::size_t files_max_ = kUnbounded;
  std::size_t look_at_ = kUnbounded;  ///< with so many open it is time to look for some to close
  std::uint64_t uses_ = 0;
  std::vector<Member*> members_;
};

}  // namespace mq::log
