#pragma once

#include "sim/life/stage.h"

namespace mq::sim {

/// Makes the topics of the life's plan, however long it takes, and ends.
[[nodiscard]] ActorProgram make_the_topics();

/// Changes and asks for things at random until the stage is over: topics that come and go, partitions, settings,
/// records to delete, ends of logs, offsets of groups.
[[nodiscard]] ActorProgram administer_until_the_end();

}  // namespace mq::sim
