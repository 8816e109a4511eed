#pragma once

#include <memory>

#include "base/result.h"
#include "base/time.h"
#include "broker/all_shards.h"
#include "broker/metadata_writer.h"
#include "broker/node_context.h"
#include "controller/cluster_plans.h"
#include "env/async.h"
#include "env/shard.h"
#include "env/task_group.h"

namespace mq::broker {

/// This broker's place in a cluster, whose store several brokers share: a session, under which its registration counts.
///
///     join           a nonce is on disk, a session begins, the broker is registered under both, as starting
///     become_ready   its logs are open, and what may have lost something has left its ISRs: it may lead
///     ...            should the store end the session, it registers anew, under the next broker epoch
///     leave          the session ends, and everybody sees that it is gone
///
/// On a store of its own there is nothing to do for any of these. On the first shard.
class Membership {
 public:
  Membership(NodeContext& node, AllShards& shards, MetadataWriter& writer);

  /// `registration` lacks the nonce. Waits until the session of an earlier incarnation has ended. refused: the id is
  /// another directory's, or this directory is a copy or of an earlier time.
  awaitable<Result<void>> join(controller::Registration registration);
  awaitable<Result<void>> become_ready();
  /// At a stop, when nobody is served any more.
  awaitable<void> leave();

 private:
  /// That the store knows no incarnation of this directory that the directory does not know.
  [[nodiscard]] Result<void> check_directory() const;
  awaitable<Result<void>> note_nonce();
  awaitable<Result<void>> register_now();
  awaitable<Result<void>> write_ready();
  awaitable<void> keep_session();
  awaitable<void> begin_anew();
  [[nodiscard]] BrokerId self() const { return node_.config().node_id; }

  NodeContext& node_;
  AllShards& shards_;
  MetadataWriter& writer_;
  controller::Registration registration_;
  Duration ttl_{0};  ///< that the store has granted
  bool is_member_ = false;
  bool is_ready_ = false;
  bool is_leaving_ = false;
  std::unique_ptr<env::Timer> timer_;
  env::TaskGroup tasks_;
};

}  // namespace mq::broker
