#include "log/segment_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <optional>

#include "log/directory_contents.h"
#include "log/epochs_file.h"
#include "log/index_file.h"
#include "log/leader_epochs.h"
#include "log/producer_states.h"
#include "log/segment.h"
#include "log/segment_files.h"
#include "log/segment_reader.h"

namespace mq::log {
namespace {

constexpr std::size_t kIndexBytesMax = std::size_t{64} << 20;

/// Where a batch stands and what an index may say about it.
struct BatchFacts {
  Offset last_offset;
  WallMillis largest_before = -1;  ///< of all batches up to and with this one
};

/// What one walk over a segment has seen.
struct Walk {
  SegmentSummary summary;
  std::map<std::uint64_t, BatchFacts> batches;  ///< by position
  LeaderEpochs epochs;
};

class Findings {
 public:
  Findings(std::vector<Finding>& out, std::size_t more) : out_(out), limit_(out.size() + more) {}
  [[nodiscard]] bool full() const { return out_.size() >= limit_; }
  void add(const std::string& file, std::uint64_t position, std::string text) {
    if (!full()) out_.push_back({file, position, std::move(text)});
  }
  void add_harmless(const std::string& file, std::uint64_t position, std::string text) {
    if (!full()) out_.push_back({file, position, std::move(text), true});
  }

 private:
  std::vector<Finding>& out_;
  std::size_t limit_;
};

/// An error of the reader says `path:position: text` already.
std::string without_place(std::string message, const std::string& path, std::uint64_t position) {
  const std::string place = fmt::format("{}:{}: ", path, position);
  return message.starts_with(place) ? message.substr(place.size()) : message;
}

/// Of a segment's other files.
std::string stem_of(const std::string& log_path) { return log_path.substr(0, log_path.rfind(".log")); }

std::string end_path_of(const std::string& log_path) { return fmt::format("{}.{}", stem_of(log_path), kEndExtension); }

std::optional<Offset> base_of_log(const std::string& log_path) {
  const std::size_t slash = log_path.find_last_of('/');
  const std::string name = slash == std::string::npos ? log_path : log_path.substr(slash + 1);
  if (name.find(".log") != kOffsetDigits) return std::nullopt;
  return base_of_name(name);
}

void check_header(const record::BatchHeader& header, const std::string& path, std::uint64_t position,
                  Findings& findings) {
  if (header.record_count < 0 || header.record_count > header.last_offset_delta + 1)
    findings.add(path, position,
                 fmt::format("{} records in a batch of {} offsets", header.record_count, header.last_offset_delta + 1));
  if (header.max_timestamp < -1)
    findings.add(path, position, fmt::format("the largest timestamp is {}", header.max_timestamp));
}

/// Tells the bytes from `end` on, where the log has gone on in another segment. They begin where `reader` has stopped,
/// or behind the damage there.
Result<void> tell_replaced(env::File& file, const SegmentReader& reader, Offset end, const SegmentSummary& summary,
                           const std::string& path, Findings& findings) {
  std::uint64_t from = reader.position();
  if (summary.end_offset < end) {
    MQ_TRY(const auto batch, find_batch(file, from + 1, summary.size_bytes, end, OffsetRules::kNone));
    from = batch ? batch->position : summary.size_bytes;
  }
  if (from < summary.size_bytes) findings.add_harmless(path, from, replaced_text(summary.size_bytes - from, end));
  return {};
}

/// The offset from which on what stands in the segment is of no log.
Offset replaced_from(env::Files& files, const std::string& log_path, Findings& findings) {
  const auto end = segment_end(files, log_path);
  if (!end) findings.add(end_path_of(log_path), 0, end.error().message);
  return end ? end->value_or(OffsetRules::kNone) : OffsetRules::kNone;
}

Result<Walk> walk_segment(env::Files& files, const std::string& path, Offset base, OffsetRules rules,
                          Findings& findings) {
  MQ_TRY(auto file, files.open(path, env::OpenMode::read));
  MQ_TRY(const std::uint64_t size, file->size());
  Walk walk;
  walk.summary.base_offset = base;
  walk.summary.end_offset = base;
  walk.summary.size_bytes = size;
  const Offset replaced = replaced_from(files, path, findings);
  rules.limit = std::min(rules.limit, replaced);
  SegmentReader reader(*file, path, 0, size, SegmentReader::Mode::wholes);
  reader.judge_offsets(rules, size, index_witness(files, stem_of(path) + ".index", base));
  reader.skip_to(0, base);
  while (!findings.full()) {
    const auto batch = reader.next();
    if (!batch) {
      if (!is_damage(batch.error())) return fail(batch.error());
      if (reader.next_offset() >= replaced) break;
      findings.add(path, reader.position(), without_place(batch.error().message, path, reader.position()));
      MQ_TRY(const bool goes_on, reader.resume(rules.limit));
      if (!goes_on) break;
      findings.add(path, reader.position(), fmt::format("good again from offset {} on", reader.next_offset().value()));
      continue;
    }
    if (!*batch) break;
    const record::BatchHeader& header = (*batch)->header;
    check_header(header, path, (*batch)->position, findings);
    if ((header.last_offset() - base).value() > std::numeric_limits<std::int32_t>::max())
      findings.add(path, (*batch)->position,
                   fmt::format("offset {} is too far from the segment's base", header.last_offset().value()));
    SegmentSummary& summary = walk.summary;
    if (summary.batches == 0) summary.first_timestamp = header.max_timestamp;
    summary.largest_timestamp = std::max(summary.largest_timestamp, header.max_timestamp);
    summary.end_offset = header.next_offset();
    summary.records += static_cast<std::uint64_t>(std::max(header.record_count, 0));
    ++summary.batches;
    walk.batches[(*batch)->position] = {header.last_offset(), summary.largest_timestamp};
    walk.epochs.assign(header.leader_epoch, header.base_offset);
  }
  if (replaced < OffsetRules::kNone) MQ_CHECK(tell_replaced(*file, reader, replaced, walk.summary, path, findings));
  return walk;
}

template <class Entry>
struct IndexEntries {
  std::vector<Entry> entries;
  bool may_be_torn = false;  ///< of the last one a part may not have been written: zeros, or nothing, are there
};

constexpr std::string_view kTornEntry =
    "an entry that was not wholly written, as a power cut leaves it; mqd makes it anew";

/// What an index file has, or nothing when it is not there. What was not written yet is zeros: Kafka makes the indexes
/// of an active segment as large as they may become, and a power cut may leave the length of a file without its
/// contents.
template <class Entry>
Result<std::optional<IndexEntries<Entry>>> read_index(env::Files& files, const std::string& path, Offset base,
                                                      Findings& findings) {
  const auto bytes = env::read_whole(files, path, kIndexBytesMax);
  if (!bytes && bytes.error().code == Errc::not_found) return std::nullopt;
  if (!bytes) return fail(bytes.error());
  IndexEntries<Entry> index;
  const std::size_t written = bytes->find_last_not_of('\0') + 1;
  for (std::size_t at = 0; at < written; at += Entry::kBytes) {
    if (at + Entry::kBytes > bytes->size()) {
      findings.add_harmless(path, at, std::string(kTornEntry));
      break;
    }
    index.entries.push_back(Entry::decode(bytes->data() + at, base));
    index.may_be_torn = at + Entry::kBytes > written;
  }
  return index;
}

/// `wrong` is what is the matter with `entry`; empty: nothing.
template <class Entry>
void tell_entry(const std::string& path, const IndexEntries<Entry>& index, const Entry& entry, std::string wrong,
                Findings& findings) {
  if (wrong.empty()) return;
  const std::uint64_t at = static_cast<std::uint64_t>(&entry - index.entries.data()) * Entry::kBytes;
  const bool is_torn = index.may_be_torn && &entry == &index.entries.back();
  is_torn ? findings.add_harmless(path, at, std::string(kTornEntry)) : findings.add(path, at, std::move(wrong));
}

Result<void> check_offset_index(env::Files& files, const std::string& path, const Walk& walk, Findings& findings) {
  MQ_TRY(const auto index, read_index<OffsetIndexEntry>(files, path, walk.summary.base_offset, findings));
  if (!index) return {};
  const OffsetIndexEntry* before = nullptr;
  for (const OffsetIndexEntry& entry : index->entries) {
    const auto wrong = [&]() -> std::string {
      if (before != nullptr && entry.offset <= before->offset)
        return fmt::format("offset {} does not follow {}", entry.offset.value(), before->offset.value());
      const auto batch = walk.batches.find(entry.position);
      if (batch == walk.batches.end()) return fmt::format("position {} is not the start of a batch", entry.position);
      if (batch->second.last_offset == entry.offset) return {};
      return fmt::format("says that offset {} ends the batch at position {}, which ends with {}", entry.offset.value(),
                         entry.position, batch->second.last_offset.value());
    }();
    tell_entry(path, *index, entry, wrong, findings);
    before = &entry;
  }
  return {};
}

Result<void> check_time_index(env::Files& files, const std::string& path, const Walk& walk, Findings& findings) {
  MQ_TRY(const auto index, read_index<TimeIndexEntry>(files, path, walk.summary.base_offset, findings));
  if (!index) return {};
  std::map<Offset, WallMillis> largest;
  for (const auto& [position, batch] : walk.batches) largest[batch.last_offset] = batch.largest_before;
  const TimeIndexEntry* before = nullptr;
  for (const TimeIndexEntry& entry : index->entries) {
    const auto wrong = [&]() -> std::string {
      if (before != nullptr && (entry.timestamp <= before->timestamp || entry.offset < before->offset))
        return fmt::format("timestamp {} at offset {} does not follow {} at {}", entry.timestamp, entry.offset.value(),
                           before->timestamp, before->offset.value());
      const auto batch = largest.find(entry.offset);
      if (batch == largest.end()) return fmt::format("offset {} does not end a batch", entry.offset.value());
      if (batch->second == entry.timestamp) return {};
      return fmt::format("says that {} is the largest timestamp up to offset {}, but {} is", entry.timestamp,
                         entry.offset.value(), batch->second);
    }();
    tell_entry(path, *index, entry, wrong, findings);
    before = &entry;
  }
  return {};
}

Result<Walk> check_one(env::Files& files, const std::string& log_path, const OffsetRules& rules, Findings& findings) {
  const auto base = base_of_log(log_path);
  if (!base) return fail(Errc::invalid_argument, "{}: a segment's name is twenty digits and .log", log_path);
  MQ_TRY(Walk walk, walk_segment(files, log_path, *base, rules, findings));
  MQ_CHECK(check_offset_index(files, stem_of(log_path) + ".index", walk, findings));
  MQ_CHECK(check_time_index(files, stem_of(log_path) + ".timeindex", walk, findings));
  return walk;
}

/// Where compaction may have left gaps: below what `mq-gaps` says. Without it, as in a directory of Kafka's, anywhere.
Offset gaps_end_of(env::Files& files, const std::string& directory, const DirectoryContents& contents) {
  if (!contents.has_gaps_file) return OffsetRules::kNone;
  return load_gaps_end(files, directory + "/" + std::string(kGapsFile)).value_or(OffsetRules::kNone);
}

Result<void> check_epochs(env::Files& files, const std::string& directory, const LeaderEpochs& of_batches,
                          Findings& findings) {
  const std::string path = directory + "/" + std::string(kEpochsFile);
  const std::string crc_path = directory + "/" + std::string(kEpochsCrcFile);
  const auto text = env::read_whole(files, path);
  if (!text && text.error().code == Errc::not_found) return {};
  if (!text) return fail(text.error());
  const auto crc = env::read_whole(files, crc_path);
  if (!crc && crc.error().code != Errc::not_found) return fail(crc.error());
  if (crc && !is_epochs_crc(*crc, *text)) findings.add(crc_path, 0, fmt::format("is not the CRC of {}", path));
  const auto epochs = LeaderEpochs::decode(*text);
  if (!epochs) {
    findings.add(path, 0, epochs.error().message);
    return {};
  }
  // The file may know epochs that wrote nothing, but it must not contradict the batches. It begins where the log does:
  // batches before that were deleted, and are there because the segment has others.
  const std::vector<LeaderEpochs::Entry>& known = epochs->entries();
  for (const LeaderEpochs::Entry& entry : of_batches.entries()) {
    if (!known.empty() && entry.start < known.front().start) continue;
    const LeaderEpoch said = epochs->at(entry.start);
    if (said != entry.epoch)
      findings.add(path, 0,
                   fmt::format("says epoch {} for offset {}, its batch says {}", said.value(), entry.start.value(),
                               entry.epoch.value()));
  }
  return {};
}

}  // namespace

Result<std::optional<Offset>> segment_end(env::Files& files, const std::string& log_path) {
  const auto end = load_gaps_end(files, end_path_of(log_path));
  if (!end && end.error().code == Errc::not_found) return std::nullopt;
  if (!end) return fail(end.error());
  return *end;
}

std::string replaced_text(std::uint64_t bytes, Offset end) {
  return fmt::format("the log has gone on at offset {} in another segment; the {} bytes from here on are of no log",
                     end.value(), bytes);
}

std::string Finding::to_string() const { return fmt::format("{}:{}: {}", file, position, text); }

Result<SegmentSummary> check_segment(env::Files& files, const std::string& log_path, std::vector<Finding>& findings,
                                     std::size_t findings_max) {
  Findings sink(findings, findings_max);
  MQ_TRY(const Walk walk, check_one(files, log_path, {}, sink));
  return walk.summary;
}

Result<std::vector<SegmentSummary>> check_directory(env::Files& files, const std::string& directory,
                                                    std::vector<Finding>& findings, std::size_t findings_max) {
  Findings sink(findings, findings_max);
  MQ_TRY(const DirectoryContents contents, read_directory(files, directory));
  std::vector<SegmentSummary> summaries;
  LeaderEpochs epochs;
  const Offset gaps_end = gaps_end_of(files, directory, contents);
  for (std::size_t i = 0; i < contents.segments.size(); ++i) {
    const Offset base = contents.segments[i].first;
    const bool is_last = i + 1 == contents.segments.size();
    const std::string path = directory + "/" + segment_file_name(base, "log");
    MQ_TRY(const Walk walk,
           check_one(files, path,
                     {.limit = is_last ? OffsetRules::kNone : contents.segments[i + 1].first, .gaps_end = gaps_end},
                     sink));
    if (!summaries.empty() && summaries.back().end_offset < base && summaries.back().end_offset >= gaps_end)
      sink.add(path, 0,
               fmt::format("the segment before ends with offset {}: what was between is missing",
                           summaries.back().end_offset.value()));
    for (const LeaderEpochs::Entry& entry : walk.epochs.entries()) epochs.assign(entry.epoch, entry.start);
    summaries.push_back(walk.summary);
  }
  MQ_CHECK(check_epochs(files, directory, epochs, sink));
  if (!contents.snapshots.empty()) {
    const std::string path = directory + "/" + segment_file_name(contents.snapshots.back(), "snapshot");
    MQ_TRY(const std::string bytes, env::read_whole(files, path));
    if (const auto states = ProducerStates::decode_snapshot(bytes); !states) sink.add(path, 0, states.error().message);
  }
  return summaries;
}

}  // namespace mq::log
