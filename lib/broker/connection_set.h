#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <vector>

#include "broker/bound_listener.h"
#include "broker/connection.h"
#include "broker/connection_host.h"
#include "broker/connection_limits.h"
#include "broker/large_reads.h"
#include "broker/request_room.h"
#include "broker/shard_context.h"
#include "env/async.h"
#include "env/event.h"
#include "env/network.h"

namespace mq::broker {

/// The connections of one shard: runs them, closes those that overstay, hands those over that move, and counts the
/// requests that came through them. What a request does is said by who derives from it. The shard's thread only, but
/// for what says "any thread".
class ConnectionSet : public ConnectionHost {
 public:
  /// What all connections of a broker share.
  struct Shared {
    ConnectionLimits& limits;
    std::shared_ptr<ExtraFrame> extra_frame;
    std::shared_ptr<FetchSessionSlots> fetch_session_slots;
  };
  /// `shard` and the limits outlive it.
  ConnectionSet(ShardContext& shard, Shared shared);
  virtual ~ConnectionSet();
  ConnectionSet(const ConnectionSet&) = delete;
  ConnectionSet& operator=(const ConnectionSet&) = delete;

  /// So many are here or on their way: whoever accepts chooses the shard with the fewest. Any thread.
  [[nodiscard]] std::size_t assigned() const { return assigned_.load(std::memory_order_relaxed); }
  /// Serves the connection here from now on. It was taken from the limits, and goes back there at its end. On the
  /// thread of `from`, the stream's present shard.
  void give(env::Shard& from, std::unique_ptr<env::Stream> stream, const BoundListener& listener);
  [[nodiscard]] const std::vector<std::shared_ptr<Connection>>& connections() const { return connections_; }

  /// The limits may be others now.
  void settings_changed() { wake_sweep(); }
  /// Nobody starts a further request; the connections end as soon as what they wait for is answered.
  void finish();
  /// Returns when no connection and no request is left here. From `patience` on nobody waits for a peer to read.
  awaitable<void> end(Instant patience);
  /// Holds between any two tasks of the shard.
  void check_invariants() const;

  void request_ended() override;
  void wake_sweep() override {
    if (sweep_sleeps_) sweep_timer_->cancel();
  }
  void adopt(std::shared_ptr<Connection> connection) override;

 protected:
  /// To be called by `start_request`, first.
  void request_began() { ++requests_; }

 private:
  void add(std::unique_ptr<env::Stream> stream, const BoundListener& listener);
  void serve(std::shared_ptr<Connection> connection);
  awaitable<void> run(std::shared_ptr<Connection> connection);
  void leave(std::shared_ptr<Connection> connection);
  awaitable<void> sweep();
  void return_memory();
  void assign() { assigned_.fetch_add(1, std::memory_order_relaxed); }

  ShardContext& shard_;
  const Shared shared_;
  RequestRoom room_;
  LargeReads large_reads_;
  std::vector<std::shared_ptr<Connection>> connections_;
  std::atomic<std::size_t> assigned_{0};
  /// Not answered or dropped yet, also those whose connection is gone: a stop waits for them, since they may be on
  /// their way to a log.
  std::size_t requests_ = 0;
  env::Event connection_or_requests_ended_;
  std::unique_ptr<env::Timer> sweep_timer_;
  bool is_sweeping_ = false;
  bool sweep_sleeps_ = false;  ///< until the first connection was idle for too long
};

}  // namespace mq::broker
