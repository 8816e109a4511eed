#pragma once

#include <cstddef>
#include <functional>
#include <set>
#include <vector>

#include "cluster/image.h"
#include "controller/packer.h"
#include "model/ids.h"

namespace mq::controller {

// Who is in the ISR and the ELR of one partition: the steps that plans are made of.

/// What plans have to know of the settings that are in force for a topic.
struct TopicSettings {
  std::size_t insync_replicas_min = 1;
  bool unclean_leader_election = false;
};
using SettingsOf = std::function<TopicSettings(const cluster::Topic&)>;

using Brokers = std::vector<BrokerId>;
[[nodiscard]] bool is_among(const Brokers& brokers, BrokerId id);
/// In the order of `brokers`.
[[nodiscard]] Brokers without(Brokers brokers, const Brokers& left_out);

/// Whether it takes part in replication: its session stands and it is not starting.
[[nodiscard]] bool is_there(const cluster::ClusterImage& image, BrokerId id);
/// Whether the incarnation that leads is there. One that begins to drain leads on.
[[nodiscard]] bool has_leader(const cluster::ClusterImage& image, const cluster::Partition& partition);

/// Without those that an operator wants to lead nothing.
[[nodiscard]] Brokers undrained(const cluster::ClusterImage& image, Brokers brokers);
/// The same, but all of them where nobody would be left: that a partition is led comes before who leads it.
[[nodiscard]] Brokers undrained_if_any(const cluster::ClusterImage& image, Brokers brokers);

/// min.insync.replicas, or all replicas where these are fewer. Those that are being added do not count, so that a
/// partition that grows does not come under its minimum by that.
[[nodiscard]] std::size_t effective_min(const cluster::Partition& partition, std::size_t insync_replicas_min);

/// Gives the partition this ISR. Who leaves it while it is below the minimum stays eligible, as those do that were;
/// with the minimum in it nobody else is (I-7, KIP-966). `lost` may have lost something: they are neither. Epochs are
/// left to the caller.
void set_isr(cluster::Partition& partition, Brokers isr, std::size_t insync_replicas_min, const Brokers& lost = {});

/// Whether the partition rests on what the broker has: it is in sync or eligible, was so last, or leads as the only
/// one.
[[nodiscard]] bool counts_on(const cluster::Partition& partition, BrokerId id);

/// The next epoch of a partition: above its own, and above the latest in a log. One that no log can have come to is
/// rot, which no CRC covers, and not believed.
[[nodiscard]] LeaderEpoch epoch_after(LeaderEpoch known, LeaderEpoch in_log);

/// That these are registered, and alive or not, as the image has them: what a plan has decided on the word of the
/// image.
[[nodiscard]] std::vector<cluster::Compare> as_seen(const cluster::ClusterImage& image,
                                                    const std::set<BrokerId>& brokers);

}  // namespace mq::controller
