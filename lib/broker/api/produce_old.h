#pragma once

#include "broker/call.h"

namespace mq::broker {

/// Answers Produce in the versions that are advertised only.
void produce_old(Call call);

}  // namespace mq::broker
