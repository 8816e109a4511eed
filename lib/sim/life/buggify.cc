#include "sim/life/buggify.h"

#include "base/assert.h"

namespace mq::sim {
namespace {

constexpr std::uint64_t kOnInOneOf = 4;
constexpr std::uint64_t kFiresInOneOf = 4;

constinit Buggify* current = nullptr;

/// FNV-1a: the same on every machine, wherever the linker has put the name.
std::uint64_t hash_of(std::string_view name) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char letter : name) hash = (hash ^ static_cast<unsigned char>(letter)) * 0x100000001b3;
  return hash;
}

}  // namespace

Buggify::Buggify(std::uint64_t seed) : seed_(seed) {
  MQ_ASSERT(current == nullptr);
  current = this;
  buggify_decision = &Buggify::decide;
}

Buggify::~Buggify() {
  buggify_decision = nullptr;
  current = nullptr;
}

bool Buggify::decide(const BuggifySite& site) {
  Site& known = current->find(site.name);
  return known.is_on && known.rng.one_in(kFiresInOneOf);
}

Buggify::Site& Buggify::find(const char* name) {
  if (const auto known = by_address_.find(name); known != by_address_.end()) return *known->second;
  Rng rng(Rng::mix(seed_ ^ hash_of(name)));
  const bool is_on = rng.one_in(kOnInOneOf);
  Site& site = sites_.try_emplace(name, Site{.rng = rng, .is_on = is_on}).first->second;
  return *by_address_.emplace(name, &site).first->second;
}

}  // namespace mq::sim
