#pragma once

#include "sim/life/stage.h"

namespace mq::sim {

/// Sends records to the topics of its plan until the stage is over, with the habits of another project's client: how it
/// tries again, numbers its batches and raises its epoch. Only our connection and our encoding are used.
///
/// Habit::java: the epoch is raised by the client itself, at once, and only the partition that needs it begins anew;
/// topics are named by id. Habit::librdkafka: everything in flight is waited for, a new epoch is asked for with
/// InitProducerId, and all partitions begin anew; a gap at the head is fatal; topics are named by name.
[[nodiscard]] ActorProgram produce_as_others_do();

}  // namespace mq::sim
