#pragma once

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
                                                        Predicate not_after);
  [[nodiscard]] Result<std::optional<Entry>> last(env::Files& files, const std::string& path, Offset base);
  /// Keeps only the first entries, those for which `keep(entry)` is true, in memory and in the file.
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
};

}  // namespace mq::log
