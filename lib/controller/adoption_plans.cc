#include "controller/adoption_plans.h"

#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "base/assert.h"
#include "base/mutant.h"
#include "cluster/image.h"
#include "cluster/keys.h"
#include "cluster/values.h"
#include "controller/packer.h"

namespace mq::controller {
namespace {

using cluster::Compare;
using cluster::KeyKind;
using cluster::KeyValue;
using cluster::Op;

class Move {
 public:
  Move(std::span<const KeyValue> own, std::span<const KeyValue> there, const Adopter& adopter)
      : adopter_(adopter), own_(own) {
    for (const KeyValue& entry : there) there_.emplace(entry.key, &entry);
  }

  Result<Plan> plan() {
    MQ_TRY(const bool is_done, check_place());
    if (is_done) return Plan{};
    begin();
    for (const KeyValue& entry : own_)
      if (auto op = moved(entry)) put(*std::move(op));
    erase_what_is_gone();
    end();
    Plan plan{.transactions = std::move(transactions_), .guard = cluster::adopting_key()};
    if (is_mutant("adoptguard")) plan.guard.reset();
    return plan;
  }

 private:
  [[nodiscard]] const KeyValue* find(std::string_view key) const {
    const auto found = there_.find(key);
    return found == there_.end() ? nullptr : found->second;
  }
  [[nodiscard]] Compare as_found(const std::string& key) const {
    const KeyValue* entry = find(key);
    return as_known(key, entry ? entry->modified : cluster::kNoRevision);
  }

  /// That the store is for this broker. True: it has everything already.
  [[nodiscard]] Result<bool> check_place() const {
    if (there_.empty()) return false;
    if (const KeyValue* adopting = find(cluster::adopting_key())) {
      MQ_TRY(const cluster::Adoption adoption, cluster::read_adoption(adopting->key, adopting->value));
      if (adoption.directory == adopter_.directory) return false;
      return fail(Errc::refused,
                  "the directory {} of broker {} is being adopted there: have that one go on with --adopt, or name "
                  "another prefix",
                  adoption.directory.to_string(), adoption.broker.value());
    }
    const KeyValue* const cluster = find(cluster::cluster_key());
    if (cluster == nullptr)
      return fail(Errc::refused,
                  "there are {} keys that are no cluster's, the first is \"{}\": name an empty prefix for --adopt",
                  there_.size(), there_.begin()->first);
    MQ_TRY(const Uuid id, cluster::read_cluster(cluster->key, cluster->value));
    if (const KeyValue* broker = find(cluster::broker_key(adopter_.id))) {
      const auto known = cluster::read_broker(broker->key, broker->value, adopter_.id);
      if (known && known->nonce == adopter_.nonce) return true;
    }
    return fail(Errc::refused, "cluster {} is there already: name an empty prefix for --adopt", id.to_string());
  }

  void begin() {
    transactions_.push_back({.compares = {as_found(cluster::adopting_key()), Compare::absent(cluster::cluster_key()),
                                          Compare::absent(cluster::level_key())},
                             .ops = {cluster::put_adoption({.directory = adopter_.directory, .broker = adopter_.id})},
                             .write_id = {}});
  }

  /// What becomes of a key; nothing: it stays behind, or comes last.
  [[nodiscard]] static std::optional<Op> moved(const KeyValue& entry) {
    const cluster::ParsedKey key = cluster::parse_key(entry.key);
    switch (key.kind) {
      case KeyKind::cluster:
      case KeyKind::level:
      case KeyKind::broker:
      case KeyKind::adopting:
      case KeyKind::accepted:
      case KeyKind::controller:
      case KeyKind::acquisition:
      case KeyKind::alive:
        return std::nullopt;
      case KeyKind::topic:
        if (is_internal_topic(key.name)) return moved_internal(entry, key.name);
        break;
      case KeyKind::unregistered:
      case KeyKind::partition:
      case KeyKind::creating:
      case KeyKind::tombstone:
      case KeyKind::broker_config:
      case KeyKind::producer_ids:
      case KeyKind::foreign:
      case KeyKind::misspelled:
        break;
    }
    return Op::put(entry.key, entry.value);
  }

  /// As a member makes it. Nobody can have asked for more than one replica of it, or for fewer than three (I-15).
  [[nodiscard]] static Op moved_internal(const KeyValue& entry, std::string_view name) {
    auto read = cluster::read_topic(entry.key, entry.value, name);
    if (!read) return Op::put(entry.key, entry.value);
    cluster::Topic& topic = read->topic;
    topic.has_default_factor = true;
    topic.configs.try_emplace("min.insync.replicas", "2");
    topic.partitions.append(std::vector<cluster::Partition>(static_cast<std::size_t>(read->partitions)));
    return cluster::put_topic(topic);
  }

  void put(Op op) {
    wanted_.insert(op.key);
    const KeyValue* known = find(op.key);
    if (known != nullptr && known->value == op.value) return;
    packer_.add({.compares = {as_found(op.key)}, .ops = {std::move(op)}});
  }

  /// The broker went on alone after an attempt that was cut off.
  void erase_what_is_gone() {
    wanted_.insert(cluster::adopting_key());
    wanted_.insert(cluster::broker_key(adopter_.id));
    for (const auto& [key, entry] : there_)
      if (!wanted_.contains(entry->key))
        packer_.add({.compares = {as_found(entry->key)}, .ops = {Op::erase(entry->key)}});
  }

  void end() {
    for (cluster::Transaction& transaction : std::move(packer_).take()) transactions_.push_back(std::move(transaction));
    Uuid cluster_id;
    cluster::Broker self{.id = adopter_.id, .endpoints = {}, .rack = std::nullopt};
    for (const KeyValue& entry : own_) {
      if (entry.key == cluster::cluster_key())
        if (const auto id = cluster::read_cluster(entry.key, entry.value)) cluster_id = *id;
      if (entry.key == cluster::broker_key(adopter_.id))
        if (auto known = cluster::read_broker(entry.key, entry.value, adopter_.id)) self = *std::move(known);
    }
    MQ_ASSERT(!cluster_id.is_zero());
    self.directory = adopter_.directory;
    self.nonce = adopter_.nonce;
    self.state = cluster::BrokerState::starting;
    self.level = cluster::kLevel;
    Op broker = cluster::put_broker(self);
    transactions_.push_back({.compares = {Compare::absent(cluster::cluster_key()),
                                          Compare::absent(cluster::level_key()), as_found(broker.key)},
                             .ops = {cluster::put_cluster(cluster_id), cluster::put_level(cluster::kLevel),
                                     std::move(broker), Op::erase(cluster::adopting_key())},
                             .write_id = {}});
  }

  const Adopter adopter_;
  const std::span<const KeyValue> own_;
  std::map<std::string_view, const KeyValue*> there_;
  std::set<std::string, std::less<>> wanted_;
  Packer packer_{1};  // each transaction compares the guard
  std::vector<cluster::Transaction> transactions_;
};

}  // namespace

Result<Plan> plan_adoption(std::span<const KeyValue> own, std::span<const KeyValue> there, const Adopter& adopter) {
  return Move(own, there, adopter).plan();
}

}  // namespace mq::controller
