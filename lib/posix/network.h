#pragma once

#include <utility>
#include <vector>

#include "env/network.h"
#include "env/pool.h"
#include "posix/inherited_socket.h"

namespace mq::posix {

class PosixShard;

/// TCP and unix sockets of one shard. Names are resolved on the pool, literal addresses at once.
class PosixNetwork final : public env::Network {
 public:
  /// Both must outlive it and what it makes.
  PosixNetwork(PosixShard& shard, env::Pool& pool) : shard_(shard), pool_(pool) {}

  /// On a socket that was given to `keep`, when the address is its, else on a new one.
  [[nodiscard]] Result<std::unique_ptr<env::Listener>> listen(const env::Address& address) override;
  awaitable<Result<std::unique_ptr<env::Stream>>> connect(const env::Address& address, Instant deadline) override;
  awaitable<bool> refuses(const env::Address& address, Instant deadline) override;
  /// For the next `listen` on its address.
  void keep(InheritedSocket socket) { inherited_.push_back(std::move(socket)); }

 private:
  PosixShard& shard_;
  env::Pool& pool_;
  std::vector<InheritedSocket> inherited_;
};

}  // namespace mq::posix
