#pragma once

#include <optional>
#include <span>
#include <string>

#include "base/result.h"
#include "config/option.h"

namespace mq::controller {

/// One change of one setting of a topic or of brokers, as IncrementalAlterConfigs has them.
struct ConfigEdit {
  enum class Operation {
    set,
    unset,
    append,   ///< to a list: what is not in it yet
    subtract  ///< from a list: what is in it
  };
  std::string name;
  Operation operation = Operation::set;
  std::string value;  ///< not for `unset`
};

/// Applies the edits in order to what is set of the options of `table`. `defaults`, by their names, hold what a list
/// has that is not set. invalid_argument: no list, or values that do not belong in it; everything else is checked with
/// the whole.
[[nodiscard]] Result<void> apply_edits(std::span<const ConfigEdit> edits, std::span<const config::OptionRow> table,
                                       const config::Overrides& defaults, config::Overrides& configs);

}  // namespace mq::controller
