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
      if (!position && !is_damage(position.error())) return fail(position.error());
      begin = position.value_or(0);
    }
    if (begin < segment.size_bytes()) {
      const auto first = segment.offset_at(begin);
      if (!first && !is_damage(first.error())) return fail(first.error());
      MQ_TRY(SegmentReader reader, segment.reader_from(first ? begin : 0, first.value_or(segment.base_offset()),
                                                       SegmentReader::Mode::headers));
      while (true) {
        const auto batch = reader.next();
        if (!batch) {
          if (!is_damage(batch.error())) return fail(batch.error());
          MQ_TRY(const bool goes_on, reader.resume(to));
          if (!goes_on) break;
          continue;
        }
        if (!*batch || (*batch)->header.base_offset >= to) break;
        if ((*batch)->header.base_offset >= from) each((*batch)->header);
      }
    }
    if (!was_open && segments_[i] != segments_.back()) segment.release();
  }
  return {};
}

}  // namespace mq::log
