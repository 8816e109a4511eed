#include "broker/connection_set.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "base/assert.h"
#include "base/buggify.h"
#include "base/mark.h"

namespace mq::broker {
namespace {

// How often a shard looks for connections that overstay, while they do anything. When all are idle nothing ticks.
constexpr Duration kSweepInterval = 5s;

}  // namespace

ConnectionSet::ConnectionSet(ShardContext& shard, Shared shared)
    : ConnectionHost(shard, room_, large_reads_),
      shard_(shard),
      shared_(std::move(shared)),
      room_(shard, connections_, shard.node.config().queued_request_bytes_max / shard.node.machine.shards.size(),
            shared_.extra_frame),
      large_reads_(shard, room_),
      connection_or_requests_ended_(shard.shard),
      sweep_timer_(shard.shard.make_timer()) {}

ConnectionSet::~ConnectionSet() = default;

void ConnectionSet::give(env::Shard& from, std::unique_ptr<env::Stream> stream, const BoundListener& listener) {
  assign();
  if (&from == &shard_.shard) return add(std::move(stream), listener);
  stream->move_to(shard_.shard);
  shard_.shard.post([this, &listener, stream = std::move(stream)]() mutable { add(std::move(stream), listener); });
}

void ConnectionSet::add(std::unique_ptr<env::Stream> stream, const BoundListener& listener) {
  ConnectionHost& host = *this;
  serve(std::make_shared<Connection>(host, std::move(stream), listener, shared_.fetch_session_slots));
}

void ConnectionSet::adopt(std::shared_ptr<Connection> connection) {
  assign();
  shard_.shard.post([this, connection = std::move(connection)]() mutable { serve(std::move(connection)); });
}

void ConnectionSet::serve(std::shared_ptr<Connection> connection) {
  connections_.push_back(connection);
  room_.connection_came();
  shard_.tasks.spawn(run(std::move(connection)));
  wake_sweep();
  if (!std::exchange(is_sweeping_, true)) shard_.tasks.spawn(sweep());
}

awaitable<void> ConnectionSet::run(std::shared_ptr<Connection> connection) {
  if (shard_.node.life.is_stopping()) connection->close(CloseReason::stop);
  co_await connection->run();
  leave(std::move(connection));
}

void ConnectionSet::leave(std::shared_ptr<Connection> connection) {
  std::erase(connections_, connection);
  room_.connection_went();
  assigned_.fetch_sub(1, std::memory_order_relaxed);
  if (connections_.empty()) sweep_timer_->cancel();
  connection_or_requests_ended_.notify_all();
  if (ConnectionHost* target = connection->move_target(); target != nullptr && !connection->is_closing()) {
    shard_.metrics.counter(Metric::connection_moves).add();
    connection->move_to(*target);
    target->adopt(std::move(connection));
  } else {
    shard_.metrics.connection_closed(connection->close_reason());
    shared_.limits.release(connection->remote_address());
  }
}

awaitable<void> ConnectionSet::sweep() {
  while (!connections_.empty()) {
    const Instant now = shard_.shard.now();
    Instant next = Instant::never();
    for (const auto& connection : connections_) {
      if (const char* why = connection->overdue(now)) connection->close_because(why);
      next = std::min(next, connection->idle_deadline());
    }
    return_memory();
    next = std::max(
        next, now + (MQ_BUGGIFY("broker: connections are looked at often") ? kSweepInterval / 20 : kSweepInterval));
    sweep_sleeps_ = next > now + kSweepInterval;
    (void)co_await sweep_timer_->wait_until(next);
    sweep_sleeps_ = false;
  }
  is_sweeping_ = false;
  return_memory();
}

void ConnectionSet::return_memory() {
  const std::function<void()>& return_it = shard_.node.machine.return_memory;
  if (return_it && room_.has_emptied()) shard_.node.disk_pool().submit(return_it);
}

void ConnectionSet::request_ended() {
  MQ_ASSERT(requests_ > 0);
  if (--requests_ == 0) connection_or_requests_ended_.notify_all();
}

void ConnectionSet::finish() {
  for (const auto& connection : connections_) connection->finish();
}

awaitable<void> ConnectionSet::end(Instant patience) {
  while (!connections_.empty() && co_await connection_or_requests_ended_.wait_until(patience)) {
  }
  if (!connections_.empty()) MQ_MARK("broker: a stop closes connections that did not end");
  for (const auto& connection : connections_) connection->close(CloseReason::stop);
  while (!connections_.empty() || requests_ > 0) co_await connection_or_requests_ended_.wait();
}

void ConnectionSet::check_invariants() const {
  MQ_ASSERT(connections_.size() <= assigned());
  MQ_ASSERT(connections_.empty() || is_sweeping_);
  MQ_ASSERT(is_sweeping_ || !sweep_sleeps_);
  for (const auto& connection : connections_) {
    MQ_ASSERT(&connection->home() == this);
    connection->check_invariants();
  }
}

}  // namespace mq::broker
