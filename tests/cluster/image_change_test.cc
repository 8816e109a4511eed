#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "cluster/image.h"
#include "cluster/keys.h"
#include "cluster/values.h"

namespace mq::cluster {
namespace {

Change change_of(const Op& op, Revision revision) {
  return changes_of({.compares = {}, .ops = {op}, .write_id = {}}, revision).front();
}

Uuid numbered_id(std::uint32_t n) {
  Uuid id;
  id.bytes[0] = 7;
  for (std::size_t i = 0; i < 4; ++i) id.bytes[12 + i] = static_cast<std::uint8_t>(n >> (8 * i));
  return id;
}

Partition partition_on(std::int32_t broker, std::int32_t epoch = 0) {
  return {.replicas = {BrokerId{broker}},
          .isr = {BrokerId{broker}},
          .leader = BrokerId{broker},
          .leader_epoch = LeaderEpoch{epoch},
          .partition_epoch = epoch};
}

Topic topic_of(const std::string& name, std::uint32_t id, std::int32_t partitions) {
  Topic topic{.name = name, .id = numbered_id(id), .partitions = {}, .configs = {}};
  for (std::int32_t i = 0; i < partitions; ++i) topic.partitions.push_back(partition_on(1, i));
  return topic;
}

/// The keys of a store, and an image that follows them change by change.
class Followed {
 public:
  /// Writes `ops` at the next revision. False, and the store is as it was, when the image does not follow.
  bool write(const std::vector<Op>& ops) {
    const auto before = entries_;
    const Revision revision = next_revision();
    std::vector<Change> changes;
    for (const Op& op : ops) {
      if (op.value) {
        entries_[op.key] = {.key = op.key, .value = *op.value, .created = {}, .modified = revision};
      } else {
        entries_.erase(op.key);
      }
      changes.push_back(change_of(op, revision));
    }
    auto next = image_.apply(changes, revision);
    if (!next) {
      error_ = next.error();
      entries_ = before;
      return false;
    }
    image_ = *std::move(next);
    return true;
  }
  bool erase(const std::string& key) { return write({Op::erase(key)}); }

  [[nodiscard]] ClusterImage listed() const {
    std::vector<KeyValue> all;
    for (const auto& [key, entry] : entries_) all.push_back(entry);
    return ClusterImage::of_listing(all, image_.revision()).value();
  }
  [[nodiscard]] const ClusterImage& image() const { return image_; }
  [[nodiscard]] const Error& error() const { return error_; }
  [[nodiscard]] const std::map<std::string, KeyValue>& entries() const { return entries_; }
  [[nodiscard]] Revision next_revision() const { return Revision{image_.revision().value() + 1}; }

 private:
  std::map<std::string, KeyValue> entries_;
  ClusterImage image_;
  Error error_;
};

Followed with_topic(const Topic& topic) {
  Followed store;
  EXPECT_TRUE(store.write(put_whole_topic(topic)));
  return store;
}

const Defect* defect_of(const ClusterImage& image, const std::string& key) { return image.defects().find(key); }

TEST(ImageChange, ATopicIsVisibleOnceItsOwnKeyIsThere) {
  Followed store;
  const Topic topic = topic_of("t", 1, 3);
  const std::vector<Op> ops = put_whole_topic(topic);
  for (const Op& op : ops) {
    EXPECT_EQ(store.image().find_topic("t"), nullptr);
    ASSERT_TRUE(store.write({op}));
  }
  ASSERT_NE(store.image().find_topic("t"), nullptr);
  EXPECT_EQ(store.image().find_topic("t")->partition_count(), 3);
  EXPECT_TRUE(store.image().loose_partitions().empty());
  EXPECT_EQ(store.image(), store.listed());
}

TEST(ImageChange, EachThingHasTheRevisionOfItsOwnKey) {
  Followed store = with_topic(topic_of("t", 1, 3));
  ASSERT_TRUE(store.write({put_partition(numbered_id(1), 2, partition_on(1, 9))}));
  const Topic& topic = *store.image().find_topic("t");
  EXPECT_EQ(topic.revision, Revision{1});
  EXPECT_EQ(topic.partitions[1].revision, Revision{1});
  EXPECT_EQ(topic.partitions[2].revision, Revision{2});
  EXPECT_EQ(topic.partitions[2].leader_epoch, LeaderEpoch{9});
  EXPECT_EQ(store.image().revision(), Revision{2});
}

TEST(ImageChange, WhatDidNotChangeIsShared) {
  Followed store = with_topic(topic_of("big", 1, 1000));
  ASSERT_TRUE(store.write(put_whole_topic(topic_of("other", 2, 1))));
  const ClusterImage before = store.image();
  ASSERT_TRUE(store.write({put_partition(numbered_id(1), 500, partition_on(1, 9))}));
  EXPECT_EQ(before.find_topic("other"), store.image().find_topic("other"));
  EXPECT_EQ(before.find_topic("big")->partitions[500].leader_epoch, LeaderEpoch{500});
  EXPECT_EQ(store.image().find_topic("big")->partitions[500].leader_epoch, LeaderEpoch{9});
  EXPECT_EQ(&before.find_topic("big")->partitions[0], &store.image().find_topic("big")->partitions[0]);
}

TEST(ImageChange, AChangeThatTheImageHasIsPassedOver) {
  const Followed store = with_topic(topic_of("t", 1, 1));
  const std::vector<Change> old{change_of(Op::erase(topic_key("t")), Revision{1})};
  EXPECT_EQ(store.image().apply(old, Revision{1}).value(), store.image());
}

TEST(ImageChange, TheLastOfSeveralChangesOfAKeyCounts) {
  const Followed store = with_topic(topic_of("t", 1, 1));
  const std::vector<Change> changes{change_of(put_partition(numbered_id(1), 0, partition_on(1, 5)), Revision{2}),
                                    change_of(put_partition(numbered_id(1), 0, partition_on(1, 6)), Revision{3})};
  const ClusterImage next = store.image().apply(changes, Revision{3}).value();
  EXPECT_EQ(next.find_topic("t")->partitions[0].leader_epoch, LeaderEpoch{6});
  EXPECT_EQ(next.revision(), Revision{3});
}

TEST(ImageChange, ADeletionLeavesATombstoneAndItsPartitionsLoose) {
  Followed store = with_topic(topic_of("t", 1, 2));
  ASSERT_TRUE(
      store.write({Op::erase(topic_key("t")), put_tombstone(numbered_id(1), {.name = "t", .waiting = {BrokerId{1}}})}));
  EXPECT_EQ(store.image().find_topic("t"), nullptr);
  EXPECT_EQ(store.image().partition_count(), 0u);
  EXPECT_EQ(store.image().tombstones().at(numbered_id(1)).waiting, std::vector{BrokerId{1}});
  EXPECT_EQ(store.image().loose_partitions().size(), 2u);
  EXPECT_EQ(store.image(), store.listed());
  ASSERT_TRUE(store.write({Op::erase(partition_key(numbered_id(1), 0)), Op::erase(partition_key(numbered_id(1), 1)),
                           Op::erase(tombstone_key(numbered_id(1)))}));
  EXPECT_TRUE(store.image().loose_partitions().empty());
  EXPECT_EQ(store.image(), store.listed());
}

TEST(ImageChange, ATopicThatVanishesWithoutATombstoneIsDamageOfTheStore) {
  Followed store = with_topic(topic_of("t", 1, 2));
  const ClusterImage before = store.image();
  EXPECT_FALSE(store.erase(topic_key("t")));
  EXPECT_EQ(store.error().code, Errc::corrupt);
  EXPECT_EQ(store.error().message, "topic t is gone from the metadata store without a tombstone");
  EXPECT_EQ(store.image(), before);
  std::vector<Op> all;
  for (const auto& [key, entry] : store.entries()) all.push_back(Op::erase(key));
  EXPECT_FALSE(store.write(all));
}

TEST(ImageChange, ATopicThatIsReplacedByOneOfAnotherIdWithoutATombstoneIsDamage) {
  Followed store = with_topic(topic_of("t", 1, 2));
  EXPECT_FALSE(store.write(put_whole_topic(topic_of("t", 2, 2))));
  std::vector<Op> ops = put_whole_topic(topic_of("t", 2, 5));
  ops.push_back(put_tombstone(numbered_id(1), {.name = "t", .waiting = {}}));
  ASSERT_TRUE(store.write(ops));
  EXPECT_EQ(store.image().find_topic("t")->id, numbered_id(2));
  EXPECT_EQ(store.image().find_topic(numbered_id(1)), nullptr);
  EXPECT_EQ(store.image(), store.listed());
}

TEST(ImageChange, ATombstoneThatCameAndWentMeanwhileExplainsADeletion) {
  const Followed store = with_topic(topic_of("t", 1, 1));
  const std::vector<Change> changes{change_of(Op::erase(topic_key("t")), Revision{2}),
                                    change_of(put_tombstone(numbered_id(1), {.name = "t", .waiting = {}}), Revision{2}),
                                    change_of(Op::erase(partition_key(numbered_id(1), 0)), Revision{3}),
                                    change_of(Op::erase(tombstone_key(numbered_id(1))), Revision{3})};
  const auto next = store.image().apply(changes, Revision{3});
  ASSERT_TRUE(next) << next.error().message;
  EXPECT_TRUE(next->topics().empty());
}

TEST(ImageChange, TheClustersKeyThatVanishesIsDamageOfTheStore) {
  Followed store;
  ASSERT_TRUE(store.write({put_cluster(numbered_id(9)), put_level(kLevel)}));
  EXPECT_FALSE(store.erase(cluster_key()));
  EXPECT_FALSE(store.erase(level_key()));
  EXPECT_EQ(store.error().code, Errc::corrupt);
}

TEST(ImageChange, ALaterLevelIsRefused) {
  Followed store;
  EXPECT_FALSE(store.write({put_cluster(numbered_id(9)), put_level(kLevel + 1)}));
  EXPECT_EQ(store.error().code, Errc::unsupported);
}

TEST(ImageChange, AKeyThatCannotBeReadTakesItsTopicAwayAndNoOther) {
  Followed store = with_topic(topic_of("t", 1, 3));
  ASSERT_TRUE(store.write(put_whole_topic(topic_of("u", 2, 1))));
  const std::string key = partition_key(numbered_id(1), 1);
  ASSERT_TRUE(store.write({Op::put(key, "\2rubbish")}));
  EXPECT_EQ(store.image().find_topic("t"), nullptr);
  EXPECT_NE(store.image().find_topic("u"), nullptr);
  EXPECT_EQ(store.image().partition_count(), 1u);
  EXPECT_TRUE(store.image().is_withheld("t"));
  EXPECT_TRUE(store.image().may_be_withheld(numbered_id(1)));
  ASSERT_NE(defect_of(store.image(), key), nullptr);
  EXPECT_EQ(defect_of(store.image(), key)->message, "the metadata store's key \"" + key + "\" is damaged");
  EXPECT_EQ(defect_of(store.image(), topic_key("t"))->message,
            "the metadata store cannot give the key \"" + key + "\" of topic t");
  EXPECT_EQ(store.image(), store.listed());

  ASSERT_TRUE(store.write({put_partition(numbered_id(1), 1, partition_on(1, 4))}));
  EXPECT_EQ(store.image().find_topic("t")->partitions[1].leader_epoch, LeaderEpoch{4});
  EXPECT_TRUE(store.image().defects().empty());
  EXPECT_FALSE(store.image().is_withheld("t"));
  EXPECT_EQ(store.image(), store.listed());
}

TEST(ImageChange, ATopicWithoutOneOfItsPartitionsIsTold) {
  Followed store = with_topic(topic_of("t", 1, 3));
  const std::string key = partition_key(numbered_id(1), 2);
  ASSERT_TRUE(store.erase(key));
  EXPECT_EQ(store.image().find_topic("t"), nullptr);
  EXPECT_EQ(defect_of(store.image(), topic_key("t"))->message,
            "the metadata store lacks the key \"" + key + "\" of topic t");
  EXPECT_EQ(defect_of(store.image(), topic_key("t"))->topic, "t");
}

TEST(ImageChange, ATopicsOwnKeyThatCannotBeReadWithholdsItAndIsNoDeletion) {
  Followed store = with_topic(topic_of("t", 1, 3));
  ASSERT_TRUE(store.write({Op::put(topic_key("t"), "\3later")}));
  EXPECT_EQ(store.image().find_topic("t"), nullptr);
  EXPECT_TRUE(store.image().is_withheld("t"));
  EXPECT_TRUE(store.image().may_be_withheld(numbered_id(77)));  // it may name any id
  EXPECT_EQ(defect_of(store.image(), topic_key("t"))->message,
            "the metadata store's key \"topics/t\" was written by a later version of mqd");
  EXPECT_EQ(store.image(), store.listed());
  ASSERT_TRUE(store.write({put_topic(topic_of("t", 1, 3))}));
  EXPECT_NE(store.image().find_topic("t"), nullptr);
  EXPECT_EQ(store.image(), store.listed());
}

TEST(ImageChange, TheTopicThatIsThereKeepsItsIdAgainstAnotherOne) {
  Followed store = with_topic(topic_of("t", 1, 1));
  ASSERT_TRUE(store.write({put_topic(topic_of("a", 1, 1))}));
  EXPECT_EQ(store.image().find_topic(numbered_id(1))->name, "t");
  EXPECT_EQ(store.image().find_topic("a"), nullptr);
  EXPECT_TRUE(store.image().is_withheld("a"));
  ASSERT_TRUE(store.erase(topic_key("a")));
  EXPECT_FALSE(store.image().is_withheld("a"));
  EXPECT_TRUE(store.image().defects().empty());
}

TEST(ImageChange, AGrowingTopicShowsItsNewPartitionsWithItsOwnKey) {
  Followed store = with_topic(topic_of("t", 1, 2));
  ASSERT_TRUE(store.write({put_partition(numbered_id(1), 2, partition_on(1))}));
  ASSERT_TRUE(store.write({put_partition(numbered_id(1), 3, partition_on(1))}));
  EXPECT_EQ(store.image().find_topic("t")->partition_count(), 2);
  EXPECT_EQ(store.image().loose_partitions().size(), 2u);
  ASSERT_TRUE(store.write({put_topic(topic_of("t", 1, 4))}));
  EXPECT_EQ(store.image().find_topic("t")->partition_count(), 4);
  EXPECT_EQ(store.image().partition_count(), 4u);
  EXPECT_TRUE(store.image().loose_partitions().empty());
}

TEST(ImageChange, ABrokerIsAliveWithASessionOfItsRegistrationOrWithoutNeedOfOne) {
  Followed store;
  Broker broker{.id = BrokerId{1}, .endpoints = {}, .rack = std::nullopt};
  ASSERT_TRUE(store.write({put_broker(broker)}));
  EXPECT_TRUE(store.image().is_ready(BrokerId{1}));
  broker.nonce = numbered_id(1);
  broker.epoch = BrokerEpoch{4};
  ASSERT_TRUE(store.write({put_broker(broker)}));
  EXPECT_FALSE(store.image().is_alive(BrokerId{1}));
  ASSERT_TRUE(store.write({put_session(BrokerId{1}, {.epoch = BrokerEpoch{3}})}));
  EXPECT_FALSE(store.image().is_alive(BrokerId{1}));  // of an earlier incarnation
  ASSERT_TRUE(store.write({put_session(BrokerId{1}, {.epoch = BrokerEpoch{4}})}));
  EXPECT_TRUE(store.image().is_ready(BrokerId{1}));
  broker.state = BrokerState::starting;
  ASSERT_TRUE(store.write({put_broker(broker)}));
  EXPECT_TRUE(store.image().is_alive(BrokerId{1}));
  EXPECT_FALSE(store.image().is_ready(BrokerId{1}));
  ASSERT_TRUE(store.erase(alive_key(BrokerId{1})));
  EXPECT_FALSE(store.image().is_alive(BrokerId{1}));
  EXPECT_EQ(store.image(), store.listed());
}

TEST(ImageChange, WhatCannotBeReadBesideTopicsIsToldAndNotThere) {
  Followed store;
  for (const std::string& key :
       {broker_key(BrokerId{1}), alive_key(BrokerId{1}), broker_config_key(BrokerId{1}), tombstone_key(numbered_id(1)),
        creating_key(numbered_id(1)), controller_key(), producer_ids_key(), std::string("brokers/x")})
    ASSERT_TRUE(store.write({Op::put(key, "\2")}));
  EXPECT_EQ(store.image().defects().size(), 8u);
  EXPECT_TRUE(store.image().brokers().empty());
  EXPECT_EQ(store.image(), store.listed());
  std::vector<Op> erased;
  for (const auto& [key, entry] : store.entries()) erased.push_back(Op::erase(key));
  ASSERT_TRUE(store.write(erased));
  EXPECT_TRUE(store.image().defects().empty());
}

TEST(ImageChange, TopicsThatANewListingLacksAreVanishedUnlessATombstoneSaysSo) {
  Followed store = with_topic(topic_of("t", 1, 1));
  const ClusterImage known = store.image();
  ASSERT_TRUE(store.write({Op::erase(topic_key("t")), put_tombstone(numbered_id(1), {.name = "t", .waiting = {}})}));
  EXPECT_TRUE(vanished_topics(known, store.image(), kNoBroker).empty());
  ASSERT_TRUE(store.erase(tombstone_key(numbered_id(1))));
  EXPECT_EQ(vanished_topics(known, store.image(), BrokerId{1}), std::vector<std::string>{"t"});
  EXPECT_TRUE(vanished_topics(known, store.image(), BrokerId{2}).empty());  // it may have been acknowledged meanwhile
}

TEST(ImageChange, AListingOfAnEarlierTimeIsToldByWhateverOnlyGrows) {
  Followed store = with_topic(topic_of("t", 1, 1));
  Broker broker{.id = BrokerId{1}, .epoch = BrokerEpoch{2}};
  ASSERT_TRUE(store.write({put_broker(broker)}));
  const ClusterImage earlier = store.image();
  Partition partition = *earlier.find_topic("t")->find_partition(0);
  ++partition.partition_epoch;
  ASSERT_TRUE(store.write({put_partition(numbered_id(1), 0, partition)}));
  const ClusterImage known = store.image();
  EXPECT_EQ(earlier_part(earlier, known), std::nullopt);
  EXPECT_EQ(earlier_part(known, known), std::nullopt);
  EXPECT_NE(earlier_part(known, earlier), std::nullopt) << "its revision";
  // It went back, and has grown past what was seen.
  --partition.partition_epoch;
  ASSERT_TRUE(store.write({put_partition(numbered_id(1), 0, partition)}));
  EXPECT_NE(earlier_part(known, store.image()), std::nullopt) << "a partition";
  ++partition.partition_epoch;
  broker.epoch = BrokerEpoch{1};
  ASSERT_TRUE(store.write({put_partition(numbered_id(1), 0, partition), put_broker(broker)}));
  EXPECT_NE(earlier_part(known, store.image()), std::nullopt) << "a broker";
  ASSERT_TRUE(store.write({Op::erase(broker_key(BrokerId{1}))}));
  EXPECT_EQ(earlier_part(known, store.image()), std::nullopt) << "a broker may be unregistered";
}

/// Random lives of a store, now and then with keys that cannot be read. After each change the image that follows is the
/// one that a listing makes.
class ImageLife {
 public:
  explicit ImageLife(std::uint32_t seed) : random_(seed) {}

  void run(int steps) {
    ASSERT_TRUE(store_.write({put_cluster(numbered_id(999)), put_level(kLevel)}));
    for (int step = 0; step < steps; ++step) {
      const std::vector<Op> ops = some_ops();
      if (ops.empty()) continue;
      const ClusterImage before = store_.image();
      const bool followed = store_.write(ops);
      if (!followed) {
        ASSERT_EQ(store_.image(), before);
        ++refused_;
        continue;
      }
      ASSERT_EQ(store_.image(), store_.listed()) << "step " << step;
      check_parts();
    }
  }
  [[nodiscard]] int refused() const { return refused_; }
  [[nodiscard]] int withheld() const { return withheld_; }

 private:
  std::uint32_t below(std::uint32_t n) { return random_() % n; }

  void check_parts() {
    std::size_t partitions = 0;
    for (const TopicPtr& topic : store_.image().topics()) {
      partitions += topic->partitions.size();
      ASSERT_EQ(store_.image().find_topic(topic->id), topic.get());
      ASSERT_FALSE(store_.image().is_withheld(topic->name));
    }
    ASSERT_EQ(store_.image().partition_count(), partitions);
    withheld_ += store_.image().defects().empty() ? 0 : 1;
  }

  std::vector<Op> some_ops() {
    const std::string name = "t" + std::to_string(below(6));
    const Uuid id = numbered_id(below(8));
    const auto index = static_cast<std::int32_t>(below(5));
    switch (below(12)) {
      case 0: {  // a new topic, perhaps in the place of another
        Topic topic = topic_of(name, next_id_++, static_cast<std::int32_t>(1 + below(70)));
        std::vector<Op> ops = put_whole_topic(topic);
        bury(name, ops);
        return ops;
      }
      case 1: {
        std::vector<Op> ops;
        bury(name, ops);
        if (!ops.empty()) ops.push_back(Op::erase(topic_key(name)));
        return ops;
      }
      case 2:
        return {Op::erase(topic_key(name))};  // refused where there is a topic
      case 3:
      case 4: {
        const Topic* topic = store_.image().find_topic(name);
        if (topic == nullptr) return {};
        const auto at = static_cast<std::int32_t>(below(static_cast<std::uint32_t>(topic->partition_count()) + 3));
        return {put_partition(topic->id, at, partition_on(1, static_cast<std::int32_t>(below(1000))))};
      }
      case 5:
        return {below(2) == 0 ? put_partition(id, index, partition_on(2)) : Op::erase(partition_key(id, index))};
      case 6: {
        const Topic* topic = store_.image().find_topic(name);
        if (topic == nullptr) return {};
        Topic changed = *topic;
        changed.configs["retention.ms"] = std::to_string(below(1000));
        if (below(2) == 0) changed.partitions.push_back(partition_on(3));
        std::vector<Op> ops{put_topic(changed)};
        if (changed.partition_count() > topic->partition_count() && below(4) != 0)
          ops.push_back(put_partition(changed.id, topic->partition_count(), partition_on(3)));
        return ops;
      }
      case 7: {  // rot
        if (store_.entries().empty()) return {};
        auto at = store_.entries().begin();
        std::advance(at, below(static_cast<std::uint32_t>(store_.entries().size())));
        if (at->first.starts_with("cluster")) return {};
        const bool is_later = below(3) == 0;
        return {Op::put(at->first, is_later ? "\7later" : at->second.value.substr(0, below(3)))};
      }
      case 8: {  // put right
        for (const auto& [key, defect] : store_.image().defects()) {
          const ParsedKey parsed = parse_key(key);
          if (parsed.kind == KeyKind::partition) return {put_partition(parsed.id, parsed.index, partition_on(1))};
          if (parsed.kind == KeyKind::topic) {
            std::vector<Op> ops = put_whole_topic(topic_of(std::string(parsed.name), next_id_++, 2));
            bury(std::string(parsed.name), ops);
            return ops;
          }
          return {Op::erase(key)};
        }
        return {};
      }
      case 9: {
        Broker broker{.id = BrokerId{static_cast<std::int32_t>(below(4))}, .endpoints = {}, .rack = std::nullopt};
        broker.nonce = numbered_id(below(2));
        return {below(3) == 0 ? Op::erase(broker_key(broker.id)) : put_broker(broker),
                put_session(broker.id, {.epoch = BrokerEpoch{1}})};
      }
      case 10:
        return {
            below(2) == 0 ? put_creation(id, {.topic = name}) : Op::erase(creating_key(id)),
            below(2) == 0 ? put_broker_config(BrokerId{1}, {{"a", name}}) : Op::erase(broker_config_key(BrokerId{1}))};
      default:
        return {put_producer_ids(below(1000)), put_controller({.broker = BrokerId{1}, .broker_epoch = BrokerEpoch{1}})};
    }
  }

  /// A tombstone for whatever has this name.
  void bury(const std::string& name, std::vector<Op>& ops) {
    const auto found = store_.entries().find(topic_key(name));
    if (found == store_.entries().end()) return;
    if (const auto value = read_topic(found->first, found->second.value, name))
      ops.push_back(put_tombstone(value->topic.id, {.name = name, .waiting = {BrokerId{1}}}));
  }

  std::mt19937 random_;
  Followed store_;
  std::uint32_t next_id_ = 100;
  int refused_ = 0;
  int withheld_ = 0;
};

TEST(ImageChange, AnImageThatFollowsTheChangesIsTheOneOfAListing) {
  int refused = 0;
  int withheld = 0;
  for (std::uint32_t seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE(seed);
    ImageLife life(seed);
    life.run(150);
    if (testing::Test::HasFatalFailure()) return;
    refused += life.refused();
    withheld += life.withheld();
  }
  EXPECT_GT(refused, 50);  // the lives have seen what they are for
  EXPECT_GT(withheld, 50);
}

TEST(ImageChange, WholeImagesComeBackFromWhatIsPut) {
  Followed store;
  ASSERT_TRUE(store.write({put_cluster(numbered_id(99)), put_level(kLevel)}));
  ASSERT_TRUE(store.write(put_whole_topic(topic_of("large", 2, 700))));
  Broker broker{.id = BrokerId{2}, .endpoints = {{"P", "h", 1}}, .rack = "a rack"};
  ASSERT_TRUE(store.write({put_broker(broker), put_broker_config(kNoBroker, {{"log.retention.ms", "5"}}),
                           put_tombstone(numbered_id(3), {.name = "gone", .waiting = {BrokerId{2}}}),
                           put_creation(numbered_id(4), {.topic = "new"}), put_producer_ids(5000)}));
  Followed copy;
  ASSERT_TRUE(copy.write(put_image(store.image())));
  EXPECT_EQ(put_image(copy.image()), put_image(store.image()));
  EXPECT_EQ(put_image(store.image()).size(), store.entries().size());
}

}  // namespace
}  // namespace mq::cluster
