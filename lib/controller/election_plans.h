#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "cluster/image.h"
#include "controller/membership.h"
#include "controller/plan.h"
#include "model/ids.h"

namespace mq::controller {

// What the controller does for partitions that nobody asks for: whoever is gone leaves the ISRs at once, and where the
// leader is gone, or about to be, another is elected.

/// What a candidate says of its log.
struct LogEnd {
  BrokerId broker;
  LeaderEpoch last_epoch = kNoLeaderEpoch;
  Offset end{0};
};

/// What the controller knows of a partition beside the image.
struct Circumstances {
  std::vector<LogEnd> answers;  ///< of the candidates, those that came; none decide nothing: the order of replicas does
  bool has_waited = false;      ///< the session timeout has passed since the first of the last in sync was ready
  /// Those without a session who are not taken for dead yet: while a controller is new, or had lost the store, it
  /// cannot know since when they have none.
  Brokers spared;
  bool is_unclean_wanted = false;    ///< an operator wants a leader, whatever is lost
  bool is_preferred_wanted = false;  ///< the first of the replicas is to lead, if it is in sync
};

/// On what ground candidates may lead (I-6): the first that has any.
enum class Ground : std::uint8_t {
  none,          ///< nobody may, for now
  in_sync,       ///< they are in the ISR
  eligible,      ///< they are in the ELR, and nobody in the ISR can lead
  last_in_sync,  ///< ISR and ELR are empty, since everybody in them may have lost something. Unclean
  any_replica,   ///< the topic or an operator allows that records are lost. Unclean
};

struct Candidacy {
  bool is_due = false;  ///< a leader is to be elected: there is none, or another is better
  Ground ground = Ground::none;
  Brokers candidates;  ///< in the order of replicas
};

/// Whether the partition is to get a leader now, and who may be it. With more than one candidate the controller asks
/// them for their logs, and waits 50 ms for that.
[[nodiscard]] Candidacy candidacy_of(const cluster::ClusterImage& image, const cluster::Partition& partition,
                                     const TopicSettings& settings, const Circumstances& circumstances = {});

/// Whether the controller has anything to do for the partition.
[[nodiscard]] bool needs_care(const cluster::ClusterImage& image, const cluster::Partition& partition,
                              const TopicSettings& settings, const Circumstances& circumstances = {});

/// A partition to look after.
struct Case {
  cluster::PartitionPlace place;
  Circumstances circumstances;
};

enum class Election : std::uint8_t {
  preferred,  ///< the first of the replicas is to lead, if it is in sync
  unclean     ///< somebody is to lead, whatever is lost, where nobody does
};

/// Who may be elected because a client asks for it; empty where nobody is to be. More than one are asked for their
/// logs.
[[nodiscard]] Brokers candidates_of_election(const cluster::ClusterImage& image, const cluster::PartitionPlace& place,
                                             Election election, const SettingsOf& settings_of);

/// Elects a leader because a client asks for it, as the image has it: nobody is taken for dead who was not already, and
/// no lease is compared. Refused as in Kafka, and where somebody leads already or is about to without any loss.
[[nodiscard]] AskedPlan plan_election(const cluster::ClusterImage& image, const cluster::PartitionPlace& place,
                                      Election election, const SettingsOf& settings_of,
                                      const std::vector<LogEnd>& answers = {});

/// Takes who is gone out of the ISRs of these partitions, and elects: the greatest log of the candidates, in a leader
/// epoch above the partition's and that log's own. Where the leader is gone and nobody may lead, nobody does. `lease`
/// is the revision at which the caller acquired the controller's lease (C-2). Each transaction compares that, its
/// partitions, and the registrations and sessions of everybody on whose being there, or not, it rests. They do not rest
/// on each other: a conflict is planned again with a newer image.
[[nodiscard]] Plan plan_care(const cluster::ClusterImage& image, cluster::Revision lease, std::span<const Case> cases,
                             const SettingsOf& settings_of);

}  // namespace mq::controller
