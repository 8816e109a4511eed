#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "meta/server_process.h"
#include "meta/zookeeper/zookeeper_store.h"
#include "posix/temporary_directory.h"

namespace mq::meta {

/// A real ZooKeeper of one server: Debian's packages `zookeeper` and a Java runtime, on a free port of this machine,
/// with a directory of its own that goes with it. A test that needs one fails where these are not installed.
class ZooKeeperServer {
 public:
  /// Starts it and waits until it answers. Aborts the test program when it does not.
  ZooKeeperServer();

  /// The one that all tests of this program share; each has a prefix of its own. It ends with the program.
  static ZooKeeperServer& shared();

  [[nodiscard]] std::uint16_t port() const { return port_; }
  void kill();   ///< as if it had crashed
  void start();  ///< after `kill`; returns once it answers
  void freeze();
  void thaw();
  /// What it keeps, as a copy of its disk would be; and back to that. Not while it runs.
  void save_disk();
  void restore_disk();

  /// A place in it below `prefix`, reached at `port`: its own, or that of a Relay before it.
  [[nodiscard]] ZooKeeperPlace place(std::string prefix) const { return place(std::move(prefix), port_); }
  [[nodiscard]] static ZooKeeperPlace place(std::string prefix, std::uint16_t port);
  /// A prefix that no other test has.
  [[nodiscard]] static std::string fresh_prefix();

 private:
  [[nodiscard]] bool answers() const;

  posix::TemporaryDirectory directory_;  // it goes after who writes in it
  std::uint16_t port_ = 0;
  ServerProcess process_;
};

/// A way to a server that can be blocked: connections to its port are connections to the server.
class Relay {
 public:
  explicit Relay(std::uint16_t server);
  ~Relay();
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }
  void hold_requests(bool hold);  ///< nothing more reaches the server, new connections neither
  void hold_answers(bool hold);   ///< nothing more comes back from it
  void cut();                     ///< every connection, with what was held

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
  std::uint16_t port_ = 0;
};

}  // namespace mq::meta
