// Three brokers on one metadata store, and a topic with a replica on each.

#include <algorithm>
#include <optional>

#include "broker_fixture.h"
#include "client/cluster.h"
#include "client/consumer.h"
#include "log/file_range.h"
#include "wire/messages/delete_records.h"

namespace mq::broker {
namespace {

using testing::kAll;
using testing::kLeader;
using testing::kProduceVersion;
using testing::make_batch;
using testing::Peer;

constexpr int kBrokers = 3;

class Replication : public ::testing::TestWithParam<const char*> {
 public:
  void start(std::uint64_t seed = 1, Duration lag_max = 30s, std::map<std::string, std::string> configs = {}) {
    cluster_ = std::make_unique<sim::Cluster>(
        seed, sim::ClusterOptions{.brokers = kBrokers,
                                  .store = sim::Store::model,
                                  .machine = {.shards = 2},
                                  .configure = [lag_max](NodeConfig& config) {
                                    config.listeners.front().advertised_host =
                                        sim::Cluster::host_of(config.node_id.value() - 1);
                                    config.rack = rack_of(config.node_id.value() - 1);
                                    config.replica_lag_max = lag_max;
                                    config.offsets_partitions = 2;
                                  }});
    client_ = &cluster_->add_client("client");
    const auto started = cluster_->start();
    ASSERT_TRUE(started) << started.error().message;
    ASSERT_TRUE(eventually([this] {
      for (int i = 0; i < kBrokers; ++i)
        for (int j = 1; j <= kBrokers; ++j)
          if (!image(i).is_ready(BrokerId{j})) return false;
      return true;
    }));
    create("t", std::move(configs));
  }
  void create(const std::string& name, std::map<std::string, std::string> configs) {
    std::vector<NewTopic> wanted{{.name = name, .partitions = 1, .replicas = kBrokers}};
    wanted.front().configs = std::move(configs);
    wanted.front().configs["min.insync.replicas"] = "2";
    wanted.front().configs["mq.flush"] = GetParam();
    Broker& maker = cluster_->broker(0);
    const auto outcomes =
        cluster_->world().run(maker.machine(), maker.node().topics().create(std::move(wanted), false), 1min);
    ASSERT_EQ(outcomes.front().error, ErrorCode::kNone) << outcomes.front().message;
    ASSERT_TRUE(eventually([this] {
      for (int i = 0; i < kBrokers; ++i)
        if (find(i) == nullptr) return false;
      return leader() >= 0;
    }));
  }

  /// Each broker is in one of its own.
  [[nodiscard]] static std::string rack_of(int broker) { return fmt::format("rack-{}", broker); }

  using Broker = sim::Broker;
  bool eventually(const std::function<bool()>& done, Duration at_most = 30s) {
    return cluster_->world().run_until(done, at_most);
  }
  [[nodiscard]] const cluster::ClusterImage& image(int broker) {
    return *cluster_->broker(broker).node().first_shard().image();
  }
  [[nodiscard]] bool is_up(int broker) { return cluster_->broker(broker).is_made(); }
  [[nodiscard]] Partition* find(int broker) {
    if (!is_up(broker)) return nullptr;
    Node& node = cluster_->broker(broker).node();
    const cluster::Topic* topic = image(broker).find_topic(std::string_view("t"));
    return topic == nullptr ? nullptr : node.owner_of(topic->id, 0).find(topic->id, 0);
  }
  [[nodiscard]] const cluster::Partition& key(int broker) {
    return *image(broker).find_topic(std::string_view("t"))->find_partition(0);
  }
  /// The broker that leads in the newest epoch, or -1.
  [[nodiscard]] int leader() {
    int found = -1;
    for (int i = 0; i < kBrokers; ++i) {
      const Partition* partition = find(i);
      if (partition == nullptr || !partition->is_leader()) continue;
      if (found < 0 || partition->leader_epoch() > find(found)->leader_epoch()) found = i;
    }
    return found;
  }
  [[nodiscard]] std::size_t isr_size() {
    const int at = leader();
    return at < 0 ? 0 : key(at).isr.size();
  }
  /// Two others than `broker`.
  [[nodiscard]] static std::vector<int> others(int broker) {
    std::vector<int> all{0, 1, 2};
    std::erase(all, broker);
    return all;
  }

  ErrorCode produce(int broker, std::int16_t acks = kAll, int value_bytes = 10) {
    ++produced_;
    const std::string batch = make_batch({.value_bytes = static_cast<std::size_t>(value_bytes + produced_ % 7)});
    auto answer = std::make_shared<std::optional<ErrorCode>>();
    client_->spawn([](sim::Machine& client, int broker_index, std::string records, std::int16_t wanted,
                      std::shared_ptr<std::optional<ErrorCode>> to) -> awaitable<void> {
      *to = co_await produce_at(client, broker_index, std::move(records), wanted);
    }(*client_, broker, batch, acks, answer));
    return eventually([&] { return answer->has_value(); }, 20s) ? **answer : ErrorCode::kUnknownServerError;
  }
  using Cluster = sim::Cluster;
  static awaitable<ErrorCode> produce_at(sim::Machine& client, int broker, std::string batch, std::int16_t acks) {
    auto peer = co_await Peer::connect(client, broker);
    auto request = testing::produce_request("t", 0, batch, acks);
    request.timeout_ms = 5'000;
    const auto answer = co_await peer->call(request, kProduceVersion);
    co_return testing::only_row(answer).error_code;
  }
  ErrorCode delete_records(int broker, std::int64_t before) {
    auto answer = std::make_shared<std::optional<ErrorCode>>();
    client_->spawn([](sim::Machine& client, int broker_index, std::int64_t offset,
                      std::shared_ptr<std::optional<ErrorCode>> to) -> awaitable<void> {
      auto peer = co_await Peer::connect(client, broker_index);
      wire::DeleteRecordsRequest request;
      request.timeout_ms = 3'000;
      auto& topic = request.topics.emplace_back();
      topic.name = "t";
      topic.partitions.push_back({.partition_index = 0, .offset = offset});
      const auto told = co_await peer->call(request, 2);
      *to = told.topics.front().partitions.front().error_code;
    }(*client_, broker, before, answer));
    return eventually([&] { return answer->has_value(); }, 20s) ? **answer : ErrorCode::kUnknownServerError;
  }
  struct Fetch {
    std::int64_t offset = 0;
    std::string rack{};
    ApiVersion version = 12;
    std::int32_t wait_ms = 0;
  };
  struct Fetched {
    ErrorCode error = ErrorCode::kNone;
    std::int32_t preferred = -1;
    std::int64_t high_watermark = -1;
    std::string records;
  };
  using Answer = std::shared_ptr<std::optional<Fetched>>;
  Answer begin_fetch(int broker, Fetch fetch) {
    auto answer = std::make_shared<std::optional<Fetched>>();
    client_->spawn([](sim::Machine& client, int broker_index, Fetch wanted, Answer to) -> awaitable<void> {
      auto peer = co_await Peer::connect(client, broker_index);
      wire::FetchRequest request;
      request.max_wait_ms = wanted.wait_ms;
      request.min_bytes = 1;
      request.rack_id = wanted.rack;
      auto& topic = request.topics.emplace_back();
      topic.topic = "t";
      auto& partition = topic.partitions.emplace_back();
      partition.fetch_offset = wanted.offset;
      partition.partition_max_bytes = 1 << 20;
      const auto told = co_await peer->call(request, wanted.version);
      const auto& row = told.responses.at(0).partitions.at(0);
      *to = {.error = row.error_code,
             .preferred = row.preferred_read_replica,
             .high_watermark = row.high_watermark,
             .records = std::string(row.records.bytes)};
    }(*client_, broker, std::move(fetch), answer));
    return answer;
  }
  Fetched fetch(int broker, Fetch wanted) {
    const Answer answer = begin_fetch(broker, std::move(wanted));
    EXPECT_TRUE(eventually([&] { return answer->has_value(); }, 20s));
    return answer->value_or(Fetched{.error = ErrorCode::kUnknownServerError});
  }
  /// All that the log has.
  std::string bytes(int broker) {
    log::Log& log = find(broker)->log();
    std::string all;
    for (Offset from = log.log_start(); from < log.log_end();) {
      const auto range = log.read(from, 1 << 20, log.log_end(), true);
      EXPECT_TRUE(range) << range.error().message;
      if (!range || range->empty()) break;
      const std::string piece = log::read_bytes(*range).value();
      record::BatchReader reader(piece);
      while (auto batch = reader.next().value()) from = batch->header().next_offset();
      all += piece;
    }
    return all;
  }
  bool are_same_everywhere() {
    return eventually([this] {
      for (int i = 0; i < kBrokers; ++i) {
        const Partition* partition = find(i);
        if (partition == nullptr || partition->log().log_end() != find(leader())->log().log_end() ||
            partition->high_watermark() != partition->log().log_end())
          return false;
      }
      return true;
    });
  }
  void expect_same_bytes() {
    ASSERT_TRUE(are_same_everywhere()) << state();
    for (int i = 0; i < kBrokers; ++i) EXPECT_EQ(bytes(i), bytes(leader())) << "broker " << i;
  }
  std::string state() {
    std::string text;
    for (int i = 0; i < kBrokers; ++i) {
      const Partition* partition = find(i);
      if (partition == nullptr) continue;
      text += fmt::format("broker {}: role {}, epoch {}, end {}, high watermark {}, isr {}\n", i,
                          static_cast<int>(partition->replica().role()), partition->leader_epoch().value(),
                          partition->log().log_end().value(), partition->high_watermark().value(), key(i).isr.size());
    }
    return text;
  }
  bool logged(int broker, std::string_view text) {
    return std::ranges::any_of(cluster_->broker(broker).machine().log_lines(),
                               [&](const std::string& line) { return line.contains(text); });
  }
  void TearDown() override {
    if (!HasFailure()) return;
    for (int i = 0; i < kBrokers; ++i)
      for (const std::string& line : cluster_->broker(i).machine().log_lines()) std::cerr << i << ' ' << line << '\n';
  }

  std::unique_ptr<Cluster> cluster_;
  sim::Machine* client_ = nullptr;
  int produced_ = 0;
};

TEST_P(Replication, WhatIsAcknowledgedByAllIsOnEveryLogByteForByte) {
  start();
  for (int i = 0; i < 50; ++i) ASSERT_EQ(produce(leader()), ErrorCode::kNone) << state();
  EXPECT_EQ(isr_size(), 3U);
  expect_same_bytes();
  EXPECT_EQ(find(0)->log().log_end(), Offset{50});
}

TEST_P(Replication, ASyncForManyRecordsIsNoAcknowledgementOfAll) {
  start(1, 30s, {{"flush.messages", "1"}});
  ASSERT_EQ(produce(leader()), ErrorCode::kNone);
  for (const int other : others(leader()))
    cluster_->world().fabric().cut(cluster_->broker(leader()).host(), cluster_->broker(other).host());
  EXPECT_EQ(produce(leader()), ErrorCode::kRequestTimedOut);
}

TEST_P(Replication, OnlyTheLeaderTakesRecords) {
  start();
  for (const int other : others(leader())) EXPECT_EQ(produce(other), ErrorCode::kNotLeaderOrFollower);
}

TEST_P(Replication, AFollowerThatIsGoneLeavesTheIsrComesBackAndRejoins) {
  start();
  ASSERT_EQ(produce(leader()), ErrorCode::kNone);
  const int gone = others(leader()).front();
  cluster_->broker(gone).kill();
  ASSERT_TRUE(eventually([this] { return isr_size() == 2; })) << state();
  for (int i = 0; i < 20; ++i) ASSERT_EQ(produce(leader()), ErrorCode::kNone);
  ASSERT_TRUE(cluster_->broker(gone).start());
  ASSERT_TRUE(eventually([this] { return isr_size() == 3; })) << state();
  ASSERT_EQ(produce(leader()), ErrorCode::kNone);
  expect_same_bytes();
}

TEST_P(Replication, AFollowerThatLagsLeavesTheIsrAndRejoins) {
  start(1, 2s);
  const int lags = others(leader()).front();
  ASSERT_EQ(produce(leader()), ErrorCode::kNone);
  cluster_->world().fabric().cut(cluster_->broker(lags).host(), cluster_->broker(leader()).host());
  ASSERT_EQ(produce(leader(), kLeader), ErrorCode::kNone);
  ASSERT_TRUE(eventually([this] { return isr_size() == 2; })) << state();
  ASSERT_EQ(produce(leader()), ErrorCode::kNone);
  cluster_->world().fabric().heal();
  ASSERT_TRUE(eventually([this] { return isr_size() == 3; })) << state();
  expect_same_bytes();
}

TEST_P(Replication, AnotherLeadsWhenTheLeaderIsKilledAndNothingAcknowledgedIsLost) {
  start();
  for (int i = 0; i < 20; ++i) ASSERT_EQ(produce(leader()), ErrorCode::kNone);
  const int before = leader();
  cluster_->broker(before).kill();
  ASSERT_TRUE(eventually([&] { return leader() >= 0 && leader() != before; })) << state();
  EXPECT_GE(find(leader())->log().log_end(), Offset{20});
  ASSERT_TRUE(eventually([&] { return isr_size() == 2; })) << state();
  for (int i = 0; i < 20; ++i) ASSERT_EQ(produce(leader()), ErrorCode::kNone) << state();
  ASSERT_TRUE(cluster_->broker(before).start());
  ASSERT_TRUE(eventually([this] { return isr_size() == 3; })) << state();
  expect_same_bytes();
  EXPECT_EQ(find(before)->log().log_end(), Offset{40});
}

TEST_P(Replication, ALeaderThatWasCutOffCutsWhatItWroteMeanwhile) {
  start();
  for (int i = 0; i < 10; ++i) ASSERT_EQ(produce(leader()), ErrorCode::kNone);
  const int stale = leader();
  for (const int other : others(stale))
    cluster_->world().fabric().cut(cluster_->broker(stale).host(), cluster_->broker(other).host());
  // It is acknowledged by the leader alone, and by nobody for all.
  ASSERT_EQ(produce(stale, kLeader), ErrorCode::kNone);
  ASSERT_EQ(produce(stale, kLeader), ErrorCode::kNone);
  cluster_->broker(stale).kill();
  ASSERT_TRUE(eventually([&] { return leader() >= 0 && leader() != stale; })) << state();
  ASSERT_TRUE(eventually([&] { return isr_size() == 2; })) << state();
  for (int i = 0; i < 5; ++i) ASSERT_EQ(produce(leader()), ErrorCode::kNone) << state();
  cluster_->world().fabric().heal();
  ASSERT_TRUE(cluster_->broker(stale).start());
  ASSERT_TRUE(eventually([this] { return isr_size() == 3; })) << state();
  expect_same_bytes();
  EXPECT_EQ(find(stale)->log().log_end(), Offset{15});
}

TEST_P(Replication, OfThoseInSyncTheOneWithTheGreatestLogLeads) {
  start();
  cluster_->world().run_for(1s);  // the controller connects to all
  for (int i = 0; i < 10; ++i) ASSERT_EQ(produce(leader()), ErrorCode::kNone);
  ASSERT_TRUE(are_same_everywhere()) << state();
  const int gone = leader();
  // By the order of replicas the first of the others would lead; it gets nothing more.
  std::vector<int> order;
  for (const BrokerId id : key(gone).replicas)
    if (id.value() - 1 != gone) order.push_back(id.value() - 1);
  cluster_->world().fabric().cut(cluster_->broker(gone).host(), cluster_->broker(order[0]).host());
  for (int i = 0; i < 3; ++i) ASSERT_EQ(produce(gone, kLeader), ErrorCode::kNone);
  ASSERT_TRUE(eventually([&] { return find(order[1])->log().log_end() == Offset{13}; })) << state();
  ASSERT_EQ(isr_size(), 3u);
  ASSERT_EQ(find(order[0])->log().log_end(), Offset{10});
  cluster_->broker(gone).kill();
  ASSERT_TRUE(eventually([&] { return leader() >= 0 && leader() != gone; })) << state();
  EXPECT_EQ(leader(), order[1]) << state();
  cluster_->world().fabric().heal();
  ASSERT_TRUE(cluster_->broker(gone).start());
  ASSERT_TRUE(eventually([this] { return isr_size() == 3; })) << state();
  expect_same_bytes();
  EXPECT_EQ(find(leader())->log().log_end(), Offset{13});
}

TEST_P(Replication, WhoWaitsForReplicasForTooLongIsTold) {
  start();
  ASSERT_EQ(produce(leader()), ErrorCode::kNone);
  for (const int other : others(leader()))
    cluster_->world().fabric().cut(cluster_->broker(leader()).host(), cluster_->broker(other).host());
  EXPECT_EQ(produce(leader()), ErrorCode::kRequestTimedOut);
  cluster_->world().fabric().heal();
  EXPECT_EQ(produce(leader()), ErrorCode::kNone) << state();
  expect_same_bytes();
}

TEST_P(Replication, AStopDoesNotWaitForReplicas) {
  start();
  const int stopped = leader();
  ASSERT_EQ(produce(stopped), ErrorCode::kNone);
  for (const int other : others(stopped))
    cluster_->world().fabric().cut(cluster_->broker(stopped).host(), cluster_->broker(other).host());
  client_->spawn([](sim::Machine& client, int broker) -> awaitable<void> {
    (void)co_await produce_at(client, broker, make_batch({}), kAll);
  }(*client_, stopped));
  cluster_->world().run_for(100ms);
  (void)cluster_->broker(stopped).stop(20s);  // asserted
}

TEST_P(Replication, BelowTheMinimumNothingIsTakenForAll) {
  start();
  ASSERT_EQ(produce(leader()), ErrorCode::kNone);
  const int alone = leader();
  for (const int other : others(alone)) cluster_->broker(other).kill();
  ASSERT_TRUE(eventually([this] { return isr_size() == 1; })) << state();
  EXPECT_EQ(produce(alone), ErrorCode::kNotEnoughReplicas);
  EXPECT_EQ(produce(alone, kLeader), ErrorCode::kNone);
  for (const int other : others(alone)) ASSERT_TRUE(cluster_->broker(other).start());
  ASSERT_TRUE(eventually([this] { return isr_size() == 3; })) << state();
  EXPECT_EQ(produce(leader()), ErrorCode::kNone);
  expect_same_bytes();
}

TEST_P(Replication, WhereALogBeginsIsNotToldBeforeItIsOnTheDisksOfAllThatMayLead) {
  start();
  for (int i = 0; i < 10; ++i) ASSERT_EQ(produce(leader()), ErrorCode::kNone);
  const int before = leader();
  for (const int other : others(before))
    cluster_->world().fabric().cut(cluster_->broker(before).host(), cluster_->broker(other).host());
  EXPECT_EQ(delete_records(before, 5), ErrorCode::kRequestTimedOut);
  EXPECT_EQ(find(before)->log().log_start(), Offset{0});
  cluster_->world().fabric().heal();
  EXPECT_EQ(delete_records(leader(), 7), ErrorCode::kNone) << state();
  // At once: whoever leads next has nothing in memory of what it was told.
  for (int i = 0; i < kBrokers; ++i) cluster_->broker(i).kill();
  for (int i = 0; i < kBrokers; ++i) cluster_->broker(i).begin_start();
  ASSERT_TRUE(eventually([this] {
    for (int i = 0; i < kBrokers; ++i)
      if (find(i) == nullptr) return false;  // the ISR may still be that of before
    return leader() >= 0 && isr_size() == 3;
  })) << state();
  for (int i = 0; i < kBrokers; ++i) EXPECT_EQ(find(i)->log().log_start(), Offset{7}) << "broker " << i;
}

// --- Reading nearby (KIP-392) ---------------------------------------------------------------------------------------

TEST_P(Replication, AConsumerIsSentToTheReplicaInItsRackAndNobodyElseIs) {
  start();
  ASSERT_EQ(produce(leader()), ErrorCode::kNone);
  ASSERT_TRUE(are_same_everywhere());
  const int nearby = others(leader()).back();
  const Instant asked = cluster_->world().now();
  const Fetched sent = fetch(leader(), {.rack = rack_of(nearby), .wait_ms = 15'000});
  EXPECT_LT(cluster_->world().now() - asked, 1s) << "it must not wait for records here";
  EXPECT_EQ(sent.error, ErrorCode::kNone);
  EXPECT_EQ(sent.preferred, nearby + 1);
  EXPECT_EQ(sent.records, "");
  for (const std::string& rack : {std::string(), std::string("elsewhere"), rack_of(leader())}) {
    const Fetched read = fetch(leader(), {.rack = rack});
    EXPECT_EQ(read.preferred, -1) << rack;
    EXPECT_EQ(read.records, bytes(leader())) << rack;
  }
  EXPECT_EQ(fetch(leader(), {.offset = 7, .rack = rack_of(nearby)}).error, ErrorCode::kOffsetOutOfRange)
      << "the leader says what nobody has";
}

TEST_P(Replication, AFollowerGivesConsumersWhatIsCommittedAndNothingElse) {
  start();
  for (int i = 0; i < 5; ++i) ASSERT_EQ(produce(leader()), ErrorCode::kNone);
  ASSERT_TRUE(are_same_everywhere());
  const int follower = others(leader()).front();
  const Fetched read = fetch(follower, {});
  EXPECT_EQ(read.records, bytes(leader()));
  EXPECT_EQ(read.high_watermark, 5);
  EXPECT_EQ(fetch(follower, {.offset = 6}).error, ErrorCode::kOffsetNotAvailable)
      << "the leader may have it, and the next one, too";
  EXPECT_EQ(fetch(follower, {.version = 10}).error, ErrorCode::kNotLeaderOrFollower)
      << "who does not know of followers that answer";
  // What is written and not committed stays unseen.
  for (const int other : others(leader()))
    if (other != follower)
      cluster_->world().fabric().cut(cluster_->broker(leader()).host(), cluster_->broker(other).host());
  ASSERT_EQ(produce(leader(), kLeader), ErrorCode::kNone);
  ASSERT_TRUE(eventually([&] { return find(follower)->log().log_end() == Offset{6}; }));
  EXPECT_EQ(fetch(follower, {.offset = 5}).records, "");
  cluster_->world().fabric().heal();
  const Answer waiting = begin_fetch(follower, {.offset = 5, .wait_ms = 30'000});
  EXPECT_TRUE(eventually([&] { return waiting->has_value(); }, 10s)) << "committed news wake who waits at a follower";
  EXPECT_EQ((*waiting)->error, ErrorCode::kNone);
  EXPECT_FALSE((*waiting)->records.empty());
}

TEST_P(Replication, WhoIsNotInSyncIsNoPlaceToReadFrom) {
  start();
  ASSERT_EQ(produce(leader()), ErrorCode::kNone);
  const int gone = others(leader()).front();
  cluster_->broker(gone).kill();
  ASSERT_TRUE(eventually([this] { return isr_size() == 2; }));
  const Fetched read = fetch(leader(), {.rack = rack_of(gone)});
  EXPECT_EQ(read.preferred, -1);
  EXPECT_FALSE(read.records.empty());
}

TEST_P(Replication, OurConsumerReadsFromItsRackAndFromTheLeaderWhenThatReplicaIsGone) {
  start();
  constexpr int kFew = 20;
  for (int i = 0; i < kFew; ++i) ASSERT_EQ(produce(leader()), ErrorCode::kNone);
  ASSERT_TRUE(are_same_everywhere());
  const int nearby = others(leader()).front();
  auto seen = std::make_shared<std::int64_t>(0);
  client_->spawn([](sim::Machine& client, std::vector<env::Address> brokers, std::string rack,
                    std::shared_ptr<std::int64_t> to) -> awaitable<void> {
    client::ClientOptions options;
    options.bootstrap = std::move(brokers);
    client::Cluster cluster(client.shard(0), client.random(), std::move(options));
    (void)co_await cluster.start(Instant::never());
    client::Consumer consumer(cluster, {.rack = std::move(rack)});
    consumer.assign({.topic = "t", .partition = 0}, Offset{0});
    while (*to < kFew + 1) {
      const auto polled = co_await consumer.poll(100ms);
      if (!polled || !polled->errors.empty()) break;
      for (const auto& batch : polled->batches) {
        MQ_ASSERT(batch.first_offset.value() == *to);
        *to = batch.next_offset.value();
      }
    }
    co_await consumer.close();
    co_await cluster.close();
  }(*client_, cluster_->addresses(), rack_of(nearby), seen));
  const auto given_by = [this](int broker) {
    std::uint64_t given = 0;
    for (const auto& shard : cluster_->broker(broker).node().shards()) given += shard->metrics().fetched_bytes.value();
    return given;
  };
  ASSERT_TRUE(eventually([&] { return *seen == kFew; }, 10s));
  EXPECT_GE(given_by(nearby), bytes(nearby).size());
  cluster_->broker(nearby).kill();
  ASSERT_EQ(produce(leader()), ErrorCode::kNone);
  EXPECT_TRUE(eventually([&] { return *seen == kFew + 1; }, 20s));
}

INSTANTIATE_TEST_SUITE_P(Classes, Replication, ::testing::Values("ack", "async"),
                         [](const auto& param) { return std::string(param.param); });

}  // namespace
}  // namespace mq::broker
