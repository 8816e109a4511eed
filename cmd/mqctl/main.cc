#include <algorithm>
#include <csignal>
#include <memory>
#include <vector>

#include "command.h"
#include "tool/run_tool.h"

namespace mq::mqctl {
namespace {

/// The commands of every noun, in the order of the help.
std::vector<Command> all_commands() {
  std::vector<Command> all;
  for (const auto commands : {topic_commands(), topic_verify_commands(), partition_commands(),
                              partition_move_commands(), group_commands(), config_commands(), segment_commands(),
                              broker_commands(), cluster_commands(), accept_store_commands(), why_commands()})
    all.insert(all.end(), commands.begin(), commands.end());
  return all;
}

constexpr std::string_view kUsage[] = {"[OPTION]... NOUN VERB [ARG]..."};
constexpr cli::Example kExamples[] = {
    {"make a topic", "mqctl topic create web -p 6"},
    {"who reads it, and how far behind", "mqctl group lag"},
    {"read again from this morning on; see the plan first", "mqctl group reset billing --to @today -n"},
    {"is the cluster well?", "mqctl cluster health"},
    {"is a log sound? the broker need not run", "mqctl segment verify /var/lib/mqd/web-0"},
};

cli::ToolRow tool_row(std::span<const cli::CommandRow* const> commands) {
  return {
      .name = "mqctl",
      .summary = "look after topics, groups, settings and files",
      .usage = kUsage,
      .description =
          "mqctl does one thing to several items: it prints a row for each, says on standard error which failed, and "
          "exits with the worst of their codes.\n\n"
          "What a script reads is stable: names of columns, their order, and exit codes. What a column has nothing to "
          "say about is - in a table, empty in tsv and null in json. In tsv a tab, a newline, a carriage return and a "
          "backslash are written \\t, \\n, \\r and \\\\. Times are milliseconds since 1970, UTC in tables.\n\n"
          "A command that destroys something wants --yes, and tells with --dry-run what it would do.\n\n"
          "Where mqd could not read a segment to its end, the log has gone on in another one, at the offset that "
          "BASE.mqend beside it says. What stands in the segment from there on is of no log: segment verify and dump "
          "say so on standard error, and it counts neither as damage nor as batches.",
      .commands = commands,
      .examples = kExamples};
}

/// One run of one command.
class Run : public tool::Job {
 public:
  Run(tool::Context& context, const Command& command) : context_(context), command_(command) {}

  awaitable<cli::ExitCode> run() override {
    // Nothing here needs an end in good order, and a check of many files does not look up: a signal ends the process.
    std::signal(SIGINT, SIG_DFL);
    std::signal(SIGTERM, SIG_DFL);
    posix::Runtime& runtime = context_.runtime;
    Console console(context_);
    Remote remote(console, context_.client, runtime.random());
    const auto done = co_await command_.run(console, remote);
    co_await remote.close();
    if (!done && console.status() != cli::ExitCode::broken_pipe) console.complain(done.error());
    co_return console.status();
  }
  void stop(cli::ExitCode as) override { tool::end_now(as); }
  [[nodiscard]] std::string progress() const override {
    return fmt::format("mqctl: {} is running\n", command_.row->name);
  }

 private:
  tool::Context& context_;
  const Command& command_;
};

int run(int argc, char** argv) {
  const std::vector<Command> commands = all_commands();
  std::vector<const cli::CommandRow*> rows;
  for (const Command& command : commands) rows.push_back(command.row);
  const auto make_job = [&](tool::Context& context) -> std::expected<std::unique_ptr<tool::Job>, cli::Ending> {
    return std::make_unique<Run>(context, *std::ranges::find(commands, context.args.command(), &Command::row));
  };
  return tool::run_tool(tool_row(rows), argc, argv, make_job);
}

}  // namespace
}  // namespace mq::mqctl

int main(int argc, char** argv) { return mq::mqctl::run(argc, argv); }
