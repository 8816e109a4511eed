#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "meta/server_process.h"
#include "meta/store_url.h"
#include "posix/temporary_directory.h"

namespace mq::meta {

/// Real etcd servers for a test, on free ports of this machine, with their data in a directory that goes with them.
/// Throws when Debian's etcd-server is not installed: a test that cannot run has failed.
class EtcdServers {
 public:
  /// Starts as many, and does not wait for them: who asks is told when they answer.
  explicit EtcdServers(int count = 1);
  /// All of them, in their order.
  [[nodiscard]] StoreUrl url() const;
  [[nodiscard]] env::Address address(int index) const;

  void start(int index);
  /// kill -9.
  void kill(int index);
  /// SIGSTOP: it keeps its connections and does nothing.
  void stop(int index);
  /// SIGCONT.
  void go_on(int index);
  /// Puts the data directory of a server that was killed aside, or what was put aside in its place.
  void keep_copy(int index);
  void put_copy_back(int index);

 private:
  struct Server {
    std::uint16_t client_port = 0;
    std::uint16_t peer_port = 0;
    ServerProcess process;
  };

  [[nodiscard]] std::string directory(int index) const;
  [[nodiscard]] std::vector<std::string> command(int index) const;

  [[nodiscard]] ServerProcess& process(int index) { return servers_.at(static_cast<std::size_t>(index)).process; }

  posix::TemporaryDirectory directory_;  // it goes after those who write in it
  std::vector<Server> servers_;
};

}  // namespace mq::meta
