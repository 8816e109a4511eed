#pragma once

#include <cstddef>
#include <deque>
#include <memory>

#include "base/time.h"
#include "env/shard.h"

namespace mq::broker {

class Connection;
class RequestRoom;
class ShardContext;

/// Lets the connections of one shard read large frames one after the other: in each turn of the event loop one goes on,
/// by a piece of at most kPieceBytes and a growth of its buffer, so that the small requests of all others come between.
/// Its shard's thread only.
class LargeReads {
 public:
  /// Some 40 us of copying.
  static constexpr std::size_t kPieceBytes = 128 << 10;

  /// After each piece, while the room for requests is tight. Peers whose frames come to nothing would else take the
  /// processor from all others; a peer that is not read from sleeps.
  static constexpr Duration kPause = 500us;

  /// Both outlive it.
  LargeReads(ShardContext& shard, const RequestRoom& room);

  /// True: `connection` may read one piece, now. False: it waits in line, until `Connection::let_read_piece`.
  [[nodiscard]] bool ask(Connection& connection);

 private:
  void schedule();
  awaitable<void> pause();
  void next();

  ShardContext& shard_;
  const RequestRoom& room_;
  std::deque<std::shared_ptr<Connection>> waiting_;
  bool is_taken_ = false;  ///< one reads a piece in this turn of the loop; then `next` is scheduled
  std::unique_ptr<env::Timer> pause_timer_;
};

}  // namespace mq::broker
