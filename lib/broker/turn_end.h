#pragma once

#include <memory>
#include <vector>

namespace mq::broker {

class Connection;
class Partition;
class ShardBroker;

/// What a shard puts off to the end of a turn of its event loop, so that one system call serves all that came in that
/// turn: the small batches of a partition are written together, the ready answers of a connection are sent together.
///
/// Sixteen connections with one small request each cost one pwrite instead of sixteen, and the first client is woken
/// when all of them are served instead of between two. Partitions come first: what their writes settle leaves in the
/// same turn. Belongs to one shard; its thread only.
class TurnEnd {
 public:
  explicit TurnEnd(ShardBroker& shard) : shard_(shard) {}
  TurnEnd(const TurnEnd&) = delete;
  TurnEnd& operator=(const TurnEnd&) = delete;

  /// Calls `partition.end_turn()` once. The caller sees to it that it is not added twice.
  void add(std::shared_ptr<Partition> partition);
  /// Calls `connection.end_turn()` once, after the partitions. Neither is added twice.
  void add(std::shared_ptr<Connection> connection);

 private:
  void schedule();
  void run();

  ShardBroker& shard_;
  bool is_scheduled_ = false;
  std::vector<std::shared_ptr<Partition>> partitions_;
  std::vector<std::shared_ptr<Connection>> connections_;
};

}  // namespace mq::broker
