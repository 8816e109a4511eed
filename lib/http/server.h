#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "env/async.h"
#include "env/network.h"
#include "env/shard.h"
#include "env/task_group.h"

namespace mq::http {

struct Response {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
};

/// Answers GET (and, without the body, HEAD) of one path. `handler` runs on the server's shard.
struct Route {
  std::string path;  ///< exactly; a query in the request is ignored
  std::function<awaitable<Response>()> handler;
};

/// A small HTTP/1.1 server for what operators and their tools ask: metrics, health. Keep-alive; no request bodies, no
/// TLS.
///
/// Everything runs on one shard, which must outlive it. A peer cannot make it grow: kConnectionsMax connections, one
/// request at a time each, kHeaderBytesMax for its header, kPatience for a request and its answer.
class Server {
 public:
  static constexpr std::size_t kConnectionsMax = 64;
  static constexpr std::size_t kHeaderBytesMax = 8 << 10;
  static constexpr Duration kPatience = 10s;

  Server(env::Shard& shard, std::unique_ptr<env::Listener> listener, std::vector<Route> routes);
  /// Never started, or `stop` has returned.
  ~Server();

  /// Begins to accept.
  void start();
  /// Stops accepting, closes idle connections, lets answers in progress go out (kPatience at most, and as long as a
  /// handler takes) and returns when all is closed. Once.
  awaitable<void> stop();
  [[nodiscard]] env::Address local_address() const { return listener_->local_address(); }

 private:
  class Connection;

  awaitable<void> accept();
  awaitable<void> serve(std::shared_ptr<Connection> connection);

  env::Shard& shard_;
  const std::unique_ptr<env::Listener> listener_;
  const std::vector<Route> routes_;
  std::vector<Connection*> connections_;
  const std::unique_ptr<env::Timer> pause_;
  bool stopping_ = false;
  env::TaskGroup tasks_;
};

}  // namespace mq::http
