#pragma once

#include <string>

#include "judge/verdict.h"

namespace mq::judge {

/// The verdict for people: one line for each kind of anomaly, and below it what shows it.
[[nodiscard]] std::string report_text(const History& history, const Verdict& verdict);

/// The verdict for programs, one JSON object and a newline; docs/histories.md has its members.
[[nodiscard]] std::string report_json(const History& history, const Verdict& verdict);

}  // namespace mq::judge
