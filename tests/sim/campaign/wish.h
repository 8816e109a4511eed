#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>

#include "base/mutant.h"
#include "campaign/trial.h"
#include "sim/life/plan.h"

namespace mq::sim {

/// What the command line of mq_sim asks for.
struct Wish {
  std::optional<std::uint64_t> seed;  ///< one life; otherwise `count`
  std::uint64_t count = 0;
  std::optional<std::uint64_t> from;
  int brokers = 1;
  int jobs = 1;
  std::uint64_t twice_percent = 5;
  std::size_t mutant = kNoMutant;
  Cuts cuts;
  std::set<std::size_t> open_seeds;
  bool shrinks = true;
  bool only_plan = false;
  bool lists_mutants = false;
  bool is_answered = false;  ///< it asked for help, which was printed
  TrialFiles files;
  std::string marks;
  std::string marks_also;  ///< what `marks` of another run got
  std::uint64_t marks_percent_min = 0;
};

/// invalid_argument: what is wrong with the words, and what helps. Files that are to be written were tried.
[[nodiscard]] Result<Wish> parse_wish(std::span<char*> words);

}  // namespace mq::sim
