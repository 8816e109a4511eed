#pragma once

#include "env/time_zone.h"

namespace mq::posix {

/// The zone of $TZ, a name from the time zone database or a POSIX rule (`CET-1CEST,M3.5.0,M10.5.0/3`); without it the
/// machine's, which is /etc/localtime. The rules are the C library's.
class PosixTimeZone final : public env::TimeZone {
 public:
  [[nodiscard]] Result<std::chrono::seconds> ahead_of_utc(std::chrono::sys_seconds at) const override;
};

}  // namespace mq::posix
