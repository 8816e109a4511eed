#pragma once

#include <atomic>
#include <string>
#include <utility>

#include "base/result.h"
#include "base/time.h"
#include "env/clock.h"

namespace mq::broker {

/// When a store that is shared with other brokers was heard last: so far this broker knows what they have changed.
/// One of its own is always there. Told on the first shard, asked on any thread.
class StoreContact {
 public:
  StoreContact(const env::Clock& clock, std::string name) : clock_(clock), name_(std::move(name)) {}

  /// A session has begun: who is silent for `ttl` counts as gone.
  void begin(Duration ttl) { ttl_ = ttl; }
  /// What was asked at `asked` was answered, and all that had changed by then is known.
  void heard(Instant asked);
  /// It did not answer.
  void missed() { is_missed_ = true; }
  /// It did, but not all that had changed is known.
  void answered() { is_missed_ = false; }

  /// So long ago this broker may have been taken for gone without knowing it.
  [[nodiscard]] Instant trusted_since() const { return clock_.now() - ttl_.load(); }
  /// Nothing was heard for a session timeout: others may have taken this broker for gone.
  [[nodiscard]] bool is_silent() const { return ttl_.load() > Duration{0} && heard_at_.load() < trusted_since(); }
  /// And what was asked last had no answer: there is no use in asking for changes.
  [[nodiscard]] bool is_lost() const { return is_missed_ && is_silent(); }
  /// Says since when.
  [[nodiscard]] std::string how_long() const;

 private:
  const env::Clock& clock_;
  const std::string name_;
  std::atomic<Duration> ttl_{Duration{0}};  ///< 0: there is no session
  std::atomic<Instant> heard_at_{Instant{}};
  std::atomic<bool> is_missed_{false};
};

}  // namespace mq::broker
