#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "judge/anomaly.h"
#include "judge/history.h"

namespace mq::judge {

/// One thing that was seen and should not have been.
struct Finding {
  std::string text;  ///< sentences: who saw what where, with the lines that show it
  std::uint32_t allowed_by = kNoCircumstance;
};

/// What the passes found, by kind: all are counted, the first few kept with their words.
class Findings {
 public:
  static constexpr std::size_t kKept = 10;  ///< of each kind, broken and allowed each

  struct Kind {
    std::size_t looked_at = 0;  ///< how many things could have shown it
    std::size_t broken = 0;
    std::size_t allowed = 0;
    std::vector<Finding> first_broken;
    std::vector<Finding> first_allowed;
  };

  explicit Findings(const History& history);

  /// Something of this kind was seen under these circumstances. `say()` returns its sentences; it is called only when
  /// they are kept.
  template <class Say>
  void add(Anomaly anomaly, std::uint32_t circumstances, const Say& say) {
    const std::uint32_t allowed_by = circumstances & row_of(anomaly).allowed_when;
    Kind& kind = kinds_[static_cast<std::size_t>(anomaly)];
    ++(allowed_by ? kind.allowed : kind.broken);
    std::vector<Finding>& kept = allowed_by ? kind.first_allowed : kind.first_broken;
    if (kept.size() < kKept) kept.push_back({say(), allowed_by});
  }
  void looked_at(Anomaly anomaly, std::size_t things = 1) {
    kinds_[static_cast<std::size_t>(anomaly)].looked_at += things;
  }
  [[nodiscard]] const Kind& kind(Anomaly anomaly) const { return kinds_[static_cast<std::size_t>(anomaly)]; }

  /// The worst time that a reader was behind the newest acknowledged record (A32).
  Time lag_worst = 0;
  std::string lag_worst_text;

  /// What excuses that records are gone, or their offsets given to others, that were acknowledged with `acks` or seen
  /// after `seen` and missed at `missed`.
  [[nodiscard]] std::uint32_t loss_circumstances(std::int8_t acks, Time seen, Time missed) const;
  /// The same of what groups keep: their committed offsets and generations.
  [[nodiscard]] std::uint32_t offsets_loss_circumstances(Time seen, Time missed) const;
  /// Whether anything was done to the brokers between the two.
  [[nodiscard]] bool has_fault_between(Time from, Time to) const;

  /// How people are told of an operation: "cons-1, at 3.250000 s (reader.jsonl:77)".
  [[nodiscard]] std::string asked(const Operation& op) const;
  [[nodiscard]] std::string told(const Operation& op) const;
  [[nodiscard]] std::string seconds(Time at) const;
  [[nodiscard]] std::string line(Line line) const;

 private:
  [[nodiscard]] std::uint32_t power_loss(FlushClass flush, Time from, Time to) const;
  [[nodiscard]] bool is_named_between(std::string_view fault, Time from, Time to) const;

  const History& history_;
  std::array<Kind, kAnomalies> kinds_;
  bool lost_power_widely_ = false;  ///< as many brokers as min.insync.replicas, at any time
};

}  // namespace mq::judge
