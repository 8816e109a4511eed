#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/time.h"

namespace mq::statelog {

/// When each of many things is looked at next. Whoever is looked at says anew when that is to be again: a deadline that
/// moves back need not be told, so that a heartbeat costs nothing here.
class Wakes {
 public:
  /// Lies in the thing, which neither moves nor goes before `forget`.
  class Wake {
   public:
    /// Never: it is not looked at.
    [[nodiscard]] Instant at() const { return at_; }

   private:
    friend class Wakes;
    Instant at_ = Instant::never();
  };

  /// The thing called `name` is looked at no later than `when`; an earlier time stays. `name` lies in the thing too.
  void wake_by(Wake& wake, std::string_view name, Instant when) {
    if (wake.at_ <= when) return;
    forget(wake, name);
    wake.at_ = when;
    order_.emplace(std::pair(when, name), &wake);
  }
  void forget(Wake& wake, std::string_view name) {
    if (wake.at_ == Instant::never()) return;
    order_.erase({wake.at_, name});
    wake.at_ = Instant::never();
  }
  /// The names of those whose time has come, the earliest first. They are not looked at again before they ask for it.
  [[nodiscard]] std::vector<std::string> take_due(Instant now) {
    std::vector<std::string> due;
    while (!order_.empty() && order_.begin()->first.first <= now) {
      due.emplace_back(order_.begin()->first.second);
      order_.begin()->second->at_ = Instant::never();
      order_.erase(order_.begin());
    }
    return due;
  }
  /// Never when nobody is to be looked at.
  [[nodiscard]] Instant next() const { return order_.empty() ? Instant::never() : order_.begin()->first.first; }
  [[nodiscard]] std::size_t size() const { return order_.size(); }
  void check_invariants() const {
    for (const auto& [key, wake] : order_) MQ_ASSERT(wake->at_ == key.first && key.first != Instant::never());
  }

 private:
  std::map<std::pair<Instant, std::string_view>, Wake*> order_;
};

}  // namespace mq::statelog
