#include "daemon.h"

#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "broker/shard_broker.h"
#include "options.h"
#include "posix/process.h"
#include "posix/stdio.h"

namespace mq::mqd {
namespace {

// A stop that takes longer than this (a disk that does not answer) ends without the clean marker.
constexpr Duration kStopPatience = 60s;

broker::NodeEnv machine_of(posix::Runtime& runtime) {
  return {.shards = runtime.shards(),
          .files = runtime.files(),
          .disk_pool = runtime.pool(),
          .metadata_pool = runtime.pool(),
          .random = runtime.random(),
          .logger = runtime.logger()};
}

}  // namespace

Daemon::Daemon(posix::Runtime& runtime, DaemonOptions options)
    : runtime_(runtime),
      options_(std::move(options)),
      shard_(runtime.shard(0)),
      signals_(shard_),
      node_(machine_of(runtime), options_.node),
      tasks_(shard_),
      ended_(shard_),
      patience_(shard_.make_timer()) {}

awaitable<int> Daemon::run() {
  tasks_.spawn(watch_signals());
  if (auto started = co_await start(); !started) {
    runtime_.logger().error("{}", started.error().message);
    status_ = started.error().code == Errc::invalid_argument ? 2 : 1;
  } else {
    tell_ready();
    if (!options_.command.empty()) tasks_.spawn(watch_command());
    while (!ending_) co_await ended_.wait();
    runtime_.logger().info("stopping");
  }
  (void)posix::notify_service_manager("STOPPING=1");
  tasks_.spawn(force_end());
  if (http_) co_await http_->stop();
  co_await node_.stop();
  patience_->cancel();
  signals_.close();
  co_await tasks_.join();
  if (options_.remove_data) {
    std::error_code ignored;
    std::filesystem::remove_all(options_.node.data_dir, ignored);
  }
  co_return status_;
}

awaitable<Result<void>> Daemon::start() {
  MQ_CO_CHECK(co_await node_.start());
  co_return serve_http();
}

Result<void> Daemon::serve_http() {
  if (options_.metrics.empty()) return {};
  MQ_TRY(const broker::ListenerConfig where, parse_listener(options_.metrics));
  MQ_TRY(auto listener, shard_.network().listen(where.address));
  const auto text = [](std::string body, int status = 200) {
    return http::Response{.status = status, .body = std::move(body)};
  };
  std::vector<http::Route> routes;
  // Alive is whoever answers; ready is who can acknowledge.
  routes.push_back({"/healthz", [text]() -> awaitable<http::Response> { co_return text("ok\n"); }});
  routes.push_back({"/readyz", [this, text]() -> awaitable<http::Response> {
                      co_return node_.is_offline() ? text("the data directory is offline\n", 503) : text("ready\n");
                    }});
  http_ = std::make_unique<http::Server>(shard_, std::move(listener), std::move(routes));
  http_->start();
  return {};
}

std::string Daemon::brokers() const {
  const broker::BoundListener& first = *node_.listeners().front();
  return first.address.to_string();
}

void Daemon::tell_ready() {
  for (const auto& listener : node_.listeners())
    runtime_.logger().info("listening on {}", listener->address.to_string());
  const auto flush = options_.node.topic_defaults.find("mq.flush");
  const bool on_ack = flush == options_.node.topic_defaults.end() || flush->second == "ack";
  runtime_.logger().info(
      "data is in {}; {}", options_.node.data_dir,
      on_ack ? "an acks=all answer means that the record is on disk (mq.flush=ack)"
             : "an acks=all answer means that the record is in memory, which a power cut loses (mq.flush=async)");
  (void)posix::notify_service_manager("READY=1");
  if (options_.ready_fd < 0) return;
  const std::string line = "MQ_BROKERS=" + brokers() + "\n";
  if (::write(options_.ready_fd, line.data(), line.size()) < 0)
    runtime_.logger().warn("--ready-fd {}: nobody reads it", options_.ready_fd);
  ::close(options_.ready_fd);
}

awaitable<void> Daemon::watch_signals() {
  while (true) {
    const auto signal = co_await signals_.next();
    if (!signal) co_return;
    if (*signal == SIGHUP) {
      runtime_.logger().info(
          "SIGHUP: the log goes to standard error and the settings of a broker are read when it starts; nothing to do");
    } else if (*signal == SIGUSR1) {
      const auto image = node_.first_shard().image();
      runtime_.logger().info("{} connections, {} topics, {} partitions", node_.connection_count(),
                             image->topics().size(), image->partition_count());
    } else if (ending_) {
      std::_Exit(128 + *signal);
    } else {
      end(0);
    }
  }
}

awaitable<void> Daemon::watch_command() {
  auto child = posix::ChildProcess::start(shard_, options_.command, {{"MQ_BROKERS", brokers()}});
  if (!child) {
    runtime_.logger().error("{}: {}", options_.command.front(), child.error().message);
    co_return end(127);
  }
  const auto status = co_await child->wait();
  end(status ? *status : 1);
}

awaitable<void> Daemon::force_end() {
  if (!co_await patience_->wait_until(shard_.now() + kStopPatience)) co_return;
  runtime_.logger().error("the stop took longer than 60 s; ending now, the next start will check the logs");
  std::_Exit(1);
}

void Daemon::end(int status) {
  if (ending_) return;
  ending_ = true;
  status_ = status;
  ended_.notify_all();
}

}  // namespace mq::mqd
