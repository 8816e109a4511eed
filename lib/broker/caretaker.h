#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "base/time.h"
#include "broker/history_keeper.h"
#include "broker/metadata_writer.h"
#include "broker/node_context.h"
#include "broker/peer_watch.h"
#include "cluster/image.h"
#include "controller/election_plans.h"
#include "controller/plan.h"
#include "env/async.h"
#include "model/ids.h"

namespace mq::broker {

/// What a broker does for the whole cluster while it holds the controller's lease, and how it comes by that and lets it
/// go: takes brokers that are gone out of the ISRs and elects leaders, and when that is done ends reassignments whose
/// replicas are in sync, gives topics the replicas that there were no brokers for, and has the first of its replicas
/// lead a partition again. It also has the store forget what was changed long ago. On a store of its own there is
/// nothing to do.
///
/// On the first shard; one call at a time.
class Caretaker {
 public:
  Caretaker(NodeContext& node, MetadataWriter& writer, PeerWatch& peers)
      : node_(node), writer_(writer), peers_(peers) {}

  /// Once in a while, and when the image has changed.
  awaitable<void> look_after_cluster();
  /// The store cannot be reached: who could not renew its session either comes back.
  void lost_store() { trusts_absence_at_ = Instant::never(); }

 private:
  /// Who is there, and in which incarnation.
  using Members = std::map<BrokerId, std::pair<cluster::BrokerEpoch, bool>>;

  awaitable<void> forget_changes(cluster::Revision until);
  awaitable<void> take_lease();
  /// About to stop, it leaves the rest to another one, if there is any.
  awaitable<void> let_lease_go();
  [[nodiscard]] bool holds_lease(const cluster::ClusterImage& image) const;
  void note_members(const cluster::ClusterImage& image);
  [[nodiscard]] controller::Circumstances circumstances_in(const cluster::ClusterImage& image) const;
  [[nodiscard]] std::vector<controller::Case> cases_in(const cluster::ClusterImage& image) const;
  /// Where more than one may be elected, what the candidates say of their logs.
  awaitable<void> ask_candidates(const cluster::ClusterImage& image, std::vector<controller::Case>& cases);
  enum class Among : std::uint8_t { all, undrained };
  /// Whether anybody else could be the controller.
  [[nodiscard]] bool is_another_ready(const cluster::ClusterImage& image, Among among) const;
  /// Whether another one should be: this one does not trust its own eyes, or is drained.
  [[nodiscard]] bool yields(const cluster::ClusterImage& image) const;
  /// What can wait until everything is led.
  [[nodiscard]] std::vector<controller::Plan> improvements_of(const cluster::ClusterImage& image);
  /// Partitions whose first replica does not lead, though it could for a while already.
  [[nodiscard]] std::vector<controller::Case> not_preferred_in(const cluster::ClusterImage& image);
  [[nodiscard]] BrokerId self() const { return node_.config().node_id; }

  NodeContext& node_;
  MetadataWriter& writer_;
  PeerWatch& peers_;
  std::optional<cluster::Revision> lease_;  ///< that we hold, as far as was seen
  /// From then on who has no session is gone; before that it may be on its way.
  Instant trusts_absence_at_ = Instant::never();
  Members members_;  ///< at the last look
  Instant members_changed_at_;
  Instant looked_at_;
  cluster::Revision seen_ = cluster::kNoRevision;  ///< nothing was to be done there
  HistoryKeeper history_;
  /// Since when the first replica of these could lead, and does not.
  std::map<cluster::PartitionPlace, Instant> not_preferred_since_;
};

}  // namespace mq::broker
