#include "controller/election_plans.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

#include "base/assert.h"
#include "base/mutant.h"
#include "cluster/keys.h"
#include "cluster/values.h"
#include "controller/packer.h"

namespace mq::controller {
namespace {

using cluster::ClusterImage;
using cluster::Partition;

/// Whether it may be elected.
bool may_lead(const ClusterImage& image, BrokerId id) {
  return is_mutant("readyearly") ? image.is_alive(id) : image.is_ready(id);
}

Brokers only_electable(const ClusterImage& image, const Partition& partition, const Brokers& among) {
  Brokers electable;
  for (const BrokerId id : partition.replicas)
    if (is_among(among, id) && may_lead(image, id)) electable.push_back(id);
  return electable;
}

bool is_anybody_alive(const ClusterImage& image, const Brokers& brokers) {
  return std::ranges::any_of(brokers, [&](BrokerId id) { return image.is_alive(id); });
}

bool is_gone(const ClusterImage& image, BrokerId id, const Circumstances& circumstances) {
  if (is_there(image, id)) return false;
  const cluster::Broker* broker = image.find_broker(id);
  // A controller that is new has not seen whose session ended, and when; who was about to end has
  // done so (I-14).
  const bool is_spared =
      is_among(circumstances.spared, id) && !image.sessions().contains(id) && !is_mutant("sparenone");
  return !is_spared || broker == nullptr || broker->state != cluster::BrokerState::ready;
}

bool is_led(const ClusterImage& image, const Partition& partition, const Circumstances& circumstances) {
  return partition.leader != kNoBroker && !is_gone(image, partition.leader, circumstances) &&
         image.find_broker(partition.leader)->epoch == partition.leader_broker_epoch;
}

/// The partition without those in its ISR that are gone (I-3). Their logs are as they were, for all that is known.
Partition without_gone(const ClusterImage& image, const Partition& known, const TopicSettings& settings,
                       const Circumstances& circumstances) {
  Brokers isr;
  for (const BrokerId id : known.isr)
    if (!is_gone(image, id, circumstances) || (is_mutant("gonestays") && id != known.leader)) isr.push_back(id);
  Partition next = known;
  if (isr != known.isr) set_isr(next, std::move(isr), settings.insync_replicas_min);
  return next;
}

bool is_draining(const ClusterImage& image, BrokerId id) {
  return image.find_broker(id)->state == cluster::BrokerState::draining;
}

/// Who may lead, where `next` is already without those that are gone.
Candidacy candidacy_without_gone(const ClusterImage& image, const Partition& next, const TopicSettings& settings,
                                 const Circumstances& circumstances) {
  // All of these have what was committed. Below, where the greatest log counts, it does not matter who is drained.
  const auto best_among = [&](const Brokers& brokers) {
    return undrained_if_any(image, only_electable(image, next, brokers));
  };
  Candidacy candidacy{.is_due = true, .ground = Ground::in_sync, .candidates = best_among(next.isr)};
  if (!candidacy.candidates.empty()) return candidacy;
  candidacy.ground = Ground::eligible;
  candidacy.candidates = best_among(next.elr);
  if (!candidacy.candidates.empty()) return candidacy;

  const Brokers& last = next.last_in_sync;
  if (next.isr.empty() && next.elr.empty() && !last.empty() && !is_mutant("nobodyleft")) {
    candidacy.ground = Ground::last_in_sync;
    candidacy.candidates = only_electable(image, next, last);
    const bool is_complete = candidacy.candidates.size() == last.size() || is_mutant("lastearly");
    if (!candidacy.candidates.empty() && (is_complete || circumstances.has_waited)) return candidacy;
  }
  // Where the topic allows it: not while somebody better is on the way.
  const bool is_hope_left =
      is_anybody_alive(image, next.isr) || is_anybody_alive(image, next.elr) || is_anybody_alive(image, last);
  if (circumstances.is_unclean_wanted || (settings.unclean_leader_election && !is_hope_left)) {
    candidacy.ground = Ground::any_replica;
    candidacy.candidates = only_electable(image, next, next.replicas);
    if (!candidacy.candidates.empty()) return candidacy;
  }
  return {};
}

/// Who leads takes records and has followers; another one is only better where it has everything, too.
Candidacy candidacy_beside_leader(const ClusterImage& image, const Partition& next,
                                  const Circumstances& circumstances) {
  Brokers others = without(only_electable(image, next, next.isr), {next.leader});
  Ground ground = Ground::in_sync;
  if (is_draining(image, next.leader)) {
    if (others.empty()) {
      ground = Ground::eligible;
      others = only_electable(image, next, next.elr);
    }
    if (!others.empty()) return {.is_due = true, .ground = ground, .candidates = undrained_if_any(image, others)};
    return {};
  }
  others = undrained(image, std::move(others));
  if (image.is_drained(next.leader)) {
    if (!others.empty()) return {.is_due = true, .ground = ground, .candidates = std::move(others)};
  } else if (circumstances.is_preferred_wanted && is_among(others, next.replicas.front())) {
    return {.is_due = true, .ground = ground, .candidates = {next.replicas.front()}};
  }
  return {};
}

Candidacy candidacy_in(const ClusterImage& image, const Partition& next, const TopicSettings& settings,
                       const Circumstances& circumstances) {
  return is_led(image, next, circumstances) ? candidacy_beside_leader(image, next, circumstances)
                                            : candidacy_without_gone(image, next, settings, circumstances);
}

const LogEnd* answer_of(const std::vector<LogEnd>& answers, BrokerId id) {
  const auto at = std::ranges::find(answers, id, &LogEnd::broker);
  return at == answers.end() ? nullptr : &*at;
}

/// The greatest log; of equal ones, and where nobody has answered, the first replica's. Who is silent while others
/// answer is passed over.
BrokerId elected_of(const Candidacy& candidacy, const std::vector<LogEnd>& answers) {
  MQ_ASSERT(!candidacy.candidates.empty());
  BrokerId elected = kNoBroker;
  std::tuple<LeaderEpoch, Offset> greatest;
  for (const BrokerId id : candidacy.candidates) {
    const LogEnd* answer = answer_of(answers, id);
    if (answer == nullptr || is_mutant("firstleads")) continue;
    const std::tuple log{answer->last_epoch, answer->end};
    if (elected != kNoBroker && log <= greatest) continue;
    elected = id;
    greatest = log;
  }
  return elected == kNoBroker ? candidacy.candidates.front() : elected;
}

void set_leader(Partition& next, const ClusterImage& image, Ground ground, BrokerId leader,
                const TopicSettings& settings) {
  if (ground == Ground::in_sync || ground == Ground::eligible) {
    Brokers isr = next.isr;
    if (!is_among(isr, leader)) isr.push_back(leader);
    set_isr(next, std::move(isr), settings.insync_replicas_min);
  } else {
    next.isr = {leader};
    next.elr.clear();
    next.unclean_since = next.leader_epoch;
  }
  next.last_in_sync.clear();
  next.leader = leader;
  next.leader_broker_epoch = image.find_broker(leader)->epoch;
}

/// What is to become of the partition; the same when nothing has to.
struct Cared {
  Partition next;
  std::set<BrokerId> brokers;  ///< on whose being there or not it rests
  Ground ground = Ground::none;
};

Cared care_for(const ClusterImage& image, const Partition& known, const TopicSettings& settings,
               const Circumstances& circumstances) {
  Cared cared{.next = without_gone(image, known, settings, circumstances), .brokers = {}};
  Partition& next = cared.next;
  for (const BrokerId id : without(known.isr, next.isr)) cared.brokers.insert(id);
  const bool was_led = is_led(image, next, circumstances);
  const Candidacy candidacy = candidacy_in(image, next, settings, circumstances);
  if (candidacy.is_due) {
    const BrokerId leader = elected_of(candidacy, circumstances.answers);
    const LogEnd* log = answer_of(circumstances.answers, leader);
    if (known.leader != kNoBroker) cared.brokers.insert(known.leader);
    cared.brokers.insert(leader);
    cared.ground = candidacy.ground;
    next.leader_epoch = epoch_after(known.leader_epoch, log ? log->last_epoch : kNoLeaderEpoch);
    set_leader(next, image, candidacy.ground, leader, settings);
  } else if (!was_led && known.leader != kNoBroker) {
    cared.brokers.insert(known.leader);
    next.leader = kNoBroker;
    next.leader_epoch = epoch_after(known.leader_epoch, kNoLeaderEpoch);
  }
  if (next != known) ++next.partition_epoch;
  return cared;
}

}  // namespace

Candidacy candidacy_of(const ClusterImage& image, const Partition& partition, const TopicSettings& settings,
                       const Circumstances& circumstances) {
  return candidacy_in(image, without_gone(image, partition, settings, circumstances), settings, circumstances);
}

bool needs_care(const ClusterImage& image, const Partition& partition, const TopicSettings& settings,
                const Circumstances& circumstances) {
  return care_for(image, partition, settings, circumstances).next != partition;
}

namespace {

/// Puts what became of the partition, compared with what that rests on.
Group changed(const ClusterImage& image, const cluster::PartitionPlace& place, const cluster::Topic& topic,
              const Partition& known, const Cared& cared) {
  Group group{.compares = as_seen(image, is_mutant("electblind") ? std::set<BrokerId>() : cared.brokers),
              .ops = {cluster::put_partition(place.topic, place.index, cared.next)}};
  group.compares.push_back(as_known(group.ops.front().key, known.revision));
  // Whether records may be lost stands in the topic's settings.
  if (cared.ground == Ground::any_replica)
    group.compares.push_back(as_known(cluster::topic_key(topic.name), topic.revision));
  return group;
}

/// Why somebody whom an operator has asked for is not elected beside a leader.
const char* why_not(const ClusterImage& image, const Partition& partition, BrokerId id) {
  if (!image.is_ready(id)) return "not ready";
  return is_among(partition.isr, id) && image.is_drained(id) ? "drained" : "not in sync";
}

/// Who an operator asks for waits for nobody. Who is gone is the controller's business.
Circumstances circumstances_of(const ClusterImage& image, Election election, const std::vector<LogEnd>& answers) {
  const bool is_preferred = election == Election::preferred;
  Circumstances circumstances{.answers = answers,
                              .has_waited = !is_preferred,
                              .spared = {},
                              .is_unclean_wanted = !is_preferred,
                              .is_preferred_wanted = is_preferred};
  for (const auto& [id, broker] : image.brokers())
    if (!image.sessions().contains(id)) circumstances.spared.push_back(id);
  return circumstances;
}

}  // namespace

Brokers candidates_of_election(const ClusterImage& image, const cluster::PartitionPlace& place, Election election,
                               const SettingsOf& settings_of) {
  const cluster::Topic* topic = image.find_topic(place.topic);
  const Partition* known = topic ? topic->find_partition(place.index) : nullptr;
  if (known == nullptr) return {};
  return candidacy_of(image, *known, settings_of(*topic), circumstances_of(image, election, {})).candidates;
}

AskedPlan plan_election(const ClusterImage& image, const cluster::PartitionPlace& place, Election election,
                        const SettingsOf& settings_of, const std::vector<LogEnd>& answers) {
  const cluster::Topic* topic = image.find_topic(place.topic);
  const Partition* known = topic ? topic->find_partition(place.index) : nullptr;
  if (known == nullptr) return AskedPlan::refused(ErrorCode::kUnknownTopicOrPartition, "there is no such partition");
  const bool is_preferred = election == Election::preferred;
  const BrokerId first = known->replicas.front();
  const bool has_wanted =
      is_preferred ? has_leader(image, *known) && known->leader == first : has_leader(image, *known);
  if (has_wanted)
    return AskedPlan::refused(ErrorCode::kElectionNotNeeded,
                              fmt::format("broker {} leads it already", known->leader.value()));
  const Cared cared = care_for(image, *known, settings_of(*topic), circumstances_of(image, election, answers));
  const bool is_elected =
      cared.next.leader != kNoBroker && (is_preferred ? cared.next.leader == first : cared.ground != Ground::none);
  if (!is_elected && is_preferred)
    return AskedPlan::refused(
        ErrorCode::kPreferredLeaderNotAvailable,
        fmt::format("broker {}, which is to lead it first, is {}", first.value(), why_not(image, *known, first)));
  if (!is_elected) return AskedPlan::refused(ErrorCode::kEligibleLeadersNotAvailable, "none of its replicas is ready");
  AskedPlan planned;
  Group group = changed(image, place, *topic, *known, cared);
  planned.plan.transactions.push_back(
      {.compares = std::move(group.compares), .ops = std::move(group.ops), .write_id = {}});
  return planned;
}

Plan plan_care(const ClusterImage& image, cluster::Revision lease, std::span<const Case> cases,
               const SettingsOf& settings_of) {
  Packer packer;
  for (const Case& each : cases) {
    const cluster::Topic* topic = image.find_topic(each.place.topic);
    const Partition* known = topic ? topic->find_partition(each.place.index) : nullptr;
    if (known == nullptr) continue;
    const Cared cared = care_for(image, *known, settings_of(*topic), each.circumstances);
    if (cared.next == *known) continue;
    Group group = changed(image, each.place, *topic, *known, cared);
    if (!is_mutant("leaseonly"))
      group.compares.push_back(cluster::Compare::modified_at(cluster::controller_key(), lease));
    packer.add(std::move(group));
  }
  return {.transactions = std::move(packer).take(), .guard = std::nullopt};
}

}  // namespace mq::controller
