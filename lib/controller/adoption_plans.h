#pragma once

#include <span>

#include "base/result.h"
#include "cluster/transaction.h"
#include "controller/plan.h"
#include "model/ids.h"

namespace mq::controller {

/// A broker that was alone and is to be the first of a cluster.
struct Adopter {
  BrokerId id;
  Uuid directory;  ///< of its data
  Uuid nonce;      ///< that its directory knows, so that its first registration in the cluster goes on from this one
};

/// Moves what the broker's own store holds, `own`, into a store of others that is empty, or holds what an earlier plan
/// of this function has brought there; `there` is everything in it. `own` is of the format of today and has a cluster.
///
/// The first transaction puts `adopting`, while there is no cluster: nobody joins from then on, and what an earlier
/// attempt has sent can take no effect any more. The last, which says whose cluster this is, erases it: before that one
/// is sent, the directory has to say durably that it belongs to the store. A plan that was cut off anywhere is gone on
/// with by another one, also where `own` has changed meanwhile. Empty: the last has taken effect.
///
/// Left out are who was alive and who was controller, which a store of its own knows nothing of, and other brokers:
/// this one is known as one that is not there, until it registers. Topics of our own get the settings that they have in
/// a cluster. What cannot be read is taken along as it is.
///
/// refused: another directory's metadata is being moved there, or the store is in use; corrupt: it cannot be read
/// which. Each says in its message what is there.
[[nodiscard]] Result<Plan> plan_adoption(std::span<const cluster::KeyValue> own,
                                         std::span<const cluster::KeyValue> there, const Adopter& adopter);

}  // namespace mq::controller
