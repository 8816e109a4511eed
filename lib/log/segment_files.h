#pragma once

#include <array>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "env/files.h"
#include "model/ids.h"

namespace mq::log {

// The one list of what stands beside `BASE.log`. Whatever deletes, renames, truncates or recovers a segment goes by it.

/// Where the log went on in the next segment though this one has bytes that could not be read, and may hold batches
/// from there on: whatever becomes of the next one, they are not of the log any more.
inline constexpr std::string_view kEndExtension = "mqend";
/// Of the segment at BASE alone: they go where it goes.
inline constexpr std::array<std::string_view, 4> kSegmentExtensions = {"index", "timeindex", "txnindex", kEndExtension};
/// Of these, those that we write, and make anew from the batches when they are lost.
inline constexpr std::array<std::string_view, 2> kIndexExtensions = {"index", "timeindex"};
/// The producers as they were before offset BASE, where a segment may begin or not: they go when the log ends below,
/// and when a checkpoint finds that none needs them any more.
inline constexpr std::array<std::string_view, 2> kSnapshotExtensions = {"snapshot", "mqwindow"};

/// The files of one log's segments, by name. Keeps a reference to `files`. Nothing here is synced.
class SegmentFiles {
 public:
  SegmentFiles(env::Files& files, std::shared_ptr<const std::string> directory)
      : files_(&files), directory_(std::move(directory)) {}

  [[nodiscard]] env::Files& files() const { return *files_; }
  [[nodiscard]] const std::shared_ptr<const std::string>& directory() const { return directory_; }
  [[nodiscard]] std::string path_of(std::string_view name) const { return *directory_ + "/" + std::string(name); }
  [[nodiscard]] std::string path(Offset base, std::string_view extension) const;
  /// Where compaction's finished output waits to take the place of `BASE.log`.
  [[nodiscard]] std::string swap_path(Offset base) const;

  /// Removes what is there of these.
  [[nodiscard]] Result<void> remove(Offset base, std::span<const std::string_view> extensions) const;
  /// Renames the segment and what goes with it to `*.deleted`, or removes it where the disk has no room for a name.
  /// Adds the new paths to `retired`, also before an error.
  [[nodiscard]] Result<void> retire(Offset base, std::vector<std::string>& retired) const;
  /// Compaction's output takes the place of the segment at `base`, whose derived files are not its own.
  [[nodiscard]] Result<void> replace_by_swap(Offset base) const;

 private:
  env::Files* files_;
  std::shared_ptr<const std::string> directory_;
};

/// Removes the file when it is there.
[[nodiscard]] Result<void> remove_if_there(env::Files& files, const std::string& path);

}  // namespace mq::log
