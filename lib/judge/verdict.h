#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "judge/findings.h"
#include "judge/history.h"

namespace mq::judge {

/// What is to be said of a history.
struct Verdict {
  enum class Answer : std::uint8_t {
    kept,     ///< every promise that was judged was kept
    broken,   ///< at least one was not
    unknown,  ///< none was seen broken, but the run did too little to tell
  };
  Answer answer = Answer::unknown;
  Findings findings;
  std::vector<std::string> missing;  ///< why it did too little, a sentence each
  std::size_t operations = 0;
  std::size_t ok = 0;
  std::size_t fail = 0;
  std::size_t info = 0;
  std::size_t sends = 0;
  std::size_t reads = 0;
  std::size_t logs = 0;
};

/// Judges a whole history. The verdict depends on what the history says alone, not on the order of its files.
[[nodiscard]] Verdict judge(const History& history);

}  // namespace mq::judge
