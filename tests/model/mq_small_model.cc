// Goes through small models of replication and controller until something is broken (docs/testing.md): mq_small_model
// [--mutant NAME] [--states N].

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <string_view>

#include "base/mutant.h"
#include "model/small_model.h"

namespace mq::small {
namespace {

bool set_mutant([[maybe_unused]] std::string_view name) {
#ifdef MQ_MUTANTS
  const auto found = std::ranges::find(kMutants, name, &Mutant::name);
  mutant_on = static_cast<std::size_t>(found - kMutants.begin());
  return found != kMutants.end();
#else
  return false;
#endif
}

int run(std::size_t states_max) {
  for (const Scope& scope : all_scopes(states_max)) {
    const auto begin = std::chrono::steady_clock::now();
    const Findings findings = explore(scope);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    fmt::print("{:<20} {:>9} states, {} unclean, {} events deep, {}, {:.1f} s: {}\n", scope.name, findings.states,
               findings.unclean, findings.depth, findings.is_whole ? "all there are" : "cut off", took.count(),
               name_of(findings.breach));
    for (const std::string& line : findings.trace) fmt::print("    {}\n", line);
    if (findings.breach != Breach::none) return 1;
  }
  return 0;
}

}  // namespace
}  // namespace mq::small

int main(int argc, char** argv) {
  std::size_t states_max = 1'000'000;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view option = argv[i];
    if (option == "--states") states_max = std::strtoull(argv[i + 1], nullptr, 10);
    if (option == "--mutant" && !mq::small::set_mutant(argv[i + 1])) {
      fmt::print(stderr, "no such mutant, or none in this build (-DMQ_MUTANTS=ON)\n");
      return 2;
    }
  }
  return mq::small::run(states_max);
}
