#include "controller/cluster_plans.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "base/assert.h"
#include "base/mutant.h"
#include "cluster/keys.h"
#include "cluster/values.h"
#include "controller/membership.h"
#include "controller/packer.h"

namespace mq::controller {
namespace {

using cluster::ClusterImage;
using cluster::Compare;
using cluster::Op;

Plan single(std::vector<Compare> compares, std::vector<Op> ops) {
  Plan plan;
  plan.transactions.push_back({.compares = std::move(compares), .ops = std::move(ops), .write_id = {}});
  return plan;
}

/// That the key is as the image has it, read or not.
Compare as_known_or_defect(const ClusterImage& image, std::string key, cluster::Revision revision) {
  if (const cluster::Defect* defect = image.defects().find(key)) revision = defect->revision;
  return as_known(std::move(key), revision);
}

/// Whether it was, or may have been.
bool is_unregistered(const ClusterImage& image, BrokerId id) {
  return image.unregistered().contains(id) || image.defects().contains(cluster::unregistered_key(id));
}

bool is_counted_on(const ClusterImage& image, BrokerId id) {
  for (const cluster::TopicPtr& topic : image.topics())
    for (const cluster::Partition& partition : topic->partitions)
      if (counts_on(partition, id)) return true;
  for (const auto& [place, partition] : image.loose_partitions())
    if (counts_on(*partition, id)) return true;
  return false;
}

/// Whether nobody but the broker may have all records of the partition.
bool is_last_hope(const cluster::Partition& partition, BrokerId id) {
  const auto is_other = [id](BrokerId one) { return one != id; };
  if (std::ranges::any_of(partition.isr, is_other) || std::ranges::any_of(partition.elr, is_other)) return false;
  if (!partition.isr.empty() || !partition.elr.empty()) return true;
  return !partition.last_in_sync.empty() && std::ranges::none_of(partition.last_in_sync, is_other);
}

}  // namespace

Result<Plan> plan_cluster(const ClusterImage& image, const Uuid& cluster_id) {
  if (!image.cluster_id().is_zero()) return Plan{};
  if (const std::optional<cluster::Adoption>& adoption = image.adoption())
    return fail(Errc::conflict, "what broker {} has in its directory {} is still being moved there",
                adoption->broker.value(), adoption->directory.to_string());
  return single({Compare::absent(cluster::cluster_key()), Compare::absent(cluster::level_key()),
                 Compare::absent(cluster::adopting_key())},
                {cluster::put_cluster(cluster_id), cluster::put_level(cluster::kLevel)});
}

Result<Plan> plan_registration(const ClusterImage& image, const Registration& registration) {
  const BrokerId id = registration.id;
  const std::string key = cluster::broker_key(id);
  const cluster::Broker* known = image.find_broker(id);
  const bool has_session = !registration.nonce.is_zero();
  if (has_session && is_unregistered(image, id))
    return fail(Errc::refused,
                "broker {} was unregistered, and its id is never given again: start this broker with an empty "
                "directory and another id, or none",
                id.value());
  if (const cluster::Defect* defect = image.defects().find(key); defect != nullptr && has_session)
    return fail(Errc::corrupt, "{}", defect->message);
  // Whose it is once it is for ever, and each incarnation has a greater epoch than the one before (I-9).
  const bool is_ours = known == nullptr || known->directory == registration.directory || is_mutant("anydirectory");
  if (has_session && !is_ours && !registration.takes_over)
    return fail(Errc::refused,
                "broker id {} belongs to another data directory, {}, and this one is {}; if the disk with that one is "
                "gone for good, start this broker with --disk-replaced, else with another id or none",
                id.value(), known->directory.to_string(), registration.directory.to_string());
  if (!is_ours && registration.takes_over && is_counted_on(image, id))
    return fail(Errc::conflict, "broker {} still counts as having what was on the disk that it has lost", id.value());
  const cluster::Session* session = image.sessions().find(id);
  if (session != nullptr && has_session && !registration.replaces_session)
    return fail(Errc::conflict, "a session of broker {} still stands", id.value());

  cluster::Broker broker{.id = id,
                         .endpoints = registration.endpoints,
                         .rack = registration.rack,
                         .directory = registration.directory,
                         .nonce = registration.nonce,
                         .state = has_session ? cluster::BrokerState::starting : cluster::BrokerState::ready,
                         .inter_broker_listener = registration.inter_broker_listener,
                         .features = registration.features};
  if (known != nullptr) {
    const bool is_another = has_session && !is_mutant("sameregistration");
    broker.epoch = is_another ? cluster::BrokerEpoch{known->epoch.value() + 1} : known->epoch;
    broker.revision = known->revision;
    // The same process, whose session has ended: nobody has started it anew.
    broker.is_drained = known->is_drained && known->nonce == broker.nonce;
    if (broker == *known) return Plan{};
  }
  Plan plan = single({as_known_or_defect(image, key, known ? known->revision : cluster::kNoRevision)},
                     {cluster::put_broker(broker)});
  if (has_session && known == nullptr)
    plan.transactions[0].compares.push_back(Compare::absent(cluster::unregistered_key(id)));
  if (has_session) {
    plan.transactions[0].compares.push_back(
        as_known_or_defect(image, cluster::alive_key(id), session ? session->revision : cluster::kNoRevision));
    plan.transactions[0].ops.push_back(cluster::put_session(id, {.epoch = broker.epoch}));
  }
  return plan;
}

Plan plan_broker_state(const ClusterImage& image, BrokerId id, cluster::BrokerState state) {
  const cluster::Broker* known = image.find_broker(id);
  if (known == nullptr || known->state == state) return {};
  cluster::Broker broker = *known;
  broker.state = state;
  Plan plan = single({as_known(cluster::broker_key(id), known->revision)}, {cluster::put_broker(broker)});
  if (known->has_session()) plan.transactions[0].compares.push_back(Compare::exists(cluster::alive_key(id)));
  return plan;
}

AskedPlan plan_drain(const ClusterImage& image, BrokerId id, bool is_wanted) {
  const cluster::Broker* known = image.find_broker(id);
  if (known == nullptr)
    return AskedPlan::refused(ErrorCode::kBrokerIdNotRegistered, fmt::format("there is no broker {}", id.value()));
  if (!known->has_session())
    return AskedPlan::refused(ErrorCode::kInvalidRequest,
                              fmt::format("broker {} is alone, with a metadata store of its own: nobody could lead in "
                                          "its stead",
                                          id.value()));
  if (known->is_drained == is_wanted) return {};
  if (is_wanted && !image.is_alive(id))
    return AskedPlan::refused(ErrorCode::kInvalidRequest,
                              fmt::format("broker {} is gone, and leads nothing", id.value()));
  const auto may_lead = [&](const auto& entry) {
    return entry.first != id && image.is_ready(entry.first) && !entry.second.is_drained;
  };
  if (is_wanted && std::ranges::none_of(image.brokers(), may_lead))
    return AskedPlan::refused(ErrorCode::kInvalidRequest,
                              fmt::format("no other broker could lead what broker {} leads: none is ready that is not "
                                          "drained itself",
                                          id.value()));
  cluster::Broker broker = *known;
  broker.is_drained = is_wanted;
  AskedPlan planned;
  planned.plan = single({as_known(cluster::broker_key(id), known->revision)}, {cluster::put_broker(broker)});
  return planned;
}

AskedPlan plan_unregistration(const ClusterImage& image, BrokerId id) {
  const cluster::Broker* known = image.find_broker(id);
  if (known == nullptr && is_unregistered(image, id))
    return AskedPlan::refused(ErrorCode::kBrokerIdNotRegistered,
                              fmt::format("broker {} is unregistered already", id.value()));
  if (known == nullptr)
    return AskedPlan::refused(ErrorCode::kBrokerIdNotRegistered, fmt::format("there is no broker {}", id.value()));
  if (!known->has_session() || image.sessions().contains(id))
    return AskedPlan::refused(
        ErrorCode::kInvalidRequest,
        fmt::format("broker {} is alive: stop it first, and let its partitions be moved to others", id.value()));
  for (const cluster::TopicPtr& topic : image.topics())
    for (std::int32_t index = 0; index < topic->partition_count(); ++index)
      if (is_last_hope(*topic->find_partition(index), id))
        return AskedPlan::refused(
            ErrorCode::kInvalidRequest,
            fmt::format("only broker {} has all records of {}-{}: start it again, or give them up with an unclean "
                        "election of another replica, or delete the topic",
                        id.value(), topic->name, index));
  AskedPlan planned;
  planned.plan = single({as_known(cluster::broker_key(id), known->revision), Compare::absent(cluster::alive_key(id)),
                         Compare::absent(cluster::unregistered_key(id))},
                        {Op::erase(cluster::broker_key(id)),
                         cluster::put_unregistered(id, {.directory = known->directory, .epoch = known->epoch}),
                         Op::erase(cluster::broker_config_key(id))});
  return planned;
}

Plan plan_controller(const ClusterImage& image, BrokerId id, const Uuid& acquisition) {
  if (image.controller() || !image.is_ready(id)) return {};
  const cluster::Broker& broker = *image.find_broker(id);
  const cluster::Controller controller{.broker = id, .broker_epoch = broker.epoch};
  return single({Compare::absent(cluster::controller_key()), as_known(cluster::broker_key(id), broker.revision),
                 Compare::exists(cluster::alive_key(id))},
                {cluster::put_controller(controller), cluster::put_acquisition(acquisition, controller)});
}

Plan plan_abdication(cluster::Revision lease) {
  return single({Compare::modified_at(cluster::controller_key(), lease)}, {Op::erase(cluster::controller_key())});
}

Plan plan_dead(const ClusterImage& image, BrokerId id, cluster::BrokerEpoch epoch) {
  const cluster::Session* session = image.sessions().find(id);
  // Who drains is about to end by itself, and hands over until then (I-14).
  const bool may_be_guessed = image.is_ready(id) || is_mutant("stopguess");
  if (session == nullptr || !may_be_guessed || session->epoch != epoch) return {};
  Plan plan = single({as_known(cluster::broker_key(id), image.find_broker(id)->revision),
                      as_known(cluster::alive_key(id), session->revision)},
                     {Op::erase(cluster::alive_key(id))});
  const std::optional<cluster::Controller>& controller = image.controller();
  if (controller && controller->broker == id && controller->broker_epoch == epoch) {
    plan.transactions[0].compares.push_back(as_known(cluster::controller_key(), controller->revision));
    plan.transactions[0].ops.push_back(Op::erase(cluster::controller_key()));
  }
  return plan;
}

Plan plan_broker_configs(const ClusterImage& image, BrokerId id, cluster::ConfigMap configs) {
  const std::string key = cluster::broker_config_key(id);
  const cluster::BrokerSettings* known = image.broker_configs().find(id);
  Compare compare = as_known_or_defect(image, key, known ? known->revision : cluster::kNoRevision);
  if (configs.empty() && compare.fact == Compare::Fact::absent) return {};
  return single({std::move(compare)}, {configs.empty() ? Op::erase(key) : cluster::put_broker_config(id, configs)});
}

Result<ProducerIdBlock> plan_producer_ids(const ClusterImage& image, std::int64_t count) {
  const std::string key = cluster::producer_ids_key();
  if (image.defects().contains(key)) return fail(Errc::corrupt, "the metadata key {} does not hold a number", key);
  const cluster::ProducerIdCounter& counter = image.producer_ids();
  if (count > std::numeric_limits<std::int64_t>::max() - counter.next)
    return fail(Errc::too_large, "there are no {} producer ids left", count);
  return ProducerIdBlock{
      .first = counter.next,
      .plan = single({as_known(key, counter.revision)},
                     {cluster::put_producer_ids(counter.next + (is_mutant("pidreuse") ? 0 : count))})};
}

}  // namespace mq::controller
