#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "cluster/image.h"
#include "cluster/transaction.h"
#include "controller/membership.h"
#include "controller/plan.h"
#include "controller/upkeep_plans.h"
#include "model/ids.h"

namespace mq::controller {

// What brokers write of ISRs themselves: a leader of those of its partitions, and one that starts of its own part.

/// An ISR that a leader wants, as its replica proposes it.
struct IsrChange {
  struct Member {
    BrokerId id;
    cluster::BrokerEpoch broker_epoch = cluster::kNoBrokerEpoch;  ///< of its last fetch
    bool is_new = false;                                          ///< it is not in the ISR that the leader knows
  };
  cluster::PartitionPlace place;
  std::int32_t partition_epoch = 0;  ///< of the key that the leader knows
  std::vector<Member> isr;           ///< the leader first
  Brokers lost;                      ///< who has less than what it acknowledged: neither in ISR nor in ELR any more
  int conflicts = 0;                 ///< so many transactions that it was in have conflicted
};

/// Transactions that have nothing to do with each other: a conflict of one says nothing of the others.
struct IsrPlan {
  struct Batch {
    cluster::Transaction transaction;
    std::vector<std::size_t> changes;  ///< that are in it, by index
  };
  std::vector<Batch> batches;
  /// These cannot be, as the image has it, and nothing that was sent of them earlier can take effect any more: nobody
  /// that they would add is ready, in the incarnation that has fetched. The replica is told `refused`.
  std::vector<std::size_t> refused;
  /// The image has another key of the partition than the leader knows, or another leader: the replica learns it from
  /// the image.
  std::vector<std::size_t> outdated;
};

/// The ISRs that `self`, which leads them, wants (I-4). Each transaction compares the keys of its partitions, the
/// registrations and sessions of `self` and of everybody who is added, who has to be ready and of the broker epoch that
/// fetched (I-2, KIP-903). Who is added and is not ready is left out.
///
/// Of a change whose transaction conflicted, the caller counts that in `conflicts` and plans it again with an image
/// that is newer than the conflict: the first time it goes with few others, from the second on alone. One whose outcome
/// nobody knows is planned again, too: where the key is as it was, the same may take effect twice, and does so once.
[[nodiscard]] IsrPlan plan_isr_changes(const cluster::ClusterImage& image, BrokerId self,
                                       std::span<const IsrChange> changes, const SettingsOf& settings_of);

/// A broker that starts, is registered, and is not ready yet, leaves every ISR and ELR where its log may lack something
/// that it had acknowledged, with a new leader epoch; who did so while nobody leads is remembered as the last in sync.
/// A replica that is the only one stays, in a new epoch (I-8). The image must not be older than the broker's
/// registration; the broker is ready once an image shows that a plan of this function is empty. `logs` are those in
/// doubt: lost, or of flush class `async` after an unclean stop, or cut below their synced end.
[[nodiscard]] Plan plan_stepping_out(const cluster::ClusterImage& image, BrokerId self,
                                     std::span<const UncertainLog> logs, const SettingsOf& settings_of);

/// The disk of broker `id` is gone, and its id is to be `directory`'s: first nobody may count on what was on that disk
/// (I-17). It leaves every ISR and ELR, and those who were in sync last, since it has less than any other replica; each
/// time in a new leader epoch. Who is the only replica stays, and leads no longer: an election begins another epoch
/// (I-8). Each transaction compares that the registration is as it was, and that no session of it stands. Empty: nobody
/// counts on it any more, or the id is the directory's already.
///
/// refused: there is no such broker, or it was unregistered; conflict: a session of it stands; corrupt: its key cannot
/// be read.
[[nodiscard]] Result<Plan> plan_lost_disk(const cluster::ClusterImage& image, BrokerId id, const Uuid& directory,
                                          const SettingsOf& settings_of);

}  // namespace mq::controller
