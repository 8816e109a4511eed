#include "log/unfinished_swaps.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/mark.h"
#include "log/segment.h"
#include "log/segment_reader.h"

namespace mq::log {
namespace {

/// The batches of a `.log` file, as far as they are whole.
struct Walked {
  Offset end{0};
  std::optional<std::string> damage;  ///< what stands behind them
};

/// Of the segment at `base`; what is at or above `limit` is rot, since no CRC covers a batch's base offset.
Result<Walked> walk_wholes(env::Files& files, const std::string& path, Offset base, Offset limit) {
  MQ_TRY(auto file, files.open(path, env::OpenMode::read));
  MQ_TRY(const std::uint64_t size, file->size());
  SegmentReader reader(*file, path, 0, size, SegmentReader::Mode::wholes);
  reader.judge_offsets({.limit = limit}, size);
  reader.skip_to(0, base);
  while (true) {
    const auto batch = reader.next();
    if (!batch && !is_damage(batch.error())) return fail(batch.error());
    if (!batch) return Walked{.end = reader.next_offset(), .damage = batch.error().message};
    if (!*batch) return Walked{.end = reader.next_offset(), .damage = std::nullopt};
  }
}

/// Gives the segments that the damaged output at `base` was made from their names back. False: they are gone.
Result<bool> restore_sources(const SegmentFiles& names, Offset base, const DirectoryContents& contents) {
  std::set<Offset> there;
  for (const auto& [segment_base, size] : contents.segments) there.insert(segment_base);
  std::set<Offset> retired;
  const std::string suffix = segment_file_name(base, "log").substr(kOffsetDigits) + std::string(kDeletedSuffix);
  for (const std::string& name : contents.retired)
    if (name.ends_with(suffix)) retired.insert(base_of_name(name).value());

  const auto after = there.upper_bound(base);
  const Offset stop = after == there.end() ? Offset{std::numeric_limits<std::int64_t>::max()} : *after;
  Offset at = base;
  while (at < stop) {
    const std::string path = names.path_of(segment_file_name(at, "log"));
    if (!there.contains(at)) {
      if (!retired.contains(at)) return false;
      MQ_CHECK(names.files().rename(path + std::string(kDeletedSuffix), path));
    }
    // Older generations of the same segments may wait for their removal, too: those begin before this one ends.
    MQ_TRY(const Walked walked, walk_wholes(names.files(), path, at, stop));
    const auto follower = retired.lower_bound(std::max(next(at), walked.end));
    if (follower == retired.end() || *follower >= stop) return true;
    at = *follower;
  }
  return true;
}

}  // namespace

Result<void> finish_swaps(const SegmentFiles& names, const DirectoryContents& contents, RecoveryReport& report) {
  for (const std::string& name : contents.unfinished) MQ_CHECK(names.files().remove(names.path_of(name)));
  if (!contents.unfinished.empty()) MQ_MARK("log: a start removes what a compaction had not finished");
  for (const Offset base : contents.swaps) {
    MQ_MARK("log: a start finishes a compaction");
    // The newest segment is never compacted.
    const bool is_followed = !contents.segments.empty() && contents.segments.back().first > base;
    const Offset limit =
        is_followed ? contents.segments.back().first : Offset{std::numeric_limits<std::int64_t>::max()};
    MQ_TRY(const Walked walked, walk_wholes(names.files(), names.swap_path(base), base, limit));
    if (walked.damage) {
      MQ_TRY(const bool restored, restore_sources(names, base, contents));
      report.notes.push_back(fmt::format("{}: {}; {}", names.swap_path(base), *walked.damage,
                                         restored ? "what it was made from is there and stays in its place"
                                                  : "what it was made from is gone, so the rest of it is used"));
      if (restored) {
        MQ_CHECK(names.files().remove(names.swap_path(base)));
        continue;
      }
    }
    const Offset end = std::max(next(base), walked.end);
    for (const auto& [old_base, size] : contents.segments) {
      if (old_base <= base || old_base >= end) continue;
      std::vector<std::string> ignored;  // found again by their names
      MQ_CHECK(names.retire(old_base, ignored));
    }
    MQ_CHECK(names.replace_by_swap(base));
    report.notes.push_back(fmt::format("{}: finished its compaction", names.path_of(segment_file_name(base, "log"))));
  }
  return names.files().sync_directory(*names.directory());
}

}  // namespace mq::log
