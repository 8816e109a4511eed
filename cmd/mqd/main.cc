#include <algorithm>

#include "config/broker_config.h"
#include "daemon.h"
#include "options.h"
#include "posix/process.h"
#include "tool/run_tool.h"

namespace mq::mqd {
namespace {

std::string default_data_dir() {
  if (posix::is_root()) return "/var/lib/mqd";
  return posix::user_directory(posix::UserDirectory::state).value_or(".") + "/mqd";
}

posix::LoggerOptions logger_options(const cli::Arguments& args) {
  const std::string& level = args.text("log");
  const std::string& format = args.text("log-format");
  return {.level = level == "debug"   ? env::LogLevel::debug
                   : level == "warn"  ? env::LogLevel::warn
                   : level == "error" ? env::LogLevel::error
                                      : env::LogLevel::info,
          .format = format == "json"   ? posix::LogFormat::json
                    : format == "text" ? posix::LogFormat::text
                                       : posix::LogFormat::automatic};
}

Result<DaemonOptions> daemon_options(const cli::Arguments& args, config::Overrides& settings) {
  DaemonOptions options;
  std::string data_dir = default_data_dir();
  const bool ephemeral = args.flag("ephemeral");
  // A broker for one test takes neither place nor port from a file that is meant for the machine's own.
  if (ephemeral && !args.given("listen")) settings["listeners"] = "plain://127.0.0.1:0";
  if (ephemeral && !args.given("data")) settings.erase("log.dirs");
  if (ephemeral && !args.given("data") && !args.flag("check-config")) {
    MQ_TRY(data_dir, posix::make_temporary_directory("mqd-"));
    options.remove_data = true;
  }
  MQ_TRY(options.node, node_config(args, settings, data_dir));
  if (const auto metrics = settings.find("mq.metrics.listen"); metrics != settings.end())
    options.metrics = metrics->second;
  if (args.has("ready-fd")) options.ready_fd = static_cast<int>(args.number("ready-fd"));
  options.command.assign(args.operands().begin(), args.operands().end());
  if (!options.command.empty() && !ephemeral)
    return fail(Errc::invalid_argument, "'{}': a command to run needs --ephemeral", options.command.front());
  return options;
}

int run(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  cli::Environment around = tool::environment();
  const auto files = std::make_unique<posix::Runtime>();
  around.read_file = [&files](const std::string& path) { return env::read_whole(files->files(), path); };
  const auto args = cli::parse(tool(), words, around);
  if (!args) return tool::write_out(args.error());
  auto options = settings(*args, around);
  if (!options) return tool::write_out(args->usage_error(options.error().message));
  auto daemon = daemon_options(*args, *options);
  if (!daemon) return tool::write_out(args->usage_error(daemon.error().message));
  if (args->flag("check-config")) return 0;

  posix::raise_descriptor_limit();
  const int threads = config::resolve_broker_config(*options).value().threads;  // 0: one per core
  posix::Runtime runtime(
      {.shards = threads > 0 ? threads : posix::processor_count(), .pool_threads = 4, .log = logger_options(*args)});
  Daemon running(runtime, std::move(*daemon));
  return runtime.run([&]() -> awaitable<int> { co_return co_await running.run(); });
}

}  // namespace
}  // namespace mq::mqd

int main(int argc, char** argv) { return mq::mqd::run(argc, argv); }
