#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "base/result.h"
#include "broker/metadata_follower.h"
#include "broker/metadata_writer.h"
#include "broker/node_context.h"
#include "broker/peer_watch.h"
#include "cluster/image.h"
#include "config/option.h"
#include "controller/election_plans.h"
#include "controller/plan.h"
#include "controller/reassignment_plans.h"
#include "env/async.h"
#include "model/ids.h"

namespace mq::broker {

/// What operators ask of the whole cluster: other replicas for partitions, elections, brokers that do not come back.
/// Any broker carries it out. A change is committed, then this broker's logs are brought to it, then every shard here
/// has the new image, and then it is answered. What it takes to end, as copying to new replicas, goes on afterwards.
///
/// Lives on the first shard; all calls there.
class Administration {
 public:
  Administration(NodeContext& node, MetadataWriter& writer, MetadataFollower& follower, PeerWatch& peers)
      : node_(node), writer_(writer), follower_(follower), peers_(peers) {}

  struct Move {
    cluster::PartitionPlace place;
    std::optional<controller::Brokers> target;  ///< none: what is going on is called off
  };
  /// One refusal for each, in order; kNone where it is done, or there was nothing to do.
  awaitable<std::vector<controller::Refusal>> reassign(std::vector<Move> moves);
  awaitable<std::vector<controller::Refusal>> elect(std::vector<cluster::PartitionPlace> places,
                                                    controller::Election election);
  awaitable<controller::Refusal> unregister(BrokerId id);
  /// That it is to lead nothing, or may lead again. The controller has others lead afterwards.
  awaitable<controller::Refusal> drain(BrokerId id, bool is_wanted);
  /// Changes what is set for one broker, or for all when `id` is kNoBroker. invalid_argument of `change`:
  /// INVALID_CONFIG.
  using ConfigChange = std::function<Result<void>(config::Overrides&)>;
  awaitable<controller::Refusal> change_config(BrokerId id, ConfigChange change, bool validate_only);

 private:
  /// What they say of their logs who may be elected, where it matters: they may lack records.
  awaitable<std::map<cluster::PartitionPlace, std::vector<controller::LogEnd>>> ask_candidates(
      const std::vector<cluster::PartitionPlace>& places, controller::Election election);
  /// Topics of which a move changes how many replicas they have: they grow by themselves no more.
  awaitable<void> fix_factors(const std::vector<Move>& moves);
  /// Plans one item of a request.
  using PlanOf = std::function<controller::AskedPlan(const cluster::ClusterImage&, std::size_t)>;
  /// What an item changes fits in one transaction. Many go together; what conflicts is planned again, each alone.
  awaitable<std::vector<controller::Refusal>> carry_out(std::size_t count, PlanOf plan);

  NodeContext& node_;
  MetadataWriter& writer_;
  MetadataFollower& follower_;
  PeerWatch& peers_;
};

}  // namespace mq::broker
