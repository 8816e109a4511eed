#include "console.h"

#include <string>
#include <utility>

#include "cli/terminal.h"
#include "tool/error_stream.h"

namespace mq::mqctl {

awaitable<Result<void>> Console::write(BytesView bytes) {
  if (bytes.empty()) co_return Result<void>{};
  auto written = co_await out_.write(bytes);
  if (!written && written.error().code == Errc::closed) reader_gone_ = true;
  co_return written;
}

awaitable<Result<void>> Console::write_owned(std::string bytes) { co_return co_await write(bytes); }

cli::TableWriter Console::table(std::span<const cli::ColumnRow> columns) const {
  const auto asked = options<TableOptions>();
  const auto format = cli::parse_output_format(asked.format, stdout_is_terminal());
  // The parser has checked the choice.
  return {columns, format ? *format : cli::OutputFormat::tsv, !asked.no_header, colour_};
}

void Console::notice(std::string_view text) { tool::tell(cli::notice(args(), text)); }

void Console::complain(const Error& error, cli::ExitCode code) {
  tool::tell(cli::complaint(args(), error));
  worsen(code);
}

void Console::miss_consent(std::string_view message) {
  if (is_dry_run()) return;
  complain({.code = Errc::refused, .message = std::string(message)}, cli::ExitCode::needs_consent);
}

void Console::usage(const cli::Ending& ending) {
  tool::tell(ending.err);
  worsen(ending.code);
}

}  // namespace mq::mqctl
