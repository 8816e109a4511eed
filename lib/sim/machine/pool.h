#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "env/pool.h"
#include "sim/machine/scheduler.h"

namespace mq::sim {

/// A helper pool: its threads are places whose jobs take the time that the disk charges.
class Pool final : public env::Pool {
 public:
  Pool(Scheduler& scheduler, int threads);

  void submit(Task job) override;
  /// What waits is destroyed, and so is everything submitted later.
  void die();

 private:
  struct Thread : Place {
    bool is_busy = false;
  };

  void start_idle();
  void run_next(Thread& thread);

  Scheduler& scheduler_;
  std::vector<std::unique_ptr<Thread>> threads_;
  std::deque<Task> jobs_;
  bool is_dead_ = false;
};

}  // namespace mq::sim
