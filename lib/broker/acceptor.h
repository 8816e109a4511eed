#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "broker/bound_listener.h"
#include "broker/connection_limits.h"
#include "broker/connection_set.h"
#include "broker/shard_context.h"
#include "env/async.h"
#include "env/network.h"
#include "env/task_group.h"

namespace mq::broker {

/// Accepts connections on all listeners and gives each to the shard with the fewest. Who comes faster than the limits
/// allow waits; who is over one that waiting does not help is refused. On the first shard.
class Acceptor {
 public:
  /// `home` is the first shard. All of them outlive it.
  Acceptor(ShardContext& home, Listeners& listeners, ConnectionLimits& limits, std::vector<ConnectionSet*> shards);

  /// Listens where the settings say. Who connects waits until `start`.
  Result<void> listen();
  void start();
  /// After Life::begin_stop: closes the listeners, and who waits to be served; returns when nobody accepts any more.
  awaitable<void> stop();
  void check_invariants() const;

 private:
  awaitable<void> accept_on(BoundListener& bound);
  void serve(std::unique_ptr<env::Stream> stream, const BoundListener& bound);
  void delay(std::unique_ptr<env::Stream> stream, const BoundListener& bound, Instant until);
  awaitable<void> serve_delayed();
  /// It is the turn of somebody from there: of the first who has not left.
  void serve_one_of(const std::string& host);
  [[nodiscard]] bool is_stopping() const { return home_.node.life.is_stopping(); }

  ShardContext& home_;
  Listeners& listeners_;
  ConnectionLimits& limits_;
  const std::vector<ConnectionSet*> shards_;
  env::TaskGroup tasks_;
  struct Delayed {
    std::unique_ptr<env::Stream> stream;
    const BoundListener* bound = nullptr;
  };
  std::multimap<Instant, std::string> turns_;           ///< when one may be served, and from which address
  std::map<std::string, std::deque<Delayed>> delayed_;  ///< taken, by address, in the order in which they came
  std::unique_ptr<env::Timer> delay_timer_;
};

}  // namespace mq::broker
