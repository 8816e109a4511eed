#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "group/effects.h"
#include "model/error_code.h"

namespace mq::group {

struct Policy;
struct WantedAppend;

/// One event at one group: when it happens, what is decided by, and what the parts of the group want done. The
/// coordinator makes one, gives it to the group, and carries out what it finds in it.
struct Step {
  /// What goes on when an append is committed (kNone) or has failed: in a step of its own, in log order. May keep the
  /// part of the group that it belongs to, which counts the append as in progress and so does not go before.
  using Then = std::move_only_function<void(Step&, ErrorCode)>;

  Step(const Policy& policy, const std::string& group_id, Time time);
  Step(Step&&) noexcept = default;
  ~Step();

  void answer(RequestToken to, Response response) { answers.push_back({to, std::move(response)}); }
  void append(std::vector<Record> records, Then then);

  const Policy& policy;
  const std::string& group_id;
  const Time time;

  std::vector<Answer> answers;
  std::vector<WantedAppend> appends;
  std::uint64_t generations_begun = 0;
};

struct WantedAppend {
  std::vector<Record> records;
  Step::Then then;
};

inline Step::Step(const Policy& by, const std::string& at, Time when) : policy(by), group_id(at), time(when) {}
inline Step::~Step() = default;
inline void Step::append(std::vector<Record> records, Then then) {
  appends.push_back({std::move(records), std::move(then)});
}

}  // namespace mq::group
