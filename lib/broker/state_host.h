#pragma once

#include <algorithm>
#include <concepts>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "base/assert.h"
#include "base/mutant.h"
#include "base/time.h"
#include "broker/partition.h"
#include "broker/shard_context.h"
#include "broker/state_log.h"
#include "env/async.h"
#include "env/shard.h"
#include "env/task_group.h"
#include "model/error_code.h"
#include "model/ids.h"
#include "statelog/machine.h"

namespace mq::broker {

/// One state machine in office: it hosts the machine whose log is a partition that this broker leads, for as long as
/// nobody else does. Loads it, gives it requests and the time, appends what it decides, waits until that is committed,
/// and delivers its answers.
///
///     start() -- the log is empty ----------------------> in office -- step_down() --> out
///         \----- load, again after an error that may pass --^             |
///          \------------------------------- step_down() -----------------/
///
/// Before it is in office, a machine without state answers for it, with "loading". What is loaded goes into another
/// one, which the load owns and which takes office when it is whole. What goes on after a wait looks first whether the
/// host is still up: what was appended in another's time is not applied.
///
/// Always in a shared_ptr: what waits for the log or the clock keeps it. On the partition's shard only.
template <class M>
  requires std::derived_from<M, statelog::Machine<typename M::Response>>
class StateHost final : public std::enable_shared_from_this<StateHost<M>> {
 public:
  using Effects = typename M::Effects;
  using Response = typename M::Response;
  using Ask = std::move_only_function<Effects(M&, statelog::RequestToken, statelog::Time)>;
  using Told = std::move_only_function<void(Response)>;

  /// What the machine that was loaded has to be told of: its log may be of a time when the image was another.
  using WhatChanged = std::function<statelog::ImageChange(const M&)>;

  /// `make` returns a machine without state. `what` is the word for what the machine keeps ("groups").
  StateHost(std::shared_ptr<Partition> partition, std::string_view what, std::function<std::unique_ptr<M>()> make,
            WhatChanged what_changed = {})
      : shard_(partition->shard().shard),
        tasks_(partition->shard().tasks),
        log_(std::move(partition), what),
        make_(std::move(make)),
        what_changed_(std::move(what_changed)),
        machine_(make_()),
        timer_(shard_.make_timer()) {}

  /// The leader epoch that it is in office for. In another one it appends nothing.
  [[nodiscard]] LeaderEpoch epoch() const { return log_.epoch(); }
  /// A later epoch of the partition has begun, and nobody else led it since the last one: the host stays in office.
  void lead_in(LeaderEpoch epoch) { log_.set_epoch(epoch); }
  [[nodiscard]] const M& machine() const { return *machine_; }

  void start() {
    if (log_.is_empty() || is_mutant("loadearly")) return carry_out(machine_->finish_loading(time()));
    missed_.emplace();
    tasks_.spawn(load(this->shared_from_this()));
  }

  /// Gives the machine a request. `told` is called once, now or later.
  void ask(Ask ask, Told told) {
    const statelog::RequestToken token{++last_token_};
    waiting_.emplace(token, std::move(told));
    carry_out(ask(*machine_, token, time()));
  }

  void image_changed(const statelog::ImageChange& change) {
    // What is loaded may have been read before or may be read after.
    if (missed_)
      missed_->topics_deleted.insert(missed_->topics_deleted.end(), change.topics_deleted.begin(),
                                     change.topics_deleted.end());
    carry_out(machine_->on_image_changed(change, time()));
  }

  /// Calls `done` in a later turn, when the machine knows the outcome of every append that it has asked for.
  void after_appends(std::move_only_function<void()> done) { log_.after_appends(std::move(done)); }

  /// Somebody else leads the partition, or the broker stops: whoever waits is answered with NOT_COORDINATOR, and so is
  /// who asks from now on. Nothing of it runs any more, once the load and the clock have noticed. Once or more.
  void step_down() {
    if (!std::exchange(is_up_, false)) return;
    carry_out(machine_->unload());
    MQ_ASSERT(waiting_.empty());
    timer_->cancel();
  }

 private:
  // How long a load that failed rests: longer each time, since the disk is not likely to get well.
  static constexpr Duration kLoadPauseMin = 1s;
  static constexpr Duration kLoadPauseMax = 1min;

  [[nodiscard]] statelog::Time time() const { return {.now = shard_.now(), .wall = shard_.clock().wall_now()}; }

  awaitable<void> load(std::shared_ptr<StateHost> self) {
    for (Duration pause = kLoadPauseMin; is_up_; pause = std::min(2 * pause, kLoadPauseMax)) {
      std::unique_ptr<M> loaded = make_();
      const auto done = co_await log_.replay(
          [&loaded](BytesView key, std::optional<BytesView> value) { return loaded->replay(key, value); },
          [self] { return self->is_up_; });
      if (!is_up_) co_return;
      if (done) co_return take_office(std::move(loaded));
      if (!log_.may_load_again(done.error())) break;
      (void)co_await timer_->wait_until(shard_.now() + pause);
    }
    missed_.reset();
  }

  void take_office(std::unique_ptr<M> loaded) {
    MQ_ASSERT(is_up_ && waiting_.empty());
    machine_ = std::move(loaded);
    const auto missed = std::exchange(missed_, std::nullopt);
    carry_out(machine_->finish_loading(time()));
    carry_out(machine_->on_image_changed(*missed, time()));
    if (what_changed_) carry_out(machine_->on_image_changed(what_changed_(*machine_), time()));
  }

  void check_invariants() const {
    MQ_ASSERT(!missed_ || !machine_->is_serving());
    MQ_ASSERT(!is_up_ || clock_at_ <= machine_->next_deadline());
  }

  void carry_out(Effects effects) {
    for (statelog::Append& wanted : effects.appends) append(wanted);
    for (auto& answer : effects.answers) {
      auto waiting = waiting_.extract(answer.to);
      MQ_ASSERT(!waiting.empty());
      waiting.mapped()(std::move(answer.response));
    }
    set_clock();
    check_invariants();
  }

  void append(const statelog::Append& wanted) {
    MQ_ASSERT(is_up_);
    // In a turn of its own: the machine may still be inside the event that asked for this.
    log_.append(wanted.records, [self = this->shared_from_this(), token = wanted.token](ErrorCode error) {
      if (self->is_up_) self->carry_out(self->machine_->on_appended(token, error, self->time()));
    });
  }

  void set_clock() {
    const Instant next = is_up_ ? machine_->next_deadline() : Instant::never();
    if (next >= clock_at_) return;
    const bool runs = clock_at_ != Instant::never();
    clock_at_ = next;
    runs ? timer_->cancel() : tasks_.spawn(run_clock(this->shared_from_this()));
  }

  awaitable<void> run_clock(std::shared_ptr<StateHost> self) {
    while (self->is_up_) {
      clock_at_ = machine_->next_deadline();
      if (clock_at_ == Instant::never()) co_return;
      if (!co_await timer_->wait_until(clock_at_)) continue;
      if (is_up_) carry_out(machine_->on_time(time()));
    }
  }

  env::Shard& shard_;
  env::TaskGroup& tasks_;  ///< where its load and its clock run
  StateLog log_;
  const std::function<std::unique_ptr<M>()> make_;
  WhatChanged what_changed_;
  std::unique_ptr<M> machine_;
  std::unique_ptr<env::Timer> timer_;
  std::map<statelog::RequestToken, Told> waiting_;
  std::uint64_t last_token_ = 0;
  Instant clock_at_ = Instant::never();  ///< what the clock waits for; never: it does not run
  /// While it loads: what became of the metadata meanwhile.
  std::optional<statelog::ImageChange> missed_;
  bool is_up_ = true;
};

}  // namespace mq::broker
