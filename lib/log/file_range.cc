#include "log/file_range.h"

#include <algorithm>

#include "log/segment.h"
#include "log/segment_reader.h"

namespace mq::log {

VerifyOutcome verify(const FileRange& range) {
  const std::uint64_t end = range.position + range.size;
  const std::string path = range.segment->path();
  SegmentReader reader(*range.file, path, range.position, end, SegmentReader::Mode::wholes);
  bool is_first = true;
  while (true) {
    const auto good = static_cast<std::size_t>(reader.position() - range.position);
    const Offset expected = is_first ? range.from : reader.next_offset();
    auto batch = reader.next();
    if (!batch) return {.good_bytes = good, .damage = std::move(batch).error()};
    if (!*batch) return {.good_bytes = good};
    const record::BatchHeader& header = (*batch)->header;
    const bool in_place = header.base_offset == expected || (is_first && header.base_offset < expected) ||
                          (header.base_offset > expected && range.may_have_gaps);
    if (!in_place || header.next_offset() > range.limit || header.last_offset() < range.from)
      return {
          .good_bytes = good,
          .damage = Error{.code = Errc::corrupt_batch,
                          .message = fmt::format("{}:{}: says offset {} where {} should be", path, (*batch)->position,
                                                 header.base_offset.value(), expected.value())}};
    is_first = false;
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
