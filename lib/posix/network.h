#pragma once

#include "env/network.h"
#include "env/pool.h"

namespace mq::posix {

class PosixShard;

/// TCP and unix sockets of one shard. Names are resolved on the pool, literal addresses at once.
class PosixNetwork final : public env::Network {
 public:
  /// Both must outlive it and what it makes.
  PosixNetwork(PosixShard& shard, env::Pool& pool) : shard_(shard), pool_(pool) {}

  [[nodiscard]] Result<std::unique_ptr<env::Listener>> listen(const env::Address& address) override;
  awaitable<Result<std::unique_ptr<env::Stream>>> connect(const env::Address& address, Instant deadline) override;

 private:
  PosixShard& shard_;
  env::Pool& pool_;
};

}  // namespace mq::posix
