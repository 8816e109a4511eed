#pragma once

#include <span>

#include "base/result.h"
#include "cluster/transaction.h"
#include "controller/plan.h"
#include "model/ids.h"

namespace mq::controller {

/// Moves a store of format 1 (`cluster/format1.h`), of which `entries` is everything, to the format of today. Nothing
/// when there is nothing to move. `self` is the broker whose store it is; no other one uses it meanwhile.
///
/// The first transaction puts the cluster's key in the new format, so that an earlier mqd refuses a store that is half
/// moved, and the last puts the cluster's level. A topic's chunks go once its own key has the new form. A move that was
/// cut off anywhere is gone on with by another plan of this function.
///
/// What cannot be read stays as it is: the new format's reader tells it, and does not serve it. corrupt, unsupported:
/// the cluster's own key cannot be read.
[[nodiscard]] Result<Plan> plan_migration(std::span<const cluster::KeyValue> entries, BrokerId self);

}  // namespace mq::controller
