#include "faults.h"

#include <csignal>
#include <utility>

namespace mq::mqbench {
namespace {

/// What the command says is not mixed with our report, and it takes nothing of our input.
constexpr const char* kApart = "exec </dev/null >&2; eval \"$1\"";

}  // namespace

Faults::Faults(env::Shard& shard, std::vector<FaultCommand> commands, Listener listener)
    : shard_(shard), listener_(std::move(listener)), to_end_(commands.size()) {
  for (FaultCommand& command : commands)
    faults_.push_back({.command = std::move(command), .timer = shard.make_timer(), .child = nullptr});
}

awaitable<void> Faults::run() {
  const Instant start = shard_.now();
  env::TaskGroup running(shard_);
  for (Fault& fault : faults_) running.spawn(run(fault, start + fault.command.at));
  co_await running.join();
}

awaitable<void> Faults::run(Fault& fault, Instant at) {
  if (!is_cancelled_) (void)co_await fault.timer->wait_until(at);
  if (is_cancelled_) {
    ++missed_;
  } else {
    listener_.on_begin(fault.command);
    const Result<int> status = co_await run_command(fault);
    listener_.on_end(fault.command, status);
  }
  if (--to_end_ == 0 && missed_ < faults_.size()) listener_.on_heal();
}

awaitable<Result<int>> Faults::run_command(Fault& fault) {
  MQ_CO_TRY(auto child, posix::ChildProcess::start(shard_, {"/bin/sh", "-c", kApart, "sh", fault.command.command}, {}));
  fault.child = std::make_unique<posix::ChildProcess>(std::move(child));
  const auto status = co_await fault.child->wait();
  fault.child.reset();
  co_return status;
}

void Faults::cancel() {
  is_cancelled_ = true;
  for (Fault& fault : faults_) fault.timer->cancel();
}

void Faults::interrupt() {
  for (Fault& fault : faults_)
    if (fault.child) fault.child->send_signal(SIGTERM);
}

}  // namespace mq::mqbench
