#pragma once

#include "sim/checkers/history.h"

namespace mq::sim {

/// No look-up found less of a group than what had been acknowledged before, nor what nobody had asked to commit (A16).
/// For groups whose commits were asked for one after the other.
[[nodiscard]] Verdict judge_commits(const History& history);

/// In one generation of a group a partition was given to one member (A29).
[[nodiscard]] Verdict judge_assignments(const History& history);

}  // namespace mq::sim
