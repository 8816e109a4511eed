#include "broker/acceptor.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/mark.h"

namespace mq::broker {
namespace {

// Out of descriptors, most likely: some are freed meanwhile.
constexpr Duration kFailedAcceptPause = 100ms;

}  // namespace

Acceptor::Acceptor(ShardContext& home, Listeners& listeners, ConnectionLimits& limits,
                   std::vector<ConnectionSet*> shards)
    : home_(home),
      listeners_(listeners),
      limits_(limits),
      shards_(std::move(shards)),
      tasks_(home.shard),
      delay_timer_(home.shard.make_timer()) {
  MQ_ASSERT(!shards_.empty());
}

Result<void> Acceptor::listen() {
  for (const ListenerConfig& config : home_.node.config().listeners) {
    MQ_TRY(auto listener, home_.shard.network().listen(config.address));
    auto bound = std::make_unique<BoundListener>();
    bound->config = config;
    bound->address = listener->local_address();
    bound->listener = std::move(listener);
    listeners_.push_back(std::move(bound));
  }
  return {};
}

void Acceptor::start() {
  for (const auto& bound : listeners_) tasks_.spawn(accept_on(*bound));
}

awaitable<void> Acceptor::accept_on(BoundListener& bound) {
  bool is_behind = false;  // who comes now may have waited in the system's queue
  while (true) {
    auto accepted = co_await bound.listener->accept();
    if (!accepted && (accepted.error().code == Errc::cancelled || is_stopping())) co_return;
    if (!accepted) {
      home_.peer_log.warn("cannot accept on {}: {}{}", bound.address.to_string(), accepted.error().message,
                          accepted.error().code == Errc::too_many_files
                              ? "; raise the limit of open files (LimitNOFILE=) or lower max.connections"
                              : "");
      co_await home_.shard.sleep_until(home_.shard.now() + kFailedAcceptPause);
      continue;
    }
    if (limits_.next_take() > home_.shard.now()) {
      MQ_MARK("broker: connections come too fast and wait");
      home_.metrics.counter(Metric::connections_delayed).add();
      while (limits_.next_take() > home_.shard.now()) co_await home_.shard.sleep_until(limits_.next_take());
      is_behind = true;
    }
    // Else those who have given up take the turns of those who still wait, who give up then, too.
    if (is_behind && (*accepted)->has_peer_left()) {
      MQ_MARK("broker: a connection that had to wait has been left by its client");
      continue;
    }
    is_behind = false;
    const env::Address from = (*accepted)->remote_address();
    const auto when = limits_.take(from);
    if (!when) {
      home_.metrics.connection_refused(when.error());
      home_.peer_log.warn("a connection from {} is refused: {} is reached; raise it if they are meant",
                          from.to_string(), name_of(when.error()));
    } else if (*when > home_.shard.now()) {
      delay(*std::move(accepted), bound, *when);
    } else {
      serve(*std::move(accepted), bound);
    }
  }
}

void Acceptor::serve(std::unique_ptr<env::Stream> stream, const BoundListener& bound) {
  home_.metrics.counter(Metric::connections_accepted).add();
  ConnectionSet& fewest = **std::ranges::min_element(shards_, {}, &ConnectionSet::assigned);
  fewest.give(home_.shard, std::move(stream), bound);
}

void Acceptor::delay(std::unique_ptr<env::Stream> stream, const BoundListener& bound, Instant until) {
  home_.metrics.counter(Metric::connections_delayed).add();
  home_.peer_log.warn("connections from {} come faster than {}; they wait", stream->remote_address().to_string(),
                      name_of(ConnectionLimit::rate_per_ip));
  MQ_MARK("broker: connections of one address come too fast and wait");
  const bool is_first = turns_.empty();
  const std::string host = stream->remote_address().host;
  turns_.emplace(until, host);
  delayed_[host].push_back({std::move(stream), &bound});
  if (is_first) return tasks_.spawn(serve_delayed());
  delay_timer_->cancel();  // another turn may be earlier now
}

awaitable<void> Acceptor::serve_delayed() {
  while (!turns_.empty() && !is_stopping()) {
    (void)co_await delay_timer_->wait_until(turns_.begin()->first);
    const Instant now = home_.shard.now();
    while (!turns_.empty() && turns_.begin()->first <= now && !is_stopping()) {
      serve_one_of(turns_.begin()->second);
      turns_.erase(turns_.begin());
    }
  }
  turns_.clear();
  for (const auto& [host, waiting] : std::exchange(delayed_, {}))
    for (const Delayed& delayed : waiting) limits_.release(delayed.stream->remote_address());
}

void Acceptor::serve_one_of(const std::string& host) {
  const auto found = delayed_.find(host);
  if (found == delayed_.end()) return;  // all were served in the turns of those who had left
  std::deque<Delayed>& waiting = found->second;
  for (bool is_served = false; !waiting.empty() && !is_served; waiting.pop_front()) {
    Delayed& next = waiting.front();
    is_served = !next.stream->has_peer_left();
    if (is_served) {
      serve(std::move(next.stream), *next.bound);
    } else {
      MQ_MARK("broker: a delayed connection has been left by its client");
      limits_.release(next.stream->remote_address());
    }
  }
  if (waiting.empty()) delayed_.erase(found);
}

awaitable<void> Acceptor::stop() {
  for (const auto& bound : listeners_) bound->listener->close();
  delay_timer_->cancel();
  return tasks_.join();
}

void Acceptor::check_invariants() const {
  limits_.check_invariants();
  std::size_t waiting = 0;
  for (const auto& [host, of_host] : delayed_) waiting += of_host.size();
  MQ_ASSERT(waiting <= turns_.size() && waiting <= limits_.count());
}

}  // namespace mq::broker
