#pragma once

#include <string>

#include "sim/life/stage.h"

namespace mq::client {
class Admin;
}

namespace mq::sim {

/// How long a client of a life waits for one thing that it asked for.
inline constexpr Duration kPatience = 5s;

/// Asks for all that the group has committed, once.
awaitable<void> look_up_committed(Actor actor, client::Admin& admin, std::string group);

/// Reads the topics of its plan from their begins, and begins anew where it is thrown out, until the stage is over.
[[nodiscard]] ActorProgram read_until_the_end();

/// Reads every partition of every topic that is there from its begin to its end, looks up what the groups of the plan
/// have committed, and ends.
[[nodiscard]] ActorProgram read_everything();

/// Reads the topics of its plan as a member of its group, and commits, until the stage is over.
[[nodiscard]] ActorProgram be_a_member_until_the_end();

}  // namespace mq::sim
