#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "cli/arguments.h"
#include "cli/exit_code.h"
#include "cli/table.h"
#include "cli/terminal.h"
#include "cli/units.h"
#include "env/async.h"
#include "env/files.h"
#include "env/shard.h"
#include "posix/stdio.h"
#include "tool/run_tool.h"

namespace mq::mqctl {

/// How a command prints its table.
struct TableOptions {
  std::string format;  ///< empty: as it is best read
  bool no_header = false;
};

/// How far a command that changes something goes.
struct ChangeOptions {
  bool dry_run = false;
  bool yes = false;
};

/// What every command has: its words, where its results and errors go, and the exit code as it worsens on the way.
/// Lives on one shard.
class Console {
 public:
  explicit Console(tool::Context& context)
      : context_(context),
        colour_(cli::use_colour(context.args, context.environment)),
        out_(posix::Output::standard(context.runtime.shard(0))) {}

  [[nodiscard]] const cli::Arguments& args() const { return context_.args; }
  /// What the rows of the command put into such a struct.
  template <class Options>
  [[nodiscard]] Options options() const {
    Options options;
    args().fill(options);
    return options;
  }
  [[nodiscard]] bool stdout_is_terminal() const { return context_.environment.stdout_is_terminal; }
  [[nodiscard]] env::Files& files() const { return context_.runtime.files(); }
  [[nodiscard]] env::Shard& shard() const { return context_.runtime.shard(0); }
  [[nodiscard]] WallMillis wall_now() const { return context_.runtime.clock().wall_now(); }

  /// To standard output. `closed` when nobody reads any more; then `status` is broken_pipe and no complaint is due.
  awaitable<Result<void>> write(BytesView bytes);
  /// A table in the format of -o; the command's row has kOutputRows.
  [[nodiscard]] cli::TableWriter table(std::span<const cli::ColumnRow> columns) const;
  /// Writes what `table` still holds.
  awaitable<Result<void>> finish(cli::TableWriter& table) { return write_owned(table.finish()); }
  /// Writes what `table` can give now.
  awaitable<Result<void>> flush(cli::TableWriter& table) { return write_owned(table.take()); }

  /// To standard error; --quiet silences it.
  void notice(std::string_view text);
  /// Says what went wrong with one item and worsens the exit code by it; the command goes on with the next.
  void complain(const Error& error) { complain(error, cli::exit_code_of(error)); }
  void complain(const Error& error, cli::ExitCode code);
  /// The next two of commands with kChangeRows.
  [[nodiscard]] bool is_dry_run() const { return options<ChangeOptions>().dry_run; }
  /// Of a command that destroys something: without consent it only says what it would do.
  [[nodiscard]] bool has_consent() const { return options<ChangeOptions>().yes && !is_dry_run(); }
  /// Something waits for consent only. `message` says what was not done, and that --yes does it; it is not said to who
  /// only wanted to look.
  void miss_consent(std::string_view message);
  /// A mistake in the command line that only the command could find.
  void usage(const cli::Ending& ending);
  void worsen(cli::ExitCode code) { status_ = cli::worst(status_, code); }
  [[nodiscard]] cli::ExitCode status() const { return reader_gone_ ? cli::ExitCode::broken_pipe : status_; }

 private:
  awaitable<Result<void>> write_owned(std::string bytes);

  tool::Context& context_;
  bool colour_;
  posix::Output out_;
  cli::ExitCode status_ = cli::ExitCode::ok;
  bool reader_gone_ = false;
};

}  // namespace mq::mqctl
