#pragma once

#include <boost/asio/execution.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <memory>
#include <string>

#include "env/clock.h"
#include "env/shard.h"
#include "sim/machine/scheduler.h"

namespace mq::sim {

class Fabric;
class Shard;

/// Asio's view of a simulated shard: what it is given runs later, in the order and at the time that the seed draws.
class Executor {
 public:
  explicit Executor(Shard& shard) : shard_(&shard) {}

  template <class F>
  void execute(F&& f) const;

  [[nodiscard]] boost::asio::execution_context& query(boost::asio::execution::context_t) const noexcept;
  [[nodiscard]] static constexpr boost::asio::execution::blocking_t query(boost::asio::execution::blocking_t) noexcept {
    return boost::asio::execution::blocking.never;
  }
  [[nodiscard]] Executor require(boost::asio::execution::blocking_t::never_t) const { return *this; }
  friend bool operator==(const Executor&, const Executor&) = default;

 private:
  Shard* shard_;
};

/// A clock of one machine: the world's time, and a wall clock that may be wrong.
class Clock final : public env::Clock {
 public:
  explicit Clock(const Scheduler& scheduler) : scheduler_(scheduler) {}
  [[nodiscard]] Instant now() const override { return scheduler_.now(); }
  [[nodiscard]] WallMillis wall_now() const override;
  /// Moves the wall clock to `offset` from the true time.
  void set_wall_offset(Duration offset) { wall_offset_ = offset; }

 private:
  const Scheduler& scheduler_;
  Duration wall_offset_{0};
};

/// One shard of a simulated machine. Outlives its coroutines: a killed shard stays until its world ends, and destroys
/// what it is given.
class Shard final : public env::Shard, public Place {
 public:
  /// The wait of a coroutine; 0 means none.
  using WaitId = std::uint64_t;

  Shard(Scheduler& scheduler, const Clock& clock, Fabric& fabric, std::string host, int id);
  ~Shard() override;

  [[nodiscard]] int id() const override { return number_; }
  [[nodiscard]] boost::asio::any_io_executor executor() override;
  void post(Task task) override { scheduler_.post(*this, std::move(task)); }
  [[nodiscard]] std::unique_ptr<env::Timer> make_timer() override;
  [[nodiscard]] const env::Clock& clock() const override { return clock_; }
  [[nodiscard]] env::Network& network() override { return *network_; }
  [[nodiscard]] bool is_current() const override { return &scheduler_.current() == static_cast<const Place*>(this); }

  [[nodiscard]] Scheduler& scheduler() { return scheduler_; }
  [[nodiscard]] boost::asio::execution_context& context() { return context_; }
  [[nodiscard]] WaitId new_wait() { return scheduler_.new_id(); }
  /// Suspends the calling coroutine of this shard until `resume(wait, ...)`. The shard owns it meanwhile, so that
  /// killing the shard destroys it.
  awaitable<Result<void>> suspend(WaitId wait);
  /// Lets the coroutine go on with `result`, in a later task. False when nobody waits under that id.
  bool resume(WaitId wait, Result<void> result);
  /// Destroys what waits here and will never be resumed; `is_dead` is set.
  void drop_waits();

 private:
  class Context final : public boost::asio::execution_context {};

  Scheduler& scheduler_;
  const Clock& clock_;
  int number_;
  Context context_;
  std::unique_ptr<env::Network> network_;
  boost::unordered_flat_map<WaitId, std::move_only_function<void(Result<void>)>> waits_;
};

template <class F>
void Executor::execute(F&& f) const {
  shard_->post(Task(std::forward<F>(f)));
}

}  // namespace mq::sim
