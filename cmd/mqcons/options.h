#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "cli/arguments.h"
#include "cli/option.h"
#include "cli/position.h"
#include "cli/record_format.h"

namespace mq::mqcons {

/// What `mqcons` accepts, once: parser, help, man page and completions are made from it.
[[nodiscard]] const cli::ToolRow& tool();

/// The command line, understood.
struct Options {
  std::vector<std::string> topics;
  std::vector<std::int32_t> partitions;     ///< empty: all
  std::vector<cli::PartitionRange> ranges;  ///< empty: start..end
  cli::PositionRange times;                 ///< --since and --until, which are one of the ranges
  std::optional<std::uint64_t> tail;        ///< -n
  std::optional<std::uint64_t> count;       ///< -c
  bool follow = false;
  std::string rack;   ///< where we are; empty: nowhere
  std::string group;  ///< empty: none
  std::optional<std::string> instance;
  std::string reset;  ///< start, end or error

  std::string delimiter;
  std::optional<std::string> key_delimiter;
  std::optional<cli::RecordFormat> format;
  bool json = false;
  std::string null_text;
  bool escape_controls = false;  ///< standard output is a terminal and --raw was not given
};

[[nodiscard]] std::expected<Options, cli::Ending> understand(const cli::Arguments& args, bool stdout_is_terminal);

}  // namespace mq::mqcons
