#pragma once

#include "sim/life/stage.h"

namespace mq::sim {

/// Sends records to the topics of its plan, in bursts, until the stage is over; with our own client.
[[nodiscard]] ActorProgram produce_until_the_end();

}  // namespace mq::sim
