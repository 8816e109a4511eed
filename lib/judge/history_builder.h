#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "judge/event.h"
#include "judge/history.h"

namespace mq::judge {

/// Makes a history of events: puts those of all files in one order and each completion to its invocation.
///
/// Whoever has events fills `history` (names, files, elements, faults, phases), `events` and `answers`, and calls
/// `finish`.
class HistoryBuilder {
 public:
  History history;
  std::vector<Event> events;
  std::vector<SendAnswer> answers;
  std::optional<Run> run;

  /// invalid_argument: the events do not fit together; the message says where and how.
  [[nodiscard]] Result<History> finish() &&;
  /// "FILE:LINE".
  [[nodiscard]] std::string place_of(Line line) const;

 private:
  struct Open {
    std::int64_t number = 0;
    std::uint32_t operation = 0;
  };

  [[nodiscard]] Result<void> put_in_order();
  [[nodiscard]] Result<void> pair_up();
  [[nodiscard]] Result<void> begin(const Event& event, std::vector<Open>& open);
  [[nodiscard]] Result<void> complete(const Event& event, std::vector<Open>& open);
  [[nodiscard]] Result<void> fill_sends(const Event& event, Operation& op);
  void take_over(const Event& event, Operation& op) const;
};

}  // namespace mq::judge
