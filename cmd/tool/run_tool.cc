#include "run_tool.h"

#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>
#include <vector>

#include "cli/terminal.h"
#include "env/files.h"
#include "env/task_group.h"
#include "posix/process.h"
#include "posix/signals.h"
#include "posix/stdio.h"
#include "tool/error_stream.h"

extern char** environ;

namespace mq::tool {
namespace {

cli::ExitCode ending_of(int signal) {
  switch (signal) {
    case SIGHUP:
      return cli::ExitCode::hung_up;
    case SIGTERM:
      return cli::ExitCode::terminated;
    default:
      return cli::ExitCode::interrupted;
  }
}

constexpr Duration kProgressEvery = 250ms;

/// First signal: stop well. Second: stop now.
awaitable<void> watch_signals(posix::Signals& signals, Job& job) {
  bool stopping = false;
  while (true) {
    const auto signal = co_await signals.next();
    if (!signal) co_return;
    if (*signal == SIGUSR1) {
      tell(job.progress());
    } else if (stopping) {
      tell(job.left_undone());
      end_now(ending_of(*signal));
    } else {
      stopping = true;
      job.stop(ending_of(*signal));
    }
  }
}

/// Until `is_over`; `timer` is cancelled then, which finds no wait when one has just ended.
awaitable<void> watch_progress(env::Shard& shard, env::Timer& timer, cli::ProgressLine line, const Job& job,
                               const bool& is_over) {
  while (co_await timer.wait_until(shard.now() + kProgressEvery) && !is_over) {
    if (!job.shows_progress() || !line.due(shard.now())) continue;
    std::string text = job.progress();
    if (text.ends_with('\n')) text.pop_back();
    show_progress(line.update(text, shard.now()));
  }
  erase_progress();
}

void tell_notice(const cli::Arguments& args, const client::Notice& notice) {
  const bool is_detail = notice.kind == client::Notice::Kind::detail;
  if (!is_detail || args.count("verbose") >= 2) tell(cli::notice(args, notice.text));
}

client::ClientOptions client_options(const cli::Arguments& args) {
  client::ClientOptions options;
  args.fill(options);
  options.notice = [&args](const client::Notice& notice) { tell_notice(args, notice); };
  return options;
}

}  // namespace

void end_now(cli::ExitCode code) {
  posix::flush_error();
  std::_Exit(cli::to_status(code));
}

cli::Environment environment() {
  cli::Environment found;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view text(*variable);
    const auto equals = text.find('=');
    if (equals != std::string_view::npos) found.variables.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  char host[256] = "localhost";
  (void)::gethostname(host, sizeof host - 1);
  found.host = host;
  found.process_id = posix::process_id();
  found.stdout_is_terminal = posix::is_terminal(posix::StandardStream::output);
  found.stderr_is_terminal = posix::is_terminal(posix::StandardStream::error);
  return found;
}

Result<std::string> read_config(env::Files& files, const std::string& path) {
  auto text = env::read_whole(files, path);
  if (!text && text.error().code == Errc::refused && !files.exists(path)) text.error().code = Errc::not_found;
  return text;
}

int write_out(const cli::Ending& ending) {
  tell(ending.err);
  const bool is_written = std::fwrite(ending.out.data(), 1, ending.out.size(), stdout) == ending.out.size();
  if (is_written && std::fflush(stdout) == 0) return cli::to_status(ending.code);
  if (errno == EPIPE) return cli::to_status(cli::ExitCode::broken_pipe);
  tell(fmt::format("standard output: cannot write: {}\n", std::strerror(errno)));
  return cli::to_status(cli::ExitCode::some_failed);
}

int run_tool(const cli::ToolRow& tool, int argc, char** argv, const MakeJob& make_job) {
  posix::open_missing_standard_streams();
  const std::vector<std::string> words(argv + 1, argv + argc);
  // Warnings and errors of the parts below a tool are told by the tool itself.
  posix::Runtime runtime({.shards = 1, .pool_threads = 1, .log = {.level = env::LogLevel::error}});
  cli::Environment around = environment();
  const cli::TimeContext now{.now = runtime.clock().wall_now(), .zone = runtime.time_zone()};
  around.now = &now;
  around.read_file = [&runtime](const std::string& path) { return read_config(runtime.files(), path); };
  const auto args = cli::parse(tool, words, around);
  if (!args) return write_out(args.error());
  Context context{.runtime = runtime, .args = *args, .environment = std::move(around), .client = {}};
  if (tool.connects) context.client = client_options(*args);
  auto job = make_job(context);
  if (!job) return write_out(job.error());

  return runtime.run([&]() -> awaitable<int> {
    // nohup has us ignore SIGHUP; else a terminal that closes is a reason to end well.
    posix::Signals signals = posix::is_ignored(SIGHUP)
                                 ? posix::Signals(runtime.shard(0), {SIGINT, SIGTERM, SIGUSR1})
                                 : posix::Signals(runtime.shard(0), {SIGINT, SIGTERM, SIGHUP, SIGUSR1});
    env::TaskGroup watching(runtime.shard(0));
    watching.spawn(watch_signals(signals, **job));
    const auto progress_timer = runtime.shard(0).make_timer();
    bool is_over = false;
    if ((*job)->shows_progress())
      watching.spawn(watch_progress(runtime.shard(0), *progress_timer,
                                    cli::ProgressLine(*args, context.environment, runtime.shard(0).now()), **job,
                                    is_over));
    const cli::ExitCode code = co_await (*job)->run();
    is_over = true;
    signals.close();
    progress_timer->cancel();
    co_await watching.join();
    co_return cli::to_status(code);
  });
}

}  // namespace mq::tool
