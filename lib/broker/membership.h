#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "base/result.h"
#include "base/time.h"
#include "broker/all_shards.h"
#include "broker/metadata_writer.h"
#include "broker/node_context.h"
#include "cluster/image.h"
#include "controller/cluster_plans.h"
#include "env/async.h"
#include "env/event.h"
#include "env/shard.h"
#include "env/task_group.h"

namespace mq::broker {

/// This broker's place in a cluster, whose store several brokers share: a session, under which its registration counts.
///
///     join           a nonce is on disk, a session begins, the broker is registered under both, as starting
///     become_ready   its logs are open, and what may have lost something has left its ISRs: it may lead
///     ...            should the store end the session, it registers anew, under the next broker epoch
///     drain          others lead what they can
///     leave          the session ends, and everybody sees that it is gone
///
/// On a store of its own there is nothing to do for any of these but `join`, which is not called. On the first shard.
class Membership {
 public:
  Membership(NodeContext& node, AllShards& shards, MetadataWriter& writer);

  /// `registration` lacks the nonce. Waits until the session of an earlier incarnation has ended. refused: the id is
  /// another directory's, or this directory is a copy or of an earlier time.
  awaitable<Result<void>> join(controller::Registration registration);
  awaitable<Result<void>> become_ready();
  /// At a stop, while it serves. Returns when nothing is left that another one could lead, or after a few seconds, also
  /// when the store is not there.
  awaitable<void> drain();
  /// When nobody is served any more.
  awaitable<void> leave();

 private:
  [[nodiscard]] BrokerId self() const { return node_.config().node_id; }
  /// That the store knows no incarnation of this directory that the directory does not know.
  [[nodiscard]] Result<void> check_directory() const;
  /// Has a new one in the directory, durably.
  awaitable<Result<void>> note_nonce();
  /// A session has begun.
  awaitable<Result<void>> register_until(Instant patience);
  /// What is registered is this incarnation, under the session that has begun last.
  [[nodiscard]] bool is_registered_anew() const;
  [[nodiscard]] bool is_registered() const;
  [[nodiscard]] bool has_registered() const { return node_.broker_epoch.load() != cluster::kNoBrokerEpoch; }
  awaitable<Result<void>> write_state(cluster::BrokerState state);
  awaitable<void> keep_session();
  awaitable<Result<void>> renew();
  awaitable<void> note_answer(Instant asked, bool is_there);
  /// Sets `ended` when others lead, or nothing can be done about it.
  struct HandOver {
    explicit HandOver(env::Shard& home) : ended(home) {}
    env::Event ended;
    bool has_ended = false;
    Result<void> outcome;
  };
  awaitable<void> hand_over(std::shared_ptr<HandOver> handing, Instant until);
  /// The store has taken us for gone, or others have. Our logs are as they were: only the incarnation is another.
  awaitable<void> begin_anew(bool has_session);
  [[nodiscard]] bool could_others_lead() const;

  NodeContext& node_;
  AllShards& shards_;
  MetadataWriter& writer_;
  controller::Registration registration_;
  Duration ttl_{0};  ///< that the store has granted
  bool has_joined_ = false;
  bool is_ready_ = false;
  bool is_draining_ = false;
  std::optional<std::pair<Instant, meta::Revision>> learning_;  ///< what the store had told when, and is not known yet
  bool is_leaving_ = false;                                     ///< the session is not kept any more
  bool is_displaced_ = false;  ///< another process has registered with this directory, or a copy of it
  std::unique_ptr<env::Timer> timer_;
  env::TaskGroup tasks_;
};

}  // namespace mq::broker
