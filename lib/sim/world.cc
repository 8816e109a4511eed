#include "sim/world.h"

namespace mq::sim {

World::World(std::uint64_t seed, WorldOptions options) : scheduler_(seed), fabric_(scheduler_, options.fabric) {}

World::~World() = default;

Node& World::add_node(const std::string& host, NodeOptions options) {
  auto& node = nodes_[host];
  MQ_ASSERT(!node);
  node = std::make_unique<Node>(scheduler_, fabric_, host, rng().next(), options);
  node->start();
  return *node;
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
