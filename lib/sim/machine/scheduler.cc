#include "sim/machine/scheduler.h"

#include <algorithm>

#include "base/assert.h"

namespace mq::sim {
namespace {

// A program that never lets the clock advance is stuck in a loop of its own.
constexpr std::uint64_t kTasksAtOneInstantMax = 20'000'000;

}  // namespace

void Scheduler::post(Place& to, Task task) {
  if (current_->counts_work && charged_ > Duration::zero()) {
    at_from(now_ + charged_, to, current_->id, std::move(task));
  } else {
    enqueue(to, current_->id, std::move(task));
  }
}

void Scheduler::post_unordered(Place& to, Task task) { enqueue(to, new_id(), std::move(task)); }

Scheduler::AlarmId Scheduler::at(Instant when, Place& to, Task task) {
  return at_from(when, to, new_id(), std::move(task));
}

Scheduler::AlarmId Scheduler::at_from(Instant when, Place& to, std::uint64_t from, Task task) {
  if (to.is_dead) {
    graveyard_.push_back(std::move(task));
    return 0;
  }
  const AlarmId id = new_id();
  alarms_.emplace(std::pair{std::max(when, now_), id}, Alarm{.to = &to, .from = from, .task = std::move(task)});
  alarm_times_.emplace(id, std::max(when, now_));
  return id;
}

void Scheduler::cancel(AlarmId alarm) {
  const auto found = alarm_times_.find(alarm);
  if (found == alarm_times_.end()) return;
  const auto place = alarms_.find({found->second, alarm});
  // What the task holds may cancel other alarms while it is destroyed.
  const Task destroyed_last = std::move(place->second.task);
  alarms_.erase(place);
  alarm_times_.erase(found);
}

void Scheduler::charge(Duration work) {
  if (current_->counts_work) charged_ += work;
}

void Scheduler::enqueue(Place& to, std::uint64_t from, Task task) {
  if (to.is_dead) {
    graveyard_.push_back(std::move(task));
    return;
  }
  const QueueId id{to.id, from};
  const std::size_t place = keep(std::move(task));
  const auto [found, is_new] = queues_.try_emplace(id, Queue{.to = &to, .first = place, .last = place});
  if (is_new) return ready_.push_back(id);
  waiting_[found->second.last].next = place;
  found->second.last = place;
}

std::size_t Scheduler::keep(Task task) {
  if (free_.empty()) {
    waiting_.push_back({.task = std::move(task)});
    return waiting_.size() - 1;
  }
  const std::size_t place = free_.back();
  free_.pop_back();
  waiting_[place].task = std::move(task);
  return place;
}

Task Scheduler::take(std::size_t place) {
  free_.push_back(place);
  return std::move(waiting_[place].task);
}

bool Scheduler::step(Instant deadline) {
  ring_due_alarms();
  if (ready_.empty()) {
    if (alarms_.empty() || alarms_.begin()->first.first > deadline) {
      now_ = std::max(now_, deadline);
      return false;
    }
    now_ = alarms_.begin()->first.first;
    ring_due_alarms();
  }
  run_one();
  return true;
}

void Scheduler::ring_due_alarms() {
  while (!alarms_.empty() && alarms_.begin()->first.first <= now_) {
    auto due = alarms_.extract(alarms_.begin());
    alarm_times_.erase(due.key().second);
    note(Happening::timer, due.mapped().to->id);
    enqueue(*due.mapped().to, due.mapped().from, std::move(due.mapped().task));
  }
}

void Scheduler::run_one() {
  const std::size_t chosen = rng_.below(ready_.size());
  const QueueId id = ready_[chosen];
  const auto found = queues_.find(id);
  Place& place = *found->second.to;
  Queue& queue = found->second;
  const std::size_t first = queue.first;
  if (first == queue.last) {
    queues_.erase(found);
    ready_[chosen] = ready_.back();
    ready_.pop_back();
  } else {
    queue.first = waiting_[first].next;
  }
  Task task = take(first);
  if (busy_since_ != now_) busy_since_ = now_, tasks_at_once_ = 0;
  MQ_ASSERT(++tasks_at_once_ < kTasksAtOneInstantMax);
  note(Happening::task, id.first, id.second);
  current_ = &place;
  charged_ = Duration::zero();
  task();
  task = nullptr;  // what it holds is destroyed at its own place
  charged_ = Duration::zero();
  call_witnesses();
  current_ = &outside_;
}

Witness Scheduler::after_each_task(std::function<void()> look) {
  return witnesses_.emplace_back(nullptr, std::make_shared<const std::function<void()>>(std::move(look))).witness;
}

Witness Scheduler::after_each_task_of(const Place& place, std::function<void()> look) {
  return witnesses_.emplace_back(&place, std::make_shared<const std::function<void()>>(std::move(look))).witness;
}

void Scheduler::call_witnesses() {
  bool is_one_let_go = false;
  for (const Looking& looking : witnesses_) {
    if (looking.at != nullptr && looking.at != current_) continue;
    const bool is_held = looking.witness.use_count() > 1;
    if (is_held) (*looking.witness)();
    is_one_let_go |= !is_held;
  }
  if (is_one_let_go) std::erase_if(witnesses_, [](const Looking& looking) { return looking.witness.use_count() == 1; });
}

void Scheduler::bury() {
  std::erase_if(ready_, [&](const QueueId& id) {
    const auto found = queues_.find(id);
    if (!found->second.to->is_dead) return false;
    const Queue queue = found->second;
    for (std::size_t at = queue.first;; at = waiting_[at].next) {
      graveyard_.push_back(take(at));
      if (at == queue.last) break;
    }
    queues_.erase(found);
    return true;
  });
  for (auto alarm = alarms_.begin(); alarm != alarms_.end();) {
    if (!alarm->second.to->is_dead) {
      ++alarm;
      continue;
    }
    graveyard_.push_back(std::move(alarm->second.task));
    alarm_times_.erase(alarm->first.second);
    alarm = alarms_.erase(alarm);
  }
  // Destroying a coroutine posts the rest of its destruction to its executor, which is dead and brings it here.
  while (!graveyard_.empty()) {
    std::vector<Task> dead = std::exchange(graveyard_, {});
    for (Task& task : dead) task = nullptr;
  }
}

void Scheduler::note(Happening what, std::uint64_t a, std::uint64_t b, std::uint64_t c) {
  ++events_;
  for (const std::uint64_t part :
       {static_cast<std::uint64_t>(what), static_cast<std::uint64_t>(now_.since_start().count()), a, b, c})
    trace_ = Rng::mix(trace_ * 31 + part);
}

}  // namespace mq::sim
