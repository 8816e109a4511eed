#pragma once

#include <chrono>

#include "base/result.h"
#include "env/time_zone.h"

namespace mq::cli {

using LocalMillis = std::chrono::local_time<std::chrono::milliseconds>;  ///< what clocks show
using UtcMillis = std::chrono::sys_time<std::chrono::milliseconds>;

/// The first moment at which the clocks of `zone` show `local` or a later time. So a later local time is never an
/// earlier moment: what clocks show twice is the first of the two, and what they leave out is when they do so.
[[nodiscard]] Result<UtcMillis> first_moment_of(LocalMillis local, const env::TimeZone& zone);

/// What the clocks of `zone` show at `moment`.
[[nodiscard]] Result<LocalMillis> local_time_at(UtcMillis moment, const env::TimeZone& zone);

}  // namespace mq::cli
