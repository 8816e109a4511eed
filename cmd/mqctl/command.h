#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "cli/option.h"
#include "console.h"
#include "env/async.h"
#include "remote.h"

namespace mq::mqctl {

/// One command: how it is described, and what it does. `run` connects `Remote` itself when it needs a broker. It
/// complains about items that fail and goes on; the error it returns ended it.
struct Command {
  const cli::CommandRow* row;
  awaitable<Result<void>> (*run)(Console&, Remote&);
};

// One file for each noun, in the order of the help.
[[nodiscard]] std::span<const Command> topic_commands();
[[nodiscard]] std::span<const Command> topic_verify_commands();
[[nodiscard]] std::span<const Command> partition_commands();
[[nodiscard]] std::span<const Command> partition_move_commands();
[[nodiscard]] std::span<const Command> group_commands();
[[nodiscard]] std::span<const Command> config_commands();
[[nodiscard]] std::span<const Command> segment_commands();
[[nodiscard]] std::span<const Command> broker_commands();
[[nodiscard]] std::span<const Command> cluster_commands();
[[nodiscard]] std::span<const Command> accept_store_commands();
[[nodiscard]] std::span<const Command> why_commands();

/// The options of every command that prints a table.
inline constexpr std::array kOutputRows = {
    cli::OptionRow{.short_name = 'o',
                   .long_name = "output",
                   .kind = cli::ValueKind::choice,
                   .value_name = "FORMAT",
                   .fallback_note = "table on a terminal, else tsv",
                   .choices = "table|tsv|json|jsonl",
                   .group = "Output",
                   .help = "tsv and json have plain bytes and milliseconds, tables units",
                   .environment = "MQ_OUTPUT",
                   .into = cli::into<&TableOptions::format>},
    cli::OptionRow{.long_name = "no-header",
                   .kind = cli::ValueKind::flag,
                   .group = "Output",
                   .help = "leave the line with the names of the columns out",
                   .into = cli::into<&TableOptions::no_header>},
};

/// The options of every command that changes something.
inline constexpr std::array kChangeRows = {
    cli::OptionRow{.short_name = 'n',
                   .long_name = "dry-run",
                   .kind = cli::ValueKind::flag,
                   .group = "Change",
                   .help = "say what would change, and change nothing",
                   .into = cli::into<&ChangeOptions::dry_run>},
    cli::OptionRow{.short_name = 'y',
                   .long_name = "yes",
                   .kind = cli::ValueKind::flag,
                   .group = "Change",
                   .help = "do it where consent is needed",
                   .into = cli::into<&ChangeOptions::yes>},
};

template <std::size_t... kSizes>
consteval auto joined(const std::array<cli::OptionRow, kSizes>&... parts) {
  std::array<cli::OptionRow, (kSizes + ...)> all{};
  std::size_t at = 0;
  const auto add = [&](const auto& part) {
    for (const cli::OptionRow& row : part) all[at++] = row;
  };
  (add(parts), ...);
  return all;
}

inline constexpr auto kChangeAndOutputRows = joined(kChangeRows, kOutputRows);

}  // namespace mq::mqctl
