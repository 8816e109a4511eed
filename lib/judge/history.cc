#include "judge/history.h"

#include <algorithm>
#include <utility>

namespace mq::judge {

const char* to_string(Action action) {
  switch (action) {
    case Action::send:
      return "send";
    case Action::poll:
      return "poll";
    case Action::txn:
      return "txn";
    case Action::assign:
      return "assign";
    case Action::subscribe:
      return "subscribe";
    case Action::reset:
      return "reset";
    case Action::commit:
      return "commit";
    case Action::committed:
      return "committed";
    case Action::join:
      return "join";
    case Action::sync:
      return "sync";
    case Action::heartbeat:
      return "heartbeat";
    case Action::leave:
      return "leave";
    case Action::list_offsets:
      return "list_offsets";
    case Action::delete_records:
      return "delete_records";
    case Action::delete_topic:
      return "delete_topic";
    case Action::create_topic:
      return "create_topic";
    case Action::delete_group:
      return "delete_group";
    case Action::crash:
      return "crash";
    case Action::other:
      return "other";
  }
  std::unreachable();
}

const char* to_string(Phase::Name name) {
  switch (name) {
    case Phase::Name::warmup:
      return "warmup";
    case Phase::Name::faults:
      return "faults";
    case Phase::Name::heal:
      return "heal";
    case Phase::Name::liveness:
      return "liveness";
    case Phase::Name::final:
      return "final";
    case Phase::Name::done:
      return "done";
  }
  std::unreachable();
}

Time History::begin_of(Phase::Name phase) const {
  const auto mark = std::ranges::find(phases, phase, &Phase::name);
  return mark == phases.end() ? kNever : mark->at;
}

}  // namespace mq::judge
