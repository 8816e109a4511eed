// Who was told that a record is in the page cache (acks=1), and then asks where the log ends, finds it there.

#include "broker_fixture.h"
#include "wire/messages/delete_records.h"
#include "wire/messages/list_offsets.h"

namespace mq::broker {
namespace {

using testing::make_batch;
using testing::only_row;
using testing::Peer;
using testing::produce_request;

constexpr std::int64_t kLatest = -1;
constexpr std::int64_t kMaxTimestamp = -3;
constexpr std::int64_t kBatchTime = 1'700'000'000'000;
constexpr std::int32_t kPartitions = 8;  // some of a shard that is not the connection's

class ReadAfterAck : public testing::BrokerTest {};

awaitable<void> produce_to_page_cache(Peer& peer, const std::string& batch) {
  for (std::int32_t i = 0; i < kPartitions; ++i)
    EXPECT_EQ(only_row(co_await peer.call(produce_request("t", i, batch, 1), 12)).error_code, ErrorCode::kNone);
}

awaitable<std::vector<std::int64_t>> offsets_at(sim::Machine& client, const std::string& batch,
                                                std::int64_t timestamp) {
  auto peer = co_await Peer::connect(client);
  co_await produce_to_page_cache(*peer, batch);
  wire::ListOffsetsRequest request;
  auto& topic = request.topics.emplace_back();
  topic.name = "t";
  for (std::int32_t i = 0; i < kPartitions; ++i)
    topic.partitions.push_back({.partition_index = i, .current_leader_epoch = -1, .timestamp = timestamp});
  const auto answer = co_await peer->call(request, 9);
  std::vector<std::int64_t> offsets;
  for (const auto& row : answer.topics.at(0).partitions) offsets.push_back(row.offset);
  co_return offsets;
}

TEST_F(ReadAfterAck, EndsAndTimesIncludeWhatIsNotSyncedYet) {
  const std::string batch = make_batch({.records = 3});
  for (const auto& [timestamp, wanted] :
       {std::pair{kLatest, 3}, std::pair{kMaxTimestamp, 0}, std::pair{kBatchTime, 0}}) {
    start();
    create_topic("t", kPartitions);
    EXPECT_EQ(run(offsets_at(*client_, batch, timestamp)), std::vector<std::int64_t>(kPartitions, wanted)) << timestamp;
  }
}

TEST_F(ReadAfterAck, RecordsCanBeDeletedBeforeTheyAreSynced) {
  start();
  create_topic("t", kPartitions);
  const std::string batch = make_batch({.records = 3});
  const auto answer = run([](sim::Machine& client, const std::string& bytes) -> awaitable<wire::DeleteRecordsResponse> {
    auto peer = co_await Peer::connect(client);
    co_await produce_to_page_cache(*peer, bytes);
    wire::DeleteRecordsRequest request;
    auto& topic = request.topics.emplace_back();
    topic.name = "t";
    for (std::int32_t i = 0; i < kPartitions; ++i) topic.partitions.push_back({.partition_index = i, .offset = 2});
    co_return co_await peer->call(request, 2);
  }(*client_, batch));
  for (const auto& row : answer.topics.at(0).partitions) {
    EXPECT_EQ(row.error_code, ErrorCode::kNone);
    EXPECT_EQ(row.low_watermark, 2);
  }
}

/// A28: after a crash the log would begin where it began before, and whoever had been told otherwise would see it go
/// back.
TEST_F(ReadAfterAck, AStartThatCannotBeSavedIsToldNobody) {
  constexpr std::int64_t kEarliest = -2;
  start();
  create_topic("t", kPartitions);
  const std::string batch = make_batch({.records = 3});
  machine_->disk().inject({.on = sim::DiskFault::On::open,
                           .path_part = "log-start-offset-checkpoint",
                           .times = -1,
                           .code = Errc::too_many_files});
  const auto deleted = run([](sim::Machine& client, const std::string& bytes) -> awaitable<ErrorCode> {
    auto peer = co_await Peer::connect(client);
    co_await produce_to_page_cache(*peer, bytes);
    wire::DeleteRecordsRequest request;
    request.topics.push_back({.name = "t", .partitions = {{.partition_index = 0, .offset = 2}}});
    co_return (co_await peer->call(request, 2)).topics.at(0).partitions.at(0).error_code;
  }(*client_, batch));
  EXPECT_EQ(deleted, ErrorCode::kKafkaStorageError);
  EXPECT_EQ(run(offsets_at(*client_, batch, kEarliest)).at(0), 0);
}

TEST_F(ReadAfterAck, ATopicThatIsDeletedKeepsNobodyWaiting) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    start({}, seed);
    create_topic("t", kPartitions);
    const std::string batch = make_batch({});
    machine_->spawn([](ReadAfterAck* self) -> awaitable<void> {
      env::Shard& shard = self->machine_->shard(0);
      co_await shard.sleep_until(shard.now() + std::chrono::microseconds(self->world_->rng().below(5000)));
      (void)co_await self->node_->topics().remove("t");
    }(this));
    const Instant begun = client_->shard(0).now();
    run([](sim::Machine& client, const std::string& bytes) -> awaitable<void> {
      auto peer = co_await Peer::connect(client);
      for (int round = 0; round < 3; ++round)
        for (std::int32_t i = 0; i < kPartitions; ++i) co_await peer->send(produce_request("t", i, bytes, 1), 12);
      wire::ListOffsetsRequest request;
      request.topics.emplace_back().name = "t";
      for (std::int32_t i = 0; i < kPartitions; ++i)
        request.topics.back().partitions.push_back(
            {.partition_index = i, .current_leader_epoch = -1, .timestamp = kLatest});
      co_await peer->send(request, 9);
      for (int answers = 0; answers < 3 * kPartitions + 1; ++answers) EXPECT_TRUE(co_await peer->read_frame());
    }(*client_, batch));
    EXPECT_LT(client_->shard(0).now() - begun, 1s) << "seed " << seed;
  }
}

TEST_F(ReadAfterAck, ADiskThatFailsKeepsNobodyWaiting) {
  start();
  create_topic("t", kPartitions);
  machine_->disk().inject({.on = sim::DiskFault::On::sync, .path_part = ".log", .times = -1});
  const std::string batch = make_batch({});
  const Instant begun = client_->shard(0).now();
  EXPECT_EQ(run(offsets_at(*client_, batch, kLatest)), std::vector<std::int64_t>(kPartitions, 0));
  EXPECT_LT(client_->shard(0).now() - begun, 1s);
  EXPECT_TRUE(node_->is_offline());
}

}  // namespace
}  // namespace mq::broker
