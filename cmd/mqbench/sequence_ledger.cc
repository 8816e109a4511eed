#include "sequence_ledger.h"

#include <algorithm>
#include <iterator>

namespace mq::mqbench {

void NumberRanges::add(std::uint64_t first, std::uint64_t end) {
  if (first >= end) return;
  auto at = ranges_.upper_bound(first);
  if (at != ranges_.begin() && std::prev(at)->second >= first) --at;
  while (at != ranges_.end() && at->first <= end) {
    first = std::min(first, at->first);
    end = std::max(end, at->second);
    at = ranges_.erase(at);
  }
  ranges_.emplace(first, end);
}

bool NumberRanges::contains(std::uint64_t number) const {
  const auto after = ranges_.upper_bound(number);
  return after != ranges_.begin() && std::prev(after)->second > number;
}

bool NumberRanges::remove(std::uint64_t number) {
  if (!contains(number)) return false;
  const auto at = std::prev(ranges_.upper_bound(number));
  const auto [first, end] = *at;
  ranges_.erase(at);
  add(first, number);
  add(number + 1, end);
  return true;
}

SequenceLedger::Verdict SequenceLedger::note(std::uint64_t sequence) {
  if (sequence < next_) return missing_.remove(sequence) ? Verdict::reordered : Verdict::duplicate;
  missing_.add(next_, sequence);
  next_ = sequence + 1;
  return Verdict::in_order;
}

NumberRanges SequenceLedger::lost(const Acknowledged& acknowledged) const {
  NumberRanges absent = missing_;
  absent.add(next_, acknowledged.end);
  NumberRanges lost;
  for (const auto& [absent_first, absent_end] : absent.ranges()) {
    std::uint64_t first = absent_first;
    const std::uint64_t end = std::min(absent_end, acknowledged.end);
    for (const auto& [given_up_first, given_up_end] : acknowledged.given_up.ranges()) {
      if (given_up_end <= first || given_up_first >= end) continue;
      lost.add(first, given_up_first);
      first = given_up_end;
    }
    lost.add(first, end);
  }
  return lost;
}

}  // namespace mq::mqbench
