#pragma once

#include <string>
#include <utility>
#include <vector>

#include "client/admin.h"
#include "console.h"
#include "env/async.h"
#include "remote.h"

namespace mq::mqctl {

using Resource = std::pair<client::ResourceType, std::string>;

/// Prints the settings of `resources`: value, and who set it. `keys` empty: all of them, or with `only_changed`
/// those that are no defaults.
awaitable<Result<void>> print_configs(Console& console, Remote& remote, std::vector<Resource> resources,
                                      std::vector<std::string> keys = {}, bool only_changed = false);

}  // namespace mq::mqctl
