#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <numeric>
#include <utility>
#include <vector>

#include "judge/history.h"

namespace mq::judge {

/// A number that an operation was told, and that must not be less than what was told to anybody before.
struct Observation {
  Time invoked = 0;
  Time completed = kNever;
  std::int64_t number = 0;  ///< what is held against the floor
  std::int64_t floor = 0;   ///< what it adds to the floor of operations that begin later
  std::uint32_t operation = kNone;
  bool is_judged = true;
  bool is_floor = true;
};

/// Calls `judge(observation, floor)` for every judged observation that began when another was over: `floor` is the one
/// with the greatest `floor` of those. In the order in which they began.
template <class Judge>
void against_floors(const std::vector<Observation>& all, const Judge& judge) {
  std::vector<std::uint32_t> by_begin(all.size());
  std::iota(by_begin.begin(), by_begin.end(), 0u);
  const auto begins = [&](std::uint32_t at) { return std::pair(all[at].invoked, at); };
  if (!std::ranges::is_sorted(by_begin, {}, begins)) std::ranges::sort(by_begin, {}, begins);

  using End = std::pair<Time, std::uint32_t>;
  std::vector<End> open;  // a heap of what has begun, first what is over first
  const Observation* floor = nullptr;
  for (const std::uint32_t at : by_begin) {
    for (; !open.empty() && open.front().first < all[at].invoked; open.pop_back()) {
      std::ranges::pop_heap(open, std::greater{});
      const Observation& other = all[open.back().second];
      if (!floor || other.floor > floor->floor) floor = &other;
    }
    if (floor && all[at].is_judged) judge(all[at], *floor);
    if (!all[at].is_floor || all[at].completed == kNever) continue;
    open.emplace_back(all[at].completed, at);
    std::ranges::push_heap(open, std::greater{});
  }
}

}  // namespace mq::judge
