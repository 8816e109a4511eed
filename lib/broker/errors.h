#pragma once

#include "base/result.h"
#include "model/error_code.h"

namespace mq::broker {

/// What a client sees for an error of ours. The only place where the two vocabularies meet.
[[nodiscard]] ErrorCode to_wire(const Error& error);

}  // namespace mq::broker
