#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

#include "base/result.h"
#include "base/time.h"
#include "broker/config_in_force.h"
#include "broker/life.h"
#include "broker/node_env.h"
#include "env/async.h"
#include "env/shard.h"
#include "env/task_group.h"
#include "log/disk_reserve.h"

namespace mq::broker {

/// Whether the disk of the data directory has room, and what is done when it has none.
///
/// It is full from when something found no room. Appends go on being tried, and what frees space may have the reserve;
/// while that is spent nothing is appended and nothing made. Twice a second somebody looks: the reserve is taken back,
/// what was put off is done, and when for a while nothing has failed the disk is full no more. No restart is needed for
/// any of it.
///
/// Lives on the first shard; what says so may be called on any thread.
class DiskSpace {
 public:
  /// `free_space` has every shard look at its logs now: something of them may be removed. It is called on any thread.
  DiskSpace(const NodeEnv& machine, const ConfigInForce& config, const Life& life, std::function<void()> free_space);

  /// When the data directory is locked, before anything is written to it.
  awaitable<void> open_reserve();
  /// Something found no room. Tells so, not more than once a minute. Any thread.
  void found_full(const Error& error);
  /// Any thread.
  [[nodiscard]] bool is_full() const { return full_.load(std::memory_order_relaxed); }
  /// disk_full while the reserve is spent: whatever grows would take what deletions need. Any thread.
  [[nodiscard]] Result<void> check_room() const;
  [[nodiscard]] bool is_reserve_spent() const { return reserve_.is_spent(); }
  /// What is kept at this moment. Any thread.
  [[nodiscard]] std::uint64_t reserved_bytes() const { return reserve_.is_spent() ? 0 : reserve_.size_bytes(); }

  /// Runs the coroutine that `step()` returns on `home`, the caller's own shard: something that frees space, or that
  /// ends the broker well. When the disk is full for it, spends the reserve and runs it once more.
  template <class Step, class T = typename std::invoke_result_t<Step&>::value_type>
  awaitable<T> with_reserve(env::Shard& home, Step step) {
    T done = co_await step();
    if (done || done.error().code != Errc::disk_full) co_return done;
    found_full(done.error());
    if (!co_await spend_reserve(home)) co_return done;
    co_return co_await step();
  }

  /// Something for which the disk was too full: `work` is done when there is room, on the first shard, after what was
  /// put off before, and tried again until it returns true. On the first shard.
  void put_off(std::function<awaitable<bool>()> work) { put_off_.push_back(std::move(work)); }
  /// Something may be removed now that could not be before: a full disk does not wait for the next look at the logs.
  /// Any thread.
  void look_for_space();

  /// After Life::begin_stop: nobody looks any more; returns when who did has ended.
  awaitable<void> stop();

 private:
  /// False: there is none.
  awaitable<bool> spend_reserve(env::Shard& home);
  awaitable<void> watch();
  /// What waits for room is done.
  awaitable<bool> has_room();

  [[nodiscard]] env::Shard& first_shard() const { return *machine_.shards.front(); }

  const NodeEnv& machine_;
  const ConfigInForce& config_;
  const Life& life_;
  const std::function<void()> free_space_;
  log::DiskReserve reserve_;
  env::TaskGroup tasks_;
  std::unique_ptr<env::Timer> timer_;
  std::atomic<bool> full_{false};
  std::atomic<bool> found_full_{false};  ///< since `watch` looked last
  std::atomic<Duration::rep> told_{0};   ///< when, since the clock's start; 0: never
  std::atomic<bool> is_told_{false};     ///< and its end is not
  std::deque<std::function<awaitable<bool>()>> put_off_;
};

}  // namespace mq::broker
