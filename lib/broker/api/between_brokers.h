#pragma once

#include "broker/call.h"
#include "model/error_code.h"

namespace mq::broker {

/// Why what only brokers of one cluster may ask of each other is refused (CVE-2018-1288): it has no members, the call
/// did not come in where they reach each other, or who calls may not act for the cluster. kNone: it is not.
[[nodiscard]] ErrorCode refusal_between_brokers(const Call& call);

}  // namespace mq::broker
