#include "model/small_store.h"

#include "base/assert.h"
#include "cluster/keys.h"
#include "cluster/values.h"

namespace mq::small {
namespace {

constexpr std::int64_t kLeaseRevision = 2;

Uuid topic_id() {
  Uuid id;
  id.bytes[15] = 5;
  return id;
}

/// One that no other value of the key has: what is put there grows, in the epoch or in the state.
cluster::Revision revision_of(const std::string& key, const std::string& value) {
  const cluster::ParsedKey parsed = cluster::parse_key(key);
  if (parsed.kind == cluster::KeyKind::partition)
    return cluster::Revision{10 + cluster::read_partition(key, value)->partition_epoch};
  if (parsed.kind == cluster::KeyKind::broker) {
    const cluster::Broker broker = *cluster::read_broker(key, value, parsed.broker);
    return cluster::Revision{10 + (4 * broker.epoch.value()) + static_cast<int>(broker.state)};
  }
  if (parsed.kind == cluster::KeyKind::alive)
    return cluster::Revision{10 + cluster::read_session(key, value)->epoch.value()};
  return cluster::Revision{kLeaseRevision};
}

}  // namespace

SmallStores::SmallStores() {
  std::vector<cluster::Op> ops;
  cluster::Partition partition;
  for (std::size_t i = 0; i < kBrokers; ++i) {
    cluster::Broker broker{.id = id_of(i), .endpoints = {}, .rack = std::nullopt};
    broker.nonce.bytes[0] = 1;
    ops.push_back(cluster::put_broker(broker));
    ops.push_back(cluster::put_session(broker.id, {.epoch = broker.epoch}));
    partition.replicas.push_back(broker.id);
  }
  partition.isr = partition.replicas;
  partition.leader = id_of(0);
  partition.leader_broker_epoch = cluster::BrokerEpoch{1};
  ops.push_back(cluster::put_controller({.broker = id_of(0), .broker_epoch = cluster::BrokerEpoch{1}}));
  cluster::Topic topic{.name = "t", .id = topic_id(), .partitions = {}, .configs = {}};
  topic.partitions.push_back(partition);
  for (cluster::Op& op : cluster::put_whole_topic(topic)) ops.push_back(std::move(op));
  std::map<std::string, std::string> values;
  for (cluster::Op& op : ops) values[op.key] = *std::move(op.value);
  (void)number_of(std::move(values));
}

const cluster::Partition& SmallStores::partition(Store store) const {
  return *image(store).find_topic(topic_id())->find_partition(0);
}

cluster::PartitionPlace SmallStores::place() { return {.topic = topic_id(), .index = 0}; }

cluster::Revision SmallStores::lease() { return cluster::Revision{kLeaseRevision}; }

SmallStores::Store SmallStores::number_of(std::map<std::string, std::string> values) {
  const auto [at, is_new] = numbers_.try_emplace(values, static_cast<Store>(contents_.size()));
  if (!is_new) return at->second;
  Contents contents{.values = std::move(values), .entries = {}, .image = {}};
  std::vector<cluster::KeyValue> listing;
  for (const auto& [key, value] : contents.values) {
    const cluster::Revision revision = revision_of(key, value);
    contents.entries[key] = {.key = key, .value = value, .created = {}, .modified = revision};
    listing.push_back(contents.entries[key]);
  }
  auto image = cluster::ClusterImage::of_listing(listing, cluster::Revision{1 << 20});
  MQ_ASSERT(image.has_value() && image->defects().empty());
  contents.image = *std::move(image);
  contents_.push_back(std::move(contents));
  return at->second;
}

SmallStores::Sent SmallStores::number_of(const cluster::Transaction& transaction) {
  std::string text;
  for (const cluster::Compare& compare : transaction.compares)
    text += compare.key + '\0' + std::to_string(static_cast<int>(compare.fact)) + ' ' +
            std::to_string(compare.revision.value()) + '\0';
  for (const cluster::Op& op : transaction.ops) text += op.key + '\0' + op.value.value_or("erased") + '\0';
  const auto [at, is_new] = transaction_numbers_.try_emplace(text, static_cast<Sent>(transactions_.size()));
  if (is_new) transactions_.push_back(transaction);
  return at->second;
}

SmallStores::Store SmallStores::with(Store store, const std::vector<cluster::Op>& ops) {
  std::map<std::string, std::string> values = contents_[store].values;
  for (const cluster::Op& op : ops) {
    if (op.value) {
      values[op.key] = *op.value;
    } else {
      values.erase(op.key);
    }
  }
  return number_of(std::move(values));
}

std::optional<SmallStores::Store> SmallStores::commit(Store store, Sent sent) {
  const auto [at, is_new] = committed_.try_emplace({store, sent}, std::nullopt);
  if (!is_new) return at->second;
  for (const cluster::Compare& compare : transactions_[sent].compares) {
    const auto found = contents_[store].entries.find(compare.key);
    if (!compare.holds(found == contents_[store].entries.end() ? nullptr : &found->second)) return std::nullopt;
  }
  at->second = with(store, transactions_[sent].ops);
  return at->second;
}

SmallStores::Store SmallStores::registered(Store store, std::size_t broker) {
  cluster::Broker next = *image(store).find_broker(id_of(broker));
  next.epoch = cluster::BrokerEpoch{next.epoch.value() + 1};
  next.state = cluster::BrokerState::starting;
  return with(store, {cluster::put_broker(next), cluster::put_session(next.id, {.epoch = next.epoch})});
}

SmallStores::Store SmallStores::expired(Store store, std::size_t broker) {
  return with(store, {cluster::Op::erase(cluster::alive_key(id_of(broker)))});
}

}  // namespace mq::small
