#include "judge/group_life.h"

namespace mq::judge {

GroupLives::GroupLives(const History& history) {
  for (const Operation& op : history.operations)
    if (op.action == Action::delete_group && op.outcome != Outcome::fail)
      deletions_[op.group].emplace_back(op.invoked, op.settled());
}

std::uint32_t GroupLives::life_of(const Operation& op) const {
  const auto deleted = deletions_.find(op.group);
  if (deleted == deletions_.end()) return 0;
  std::uint32_t life = 0;
  for (const auto& [begin, end] : deleted->second) {
    if (op.invoked > end) {
      ++life;
    } else if (op.completed >= begin) {
      return kNone;
    }
  }
  return life;
}

}  // namespace mq::judge
