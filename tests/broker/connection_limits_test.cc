// How many connections there may be, and how fast they may come.

#include "broker/connection_limits.h"

#include "shard_fixture.h"

namespace mq::broker {
namespace {

class LimitsOfConnections : public testing::ShardTest {
 public:
  void start_with(std::function<void(NodeConfig&)> change) {
    start(std::move(change));
    limits_ = &machine_->make<ConnectionLimits>(*node_);
  }
  /// What the limits say to a connection from there, as a task of the shard.
  std::expected<Instant, ConnectionLimit> take(const std::string& host) {
    std::expected<Instant, ConnectionLimit> taken;
    on_shard([&] {
      taken = host.empty() ? limits_->take({.path = "/run/mq.sock"}) : limits_->take({.host = host, .port = 9});
    });
    limits_->check_invariants();
    return taken;
  }
  void release(const std::string& host) {
    limits_->release({.host = host, .port = 9});
    world_.run_for(1ms);
    limits_->check_invariants();
  }
  ConnectionLimits* limits_ = nullptr;
};

TEST_F(LimitsOfConnections, SoManyFromOneAddressAndOthersAreNotHeldUp) {
  start_with([](NodeConfig& config) { config.connections_per_ip_max = 2; });
  EXPECT_TRUE(take("10.0.0.1"));
  EXPECT_TRUE(take("10.0.0.1"));
  EXPECT_EQ(take("10.0.0.1").error(), ConnectionLimit::per_ip);
  EXPECT_TRUE(take("10.0.0.2"));
  release("10.0.0.1");
  EXPECT_TRUE(take("10.0.0.1"));
}

TEST_F(LimitsOfConnections, SoManyInAllWhereverTheyComeFrom) {
  start_with([](NodeConfig& config) { config.connections_max = 3; });
  EXPECT_TRUE(take("10.0.0.1"));
  EXPECT_TRUE(take("127.0.0.1"));
  EXPECT_TRUE(take("")) << "a unix socket";
  EXPECT_EQ(take("10.0.0.2").error(), ConnectionLimit::all);
  EXPECT_EQ(limits_->count(), 3U);
  release("127.0.0.1");
  EXPECT_EQ(limits_->count(), 2U);
  EXPECT_TRUE(take("10.0.0.2"));
}

TEST_F(LimitsOfConnections, WhoComesTooFastWaitsAndIsRefusedWhereThatWouldTakeTooLong) {
  start_with([](NodeConfig& config) { config.connection_rate_per_ip_max = 1; });
  EXPECT_LE(take("10.0.0.1").value(), world_.now());
  Instant last = world_.now();
  for (int i = 0; i < 10; ++i) {
    const Instant when = take("10.0.0.1").value();
    EXPECT_GT(when, last);
    last = when;
  }
  EXPECT_EQ(take("10.0.0.1").error(), ConnectionLimit::rate_per_ip);
  EXPECT_EQ(limits_->count(), 11U) << "who is refused does not count";
  EXPECT_LE(take("10.0.0.2").value(), world_.now()) << "another address has its own rate";
  for (int i = 0; i < 20; ++i) EXPECT_LE(take("127.0.0.1").value(), world_.now()) << "this machine has none";
}

TEST_F(LimitsOfConnections, AddressesThatNobodyComesFromAnyMoreAreForgotten) {
  start_with({});
  for (int i = 0; i < 6000; ++i) {
    const std::string host = fmt::format("10.0.{}.{}", i / 256, i % 256);
    EXPECT_TRUE(take(host));
    release(host);
  }
  EXPECT_LT(limits_->source_count(), 3000U);
}

}  // namespace
}  // namespace mq::broker
