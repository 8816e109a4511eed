#pragma once

#include <string>

#include "env/files.h"
#include "posix/descriptor.h"

namespace mq::posix {

/// Syncs a directory with all below it by syncfs(2), one call for the whole file system.
///
/// syncfs tells of every write to the file system that failed since this descriptor was opened, ours or not, and of
/// older failures that nobody was told of. So its error only says that something is wrong: then, and where syncfs
/// cannot be trusted (before Linux 5.8 it hides errors; on FUSE and network file systems it does not reach the server's
/// disk), each file and directory of the tree is synced by itself, and that outcome counts.
class PosixTree final : public env::Tree {
 public:
  PosixTree(env::Files& files, Descriptor descriptor, std::string path);
  [[nodiscard]] Result<void> sync() override;

 private:
  Result<void> sync_each(const std::string& directory);

  env::Files& files_;
  const Descriptor descriptor_;
  const std::string path_;
  const bool syncfs_is_enough_;
};

}  // namespace mq::posix
