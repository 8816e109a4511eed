#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "base/assert.h"
#include "env/async.h"
#include "sim/machine/fabric.h"
#include "sim/machine/machine.h"
#include "sim/machine/scheduler.h"

namespace mq::sim {

struct WorldOptions {
  FabricOptions fabric = {};
};

/// Machines, the network between them, and one clock: a whole cluster in one thread from one seed. Two worlds with the
/// same seed and the same program have the same trace hash; if not, something bypassed the seams.
class World {
 public:
  explicit World(std::uint64_t seed, WorldOptions options = {});
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  ~World();

  /// Adds a machine, running an empty process. `host` is its name in the network.
  Machine& add_machine(const std::string& host, MachineOptions options = {});
  [[nodiscard]] Machine& machine(const std::string& host) { return *machines_.at(host); }
  [[nodiscard]] Fabric& fabric() { return fabric_; }
  [[nodiscard]] Scheduler& scheduler() { return scheduler_; }
  [[nodiscard]] Rng& rng() { return scheduler_.rng(); }
  [[nodiscard]] Instant now() const { return scheduler_.now(); }

  /// Runs until `done()`, which is asked after every task; false when `at_most` of virtual time has passed first, or
  /// when nothing is left to do.
  bool run_until(const std::function<bool()>& done, Duration at_most);
  void run_for(Duration time);
  /// Runs `task` on shard 0 of `machine`, and everything else meanwhile, until it ends: within `at_most`, asserted.
  template <class T>
  T run(Machine& machine, awaitable<T> task, Duration at_most = 1h);

  [[nodiscard]] std::uint64_t trace_hash() const { return scheduler_.trace_hash(); }
  [[nodiscard]] std::uint64_t events() const { return scheduler_.events(); }

 private:
  Scheduler scheduler_;
  Fabric fabric_;
  std::map<std::string, std::unique_ptr<Machine>> machines_;
};

template <class T>
T World::run(Machine& machine, awaitable<T> task, Duration at_most) {
  using Value = std::conditional_t<std::is_void_v<T>, bool, T>;
  auto value = std::make_shared<std::optional<Value>>();
  machine.spawn([](awaitable<T> inner, std::shared_ptr<std::optional<Value>> to) -> awaitable<void> {
    if constexpr (std::is_void_v<T>) {
      co_await std::move(inner);
      to->emplace(true);
    } else {
      to->emplace(co_await std::move(inner));
    }
  }(std::move(task), value));
  const bool ended = run_until([&] { return value->has_value(); }, at_most);
  MQ_ASSERT(ended);
  if constexpr (!std::is_void_v<T>) return std::move(**value);
}

}  // namespace mq::sim
