#include "daemon.h"

#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <utility>

#include "base/version.h"
#include "broker/metrics_text.h"
#include "broker/shard_broker.h"
#include "cli/exit_code.h"
#include "config/broker_config.h"
#include "config/reload.h"
#include "meta/etcd/etcd_store.h"
#include "meta/sqlite/sqlite_store.h"
#include "meta/zookeeper/zookeeper_store.h"
#include "options.h"
#include "posix/memory.h"
#include "posix/process.h"
#include "posix/process_deadline.h"
#include "posix/process_usage.h"
#include "posix/stdio.h"

namespace mq::mqd {
namespace {

// A stop that takes longer than this (a disk that does not answer) ends without the clean marker.
constexpr Duration kStopPatience = 60s;
constexpr Duration kLogPatience = 100ms;

/// Who starts us again must not do so after a mistake in the settings or damage, or where directory, id and cluster do
/// not belong together: these need a person.
cli::ExitCode exit_code_of_start(const Error& error, bool has_directory, bool is_member) {
  const cli::ExitCode code = cli::exit_code_of(error);
  switch (code) {
    case cli::ExitCode::usage:
    case cli::ExitCode::damaged:
      return code;
    case cli::ExitCode::unreachable:
      return is_member ? code : cli::ExitCode::some_failed;
    case cli::ExitCode::precondition:  // before that another process may have it, which is about to stop
      return has_directory && error.code == Errc::refused ? code : cli::ExitCode::some_failed;
    default:
      return cli::ExitCode::some_failed;
  }
}

meta::StoreSource store_of(posix::Runtime& runtime, const std::optional<SharedStore>& shared) {
  if (!shared) return meta::sqlite_source(runtime.files(), runtime.metadata_pool(), runtime.random(), runtime.logger());
  switch (shared->url.service) {
    case meta::StoreService::etcd:
      return meta::etcd_source(runtime.logger(), {.url = shared->url, .password = shared->password});
    case meta::StoreService::zookeeper:
      return meta::zookeeper_source(runtime.pool(), runtime.random(), runtime.logger(),
                                    {.url = shared->url, .password = shared->password});
  }
  std::unreachable();
}

broker::NodeEnv machine_of(posix::Runtime& runtime, const DaemonOptions& options) {
  return {.shards = runtime.shards(),
          .files = runtime.files(),
          .disk_pool = runtime.pool(),
          .metadata_pool = runtime.metadata_pool(),
          .random = runtime.random(),
          .logger = runtime.logger(),
          .store = store_of(runtime, options.store),
          .store_alone = options.store ? store_of(runtime, std::nullopt) : meta::StoreSource{},
          .descriptors_max = posix::raise_descriptor_limit(),
          .return_memory = posix::return_free_memory,
          .set_log_level = [&runtime](std::string_view level) { runtime.logger().set_level(log_level(level)); },
          // Whoever waits for the start would end it.
          .tell_waiting = [] { (void)posix::notify_service_manager("READY=1\nSTATUS=waits for its metadata store"); }};
}

}  // namespace

Daemon::Daemon(posix::Runtime& runtime, DaemonOptions options)
    : runtime_(runtime),
      options_(std::move(options)),
      shard_(runtime.shard(0)),
      begun_(runtime.clock().now()),
      started_at_(runtime.clock().wall_now()),
      signals_(shard_),
      node_(machine_of(runtime, options_), options_.node),
      tasks_(shard_),
      command_(shard_),
      ended_(shard_) {}

awaitable<int> Daemon::run() {
  tasks_.spawn(watch_signals());
  if (auto started = co_await start(); !started) {
    const bool is_full = started.error().code == Errc::disk_full;
    runtime_.logger().error("{}{}", started.error().message,
                            is_full ? "; this start needs some room: make it, and start mqd again" : "");
    status_ = cli::to_status(exit_code_of_start(started.error(), node_.has_log_dir(), options_.store.has_value()));
  } else {
    tell_ready();
    if (!options_.command.empty()) command_.spawn(watch_command());
    while (!ending_) co_await ended_.wait();
    runtime_.logger().info("stopping");
  }
  (void)posix::notify_service_manager("STOPPING=1");
  std::optional<posix::ProcessDeadline> deadline(
      std::in_place, kStopPatience, 1,
      "mqd: the stop took longer than 60 s; ending now, the next start will check the logs\n");
  const bool clean = co_await node_.stop();
  // Whoever waits for the end has to know that the next start checks the logs.
  if (started_ && !clean && status_ == 0 && !options_.remove_data) status_ = 1;
  if (http_) co_await http_->stop();
  if (started_) runtime_.logger().info("stopped");
  deadline.reset();
  // Until it has ended, however long that takes, a second signal ends us at once.
  co_await command_.join();
  signals_.close();
  co_await tasks_.join();
  remove_data();
  co_return status_;
}

awaitable<Result<void>> Daemon::start() {
  // Health is told from the beginning: recovery may take a while, and somebody may be waiting for it to end.
  MQ_CO_CHECK(serve_http());
  MQ_CO_CHECK(co_await node_.start());
  started_ = true;
  co_return Result<void>{};
}

Result<void> Daemon::serve_http() {
  if (!options_.metrics) return {};
  MQ_TRY(auto listener, shard_.network().listen(*options_.metrics));
  std::vector<http::Route> routes;
  // Alive is whoever answers; ready is who can acknowledge.
  routes.push_back({"/healthz", []() -> awaitable<http::Response> { co_return http::Response{.body = "ok\n"}; }});
  routes.push_back({"/readyz", [this]() -> awaitable<http::Response> { co_return readiness(); }});
  routes.push_back({"/metrics", [this]() -> awaitable<http::Response> { return metrics(); }});
  http_ = std::make_unique<http::Server>(shard_, std::move(listener), std::move(routes));
  http_->start();
  return {};
}

http::Response Daemon::readiness() const {
  const auto not_ready = [](std::string why) { return http::Response{.status = 503, .body = std::move(why)}; };
  if (ending_) return not_ready("stopping\n");
  if (const auto why = node_.why_held(); why && !started_)
    return not_ready(fmt::format("held: {}; mqctl cluster accept-store has the brokers go on with it\n", *why));
  if (!started_) return not_ready("starting: the logs are being opened\n");
  if (node_.is_offline()) return not_ready("the data directory is offline\n");
  std::string text = "ready";
  if (node_.disk_space().is_full()) text += ", but the disk is full: producing fails until space is free";
  // One bad place is no reason to take all others from the clients.
  if (const auto failed = node_.disk_health().failed_reads(); failed.count > 0)
    text += fmt::format(", but {} read{} of the data directory failed; the last: {}", failed.count,
                        failed.count == 1 ? "" : "s", failed.last);
  return {.body = text + "\n"};
}

awaitable<http::Response> Daemon::metrics() {
  // Off the shard: with many descriptors it takes a while to count them.
  const auto usage = co_await runtime_.pool().run(shard_, [] { return posix::process_usage(); });
  std::string text =
      co_await broker::metrics_text(node_.services(), {.started_at = started_at_,
                                                       .cpu = usage.cpu,
                                                       .resident_bytes = usage.resident_bytes,
                                                       .open_descriptors = usage.open_descriptors,
                                                       .descriptors_max = usage.descriptors_max,
                                                       .log_lines_dropped = runtime_.logger().dropped()});
  co_return http::Response{.content_type = "text/plain; version=0.0.4; charset=utf-8", .body = std::move(text)};
}

std::string Daemon::brokers() const {
  env::Address first = node_.listeners().front()->address;
  if (first.is_wildcard()) first.host = "127.0.0.1";  // whoever asks is on this machine
  return first.to_string();
}

void Daemon::tell_ready() {
  const auto image = node_.first_shard().image();
  runtime_.logger().info("mq {}: node {} of cluster {}, {} threads, {} topics with {} partitions; ready after {} ms",
                         kVersion, node_.id().value(), node_.cluster_id().to_string(), runtime_.shards().size(),
                         image->topics().size(), image->partition_count(), (runtime_.clock().now() - begun_) / 1ms);
  for (const auto& listener : node_.listeners()) {
    std::string told;
    if (const broker::ListenerConfig& config = listener->config; !config.advertised_host.empty()) {
      const std::uint16_t port = config.advertised_port != 0 ? config.advertised_port : listener->address.port;
      const env::Address address{.host = config.advertised_host, .port = port, .path = {}};
      told = "; clients are told to connect to " + address.to_string();
    }
    runtime_.logger().info("listening on {}{}", listener->address.to_string(), told);
  }
  if (http_) {
    const env::Address at = http_->local_address();
    runtime_.logger().info("metrics and health are at {}{}", at.is_unix() ? "" : "http://", at.to_string());
  }
  tell_flush();
  tell_descriptors();
  runtime_.logger().flush(kLogPatience);  // whoever waits for us finds it said
  (void)posix::notify_service_manager("READY=1");
  if (options_.ready_fd < 0) return;
  const std::string line = "MQ_BROKERS=" + brokers() + "\n";
  if (::write(options_.ready_fd, line.data(), line.size()) < 0)
    runtime_.logger().warn("--ready-fd {}: nobody reads it", options_.ready_fd);
  ::close(options_.ready_fd);
}

void Daemon::tell_flush() const {
  const config::Overrides& defaults = node_.config().topic_defaults;
  const auto flush = defaults.find("mq.flush");
  const bool on_ack = flush == defaults.end() || flush->second == "ack";
  runtime_.logger().info(
      "data is in {}; {}", node_.config().data_dir,
      on_ack ? "an acks=all answer means that the record is on disk (mq.flush=ack)"
             : "an acks=all answer means that the record is in memory, which a power cut loses (mq.flush=async)");
}

void Daemon::tell_descriptors() const {
  const broker::DescriptorShares shares = node_.descriptors();
  if (shares.connections >= node_.config().connections_max) return;
  runtime_.logger().warn(
      "the limit of open files is {}: at most {} connections, less than max.connections = {}, and {} open files of "
      "logs; raise it (LimitNOFILE= or ulimit -n) where more are meant",
      node_.machine().descriptors_max, shares.connections, node_.config().connections_max,
      shares.files_of_shard * node_.shards().size());
}

awaitable<void> Daemon::reload() {
  if (!started_ || ending_) {
    runtime_.logger().warn("SIGHUP: not while mqd starts or stops; nothing was read");
    co_return;
  }
  const auto monotonic_us = std::chrono::duration_cast<std::chrono::microseconds>(shard_.now().since_start()).count();
  (void)posix::notify_service_manager(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", monotonic_us));
  auto wanted = options_.read_settings();
  auto done = wanted ? co_await take_over(*wanted) : Result<void>(std::unexpected(wanted.error()));
  if (!done) runtime_.logger().error("SIGHUP: {}; nothing was changed", done.error().message);
  node_.first_shard().metrics().counter(broker::Metric::config_reloads, done ? 1 : 0).add();
  (void)posix::notify_service_manager("READY=1");
}

awaitable<Result<void>> Daemon::take_over(const config::Overrides& wanted) {
  MQ_CO_TRY(const config::Reload reload, config::plan_reload(node_.config().broker_options, wanted));
  broker::NodeConfig config = node_.config();
  MQ_CO_CHECK(broker::apply_options(reload.options, config));
  co_await node_.reconfigure(std::move(config));
  if (!reload.left.empty())
    runtime_.logger().warn("SIGHUP: only a restart takes over {}", fmt::join(reload.left, ", "));
  if (reload.taken.empty()) {
    runtime_.logger().info("SIGHUP: nothing changed");
  } else {
    runtime_.logger().info("SIGHUP: took over {}", fmt::join(reload.taken, ", "));
    if (std::ranges::find(reload.taken, "mq.flush") != reload.taken.end()) tell_flush();
  }
  co_return Result<void>{};
}

awaitable<void> Daemon::watch_signals() {
  while (true) {
    const auto signal = co_await signals_.next();
    if (!signal) co_return;
    if (*signal == SIGHUP) {
      co_await reload();
    } else if (*signal == SIGUSR1) {
      const auto image = node_.first_shard().image();
      runtime_.logger().info("{} connections, {} topics, {} partitions", node_.connection_count(),
                             image->topics().size(), image->partition_count());
    } else if (ending_) {
      runtime_.logger().flush(kLogPatience);
      std::_Exit(128 + *signal);
    } else if (!started_) {
      die_starting(*signal);
    } else {
      end(0);
    }
  }
}

/// Recovery may take minutes, or wait for a disk that does not answer. Nothing of it is owed to anybody: the next start
/// does again what this one has not finished, as after any other end of the process.
void Daemon::die_starting(int signal) {
  runtime_.logger().warn("ended by a signal before the start was done; the next start checks the logs");
  (void)posix::notify_service_manager("STOPPING=1");
  remove_data();
  posix::die_of(signal);
}

void Daemon::remove_data() const {
  if (!options_.remove_data) return;
  std::error_code ignored;
  std::filesystem::remove_all(options_.node.data_dir, ignored);
}

awaitable<void> Daemon::watch_command() {
  if (ending_) co_return;
  auto child = posix::ChildProcess::start(shard_, options_.command, {{"MQ_BROKERS", brokers()}});
  if (!child) {
    runtime_.logger().error("{}: {}", options_.command.front(), child.error().message);
    co_return end(127);
  }
  child_.emplace(*std::move(child));
  const auto status = co_await child_->wait();
  child_.reset();
  end(status ? *status : 1);
}

void Daemon::end(int status) {
  if (ending_) return;
  ending_ = true;
  status_ = status;
  // It has no broker from now on.
  if (child_) child_->send_signal(SIGTERM);
  ended_.notify_all();
}

}  // namespace mq::mqd
