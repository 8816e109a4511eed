#include "client/cluster.h"

#include <gtest/gtest.h>

#include <memory>

#include "fake_broker.h"
#include "wire/messages/find_coordinator.h"

namespace mq::client {
namespace {

TEST(Cluster, ABrokerThatIsGoneDoesNotMakeTheClientLostWhileAnotherOneIsConnected) {
  ClientWorld w;
  // A coordinator where nobody listens.
  w.broker.other_versions[ApiKey::kFindCoordinator] = wire::FindCoordinatorRequest::kVersions;
  w.broker.answer_others = [](const wire::RequestHeader& header, const Reader&) {
    wire::FindCoordinatorResponse response;
    response.coordinators.push_back({.key = "g", .node_id = 2, .host = "broker", .port = FakeBroker::kPort + 1});
    return wire::encode_response(header, response);
  };
  Cluster& cluster = w.cluster();
  ASSERT_TRUE(w.run(cluster.start(w.in(5s))).has_value());
  EXPECT_FALSE(w.run(cluster.coordinator("g")).has_value());
  EXPECT_EQ(w.notices.size(), 1u);
  EXPECT_FALSE(cluster.lost());

  w.broker.stop();
  EXPECT_TRUE(w.world.run_until([&] { return cluster.lost(); }, 1s));
  w.client.kill();
}

}  // namespace
}  // namespace mq::client
