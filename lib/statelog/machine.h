#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/time.h"
#include "model/error_code.h"
#include "statelog/effects.h"

namespace mq::statelog {

/// A state machine whose state is what the records of one partition of an internal topic say: what a coordinator is,
/// without its log. Events come in, effects go out; no I/O.
///
///     loading --finish_loading--> serving --unload--> unloaded
///        \___________________unload______________________/
///
/// Its life: `replay` of every record of the partition, `finish_loading`, then requests (which each machine adds),
/// time, image changes and the outcome of its appends, at last `unload`. A request is an event like the others: it gets
/// a token and returns effects. It is answered exactly once, in the effects of its own event or of a later one; before
/// `finish_loading` with COORDINATOR_LOAD_IN_PROGRESS, after `unload` with NOT_COORDINATOR (see `not_serving`).
///
/// A machine derives from this with the type of its answers and overrides the private functions, which are called while
/// it is serving only. One thread, nothing suspends.
template <class R>
class Machine {
 public:
  using Response = R;
  using Effects = statelog::Effects<R>;
  using Replayed = statelog::Replayed;

  Machine() = default;
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;
  virtual ~Machine() = default;

  /// One record of the partition, in log order; `value` of nothing is a tombstone.
  [[nodiscard]] Replayed replay(BytesView key, std::optional<BytesView> value) {
    MQ_ASSERT(phase_ == Phase::loading);
    return take(key, value);
  }
  /// That was all of them.
  [[nodiscard]] Effects finish_loading(Time time) {
    MQ_ASSERT(phase_ == Phase::loading);
    phase_ = Phase::serving;
    return loaded(time);
  }
  [[nodiscard]] bool is_serving() const { return phase_ == Phase::serving; }

  /// The append is committed (kNone) or failed and will never be in the log. Once for each, in any order.
  [[nodiscard]] Effects on_appended(AppendToken token, ErrorCode error, Time time) {
    return is_serving() ? appended(token, error, time) : Effects{};
  }
  [[nodiscard]] Effects on_image_changed(const ImageChange& change, Time time) {
    return is_serving() ? image_changed(change, time) : Effects{};
  }
  /// When `on_time` has something to do; `Instant::never()` when it has not. Changes with every event.
  [[nodiscard]] Instant next_deadline() const { return is_serving() ? first_deadline() : Instant::never(); }
  [[nodiscard]] Effects on_time(Time time) { return is_serving() ? time_passed(time) : Effects{}; }
  /// Another broker leads the partition, or this one stops: whoever waits is answered with NOT_COORDINATOR, and nothing
  /// is appended any more.
  [[nodiscard]] Effects unload() {
    Effects effects = is_serving() ? end_requests() : Effects{};
    effects.appends.clear();
    phase_ = Phase::unloaded;
    forget();
    return effects;
  }

  /// Asserts what must hold after every event. May cost as much as there is state.
  virtual void check_invariants() const = 0;

 protected:
  /// What a request is refused with, if it is.
  [[nodiscard]] std::optional<ErrorCode> not_serving() const {
    switch (phase_) {
      case Phase::loading:
        return ErrorCode::kCoordinatorLoadInProgress;
      case Phase::serving:
        return std::nullopt;
      case Phase::unloaded:
        return ErrorCode::kNotCoordinator;
    }
    std::unreachable();
  }

 private:
  enum class Phase : std::uint8_t { loading, serving, unloaded };

  [[nodiscard]] virtual Replayed take(BytesView key, std::optional<BytesView> value) = 0;
  [[nodiscard]] virtual Effects loaded(Time time) = 0;
  [[nodiscard]] virtual Effects appended(AppendToken token, ErrorCode error, Time time) = 0;
  [[nodiscard]] virtual Effects image_changed(const ImageChange& change, Time time) = 0;
  [[nodiscard]] virtual Instant first_deadline() const = 0;
  [[nodiscard]] virtual Effects time_passed(Time time) = 0;
  /// Answers whoever waits with NOT_COORDINATOR.
  [[nodiscard]] virtual Effects end_requests() = 0;
  /// Nothing of its state is needed any more.
  virtual void forget() = 0;

  Phase phase_ = Phase::loading;
};

}  // namespace mq::statelog
