#pragma once

#include <string_view>

namespace mq {

/// A fault put into the program on purpose, to see that simulated lives find it (docs/testing.md). There are none in a
/// build without MQ_MUTANTS.
#ifdef MQ_MUTANTS
inline constinit std::string_view mutant_on;  ///< set once, before anything runs
[[nodiscard]] inline bool is_mutant(std::string_view name) { return name == mutant_on; }
#else
[[nodiscard]] constexpr bool is_mutant(std::string_view) { return false; }
#endif

}  // namespace mq
