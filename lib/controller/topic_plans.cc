#include "controller/topic_plans.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/assert.h"
#include "base/mark.h"
#include "base/mutant.h"
#include "cluster/keys.h"
#include "cluster/values.h"
#include "config/topic_config.h"
#include "controller/packer.h"
#include "controller/placement.h"

namespace mq::controller {
namespace {

using cluster::ClusterImage;
using cluster::Op;
using cluster::Topic;
using cluster::TopicPtr;

constexpr std::int32_t kPartitionsPerRequestMax = 10'000;

TopicOutcome refuse(std::string name, ErrorCode error, std::string message) {
  return {.name = std::move(name), .error = error, .message = std::move(message), .topic = nullptr};
}

TopicPlan refuse_plan(const std::string& name, ErrorCode error, std::string message) {
  return {.outcome = refuse(name, error, std::move(message)), .plan = {}};
}

TopicOutcome granted(TopicPtr topic) {
  return {.name = topic->name, .error = ErrorCode::kNone, .message = {}, .topic = std::move(topic)};
}

// --- Settings -------------------------------------------------------------------------------------------------------

/// The settings of our internal topics, whoever names them first.
NewTopic internal_topic(std::string name, const Rules& rules) {
  NewTopic topic{.name = std::move(name),
                 .partitions = rules.offsets_partitions,
                 .configs = {{"cleanup.policy", "compact"},
                             {"segment.bytes", fmt::format("{}", rules.offsets_segment_bytes)},
                             {"compression.type", "producer"},
                             {"mq.flush", "ack"}}};
  if (rules.is_member) topic.configs["min.insync.replicas"] = "2";
  return topic;
}

/// What offsets and transactions rest on cannot be changed: a compacted topic whose answers wait for the disk.
Result<void> check_internal_configs(const std::string& name, const config::Overrides& configs, const Rules& rules) {
  const NewTopic fixed = internal_topic(name, rules);
  for (const char* key : {"cleanup.policy", "mq.flush"}) {
    const auto value = configs.find(key);
    if (value == configs.end() || value->second != fixed.configs.at(key))
      return fail(Errc::invalid_argument, "{}={} is fixed for an internal topic", key, fixed.configs.at(key));
  }
  return {};
}

Result<config::Overrides> checked_configs(const config::Overrides& configs, const Rules& rules) {
  MQ_TRY(const config::TopicConfig resolved, config::resolve_topic_config(configs, rules.topic_defaults));
  (void)resolved;
  return config::normalised(config::topic_options(), configs);
}

// --- Brokers --------------------------------------------------------------------------------------------------------

std::string too_many_replicas(std::int64_t factor, std::size_t brokers) {
  return fmt::format("replication factor {}, but there {} {} broker{}", factor, brokers == 1 ? "is" : "are", brokers,
                     brokers == 1 ? "" : "s");
}

/// The one that there is, for messages of before there were more.
BrokerId only_broker(const ClusterImage& image) {
  return image.brokers().size() == 1 ? image.brokers().begin()->first : kNoBroker;
}

/// Why a partition cannot be on `brokers`, or nothing.
std::optional<std::string> assignment_problem(const ClusterImage& image, std::int32_t index,
                                              const std::vector<std::int32_t>& brokers) {
  if (const BrokerId only = only_broker(image); only != kNoBroker) {
    if (brokers == std::vector{only.value()}) return std::nullopt;
    return fmt::format("partition {} can only be on broker {}", index, only.value());
  }
  if (brokers.empty()) return fmt::format("partition {} has to be on a broker", index);
  bool has_ready = false;
  for (const std::int32_t id : brokers) {
    if (image.find_broker(BrokerId{id}) == nullptr)
      return fmt::format("partition {}: there is no broker {}", index, id);
    has_ready = has_ready || image.is_ready(BrokerId{id});
  }
  if (std::set(brokers.begin(), brokers.end()).size() != brokers.size())
    return fmt::format("partition {}: a broker is named twice", index);
  if (!has_ready) return fmt::format("partition {}: none of its brokers is ready", index);
  return std::nullopt;
}

std::vector<BrokerId> to_brokers(const std::vector<std::int32_t>& ids) {
  std::vector<BrokerId> brokers;
  for (const std::int32_t id : ids) brokers.emplace_back(id);
  return brokers;
}

std::set<BrokerId> brokers_from(const Topic& topic, std::int32_t first_partition) {
  std::set<BrokerId> brokers;
  for (std::int32_t index = first_partition; index < topic.partition_count(); ++index) {
    const auto& replicas = topic.partitions[static_cast<std::size_t>(index)].replicas;
    brokers.insert(replicas.begin(), replicas.end());
  }
  return brokers;
}

constexpr const char* kTooManyBrokers = "an assignment may name 45 brokers at most";
static_assert(Placement::kBrokersMax == 45);

// --- Creation -------------------------------------------------------------------------------------------------------

std::optional<TopicOutcome> name_problem(const std::string& name, const ClusterImage& image) {
  if (const char* problem = topic_name_problem(name)) return refuse(name, ErrorCode::kInvalidTopicException, problem);
  if (image.find_topic(std::string_view(name)) != nullptr) MQ_MARK("controller: a topic is there already");
  if (image.find_topic(std::string_view(name)) != nullptr)
    return refuse(name, ErrorCode::kTopicAlreadyExists, fmt::format("topic '{}' already exists", name));
  if (image.is_withheld(name))
    return refuse(name, ErrorCode::kTopicAlreadyExists,
                  fmt::format("topic '{}' already exists, and its metadata cannot be read", name));
  if (const Topic* other = image.find_colliding(name))
    return refuse(name, ErrorCode::kInvalidTopicException,
                  fmt::format("the name collides with topic '{}': '.' and '_' count as the same", other->name));
  return std::nullopt;
}

std::optional<TopicOutcome> assignments_problem(const NewTopic& wanted, const ClusterImage& image) {
  if (wanted.partitions != -1 || wanted.replicas != -1)
    return refuse(wanted.name, ErrorCode::kInvalidRequest,
                  "give either an assignment or numbers of partitions and replicas (-1), not both");
  std::set<std::int32_t> named;
  std::set<std::int32_t> brokers;
  for (const auto& [index, on] : wanted.assignments) {
    named.insert(index);
    brokers.insert(on.begin(), on.end());
    if (auto problem = assignment_problem(image, index, on))
      return refuse(wanted.name, ErrorCode::kInvalidReplicaAssignment, *std::move(problem));
  }
  const auto partitions = static_cast<std::int32_t>(wanted.assignments.size());
  if (std::cmp_not_equal(named.size(), partitions) || *named.begin() != 0 || *named.rbegin() != partitions - 1)
    return refuse(wanted.name, ErrorCode::kInvalidReplicaAssignment,
                  "an assignment names every partition from 0 on, once");
  if (brokers.size() > Placement::kBrokersMax)
    return refuse(wanted.name, ErrorCode::kInvalidReplicaAssignment, kTooManyBrokers);
  return std::nullopt;
}

Uuid unused_id(const ClusterImage& image, const std::function<Uuid()>& new_id) {
  // Not a leading '-': a tool would take the id for an option.
  Uuid id = new_id();
  while (id.is_zero() || image.find_topic(id) != nullptr || image.tombstones().contains(id) ||
         id.to_string().front() == '-')
    id = new_id();
  return id;
}

/// Checks a wish and makes the topic that it asks for.
TopicOutcome grant(const NewTopic& wanted, const ClusterImage& image, const Rules& rules,
                   const std::function<Uuid()>& new_id) {
  if (auto problem = name_problem(wanted.name, image)) return *std::move(problem);
  std::int32_t partitions = wanted.partitions == -1 ? rules.partitions_default : wanted.partitions;
  if (!wanted.assignments.empty()) {
    if (auto problem = assignments_problem(wanted, image)) return *std::move(problem);
    partitions = static_cast<std::int32_t>(wanted.assignments.size());
  }
  if (partitions <= 0)
    return refuse(wanted.name, ErrorCode::kInvalidPartitions, "a topic needs at least one partition");
  if (partitions > kPartitionsPerRequestMax ||
      static_cast<std::int64_t>(image.partition_count()) + partitions > rules.partitions_total_max)
    return refuse(
        wanted.name, ErrorCode::kInvalidPartitions,
        fmt::format("{} partitions are more than this broker takes (at most {} in one topic's creation, {} in all)",
                    partitions, kPartitionsPerRequestMax, rules.partitions_total_max));
  const std::size_t brokers = ready_count(image);
  const bool has_default_factor = wanted.replicas == -1 && wanted.assignments.empty();
  if (wanted.replicas != -1 && (wanted.replicas < 1 || std::cmp_greater(wanted.replicas, brokers)))
    return refuse(wanted.name, ErrorCode::kInvalidReplicationFactor, too_many_replicas(wanted.replicas, brokers));
  if (brokers == 0)
    return refuse(wanted.name, ErrorCode::kInvalidReplicationFactor, too_many_replicas(rules.replicas_default, 0));
  const auto configs = checked_configs(wanted.configs, rules);
  if (!configs) return refuse(wanted.name, ErrorCode::kInvalidConfig, configs.error().message);

  auto topic = std::make_shared<Topic>(Topic{.name = wanted.name,
                                             .id = unused_id(image, new_id),
                                             .partitions = {},
                                             .configs = {configs->begin(), configs->end()},
                                             .has_default_factor = has_default_factor});
  std::vector<cluster::Partition> made(static_cast<std::size_t>(partitions));
  for (const auto& [index, on] : wanted.assignments)
    made[static_cast<std::size_t>(index)] = new_partition(image, to_brokers(on));
  if (wanted.assignments.empty()) {
    const Placement placement(image, topic->id);
    const std::int32_t usual = is_internal_topic(wanted.name) ? rules.offsets_replicas_default : rules.replicas_default;
    const auto factor = static_cast<std::size_t>(std::max(1, has_default_factor ? usual : wanted.replicas));
    for (std::int32_t index = 0; index < partitions; ++index)
      made[static_cast<std::size_t>(index)] =
          new_partition(image, placement.replicas_of(index, std::min(factor, placement.broker_count())));
  }
  topic->partitions.append(std::move(made));
  return granted(std::move(topic));
}

/// Puts the partitions from `first` on, then the topic's own key, when that is as `topic_known` says.
struct TopicGroups {
  std::vector<Group> partitions;
  Group last;
};

TopicGroups groups_of(const Topic& topic, std::int32_t first, const ClusterImage& image,
                      cluster::Revision topic_known) {
  TopicGroups groups;
  for (std::int32_t index = first; index < topic.partition_count(); ++index) {
    Group group;
    group.ops.push_back(cluster::put_partition(topic.id, index, topic.partitions[static_cast<std::size_t>(index)]));
    // What a growth that was cut off has left there is replaced.
    const auto* loose = image.loose_partitions().find(cluster::PartitionPlace{topic.id, index});
    group.compares.push_back(as_known(group.ops.front().key, loose ? (*loose)->revision : cluster::kNoRevision));
    groups.partitions.push_back(std::move(group));
  }
  groups.last.compares = as_registered(image, brokers_from(topic, first));
  groups.last.compares.push_back(as_known(cluster::topic_key(topic.name), topic_known));
  groups.last.ops.push_back(cluster::put_topic(topic));
  return groups;
}

Group joined(TopicGroups groups) {
  Group all = std::move(groups.last);
  for (Group& group : groups.partitions) {
    all.compares.insert(all.compares.end(), group.compares.begin(), group.compares.end());
    for (Op& op : group.ops) all.ops.push_back(std::move(op));
  }
  // The topic's own key comes last in a transaction, too, for who reads it.
  std::ranges::rotate(all.ops, all.ops.begin() + 1);
  return all;
}

/// Whether everything fits in one transaction, beside nothing else.
bool fits_alone(const Group& group) {
  Packer packer;
  packer.add({});
  return packer.add(group) == 0;
}

/// A topic, or growth, that takes several transactions.
Plan in_steps(const Topic& topic, TopicGroups groups, const ClusterImage& image, const Rules& rules) {
  const std::string guard = cluster::creating_key(topic.id);
  const cluster::Broker* self = image.find_broker(rules.self);
  const cluster::Creation* known = image.creations().find(topic.id);
  Packer packer(1);
  Group begin;
  begin.compares.push_back(as_known(guard, known ? known->revision : cluster::kNoRevision));
  begin.compares.push_back(groups.last.compares.back());  // for nothing if the topic's own key has changed already
  begin.ops.push_back(cluster::put_creation(
      topic.id,
      {.topic = topic.name, .maker = rules.self, .maker_epoch = self ? self->epoch : cluster::kNoBrokerEpoch}));
  packer.add(std::move(begin));
  for (Group& group : groups.partitions) packer.add(std::move(group));
  Plan plan{.transactions = std::move(packer).take(), .guard = guard};
  if (is_mutant("orphanrace")) plan.guard.reset();
  groups.last.ops.push_back(Op::erase(guard));
  plan.transactions.push_back(
      {.compares = std::move(groups.last.compares), .ops = std::move(groups.last.ops), .write_id = {}});
  return plan;
}

}  // namespace

CreationPlan plan_creation(const ClusterImage& image, std::span<const NewTopic> wanted, const Rules& rules,
                           const std::function<Uuid()>& new_id) {
  CreationPlan creation;
  Packer shared;  // of the topics that need no transactions of their own
  std::vector<std::vector<std::size_t>> sharing;
  std::vector<CreationPlan::Part> large;
  ClusterImage next = image;
  for (const NewTopic& each : wanted) {
    TopicOutcome outcome =
        grant(is_internal_topic(each.name) ? internal_topic(each.name, rules) : each, next, rules, new_id);
    if (outcome.error == ErrorCode::kNone) {
      const std::size_t index = creation.outcomes.size();
      next = next.with_topic(outcome.topic);
      TopicGroups groups = groups_of(*outcome.topic, 0, image, cluster::kNoRevision);
      if (Group all = joined(groups); fits_alone(all)) {
        const std::size_t transaction = shared.add(std::move(all));
        sharing.resize(transaction + 1);
        sharing[transaction].push_back(index);
      } else {
        large.push_back({.plan = in_steps(*outcome.topic, std::move(groups), image, rules), .outcomes = {index}});
      }
    }
    creation.outcomes.push_back(std::move(outcome));
  }
  std::vector<cluster::Transaction> transactions = std::move(shared).take();
  for (std::size_t i = 0; i < transactions.size(); ++i) {
    Plan plan;
    plan.transactions.push_back(std::move(transactions[i]));
    creation.parts.push_back({.plan = std::move(plan), .outcomes = std::move(sharing[i])});
  }
  std::ranges::move(large, std::back_inserter(creation.parts));
  return creation;
}

TopicPlan plan_growth(const ClusterImage& image, const std::string& name, std::int32_t count,
                      const std::optional<std::vector<std::vector<std::int32_t>>>& assigned, const Rules& rules) {
  if (const BrokerId only = only_broker(image); assigned && only != kNoBroker) {
    if (std::ranges::any_of(*assigned, [&](const auto& on) { return on != std::vector{only.value()}; }))
      return refuse_plan(name, ErrorCode::kInvalidReplicaAssignment, "partitions can only be on this broker");
  }
  const Topic* topic = image.find_topic(std::string_view(name));
  if (topic == nullptr) MQ_MARK("controller: a topic that shall grow is not there");
  if (topic == nullptr) return refuse_plan(name, ErrorCode::kUnknownTopicOrPartition, "there is no such topic");
  if (is_internal_topic(name))
    return refuse_plan(name, ErrorCode::kInvalidTopicException,
                       "an internal topic keeps its number of partitions: with another its groups would not be found");
  const std::int32_t before = topic->partition_count();
  if (count <= before) MQ_MARK("controller: a topic has as many partitions already");
  if (count <= before)
    return refuse_plan(name, ErrorCode::kInvalidPartitions,
                       fmt::format("the topic has {} partitions, so {} would not add any", before, count));
  if (count - before > kPartitionsPerRequestMax ||
      static_cast<std::int64_t>(image.partition_count()) + count - before > rules.partitions_total_max)
    return refuse_plan(name, ErrorCode::kInvalidPartitions, "more partitions than this broker takes");
  if (assigned && assigned->size() != static_cast<std::size_t>(count - before))
    return refuse_plan(
        name, ErrorCode::kInvalidReplicaAssignment,
        fmt::format("{} partitions are added, but brokers are named for {}", count - before, assigned->size()));
  const cluster::Creation* going_on = image.creations().find(topic->id);
  if (going_on != nullptr && going_on->maker != rules.self && image.is_alive(going_on->maker) &&
      image.find_broker(going_on->maker)->epoch == going_on->maker_epoch)
    return refuse_plan(name, ErrorCode::kReassignmentInProgress, "partitions are being added to this topic already");

  const Placement placement(image, topic->id);
  const std::size_t factor = topic->partitions[0].replicas.size();
  if (!assigned && (factor == 0 || factor > placement.broker_count()))
    return refuse_plan(name, ErrorCode::kInvalidReplicationFactor,
                       too_many_replicas(static_cast<std::int64_t>(factor), placement.broker_count()));
  std::vector<cluster::Partition> added;
  for (std::int32_t index = before; index < count; ++index) {
    if (!assigned) {
      added.push_back(new_partition(image, placement.replicas_of(index, factor)));
      continue;
    }
    const auto& on = (*assigned)[static_cast<std::size_t>(index - before)];
    if (auto problem = assignment_problem(image, index, on))
      return refuse_plan(name, ErrorCode::kInvalidReplicaAssignment, *std::move(problem));
    added.push_back(new_partition(image, to_brokers(on)));
  }
  MQ_MARK("controller: a topic grows");
  auto grown = std::make_shared<Topic>(*topic);
  grown->partitions.append(std::move(added));
  if (brokers_from(*grown, before).size() > Placement::kBrokersMax)
    return refuse_plan(name, ErrorCode::kInvalidReplicaAssignment, kTooManyBrokers);

  TopicPlan planned{.outcome = granted(grown), .plan = {}};
  TopicGroups groups = groups_of(*grown, before, image, topic->revision);
  if (Group all = joined(groups); going_on == nullptr && fits_alone(all)) {
    planned.plan.transactions.push_back(
        {.compares = std::move(all.compares), .ops = std::move(all.ops), .write_id = {}});
  } else {
    planned.plan = in_steps(*grown, std::move(groups), image, rules);
  }
  return planned;
}

TopicPlan plan_deletion(const ClusterImage& image, const std::string& name, const Uuid& id, const Rules& rules) {
  const TopicPtr topic = image.share_topic(std::string_view(name));
  if (!id.is_zero() && (!topic || topic->id != id))
    return refuse_plan(name, ErrorCode::kUnknownTopicId, "there is no topic with this id");
  if (!topic) MQ_MARK("controller: a topic that shall be deleted is not there");
  if (!topic) return refuse_plan(name, ErrorCode::kUnknownTopicOrPartition, "there is no such topic");
  if (!rules.delete_topics) return refuse_plan(name, ErrorCode::kTopicDeletionDisabled, "delete.topic.enable is off");
  if (is_internal_topic(name))
    return refuse_plan(name, ErrorCode::kInvalidTopicException, "an internal topic cannot be deleted");

  MQ_MARK("controller: a topic is deleted");
  const std::set<BrokerId> replicas = brokers_from(*topic, 0);
  Group decisive;
  decisive.compares.push_back(as_known(cluster::topic_key(name), topic->revision));
  decisive.ops.push_back(Op::erase(cluster::topic_key(name)));
  decisive.ops.push_back(
      cluster::put_tombstone(topic->id, {.name = name, .waiting = {replicas.begin(), replicas.end()}}));
  Packer packer;
  packer.add(std::move(decisive));
  // Those that fit beside the topic's own key are compared, for the replicas that the tombstone waits for. The others
  // are nobody's from then on.
  for (std::int32_t index = 0; index < topic->partition_count(); ++index) {
    const std::string key = cluster::partition_key(topic->id, index);
    const cluster::Revision revision = topic->partitions[static_cast<std::size_t>(index)].revision;
    packer.add({.compares = {as_known(key, revision)}, .ops = {Op::erase(key)}});
  }
  TopicPlan planned{.outcome = granted(topic),
                    .plan = {.transactions = std::move(packer).take(), .guard = std::nullopt}};
  for (std::size_t i = 1; i < planned.plan.transactions.size(); ++i) planned.plan.transactions[i].compares.clear();
  return planned;
}

Plan plan_withdrawal(const ClusterImage& image, const Uuid& id, std::int32_t first_partition) {
  const TopicPtr topic = image.share_topic(id);
  if (!topic || topic->partition_count() <= first_partition) return {};
  const std::string key = cluster::topic_key(topic->name);
  MQ_MARK("controller: a topic or its growth is taken back");
  Group decisive{.compares = {as_known(key, topic->revision)}, .ops = {}};
  Packer packer;
  if (first_partition == 0) {
    decisive.ops.push_back(Op::erase(key));
    decisive.ops.push_back(cluster::put_tombstone(id, {.name = topic->name, .waiting = {}}));
  } else {
    auto shorter = *topic;
    shorter.partitions.resize(static_cast<std::size_t>(first_partition));
    decisive.ops.push_back(cluster::put_topic(shorter));
  }
  packer.add(std::move(decisive));
  for (std::int32_t index = first_partition; index < topic->partition_count(); ++index)
    packer.add({.compares = {}, .ops = {Op::erase(cluster::partition_key(id, index))}});
  std::vector<cluster::Transaction> transactions = std::move(packer).take();
  if (first_partition == 0)
    transactions.push_back({.compares = {}, .ops = {Op::erase(cluster::tombstone_key(id))}, .write_id = {}});
  return {.transactions = std::move(transactions), .guard = std::nullopt};
}

TopicPlan plan_topic_configs(const ClusterImage& image, const std::string& name, const ConfigChange& change,
                             const Rules& rules) {
  const Topic* topic = image.find_topic(std::string_view(name));
  if (topic == nullptr) return refuse_plan(name, ErrorCode::kUnknownTopicOrPartition, "there is no such topic");
  const auto changed = [&]() -> Result<config::Overrides> {
    config::Overrides wanted{topic->configs.begin(), topic->configs.end()};
    MQ_CHECK(change(wanted));
    MQ_TRY(config::Overrides configs, checked_configs(wanted, rules));
    if (is_internal_topic(name)) MQ_CHECK(check_internal_configs(name, configs, rules));
    return configs;
  };
  const auto configs = changed();
  if (!configs) MQ_MARK("controller: a setting makes no sense");
  if (!configs) return refuse_plan(name, ErrorCode::kInvalidConfig, configs.error().message);
  auto next = std::make_shared<Topic>(*topic);
  next->configs = {configs->begin(), configs->end()};
  TopicPlan planned{.outcome = granted(next), .plan = {}};
  planned.plan.transactions.push_back({.compares = {as_known(cluster::topic_key(name), topic->revision)},
                                       .ops = {cluster::put_topic(*next)},
                                       .write_id = {}});
  return planned;
}

}  // namespace mq::controller
