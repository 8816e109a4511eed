#pragma once

#include <cstddef>

#include "base/time.h"

namespace mq::group {

/// What an operator may choose about groups; Kafka's names are in the comments.
struct Settings {
  Duration session_timeout_min = 6s;     ///< group.min.session.timeout.ms
  Duration session_timeout_max = 30min;  ///< group.max.session.timeout.ms
  Duration initial_rebalance_delay{0};   ///< group.initial.rebalance.delay.ms
  std::size_t members_max = 1000;        ///< group.max.size; also bounds members that have only been given an id
  std::size_t offset_metadata_chars_max = 4096;  ///< offset.metadata.max.bytes, in UTF-16 units as Kafka counts
  Duration offsets_retention = 7 * 24h;          ///< offsets.retention.minutes
  Duration offsets_check_interval = 10min;       ///< offsets.retention.check.interval.ms
  /// A new member's JoinGroup is given up after this long, since its client may be gone: it cannot heartbeat yet.
  Duration new_member_join_timeout = 5min;
};

}  // namespace mq::group
