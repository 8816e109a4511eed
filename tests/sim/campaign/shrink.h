#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <string_view>

#include "campaign/trial.h"
#include "sim/life/plan.h"

namespace mq::sim {

struct Shrunk {
  Cuts cuts;    ///< with these it fails still, in the same way
  Trial trial;  ///< how
  int tries = 0;
};

/// Takes out of a failing plan whatever it fails without: kinds of faults, then clients, then halves of the events and
/// in the end single ones. Another failure does not count. At most `tries_max` lives are lived.
[[nodiscard]] Shrunk shrink(const Plan& plan, const Trial& failure, int tries_max = 200);

/// The words of `mq_sim` that bring the life back.
[[nodiscard]] std::string words_of(const Plan& plan, const Cuts& cuts);

/// "1,3-5": the words of a set of numbers, and back.
[[nodiscard]] std::string text_of(const std::set<std::size_t>& numbers);
[[nodiscard]] Result<std::set<std::size_t>> parse_numbers(std::string_view text);

}  // namespace mq::sim
