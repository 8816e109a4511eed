#pragma once

#include <optional>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "cli/value_error.h"
#include "model/ids.h"

namespace mq::mqctl {

/// Other replicas for a partition: `1,2,3` names them all, in order of preference; `2>4` has broker 4 instead of 2.
struct ReplicaChange {
  std::vector<BrokerId> all{};                             ///< empty: it is an exchange
  std::vector<std::pair<BrokerId, BrokerId>> exchanges{};  ///< several: `2>4,3>5`

  /// Nothing where it does not concern the partition: none of those that are to go is a replica.
  [[nodiscard]] std::optional<std::vector<BrokerId>> of(const std::vector<BrokerId>& replicas) const;
};

[[nodiscard]] cli::Parsed<ReplicaChange> parse_replica_change(std::string_view text);

}  // namespace mq::mqctl
