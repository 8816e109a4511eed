#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "base/time.h"
#include "sim/machine/rng.h"

namespace mq::sim {

using Task = std::move_only_function<void()>;

/// What runs tasks one after the other: a shard, a thread of a pool, a wire.
struct Place {
  std::uint64_t id = 0;      ///< from `Scheduler::new_id`
  bool is_dead = false;      ///< of a killed machine: tasks given to it are destroyed unrun
  bool counts_work = false;  ///< what it posts arrives after the time that its work took (`Scheduler::charge`)
};

/// The kinds of events in the trace.
enum class Happening : std::uint64_t {
  task,
  timer,
  disk_write,
  disk_sync,
  disk_names,
  disk_fault,
  network,
  machine,
  log
};

/// What looks on after each task, for as long as somebody holds it.
using Witness = std::shared_ptr<const std::function<void()>>;

/// Virtual time, the tasks that are ready, and the choice of the next one.
///
/// Tasks from one place to another run in the order of their posts. Between the queues the seed chooses. When nothing
/// is ready, the clock jumps to the next alarm: running takes no time. Everything that happens goes into the trace
/// hash, so two runs with the same hash did the same things in the same order.
class Scheduler {
 public:
  using AlarmId = std::uint64_t;  ///< 0: none

  explicit Scheduler(std::uint64_t seed) : rng_(seed) {}
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  [[nodiscard]] Instant now() const { return now_; }
  [[nodiscard]] Rng& rng() { return rng_; }
  [[nodiscard]] std::uint64_t new_id() { return ++last_id_; }
  /// The place whose task runs, or `outside`.
  [[nodiscard]] const Place& current() const { return *current_; }
  [[nodiscard]] Place& outside() { return outside_; }

  /// Runs `task` at `to`, after what the current place posted there before.
  void post(Place& to, Task task);
  /// Runs `task` at `to`, in no order with anything else that is ready.
  void post_unordered(Place& to, Task task);
  /// The same, at `when`.
  AlarmId at(Instant when, Place& to, Task task);
  /// No effect when it has gone off.
  void cancel(AlarmId alarm);

  /// Says that the running task would have taken `work` on a real machine.
  void charge(Duration work);
  [[nodiscard]] Duration charged() const { return charged_; }

  /// Runs one task, after advancing the clock if none is ready. False when there is nothing to do until `deadline`; the
  /// clock then stands at `deadline`.
  bool step(Instant deadline);

  /// Calls `look` after each task, at the place where it ran: for checks of what must always hold. It changes nothing,
  /// and posts nothing.
  [[nodiscard]] Witness after_each_task(std::function<void()> look);
  /// The same after each task of `place` only.
  [[nodiscard]] Witness after_each_task_of(const Place& place, std::function<void()> look);

  /// Takes away everything that was to run at dead places and destroys it, with all that it holds.
  void bury();

  void note(Happening what, std::uint64_t a = 0, std::uint64_t b = 0, std::uint64_t c = 0);
  [[nodiscard]] std::uint64_t trace_hash() const { return trace_; }
  [[nodiscard]] std::uint64_t events() const { return events_; }

 private:
  using QueueId = std::pair<std::uint64_t, std::uint64_t>;  // to, from
  /// A list within `waiting_`; never empty.
  struct Queue {
    Place* to = nullptr;
    std::size_t first = 0;
    std::size_t last = 0;
  };
  struct Waiting {
    Task task;
    std::size_t next = 0;  ///< behind it in its queue; of the last one it says nothing
  };
  struct Alarm {
    Place* to = nullptr;
    std::uint64_t from = 0;
    Task task;
  };

  void enqueue(Place& to, std::uint64_t from, Task task);
  [[nodiscard]] std::size_t keep(Task task);
  [[nodiscard]] Task take(std::size_t place);
  AlarmId at_from(Instant when, Place& to, std::uint64_t from, Task task);
  void ring_due_alarms();
  void run_one();
  void call_witnesses();

  Rng rng_;
  Instant now_;
  std::uint64_t last_id_ = 0;
  Place outside_;
  Place* current_ = &outside_;
  Duration charged_{0};
  boost::unordered_flat_map<QueueId, Queue> queues_;
  std::vector<QueueId> ready_;  // the keys of queues_, in an order that only the run decides
  // Most queues have one task for a moment: all tasks stand in one place, so that none of them costs an allocation.
  std::vector<Waiting> waiting_;
  std::vector<std::size_t> free_;  // places of waiting_
  std::map<std::pair<Instant, AlarmId>, Alarm> alarms_;
  boost::unordered_flat_map<AlarmId, Instant> alarm_times_;
  std::vector<Task> graveyard_;
  struct Looking {
    const Place* at = nullptr;  ///< null: everywhere
    Witness witness;
  };
  std::vector<Looking> witnesses_;
  Instant busy_since_;
  std::uint64_t tasks_at_once_ = 0;
  std::uint64_t trace_ = 0;
  std::uint64_t events_ = 0;
};

}  // namespace mq::sim
