// In a build with mutants a test program has the one that MQ_MUTANT names (docs/testing.md, "Histories of a cluster").
#ifndef MQ_MUTANTS
#define MQ_MUTANTS
#endif

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <string_view>

#include "base/mutant.h"

namespace mq {
namespace {

const bool is_chosen = [] {
  const char* const name = std::getenv("MQ_MUTANT");
  if (name == nullptr) return false;
  const auto found = std::ranges::find(kMutants, std::string_view(name), &Mutant::name);
  if (found == kMutants.end()) {
    std::cerr << "no mutant \"" << name << "\"\n";
    std::_Exit(3);
  }
  mutant_on = static_cast<std::size_t>(found - kMutants.begin());
  return true;
}();

}  // namespace
}  // namespace mq
