#pragma once

#include <cstddef>
#include <deque>
#include <memory>

namespace mq::broker {

class Connection;
class ShardBroker;

/// Lets the connections of one shard read large frames one after the other: one piece of at most kPieceBytes in each
/// turn of the event loop, so that the small requests of all others come between. Its shard's thread only.
class ReadingTurns {
 public:
  /// Some 40 us of copying.
  static constexpr std::size_t kPieceBytes = 128 << 10;

  explicit ReadingTurns(ShardBroker& shard) : shard_(shard) {}

  /// True: `connection` may read one piece, now. False: it waits in line, until `Connection::give_reading_turn`.
  [[nodiscard]] bool take(Connection& connection);

 private:
  void schedule();
  void next();

  ShardBroker& shard_;
  std::deque<std::shared_ptr<Connection>> waiting_;
  bool is_taken_ = false;  ///< in this turn of the loop; then `next` is scheduled
};

}  // namespace mq::broker
