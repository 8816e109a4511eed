#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cluster/image.h"
#include "controller/plan.h"
#include "model/ids.h"

namespace mq::controller {

/// Gives an empty store its cluster. Nothing when it has one. conflict: one is about to come, with all that it has.
[[nodiscard]] Result<Plan> plan_cluster(const cluster::ClusterImage& image, const Uuid& cluster_id);

/// How a broker wants to be known.
struct Registration {
  BrokerId id{-1};
  Uuid directory;  ///< of its data
  Uuid nonce;      ///< of this incarnation, written durably before; zero on a store of its own, which has no sessions
  std::vector<cluster::Endpoint> endpoints;
  std::optional<std::string> rack;
  std::string inter_broker_listener;
  std::vector<std::string> features;
  /// The session that stands is that of an earlier incarnation of this very directory, and its process is gone.
  bool replaces_session = false;
  /// The directory that the id belongs to is gone with its disk, and this one takes its place (`plan_lost_disk`).
  bool takes_over = false;
};

/// On a store of its own a broker is ready at once, its epoch stays, and nothing is written when all is as it was. In a
/// cluster its epoch is one more, it begins as starting, and its session is put with it; that it is drained ends,
/// unless it is the same process. refused: the id belongs to another directory, or was unregistered; conflict: a
/// session of it stands, or a directory that takes over is still counted on as the one before; corrupt: its key cannot
/// be read.
[[nodiscard]] Result<Plan> plan_registration(const cluster::ClusterImage& image, const Registration& registration);

/// The broker becomes ready, or begins to drain. Nothing where it is not registered any more.
[[nodiscard]] Plan plan_broker_state(const cluster::ClusterImage& image, BrokerId id, cluster::BrokerState state);

/// The broker is to lead nothing, or may lead again. It is marked, and stays what it is; the controller then has others
/// lead. Refused where there is no such broker, where it is gone, and where no other could lead.
[[nodiscard]] AskedPlan plan_drain(const cluster::ClusterImage& image, BrokerId id, bool is_wanted);

/// A broker that does not come back leaves the cluster for good: its id is never given again, and what is on its disks
/// counts for nothing any more. Refused while its session stands, and where a partition would have nobody left that has
/// its records. That last is a courtesy of the image's moment, and not compared.
[[nodiscard]] AskedPlan plan_unregistration(const cluster::ClusterImage& image, BrokerId id);

/// The broker becomes the controller, while its session stands, and `acquisition`, a random id, is put on the list of
/// those that there ever were. The revision of that transaction is what all its plans compare (C-2). Nothing where
/// there is a controller, or the broker is not ready.
[[nodiscard]] Plan plan_controller(const cluster::ClusterImage& image, BrokerId id, const Uuid& acquisition);

/// Whoever acquired the controller's lease at `lease` lets it go: it drains, or does not trust its own eyes.
[[nodiscard]] Plan plan_abdication(cluster::Revision lease);

/// The process of the broker's incarnation `epoch` is gone, as far as can be known before its lease ends: a connection
/// to it ended, and another was refused. Its session is erased, and the controller's lease where it had that. Nothing
/// where the guess may not be made: it is not ready, or drains and so ends by itself, or has registered anew.
[[nodiscard]] Plan plan_dead(const cluster::ClusterImage& image, BrokerId id, cluster::BrokerEpoch epoch);

/// Replaces the settings of one broker, or of all when `id` is kNoBroker. The values were checked.
[[nodiscard]] Plan plan_broker_configs(const cluster::ClusterImage& image, BrokerId id, cluster::ConfigMap configs);

/// Producer ids [first, first + count) for whoever commits the plan.
struct ProducerIdBlock {
  std::int64_t first = 0;
  Plan plan;
};
/// corrupt: the counter cannot be read; too_large: there are not so many left.
[[nodiscard]] Result<ProducerIdBlock> plan_producer_ids(const cluster::ClusterImage& image, std::int64_t count);

}  // namespace mq::controller
