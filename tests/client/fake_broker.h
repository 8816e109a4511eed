#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/assert.h"
#include "client/cluster.h"
#include "env/event.h"
#include "env/task_group.h"
#include "record/batch.h"
#include "record/record.h"
#include "sim/machine/world.h"
#include "wire/header.h"
#include "wire/messages/api_versions.h"
#include "wire/messages/fetch.h"
#include "wire/messages/init_producer_id.h"
#include "wire/messages/list_offsets.h"
#include "wire/messages/metadata.h"
#include "wire/messages/produce.h"

namespace mq::client {

/// A broker of one node that keeps topics in memory and checks sequences as Kafka does, with the faults that a test
/// asks for. It lives beside the simulated machine, so its logs survive `stop` and `start`.
class FakeBroker {
 public:
  static constexpr std::uint16_t kPort = 9092;

  struct ProducerEntry {
    std::int16_t epoch = -1;
    std::int32_t next_sequence = 0;
    std::map<std::int32_t, std::int64_t> offsets;  ///< base sequence -> base offset of what it took
  };
  struct Log {
    std::vector<std::string> batches;
    std::int64_t start = 0;
    std::int64_t end = 0;
    std::map<std::int64_t, ProducerEntry> producers;
    std::vector<wire::FetchResponse::AbortedTransaction> aborted;
  };

  FakeBroker(sim::World& world, sim::Machine& node) : world_(world), node_(node) {}

  void start() {
    auto& shard = node_.shard(0);
    session_ = std::make_shared<Session>(shard);
    auto listener = shard.network().listen({.host = node_.host(), .port = kPort, .path = {}});
    MQ_ASSERT(listener.has_value());
    session_->listener = *std::move(listener);
    session_->tasks.spawn(accept(session_));
  }
  /// Closes the port and every connection; what is held back is never answered.
  void stop() {
    const auto session = std::exchange(session_, nullptr);
    session->stopped = true;
    session->listener->close();
    for (env::Stream* stream : session->streams) stream->close();
    session->released.notify_all();
    world_.run(node_, [](std::shared_ptr<Session> ended) -> awaitable<void> { co_await ended->tasks.join(); }(session));
  }

  void add_topic(const std::string& name, int partitions = 1) {
    topics[name].resize(static_cast<std::size_t>(partitions));
  }
  /// Deletes the topic and creates it again: another id, and epochs of leaders from the beginning.
  void create_again(const std::string& name, int partitions = 1) {
    topics.erase(name);
    add_topic(name, partitions);
    ++incarnations[name];
    leader_epoch = 0;
  }
  /// Answers wait until `release`.
  void hold() { held_ = true; }
  void release() {
    held_ = false;
    session_->released.notify_all();
  }

  /// The values of all records of a log, in offset order.
  [[nodiscard]] static std::vector<std::string> values(const Log& log) {
    std::vector<std::string> all;
    record::RecordReader reader;
    for (const std::string& bytes : log.batches) {
      const auto batch = record::first_batch(bytes);
      MQ_ASSERT(batch.has_value());
      MQ_ASSERT(record::for_each_record(reader, *batch, [&](const record::RecordView& record) {
                  all.emplace_back(record.value.value_or("(null)"));
                }).has_value());
    }
    return all;
  }

  template <class M>
  static M decode(const wire::RequestHeader& header, const Reader& in) {
    auto message = wire::decode<M>(in.rest(), header.api_version);
    MQ_ASSERT(message.has_value());
    return *std::move(message);
  }

  std::map<std::string, std::vector<Log>> topics;
  std::map<std::string, std::uint8_t> incarnations;  ///< of topics; their ids are made from these
  std::int32_t leader_epoch = 1;
  bool has_leaders = true;
  std::deque<ErrorCode> produce_errors;   ///< one for each produce answer to come, kNone: as it is
  int answers_to_lose = 0;                ///< so many produce requests take effect, and lose their connection
  std::set<std::string> values_at_fault;  ///< records of these values are refused, and named as such
  std::size_t batch_bytes_max = 1 << 20;
  bool speaks_only_version_0 = false;  ///< of ApiVersions
  /// Whole frame, length included, instead of the answer to any request but ApiVersions.
  std::function<std::string(const wire::RequestHeader&)> answer_with;
  /// Answers to what this broker does not have itself, and their versions.
  std::function<std::string(const wire::RequestHeader&, Reader)> answer_others;
  std::map<ApiKey, wire::Versions> other_versions;
  std::map<ApiKey, int> requests;     ///< counted by kind
  std::map<ApiKey, Duration> delays;  ///< of answers, from when the request took effect

 private:
  struct Session {
    explicit Session(env::Shard& shard) : tasks(shard), released(shard) {}
    env::TaskGroup tasks;
    env::Event released;
    std::unique_ptr<env::Listener> listener;
    std::set<env::Stream*> streams;
    bool stopped = false;
  };

  awaitable<void> accept(std::shared_ptr<Session> session) {
    while (true) {
      auto stream = co_await session->listener->accept();
      if (!stream) co_return;
      session->tasks.spawn(serve(session, *std::move(stream)));
    }
  }

  awaitable<void> serve(std::shared_ptr<Session> session, std::unique_ptr<env::Stream> stream) {
    session->streams.insert(stream.get());
    std::string buffer;
    std::string chunk(4096, '\0');
    bool open = true;
    while (open && !session->stopped) {
      const auto got = co_await stream->read_some(chunk);
      if (!got) break;
      buffer.append(chunk, 0, *got);
      while (open && buffer.size() >= 4) {
        const auto size = static_cast<std::size_t>(load_be<std::int32_t>(buffer.data())) + 4;
        if (buffer.size() < size) break;
        const std::string frame = buffer.substr(4, size - 4);
        buffer.erase(0, size);
        idle_wait_ = 0s;
        auto answer = handle(frame);
        if (idle_wait_ > 0s) co_await node_.shard(0).sleep_until(world_.now() + idle_wait_);
        while (held_ && !session->stopped) co_await session->released.wait();
        if (!answer || session->stopped) {
          open = false;
        } else if (!answer->empty()) {
          const BytesView piece(*answer);
          open = (co_await stream->write({&piece, 1})).has_value();
        }
      }
    }
    session->streams.erase(stream.get());
    stream->close();
  }

  /// Nothing: the connection ends. Empty: there is no answer.
  std::optional<std::string> handle(BytesView frame) {
    Reader in(frame);
    const auto header = wire::decode_request_header(in);
    MQ_ASSERT(header.has_value());
    const auto api = static_cast<ApiKey>(header->api_key);
    ++requests[api];
    if (const auto delay = delays.find(api); delay != delays.end()) idle_wait_ = delay->second;
    if (api == ApiKey::kApiVersions) return api_versions(*header);
    if (answer_with) return answer_with(*header);
    switch (api) {
      case ApiKey::kMetadata:
        return wire::encode_response(*header, metadata(decode<wire::MetadataRequest>(*header, in)));
      case ApiKey::kInitProducerId:
        return wire::encode_response(*header, init_producer_id());
      case ApiKey::kListOffsets:
        return wire::encode_response(*header, list_offsets(decode<wire::ListOffsetsRequest>(*header, in)));
      case ApiKey::kProduce:
        return produce(*header, decode<wire::ProduceRequest>(*header, in));
      case ApiKey::kFetch:
        return fetch(*header, decode<wire::FetchRequest>(*header, in));
      default:
        MQ_ASSERT(answer_others != nullptr);
        return answer_others(*header, in);
    }
    return std::nullopt;
  }

  std::string api_versions(wire::RequestHeader header) const {
    wire::ApiVersionsResponse response;
    if (speaks_only_version_0 && header.api_version > 0) {
      header.api_version = 0;
      response.error_code = ErrorCode::kUnsupportedVersion;
    }
    const auto add = [&](ApiKey key, wire::Versions versions) {
      response.api_keys.push_back(
          {.api_key = static_cast<std::int16_t>(key), .min_version = versions.first, .max_version = versions.last});
    };
    add(ApiKey::kProduce, {3, 12});
    add(ApiKey::kFetch, {4, 12});
    add(ApiKey::kListOffsets, wire::ListOffsetsRequest::kVersions);
    add(ApiKey::kMetadata, wire::MetadataRequest::kVersions);
    add(ApiKey::kInitProducerId, wire::InitProducerIdRequest::kVersions);
    for (const auto& [key, versions] : other_versions) add(key, versions);
    return wire::encode_response(header, response);
  }

  wire::MetadataResponse metadata(const wire::MetadataRequest& request) {
    wire::MetadataResponse response;
    auto& broker = response.brokers.emplace_back();
    broker.node_id = 1;
    broker.host = node_.host();
    broker.port = kPort;
    response.controller_id = 1;
    response.cluster_id = "fake";
    std::vector<std::string> names;
    if (!request.topics)
      for (const auto& [name, logs] : topics) names.push_back(name);
    else
      for (const auto& topic : *request.topics) names.push_back(topic.name.value_or(""));
    for (const std::string& name : names) {
      auto& topic = response.topics.emplace_back();
      topic.name = name;
      const auto known = topics.find(name);
      if (known == topics.end()) {
        topic.error_code = ErrorCode::kUnknownTopicOrPartition;
        continue;
      }
      topic.topic_id = Uuid{.bytes = {1, incarnations[name]}};
      for (std::size_t i = 0; i < known->second.size(); ++i) {
        auto& partition = topic.partitions.emplace_back();
        partition.partition_index = static_cast<std::int32_t>(i);
        partition.leader_id = has_leaders ? 1 : -1;
        partition.leader_epoch = leader_epoch;
      }
    }
    return response;
  }

  wire::InitProducerIdResponse init_producer_id() {
    wire::InitProducerIdResponse response;
    response.producer_id = next_producer_id_++;
    response.producer_epoch = 0;
    return response;
  }

  wire::ListOffsetsResponse list_offsets(const wire::ListOffsetsRequest& request) {
    wire::ListOffsetsResponse response;
    for (const auto& topic : request.topics) {
      auto& answered = response.topics.emplace_back();
      answered.name = topic.name;
      for (const auto& partition : topic.partitions) {
        const Log& log = topics.at(topic.name).at(static_cast<std::size_t>(partition.partition_index));
        auto& answer = answered.partitions.emplace_back();
        answer.partition_index = partition.partition_index;
        answer.offset = partition.timestamp == -2 ? log.start : log.end;
      }
    }
    return response;
  }

  std::optional<std::string> produce(const wire::RequestHeader& header, const wire::ProduceRequest& request) {
    wire::ProduceResponse response;
    for (const auto& topic : request.topic_data) {
      auto& answered = response.responses.emplace_back();
      answered.name = topic.name;
      for (const auto& partition : topic.partition_data) {
        auto& answer = answered.partition_responses.emplace_back();
        answer.index = partition.index;
        answer.base_offset = -1;
        ErrorCode scripted = ErrorCode::kNone;
        if (!produce_errors.empty()) {
          scripted = produce_errors.front();
          produce_errors.pop_front();
        }
        Log* log = find(topic.name, partition.index);
        answer.record_errors = faults_of(partition.records.bytes);
        answer.error_code = scripted != ErrorCode::kNone ? scripted
                            : log == nullptr             ? ErrorCode::kUnknownTopicOrPartition
                            : !answer.record_errors.empty()
                                ? ErrorCode::kInvalidTimestamp
                                : append(*log, std::string(partition.records.bytes), answer.base_offset);
      }
    }
    if (answers_to_lose > 0) {
      --answers_to_lose;
      return std::nullopt;
    }
    if (request.acks == 0) return std::string{};
    return wire::encode_response(header, response);
  }

  Log* find(const std::string& topic, std::int32_t partition) {
    const auto found = topics.find(topic);
    if (found == topics.end() || static_cast<std::size_t>(partition) >= found->second.size()) return nullptr;
    return &found->second[static_cast<std::size_t>(partition)];
  }

  std::vector<wire::ProduceResponse::BatchIndexAndErrorMessage> faults_of(BytesView bytes) {
    std::vector<wire::ProduceResponse::BatchIndexAndErrorMessage> faults;
    const auto batch = record::first_batch(bytes);
    if (!batch || values_at_fault.empty()) return faults;
    record::RecordReader reader;
    std::int32_t index = 0;
    MQ_ASSERT(record::for_each_record(reader, *batch, [&](const record::RecordView& record) {
                const std::string value(record.value.value_or("(null)"));
                if (values_at_fault.contains(value))
                  faults.push_back({.batch_index = index, .batch_index_error_message = "no " + value});
                ++index;
              }).has_value());
    return faults;
  }

  ErrorCode append(Log& log, std::string bytes, std::int64_t& base_offset) {
    const auto batch = record::first_batch(bytes);
    MQ_ASSERT(batch.has_value() && record::crc_ok(*batch));
    if (bytes.size() > batch_bytes_max) return ErrorCode::kMessageTooLarge;
    const record::BatchHeader& head = batch->header();
    if (head.has_producer_id()) {
      auto& producer = log.producers[head.producer_id.value()];
      const std::int32_t sequence = head.base_sequence.value();
      if (head.producer_epoch.value() < producer.epoch) return ErrorCode::kInvalidProducerEpoch;
      if (head.producer_epoch.value() > producer.epoch) {
        const bool is_known = producer.epoch >= 0;
        if (is_known && sequence != 0) return ErrorCode::kOutOfOrderSequenceNumber;
        producer = {.epoch = head.producer_epoch.value(), .next_sequence = sequence, .offsets = {}};
      }
      if (const auto known = producer.offsets.find(sequence); known != producer.offsets.end()) {
        base_offset = known->second;
        return ErrorCode::kNone;
      }
      if (sequence != producer.next_sequence) return ErrorCode::kOutOfOrderSequenceNumber;
      producer.next_sequence = record::advance(head.last_sequence(), 1).value();
      producer.offsets[sequence] = log.end;
    }
    base_offset = log.end;
    record::set_base_offset(bytes.data(), Offset{log.end});
    log.end += head.last_offset_delta + 1;
    log.batches.push_back(std::move(bytes));
    return ErrorCode::kNone;
  }

  std::string fetch(const wire::RequestHeader& header, const wire::FetchRequest& request) {
    // A session is one list of partitions; this broker has one session.
    if (request.session_epoch <= 0) fetching_.clear();
    for (const auto& topic : request.topics)
      for (const auto& partition : topic.partitions)
        fetching_[{.topic = topic.topic, .partition = partition.partition}] = partition.fetch_offset;
    for (const auto& topic : request.forgotten_topics_data)
      for (const std::int32_t partition : topic.partitions)
        fetching_.erase({.topic = topic.topic, .partition = partition});
    wire::FetchResponse response;
    response.session_id = 7;
    std::deque<std::string> bytes;
    for (const auto& [where, offset] : fetching_) {
      const Log& log = topics.at(where.topic).at(static_cast<std::size_t>(where.partition));
      wire::FetchResponse::PartitionData data;
      data.partition_index = where.partition;
      data.high_watermark = data.last_stable_offset = log.end;
      data.log_start_offset = log.start;
      if (request.isolation_level == 1) data.aborted_transactions = log.aborted;
      if (offset < log.start || offset > log.end) {
        data.error_code = ErrorCode::kOffsetOutOfRange;
      } else if (offset == log.end) {
        continue;
      } else {
        std::string& records = bytes.emplace_back();
        for (const std::string& batch : log.batches)
          if (record::parse_header(batch)->next_offset().value() > offset) records += batch;
        data.records = wire::Records::of(records);
      }
      auto& topic = response.responses.emplace_back();
      topic.topic = where.topic;
      topic.partitions.push_back(data);
    }
    // A long poll that ends with nothing: what is appended meanwhile is for the next one.
    if (response.responses.empty()) idle_wait_ = std::chrono::milliseconds(request.max_wait_ms);
    return wire::encode_response(header, response);
  }

  sim::World& world_;
  sim::Machine& node_;
  std::shared_ptr<Session> session_;
  bool held_ = false;
  Duration idle_wait_{0};  ///< before the answer in the making
  std::int64_t next_producer_id_ = 1;
  std::map<TopicPartition, std::int64_t> fetching_;
};

/// A machine with the fake broker and one for the client.
struct ClientWorld {
  explicit ClientWorld(std::uint64_t seed = 1)
      : world(seed), client(world.add_machine("client")), machine(world.add_machine("broker")), broker(world, machine) {
    broker.start();
    options.bootstrap = {{.host = "broker", .port = FakeBroker::kPort, .path = {}}};
    options.notice = [this](const Notice& notice) {
      if (notice.kind != Notice::Kind::detail) notices.push_back(notice);
    };
  }
  Cluster& cluster() { return client.make<Cluster>(client.shard(0), client.random(), options); }
  /// A producer or consumer of the client, looked at after every task.
  template <class T, class... Args>
  T& make(Args&&... args) {
    T& made = client.make<T>(std::forward<Args>(args)...);
    client.make<sim::Witness>(world.scheduler().after_each_task([&made] { made.check_invariants(); }));
    return made;
  }
  [[nodiscard]] Instant in(Duration time) { return world.now() + time; }
  template <class T>
  T run(awaitable<T> task, Duration at_most = 1h) {
    return world.run(client, std::move(task), at_most);
  }

  sim::World world;
  sim::Machine& client;
  sim::Machine& machine;
  FakeBroker broker;
  ClientOptions options;
  std::vector<Notice> notices;
};

}  // namespace mq::client
