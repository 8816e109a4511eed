#include "broker/peer_log.h"

namespace mq::broker {

PeerLog::PeerLog(env::Shard& shard, env::TaskGroup& tasks, env::Logger& logger, metrics::Counter& left_out)
    : shard_(shard), tasks_(tasks), logger_(logger), left_out_total_(left_out), timer_(shard.make_timer()) {}

bool PeerLog::may_write() {
  const Instant now = shard_.now();
  if (now >= window_end_ && !waiting_) {
    window_end_ = now + kWindow;
    lines_ = 0;
  }
  if (lines_ < kLinesMax) {
    ++lines_;
    return true;
  }
  left_out_total_.add();
  ++left_out_;
  if (!waiting_) {
    waiting_ = true;
    tasks_.spawn(tell_at_the_end_of_the_window());
  }
  return false;
}

awaitable<void> PeerLog::tell_at_the_end_of_the_window() {
  if (!stopped_) (void)co_await timer_->wait_until(window_end_);
  waiting_ = false;
  logger_.warn("{} more lines that clients caused were left out here; /metrics counts what happened",
               std::exchange(left_out_, 0));
}

void PeerLog::stop() {
  stopped_ = true;
  timer_->cancel();
}

}  // namespace mq::broker
