#pragma once

#include "env/time_zone.h"
#include "posix/time_zone.h"
#include "posix/variable.h"

namespace mq::cli {

/// Clocks that are always so far ahead of UTC.
class FixedZone final : public env::TimeZone {
 public:
  explicit FixedZone(std::chrono::seconds ahead = {}) : ahead_(ahead) {}
  [[nodiscard]] Result<std::chrono::seconds> ahead_of_utc(std::chrono::sys_seconds) const override { return ahead_; }

 private:
  std::chrono::seconds ahead_;
};

/// The zone of $TZ, which has a value of its own while this lives. POSIX rules need no time zone database.
class ZoneOfVariable final : public env::TimeZone {
 public:
  explicit ZoneOfVariable(const char* value) : variable_("TZ", value) {}
  [[nodiscard]] Result<std::chrono::seconds> ahead_of_utc(std::chrono::sys_seconds at) const override {
    return zone_.ahead_of_utc(at);
  }

 private:
  posix::Variable variable_;
  posix::PosixTimeZone zone_;
};

}  // namespace mq::cli
