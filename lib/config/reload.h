#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "config/option.h"

namespace mq::config {

/// What a running broker makes of settings that were read again.
struct Reload {
  Overrides options;               ///< in force from now on
  std::vector<std::string> taken;  ///< names of options that changed
  std::vector<std::string> left;   ///< names of options that differ and keep their value until a restart
};

/// Takes what is dynamic of `wanted` over into `running` (both by broker option name). A value that is only spelled
/// another way is the same. invalid_argument, and nothing is
/// to be changed: `wanted` is wrong, or what would be in force is (a new limit may not go with an old one).
[[nodiscard]] Result<Reload> plan_reload(const Overrides& running, const Overrides& wanted);

}  // namespace mq::config
