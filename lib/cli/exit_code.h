#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/result.h"
#include "model/error_code.h"

namespace mq::cli {

/// How a tool ends. One table for all tools, printed in every man page, part of their contract.
enum class ExitCode : std::uint8_t {
  ok = 0,
  some_failed = 1,
  usage = 2,
  unreachable = 3,
  denied = 4,
  not_found = 5,
  precondition = 6,
  damaged = 7,
  needs_consent = 8,
  time_limit = 124,
  hung_up = 129,
  interrupted = 130,
  broken_pipe = 141,
  terminated = 143,
};

struct ExitCodeRow {
  ExitCode code;
  std::string_view meaning;
  std::string_view retry;  ///< is trying again sensible?
};

/// Every code, in the order of the numbers.
[[nodiscard]] std::span<const ExitCodeRow> exit_codes();

[[nodiscard]] constexpr int to_status(ExitCode code) { return static_cast<int>(code); }

/// The code for an error that ended a command. What no row names is `some_failed`.
[[nodiscard]] ExitCode exit_code_of(const Error& error);
/// The code for an error that a broker answered; `ok` for kNone.
[[nodiscard]] ExitCode exit_code_of(ErrorCode code);
/// What a command with several items returns: the worse of the two, where damage is worse than consent than
/// precondition than not_found than denied than unreachable than usage than some_failed than ok; signals and time
/// limits are worst.
[[nodiscard]] constexpr ExitCode worst(ExitCode a, ExitCode b) { return to_status(a) > to_status(b) ? a : b; }

}  // namespace mq::cli
