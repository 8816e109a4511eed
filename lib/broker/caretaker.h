#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "broker/metadata_writer.h"
#include "broker/node_context.h"
#include "cluster/image.h"
#include "controller/election_plans.h"
#include "env/async.h"

namespace mq::broker {

/// What a broker does for the whole cluster while it holds the controller's lease, and how it comes by that: takes
/// brokers that are gone out of the ISRs and elects leaders. On a store of its own there is nothing to do.
///
/// On the first shard; one call at a time.
class Caretaker {
 public:
  Caretaker(NodeContext& node, MetadataWriter& writer) : node_(node), writer_(writer) {}

  /// Once in a while, and when the image has changed.
  awaitable<void> look_after_cluster();

 private:
  /// Who is there, and in which incarnation.
  using Members = std::map<BrokerId, std::pair<cluster::BrokerEpoch, bool>>;

  awaitable<void> take_lease();
  [[nodiscard]] bool holds_lease(const cluster::ClusterImage& image) const;
  [[nodiscard]] std::vector<controller::Case> cases_in(const cluster::ClusterImage& image) const;
  [[nodiscard]] controller::TopicSettings settings_of(const cluster::Topic& topic) const;

  NodeContext& node_;
  MetadataWriter& writer_;
  std::optional<cluster::Revision> lease_;  ///< that we hold, as far as was seen
  Instant held_since_;
  Members members_;  ///< at the last look
  Instant members_changed_at_;
  Instant looked_at_;
  cluster::Revision seen_ = cluster::kNoRevision;  ///< nothing was to be done there
};

}  // namespace mq::broker
