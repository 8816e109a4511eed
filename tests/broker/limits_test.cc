// What all clients together can make grow, and what happens at its limit.

#include <algorithm>
#include <string>
#include <vector>

#include "base/cursor.h"
#include "broker/connection_rate.h"
#include "broker/metrics_text.h"
#include "broker/request_room.h"
#include "broker_fixture.h"
#include "wire/messages/api_versions.h"
#include "wire/messages/join_group.h"
#include "wire/messages/metadata.h"
#include "wire/messages/offset_commit.h"

namespace mq::broker {
namespace {

using testing::BrokerTest;
using testing::kPort;
using testing::make_batch;
using testing::only_row;
using testing::Peer;
using testing::produce_request;

class Limits : public BrokerTest {
 protected:
  ErrorCode produce(Peer& peer, int partition, std::int64_t producer, std::int32_t sequence) {
    const std::string batch = make_batch({.producer_id = producer, .sequence = sequence});
    return run([](Peer& to, int index, const std::string& bytes) -> awaitable<ErrorCode> {
      co_return only_row(co_await to.call(produce_request("t", index, bytes), 9)).error_code;
    }(peer, partition, batch));
  }
  std::size_t producers(int partition) { return this->partition("t", partition).log().producer_count(); }
};

TEST_F(Limits, TooManyProducersOfABrokerAreForgottenWhereThereAreMostAndTheLongestIdleFirst) {
  start([](NodeConfig& config) { config.producers_max = 80; }, 1, 1);
  create_topic("t", 3);
  auto peer = run(Peer::connect(*client_));
  for (int id = 0; id < 10; ++id) EXPECT_EQ(produce(*peer, 0, id, 0), ErrorCode::kNone);
  for (int id = 100; id < 170; ++id) EXPECT_EQ(produce(*peer, 1, id, 0), ErrorCode::kNone);
  EXPECT_EQ(producers(0) + producers(1), 80U);
  EXPECT_EQ(produce(*peer, 1, 170, 0), ErrorCode::kNone);
  EXPECT_EQ(producers(0), 10U);
  EXPECT_EQ(producers(1), 60U) << "an eighth less than the limit, in all";
  // Its duplicate would be recognised; whoever was forgotten writes on all the same.
  EXPECT_EQ(produce(*peer, 1, 170, 0), ErrorCode::kNone);
  const auto end = log_end("t", 1);
  EXPECT_EQ(produce(*peer, 1, 100, 1), ErrorCode::kNone);
  EXPECT_EQ(log_end("t", 1), end + 1);
}

TEST_F(Limits, ProducersThatExpiredOrWereDeletedLeaveRoom) {
  start([](NodeConfig& config) { config.producers_max = 8; }, 1, 1);
  create_topic("t", 1);
  auto peer = run(Peer::connect(*client_));
  for (int id = 0; id < 8; ++id) EXPECT_EQ(produce(*peer, 0, id, 0), ErrorCode::kNone);
  ASSERT_EQ(world_->run(*machine_, node_->topics().remove("t"), 1min).error, ErrorCode::kNone);
  create_topic("t", 1);
  for (int id = 0; id < 8; ++id) EXPECT_EQ(produce(*peer, 0, id, 0), ErrorCode::kNone);
  EXPECT_EQ(producers(0), 8U);
}

awaitable<ErrorCode> commit(Peer& peer, std::string group) {
  wire::OffsetCommitRequest request;
  request.group_id = std::move(group);
  request.generation_id_or_member_epoch = -1;
  auto& topic = request.topics.emplace_back();
  topic.name = "t";
  auto& partition = topic.partitions.emplace_back();
  partition.partition_index = 0;
  partition.committed_offset = 1;
  const auto response = co_await peer.call(request, 8);
  co_return response.topics.at(0).partitions.at(0).error_code;
}

awaitable<ErrorCode> join(Peer& peer, std::string group) {
  wire::JoinGroupRequest request;
  request.group_id = std::move(group);
  request.session_timeout_ms = 10'000;
  request.rebalance_timeout_ms = 10'000;
  request.protocol_type = "consumer";
  request.protocols.push_back({"range", ""});
  co_return (co_await peer.call(request, 7)).error_code;
}

TEST_F(Limits, GroupBeyondTheirNumberIsRefusedUntilOneHasExpired) {
  start(
      [](NodeConfig& config) {
        config.groups_max = 3;
        config.offsets_retention = 1h;
      },
      1, 1);
  create_topic("t", 1);
  create_topic("__consumer_offsets", 2);
  auto peer = run(Peer::connect(*client_));
  for (const char* group : {"a", "b", "c"}) EXPECT_EQ(run(commit(*peer, group)), ErrorCode::kNone);
  EXPECT_EQ(run(commit(*peer, "d")), ErrorCode::kGroupMaxSizeReached);
  EXPECT_EQ(run(join(*peer, "d")), ErrorCode::kGroupMaxSizeReached);
  EXPECT_TRUE(logged("a new consumer group is refused"));
  EXPECT_EQ(run(commit(*peer, "a")), ErrorCode::kNone) << "those that are there go on";
  EXPECT_EQ(run(join(*peer, "b")), ErrorCode::kMemberIdRequired);
  world_->run_for(2h);
  peer = run(Peer::connect(*client_));
  EXPECT_EQ(run(commit(*peer, "d")), ErrorCode::kNone);
}

TEST_F(Limits, GroupsTakeNoMoreMemoryThanTheirPartAndThoseThatAreThereGoOn) {
  start([](NodeConfig& config) { config.group_bytes_max = 40'000; }, 1, 2);
  create_topic("t", 1);
  create_topic("__consumer_offsets", 2);
  auto peer = run(Peer::connect(*client_));
  std::vector<std::string> kept;
  ErrorCode last = ErrorCode::kNone;
  for (int i = 0; i < 1000 && last == ErrorCode::kNone; ++i) {
    const std::string group = "group " + std::to_string(i);
    last = run(commit(*peer, group));
    if (last == ErrorCode::kNone) kept.push_back(group);
  }
  EXPECT_EQ(last, ErrorCode::kGroupMaxSizeReached);
  EXPECT_GT(kept.size(), 10u);
  EXPECT_LT(kept.size(), 100u);
  EXPECT_TRUE(logged("raise mq.group.memory.bytes"));
  for (const std::string& group : kept) EXPECT_EQ(run(commit(*peer, group)), ErrorCode::kNone);
  const std::string text = world_->run(*machine_, metrics_text(node_->services(), {}), 1min);
  EXPECT_TRUE(text.contains("mq_group_memory_bytes"));
  EXPECT_FALSE(text.contains("mq_group_memory_bytes 0\n"));
}

TEST(ConnectionRate, OneSecondsWorthMayComeAtOnceAndTheRestWaitsInItsOrder) {
  ConnectionRate rate;
  const Instant now{5s};
  for (int i = 0; i < 10; ++i) EXPECT_EQ(rate.admit(now, 10, 1min), now);
  EXPECT_EQ(rate.admit(now, 10, 1min), now + 100ms);
  EXPECT_EQ(rate.admit(now, 10, 1min), now + 200ms);
  EXPECT_FALSE(rate.is_as_new(now + 1s));
  EXPECT_TRUE(rate.is_as_new(now + 1200ms));
  EXPECT_EQ(rate.admit(now + 10s, 10, 1min), now + 10s);
}

TEST(ConnectionRate, WhoWouldWaitTooLongIsNotCounted) {
  ConnectionRate rate;
  const Instant now{5s};
  EXPECT_EQ(rate.admit(now, 1, 2s), now);
  EXPECT_EQ(rate.admit(now, 1, 2s), now + 1s);
  EXPECT_EQ(rate.admit(now, 1, 2s), now + 2s);
  EXPECT_EQ(rate.admit(now, 1, 2s), std::nullopt);
  EXPECT_EQ(rate.admit(now + 1s, 1, 2s), now + 3s);
}

TEST(ConnectionRate, WithoutLimitNobodyWaits) {
  ConnectionRate rate;
  for (int i = 0; i < 100'000; ++i) ASSERT_EQ(rate.admit(Instant{1s}, 2'147'483'647, Duration::max()), Instant{1s});
}

/// Opens `count` connections and returns when each was served, since the first began.
awaitable<std::vector<Duration>> open_many(sim::Machine& client, int count, std::vector<std::unique_ptr<Peer>>& peers) {
  const Instant begun = client.shard(0).now();
  for (int i = 0; i < count; ++i) {
    peers.push_back(co_await Peer::connect(client));
    co_await peers.back()->send(wire::ApiVersionsRequest{}, 0);
  }
  std::vector<Duration> served;
  for (const auto& peer : peers) {
    if (!co_await peer->is_closed()) served.push_back(client.shard(0).now() - begun);
  }
  co_return served;
}

TEST_F(Limits, ConnectionsFromOneAddressThatComeTooFastWaitAndOthersDoNot) {
  start([](NodeConfig& config) { config.connection_rate_per_ip_max = 10; });
  sim::Machine& other = world_->add_machine("other", {.shards = 1});
  std::vector<std::unique_ptr<Peer>> peers;
  const auto served = run(open_many(*client_, 40, peers));
  ASSERT_EQ(served.size(), 40U);
  EXPECT_LT(served[9], 500ms);
  EXPECT_GT(served.back(), 2500ms);
  EXPECT_LT(served.back(), 3500ms);
  std::vector<std::unique_ptr<Peer>> elsewhere;
  const auto others = world_->run(other, open_many(other, 1, elsewhere), 1min);
  ASSERT_EQ(others.size(), 1U);
  EXPECT_LT(others.front(), 500ms);
}

TEST_F(Limits, ConnectionsThatWouldWaitTooLongAreClosed) {
  start([](NodeConfig& config) { config.connection_rate_per_ip_max = 1; });
  std::vector<std::unique_ptr<Peer>> peers;
  EXPECT_EQ(run(open_many(*client_, 20, peers)).size(), 11U);
  EXPECT_TRUE(logged("mq.max.connection.creation.rate.per.ip"));
}

TEST_F(Limits, AStopDoesNotWaitForConnectionsThatWait) {
  start([](NodeConfig& config) { config.connection_rate_per_ip_max = 1; });
  std::vector<std::unique_ptr<Peer>> peers;
  for (int i = 0; i < 8; ++i) peers.push_back(run(Peer::connect(*client_)));
  const Instant begun = world_->now();
  world_->run(*machine_, node_->stop(), 1min);
  EXPECT_LT(world_->now() - begun, 2s);
  EXPECT_EQ(node_->connection_count(), 0U);
}

TEST_F(Limits, ConnectionsOfAllThatComeTooFastWaitToBeAccepted) {
  start([](NodeConfig& config) { config.connection_rate_max = 10; });
  std::vector<std::unique_ptr<Peer>> peers;
  const auto served = run(open_many(*client_, 20, peers));
  ASSERT_EQ(served.size(), 20U);
  EXPECT_LT(served[9], 500ms);
  EXPECT_GT(served.back(), 800ms);
}

/// Connects so often, and gives up each time.
awaitable<void> come_and_go(sim::Machine& client, int count) {
  for (int i = 0; i < count; ++i) co_await Peer::connect(client);
}

// Clients that give up and come again faster than they are let in would else wait behind their own former selves for
// ever.
TEST_F(Limits, WhoHasGivenUpTakesNobodysTurn) {
  start([](NodeConfig& config) { config.connection_rate_max = 1; });
  run(come_and_go(*client_, 30));
  std::vector<std::unique_ptr<Peer>> peers;
  EXPECT_LT(run(open_many(*client_, 1, peers)).at(0), 3s);
}

TEST_F(Limits, WhoHasGivenUpTakesNobodysTurnOfHisAddress) {
  start([](NodeConfig& config) { config.connection_rate_per_ip_max = 1; });
  run(come_and_go(*client_, 8));
  std::vector<std::unique_ptr<Peer>> peers;
  EXPECT_LT(run(open_many(*client_, 1, peers)).at(0), 3s);
}

TEST_F(Limits, ARefusedStartLeavesTheDirectoryAsItWas) {
  start();
  broker_->stop();
  env::Files& files = machine_->files();
  const auto names = [&](const std::string& path) {
    std::vector<std::string> found;
    const auto entries = files.list(path);
    for (const env::DirEntry& entry : entries ? *entries : std::vector<env::DirEntry>{}) found.push_back(entry.name);
    return found;
  };
  const auto refused = [&](const std::string& what) {
    const auto started = try_start_node();
    EXPECT_FALSE(started) << what;
    broker_->kill();
  };
  const auto before = names(config_.data_dir);
  config_.node_id = BrokerId{77};
  refused("of another node");
  EXPECT_EQ(names(config_.data_dir), before);
  config_.node_id = BrokerId{1};

  ASSERT_TRUE(files.make_directories("/copy"));
  for (const char* name : {"meta.properties"}) {
    auto copy = files.open(std::string("/copy/") + name, env::OpenMode::create);
    ASSERT_TRUE(copy);
    ASSERT_TRUE((*copy)->write_at(0, env::read_whole(files, config_.data_dir + "/" + name).value()));
  }
  config_.data_dir = "/copy";
  refused("without its metadata");
  EXPECT_EQ(names("/copy"), (std::vector<std::string>{".lock", "meta.properties"}));

  config_.data_dir = "/new/place";
  config_.cluster_id = "nonsense";
  refused("with a bad cluster id");
  EXPECT_FALSE(files.exists("/new").value());

  config_.cluster_id = "";
  config_.listeners.push_back({.address = {.host = "", .port = kPort + 1, .path = {}}});
  auto other = machine_->shard(0).network().listen({.host = "", .port = kPort + 1, .path = {}});
  ASSERT_TRUE(other);
  machine_->own(std::shared_ptr<env::Listener>(*std::move(other)));
  refused("with its second port taken");
  EXPECT_FALSE(files.exists("/new").value());
}

/// A broker with little room, whose memory is looked at after every answer to a client of good will.
class Room : public Limits {
 public:
  static constexpr std::size_t kRoomBytes = 8u << 20;
  static constexpr std::int32_t kFrameBytesMax = 4 << 20;

  void start_small(int shards = 1) {
    start(
        [](NodeConfig& config) {
          config.queued_request_bytes_max = kRoomBytes;
          config.request_bytes_max = kFrameBytesMax;
          config.connection_rate_per_ip_max = 1'000'000;
        },
        1, shards);
    create_topic("t", 4);
  }

  /// Counted on the shards, and what the extra frame may hold beside.
  [[nodiscard]] std::size_t held() const {
    std::size_t bytes = 0;
    for (const auto& shard : node_->shards())
      for (const auto& connection : shard->connections()) bytes += connection->held_bytes();
    return bytes;
  }
  [[nodiscard]] std::size_t most_allowed() const {
    return kRoomBytes + node_->connection_count() * RequestRoom::kOwnBytes + kFrameBytesMax;
  }
  [[nodiscard]] std::uint64_t closed_for_room() const {
    std::uint64_t closed = 0;
    for (const auto& shard : node_->shards())
      closed +=
          shard->metrics().counter(Metric::connections_closed, static_cast<std::size_t>(CloseReason::memory)).value();
    return closed;
  }

  /// Announces a frame of `announced` bytes and sends `sent` of it; then it waits to be closed, and comes again.
  void attack(int connections, std::int32_t announced, std::size_t sent, bool again = true) {
    for (int i = 0; i < connections; ++i)
      client_->spawn([](Room& test, std::int32_t size, std::size_t bytes, bool repeats) -> awaitable<void> {
        do {
          auto peer = co_await Peer::connect(*test.client_);
          std::string begun(bytes, '\0');
          store_be(begun.data(), size);
          co_await peer->write(std::move(begun));
          if (co_await peer->is_closed()) ++test.closed_;
        } while (repeats && !test.over_);
      }(*this, announced, sent, again));
  }

  /// Asks for `time`, and returns the longest wait. `batch_bytes`: of each record batch that it sends; 0: it sends
  /// none.
  awaitable<Duration> work(Duration time, std::size_t batch_bytes) {
    auto peer = co_await Peer::connect(*client_);
    const std::string batch = make_batch({.value_bytes = batch_bytes});
    Duration longest{};
    for (const Instant end = world_->now() + time; world_->now() < end;) {
      const Instant asked = world_->now();
      if (batch_bytes == 0) {
        (void)co_await peer->call(wire::ApiVersionsRequest{}, 0);
      } else {
        EXPECT_EQ(only_row(co_await peer->call(produce_request("t", 0, batch), 9)).error_code, ErrorCode::kNone);
      }
      longest = std::max(longest, world_->now() - asked);
      EXPECT_LE(held(), most_allowed());
      co_await peer->shard().sleep_until(world_->now() + 1ms);
    }
    co_return longest;
  }

  void end_attack() {
    over_ = true;
    world_->run_for(5min);
  }

  int closed_ = 0;
  bool over_ = false;
};

TEST_F(Room, FramesThatNeverComeToAnEndHoldNoMoreThanThereIsAndKeepNobodyWaiting) {
  for (const int shards : {1, 2}) {
    start_small(shards);
    over_ = false;
    const Duration alone = run(work(1s, 0));
    attack(40, kFrameBytesMax - 4, kFrameBytesMax * 9 / 10);
    EXPECT_LE(run(work(10s, 0)), 5 * alone);
    EXPECT_GT(closed_for_room(), 0U);
    end_attack();
    EXPECT_EQ(node_->connection_count(), 0U) << "also those that were not read from have ended";
    EXPECT_EQ(held(), 0U);
  }
  EXPECT_TRUE(logged("while others had no room (queued.max.request.bytes)"));
}

TEST_F(Room, ManyFramesOfModestSizeThatNeverComeToAnEndLeaveRoomForThoseThatDo) {
  // The larger ones grow step by step, and hold as little as those of good will when they have to wait.
  for (const std::int32_t announced : {1 << 20, kFrameBytesMax - 4}) {
    start_small();
    over_ = false;
    attack(300, announced, 400 << 10);
    EXPECT_LE(run(work(5s, 0)), 5ms);
    EXPECT_LE(run(work(5s, 50 << 10)), 1500ms)
        << "those before it, who come again at once, have half a second to go on";
    end_attack();
    EXPECT_EQ(held(), 0U);
  }
}

TEST_F(Room, WhoHoldsMostIsClosedBeforeOneThatHoldsLittleWaits) {
  start_small();
  attack(12, 1 << 20, 900 << 10, false);
  world_->run_for(500ms);
  EXPECT_EQ(closed_for_room(), 0U) << "nobody needs what they hold";
  attack(25, 120 << 10, 100 << 10, false);  // more than the quarter that the large ones leave
  world_->run_for(20ms);
  EXPECT_EQ(closed_for_room(), 1U);
  EXPECT_TRUE(logged("it held 1048580 bytes"));
}

TEST_F(Room, LargestFrameIsServedWhileOthersHoldAllThatThereIs) {
  for (const int shards : {1, 4}) {  // with four it is larger than a shard's part
    start_small(shards);
    over_ = false;
    attack(20, kFrameBytesMax - 4, 1 << 20);
    world_->run_for(100ms);
    const Instant begun = world_->now();
    EXPECT_EQ(run([](Room& test) -> awaitable<ErrorCode> {
                auto peer = co_await Peer::connect(*test.client_);
                const std::string batch = make_batch({.value_bytes = kFrameBytesMax - 1000});
                co_return only_row(co_await peer->call(produce_request("t", 0, batch), 9)).error_code;
              }(*this)),
              ErrorCode::kMessageTooLarge);
    EXPECT_LT(world_->now() - begun, 25s) << "those before it have half a second each to go on";
    end_attack();
    EXPECT_EQ(held(), 0U);
  }
}

TEST_F(Room, FramesOfGoodWillWaitForEachOtherAndNobodyIsClosed) {
  start_small(2);
  constexpr int kProducers = 60;
  int answered = 0;
  for (int i = 0; i < kProducers; ++i)
    client_->spawn([](Room& test, int partition, int& done) -> awaitable<void> {
      auto peer = co_await Peer::connect(*test.client_);
      const std::string batch = make_batch({.value_bytes = 900 << 10});
      for (int request = 0; request < 5; ++request)
        co_await peer->write(peer->frame(produce_request("t", partition, batch), 9));
      for (int request = 1; request <= 5; ++request) {
        const auto answer = co_await peer->receive<wire::ProduceRequest>(request, 9);
        EXPECT_EQ(only_row(answer).error_code, ErrorCode::kNone);
        EXPECT_LE(test.held(), test.most_allowed());
        ++done;
      }
      peer->close();
    }(*this, i % 4, answered));
  EXPECT_TRUE(world_->run_until([&] { return answered == 5 * kProducers; }, 5min));
  EXPECT_EQ(closed_for_room(), 0U);
}

TEST_F(Room, WhoHasSentAllIsNotTheExtraFrameAnyMore) {
  start(
      [](NodeConfig& config) {
        config.queued_request_bytes_max = 8'000;
        config.connection_rate_per_ip_max = 1'000'000;
      },
      1, 1);
  create_topic("t", 4);
  run([](Room& test) -> awaitable<void> {
    auto many = co_await Peer::connect(*test.client_);
    auto large = co_await Peer::connect(*test.client_);
    // More than a connection may hold without asking, while those before it are in progress.
    constexpr int kRequests = 60;
    std::string frames;
    for (int request = 0; request < kRequests; ++request)
      frames += many->frame(produce_request("t", 0, make_batch({.value_bytes = 300})), 9);
    co_await many->write(std::move(frames));
    for (int request = 1; request <= kRequests; ++request)
      EXPECT_EQ(only_row(co_await many->receive<wire::ProduceRequest>(request, 9)).error_code, ErrorCode::kNone);
    // Larger than all the room that there is.
    const Instant asked = test.world_->now();
    const auto answer = co_await large->call(produce_request("t", 1, make_batch({.value_bytes = 60'000})), 9);
    EXPECT_EQ(only_row(answer).error_code, ErrorCode::kNone);
    EXPECT_LT(test.world_->now() - asked, 1s);
    many->close();
    large->close();
  }(*this));
  EXPECT_EQ(closed_for_room(), 0U);
}

TEST_F(Room, AnswersThatAreNotReadAreBoundedForAllTogether) {
  start_small();
  for (int i = 0; i < 40; ++i)
    client_->spawn([](Room& test) -> awaitable<void> {
      auto peer = co_await Peer::connect(*test.client_);
      wire::MetadataRequest request;
      request.topics.emplace();
      for (int name = 0; name < 6'000; ++name) request.topics->emplace_back().name = fmt::format("none-{}", name);
      request.allow_auto_topic_creation = false;
      for (int asked = 0; asked < 3; ++asked) co_await peer->send(request, 9);
      co_await peer->shard().sleep_until(peer->shard().now() + 1min);
      peer->close();
    }(*this));
  EXPECT_LE(run(work(5s, 0)), 5ms);
  EXPECT_GT(closed_for_room(), 0U);
  world_->run_for(3min);
  EXPECT_EQ(held(), 0U);
}

TEST_F(Room, IsLeftAsSoonAsALargeRequestIsAnswered) {
  start_small();
  run([](Room& test) -> awaitable<void> {
    auto peer = co_await Peer::connect(*test.client_);
    const std::string batch = make_batch({.value_bytes = 900 << 10});
    (void)co_await peer->call(produce_request("t", 0, batch), 9);
    co_await peer->shard().sleep_until(test.world_->now() + 10ms);
    EXPECT_LE(test.held(), RequestRoom::kOwnBytes) << "an idle connection keeps no more";
  }(*this));
}

}  // namespace
}  // namespace mq::broker
