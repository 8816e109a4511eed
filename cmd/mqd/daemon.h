#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/node.h"
#include "config/option.h"
#include "env/task_group.h"
#include "http/server.h"
#include "meta/store_url.h"
#include "posix/process.h"
#include "posix/runtime.h"
#include "posix/signals.h"

namespace mq::mqd {

/// Where a cluster's metadata is kept, and how to get in.
struct SharedStore {
  meta::StoreUrl url;
  std::string password;  ///< of its user; empty: none
};

struct DaemonOptions {
  broker::NodeConfig node;
  std::optional<SharedStore> store;                          ///< of the cluster that it is a member of; none: its own
  std::optional<env::Address> metrics;                       ///< of the HTTP listener; none without it
  int ready_fd = -1;                                         ///< told when clients can connect; -1: none
  std::vector<std::string> command;                          ///< run beside the broker, which ends with it; empty: none
  std::function<Result<config::Overrides>()> read_settings;  ///< what file and command line ask for now
  bool remove_data = false;                                  ///< at the end: the directory was made for this run
};

/// The process round a node: readiness, signals, a command beside it, the end.
class Daemon {
 public:
  Daemon(posix::Runtime& runtime, DaemonOptions options);

  /// From start to stop; the exit status.
  awaitable<int> run();

 private:
  awaitable<Result<void>> start();
  Result<void> serve_http();
  [[nodiscard]] http::Response readiness() const;
  awaitable<http::Response> metrics();
  void tell_ready();
  awaitable<int> wait_for_end();
  awaitable<void> watch_signals();
  [[noreturn]] void die_starting(int signal);
  void remove_data() const;
  awaitable<void> reload();
  awaitable<Result<void>> take_over(const config::Overrides& wanted);
  void tell_flush() const;
  void tell_descriptors() const;
  awaitable<void> watch_command();
  void end(int status);
  [[nodiscard]] std::string brokers() const;

  posix::Runtime& runtime_;
  DaemonOptions options_;
  env::Shard& shard_;
  const Instant begun_;
  const WallMillis started_at_;
  posix::Signals signals_;
  broker::Node node_;
  env::TaskGroup tasks_;
  env::TaskGroup command_;
  std::optional<posix::ChildProcess> child_;  ///< while it runs
  env::Event ended_;
  std::unique_ptr<http::Server> http_;
  bool started_ = false;
  bool ending_ = false;
  int status_ = 0;
};

}  // namespace mq::mqd
