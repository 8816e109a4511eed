#pragma once

#include "base/result.h"
#include "config/option.h"

namespace mq::config {

/// Settings of brokers in the cluster's metadata, which count at once, and more than those of file and command line.
/// Whose they are: one broker's, or those of all.
enum class LiveOf { one, all };

/// Settings as they are kept. invalid_argument: one that is not known, is not live, or has a bad value; the message
/// says which, and what to do instead.
[[nodiscard]] Result<Overrides> checked_live(const Overrides& wanted, LiveOf whose);

/// What this version can use of settings that are kept: a later one may have written others.
[[nodiscard]] Overrides usable_live(const Overrides& kept, LiveOf whose);

}  // namespace mq::config
