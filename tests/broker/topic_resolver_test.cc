// What a request names: whether it is there, whether the caller may, and which shard has it.

#include "broker/topic_resolver.h"

#include <set>

#include "services_fixture.h"

namespace mq::broker {
namespace {

constexpr Needs kToRead{.topic = AclOperation::read};

class Resolver : public testing::ServicesTest {
 protected:
  /// Everybody may do everything to every topic but "secret".
  void keep_secret() {
    node().set_authorizer([](const Principal& who, AclOperation, const Resource& what) {
      EXPECT_EQ(who, anonymous());
      return what.type == ResourceType::topic && what.name != "secret";
    });
  }
  [[nodiscard]] ErrorCode by_name(std::string_view name, const Needs& needs = kToRead) const {
    const Call call = this->call(needs);
    return TopicResolver(call, image_).by_name(name).error;
  }
  [[nodiscard]] ErrorCode by_id(const Uuid& id) const {
    const Call call = this->call(kToRead);
    return TopicResolver(call, image_).by_id(id).error;
  }
};

TEST_F(Resolver, FindsATopicByNameAndById) {
  const Call call = this->call(kToRead);
  const TopicResolver topics(call, image_);
  EXPECT_EQ(topics.by_name("t").topic, &topic("t"));
  EXPECT_EQ(topics.by_name("t").error, ErrorCode::kNone);
  EXPECT_EQ(topics.by_id(topic("t").id).topic, &topic("t"));
}

TEST_F(Resolver, SaysWhichOfNameAndIdIsUnknown) {
  EXPECT_EQ(by_name("nobody"), ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(by_name("not a name"), ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(by_id(Uuid{}), ErrorCode::kUnknownTopicId);
}

TEST_F(Resolver, TellsANameThatNoTopicCanHaveFromOneThatIsNotThere) {
  const Call call = this->call(kToRead);
  const TopicResolver topics(call, image_);
  EXPECT_EQ(topics.by_valid_name("not a name").error, ErrorCode::kInvalidTopicException);
  EXPECT_EQ(topics.by_valid_name("nobody").error, ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(topics.by_valid_name("t").topic, &topic("t"));
}

TEST_F(Resolver, EveryPartitionHasTheOwnerThatTheNodeNames) {
  const Call call = this->call(kToRead);
  const TopicResolver topics(call, image_);
  const FoundTopic found = topics.by_name("t");
  std::set<ShardServices*> owners;
  for (std::int32_t index = 0; index < topic("t").partition_count(); ++index) {
    const PartitionPlace place = topics.place(found, index);
    EXPECT_EQ(place.error, ErrorCode::kNone);
    EXPECT_EQ(place.owner, &node().owner_of(topic("t").id, index));
    owners.insert(place.owner);
  }
  EXPECT_EQ(owners.size(), static_cast<std::size_t>(kShards)) << "neighbours live on different shards";
}

TEST_F(Resolver, APartitionThatIsNotThereHasNoOwner) {
  const Call call = this->call(kToRead);
  const TopicResolver topics(call, image_);
  for (const std::int32_t index : {-1, 8, 1'000'000}) {
    const PartitionPlace place = topics.place(topics.by_name("t"), index);
    EXPECT_EQ(place.owner, nullptr);
    EXPECT_EQ(place.error, ErrorCode::kUnknownTopicOrPartition) << index;
  }
  EXPECT_EQ(topics.place(topics.by_id(Uuid{}), 0).error, ErrorCode::kUnknownTopicId) << "the topic's error";
}

TEST_F(Resolver, WhoMayNotIsToldTheSameWhetherANameExistsOrNot) {
  keep_secret();
  EXPECT_EQ(by_name("secret"), ErrorCode::kTopicAuthorizationFailed);
  add_topic("secret", 1);
  EXPECT_EQ(by_name("secret"), ErrorCode::kTopicAuthorizationFailed);
  EXPECT_EQ(by_id(topic("secret").id), ErrorCode::kTopicAuthorizationFailed);
  EXPECT_EQ(by_name("t"), ErrorCode::kNone);
  EXPECT_EQ(by_name("nobody"), ErrorCode::kUnknownTopicOrPartition);
}

TEST_F(Resolver, AmongAllTopicsTheCallerIsShownHisOwn) {
  keep_secret();
  add_topic("secret", 1);
  const Call call = this->call(kToRead);
  const TopicResolver topics(call, image_);
  EXPECT_TRUE(topics.may(topic("t")));
  EXPECT_FALSE(topics.may(topic("secret")));
}

TEST_F(Resolver, AsksForWhatTheApiNeeds) {
  node().set_authorizer([](const Principal&, AclOperation operation, const Resource& what) {
    return operation == AclOperation::write && what.type == ResourceType::topic;
  });
  EXPECT_EQ(by_name("t", {.topic = AclOperation::write}), ErrorCode::kNone);
  EXPECT_EQ(by_name("t", {.topic = AclOperation::read}), ErrorCode::kTopicAuthorizationFailed);
}

TEST(Rights, WithoutAnAuthorizerEverybodyMay) {
  EXPECT_TRUE(may({}, anonymous(), {}, {.type = ResourceType::topic, .name = "t"}));
  EXPECT_TRUE(may({}, anonymous(), {}, kCluster));
}

TEST(Rights, WhatAnApiDoesNotConcernNobodyMay) {
  const Authorizer all = [](const Principal&, AclOperation, const Resource&) { return true; };
  EXPECT_FALSE(may(all, anonymous(), {.topic = AclOperation::read}, {.type = ResourceType::group, .name = "g"}));
  EXPECT_TRUE(may(all, anonymous(), {.group = AclOperation::read}, {.type = ResourceType::group, .name = "g"}));
}

TEST(Rights, TheClusterSufficesWhereTheApiSaysSo) {
  const Authorizer of_cluster = [](const Principal&, AclOperation operation, const Resource& what) {
    return operation == AclOperation::create && what.type == ResourceType::cluster;
  };
  Needs needs{.topic = AclOperation::create, .cluster = AclOperation::create};
  EXPECT_FALSE(may(of_cluster, anonymous(), needs, {.type = ResourceType::topic, .name = "t"}));
  needs.cluster_suffices = true;
  EXPECT_TRUE(may(of_cluster, anonymous(), needs, {.type = ResourceType::topic, .name = "t"}));
  EXPECT_FALSE(may(of_cluster, anonymous(), needs, {.type = ResourceType::group, .name = "g"}));
}

}  // namespace
}  // namespace mq::broker
