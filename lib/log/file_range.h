#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "env/files.h"
#include "log/segment_reader.h"
#include "model/ids.h"

namespace mq::log {

class Segment;

/// Whole batches that stand one after another in a segment's file. Holding it keeps the file open and its bytes as they
/// are, whatever retention or compaction do meanwhile.
struct FileRange {
  std::shared_ptr<env::File> file;
  std::shared_ptr<Segment> segment;
  std::uint64_t position = 0;
  std::size_t size = 0;
  /// This process wrote these bytes or has checked their CRCs: they may be sent as they are.
  bool verified = false;

  /// What `verify` checks besides the CRCs, which do not cover the base offset: the first batch holds `from` or, where
  /// compaction left gaps, comes after it; and what the rules say, in which all of the segment is a witness.
  Offset from{0};
  OffsetRules rules;
  std::uint64_t segment_end = 0;
  env::Files* files = nullptr;

  /// Behind it is more that the same `read` would have given, had it been asked for more bytes or across segments.
  bool has_more = false;
  /// Open files are scarce: copy it soon rather than hold it until a client has taken it.
  bool is_scarce = false;

  [[nodiscard]] bool empty() const { return size == 0; }
};

struct VerifyOutcome {
  /// From the front of the range, whole batches with good CRCs.
  std::size_t good_bytes = 0;
  /// Why the rest is not: corrupt_batch or read_failed with file and position.
  std::optional<Error> damage = std::nullopt;
};

/// Reads the range and checks every batch: lengths, CRC, offsets. Warms the page cache with it. For the
/// pool; safe from every thread.
[[nodiscard]] VerifyOutcome verify(const FileRange& range);

/// Copies the range. For small ones; corrupt_batch when the file is shorter than it was.
[[nodiscard]] Result<void> read_bytes(const FileRange& range, char* to);
[[nodiscard]] Result<std::string> read_bytes(const FileRange& range);

/// Whether sending the range would not wait for the disk: probes it every 128 KiB, and its last page.
[[nodiscard]] bool is_cached(const FileRange& range);

}  // namespace mq::log
