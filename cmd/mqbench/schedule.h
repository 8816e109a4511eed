#pragma once

#include <cstdint>

#include "base/time.h"

namespace mq::mqbench {

/// When each record of an open loop should be sent: fixed in advance, whatever the broker does.
class Schedule {
 public:
  Schedule(Instant start, double per_second) : start_(start), nanos_each_(1e9 / per_second) {}

  [[nodiscard]] Instant at(std::uint64_t number) const {
    return start_ + Duration(static_cast<std::int64_t>(static_cast<double>(number) * nanos_each_));
  }
  /// How many records should have been sent before `when`.
  [[nodiscard]] std::uint64_t due_before(Instant when) const {
    if (when <= start_) return 0;
    auto number = static_cast<std::uint64_t>(static_cast<double>((when - start_).count()) / nanos_each_);
    while (at(number) < when) ++number;
    return number;
  }

 private:
  Instant start_;
  double nanos_each_;
};

}  // namespace mq::mqbench
