#pragma once

#include <string>
#include <utility>

#include "group/policy.h"
#include "group/step.h"

namespace mq::group {

/// Steps for the parts of one group, without a coordinator: what they want done is for the test to do.
struct Steps {
  Step at(Duration now = 0s) const { return {policy, id, {.now = Instant{now}, .wall = 1'000'000}}; }
  /// The end of an append that a step wanted.
  Step end(WantedAppend& append, ErrorCode error = ErrorCode::kNone) const {
    Step step = at();
    append.then(step, error);
    return step;
  }

  Policy policy{.settings = {}, .new_member_suffix = [] { return std::string("x"); }, .room = {}};
  std::string id = "g";
};

}  // namespace mq::group
