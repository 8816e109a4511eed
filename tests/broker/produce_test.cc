// Produce as a connection sees it: order, acks, what is refused and how, and batches that expand to much.

#include "base/crc32c.h"
#include "broker_fixture.h"
#include "wire/messages/api_versions.h"
#include "wire/messages/list_offsets.h"

namespace mq::broker {
namespace {

using testing::BatchOptions;
using testing::kAll;
using testing::kNoAcks;
using testing::make_batch;
using testing::only_row;
using testing::Peer;
using testing::produce_request;

constexpr ApiVersion kVersion = 12;
// Far above what a shard decompresses itself.
constexpr std::size_t kLargeRaw = 4u << 20;

class Produce : public testing::BrokerTest {};

awaitable<std::vector<wire::ProduceResponse>> pipeline(sim::Machine& client, std::vector<std::string> batches) {
  auto peer = co_await Peer::connect(client);
  std::string all;
  for (const std::string& batch : batches) all += peer->frame(produce_request("t", 0, batch), kVersion);
  co_await peer->write(std::move(all));
  std::vector<wire::ProduceResponse> answers;
  for (std::size_t i = 0; i < batches.size(); ++i)
    answers.push_back(co_await peer->receive<wire::ProduceRequest>(static_cast<std::int32_t>(i) + 1, kVersion));
  co_return answers;
}

TEST_F(Produce, LargeBatchIsCheckedOnThePoolAndSmallOnesBehindItKeepTheirOrder) {
  for (const record::Codec codec :
       {record::Codec::gzip, record::Codec::snappy, record::Codec::lz4, record::Codec::zstd}) {
    start({}, static_cast<std::uint64_t>(codec));
    create_topic("t", 1);
    std::vector<std::string> batches;
    std::int32_t sequence = 0;
    for (int i = 0; i < 5; ++i) {
      const bool large = i % 2 == 0;
      batches.push_back(make_batch({.records = 2,
                                    .value_bytes = large ? kLargeRaw / 2 : 10,
                                    .codec = large ? codec : record::Codec::none,
                                    .producer_id = 7,
                                    .sequence = sequence}));
      sequence += 2;
    }
    const auto answers = run(pipeline(*client_, std::move(batches)));
    std::int64_t next = 0;
    for (const auto& answer : answers) {
      EXPECT_EQ(only_row(answer).error_code, ErrorCode::kNone) << only_row(answer).error_message.value_or("");
      EXPECT_EQ(only_row(answer).base_offset, next);
      next += 2;
    }
    EXPECT_EQ(log_end("t"), 10);
  }
}

awaitable<ErrorCode> produce_one(sim::Machine& client, std::string batch, std::int16_t acks = kAll) {
  auto peer = co_await Peer::connect(client);
  const auto answer = co_await peer->call(produce_request("t", 0, batch, acks), kVersion);
  co_return only_row(answer).error_code;
}

TEST_F(Produce, BatchThatExpandsBeyondItsLimitIsRefusedFromThePoolToo) {
  start();
  create_topic("t", 1, {{"max.message.bytes", "40000"}});  // 64 times that is 2.5 MB
  EXPECT_EQ(run(produce_one(*client_, make_batch({.value_bytes = kLargeRaw, .codec = record::Codec::zstd}))),
            ErrorCode::kMessageTooLarge);
  EXPECT_EQ(run(produce_one(*client_, make_batch({.value_bytes = 2u << 20, .codec = record::Codec::zstd}))),
            ErrorCode::kNone);
}

TEST_F(Produce, BatchDamagedInsideIsRefusedFromThePoolToo) {
  start();
  create_topic("t", 1);
  std::string batch = make_batch({.value_bytes = kLargeRaw, .codec = record::Codec::lz4});
  batch.resize(batch.size() - 100);  // lengths and CRC are right again, the stream is cut
  store_be(batch.data() + 8, static_cast<std::int32_t>(batch.size() - 12));
  store_be(batch.data() + 17, crc32c(BytesView(batch).substr(21)));
  EXPECT_EQ(run(produce_one(*client_, batch)), ErrorCode::kInvalidRecord);
  EXPECT_EQ(log_end("t"), 0);
}

awaitable<void> produce_to_both(sim::Machine& client, const std::string& large, const std::string& small,
                                wire::ProduceResponse& answer) {
  auto peer = co_await Peer::connect(client);
  wire::ProduceRequest request = produce_request("t", 0, large);
  for (std::int32_t index : {1, 2, 9}) {
    auto& row = request.topic_data.front().partition_data.emplace_back();
    row.index = index;
    row.records = wire::Records::of(index == 2 ? large : small);
  }
  answer = co_await peer->call(request, kVersion);
}

TEST_F(Produce, RequestWithLargeAndSmallBatchesAnswersEachInItsPlace) {
  start();
  create_topic("t", 3);
  const std::string large = make_batch({.records = 3, .value_bytes = 1u << 20, .codec = record::Codec::zstd});
  const std::string small = make_batch({});
  wire::ProduceResponse answer;
  run(produce_to_both(*client_, large, small, answer));
  const auto& rows = answer.responses.at(0).partition_responses;
  ASSERT_EQ(rows.size(), 4u);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(rows[i].index, static_cast<std::int32_t>(i));
    EXPECT_EQ(rows[i].error_code, ErrorCode::kNone);
  }
  EXPECT_EQ(rows[3].error_code, ErrorCode::kUnknownTopicOrPartition);
  EXPECT_EQ(log_end("t", 0), 3);
  EXPECT_EQ(log_end("t", 1), 1);
  EXPECT_EQ(log_end("t", 2), 3);
}

awaitable<void> too_large_then_fine(sim::Machine& client, const std::string& large, const std::string& fine) {
  auto peer = co_await Peer::connect(client);
  const auto refused = co_await peer->call(produce_request("t", 0, large), kVersion);
  EXPECT_EQ(only_row(refused).error_code, ErrorCode::kMessageTooLarge);
  const auto taken = co_await peer->call(produce_request("t", 0, fine), kVersion);
  EXPECT_EQ(only_row(taken).error_code, ErrorCode::kNone);
}

TEST_F(Produce, MessageTooLargeComesWithoutADisconnect) {
  start();
  create_topic("t", 1, {{"max.message.bytes", "1000"}});
  run(too_large_then_fine(*client_, make_batch({.value_bytes = 2000}), make_batch({})));
}

awaitable<bool> closes_after(sim::Machine& client, std::string batch) {
  auto peer = co_await Peer::connect(client);
  co_await peer->send(produce_request("t", 0, batch, kNoAcks), kVersion);
  co_return co_await peer->is_closed();
}

TEST_F(Produce, FailedRequestWithoutAcksClosesTheConnection) {
  start();
  create_topic("t", 1, {{"max.message.bytes", "1000"}});
  EXPECT_TRUE(run(closes_after(*client_, make_batch({.value_bytes = 2000}))));
  EXPECT_TRUE(logged("an acks=0 request failed: t-0"));
  EXPECT_EQ(log_end("t"), 0);
}

awaitable<void> without_acks_then_with(sim::Machine& client, std::string batch) {
  auto peer = co_await Peer::connect(client);
  co_await peer->send(produce_request("t", 0, batch, kNoAcks), kVersion);
  // The next answer belongs to the next request: the first one has none.
  const auto answer = co_await peer->call(produce_request("t", 0, batch), kVersion);
  EXPECT_EQ(only_row(answer).base_offset, 1);
}

TEST_F(Produce, RequestWithoutAcksHasNoAnswer) {
  start();
  create_topic("t", 1);
  run(without_acks_then_with(*client_, make_batch({})));
}

awaitable<void> overlap(sim::Machine& client, const std::string& batch) {
  // A fetch that waits, an append that waits for the disk, a request that waits for nothing: the last is ready first
  // and leaves last.
  auto peer = co_await Peer::connect(client);
  wire::FetchRequest fetch;
  fetch.max_wait_ms = 200;
  fetch.min_bytes = 1;
  fetch.max_bytes = 1 << 20;
  auto& topic = fetch.topics.emplace_back();
  topic.topic = "empty";
  topic.partitions.emplace_back().partition_max_bytes = 1 << 20;
  const Instant begun = peer->shard().now();
  std::string all = peer->frame(fetch, 12);
  all += peer->frame(produce_request("t", 0, batch), kVersion);
  all += peer->frame(wire::ApiVersionsRequest{}, 0);
  co_await peer->write(std::move(all));
  (void)co_await peer->receive<wire::FetchRequest>(1, 12);
  EXPECT_GE(peer->shard().now() - begun, 200ms);
  const auto produced = co_await peer->receive<wire::ProduceRequest>(2, kVersion);
  EXPECT_EQ(only_row(produced).error_code, ErrorCode::kNone);
  (void)co_await peer->receive<wire::ApiVersionsRequest>(3, 0);
  EXPECT_LT(peer->shard().now() - begun, 300ms) << "the waits overlap";
}

TEST_F(Produce, AnswersLeaveInOrderWhileWaitsOverlap) {
  start();
  create_topic("t", 1);
  create_topic("empty", 1);
  run(overlap(*client_, make_batch({})));
}

TEST_F(Produce, MinInsyncAsksForNoMoreThanThereAreReplicas) {
  start();
  create_topic("t", 1, {{"min.insync.replicas", "2"}});
  EXPECT_EQ(run(produce_one(*client_, make_batch({}))), ErrorCode::kNone);
  EXPECT_EQ(run(produce_one(*client_, make_batch({}), 1)), ErrorCode::kNone);
  EXPECT_EQ(log_end("t"), 2);
}

TEST_F(Produce, FewerReplicasInSyncThanTheMinimumRefuseOnlyThoseWhoAskForAll) {
  start();
  create_topic("t", 1, {{"min.insync.replicas", "2"}});
  env::Shard& home = partition("t", 0).shard().shard;
  world_->run(*machine_,
              env::on_shard(machine_->shard(0), home,
                            [&] {
                              Partition& p = partition("t", 0);
                              cluster::Partition key =
                                  *node_->first_shard().image()->find_topic("t")->find_partition(0);
                              key.replicas.push_back(BrokerId{77});
                              ++key.partition_epoch;
                              p.image_changed(key);
                            }),
              1min);
  EXPECT_EQ(run(produce_one(*client_, make_batch({}))), ErrorCode::kNotEnoughReplicas);
  EXPECT_EQ(run(produce_one(*client_, make_batch({}), 1)), ErrorCode::kNone);
  EXPECT_EQ(log_end("t"), 1);
}

using Row = wire::ProduceResponse::PartitionProduceResponse;

awaitable<Row> produce_in(sim::Machine& client, std::string batch, ApiVersion version) {
  auto peer = co_await Peer::connect(client);
  const auto answer = co_await peer->call(produce_request("t", 0, batch), version);
  co_return only_row(answer);
}

std::vector<std::int32_t> named(const Row& row) {
  std::vector<std::int32_t> indexes;
  for (const auto& error : row.record_errors) indexes.push_back(error.batch_index);
  return indexes;
}

/// Of `records`, every other one has a key.
std::string half_keyed(int records, record::Codec codec = record::Codec::none) {
  record::BatchBuilder builder({.codec = codec});
  for (int i = 0; i < records; ++i)
    builder.add(1'700'000'000'000, i % 2 == 0 ? std::optional<BytesView>("k") : std::nullopt, "v");
  return builder.finish().value();
}

TEST_F(Produce, RecordsWithoutTheKeyThatACompactedTopicNeedsAreNamed) {
  start();
  create_topic("t", 1, {{"cleanup.policy", "compact"}});
  for (const record::Codec codec : {record::Codec::none, record::Codec::zstd}) {
    const Row row = run(produce_in(*client_, half_keyed(5, codec), kVersion));
    EXPECT_EQ(row.error_code, ErrorCode::kInvalidRecord);
    EXPECT_EQ(named(row), (std::vector<std::int32_t>{1, 3}));
    EXPECT_EQ(row.record_errors.at(0).batch_index_error_message, "no key, which a compacted topic needs");
    EXPECT_EQ(row.log_start_offset, 0);
    EXPECT_EQ(row.base_offset, -1);
  }
  EXPECT_EQ(log_end("t"), 0);
  EXPECT_TRUE(named(run(produce_in(*client_, half_keyed(5), 7))).empty()) << "there they have no place";
}

TEST_F(Produce, RecordsThatAreNamedAreBoundedForAWholeRequest) {
  start();
  create_topic("t", 3, {{"cleanup.policy", "compact"}});
  const std::string batch = half_keyed(12'000);
  const auto answer = run([](sim::Machine& client, const std::string& each) -> awaitable<wire::ProduceResponse> {
    auto peer = co_await Peer::connect(client);
    wire::ProduceRequest request = produce_request("t", 0, each);
    for (const std::int32_t index : {1, 2})
      request.topic_data.front().partition_data.push_back({.index = index, .records = wire::Records::of(each)});
    co_return co_await peer->call(request, kVersion);
  }(*client_, batch));
  const auto& rows = answer.responses.at(0).partition_responses;
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0].record_errors.size(), 6'000u);
  EXPECT_EQ(rows[1].record_errors.size(), 4'000u);
  EXPECT_TRUE(rows[2].record_errors.empty());
  for (const Row& row : rows) EXPECT_EQ(row.error_code, ErrorCode::kInvalidRecord);
}

TEST_F(Produce, ErrorsTellWhereTheLogStartsUnlessTheyHaveNothingToDoWithIt) {
  start();
  create_topic("t", 1, {{"max.message.bytes", "1000"}});
  const auto start_beside = [&](const std::string& batch, ErrorCode error) {
    const Row row = run(produce_in(*client_, batch, kVersion));
    EXPECT_EQ(row.error_code, error);
    return row.log_start_offset;
  };
  EXPECT_EQ(start_beside(make_batch({.producer_id = 7, .sequence = 0}), ErrorCode::kNone), 0);
  EXPECT_EQ(start_beside(make_batch({.producer_id = 7, .sequence = 9}), ErrorCode::kOutOfOrderSequenceNumber), 0);
  EXPECT_EQ(start_beside("", ErrorCode::kInvalidRecord), 0);
  EXPECT_EQ(start_beside(make_batch({.value_bytes = 2000}), ErrorCode::kMessageTooLarge), -1);
  std::string damaged = make_batch({});
  damaged.back() = static_cast<char>(damaged.back() ^ 1);
  EXPECT_EQ(start_beside(damaged, ErrorCode::kCorruptMessage), -1);
}

awaitable<wire::ProduceResponse> produce_to_many(sim::Machine& client, std::int32_t partitions) {
  auto peer = co_await Peer::connect(client);
  wire::ProduceRequest request = produce_request("t", 0, "");
  for (std::int32_t i = 1; i < partitions; ++i) request.topic_data.front().partition_data.emplace_back().index = i;
  co_return co_await peer->call(request, kVersion);
}

TEST_F(Produce, MorePartitionsThanOneRequestMayNameAreRefusedWithAReason) {
  start([](NodeConfig& config) { config.partitions_per_request_max = 50; });
  create_topic("t", 1);
  const auto answer = run(produce_to_many(*client_, 51));
  ASSERT_EQ(answer.responses.at(0).partition_responses.size(), 51u);
  EXPECT_EQ(only_row(answer).error_code, ErrorCode::kInvalidRequest);
  EXPECT_EQ(only_row(run(produce_to_many(*client_, 50))).error_code, ErrorCode::kInvalidRecord);
}

}  // namespace
}  // namespace mq::broker
