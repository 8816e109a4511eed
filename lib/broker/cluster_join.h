#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "broker/adoption.h"
#include "broker/bound_listener.h"
#include "broker/data_directory.h"
#include "broker/membership.h"
#include "broker/metadata_writer.h"
#include "broker/node_context.h"
#include "cluster/image.h"
#include "controller/cluster_plans.h"
#include "controller/plan.h"
#include "env/async.h"
#include "meta/metadata_store.h"
#include "model/ids.h"

namespace mq::broker {

/// How a start makes the broker part of its cluster: it opens the metadata store, finds out whether store and data
/// directory belong together and to this broker, and only then writes to either. What does not fit is refused with what
/// to do about it, and stays as it was.
///
/// The data directory is open, the listeners are bound. On the first shard.
class ClusterJoin {
 public:
  /// All of them outlive it.
  ClusterJoin(NodeContext& node, MetadataWriter& writer, Membership& membership, const Listeners& listeners);

  /// What there is, before anything is written.
  struct Found {
    /// The store that brokers share is not the one that this directory knew: says how. Nothing may be done with it but
    /// look again, until it is that one or an operator has accepted it.
    std::optional<std::string> went_back;
    Differences differences;
    controller::Plan migration;  ///< of a store of an earlier format
    ImagePtr image;              ///< as it is after that
  };
  /// Opens the store. Refuses what does not belong here, and metadata of this broker alone that has gone back in time
  /// unless the operator accepts that. `wanted` is the cluster that this must be, or zero.
  awaitable<Result<Found>> look(Uuid wanted);
  /// The same, of the store that is open.
  awaitable<Result<Found>> look_again();
  /// What clients may be told of a cluster that this broker takes no part in.
  [[nodiscard]] ImagePtr seen_from_outside(const cluster::ClusterImage& image) const;
  /// Returns when the store does not stand where it did at `seen`: after a while at the earliest, and never while it
  /// cannot be reached.
  awaitable<void> wait_for_other(const cluster::ClusterImage& seen);
  /// With what `look` has found: a store of an earlier format is moved, what is empty becomes this cluster, and this
  /// broker is registered in it. Every shard has the image on return.
  awaitable<Result<void>> join(controller::Plan migration, ImagePtr image);
  /// As `look` has found them, of an image since `join`: other brokers write to the store, too.
  awaitable<Result<Differences>> compare_again(ImagePtr image);
  /// All that metadata names is here, and nothing that was given out under what was lost is given out again.
  awaitable<Result<void>> end_acceptance();

  /// Zero before `look`.
  [[nodiscard]] const Uuid& cluster_id() const { return cluster_id_; }
  /// Metadata that has gone back is being accepted: the epochs that it has are not the last ones. Any thread; changed
  /// while no shard opens logs.
  [[nodiscard]] bool accepts_store() const { return accepts_store_; }

 private:
  [[nodiscard]] BrokerId self() const;
  [[nodiscard]] log::LogDir& dir() const { return node_.log_dir(); }
  [[nodiscard]] const std::string& store_name() const;
  /// That the directory is this broker's, as far as it says itself; the broker has its id then, if it has one yet.
  Result<void> check_directory();
  /// That the other brokers of a cluster can be told how to reach this one.
  [[nodiscard]] Result<void> check_listeners() const;
  awaitable<Result<void>> open_store();
  /// All that it has. Waits for a while where another broker's metadata is being moved there.
  awaitable<Result<meta::Listing>> list_store();
  /// Whether this start is to adopt, or to go on with that.
  Result<bool> check_adoption(const std::vector<meta::KeyValue>& there) const;
  awaitable<Result<Found>> look_at_own(const std::vector<meta::KeyValue>& there);
  [[nodiscard]] bool is_ours(const cluster::Adoption& adoption) const;
  awaitable<Result<void>> make_cluster();
  /// Whether this directory is to take over the id of one that is gone. Waits for a session that may be about to end.
  awaitable<Result<bool>> check_replaced(const cluster::ClusterImage& image);
  /// Nobody counts any more on what that one had.
  awaitable<Result<void>> give_up_disk();
  void tell_given_up(const cluster::ClusterImage& image) const;
  awaitable<Result<Differences>> find_differences(const cluster::ClusterImage& image, Look look);
  awaitable<Result<void>> check_store(meta::Revision revision, Found& found);
  /// That the transaction which was remembered is the one that made its revision in this store, as far as it can tell.
  awaitable<Result<std::optional<std::string>>> check_history(meta::Revision revision);
  /// An operator has accepted the store for this broker, which has not followed it yet.
  [[nodiscard]] bool is_accepted(const cluster::ClusterImage& image) const;
  /// It has now.
  awaitable<Result<void>> note_acceptance();
  /// Which cluster this is.
  Result<void> settle_id(const Uuid& of_store);
  /// Metadata that is lost must not look like "no data" (F-16).
  [[nodiscard]] std::unexpected<Error> no_metadata(std::string_view what) const;
  awaitable<Result<void>> join_alone();
  awaitable<Result<void>> join_others();
  [[nodiscard]] bool is_taken(BrokerId id) const;  ///< by another directory
  /// The next one that no broker has had.
  void choose_id();
  /// Says in it whose it is, durably, unless it does.
  awaitable<Result<void>> name_directory();
  [[nodiscard]] controller::Registration registration() const;

  NodeContext& node_;
  MetadataWriter& writer_;
  Membership& membership_;
  const Listeners& listeners_;
  Adoption adoption_;
  bool adopts_ = false;
  bool takes_over_ = false;
  Uuid wanted_;
  Uuid cluster_id_;
  bool accepts_store_ = false;
  bool is_id_open_ = false;  ///< nobody has said which id this broker is to have
};

}  // namespace mq::broker
