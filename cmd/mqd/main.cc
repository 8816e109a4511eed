#include <algorithm>

#include "config/broker_config.h"
#include "daemon.h"
#include "options.h"
#include "posix/memory.h"
#include "posix/process.h"
#include "tool/run_tool.h"

namespace mq::mqd {
namespace {

std::string default_data_dir() {
  if (posix::is_root()) return "/var/lib/mqd";
  return posix::user_directory(posix::UserDirectory::state).value_or(".") + "/mqd";
}

posix::LoggerOptions logger_options(const cli::Arguments& args, const std::string& level) {
  const std::string& format = args.text("log-format");
  return {.level = log_level(level),
          .format = format == "json"   ? posix::LogFormat::json
                    : format == "text" ? posix::LogFormat::text
                                       : posix::LogFormat::automatic};
}

/// What file and command line ask for, now.
Result<config::Overrides> wanted_settings(const cli::Arguments& args, const cli::Environment& around) {
  MQ_TRY(config::Overrides wanted, settings(args, around));
  if (!args.flag("ephemeral")) return wanted;
  // A broker for one test takes neither place nor ports from a file that is meant for the machine's own.
  if (!args.given("listen")) wanted["listeners"] = "plain://127.0.0.1:0";
  if (!args.given("data")) wanted.erase("log.dirs");
  if (!args.given("metrics")) wanted.erase("mq.metrics.listen");
  return wanted;
}

Result<DaemonOptions> daemon_options(const cli::Arguments& args, const config::Overrides& wanted) {
  DaemonOptions options;
  std::string data_dir = default_data_dir();
  const bool ephemeral = args.flag("ephemeral");
  if (ephemeral && !args.given("data") && !args.flag("check-config")) {
    MQ_TRY(data_dir, posix::make_temporary_directory("mqd-"));
    options.remove_data = true;
  }
  MQ_TRY(options.node, node_config(args, wanted, data_dir));
  if (const auto metrics = wanted.find("mq.metrics.listen"); metrics != wanted.end() && !metrics->second.empty()) {
    MQ_TRY(options.metrics, env::parse_listen_address(metrics->second));
  }
  if (args.has("ready-fd")) options.ready_fd = static_cast<int>(args.number("ready-fd"));
  options.command.assign(args.operands().begin(), args.operands().end());
  if (!options.command.empty() && !ephemeral)
    return fail(Errc::invalid_argument, "'{}': a command to run needs --ephemeral", options.command.front());
  return options;
}

/// Sockets that a service manager opened stand in for the listeners of the file, and beside those of the command line.
void use_sockets(const cli::Arguments& args, const std::vector<env::Address>& sockets,
                 std::vector<broker::ListenerConfig>& listeners) {
  if (sockets.empty()) return;
  std::vector<broker::ListenerConfig> passed;
  for (const env::Address& address : sockets) {
    // What clients are told stays as it was set for the first listener.
    passed.push_back(listeners.front());
    passed.back().address = address;
  }
  if (args.given("listen")) passed.insert(passed.end(), listeners.begin(), listeners.end());
  listeners = std::move(passed);
}

int run(int argc, char** argv) {
  posix::open_missing_standard_streams();
  posix::return_large_blocks_at_once();
  const std::vector<std::string> words(argv + 1, argv + argc);
  cli::Environment around = tool::environment();
  const auto files = std::make_unique<posix::Runtime>();
  around.read_file = [&files](const std::string& path) { return tool::read_config(files->files(), path); };
  const auto args = cli::parse(tool(), words, around);
  if (!args) return tool::write_out(args.error());
  const auto wanted = wanted_settings(*args, around);
  if (!wanted) return tool::write_out(args->usage_error(wanted.error().message));
  auto daemon = daemon_options(*args, *wanted);
  if (!daemon) return tool::write_out(args->usage_error(daemon.error().message));
  if (args->flag("check-config")) return 0;

  daemon->read_settings = [&] { return wanted_settings(*args, around); };
  const config::BrokerConfig broker = config::resolve_broker_config(*wanted).value();
  posix::Runtime runtime({.shards = broker.threads > 0 ? broker.threads : posix::processor_count(),
                          .pool_threads = 4,
                          .log = logger_options(*args, broker.log_level)});
  const auto passed = runtime.inherit_sockets();
  if (!passed) return tool::write_out(args->usage_error(passed.error().message));
  use_sockets(*args, *passed, daemon->node.listeners);
  Daemon running(runtime, std::move(*daemon));
  return runtime.run([&]() -> awaitable<int> { co_return co_await running.run(); });
}

}  // namespace
}  // namespace mq::mqd

int main(int argc, char** argv) { return mq::mqd::run(argc, argv); }
