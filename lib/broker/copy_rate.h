#pragma once

#include <atomic>
#include <cstdint>

#include "base/time.h"

namespace mq::broker {

/// How fast this broker copies what is being moved to it, all shards together: so many bytes in a second, of which what
/// one answer brings may come at once. `per_second` below 1 is no limit; another one than before begins anew. Any
/// thread.
class CopyRate {
 public:
  /// From when on more may be asked for.
  [[nodiscard]] Instant free_at(std::int64_t per_second) const;
  /// So much has come `now`.
  void spend(Instant now, std::uint64_t bytes, std::int64_t per_second);

 private:
  std::atomic<Duration::rep> free_at_{0};
  std::atomic<std::int64_t> per_second_{-1};  ///< of what was spent
};

}  // namespace mq::broker
