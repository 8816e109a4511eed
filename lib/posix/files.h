#pragma once

#include "env/files.h"

namespace mq::posix {

/// The kernel's file system. Locks are flock(2) locks: they exclude other processes and other opens of this one, and go
/// with the process however it ends.
class PosixFiles final : public env::Files {
 public:
  [[nodiscard]] Result<std::unique_ptr<env::File>> open(const std::string& path, env::OpenMode mode) override;
  [[nodiscard]] Result<void> rename(const std::string& from, const std::string& to) override;
  [[nodiscard]] Result<void> remove(const std::string& path) override;
  [[nodiscard]] Result<void> make_directories(const std::string& path) override;
  [[nodiscard]] Result<std::vector<env::DirEntry>> list(const std::string& directory) override;
  [[nodiscard]] Result<bool> exists(const std::string& path) override;
  [[nodiscard]] Result<std::uint64_t> file_size(const std::string& path) override;
  [[nodiscard]] Result<void> sync_directory(const std::string& path) override;
  [[nodiscard]] Result<std::unique_ptr<env::Tree>> open_tree(const std::string& directory) override;
  [[nodiscard]] Result<std::unique_ptr<env::FileLock>> lock(const std::string& path) override;
  [[nodiscard]] Result<env::DiskSpace> space(const std::string& path) override;
};

}  // namespace mq::posix
