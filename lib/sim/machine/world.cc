#include "sim/machine/world.h"

namespace mq::sim {

World::World(std::uint64_t seed, WorldOptions options) : scheduler_(seed), fabric_(scheduler_, options.fabric) {}

World::~World() = default;

Machine& World::add_machine(const std::string& host, MachineOptions options) {
  auto& machine = machines_[host];
  MQ_ASSERT(!machine);
  machine = std::make_unique<Machine>(scheduler_, fabric_, host, rng().next(), options);
  machine->start();
  return *machine;
}

bool World::run_until(const std::function<bool()>& done, Duration at_most) {
  const Instant deadline = now() + at_most;
  while (!done())
    if (!scheduler_.step(deadline)) return done();
  return true;
}

void World::run_for(Duration time) {
  const Instant deadline = now() + time;
  while (scheduler_.step(deadline)) {
  }
}

}  // namespace mq::sim
