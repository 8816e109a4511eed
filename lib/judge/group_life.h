#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <vector>

#include "judge/history.h"

namespace mq::judge {

/// Groups are deleted and begin anew, generations too.
class GroupLives {
 public:
  explicit GroupLives(const History& history);

  /// How often the group had been deleted when `op` met it; `kNone` when that cannot be told.
  [[nodiscard]] std::uint32_t life_of(const Operation& op) const;

 private:
  boost::unordered_flat_map<Name, std::vector<std::pair<Time, Time>>> deletions_;  ///< by group: begin and end of each
};

}  // namespace mq::judge
