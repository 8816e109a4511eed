// What is damaged on disk, missing there, or cannot be read: told to the operator and to clients; all else is served.

#include <set>

#include "broker_fixture.h"
#include "wire/messages/list_offsets.h"
#include "wire/messages/offset_for_leader_epoch.h"

namespace mq::broker {
namespace {

using testing::kProduceVersion;
using testing::make_batch;
using testing::only_row;
using testing::Peer;
using testing::produce_request;

constexpr ApiVersion kFetchVersion = 12;
constexpr ApiVersion kListVersion = 9;

class DiskDamage : public testing::BrokerTest {
 public:
  /// So many segments of one batch each, and an empty topic beside them.
  void write_segments(int count, const std::string& retention_ms = "-1") {
    create_topic("t", 1, {{"segment.bytes", "1024"}, {"retention.ms", retention_ms}});
    const std::string batch = make_batch({.value_bytes = 600});
    for (int i = 0; i < count; ++i) produce(batch);
    ASSERT_EQ(partition("t", 0).log().segments().size(), static_cast<std::size_t>(count));
  }
  void pass(Duration time) {
    run([](sim::Machine& client, Duration so_long) -> awaitable<bool> {
      co_await client.shard(0).sleep_until(client.shard(0).now() + so_long);
      co_return true;
    }(*client_, time));
  }
  wire::ProduceResponse::PartitionProduceResponse produce(const std::string& batch) {
    return run([](sim::Machine& client,
                  const std::string& bytes) -> awaitable<wire::ProduceResponse::PartitionProduceResponse> {
      auto peer = co_await Peer::connect(client);
      co_return only_row(co_await peer->call(produce_request("t", 0, bytes), kProduceVersion));
    }(*client_, batch));
  }
  struct Fetched {
    ErrorCode error = ErrorCode::kNone;
    std::size_t bytes = 0;
    bool is_closed = false;
  };
  Fetched fetch(std::int64_t offset) {
    return run([](sim::Machine& client, std::int64_t from) -> awaitable<Fetched> {
      auto peer = co_await Peer::connect(client);
      wire::FetchRequest request;
      request.max_bytes = 1 << 20;
      request.max_wait_ms = 100;
      request.min_bytes = 1;
      auto& topic = request.topics.emplace_back();
      topic.topic = "t";
      topic.partitions.push_back({.partition = 0, .fetch_offset = from, .partition_max_bytes = 1 << 20});
      const auto answer = co_await peer->call(request, kFetchVersion);
      if (answer.responses.empty()) co_return Fetched{.is_closed = true};
      const auto& row = answer.responses.at(0).partitions.at(0);
      co_return Fetched{.error = row.error_code, .bytes = row.records.size()};
    }(*client_, offset));
  }
  ErrorCode list(std::int64_t timestamp) {
    return run([](sim::Machine& client, std::int64_t at) -> awaitable<ErrorCode> {
      auto peer = co_await Peer::connect(client);
      wire::ListOffsetsRequest request;
      auto& topic = request.topics.emplace_back();
      topic.name = "t";
      topic.partitions.push_back({.partition_index = 0, .current_leader_epoch = -1, .timestamp = at});
      co_return (co_await peer->call(request, kListVersion)).topics.at(0).partitions.at(0).error_code;
    }(*client_, timestamp));
  }
  [[nodiscard]] std::string segment(std::int64_t base) const { return fmt::format("/var/lib/mq/t-0/{:020}.log", base); }
  [[nodiscard]] std::int32_t epoch() { return partition("t", 0).leader_epoch().value(); }
  [[nodiscard]] std::size_t times_logged(std::string_view text) const {
    return static_cast<std::size_t>(std::ranges::count_if(
        machine_->log_lines(), [&](const std::string& line) { return line.find(text) != std::string::npos; }));
  }
};

TEST_F(DiskDamage, UnreadableSectorIsToldCountedAndAnsweredWithAnErrorAndTheRestIsServed) {
  start();
  write_segments(3);
  restart();
  machine_->disk().inject({.on = sim::DiskFault::On::read, .path_part = segment(0), .times = -1});
  for (int i = 0; i < 5; ++i) {
    const Fetched fetched = fetch(0);
    EXPECT_FALSE(fetched.is_closed);
    EXPECT_EQ(fetched.error, ErrorCode::kKafkaStorageError);
  }
  EXPECT_EQ(times_logged(segment(0) + ":0: "), 1U) << "once, however often it is asked for";
  EXPECT_TRUE(logged("t-0 cannot be read from the disk"));
  EXPECT_GE(node_->disk_health().failed_reads().count, 5U);
  EXPECT_NE(node_->disk_health().failed_reads().last.find(segment(0)), std::string::npos);
  // No failed disk: other places are read, and written.
  EXPECT_FALSE(node_->is_offline());
  EXPECT_GT(fetch(1).bytes, 0U);
  EXPECT_EQ(produce(make_batch({})).error_code, ErrorCode::kNone);
  machine_->disk().clear_faults();
  EXPECT_GT(fetch(0).bytes, 0U);
}

TEST_F(DiskDamage, LookupByTimeOverAnUnreadablePlaceOrDamageSaysSo) {
  start();
  write_segments(3);
  restart([&](env::Files& files) {
    // Another format, says the first batch.
    ASSERT_TRUE(files.open(segment(0), env::OpenMode::read_write).value()->write_at(16, "\x06"));
  });
  constexpr std::int64_t kBatchTime = 1'700'000'000'000;
  EXPECT_EQ(list(kBatchTime), ErrorCode::kCorruptMessage);
  EXPECT_TRUE(logged("t-0 is damaged on disk"));
  EXPECT_TRUE(logged(segment(0) + ":0: "));
  machine_->disk().inject({.on = sim::DiskFault::On::read, .path_part = "t-0/", .times = -1});
  EXPECT_EQ(list(kBatchTime), ErrorCode::kKafkaStorageError);
  EXPECT_TRUE(logged("t-0 cannot be read from the disk"));
}

TEST_F(DiskDamage, UnreadableNewestSegmentDoesNotEndAppendingAfterACleanStop) {
  start();
  write_segments(2);
  restart();
  machine_->disk().inject({.on = sim::DiskFault::On::read, .path_part = segment(1), .times = -1});
  const auto answer = produce(make_batch({}));
  EXPECT_EQ(answer.error_code, ErrorCode::kNone);
  EXPECT_EQ(answer.base_offset, 2);
  EXPECT_EQ(fetch(1).error, ErrorCode::kKafkaStorageError);
  EXPECT_GT(fetch(2).bytes, 0U);
}

TEST_F(DiskDamage, UnreadableSectorBelowTheSyncedEndKeepsNoBrokerFromStarting) {
  start();
  write_segments(3);
  pass(1s);  // the synced ends are written a little later
  broker_->kill();
  machine_->disk().inject({.on = sim::DiskFault::On::read, .path_part = segment(2), .times = -1});
  start_node();
  EXPECT_EQ(log_end("t"), 3);
  EXPECT_TRUE(logged("offsets 2 to 3 are damaged on disk"));
  EXPECT_EQ(fetch(2).error, ErrorCode::kCorruptMessage);
  EXPECT_EQ(produce(make_batch({})).base_offset, 3);
}

TEST_F(DiskDamage, MissingLastSegmentIsToldAfterACleanStopAndItsOffsetsAreNotGivenOutAgain) {
  start();
  write_segments(3);
  const std::int32_t before = epoch();
  restart([&](env::Files& files) { ASSERT_TRUE(files.remove(segment(2))); });
  EXPECT_TRUE(logged("offsets 2 to 3 are damaged on disk and will not be served"));
  EXPECT_GT(epoch(), before) << "clients must notice";
  EXPECT_EQ(fetch(2).error, ErrorCode::kCorruptMessage) << "instead of waiting for ever";
  EXPECT_GT(fetch(1).bytes, 0U);
  EXPECT_EQ(produce(make_batch({})).base_offset, 3);
  EXPECT_GT(fetch(3).bytes, 0U);
}

TEST_F(DiskDamage, MissingFirstSegmentIsToldWithItsRange) {
  for (const bool clean : {true, false}) {
    start();
    write_segments(3);
    restart();  // its start is written down
    if (clean) {
      restart([&](env::Files& files) { ASSERT_TRUE(files.remove(segment(0))); });
    } else {
      machine_->kill();
      ASSERT_TRUE(machine_->disk().remove(segment(0)));
      machine_->start();
      start_node();
    }
    EXPECT_TRUE(logged("offsets 0 to 1 are damaged on disk and will not be served"));
    EXPECT_EQ(partition("t", 0).log().log_start(), Offset{1});
    EXPECT_EQ(fetch(0).error, ErrorCode::kOffsetOutOfRange);
    EXPECT_GT(fetch(1).bytes, 0U);
  }
}

TEST_F(DiskDamage, MissingMiddleSegmentIsToldAfterACleanStop) {
  start();
  write_segments(4);
  restart([&](env::Files& files) { ASSERT_TRUE(files.remove(segment(1))); });
  EXPECT_TRUE(logged("offsets 1 to 2 are damaged on disk and will not be served"));
  EXPECT_EQ(fetch(1).error, ErrorCode::kCorruptMessage);
  EXPECT_GT(fetch(0).bytes, 0U);
  EXPECT_GT(fetch(2).bytes, 0U);
}

TEST_F(DiskDamage, MissingMiddleSegmentIsToldWhenItIsAskedForAfterAnyStop) {
  start();
  write_segments(4);
  restart();
  machine_->kill();
  ASSERT_TRUE(machine_->disk().remove(segment(1)));
  machine_->start();
  start_node();
  EXPECT_GT(fetch(2).bytes, 0U);  // what is checked already is no reason to skip what is missing before it
  EXPECT_EQ(fetch(1).error, ErrorCode::kCorruptMessage);
  EXPECT_TRUE(logged("ends at offset 1, but the next segment begins at 2"));
}

TEST_F(DiskDamage, SegmentsThatRetentionTookAreNotMissed) {
  for (const bool clean : {true, false}) {
    start([](NodeConfig& config) { config.housekeeping_interval = 1s; });
    write_segments(3, "1000");
    pass(5s);
    ASSERT_GT(partition("t", 0).log().log_start(), Offset{0});
    if (clean) {
      restart();
    } else {
      broker_->kill();
      start_node();
    }
    EXPECT_FALSE(logged("damaged on disk"));
  }
}

TEST_F(DiskDamage, NothingWaitsForTheDiskOnAShardWhenAppendingBeginsAfterAStart) {
  start();
  write_segments(1);
  const auto of_producer = [](int sequence) {
    return make_batch({.value_bytes = 100, .producer_id = 7, .sequence = sequence});
  };
  for (int i = 0; i < 20; ++i) ASSERT_EQ(produce(of_producer(i)).error_code, ErrorCode::kNone);
  restart();
  machine_->disk().watch_cold_reads();
  // Several at once: none may overtake another.
  const auto answers = run([](sim::Machine& client, auto batch) -> awaitable<std::vector<std::int64_t>> {
    auto peer = co_await Peer::connect(client);
    std::deque<std::string> batches;
    for (int i = 20; i < 25; ++i) {
      batches.push_back(batch(i));
      co_await peer->send(produce_request("t", 0, batches.back()), kProduceVersion);
    }
    std::vector<std::int64_t> offsets;
    for (std::int32_t i = 1; i <= 5; ++i) {
      const auto answer = co_await peer->template receive<wire::ProduceRequest>(i, kProduceVersion);
      EXPECT_EQ(only_row(answer).error_code, ErrorCode::kNone);
      offsets.push_back(only_row(answer).base_offset);
    }
    co_return offsets;
  }(*client_, of_producer));
  EXPECT_EQ(answers, (std::vector<std::int64_t>{21, 22, 23, 24, 25}));
  EXPECT_EQ(machine_->disk().cold_reads_on_shards(), std::set<std::string>{});
}

TEST_F(DiskDamage, NothingWaitsForTheDiskOnAShardWhenEpochsAreAskedForAfterAStart) {
  start();
  write_segments(2);
  restart();
  machine_->disk().watch_cold_reads();
  const auto answer = run([](sim::Machine& client) -> awaitable<wire::OffsetForLeaderEpochResponse> {
    auto peer = co_await Peer::connect(client);
    wire::OffsetForLeaderEpochRequest request;
    auto& topic = request.topics.emplace_back();
    topic.topic = "t";
    topic.partitions.push_back({.partition = 0, .current_leader_epoch = -1, .leader_epoch = 0});
    co_return co_await peer->call(request, 4);
  }(*client_));
  EXPECT_EQ(answer.topics.at(0).partitions.at(0).end_offset, 2);
  EXPECT_EQ(list(-2), ErrorCode::kNone);
  EXPECT_EQ(machine_->disk().cold_reads_on_shards(), std::set<std::string>{});
}

}  // namespace
}  // namespace mq::broker
