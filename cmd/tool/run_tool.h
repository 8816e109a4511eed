#pragma once

#include <functional>
#include <memory>
#include <string>

#include "cli/arguments.h"
#include "cli/exit_code.h"
#include "cli/units.h"
#include "client/options.h"
#include "env/async.h"
#include "env/files.h"
#include "posix/runtime.h"

namespace mq::tool {

/// What a tool does between its command line and its exit status. On the runtime's only shard.
class Job {
 public:
  virtual ~Job() = default;
  virtual awaitable<cli::ExitCode> run() = 0;
  /// The first Ctrl-C, SIGTERM or SIGHUP: end well, soon; `as` is the exit status then. A second one ends the process.
  virtual void stop(cli::ExitCode as) = 0;
  /// One line with its end, for SIGUSR1 and --progress.
  [[nodiscard]] virtual std::string progress() const = 0;
  /// False: something else is to be seen on the terminal. Asked before each line of progress; false at the start stays
  /// so.
  [[nodiscard]] virtual bool shows_progress() const { return false; }
  /// What a second signal leaves undone: one line with its end, or nothing.
  [[nodiscard]] virtual std::string left_undone() const { return {}; }
};

/// What a job is made from; all of it outlives the job.
struct Context {
  posix::Runtime& runtime;
  const cli::Arguments& args;
  cli::Environment environment;
  client::ClientOptions client;  ///< what -b, --client-id and the timeouts say
};

using MakeJob = std::function<std::expected<std::unique_ptr<Job>, cli::Ending>(Context& context)>;

/// The `main` of a tool: reads the command line, answers help, makes the job and runs it under signals.
/// Returns the exit status.
[[nodiscard]] int run_tool(const cli::ToolRow& tool, int argc, char** argv, const MakeJob& make_job);

/// Ends the process at once: what is in progress is left where it is, nothing is destroyed below it.
[[noreturn]] void end_now(cli::ExitCode code);

/// What a tool finds around itself.
[[nodiscard]] cli::Environment environment();

/// The text of a configuration file. not_found: there is none, or a directory on the way to it may not be looked into,
/// as another user's home; the message says which. refused: it is there and may not be read.
[[nodiscard]] Result<std::string> read_config(env::Files& files, const std::string& path);

/// Writes both texts and returns the status; `some_failed` when standard output does not take its text.
int write_out(const cli::Ending& ending);

}  // namespace mq::tool
