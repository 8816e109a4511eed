#pragma once

#include <memory>
#include <vector>

#include "broker/leader_wishes.h"
#include "broker/metadata_writer.h"
#include "broker/node_context.h"
#include "controller/isr_plans.h"
#include "env/async.h"
#include "env/shard.h"
#include "env/task_group.h"

namespace mq::broker {

/// Puts the ISRs that the leaders of this broker want into the keys of their partitions (I-4): those that come within a
/// few ten milliseconds in few transactions. One that conflicts is made again of what the store has then, in smaller
/// ones. A leader hears of what was committed with the image.
///
/// `wish` on any thread, all else on the first shard.
class IsrWriter final : public LeaderWishes {
 public:
  IsrWriter(NodeContext& node, MetadataWriter& writer);

  void wish(IsrWish wanted) override;
  void wish(EpochWish wanted) override;
  /// After Life::begin_stop: returns when nothing is written any more. Who is left is told nothing.
  awaitable<void> stop();

 private:
  struct Pending {
    IsrWish wanted;
    int conflicts = 0;
  };
  void begin();
  awaitable<void> run();
  awaitable<void> raise_epochs(std::vector<EpochWish> wanted);
  awaitable<void> write(std::vector<Pending> wanted);
  /// Commits what `plan` has of them. Returns those that conflicted.
  awaitable<std::vector<Pending>> carry_out(controller::IsrPlan plan, std::vector<Pending>& wanted);
  [[nodiscard]] controller::IsrPlan plan(const std::vector<Pending>& wanted) const;

  NodeContext& node_;
  MetadataWriter& writer_;
  std::vector<Pending> isrs_;
  std::vector<EpochWish> epochs_;
  bool is_running_ = false;
  std::unique_ptr<env::Timer> timer_;
  env::TaskGroup tasks_;
};

}  // namespace mq::broker
