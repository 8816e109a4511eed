#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "cluster/image.h"
#include "cluster/keys.h"
#include "cluster/transaction.h"
#include "cluster/values.h"
#include "controller/plan.h"

namespace mq::controller {

/// A metadata store as plans see it: keys, compares, revisions.
class ModelStore {
 public:
  /// False, and nothing is changed, when a compare does not hold.
  bool commit(const cluster::Transaction& transaction) {
    const auto within = cluster::check_limits(transaction);
    EXPECT_TRUE(within) << within.error().message;
    for (const cluster::Compare& compare : transaction.compares) {
      const auto found = entries_.find(compare.key);
      if (!compare.holds(found == entries_.end() ? nullptr : &found->second)) return false;
    }
    revision_ = cluster::Revision{revision_.value() + 1};
    for (const cluster::Op& op : transaction.ops) {
      if (!op.value) {
        entries_.erase(op.key);
        continue;
      }
      const auto found = entries_.find(op.key);
      const cluster::Revision created = found == entries_.end() ? revision_ : found->second.created;
      entries_[op.key] = {.key = op.key, .value = *op.value, .created = created, .modified = revision_};
    }
    for (const cluster::Change& change : cluster::changes_of(transaction, revision_)) changes_.push_back(change);
    return true;
  }

  /// Performs the first `count` transactions of the plan. False at the first conflict.
  bool perform(const Plan& plan, std::size_t count = ~std::size_t{0}) {
    cluster::Revision first;
    for (std::size_t i = 0; i < std::min(count, plan.transactions.size()); ++i) {
      if (!commit(plan.transaction(i, first))) return false;
      if (i == 0) first = revision_;
    }
    return true;
  }

  [[nodiscard]] std::vector<cluster::KeyValue> listing() const {
    std::vector<cluster::KeyValue> all;
    for (const auto& [key, entry] : entries_) all.push_back(entry);
    return all;
  }
  [[nodiscard]] cluster::ClusterImage image() const {
    auto image = cluster::ClusterImage::of_listing(listing(), revision_);
    EXPECT_TRUE(image) << image.error().message;
    return image ? *std::move(image) : cluster::ClusterImage();
  }
  [[nodiscard]] std::vector<cluster::Change> changes_since(cluster::Revision revision) const {
    std::vector<cluster::Change> since;
    for (const cluster::Change& change : changes_)
      if (change.entry.modified > revision) since.push_back(change);
    return since;
  }
  [[nodiscard]] bool has(const std::string& key) const { return entries_.contains(key); }
  [[nodiscard]] std::size_t size() const { return entries_.size(); }

  /// What somebody else writes.
  void put(cluster::Op op) { EXPECT_TRUE(commit({.compares = {}, .ops = {std::move(op)}, .write_id = {}})); }

 private:
  std::map<std::string, cluster::KeyValue> entries_;
  std::vector<cluster::Change> changes_;
  cluster::Revision revision_;
};

inline Uuid id_of(std::uint32_t n) {
  Uuid id;
  id.bytes[0] = 7;
  for (std::size_t i = 0; i < 4; ++i) id.bytes[12 + i] = static_cast<std::uint8_t>(n >> (8 * i));
  return id;
}

/// A broker that is ready, in a cluster (with a session) or alone.
inline void add_broker(ModelStore& store, std::int32_t id, bool has_session = true, const std::string& rack = "") {
  cluster::Broker broker{.id = BrokerId{id}, .endpoints = {{"PLAIN", "h", 9092}}, .rack = std::nullopt};
  if (!rack.empty()) broker.rack = rack;
  if (has_session) broker.nonce = id_of(1000 + static_cast<std::uint32_t>(id));
  std::vector<cluster::Op> ops{cluster::put_broker(broker)};
  if (has_session) ops.push_back(cluster::put_session(broker.id, {.epoch = broker.epoch}));
  EXPECT_TRUE(store.commit({.compares = {}, .ops = std::move(ops), .write_id = {}}));
}

/// What must hold of every image.
inline void check_image(const cluster::ClusterImage& image) {
  std::size_t partitions = 0;
  for (const cluster::TopicPtr& topic : image.topics()) {
    EXPECT_EQ(image.find_topic(topic->id), topic.get());
    EXPECT_EQ(image.find_topic(std::string_view(topic->name)), topic.get());
    partitions += topic->partitions.size();
    for (const cluster::Partition& partition : topic->partitions)
      EXPECT_EQ(partition.problem(), nullptr) << partition.problem();
  }
  EXPECT_EQ(image.partition_count(), partitions);
}

}  // namespace mq::controller
