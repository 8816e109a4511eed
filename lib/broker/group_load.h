#pragma once

#include "base/result.h"
#include "env/async.h"
#include "group/coordinator.h"

namespace mq::broker {

class Partition;

/// Replays what a partition of __consumer_offsets holds into `coordinator`: all of it, or an error and never a word of
/// half of it. Reads and checks on the pool. `coordinator` must be one that nobody else touches: whatever becomes of
/// the broker meanwhile, the load goes on in what is its own, and the caller looks whether it is still wanted.
///
/// corrupt, corrupt_batch: what the disk has is not what was written, and another try would read the same. Any other
/// error may pass. closed: the node stops.
[[nodiscard]] awaitable<Result<void>> load_groups(Partition& partition, group::Coordinator& coordinator);

}  // namespace mq::broker
