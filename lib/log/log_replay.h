#pragma once
// The template of log.h.

#include <algorithm>

#include "log/log.h"
#include "log/segment_reader.h"

namespace mq::log {

template <class Each>
Result<void> Log::replay(Offset from, Offset to, Each each) {
  if (from >= to || segments_.empty()) return {};
  for (std::size_t i = segment_index_of(from); i < segments_.size() && segments_[i]->base_offset() < to; ++i) {
    Segment& segment = *segments_[i];
    if (segment.size_bytes() == 0) continue;
    const bool was_open = segment.is_open();
    std::uint64_t begin = 0;
    if (from > segment.base_offset()) {
      const auto position = segment.position_of(from, *config_);
      if (!position && position.error().code != Errc::corrupt_batch) return fail(position.error());
      begin = position.value_or(0);
    }
    MQ_TRY(auto file, segment.file());
    SegmentReader reader(*file, segment.path(), begin, segment.size_bytes(), SegmentReader::Mode::headers);
    while (true) {
      const auto batch = reader.next();
      if (!batch) {
        if (!is_rot(batch.error())) return fail(batch.error());
        MQ_TRY(const auto found,
               find_batch(*file, reader.position() + 1, segment.size_bytes(), reader.next_offset(), to));
        if (!found) break;
        reader.skip_to(found->position, found->header.base_offset);
        continue;
      }
      if (!*batch || (*batch)->header.base_offset >= to) break;
      if ((*batch)->header.base_offset >= from) each((*batch)->header);
    }
    if (!was_open && segments_[i] != segments_.back()) segment.release();
  }
  return {};
}

}  // namespace mq::log
