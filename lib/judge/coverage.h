#pragma once

#include <string>
#include <vector>

#include "judge/findings.h"
#include "judge/logs.h"

namespace mq::judge {

/// What the run left undone, a sentence each: a history in which too little happened shows nothing. Empty: it did
/// enough.
[[nodiscard]] std::vector<std::string> what_is_missing(const Logs& logs, const Findings& findings);

}  // namespace mq::judge
