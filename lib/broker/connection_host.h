#pragma once

#include <memory>

namespace mq::broker {

class Connection;
class LargeReads;
struct Request;
class RequestRoom;
class Responder;
class ShardContext;

/// What a connection asks of the shard that it lives on. Its thread only, but for `adopt`.
class ConnectionHost {
 public:
  /// What it refers to outlives it.
  ConnectionHost(ShardContext& shard, RequestRoom& room, LargeReads& large_reads)
      : shard_(shard), room_(room), large_reads_(large_reads) {}

  [[nodiscard]] ShardContext& context() const { return shard_; }
  [[nodiscard]] RequestRoom& room() const { return room_; }
  [[nodiscard]] LargeReads& large_reads() const { return large_reads_; }

  /// A request has come: it starts now, and is in progress until `request_ended`.
  virtual void start_request(Request request, Responder responder) = 0;
  /// It is answered or dropped, perhaps long after its connection has gone.
  virtual void request_ended() = 0;
  /// A connection is not idle any more: somebody has to see to it that it keeps to its limits.
  virtual void wake_sweep() = 0;
  /// The connection lives here from now on. On the thread of the shard that it comes from.
  virtual void adopt(std::shared_ptr<Connection> connection) = 0;

 protected:
  ~ConnectionHost() = default;

 private:
  ShardContext& shard_;
  RequestRoom& room_;
  LargeReads& large_reads_;
};

}  // namespace mq::broker
