#pragma once

#include <cstdint>
#include <map>

namespace mq::mqbench {

/// Whole numbers as disjoint ranges. Small when the numbers are mostly neighbours.
class NumberRanges {
 public:
  using Map = std::map<std::uint64_t, std::uint64_t>;  ///< first -> one past the last
  void add(std::uint64_t first, std::uint64_t end);
  /// False: it was not there.
  bool remove(std::uint64_t number);
  [[nodiscard]] bool contains(std::uint64_t number) const;
  [[nodiscard]] const Map& ranges() const { return ranges_; }

 private:
  Map ranges_;
};

/// Which sequences of one producer in one partition a broker acknowledged, and which the producer gave up: those may be
/// in the log or not.
struct Acknowledged {
  std::uint64_t end = 0;  ///< everything before it was acknowledged, but for `given_up`
  NumberRanges given_up;
};

/// Reads the sequences of one producer in one partition in the order of the log and says what is wrong.
class SequenceLedger {
 public:
  enum class Verdict { in_order, reordered, duplicate };
  Verdict note(std::uint64_t sequence);
  /// Acknowledged sequences that were never read, as ranges.
  [[nodiscard]] NumberRanges lost(const Acknowledged& acknowledged) const;

 private:
  std::uint64_t next_ = 0;
  NumberRanges missing_;  ///< below `next_`
};

}  // namespace mq::mqbench
