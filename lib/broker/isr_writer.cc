#include "broker/isr_writer.h"

#include <utility>

#include "base/mark.h"
#include "broker/settings.h"

namespace mq::broker {
namespace {

using Outcome = replication::Replica::Outcome;

/// So long the first waits for others, and up to so much longer: brokers that want the same things at the same time
/// should not meet.
constexpr Duration kGather = 10ms;
constexpr Duration kGatherJitter = 40ms;

/// What a leader is told whose transaction failed so.
Outcome outcome_of(const Error& error) {
  const bool is_open = error.code == Errc::timed_out || error.code == Errc::unreachable;
  return is_open ? Outcome::unknown : Outcome::refused;
}

}  // namespace

IsrWriter::IsrWriter(NodeContext& node, MetadataWriter& writer)
    : node_(node), writer_(writer), timer_(node.home().make_timer()), tasks_(node.home()) {}

void IsrWriter::wish(IsrWish wanted) {
  node_.home().post([this, wanted = std::move(wanted)]() mutable {
    isrs_.push_back({.wanted = std::move(wanted)});
    begin();
  });
}

void IsrWriter::wish(EpochWish wanted) {
  node_.home().post([this, wanted] {
    epochs_.push_back(wanted);
    begin();
  });
}

void IsrWriter::begin() {
  if (node_.life.is_stopping() || std::exchange(is_running_, true)) return;
  tasks_.spawn(run());
}

awaitable<void> IsrWriter::stop() {
  timer_->cancel();
  co_await tasks_.join();
}

awaitable<void> IsrWriter::run() {
  while (!node_.life.is_stopping() && !(isrs_.empty() && epochs_.empty())) {
    const Duration jitter = kGatherJitter * node_.machine.random.below(100) / 100;
    (void)co_await timer_->wait_until(node_.home().now() + kGather + jitter);
    if (node_.life.is_stopping()) break;
    if (!epochs_.empty()) co_await raise_epochs(std::exchange(epochs_, {}));
    if (!isrs_.empty()) co_await write(std::exchange(isrs_, {}));
  }
  is_running_ = false;
}

awaitable<void> IsrWriter::raise_epochs(std::vector<EpochWish> wanted) {
  MQ_MARK("broker: a leader epoch is raised above that of a log");
  std::vector<controller::UncertainLog> logs;
  for (const EpochWish& one : wanted)
    logs.push_back({.topic_id = one.place.topic, .partition = one.place.index, .latest_epoch = one.latest});
  const auto done = co_await writer_.change([&](const cluster::ClusterImage& image) -> Result<controller::Plan> {
    return controller::plan_raised_epochs(image, logs);
  });
  co_await writer_.install();
  if (done || node_.life.is_stopping()) co_return;
  // Nobody leads these meanwhile.
  node_.logger().warn("{} leader epochs cannot be raised now: {}; it is tried again", wanted.size(),
                      done.error().message);
  epochs_.insert(epochs_.end(), wanted.begin(), wanted.end());
}

awaitable<void> IsrWriter::write(std::vector<Pending> wanted) {
  while (!wanted.empty() && !node_.life.is_stopping()) {
    controller::IsrPlan planned = plan(wanted);
    for (const std::size_t i : planned.refused) wanted[i].wanted.ended(Outcome::refused);
    for (const std::size_t i : planned.outdated) wanted[i].wanted.ended(Outcome::conflict);
    wanted = co_await carry_out(std::move(planned), wanted);
    co_await writer_.install();
  }
}

controller::IsrPlan IsrWriter::plan(const std::vector<Pending>& wanted) const {
  std::vector<controller::IsrChange> changes;
  for (const Pending& one : wanted) {
    controller::IsrChange& change = changes.emplace_back();
    change.place = one.wanted.place;
    change.partition_epoch = one.wanted.partition_epoch;
    for (const auto& member : one.wanted.isr)
      change.isr.push_back({.id = member.id, .broker_epoch = member.broker_epoch, .is_new = member.is_new});
    change.lost = one.wanted.lost;
    change.conflicts = one.conflicts;
  }
  return controller::plan_isr_changes(*writer_.image(), node_.config().node_id, changes, plan_settings(node_.config()));
}

awaitable<std::vector<IsrWriter::Pending>> IsrWriter::carry_out(controller::IsrPlan plan,
                                                                std::vector<Pending>& wanted) {
  std::vector<Pending> again;
  for (controller::IsrPlan::Batch& batch : plan.batches) {
    controller::Plan alone;
    alone.transactions.push_back(std::move(batch.transaction));
    const auto done = co_await writer_.commit(std::move(alone));
    if (done) MQ_MARK("broker: a leader has changed its ISR");
    if (done) continue;
    const bool conflicts = done.error().code == Errc::conflict;
    if (conflicts) MQ_MARK("broker: a change of ISRs conflicts with another");
    for (const std::size_t i : batch.changes) {
      if (!conflicts) {
        wanted[i].wanted.ended(outcome_of(done.error()));
        continue;
      }
      ++wanted[i].conflicts;
      again.push_back(std::move(wanted[i]));
    }
  }
  co_return again;
}

}  // namespace mq::broker
