// What administrators ask for, and what nobody means: answered as Kafka answers it.

#include <optional>
#include <string>
#include <vector>

#include "broker_fixture.h"
#include "wire/messages/create_partitions.h"
#include "wire/messages/create_topics.h"
#include "wire/messages/delete_topics.h"

namespace mq::broker {
namespace {

using testing::BrokerTest;
using testing::Peer;

class Admin : public BrokerTest {
 protected:
  void start() {
    BrokerTest::start();
    peer_ = run(Peer::connect(*client_));
  }
  template <class Request>
  typename Request::Response ask(const Request& request, ApiVersion version) {
    return run([](Peer& peer, const Request& wanted, ApiVersion in) -> awaitable<typename Request::Response> {
      co_return co_await peer.call(wanted, in);
    }(*peer_, request, version));
  }
  [[nodiscard]] const cluster::Topic* find(std::string_view topic) {
    return node_->first_shard().image()->find_topic(topic);
  }

  ErrorCode grow(std::string topic, std::int32_t count, std::optional<std::size_t> assigned = std::nullopt) {
    wire::CreatePartitionsRequest request;
    auto& wanted = request.topics.emplace_back();
    wanted.name = std::move(topic);
    wanted.count = count;
    if (assigned) wanted.assignments.emplace(*assigned).assign(*assigned, {.broker_ids = {node_->id().value()}});
    return ask(request, 3).results.at(0).error_code;
  }
  std::vector<ErrorCode> remove(std::vector<wire::DeleteTopicsRequest::DeleteTopicState> topics) {
    wire::DeleteTopicsRequest request;
    request.topics = std::move(topics);
    std::vector<ErrorCode> errors;
    for (const auto& row : ask(request, 6).responses) errors.push_back(row.error_code);
    return errors;
  }
  using Errors = std::vector<ErrorCode>;

  std::unique_ptr<Peer> peer_;
};

TEST_F(Admin, AnInternalTopicKeepsItsNumberOfPartitions) {
  // A group is found by that number: with another all committed offsets would seem to be gone.
  start();
  create_topic("__consumer_offsets", 1);
  EXPECT_EQ(grow("__consumer_offsets", 5), ErrorCode::kInvalidTopicException);
  EXPECT_EQ(find("__consumer_offsets")->partition_count(), 2);
}

TEST_F(Admin, AnAssignmentNamesBrokersForJustTheNewPartitions) {
  start();
  create_topic("t", 2);
  EXPECT_EQ(grow("t", 4, 1), ErrorCode::kInvalidReplicaAssignment);
  EXPECT_EQ(grow("t", 4, 0), ErrorCode::kInvalidReplicaAssignment);
  EXPECT_EQ(find("t")->partition_count(), 2);
  EXPECT_EQ(grow("t", 4, 2), ErrorCode::kNone);
  EXPECT_EQ(find("t")->partition_count(), 4);
}

TEST_F(Admin, ATopicIsDeletedByItsNameOrItsIdButNotByBoth) {
  start();
  create_topic("a", 1);
  create_topic("b", 1);
  const Uuid a = find("a")->id;
  EXPECT_EQ(remove({{.name = "b", .topic_id = a}}), Errors{ErrorCode::kInvalidRequest});
  EXPECT_EQ(remove({{}}), Errors{ErrorCode::kInvalidRequest});
  EXPECT_NE(find("a"), nullptr);
  EXPECT_NE(find("b"), nullptr);
  EXPECT_EQ(remove({{.name = std::nullopt, .topic_id = a}}), Errors{ErrorCode::kNone});
  EXPECT_EQ(find("a"), nullptr);
}

TEST_F(Admin, ATopicThatADeletionNamesTwiceIsKept) {
  start();
  create_topic("a", 1);
  const Uuid a = find("a")->id;
  const Errors both{ErrorCode::kInvalidRequest, ErrorCode::kInvalidRequest};
  EXPECT_EQ(remove({{.name = "a"}, {.name = "a"}}), both);
  EXPECT_EQ(remove({{.name = "a"}, {.name = std::nullopt, .topic_id = a}}), both);
  EXPECT_NE(find("a"), nullptr);
}

TEST_F(Admin, ADeletionByIdDoesNotTakeATopicThatHasTheNameMeanwhile) {
  start();
  create_topic("a", 1);
  const Uuid before = find("a")->id;
  ASSERT_EQ(world_->run(*machine_, node_->topics().remove("a"), 1min).error, ErrorCode::kNone);
  create_topic("a", 1);
  EXPECT_EQ(world_->run(*machine_, node_->topics().remove("a", before), 1min).error, ErrorCode::kUnknownTopicId);
  EXPECT_NE(find("a"), nullptr);
}

TEST_F(Admin, ASettingWithoutAValueMakesNoTopic) {
  start();
  wire::CreateTopicsRequest request;
  auto& topic = request.topics.emplace_back();
  topic.name = "t";
  topic.num_partitions = 1;
  topic.replication_factor = 1;
  topic.configs.push_back({.name = "retention.ms", .value = std::nullopt});
  EXPECT_EQ(ask(request, 7).topics.at(0).error_code, ErrorCode::kInvalidConfig);
  EXPECT_EQ(find("t"), nullptr);
}

}  // namespace
}  // namespace mq::broker
