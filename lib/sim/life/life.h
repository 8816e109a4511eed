#pragma once

#include <cstdint>
#include <string>

#include "base/time.h"
#include "sim/life/plan.h"

namespace mq::sim {

/// What came of one life.
struct LifeReport {
  enum class Answer : std::uint8_t { kept, broken, unknown };
  Answer answer = Answer::unknown;
  std::string text;     ///< for people: when broken, the first line says what, in short
  std::string history;  ///< all of it, as docs/histories.md has it
  std::string log;      ///< of the brokers
  std::uint64_t hash = 0;
  std::uint64_t events = 0;
  Duration lived{0};
  std::size_t operations = 0;
};

/// Lives it, from the first start to the judgement. Aborts when an invariant breaks on the way. The same plan gives the
/// same report.
[[nodiscard]] LifeReport live(const Plan& plan, bool prints_log = false);

}  // namespace mq::sim
