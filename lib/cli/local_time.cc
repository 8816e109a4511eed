#include "cli/local_time.h"

#include <algorithm>

namespace mq::cli {

using std::chrono::milliseconds;
using std::chrono::seconds;

Result<UtcMillis> first_moment_of(LocalMillis local, const env::TimeZone& zone) {
  // Before and behind every moment at which clocks could show it. We take it that they are set at most once in between,
  // so that they are ahead of UTC by the one or by the other.
  const auto as_if_utc = std::chrono::sys_seconds{std::chrono::floor<seconds>(local.time_since_epoch())};
  MQ_TRY(const seconds before, zone.ahead_of_utc(as_if_utc - std::chrono::hours{25}));
  MQ_TRY(const seconds after, zone.ahead_of_utc(as_if_utc + std::chrono::hours{26}));
  UtcMillis too_early{local.time_since_epoch() - std::max(before, after)};
  UtcMillis found{local.time_since_epoch() - std::min(before, after)};

  // Clocks that are set back show it twice; the search below would not see the first time.
  MQ_TRY(const LocalMillis earliest, local_time_at(too_early, zone));
  if (earliest >= local) return too_early;
  while (found - too_early > milliseconds{1}) {
    const UtcMillis middle = too_early + (found - too_early) / 2;
    MQ_TRY(const LocalMillis shown, local_time_at(middle, zone));
    (shown < local ? too_early : found) = middle;
  }
  return found;
}

Result<LocalMillis> local_time_at(UtcMillis moment, const env::TimeZone& zone) {
  MQ_TRY(const seconds ahead, zone.ahead_of_utc(std::chrono::floor<seconds>(moment)));
  return LocalMillis{moment.time_since_epoch() + ahead};
}

}  // namespace mq::cli
