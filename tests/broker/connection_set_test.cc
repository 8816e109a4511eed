// The connections of a shard, from the listener to their end.

#include "broker/connection_set.h"

#include "broker/acceptor.h"
#include "broker/api/fetch_session.h"
#include "shard_fixture.h"
#include "wire/codec.h"
#include "wire/header.h"
#include "wire/messages/api_versions.h"

namespace mq::broker {
namespace {

constexpr std::uint16_t kTestPort = 9092;

/// Keeps the requests until they are to be answered.
class KeepingSet final : public ConnectionSet {
 public:
  using ConnectionSet::ConnectionSet;
  void start_request(Request, Responder responder) override {
    request_began();
    kept.push_back(std::move(responder));
  }
  std::vector<Responder> kept;
};

class Connections : public testing::ShardTest {
 public:
  void start_with(std::function<void(NodeConfig&)> change = {}) {
    start([change](NodeConfig& config) {
      config.listeners.push_back({.address = {.host = "", .port = kTestPort, .path = {}}});
      if (change) change(config);
    });
    client_ = &world_.add_machine("client", {.shards = 1});
    listeners_ = &machine_->make<Listeners>();
    limits_ = &machine_->make<ConnectionLimits>(*node_);
    set_ = &machine_->make<KeepingSet>(
        *shard_, ConnectionSet::Shared{.limits = *limits_,
                                       .extra_frame = std::make_shared<ExtraFrame>(),
                                       .fetch_session_slots = std::make_shared<FetchSessionSlots>(100)});
    acceptor_ = &machine_->make<Acceptor>(*shard_, *listeners_, *limits_, std::vector<ConnectionSet*>{set_});
    on_shard([this] {
      ASSERT_TRUE(acceptor_->listen());
      acceptor_->start();
    });
  }
  std::unique_ptr<env::Stream> connect() {
    auto stream = world_.run(*client_, [](env::Shard& shard) -> awaitable<Result<std::unique_ptr<env::Stream>>> {
      co_return co_await shard.network().connect({.host = "broker-1", .port = kTestPort, .path = {}},
                                                 shard.now() + 10s);
    }(client_->shard(0)));
    EXPECT_TRUE(stream);
    run_for(10ms);
    return *std::move(stream);
  }
  void ask(env::Stream& stream) {
    const std::string frame = wire::encode_request(
        {.api_version = 0, .correlation_id = 1, .client_id = std::string("test")}, wire::ApiVersionsRequest{});
    world_.run(*client_, [](env::Stream& to, const std::string& bytes) -> awaitable<void> {
      const BytesView pieces[] = {bytes};
      EXPECT_TRUE(co_await to.write(pieces));
    }(stream, frame));
    run_for(10ms);
  }
  void run_for(Duration time) {
    world_.run_for(time);
    set_->check_invariants();
    acceptor_->check_invariants();
  }
  /// Begins to end the requests; whether that has come to its end.
  std::shared_ptr<bool> end(Duration patience) {
    auto ended = std::make_shared<bool>(false);
    machine_->spawn([](ConnectionSet& set, Instant until, std::shared_ptr<bool> is_over) -> awaitable<void> {
      co_await set.end(until);
      *is_over = true;
    }(*set_, world_.now() + patience, ended));
    return ended;
  }
  sim::Machine* client_ = nullptr;
  Listeners* listeners_ = nullptr;
  ConnectionLimits* limits_ = nullptr;
  KeepingSet* set_ = nullptr;
  Acceptor* acceptor_ = nullptr;
};

TEST_F(Connections, AreCountedFromTheListenerToTheirEnd) {
  start_with();
  auto first = connect();
  auto second = connect();
  EXPECT_EQ(set_->connections().size(), 2U);
  EXPECT_EQ(set_->assigned(), 2U);
  EXPECT_EQ(limits_->count(), 2U);
  first->close();
  run_for(1s);
  EXPECT_EQ(set_->connections().size(), 1U);
  EXPECT_EQ(set_->assigned(), 1U);
  EXPECT_EQ(limits_->count(), 1U);
}

TEST_F(Connections, WhoIsIdleForTooLongIsClosedAndNobodyElse) {
  start_with([](NodeConfig& config) { config.connections_max_idle = 60s; });
  auto idle = connect();
  auto busy = connect();
  ask(*busy);
  run_for(80s);
  ASSERT_EQ(set_->connections().size(), 1U) << "who waits for an answer is not idle";
  EXPECT_TRUE(logged("it was idle for too long"));
  on_shard([this] { set_->kept.clear(); });
  run_for(1s);
  EXPECT_TRUE(set_->connections().empty()) << "a request was dropped unanswered";
}

TEST_F(Connections, OverTheLimitTheyAreRefused) {
  start_with([](NodeConfig& config) { config.connections_max = 1; });
  auto first = connect();
  auto second = connect();
  EXPECT_EQ(set_->connections().size(), 1U);
  EXPECT_EQ(limits_->count(), 1U);
  EXPECT_TRUE(logged("is refused: max.connections is reached"));
}

TEST_F(Connections, AnEndWaitsForWhatWasAskedAlsoWhereTheClientIsGone) {
  start_with();
  auto stream = connect();
  ask(*stream);
  ASSERT_EQ(set_->kept.size(), 1U);
  stream->close();
  run_for(1s);
  EXPECT_TRUE(set_->connections().empty());
  const auto ended = end(1s);
  run_for(1min);
  EXPECT_FALSE(*ended) << "the request may be on its way to a log";
  on_shard([this] { set_->kept.clear(); });
  run_for(1s);
  EXPECT_TRUE(*ended);
}

TEST_F(Connections, AnEndLosesItsPatienceWithWhoDoesNotRead) {
  start_with();
  auto stream = connect();
  on_shard([this] { set_->finish(); });
  auto ended = end(1s);
  run_for(100ms);
  EXPECT_TRUE(*ended) << "nothing was asked";

  auto other = connect();
  ask(*other);
  on_shard([this] { set_->finish(); });
  ended = end(1s);
  run_for(500ms);
  EXPECT_FALSE(*ended);
  on_shard([this] { set_->kept.front().send({.head = std::string(100, 'x'), .files = {}}); });
  run_for(100ms);
  EXPECT_TRUE(*ended) << "answered";
}

TEST_F(Connections, AStopOfTheAcceptorClosesTheListeners) {
  start_with();
  node_->life.begin_stop();
  world_.run(*machine_, acceptor_->stop());
  const auto refused = world_.run(*client_, [](env::Shard& shard) -> awaitable<bool> {
    co_return !co_await shard.network().connect({.host = "broker-1", .port = kTestPort, .path = {}}, shard.now() + 10s);
  }(client_->shard(0)));
  EXPECT_TRUE(refused);
}

}  // namespace
}  // namespace mq::broker
