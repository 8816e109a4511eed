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
    if (const Instant next = limits_.next_take(); next > home_.shard.now()) {
      MQ_MARK("broker: connections come too fast and wait");
      home_.metrics.counter(Metric::connections_delayed).add();
      co_await home_.shard.sleep_until(next);
    }
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
  const bool is_first = delayed_.empty();
  MQ_MARK("broker: connections of one address come too fast and wait");
  delayed_.emplace(until, Delayed{std::move(stream), &bound});
  if (is_first) return tasks_.spawn(serve_delayed());
  delay_timer_->cancel();  // another may be earlier now
}

awaitable<void> Acceptor::serve_delayed() {
  while (!delayed_.empty() && !is_stopping()) {
    (void)co_await delay_timer_->wait_until(delayed_.begin()->first);
    const Instant now = home_.shard.now();
    while (!delayed_.empty() && delayed_.begin()->first <= now && !is_stopping()) {
      auto next = delayed_.extract(delayed_.begin());
      serve(std::move(next.mapped().stream), *next.mapped().bound);
    }
  }
  for (const auto& [when, delayed] : delayed_) limits_.release(delayed.stream->remote_address());
  delayed_.clear();
}

awaitable<void> Acceptor::stop() {
  for (const auto& bound : listeners_) bound->listener->close();
  delay_timer_->cancel();
  return tasks_.join();
}

void Acceptor::check_invariants() const {
  limits_.check_invariants();
  MQ_ASSERT(delayed_.size() <= limits_.count());
}

}  // namespace mq::broker
