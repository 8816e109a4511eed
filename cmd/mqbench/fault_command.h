#pragma once

#include <string>
#include <string_view>

#include "base/time.h"
#include "cli/value_error.h"

namespace mq::mqbench {

/// A shell command that breaks something, and mends it again before it ends.
struct FaultCommand {
  std::string command;
  Duration at{};  ///< after the beginning of the load

  /// What a history calls the fault: the command's first word, without its directory.
  [[nodiscard]] std::string_view name() const;
};

/// `CMD@DUR`: `kill-leader orders-3@30s`.
[[nodiscard]] cli::Parsed<FaultCommand> parse_fault(std::string_view text);

}  // namespace mq::mqbench
