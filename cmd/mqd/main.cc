#include <algorithm>

#include "config/broker_config.h"
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

/// What file and command line ask for, now.
Result<config::Overrides> wanted_settings(const cli::Arguments& args, const Options& options,
                                          const cli::Environment& around) {
  MQ_TRY(config::Overrides wanted, settings(args, options, around));
  if (!options.ephemeral) return wanted;
  // A broker for one test takes neither place nor ports from a file that is meant for the machine's own.
  if (!args.given("listen")) wanted["listeners"] = "plain://127.0.0.1:0";
  if (!args.given("data")) wanted.erase("log.dirs");
  if (!args.given("metrics")) wanted.erase("mq.metrics.listen");
  return wanted;
}

Result<DaemonOptions> daemon_options(const Options& options, const config::Overrides& wanted,
                                     const cli::Environment& around) {
  DaemonOptions daemon = options.daemon;
  std::string data_dir = default_data_dir();
  if (options.ephemeral && !wanted.contains("log.dirs") && !options.check_config) {
    MQ_TRY(data_dir, posix::make_temporary_directory("mqd-"));
    daemon.remove_data = true;
  }
  MQ_TRY(daemon.node, node_config(options, wanted, data_dir));
  MQ_TRY(daemon.store, shared_store(wanted, around));
  if (const auto metrics = wanted.find("mq.metrics.listen"); metrics != wanted.end() && !metrics->second.empty()) {
    MQ_TRY(daemon.metrics, env::parse_listen_address(metrics->second));
  }
  return daemon;
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
  const Options options = understand(*args);
  const auto wanted = wanted_settings(*args, options, around);
  if (!wanted) return tool::write_out(args->usage_error(wanted.error().message));
  auto daemon = daemon_options(options, *wanted, around);
  if (!daemon) return tool::write_out(args->usage_error(daemon.error().message));
  if (options.check_config) return 0;

  daemon->read_settings = [&] { return wanted_settings(*args, options, around); };
  const config::BrokerConfig broker = config::resolve_broker_config(*wanted).value();
  posix::Runtime runtime({.shards = broker.threads > 0 ? broker.threads : posix::processor_count(),
                          .pool_threads = 4,
                          .log = {.level = log_level(broker.log_level), .format = options.log_format}});
  const auto passed = runtime.inherit_sockets();
  if (!passed) return tool::write_out(args->usage_error(passed.error().message));
  use_sockets(*args, *passed, daemon->node.listeners);
  Daemon running(runtime, std::move(*daemon));
  return runtime.run([&]() -> awaitable<int> { co_return co_await running.run(); });
}

}  // namespace
}  // namespace mq::mqd

int main(int argc, char** argv) { return mq::mqd::run(argc, argv); }
