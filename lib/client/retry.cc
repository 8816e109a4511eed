#include "client/retry.h"

#include <algorithm>

#include "base/mark.h"
#include "client/errors.h"

namespace mq::client {

Duration Backoff::next(env::Random& random) {
  const Duration half = wait_ / 2;
  const Duration wait =
      half + Duration{static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(half.count())))};
  wait_ = std::min(wait_ * 2, kMax);
  if (wait_ == kMax) MQ_MARK("client: the wait between attempts is as long as it gets");
  return wait;
}

bool is_worth_retrying(const Error& error) {
  switch (error.code) {
    case Errc::closed:
    case Errc::timed_out:
    case Errc::unreachable:
    case Errc::too_many_files:
      return true;
    case Errc::broker:
      return is_retriable(code_of(error));
    default:
      return false;
  }
}

}  // namespace mq::client
