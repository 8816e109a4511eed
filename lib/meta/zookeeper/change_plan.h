#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "base/time.h"
#include "meta/zookeeper/connection.h"
#include "meta/zookeeper/copy.h"
#include "meta/zookeeper/node_data.h"
#include "meta/zookeeper/node_names.h"

namespace mq::meta {

/// The node `head` as it was read: its version tells whether it is still so.
struct HeadAt {
  Head said;
  std::int32_t version = 0;
};

/// One transaction as one change of ZooKeeper. Pure.
struct ChangePlan {
  /// What an op is there for, and so what it means when it cannot be done.
  enum class Part {
    head,     ///< the change is the next one; else somebody else wrote
    session,  ///< the session lasts
    entry,    ///< its entry in the log; else nodes are not as our changes leave them
    rest,     ///< keys and old changes, likewise
  };
  std::vector<NodeOp> ops;
  std::vector<Part> parts;  ///< of each op
  Head head;                ///< afterwards

  void add(Part part, NodeOp op);
};

/// `entry` as the change that follows `head`, of which `copy` is: what is there is what the copy says. `session`: the
/// change is made only while it lasts (kNoSession: always). `now` says which old changes go.
[[nodiscard]] ChangePlan plan_change(const NodeNames& names, const Copy& copy, const HeadAt& head,
                                     const LogEntry& entry, SessionId session, WallMillis now);
/// The same for nodes that are not as the copy says: `there` are those of `nodes_of(plan)` that exist.
[[nodiscard]] ChangePlan corrected(ChangePlan plan, const std::set<std::string>& there);
/// The nodes that `plan` makes, sets or erases, but `head`.
[[nodiscard]] std::vector<std::string> nodes_of(const ChangePlan& plan);

/// Makes an empty store, whose parent node exists already.
[[nodiscard]] std::vector<NodeOp> plan_store(const NodeNames& names);

}  // namespace mq::meta
