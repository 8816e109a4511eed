#include "log/torn_tails.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/mark.h"
#include "log/cut_files.h"
#include "log/segment.h"
#include "log/segment_reader.h"

namespace mq::log {
namespace {

/// Calls `each` with the bytes [from, to) of `file`, a part at a time, until it returns false.
template <class Each>
Result<void> for_each_part(env::File& file, std::uint64_t from, std::uint64_t to, Each each) {
  std::string part;
  while (from < to) {
    part.resize(std::min<std::uint64_t>(to - from, std::uint64_t{1} << 20));
    MQ_TRY(const std::size_t got, file.read_at(from, part.data(), part.size()));
    if (got == 0) return {};
    MQ_TRY(const bool more, each(from, BytesView(part).substr(0, got)));
    if (!more) return {};
    from += got;
  }
  return {};
}

Result<bool> is_zero(env::File& file, std::uint64_t from, std::uint64_t to) {
  bool zero = true;
  MQ_CHECK(for_each_part(file, from, to, [&](std::uint64_t, BytesView part) -> Result<bool> {
    zero = part.find_first_not_of('\0') == BytesView::npos;
    return zero;
  }));
  return zero;
}

/// Copies the bytes [from, to) of `file` to a file of their own. They are durable on return, whole or not at all.
Result<void> copy_range(env::Files& files, env::File& file, std::uint64_t from, std::uint64_t to,
                        const std::string& path) {
  const std::string temporary = path + ".tmp";
  const auto write = [&]() -> Result<void> {
    MQ_TRY(auto copy, files.open(temporary, env::OpenMode::create));
    MQ_CHECK(copy->truncate(0));
    MQ_CHECK(for_each_part(file, from, to, [&](std::uint64_t position, BytesView part) -> Result<bool> {
      MQ_CHECK(copy->write_at(position - from, part));
      return true;
    }));
    return copy->sync();
  };
  if (auto written = write(); !written) {
    (void)files.remove(temporary);
    return written;
  }
  MQ_CHECK(files.rename(temporary, path));
  return files.sync_directory(path.substr(0, path.find_last_of('/')));
}

}  // namespace

Result<void> TornTails::add(Torn torn, RecoveryReport& report) {
  torn.whole = torn.segment->size_bytes();
  torn.segment->end_before_tail(torn.position);
  torn_.push_back(std::move(torn));
  const auto done = cut(report);
  if (done || !is_passing(done.error().code)) return done;
  const Torn& left = torn_.back();
  MQ_MARK("log: a torn end waits for room on the disk");
  report.notes.push_back(fmt::format(
      "{}:{}: {} of {} bytes, at offset {}, stays until there is room to keep it elsewhere; until then nothing is "
      "appended: {}",
      left.segment->path(), left.position, left.what, left.whole - left.position, left.end.value(),
      done.error().message));
  return {};
}

Result<void> TornTails::cut(RecoveryReport& report) {
  for (; !torn_.empty(); torn_.pop_back()) {
    Torn& torn = torn_.back();
    MQ_CHECK(cut_tail(torn, report));
    for (; !torn.followers.empty(); torn.followers.pop_back()) MQ_CHECK(set_aside(*torn.followers.back(), report));
    MQ_CHECK(names_.files().sync_directory(*names_.directory()));
  }
  return {};
}

Result<void> TornTails::cut_tail(Torn& torn, RecoveryReport& report) const {
  Segment& segment = *torn.segment;
  const std::uint64_t cut = torn.whole - torn.position;
  if (cut == 0) return {};
  MQ_TRY(auto file, segment.file());
  // A file that grew before its bytes came is full of zeros: nothing worth keeping.
  const auto zeros = is_zero(*file, torn.position, torn.whole);
  if (!zeros && !is_damage(zeros.error())) return fail(zeros.error());
  if (zeros && *zeros) MQ_MARK("log: a torn end is nothing but zeros");
  if (!zeros || !*zeros) {
    MQ_MARK("log: a torn end is kept aside");
    MQ_TRY(const std::string aside, free_path(segment, torn.position));
    const auto kept = copy_range(names_.files(), *file, torn.position, torn.whole, aside);
    // Some disks cannot read what a power cut has torn.
    if (!kept && !is_damage(kept.error())) return kept;
    report.notes.push_back(fmt::format("{}:{}: {} of {} bytes was cut at offset {} and {}", segment.path(),
                                       torn.position, torn.what, cut, torn.end.value(),
                                       kept ? "is kept in " + aside : "cannot be kept: " + kept.error().message));
  }
  MQ_CHECK(segment.truncate(torn.position, torn.end));
  torn.whole = torn.position;
  MQ_CHECK(file->sync());
  report.bytes_cut += cut;
  return {};
}

Result<std::string> TornTails::free_path(const Segment& segment, std::uint64_t position) const {
  // What an earlier recovery cut at the same place stays.
  MQ_TRY(const std::string name, next_cut_name(names_.files(), *names_.directory(), segment.base_offset(), position));
  return names_.path_of(name);
}

Result<void> TornTails::set_aside(const Segment& segment, RecoveryReport& report) const {
  MQ_CHECK(names_.remove(segment.base_offset(), kSegmentExtensions));
  if (segment.size_bytes() == 0) MQ_MARK("log: an empty segment behind a torn one goes");
  if (segment.size_bytes() == 0) return names_.files().remove(segment.path());
  MQ_TRY(const std::string aside, free_path(segment, 0));
  MQ_MARK("log: a segment behind a torn one is set aside");
  MQ_CHECK(names_.files().rename(segment.path(), aside));
  report.bytes_cut += segment.size_bytes();
  report.notes.push_back(fmt::format("{}: follows a torn segment and is kept in {}", segment.path(), aside));
  return {};
}

}  // namespace mq::log
