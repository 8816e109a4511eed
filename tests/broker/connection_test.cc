// A connection and its limits: order, moving between shards, frames that are no requests, peers that take too much.

#include "broker/connection.h"

#include "broker_fixture.h"
#include "wire/messages/api_versions.h"
#include "wire/messages/list_offsets.h"
#include "wire/messages/metadata.h"

namespace mq::broker {
namespace {

using testing::make_batch;
using testing::only_row;
using testing::Peer;
using testing::produce_request;

constexpr ApiVersion kProduce = 9;
constexpr ApiVersion kFetch = 12;

wire::FetchRequest long_poll(const std::string& topic, std::int32_t wait_ms) {
  wire::FetchRequest request;
  request.max_wait_ms = wait_ms;
  request.min_bytes = 1;
  request.max_bytes = 1 << 20;
  auto& wanted = request.topics.emplace_back();
  wanted.topic = topic;
  wanted.partitions.emplace_back().partition_max_bytes = 1 << 20;
  return request;
}

class AConnection : public testing::BrokerTest {
 public:
  [[nodiscard]] std::size_t connections_on(std::size_t shard) const {
    return node_->shards()[shard]->connection_count();
  }
  /// The partition of "t" that `shard` has; there are as many as shards.
  [[nodiscard]] std::int32_t partition_on(std::size_t shard) const {
    const cluster::Topic* topic = node_->first_shard().image()->find_topic(std::string_view("t"));
    return &node_->owner_of(topic->id, 0) == node_->shards()[shard].get() ? 0 : 1;
  }
};

/// Writes `count` produce requests in pieces of any size, with pauses, and reads the answers at its leisure.
awaitable<void> pipeline_in_pieces(Peer& peer, sim::Rng& rng, std::int32_t partition, const std::string& batch,
                                   int count) {
  const std::int32_t first = peer.last_correlation() + 1;
  std::string bytes;
  for (int i = 0; i < count; ++i) bytes += peer.frame(produce_request("t", partition, batch, 1), kProduce);
  while (!bytes.empty()) {
    const std::size_t piece = std::min<std::size_t>(bytes.size(), rng.below(2 * bytes.size() / 3 + 20) + 1);
    co_await peer.write(bytes.substr(0, piece));
    bytes.erase(0, piece);
    if (rng.one_in(2)) co_await peer.shard().sleep_until(peer.shard().now() + Duration(rng.below(300'000)));
  }
  for (int i = 0; i < count; ++i) {
    const auto answer = co_await peer.receive<wire::ProduceRequest>(first + i, kProduce);
    EXPECT_EQ(only_row(answer).error_code, ErrorCode::kNone);
  }
}

TEST_F(AConnection, MovesToTheShardOfItsRequestsWhileMoreOfThemCome) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    start({}, seed);
    create_topic("t", 2, {{"mq.flush", "async"}});
    run([](sim::Machine& client, AConnection& test, sim::World& world, std::uint64_t seed_now) -> awaitable<void> {
      const std::string batch = make_batch({});
      auto peer = co_await Peer::connect(client);
      for (const std::size_t shard : {0u, 1u, 0u}) {
        co_await pipeline_in_pieces(*peer, world.rng(), test.partition_on(shard), batch, 40);
        // One request at a time leaves a gap in which it can move.
        for (int i = 0; i < 20; ++i)
          co_await pipeline_in_pieces(*peer, world.rng(), test.partition_on(shard), batch, 1);
        EXPECT_EQ(test.connections_on(shard), 1u) << "seed " << seed_now;
      }
    }(*client_, *this, *world_, seed));
  }
}

TEST_F(AConnection, StopsReadingAtSixtyFourRequestsInProgress) {
  start();
  create_topic("t", 1);
  create_topic("empty", 1);
  std::int64_t early = -1;
  run([](sim::Machine& client, AConnection& test, std::int64_t& end) -> awaitable<void> {
    const std::string batch = make_batch({});
    auto peer = co_await Peer::connect(client);
    std::string all;
    for (std::size_t i = 0; i < Connection::kRequestsMax; ++i) all += peer->frame(long_poll("empty", 10'000), kFetch);
    all += peer->frame(produce_request("t", 0, batch), kProduce);
    co_await peer->write(std::move(all));
    co_await peer->shard().sleep_until(peer->shard().now() + 5s);
    end = test.log_end("t");
    for (std::int32_t i = 1; i <= static_cast<std::int32_t>(Connection::kRequestsMax); ++i)
      (void)co_await peer->receive<wire::FetchRequest>(i, kFetch);
    (void)co_await peer->receive<wire::ProduceRequest>(static_cast<std::int32_t>(Connection::kRequestsMax) + 1,
                                                       kProduce);
  }(*client_, *this, early));
  EXPECT_EQ(early, 0) << "the request behind them was not started";
  EXPECT_EQ(log_end("t"), 1);
}

awaitable<bool> is_closed_by(sim::Machine& client, std::string bytes) {
  auto peer = co_await Peer::connect(client);
  co_await peer->write(std::move(bytes));
  co_return co_await peer->is_closed();
}

std::string claim(std::int32_t size) {
  std::string bytes(20, '\0');
  store_be(bytes.data(), size);
  return bytes;
}

TEST_F(AConnection, ThatAnnouncesAnImpossibleFrameIsClosed) {
  start([](NodeConfig& config) { config.request_bytes_max = 5000; });
  for (const std::int32_t size : {-1, 0, 7, 5001, 0x7fffffff}) EXPECT_TRUE(run(is_closed_by(*client_, claim(size))));
  EXPECT_TRUE(logged("socket.request.max.bytes = 5000"));
}

TEST_F(AConnection, WithHalfAFrameIsClosedAfterThirtySeconds) {
  start();
  const Instant begun = world_->now();
  EXPECT_TRUE(run(is_closed_by(*client_, claim(1000))));
  EXPECT_GE(world_->now() - begun, 30s);
  EXPECT_LT(world_->now() - begun, 40s);
}

TEST_F(AConnection, IsNotBlamedForTheTimeInWhichNobodyReadFromIt) {
  start({}, 1, 1);  // it cannot move, and then read
  create_topic("empty", 1);
  run([](sim::Machine& client) -> awaitable<void> {
    auto peer = co_await Peer::connect(client);
    std::string all;
    for (std::size_t i = 0; i < Connection::kRequestsMax; ++i) all += peer->frame(long_poll("empty", 50'000), kFetch);
    const std::string last = peer->frame(wire::ApiVersionsRequest{}, 0);
    co_await peer->write(all + last.substr(0, 6));
    for (std::int32_t i = 1; i <= static_cast<std::int32_t>(Connection::kRequestsMax); ++i)
      (void)co_await peer->receive<wire::FetchRequest>(i, kFetch);
    co_await peer->shard().sleep_until(peer->shard().now() + 20s);
    co_await peer->write(last.substr(6));
    (void)co_await peer->receive<wire::ApiVersionsRequest>(static_cast<std::int32_t>(Connection::kRequestsMax) + 1, 0);
  }(*client_));
}

TEST_F(AConnection, ThatIsSilentForTooLongIsClosed) {
  start([](NodeConfig& config) { config.connections_max_idle = 60s; });
  const Instant begun = world_->now();
  EXPECT_TRUE(run(is_closed_by(*client_, "")));
  EXPECT_GE(world_->now() - begun, 60s);
  EXPECT_LT(world_->now() - begun, 70s);
}

awaitable<bool> is_served(Peer& peer) {
  co_await peer.send(wire::ApiVersionsRequest{}, 0);
  co_return !co_await peer.is_closed();
}

TEST_F(AConnection, OverTheNumberFromOneAddressIsRefusedAndOthersAreNot) {
  start([](NodeConfig& config) { config.connections_per_ip_max = 2; });
  sim::Machine& other = world_->add_machine("other", {.shards = 1});
  run([](sim::Machine& client, sim::Machine& elsewhere) -> awaitable<void> {
    auto first = co_await Peer::connect(client);
    auto second = co_await Peer::connect(client);
    auto third = co_await Peer::connect(client);
    EXPECT_TRUE(co_await is_served(*first));
    EXPECT_TRUE(co_await is_served(*second));
    EXPECT_FALSE(co_await is_served(*third));
    auto fourth = co_await Peer::connect(elsewhere);
    co_await fourth->send(wire::ApiVersionsRequest{}, 0);
    first->close();
    co_await second->shard().sleep_until(second->shard().now() + 100ms);
    auto fifth = co_await Peer::connect(client);
    EXPECT_TRUE(co_await is_served(*fifth)) << "one has gone";
  }(*client_, other));
  EXPECT_TRUE(logged("max.connections.per.ip"));
}

TEST_F(AConnection, OverTheNumberOfAllIsRefused) {
  start([](NodeConfig& config) { config.connections_max = 1; });
  run([](sim::Machine& client) -> awaitable<void> {
    auto first = co_await Peer::connect(client);
    auto second = co_await Peer::connect(client);
    EXPECT_TRUE(co_await is_served(*first));
    EXPECT_FALSE(co_await is_served(*second));
  }(*client_));
}

TEST_F(AConnection, OfAClientWhoseNameIsNoneIsToldSoAndStays) {
  start();
  run([](sim::Machine& client) -> awaitable<void> {
    auto peer = co_await Peer::connect(client);
    const auto answer_to = [&](std::string name, std::string version,
                               ApiVersion in) -> awaitable<wire::ApiVersionsResponse> {
      const wire::ApiVersionsRequest request{.client_software_name = std::move(name),
                                             .client_software_version = std::move(version)};
      co_return co_await peer->call(request, in);
    };
    for (const char* bad : {"", "two words", "-dash", "dash-", ".", "u\xc3\xa4"}) {
      const auto by_name = co_await answer_to(bad, "1", 3);
      EXPECT_EQ(by_name.error_code, ErrorCode::kInvalidRequest) << bad;
      EXPECT_TRUE(by_name.api_keys.empty());
      EXPECT_EQ((co_await answer_to("good", bad, 4)).error_code, ErrorCode::kInvalidRequest) << bad;
    }
    for (const char* good : {"x", "librdkafka", "apache-kafka-java", "2.16.1-rc.1"})
      EXPECT_EQ((co_await answer_to(good, good, 4)).error_code, ErrorCode::kNone) << good;
    EXPECT_EQ((co_await answer_to("", "", 2)).error_code, ErrorCode::kNone) << "there clients have no names";
  }(*client_));
}

TEST_F(AConnection, AskingForApiVersionsOfTheFutureIsAnsweredInVersionZero) {
  start();
  run([](sim::Machine& client) -> awaitable<void> {
    auto peer = co_await Peer::connect(client);
    std::string frame = peer->frame(wire::ApiVersionsRequest{}, 3);
    store_be(frame.data() + 6, std::int16_t{99});
    co_await peer->write(std::move(frame));
    const auto answer = co_await peer->receive<wire::ApiVersionsRequest>(1, 0);
    EXPECT_EQ(answer.error_code, ErrorCode::kUnsupportedVersion);
    EXPECT_GT(answer.api_keys.size(), 20u);
  }(*client_));
}

TEST_F(AConnection, WithARequestThatCannotBeReadIsClosed) {
  start();
  EXPECT_TRUE(run([](sim::Machine& client) -> awaitable<bool> {
    auto peer = co_await Peer::connect(client);
    std::string frame = peer->frame(wire::ListOffsetsRequest{}, 1);
    frame.back() = '\x7f';
    co_await peer->write(std::move(frame));
    co_return co_await peer->is_closed();
  }(*client_)));
  EXPECT_TRUE(logged("a request that cannot be decoded: ListOffsets"));
}

TEST_F(AConnection, MetadataRequestAsLibrdkafkaPadsItAsksForAllTopics) {
  start();
  create_topic("t", 1);
  run([](sim::Machine& client) -> awaitable<void> {
    constexpr ApiVersion kVersion = 13;
    auto peer = co_await Peer::connect(client);
    wire::MetadataRequest all;
    all.topics.reset();
    std::string frame = peer->frame(all, kVersion);
    // Four bytes of zeros where the null of a compact array is one; it stands at the front of the body.
    std::string header;
    wire::encode_request_header({.api_key = static_cast<std::int16_t>(ApiKey::kMetadata),
                                 .api_version = kVersion,
                                 .correlation_id = 1,
                                 .client_id = std::string("test")},
                                header);
    frame.insert(4 + header.size(), 3, '\0');
    store_be(frame.data(), static_cast<std::int32_t>(frame.size() - 4));
    co_await peer->write(std::move(frame));
    const auto answer = co_await peer->receive<wire::MetadataRequest>(1, kVersion);
    EXPECT_EQ(answer.topics.size(), 1u);
  }(*client_));
}

TEST_F(AConnection, TopicNamedManyTimesIsAnsweredOnce) {
  start();
  create_topic("t", 50);
  run([](sim::Machine& client) -> awaitable<void> {
    auto peer = co_await Peer::connect(client);
    wire::MetadataRequest request;
    request.topics.emplace();
    for (int i = 0; i < 1000; ++i) request.topics->emplace_back().name = i % 2 == 0 ? "t" : "none";
    request.allow_auto_topic_creation = false;
    const auto answer = co_await peer->call(request, 9);
    EXPECT_EQ(answer.topics.size(), 2u);
  }(*client_));
}

TEST_F(AConnection, PartitionNamedTwiceInListOffsetsIsRefused) {
  start();
  create_topic("t", 2);
  run([](sim::Machine& client) -> awaitable<void> {
    auto peer = co_await Peer::connect(client);
    wire::ListOffsetsRequest request;
    auto& topic = request.topics.emplace_back();
    topic.name = "t";
    for (const std::int32_t partition : {0, 1, 0}) {
      auto& wanted = topic.partitions.emplace_back();
      wanted.partition_index = partition;
      wanted.timestamp = -1;
    }
    const auto answer = co_await peer->call(request, 5);
    const auto& rows = answer.topics.at(0).partitions;
    EXPECT_EQ(rows.at(0).error_code, ErrorCode::kNone);
    EXPECT_EQ(rows.at(1).error_code, ErrorCode::kNone);
    EXPECT_EQ(rows.at(2).error_code, ErrorCode::kInvalidRequest);
  }(*client_));
}

TEST_F(AConnection, RequestThatListsTooMuchIsNotDecoded) {
  start();
  EXPECT_TRUE(run([](sim::Machine& client) -> awaitable<bool> {
    auto peer = co_await Peer::connect(client);
    wire::MetadataRequest request;
    request.topics.emplace(wire::kRequestElementsMax + 1);
    for (auto& topic : *request.topics) topic.name = "long enough that memory is not the matter";
    co_await peer->send(request, 4);
    co_return co_await peer->is_closed();
  }(*client_)));
  EXPECT_TRUE(logged("more elements than one request may name"));
}

}  // namespace
}  // namespace mq::broker
