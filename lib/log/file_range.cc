#include "log/file_range.h"

#include <algorithm>

#include "log/index_file.h"
#include "log/segment.h"
#include "log/segment_reader.h"

namespace mq::log {

VerifyOutcome verify(const FileRange& range) {
  const Segment& segment = *range.segment;
  const std::uint64_t end = range.position + range.size;
  // Whoever made the range has found `from` in its first batch, or behind a gap.
  Offset begin = segment.base_offset();
  if (range.position > 0) {
    const auto first =
        SegmentReader(*range.file, segment.path(), range.position, end, SegmentReader::Mode::headers).next();
    if (!first) return {.good_bytes = 0, .damage = first.error()};
    if (*first) begin = std::min(std::max(range.from, begin), (*first)->header.base_offset);
  }
  SegmentReader reader(*range.file, segment.path(), range.position, end, SegmentReader::Mode::wholes);
  reader.judge_offsets(range.rules, range.segment_end,
                       index_witness(*range.files, segment.path("index"), segment.base_offset()));
  reader.skip_to(range.position, begin);
  while (true) {
    const auto good = static_cast<std::size_t>(reader.position() - range.position);
    auto batch = reader.next();
    if (!batch) return {.good_bytes = good, .damage = std::move(batch).error()};
    if (!*batch) return {.good_bytes = good};
    if ((*batch)->header.last_offset() < range.from)
      return {.good_bytes = good,
              .damage = Error{.code = Errc::corrupt_batch,
                              .message = fmt::format("{}:{}: ends with offset {} where {} should be", segment.path(),
                                                     (*batch)->position, (*batch)->header.last_offset().value(),
                                                     range.from.value())}};
  }
}

Result<void> read_bytes(const FileRange& range, char* to) {
  MQ_TRY(const std::size_t got, range.file->read_at(range.position, to, range.size));
  if (got == range.size) return {};
  return fail(Errc::corrupt_batch, "{}:{}: the file ends {} bytes early", range.segment->path(), range.position,
              range.size - got);
}

Result<std::string> read_bytes(const FileRange& range) {
  std::string bytes(range.size, '\0');
  MQ_CHECK(read_bytes(range, bytes.data()));
  return bytes;
}

bool is_cached(const FileRange& range) {
  if (range.empty()) return true;
  constexpr std::uint64_t kStep = std::uint64_t{128} << 10;
  char byte = 0;
  const auto cached = [&](std::uint64_t position) {
    const auto got = range.file->read_cached_at(position, &byte, 1);
    return got && *got == 1;
  };
  const std::uint64_t end = range.position + range.size;
  for (std::uint64_t position = range.position; position < end; position += kStep) {
    if (!cached(position)) return false;
  }
  return cached(end - 1);
}

}  // namespace mq::log
