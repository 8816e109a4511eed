#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "base/result.h"
#include "broker/all_shards.h"
#include "broker/data_directory.h"
#include "broker/log_keeper.h"
#include "broker/node_context.h"
#include "broker/topics.h"
#include "controller/upkeep_plans.h"
#include "env/async.h"
#include "model/ids.h"

namespace mq::broker {

/// How a start brings the logs to what metadata says, and opens them:
///
///     tidy        what metadata does not name is moved out of the way
///     open        epochs of logs that are lost rise, and they are made again; so are those that were not made yet
///                 the others are opened, each on its shard
///                 epochs of those rise whose recovery could not show that nothing was lost
///
/// On a full disk what needs room is put off: what is whole can be read meanwhile, and what awaits its epoch takes no
/// appends. On the first shard.
class LogOpening {
 public:
  /// All of them outlive it.
  LogOpening(NodeContext& node, StartingShards& shards, Topics& topics, LogKeeper& logs)
      : node_(node), shards_(shards), topics_(topics), logs_(logs) {}

  /// Also forgets the deleted topics of which nothing is left. Returns how many directories are set aside.
  awaitable<Result<std::size_t>> tidy(const Differences& found, ImagePtr image);
  /// Makes the logs that are missing and opens the others. `accepts_store`: the epochs of metadata are not the last
  /// ones, see ClusterJoin.
  awaitable<Result<void>> open(std::vector<Differences::Missing> missing, bool accepts_store);

 private:
  /// What the disk had no room for.
  struct LateWork {
    std::vector<UncertainLog> to_raise;         ///< they take no appends until it is done
    std::vector<Differences::Missing> to_make;  ///< nobody can use them until it is done
  };
  /// False: the disk has no room for it now.
  awaitable<Result<bool>> raise_epochs(const std::vector<UncertainLog>& logs, bool accepts_store);
  awaitable<bool> do_late(std::shared_ptr<LateWork> work);

  NodeContext& node_;
  StartingShards& shards_;
  Topics& topics_;
  LogKeeper& logs_;
};

}  // namespace mq::broker
