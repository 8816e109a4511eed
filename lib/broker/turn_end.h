#pragma once

#include <memory>
#include <vector>

#include "env/shard.h"

namespace mq::broker {

/// Puts something off to the end of a turn.
class EndsTurn {
 public:
  /// Does what was put off.
  virtual void end_turn() = 0;

 protected:
  ~EndsTurn() = default;
};

/// What a shard puts off to the end of a turn of its event loop, so that one system call serves all that came in that
/// turn: the small batches of a partition are written together, the ready answers of a connection are sent together.
///
/// Sixteen connections with one small request each cost one pwrite instead of sixteen, and the first client is woken
/// when all of them are served instead of between two. Partitions come first: what their writes settle leaves in the
/// same turn. Belongs to one shard; its thread only.
class TurnEnd {
 public:
  explicit TurnEnd(env::Shard& shard) : shard_(shard) {}
  TurnEnd(const TurnEnd&) = delete;
  TurnEnd& operator=(const TurnEnd&) = delete;

  /// Calls `partition->end_turn()` once. Who is there is not added again before that.
  void add_partition(std::shared_ptr<EndsTurn> partition);
  /// Calls `connection->end_turn()` once, after the partitions. Who is there is not added again before that.
  void add_connection(std::shared_ptr<EndsTurn> connection);
  /// Holds between any two tasks of the shard.
  void check_invariants() const;

 private:
  void schedule();
  void run();

  env::Shard& shard_;
  bool is_scheduled_ = false;
  std::vector<std::shared_ptr<EndsTurn>> partitions_;
  std::vector<std::shared_ptr<EndsTurn>> connections_;
};

}  // namespace mq::broker
