#pragma once

#include <atomic>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstddef>
#include <expected>
#include <string>

#include "base/time.h"
#include "broker/connection_rate.h"
#include "broker/metrics.h"
#include "broker/node_context.h"
#include "env/network.h"

namespace mq::broker {

/// How many connections there may be, in all and from one address, and how fast they may come. On the first shard, but
/// for what says "any thread".
class ConnectionLimits {
 public:
  /// `node` outlives it.
  explicit ConnectionLimits(NodeContext& node) : node_(node) {}

  /// When the next connection may be taken, from whomever: who comes meanwhile waits in the system's queue.
  [[nodiscard]] Instant next_take() const;
  /// When a connection from there may be served: it counts from now on, until it is released. Or the limit that it
  /// would be over.
  [[nodiscard]] std::expected<Instant, ConnectionLimit> take(const env::Address& from);
  /// Any thread.
  void release(const env::Address& from);
  /// Any thread.
  [[nodiscard]] std::size_t count() const { return count_.load(std::memory_order_relaxed); }
  /// How many addresses are remembered.
  [[nodiscard]] std::size_t source_count() const { return sources_.size(); }
  void check_invariants() const;

 private:
  struct Source {
    std::size_t connections = 0;
    ConnectionRate rate;
  };
  /// Forgets the addresses that nobody has come from lately, when there are many.
  void forget_sources();

  NodeContext& node_;
  std::atomic<std::size_t> count_{0};
  ConnectionRate rate_;                                     ///< from everywhere
  boost::unordered_flat_map<std::string, Source> sources_;  ///< by IP address
  std::size_t of_sources_ = 0;                              ///< connections that have an IP address
  std::size_t sources_looked_at_ = 0;                       ///< how many there were when `forget_sources` last looked
};

}  // namespace mq::broker
