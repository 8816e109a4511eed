#include "client/fetch_session.h"

#include <gtest/gtest.h>

namespace mq::client {
namespace {

FetchTarget target(const std::string& topic, std::int32_t partition, std::int64_t offset, std::uint8_t id = 1) {
  FetchTarget made{.where = {.topic = topic, .partition = partition},
                   .topic_id = {},
                   .leader_epoch = LeaderEpoch{1},
                   .offset = Offset{offset},
                   .bytes_max = 100};
  made.topic_id.bytes[0] = id;
  return made;
}

wire::FetchRequest prepared(FetchSession& session, const std::vector<FetchTarget>& targets) {
  wire::FetchRequest request;
  session.prepare(targets, request);
  return request;
}

TEST(FetchSession, FirstRequestNamesEverythingAndAsksForASession) {
  FetchSession session;
  const auto request = prepared(session, {target("a", 0, 1), target("a", 1, 2), target("b", 0, 3, 2)});
  EXPECT_EQ(request.session_id, 0);
  EXPECT_EQ(request.session_epoch, 0);
  ASSERT_EQ(request.topics.size(), 2u);
  EXPECT_EQ(request.topics[0].partitions.size(), 2u);
}

TEST(FetchSession, LaterRequestsNameOnlyWhatMoved) {
  FetchSession session;
  (void)prepared(session, {target("a", 0, 1), target("a", 1, 2)});
  session.accepted(9);
  const auto request = prepared(session, {target("a", 0, 1), target("a", 1, 5)});
  EXPECT_EQ(request.session_id, 9);
  EXPECT_EQ(request.session_epoch, 1);
  ASSERT_EQ(request.topics.size(), 1u);
  ASSERT_EQ(request.topics[0].partitions.size(), 1u);
  EXPECT_EQ(request.topics[0].partitions[0].fetch_offset, 5);
  EXPECT_TRUE(request.forgotten_topics_data.empty());
}

TEST(FetchSession, PartitionThatIsNotWantedAnyMoreIsForgotten) {
  FetchSession session;
  (void)prepared(session, {target("a", 0, 1), target("a", 1, 2)});
  session.accepted(9);
  const auto request = prepared(session, {target("a", 0, 1)});
  ASSERT_EQ(request.forgotten_topics_data.size(), 1u);
  EXPECT_EQ(request.forgotten_topics_data[0].partitions, std::vector<std::int32_t>{1});
}

TEST(FetchSession, BrokerWithoutSessionsGetsFullRequestsForEver) {
  FetchSession session;
  (void)prepared(session, {target("a", 0, 1)});
  session.accepted(0);
  const auto request = prepared(session, {target("a", 0, 1)});
  EXPECT_EQ(request.session_epoch, 0);
  EXPECT_EQ(request.topics.size(), 1u);
}

TEST(FetchSession, ResetNamesEverythingAgain) {
  FetchSession session;
  (void)prepared(session, {target("a", 0, 1)});
  session.accepted(9);
  session.reset();
  const auto request = prepared(session, {target("a", 0, 1)});
  EXPECT_EQ(request.session_epoch, 0);
  EXPECT_EQ(request.topics.size(), 1u);
}

TEST(FetchSession, TopicMadeAgainUnderItsNameBeginsANewSession) {
  FetchSession session;
  (void)prepared(session, {target("a", 0, 1, 1)});
  session.accepted(9);
  EXPECT_EQ(prepared(session, {target("a", 0, 0, 2)}).session_epoch, 0);
}

}  // namespace
}  // namespace mq::client
