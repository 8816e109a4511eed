#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "meta/store_url.h"

namespace mq::meta {

/// Real etcd servers for a test, on free ports of this machine, with their data in a directory that goes with them.
/// Throws when Debian's etcd-server is not installed: a test that cannot run has failed.
class EtcdServers {
 public:
  /// Starts as many, and does not wait for them: who asks is told when they answer.
  explicit EtcdServers(int count = 1);
  /// Kills them and removes what they had.
  ~EtcdServers();
  EtcdServers(const EtcdServers&) = delete;
  EtcdServers& operator=(const EtcdServers&) = delete;

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
    pid_t process = 0;
  };

  [[nodiscard]] std::string directory(int index) const;
  [[nodiscard]] std::vector<std::string> command(int index) const;

  std::string directory_;
  std::vector<Server> servers_;
};

}  // namespace mq::meta
