#pragma once

#include <memory>
#include <vector>

#include "base/result.h"
#include "broker/node_context.h"
#include "cluster/image.h"
#include "controller/adoption_plans.h"
#include "env/async.h"
#include "log/log_dir.h"
#include "meta/metadata_store.h"

namespace mq::broker {

/// How a broker that was alone becomes the first member of a cluster: what its own store holds is moved into the
/// cluster's, once, and no byte of a log.
///
///     look      reads both stores, and refuses what cannot be adopted; nothing is written
///     perform   all is there: `adopting` with everything - the directory says that it belongs to the cluster's store -
///               the cluster's key, without `adopting`
///     tidy      the file of the store that it had before has another name
///
/// Each is durable before the next begins (C-12), and a stop or a crash amid it is gone on with by a start that does
/// the same. Until the directory says so the broker may as well go on alone. On the first shard.
class Adoption {
 public:
  explicit Adoption(NodeContext& node) : node_(node) {}

  struct Found {
    meta::Revision revision;  ///< of the broker's own store
    std::shared_ptr<const cluster::ClusterImage> image;
  };
  /// `there` is all that the cluster's store holds. The directory has an identity.
  awaitable<Result<Found>> look(const std::vector<meta::KeyValue>& there);
  /// Goes on for a while where `store` does not answer. The directory may be written to.
  awaitable<Result<void>> perform(meta::MetadataStore& store);
  /// Any start of a member does, whether there is something to do or not.
  awaitable<Result<void>> tidy();

 private:
  awaitable<Result<void>> write_identity();
  /// Nothing to do where another one has done it, of which no answer came.
  awaitable<Result<void>> attempt(meta::MetadataStore& store);
  /// The directory belongs to the cluster's store from now on, durably.
  awaitable<Result<void>> change_sides();
  [[nodiscard]] std::unexpected<Error> told(Error error) const;

  NodeContext& node_;
  log::DirIdentity identity_;
  controller::Adopter adopter_;
  std::unique_ptr<meta::MetadataStore> own_;
  Instant answered_at_;                  ///< by the cluster's store, the last time
  std::vector<meta::KeyValue> entries_;  ///< of it, in the format of today
};

}  // namespace mq::broker
