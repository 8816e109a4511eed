#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/cursor.h"
#include "base/result.h"
#include "base/time.h"
#include "env/files.h"
#include "log/segment_reader.h"
#include "model/ids.h"

namespace mq::log {

/// `.index`: the batch at `position` ends with `offset` (its last, as Kafka writes it). Offset relative to the
/// segment's.
struct OffsetIndexEntry {
  static constexpr std::size_t kBytes = 8;
  Offset offset;
  std::uint32_t position = 0;
  static OffsetIndexEntry decode(const char* from, Offset base) {
    return {base + OffsetDelta{load_be<std::int32_t>(from)}, load_be<std::uint32_t>(from + 4)};
  }
  void encode(std::string& out, Offset base) const {
    Writer w(out);
    w.be(static_cast<std::int32_t>((offset - base).value()));
    w.be(position);
  }
  /// Zeros in the file: the first batch, when it is one record; or what a power cut leaves, when nothing comes behind.
  [[nodiscard]] bool is_blank(Offset base) const { return position == 0 && offset == base; }
  [[nodiscard]] bool can_follow(const OffsetIndexEntry& before) const {
    return offset > before.offset && position >= before.position;
  }
  friend bool operator==(const OffsetIndexEntry&, const OffsetIndexEntry&) = default;
};

/// `.timeindex`: no batch up to the one that ends with `offset` has a timestamp above `timestamp`.
struct TimeIndexEntry {
  static constexpr std::size_t kBytes = 12;
  WallMillis timestamp = -1;
  Offset offset;
  static TimeIndexEntry decode(const char* from, Offset base) {
    return {load_be<std::int64_t>(from), base + OffsetDelta{load_be<std::int32_t>(from + 8)}};
  }
  void encode(std::string& out, Offset base) const {
    Writer w(out);
    w.be(timestamp);
    w.be(static_cast<std::int32_t>((offset - base).value()));
  }
  [[nodiscard]] bool is_blank(Offset base) const { return timestamp == 0 && offset == base; }
  [[nodiscard]] bool can_follow(const TimeIndexEntry& before) const {
    return timestamp > before.timestamp && offset >= before.offset;
  }
  friend bool operator==(const TimeIndexEntry&, const TimeIndexEntry&) = default;
};

/// A sparse index of one segment: entries whose keys only grow, in a file that is open only while it is read or
/// written. New entries wait in memory, at most `kPendingMax`; the part last looked at stays there until `forget`. An
/// idle index takes its own size and nothing else. Not thread-safe.
template <class Entry>
class IndexFile {
 public:
  /// 64 entries: at 4 KiB between them a write for each 256 KiB of log.
  static constexpr std::size_t kPendingMax = 64;

  void add(const Entry& entry) { pending_.push_back(entry); }
  [[nodiscard]] bool has_pending() const { return !pending_.empty(); }
  [[nodiscard]] bool wants_flush() const { return pending_.size() >= kPendingMax; }
  /// Writes what waits to the file, making it when missing. After an error it still waits; when far too much waits,
  /// every second entry is dropped: a sparser index is as correct.
  [[nodiscard]] Result<void> flush(env::Files& files, const std::string& path, Offset base);
  /// The last entry for which `not_after(entry)` is true; these come first. Nothing: none.
  template <class Predicate>
  [[nodiscard]] Result<std::optional<Entry>> last_where(env::Files& files, const std::string& path, Offset base,
                                                        Predicate not_after, Wait wait = Wait::yes);
  [[nodiscard]] Result<std::optional<Entry>> last(env::Files& files, const std::string& path, Offset base,
                                                  Wait wait = Wait::yes);
  /// Those of the file, without what waits.
  [[nodiscard]] Result<std::vector<Entry>> all(env::Files& files, const std::string& path, Offset base);
  /// Keeps only the first entries, those for which `keep(entry)` is true and which grow, in memory and in the file.
  template <class Predicate>
  [[nodiscard]] Result<void> keep_where(env::Files& files, const std::string& path, Offset base, Predicate keep);
  /// Entries in file and memory.
  [[nodiscard]] Result<std::uint64_t> count(env::Files& files, const std::string& path);
  /// Frees what can be read again.
  void forget() {
    window_.clear();
    window_.shrink_to_fit();
    if (pending_.empty()) pending_.shrink_to_fit();
  }

 private:
  static constexpr std::uint64_t kUnknown = ~std::uint64_t{0};
  static constexpr std::size_t kWindowEntries = 512;
  Result<void> learn_size(env::Files& files, const std::string& path);

  std::vector<Entry> pending_;
  std::vector<Entry> window_;  ///< entries [window_first_, ...) of the file
  std::uint64_t window_first_ = 0;
  std::uint64_t in_file_ = kUnknown;
  bool is_there_ = false;  ///< the file; once `in_file_` is known
};

template <class Entry>
Result<void> IndexFile<Entry>::learn_size(env::Files& files, const std::string& path) {
  if (in_file_ != kUnknown) return {};
  const auto size = files.file_size(path);
  if (!size && size.error().code != Errc::not_found) return fail(size.error());
  is_there_ = size.has_value();
  in_file_ = size ? *size / Entry::kBytes : 0;
  return {};
}

template <class Entry>
Result<void> IndexFile<Entry>::flush(env::Files& files, const std::string& path, Offset base) {
  MQ_CHECK(learn_size(files, path));
  if (pending_.empty() && is_there_) return {};
  std::string bytes;
  bytes.reserve(pending_.size() * Entry::kBytes);
  for (const Entry& entry : pending_) entry.encode(bytes, base);
  const auto write = [&]() -> Result<void> {
    MQ_TRY(auto file, files.open(path, env::OpenMode::create));
    return file->write_at(in_file_ * Entry::kBytes, bytes);
  };
  if (auto written = write(); !written) {
    if (pending_.size() >= 16 * kPendingMax) {
      std::size_t kept = 0;
      for (std::size_t i = 1; i < pending_.size(); i += 2) pending_[kept++] = pending_[i];
      pending_.resize(kept);
    }
    return written;
  }
  is_there_ = true;
  in_file_ += pending_.size();
  pending_.clear();
  return {};
}

template <class Entry>
template <class Predicate>
Result<std::optional<Entry>> IndexFile<Entry>::last_where(env::Files& files, const std::string& path, Offset base,
                                                          Predicate not_after, Wait wait) {
  MQ_CHECK(learn_size(files, path));
  const auto last_of = [&](const std::vector<Entry>& entries) {
    return *std::prev(std::partition_point(entries.begin(), entries.end(), not_after));
  };
  if (!pending_.empty() && not_after(pending_.front())) return last_of(pending_);
  if (in_file_ == 0) return std::nullopt;
  const bool window_reaches_end = window_first_ + window_.size() == in_file_;
  if (!window_.empty() && not_after(window_.front()) && (window_reaches_end || !not_after(window_.back())))
    return last_of(window_);

  MQ_TRY(auto file, files.open(path, env::OpenMode::read));
  char raw[Entry::kBytes];
  std::uint64_t low = 0;
  std::uint64_t high = in_file_;
  while (low < high) {
    const std::uint64_t middle = low + (high - low) / 2;
    MQ_TRY(const std::size_t got, read_at(*file, middle * Entry::kBytes, raw, sizeof raw, wait));
    if (got < sizeof raw) return fail(Errc::corrupt, "{}: shorter than it was", path);
    if (not_after(Entry::decode(raw, base))) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low == 0) return std::nullopt;
  // Readers go forwards: most of the window lies ahead.
  const std::uint64_t first = low - 1 - std::min<std::uint64_t>(low - 1, kWindowEntries / 8);
  std::string bytes(std::min<std::uint64_t>(kWindowEntries, in_file_ - first) * Entry::kBytes, '\0');
  MQ_TRY(const std::size_t got, read_at(*file, first * Entry::kBytes, bytes.data(), bytes.size(), wait));
  if (got < bytes.size()) return fail(Errc::corrupt, "{}: shorter than it was", path);
  window_first_ = first;
  window_.clear();
  for (std::size_t i = 0; i < bytes.size(); i += Entry::kBytes)
    window_.push_back(Entry::decode(bytes.data() + i, base));
  return window_[low - 1 - window_first_];
}

template <class Entry>
Result<std::optional<Entry>> IndexFile<Entry>::last(env::Files& files, const std::string& path, Offset base,
                                                    Wait wait) {
  return last_where(files, path, base, [](const Entry&) { return true; }, wait);
}

template <class Entry>
Result<std::vector<Entry>> IndexFile<Entry>::all(env::Files& files, const std::string& path, Offset base) {
  MQ_CHECK(learn_size(files, path));
  std::vector<Entry> entries;
  if (in_file_ == 0) return entries;
  MQ_TRY(auto file, files.open(path, env::OpenMode::read));
  std::string bytes(in_file_ * Entry::kBytes, '\0');
  MQ_TRY(const std::size_t got, file->read_at(0, bytes.data(), bytes.size()));
  for (std::size_t i = 0; i + Entry::kBytes <= got; i += Entry::kBytes)
    entries.push_back(Entry::decode(bytes.data() + i, base));
  return entries;
}

template <class Entry>
template <class Predicate>
Result<void> IndexFile<Entry>::keep_where(env::Files& files, const std::string& path, Offset base, Predicate keep) {
  MQ_CHECK(learn_size(files, path));
  pending_.erase(std::partition_point(pending_.begin(), pending_.end(), keep), pending_.end());
  window_.clear();
  if (in_file_ == 0) return {};
  MQ_TRY(auto file, files.open(path, env::OpenMode::read_write));
  std::string bytes(in_file_ * Entry::kBytes, '\0');
  MQ_TRY(const std::size_t got, file->read_at(0, bytes.data(), bytes.size()));
  std::uint64_t kept = 0;
  std::optional<Entry> before;
  while ((kept + 1) * Entry::kBytes <= got) {
    const Entry entry = Entry::decode(bytes.data() + kept * Entry::kBytes, base);
    if (!keep(entry) || (before && !entry.can_follow(*before))) break;
    before = entry;
    ++kept;
  }
  if (kept == 1 && before->is_blank(base)) kept = 0;
  MQ_CHECK(file->truncate(kept * Entry::kBytes));
  in_file_ = kept;
  return {};
}

template <class Entry>
Result<std::uint64_t> IndexFile<Entry>::count(env::Files& files, const std::string& path) {
  MQ_CHECK(learn_size(files, path));
  return in_file_ + pending_.size();
}

/// False for zeros that a power cut has left in place of an entry.
[[nodiscard]] inline Result<bool> is_written_entry(IndexFile<OffsetIndexEntry>& index, const OffsetIndexEntry& entry,
                                                   env::Files& files, const std::string& path, Offset base,
                                                   Wait wait = Wait::yes) {
  if (!entry.is_blank(base)) return true;
  MQ_TRY(const auto last, index.last(files, path, base, wait));
  return last && !last->is_blank(base);
}

/// What the entries, by position, say; they must outlive it.
[[nodiscard]] inline OffsetWitness witness_of(const std::vector<OffsetIndexEntry>& entries, Offset base) {
  return [&entries, base](std::uint64_t position) -> Result<std::optional<Offset>> {
    const auto entry = std::ranges::lower_bound(entries, position, {}, &OffsetIndexEntry::position);
    if (entry == entries.end() || entry->position != position) return std::nullopt;
    const bool is_written = !entry->is_blank(base) || !entries.back().is_blank(base);
    return is_written ? std::optional(entry->offset) : std::nullopt;
  };
}

/// What the index file at `path` of a segment that takes no more batches says, for who reads it on the pool. One that
/// cannot be read says nothing. `files` must outlive it.
[[nodiscard]] inline OffsetWitness index_witness(env::Files& files, std::string path, Offset base) {
  return [&files, path = std::move(path), base,
          index = IndexFile<OffsetIndexEntry>()](std::uint64_t position) mutable -> Result<std::optional<Offset>> {
    const auto entry =
        index.last_where(files, path, base, [&](const OffsetIndexEntry& e) { return e.position <= position; });
    if (!entry || !*entry || (*entry)->position != position) return std::nullopt;
    const bool is_written = is_written_entry(index, **entry, files, path, base).value_or(false);
    return is_written ? std::optional((*entry)->offset) : std::nullopt;
  };
}

}  // namespace mq::log
