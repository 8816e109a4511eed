#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "env/files.h"
#include "model/ids.h"

namespace mq::log {

/// Something wrong in a log's files, as a line of `grep`: `file:position: text`.
struct Finding {
  std::string file;
  std::uint64_t position = 0;  ///< bytes from the start of the file
  std::string text;
  /// No damage: what a power cut leaves of a file that is made anew when it is needed, or bytes that are of no log.
  bool is_harmless = false;
  [[nodiscard]] std::string to_string() const;
};

/// Where the log has gone on in another segment, although the one at `log_path` has bytes behind that, which are of no
/// log: what `BASE.mqend` beside it says. Nothing: there is none. corrupt: it is damaged; any error of a read.
[[nodiscard]] Result<std::optional<Offset>> segment_end(env::Files& files, const std::string& log_path);
/// What stands in a segment from there on, `bytes` of them.
[[nodiscard]] std::string replaced_text(std::uint64_t bytes, Offset end);

/// What a segment holds.
struct SegmentSummary {
  Offset base_offset;
  Offset end_offset;  ///< after the last good batch; the base offset when there is none
  std::uint64_t size_bytes = 0;
  std::uint64_t batches = 0;
  std::uint64_t records = 0;
  std::int64_t first_timestamp = -1;  ///< of the first batch, its largest
  std::int64_t largest_timestamp = -1;
};

/// Checks one `.log` file of a log that nobody writes to, and the `.index` and `.timeindex` beside it when they are
/// there: lengths, CRCs, offsets that grow within the segment and that batches and index agree on, record counts
/// against offsets, index entries against batches. What was replaced (see `segment_end`) is told as such. Adds what it
/// finds to `findings`, at most `findings_max` more. For offline tools; changes nothing. invalid_argument: not named as
/// a segment; not_found; disk_failed.
[[nodiscard]] Result<SegmentSummary> check_segment(env::Files& files, const std::string& log_path,
                                                   std::vector<Finding>& findings, std::size_t findings_max = 1000);

/// Checks a whole partition directory: every segment, that none is missing, that they do not overlap, the epochs
/// against the batches, and the newest producer snapshot's CRC. Summaries by base offset.
[[nodiscard]] Result<std::vector<SegmentSummary>> check_directory(env::Files& files, const std::string& directory,
                                                                  std::vector<Finding>& findings,
                                                                  std::size_t findings_max = 1000);

}  // namespace mq::log
