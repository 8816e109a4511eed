#pragma once

#include <cstdint>

#include "judge/history.h"

namespace mq::judge {

/// One line of a history about an operation: that it was asked for, or what came of it. Two make an `Operation`.
struct Event {
  enum class Type : std::uint8_t { invoke, ok, fail, info };
  Time at = 0;
  std::int64_t process = 0;
  std::int64_t number = 0;    ///< `i`: rises within a process
  std::int64_t answers = -1;  ///< `of`: the number of the invocation; -1: of the only one that is open
  Name client = 0;
  Name group = 0;
  Name member = 0;
  Name topic = 0;
  Name error = 0;
  std::int32_t generation = -1;
  Range sends;  ///< of an invocation in `History::sends`, of a completion in `HistoryBuilder::answers`
  Range reads;
  Range points;
  Line line;
  Action action = Action::other;
  Type type = Type::invoke;
  std::int8_t acks = kAcksOfRun;
  std::int8_t idempotent = -1;  ///< -1: as the run says
  Isolation isolation = Isolation::read_uncommitted;
  bool is_from_follower = false;
  bool has_answers = false;  ///< a completion says of each send what came of it

  static constexpr std::int8_t kAcksOfRun = 127;
};

/// What a completion says of one send.
struct SendAnswer {
  std::int64_t value = 0;
  std::int64_t offset = kNoOffset;
  Name key = 0;
};

}  // namespace mq::judge
