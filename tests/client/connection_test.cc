#include "client/connection.h"

#include <gtest/gtest.h>

#include "fake_broker.h"

namespace mq::client {
namespace {

struct ConnectionFixture : ::testing::Test {
  ConnectionFixture() : tasks(w.client.make<env::TaskGroup>(w.client.shard(0))) {}
  ~ConnectionFixture() override { w.client.kill(); }

  std::shared_ptr<Connection> open() {
    auto opened = w.run(Connection::open(w.client.shard(0), tasks, w.options.bootstrap[0], w.options));
    EXPECT_TRUE(opened.has_value());
    return *opened;
  }
  /// One metadata request in the background; its outcome goes to `outcomes`.
  void ask(const std::shared_ptr<Connection>& connection, Duration timeout = 30s) {
    tasks.spawn([](ConnectionFixture* self, std::shared_ptr<Connection> to, Duration limit) -> awaitable<void> {
      auto answer = co_await to->call(wire::MetadataRequest{}, limit);
      self->outcomes.push_back(answer ? Errc::internal : answer.error().code);
      if (answer) ++self->answered;
    }(this, connection, timeout));
  }
  bool run_until_outcomes(std::size_t count) {
    return w.world.run_until([&] { return outcomes.size() == count; }, 1h);
  }

  ClientWorld w;
  env::TaskGroup& tasks;
  std::vector<Errc> outcomes;
  int answered = 0;
};

TEST_F(ConnectionFixture, ManyRequestsAreInFlightBeforeTheFirstAnswer) {
  const auto connection = open();
  w.broker.hold();
  for (int i = 0; i < 20; ++i) ask(connection);
  w.world.run_for(1s);
  EXPECT_EQ(connection->in_flight(), 20u);
  EXPECT_EQ(answered, 0);
  w.broker.release();
  EXPECT_TRUE(run_until_outcomes(20));
  EXPECT_EQ(answered, 20);
}

TEST_F(ConnectionFixture, BrokerThatRefusesTheNewestApiVersionsIsAskedInTheOldest) {
  w.broker.speaks_only_version_0 = true;
  const auto connection = open();
  EXPECT_EQ(w.broker.requests[ApiKey::kApiVersions], 2);
  ask(connection);
  EXPECT_TRUE(run_until_outcomes(1));
  EXPECT_EQ(answered, 1);
}

TEST_F(ConnectionFixture, RequestThatTheBrokerDoesNotHaveIsUnsupportedAndTheConnectionStays) {
  const auto connection = open();
  EXPECT_FALSE(connection->version_for<wire::ProduceRequest>(2).has_value());
  EXPECT_TRUE(connection->version_for<wire::ProduceRequest>(3).has_value());
  EXPECT_TRUE(connection->is_open());
}

TEST_F(ConnectionFixture, LengthOverTheLimitEndsTheConnectionAndFailsAllThatWait) {
  w.broker.answer_with = [](const wire::RequestHeader&) { return std::string("\x7f\xff\xff\xff", 4); };
  const auto connection = open();
  for (int i = 0; i < 3; ++i) ask(connection);
  EXPECT_TRUE(run_until_outcomes(3));
  EXPECT_EQ(outcomes, std::vector<Errc>(3, Errc::corrupt));
  EXPECT_FALSE(connection->is_open());
}

TEST_F(ConnectionFixture, NegativeLengthEndsTheConnection) {
  w.broker.answer_with = [](const wire::RequestHeader&) { return std::string("\xff\xff\xff\xff", 4); };
  const auto connection = open();
  ask(connection);
  EXPECT_TRUE(run_until_outcomes(1));
  EXPECT_EQ(outcomes[0], Errc::corrupt);
}

TEST_F(ConnectionFixture, AnswerToAnotherRequestEndsTheConnection) {
  w.broker.answer_with = [](wire::RequestHeader header) {
    header.correlation_id += 5;
    return wire::encode_response(header, wire::MetadataResponse{});
  };
  const auto connection = open();
  ask(connection);
  EXPECT_TRUE(run_until_outcomes(1));
  EXPECT_EQ(outcomes[0], Errc::corrupt);
}

TEST_F(ConnectionFixture, BodyThatDoesNotFollowItsFormatEndsTheConnection) {
  w.broker.answer_with = [](const wire::RequestHeader& header) {
    std::string frame = wire::encode_response(header, wire::MetadataResponse{});
    frame += "more";
    wire::finish_frame(frame, 0);
    return frame;
  };
  const auto connection = open();
  ask(connection);
  EXPECT_TRUE(run_until_outcomes(1));
  EXPECT_EQ(outcomes[0], Errc::corrupt);
  EXPECT_FALSE(connection->is_open());
}

TEST_F(ConnectionFixture, UnansweredRequestEndsTheConnectionAtItsDeadline) {
  const auto connection = open();
  w.broker.hold();
  const Instant begin = w.world.now();
  ask(connection, 1h);
  ask(connection, 3s);
  EXPECT_TRUE(run_until_outcomes(2));
  EXPECT_EQ(outcomes, std::vector<Errc>(2, Errc::timed_out));
  EXPECT_GE(w.world.now() - begin, 3s);
  EXPECT_LT(w.world.now() - begin, 4s);
}

TEST_F(ConnectionFixture, LargeAnswerInManyPiecesComesWhole) {
  const std::string name(200, 'n');
  w.broker.answer_with = [&](const wire::RequestHeader& header) {
    wire::MetadataResponse response;
    for (int i = 0; i < 20'000; ++i) response.topics.emplace_back().name = name + std::to_string(i);
    return wire::encode_response(header, response);
  };
  const auto connection = open();
  const auto answer = w.run(connection->call(wire::MetadataRequest{}, 30s));
  ASSERT_TRUE(answer.has_value());
  ASSERT_EQ(answer->body.topics.size(), 20'000u);
  EXPECT_EQ(answer->body.topics.back().name, name + "19999");
}

TEST_F(ConnectionFixture, NobodyListensMeansUnreachable) {
  w.broker.stop();
  auto opened = w.run(Connection::open(w.client.shard(0), tasks, w.options.bootstrap[0], w.options));
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code, Errc::unreachable);
}

}  // namespace
}  // namespace mq::client
