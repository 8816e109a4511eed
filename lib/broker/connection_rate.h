#pragma once

#include <cstdint>
#include <optional>

#include "base/time.h"

namespace mq::broker {

/// How fast connections may come, from everywhere or from one address: so many in a second, of which one second's worth
/// may come at once. Whoever is too fast waits.
class ConnectionRate {
 public:
  /// When a connection that comes `now` may be served; it is not counted yet.
  [[nodiscard]] Instant next(Instant now, std::int64_t per_second) const;
  /// Counts a connection that came `now` and returns when it may be served. Nothing, and not counted, when that would
  /// be more than `patience` away. `per_second` is at least 1 and may change.
  [[nodiscard]] std::optional<Instant> admit(Instant now, std::int64_t per_second, Duration patience);
  /// As if nobody had ever come.
  [[nodiscard]] bool is_as_new(Instant now) const { return taken_until_ <= now; }

 private:
  Instant taken_until_;  ///< each connection takes its part of a second, one after the other
};

}  // namespace mq::broker
