#include "broker/turn_end.h"

#include <utility>

#include "base/assert.h"

namespace mq::broker {

void TurnEnd::add_partition(std::shared_ptr<EndsTurn> partition) {
  partitions_.push_back(std::move(partition));
  schedule();
}

void TurnEnd::add_connection(std::shared_ptr<EndsTurn> connection) {
  connections_.push_back(std::move(connection));
  schedule();
}

void TurnEnd::schedule() {
  // The loop runs this after every event that it has fetched already.
  if (!std::exchange(is_scheduled_, true)) shard_.post([this] { run(); });
}

void TurnEnd::run() {
  is_scheduled_ = false;
  // What these add comes in a turn of its own, but for the answers that the partitions settle.
  for (const auto& partition : std::exchange(partitions_, {})) partition->end_turn();
  for (const auto& connection : std::exchange(connections_, {})) connection->end_turn();
}

void TurnEnd::check_invariants() const {
  MQ_ASSERT(is_scheduled_ || partitions_.empty());
  MQ_ASSERT(is_scheduled_ || connections_.empty());
}

}  // namespace mq::broker
