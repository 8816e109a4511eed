#include "log/segment_files.h"

#include <utility>

#include "base/mark.h"
#include "log/directory_contents.h"
#include "log/segment.h"

namespace mq::log {

Result<void> remove_if_there(env::Files& files, const std::string& path) {
  auto removed = files.remove(path);
  if (!removed && removed.error().code == Errc::not_found) return {};
  return removed;
}

std::string SegmentFiles::path(Offset base, std::string_view extension) const {
  return path_of(segment_file_name(base, extension));
}

std::string SegmentFiles::swap_path(Offset base) const { return path(base, "log") + std::string(kSwapSuffix); }

Result<void> SegmentFiles::remove(Offset base, std::span<const std::string_view> extensions) const {
  for (const std::string_view extension : extensions) MQ_CHECK(remove_if_there(*files_, path(base, extension)));
  return {};
}

Result<void> SegmentFiles::retire(Offset base, std::vector<std::string>& retired) const {
  const auto retire_one = [&](std::string_view extension) -> Result<void> {
    const std::string before = path(base, extension);
    std::string after = before + std::string(kDeletedSuffix);
    auto gone = files_->rename(before, after);
    if (gone) retired.push_back(std::move(after));
    // Where not even a name finds room, nothing helps more than to have it gone now. Who reads it has it open.
    if (!gone && gone.error().code == Errc::disk_full)
      MQ_MARK("log: a file of an old segment goes at once since its new name has no room");
    if (!gone && gone.error().code == Errc::disk_full) gone = files_->remove(before);
    if (!gone && gone.error().code != Errc::not_found) return gone;
    return {};
  };
  MQ_CHECK(retire_one("log"));
  for (const std::string_view extension : kSegmentExtensions) MQ_CHECK(retire_one(extension));
  return {};
}

Result<void> SegmentFiles::replace_by_swap(Offset base) const {
  MQ_CHECK(remove(base, kSegmentExtensions));
  return files_->rename(swap_path(base), path(base, "log"));
}

}  // namespace mq::log
