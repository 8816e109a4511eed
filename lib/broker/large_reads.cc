#include "broker/large_reads.h"

#include <utility>

#include "base/mark.h"
#include "broker/connection.h"
#include "broker/request_room.h"
#include "broker/shard_context.h"

namespace mq::broker {

LargeReads::LargeReads(ShardContext& shard, const RequestRoom& room)
    : shard_(shard), room_(room), pause_timer_(shard.shard.make_timer()) {}

bool LargeReads::ask(Connection& connection) {
  if (!std::exchange(is_taken_, true)) {
    schedule();
    return true;
  }
  MQ_MARK("broker: a connection waits for its turn to read much");
  waiting_.push_back(connection.shared_from_this());
  return false;
}

void LargeReads::schedule() {
  if (room_.is_tight()) {
    shard_.tasks.spawn(pause());
  } else {
    shard_.shard.post([this] { next(); });
  }
}

awaitable<void> LargeReads::pause() {
  (void)co_await pause_timer_->wait_until(shard_.shard.now() + kPause);
  next();
}

void LargeReads::next() {
  is_taken_ = !waiting_.empty();
  if (!is_taken_) return;
  const auto connection = std::move(waiting_.front());
  waiting_.pop_front();
  connection->let_read_piece();
  schedule();
}

}  // namespace mq::broker
