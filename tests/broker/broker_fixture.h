#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/cursor.h"
#include "broker/node.h"
#include "broker/partition.h"
#include "broker/shard_broker.h"
#include "broker/topics.h"
#include "record/batch.h"
#include "record/batch_builder.h"
#include "sim/cluster/cluster.h"
#include "sim/machine/world.h"
#include "wire/codec.h"
#include "wire/header.h"
#include "wire/messages/fetch.h"
#include "wire/messages/produce.h"

namespace mq::broker::testing {

inline constexpr std::uint16_t kPort = sim::Broker::kPort;

/// A client's end of one connection, frame by frame: it can do what no well-meaning client does.
class Peer {
 public:
  Peer(sim::Machine& machine, std::unique_ptr<env::Stream> stream) : machine_(machine), stream_(std::move(stream)) {}

  /// To the broker with this index.
  static awaitable<std::unique_ptr<Peer>> connect(sim::Machine& machine, int broker = 0) {
    env::Shard& shard = machine.shard(0);
    auto stream = co_await shard.network().connect({.host = sim::Cluster::host_of(broker), .port = kPort, .path = {}},
                                                   shard.now() + 10s);
    EXPECT_TRUE(stream);
    co_return std::make_unique<Peer>(machine, std::move(*stream));
  }

  /// The bytes of a request; the next one has the next correlation id.
  template <class Request>
  std::string frame(const Request& request, ApiVersion version) {
    return wire::encode_request(
        {.api_version = version, .correlation_id = ++last_correlation_, .client_id = std::string("test")}, request);
  }
  awaitable<void> write(std::string bytes) {
    const BytesView pieces[] = {bytes};
    (void)co_await stream_->write(pieces);
  }
  template <class Request>
  awaitable<void> send(const Request& request, ApiVersion version) {
    co_await write(frame(request, version));
  }

  /// The next frame without its length; nothing when the broker closed the connection.
  awaitable<std::optional<std::string>> read_frame() {
    while (true) {
      if (in_.size() >= 4) {
        const auto size = static_cast<std::size_t>(load_be<std::int32_t>(in_.data()));
        if (in_.size() >= 4 + size) {
          std::string frame = in_.substr(4, size);
          in_.erase(0, 4 + size);
          co_return frame;
        }
      }
      char bytes[4096];
      auto got = co_await stream_->read_some(bytes);
      if (!got) co_return std::nullopt;
      in_.append(bytes, *got);
    }
  }
  awaitable<bool> is_closed() { co_return !co_await read_frame(); }

  /// The answer to the request of `correlation`, which must be the next one to come.
  template <class Request>
  awaitable<typename Request::Response> receive(std::int32_t correlation, ApiVersion version) {
    auto frame = co_await read_frame();
    EXPECT_TRUE(frame) << "the connection was closed";
    if (!frame) co_return typename Request::Response{};
    frames_.push_back(std::move(*frame));  // records are views of it
    Reader reader(frames_.back());
    auto header = wire::decode_response_header(reader, Request::kApi, version);
    EXPECT_TRUE(header);
    EXPECT_EQ(*header, correlation) << "answers leave in the order of their requests";
    auto body = wire::decode<typename Request::Response>(reader.rest(), version);
    EXPECT_TRUE(body) << body.error().message;
    co_return std::move(*body);
  }
  template <class Request>
  awaitable<typename Request::Response> call(const Request& request, ApiVersion version) {
    co_await send(request, version);
    co_return co_await receive<Request>(last_correlation_, version);
  }

  [[nodiscard]] std::int32_t last_correlation() const { return last_correlation_; }
  [[nodiscard]] env::Shard& shard() { return machine_.shard(0); }
  void close() { stream_->close(); }

 private:
  sim::Machine& machine_;
  std::unique_ptr<env::Stream> stream_;
  std::string in_;
  std::deque<std::string> frames_;
  std::int32_t last_correlation_ = 0;
};

/// A cluster of one broker, and a machine for clients.
class BrokerTest : public ::testing::Test {
 public:
  /// Starts the broker; each test does so first.
  void start(std::function<void(NodeConfig&)> change = {}, std::uint64_t seed = 1, int shards = 2) {
    cluster_ = std::make_unique<sim::Cluster>(
        seed, sim::ClusterOptions{
                  .store = store(), .machine = {.shards = shards}, .disk_pool = [this] { return &disk_pool(); }});
    world_ = &cluster_->world();
    broker_ = &cluster_->broker();
    machine_ = &broker_->machine();
    client_ = &cluster_->add_client("client");
    config_ = broker_->config;
    config_.offsets_partitions = 2;
    if (change) change(config_);
    start_node();
  }

  /// A clean stop, what somebody does to the files meanwhile, and a start on what is there then.
  void restart(const std::function<void(env::Files&)>& meanwhile = {}) {
    broker_->stop();
    if (meanwhile) meanwhile(machine_->files());
    start_node();
  }

  void start_node() {
    const auto started = try_start_node();
    ASSERT_TRUE(started) << started.error().message;
  }
  Result<void> try_start_node() {
    broker_->config = config_;
    auto started = broker_->start();
    node_ = &broker_->node();
    return started;
  }

  /// What the broker is given as its pool, and as its metadata store.
  virtual env::Pool& disk_pool() { return machine_->pool(); }
  [[nodiscard]] virtual sim::Store store() const { return sim::Store::sqlite; }

  void create_topic(std::string name, std::int32_t partitions, std::map<std::string, std::string> configs = {}) {
    std::vector<NewTopic> wanted(1);
    wanted.front().name = std::move(name);
    wanted.front().partitions = partitions;
    wanted.front().configs = std::move(configs);
    const auto outcomes = world_->run(*machine_, node_->topics().create(std::move(wanted), false), 1min);
    ASSERT_EQ(outcomes.front().error, ErrorCode::kNone) << outcomes.front().message;
  }

  /// Runs what a client does to its end.
  template <class T>
  T run(awaitable<T> task) {
    return world_->run(*client_, std::move(task), 10min);
  }

  [[nodiscard]] Partition& partition(const std::string& topic, std::int32_t index) {
    const cluster::Topic* known = node_->first_shard().image()->find_topic(std::string_view(topic));
    MQ_ASSERT(known != nullptr);
    return *node_->owner_of(known->id, index).find(known->id, index);
  }
  [[nodiscard]] std::int64_t log_end(const std::string& topic, std::int32_t index = 0) {
    return partition(topic, index).log().log_end().value();
  }
  /// What the broker logged about the end of a connection.
  [[nodiscard]] bool logged(std::string_view text) const {
    for (const std::string& line : machine_->log_lines())
      if (line.find(text) != std::string::npos) return true;
    return false;
  }

  std::unique_ptr<sim::Cluster> cluster_;
  sim::World* world_ = nullptr;
  sim::Broker* broker_ = nullptr;
  sim::Machine* machine_ = nullptr;
  sim::Machine* client_ = nullptr;
  Node* node_ = nullptr;
  NodeConfig config_;
};

struct BatchOptions {
  int records = 1;
  std::size_t value_bytes = 10;
  record::Codec codec = record::Codec::none;
  std::int64_t producer_id = -1;
  std::int32_t sequence = -1;
};

/// Values compress well, but not beyond what is allowed.
inline std::string make_batch(const BatchOptions& options) {
  record::BatchBuilder builder({.codec = options.codec});
  sim::Rng letters(1);
  for (int i = 0; i < options.records; ++i) {
    std::string value(options.value_bytes, 'v');
    for (std::size_t at = 0; at < value.size(); at += 512) value[at] = static_cast<char>('a' + letters.below(26));
    builder.add(1'700'000'000'000, std::nullopt, BytesView(value));
  }
  record::BatchBuilder::Stamp stamp;
  if (options.producer_id >= 0) {
    stamp.producer_id = ProducerId{options.producer_id};
    stamp.producer_epoch = ProducerEpoch{0};
    stamp.base_sequence = Sequence{options.sequence};
  }
  auto batch = builder.finish(stamp);
  MQ_ASSERT(batch.has_value());
  return *batch;
}

/// The last version that calls topics by their names.
constexpr ApiVersion kProduceVersion = 12;
constexpr std::int16_t kNoAcks = 0;
constexpr std::int16_t kLeader = 1;
constexpr std::int16_t kAll = -1;

/// `batch` must outlive the request.
inline wire::ProduceRequest produce_request(const std::string& topic, std::int32_t partition, const std::string& batch,
                                            std::int16_t acks = kAll) {
  wire::ProduceRequest request;
  request.acks = acks;
  request.timeout_ms = 30'000;
  auto& data = request.topic_data.emplace_back();
  data.name = topic;
  auto& row = data.partition_data.emplace_back();
  row.index = partition;
  row.records = wire::Records::of(batch);
  return request;
}

inline const wire::ProduceResponse::PartitionProduceResponse& only_row(const wire::ProduceResponse& response) {
  return response.responses.at(0).partition_responses.at(0);
}

}  // namespace mq::broker::testing
