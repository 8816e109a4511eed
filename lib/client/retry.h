#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "env/random.h"

namespace mq::client {

/// How long an operation is tried again before its error is given to the caller. Only errors that may go away are tried
/// again (`is_worth_retrying`).
struct RetryPolicy {
  Duration limit = Duration::max();  ///< from the first attempt; 0: one attempt

  [[nodiscard]] static RetryPolicy forever() { return {}; }
  [[nodiscard]] static RetryPolicy none() { return {Duration::zero()}; }
  [[nodiscard]] static RetryPolicy within(Duration limit) { return {limit}; }
  [[nodiscard]] Instant deadline(Instant now) const { return now + limit; }
};

/// The waits between attempts: 50 ms, doubled up to 1 s, each drawn between a half and the whole of it so that clients
/// that lost the same broker do not come back together.
class Backoff {
 public:
  static constexpr Duration kFirst = 50ms;
  static constexpr Duration kMax = 1s;

  [[nodiscard]] Duration next(env::Random& random);
  void reset() { wait_ = kFirst; }

 private:
  Duration wait_ = kFirst;
};

/// True when the same request may succeed later or at another broker: no connection, a connection that broke, or an
/// error code that Kafka calls retriable.
[[nodiscard]] bool is_worth_retrying(const Error& error);

/// What an operator should hear once: that a broker went away, and that it is back. `detail` is for who looks for a
/// fault: connections that were opened, partitions that a group gave us.
struct Notice {
  enum class Kind { lost, back, detail };
  Kind kind = Kind::lost;
  std::string text;  ///< a sentence, without a line end
};
using NoticeSink = std::function<void(const Notice&)>;

}  // namespace mq::client
