#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "model/error_code.h"
#include "statelog/effects.h"

namespace mq::statelog {

/// The appends of one machine that are on their way, each with what is to be done when it is committed or has failed.
/// These come back in the order of the log, not in that of the news about them: state follows the log.
template <class Then>
class PendingAppends {
 public:
  /// An append whose outcome is known, and those of all before it.
  struct Ended {
    Then then;
    ErrorCode error;  ///< kNone: it is committed
  };

  [[nodiscard]] AppendToken add(Then then) {
    const AppendToken token{first_ + pending_.size()};
    pending_.push_back({std::move(then), std::nullopt});
    return token;
  }
  /// The outcome of one of them, once for each. Take what has ended thereby with `next_ended`, until there is none.
  void end(AppendToken token, ErrorCode error) {
    MQ_ASSERT(token.value() >= first_ && token.value() < first_ + pending_.size());
    Pending& pending = pending_[token.value() - first_];
    MQ_ASSERT(!pending.error);
    pending.error = error;
  }
  [[nodiscard]] std::optional<Ended> next_ended() {
    if (pending_.empty() || !pending_.front().error) return std::nullopt;
    Pending first = std::move(pending_.front());
    pending_.pop_front();
    ++first_;
    return Ended{std::move(first.then), *first.error};
  }
  /// Nobody will hear of them any more. In log order.
  [[nodiscard]] std::vector<Then> give_up() {
    std::vector<Then> all;
    first_ += pending_.size();
    for (Pending& pending : std::exchange(pending_, {})) all.push_back(std::move(pending.then));
    return all;
  }
  [[nodiscard]] std::size_t size() const { return pending_.size(); }
  /// Between events: whoever told an end has taken what has ended.
  void check_invariants() const { MQ_ASSERT(pending_.empty() || !pending_.front().error); }

 private:
  struct Pending {
    Then then;
    std::optional<ErrorCode> error;
  };
  std::uint64_t first_ = 1;  ///< the token of the first one
  std::deque<Pending> pending_;
};

}  // namespace mq::statelog
