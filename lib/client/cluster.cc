#include "client/cluster.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/mark.h"
#include "client/connection.h"
#include "env/event.h"
#include "wire/messages/find_coordinator.h"
#include "wire/messages/metadata.h"

namespace mq::client {
namespace {

/// How long a topic that was asked to be created may be unknown before we believe that the broker will not create it.
constexpr Duration kCreationWait = 5s;

Result<Cluster::TopicRef> to_topic(const auto& answer) {
  auto topic = std::make_shared<TopicInfo>();
  topic->name = answer.name.value_or("");
  topic->id = answer.topic_id;
  topic->internal = answer.is_internal;
  topic->partitions.resize(answer.partitions.size());
  for (const auto& partition : answer.partitions) {
    const auto index = static_cast<std::size_t>(partition.partition_index);
    if (index >= topic->partitions.size())
      return fail(Errc::corrupt, "metadata of topic {}: partition {} of {}", topic->name, partition.partition_index,
                  topic->partitions.size());
    PartitionInfo& info = topic->partitions[index];
    info.error = partition.error_code;
    info.leader = BrokerId{partition.leader_id};
    info.leader_epoch = LeaderEpoch{partition.leader_epoch};
    for (const std::int32_t id : partition.replica_nodes) info.replicas.emplace_back(id);
    for (const std::int32_t id : partition.isr_nodes) info.in_sync.emplace_back(id);
  }
  return topic;
}

}  // namespace

/// One place for a connection: at most one is open or being opened.
struct Cluster::Slot {
  explicit Slot(env::Shard& shard) : changed(shard) {}
  ConnectionRef connection;
  bool connecting = false;
  Error error;  ///< of the last attempt
  env::Event changed;
};

Cluster::Cluster(env::Shard& shard, env::Random& random, ClientOptions options)
    : shard_(shard), random_(random), options_(std::move(options)), tasks_(shard) {}
Cluster::~Cluster() = default;

awaitable<Result<void>> Cluster::start(Instant deadline) {
  auto started = co_await retry(deadline, [this]() -> awaitable<Result<void>> {
    MQ_CO_CHECK(co_await refresh({}, AutoCreate::no));
    co_return Result<void>{};
  });
  if (started || closed_) co_return started;
  const Error& error = started.error();
  // Something else than a broker listens there: for the caller the cluster is as far away.
  if (error.code == Errc::corrupt) co_return fail(Errc::unreachable, "is that a Kafka broker? {}", error.message);
  if (is_worth_retrying(error)) co_return fail(Errc::unreachable, "no broker answered in time: {}", error.message);
  co_return started;
}

Cluster::TopicRef Cluster::cached_topic(const std::string& name) const {
  const auto found = topics_.find(name);
  return found == topics_.end() ? nullptr : found->second;
}

awaitable<Result<Cluster::TopicRef>> Cluster::topic(const std::string& name, AutoCreate create, Instant deadline) {
  if (auto known = cached_topic(name)) co_return known;
  const Instant creation_deadline = shard_.now() + kCreationWait;
  Backoff backoff;
  while (true) {
    auto answer = co_await refresh({name}, create);
    Error error;
    if (answer) {
      if (!answer->topics.empty()) co_return answer->topics.front();
      const ErrorCode code =
          answer->errors.empty() ? ErrorCode::kUnknownTopicOrPartition : answer->errors.front().second;
      error = broker_error(code, "topic {}", name);
      const bool is_unknown = code == ErrorCode::kUnknownTopicOrPartition;
      if (is_unknown && (create == AutoCreate::no || shard_.now() >= creation_deadline))
        co_return fail(std::move(error));
    } else {
      error = std::move(answer).error();
    }
    const Instant again = shard_.now() + backoff.next(random_);
    if (!is_worth_retrying(error) || again >= deadline || closed_) co_return fail(std::move(error));
    co_await shard_.sleep_until(again);
  }
}

awaitable<Result<Cluster::Refreshed>> Cluster::refresh(std::vector<std::string> names, AutoCreate create) {
  MQ_CO_TRY(auto connection, co_await any_broker());
  co_return co_await ask(std::move(connection), std::move(names), create);
}

awaitable<Result<std::vector<Cluster::TopicRef>>> Cluster::all_topics() {
  MQ_CO_TRY(auto connection, co_await any_broker());
  MQ_CO_TRY(auto answer, co_await ask(std::move(connection), std::nullopt, AutoCreate::no));
  co_return std::move(answer.topics);
}

awaitable<Result<Cluster::Refreshed>> Cluster::ask(ConnectionRef connection,
                                                   std::optional<std::vector<std::string>> names, AutoCreate create) {
  wire::MetadataRequest request;
  MQ_CO_TRY(const ApiVersion version, connection->version_for<wire::MetadataRequest>());
  // Version 0 has no null and no empty list: there an empty list asks for all topics.
  if (names || version == 0) {
    auto& topics = request.topics.emplace();
    if (names)
      for (std::string& name : *names) topics.emplace_back().name = std::move(name);
  }
  request.allow_auto_topic_creation = create == AutoCreate::yes;
  MQ_CO_TRY(auto response, co_await connection->call(std::move(request), options_.request_timeout));
  const auto& body = response.body;

  std::vector<BrokerInfo> brokers;
  for (const auto& broker : body.brokers) {
    if (broker.port <= 0 || broker.port > 65535)
      co_return fail(Errc::corrupt, "{}: it names a broker at port {}", connection->address().to_string(), broker.port);
    brokers.push_back({.id = BrokerId{broker.node_id},
                       .address = {.host = broker.host, .port = static_cast<std::uint16_t>(broker.port), .path = {}},
                       .rack = broker.rack.value_or("")});
  }
  if (!brokers.empty()) brokers_ = std::move(brokers);
  controller_ = BrokerId{body.controller_id};
  cluster_id_ = body.cluster_id.value_or("");

  Refreshed refreshed;
  for (const auto& topic : body.topics) {
    if (!topic.name) continue;
    if (topic.error_code != ErrorCode::kNone) {
      refreshed.errors.emplace_back(*topic.name, topic.error_code);
      if (topic.error_code == ErrorCode::kUnknownTopicOrPartition) topics_.erase(*topic.name);
      continue;
    }
    MQ_CO_TRY(auto info, to_topic(topic));
    topics_[info->name] = info;
    refreshed.topics.push_back(std::move(info));
  }
  co_return refreshed;
}

awaitable<Result<Cluster::ConnectionRef>> Cluster::connect(const env::Address& address) {
  if (closed_) co_return fail(Errc::cancelled, "the client is closed");
  auto opened = co_await Connection::open(shard_, tasks_, address, options_);
  if (opened && closed_) {
    (*opened)->close();
    co_return fail(Errc::cancelled, "the client is closed");
  }
  co_return opened;
}

awaitable<Result<Cluster::ConnectionRef>> Cluster::through(std::shared_ptr<Slot> slot, env::Address address) {
  if (slot->connection && slot->connection->is_open() && slot->connection->address() == address)
    co_return slot->connection;
  if (slot->connecting) {
    MQ_MARK("client: two calls wait for one connection");
    while (slot->connecting) co_await slot->changed.wait();
    if (slot->connection && slot->connection->is_open()) co_return slot->connection;
    co_return fail(slot->error);
  }
  slot->connecting = true;
  auto opened = co_await connect(address);
  slot->connecting = false;
  slot->changed.notify_all();
  if (!opened) {
    slot->error = opened.error();
    slot->connection = nullptr;
    if (is_worth_retrying(slot->error)) note_lost(slot->error);
    co_return opened;
  }
  // Whoever used the old one (its address changed) finds it closed and asks again.
  if (slot->connection) slot->connection->close();
  slot->connection = *opened;
  note_back();
  note_detail(fmt::format("connected to {}", address.to_string()));
  co_return opened;
}

env::Address Cluster::address_of(const BrokerInfo& broker) const {
  // A broker names its TCP listener also to who came in by a unix socket. With one broker the socket is the way to it.
  return bootstrap_socket_ && brokers_.size() == 1 ? *bootstrap_socket_ : broker.address;
}

std::shared_ptr<Cluster::Slot> Cluster::slot(Use use, BrokerId id) {
  auto& slot = slots_[{use, id}];
  if (!slot) slot = std::make_shared<Slot>(shard_);
  return slot;
}

awaitable<Result<Cluster::ConnectionRef>> Cluster::broker(BrokerId id, Use use) {
  const auto known = std::ranges::find(brokers_, id, &BrokerInfo::id);
  if (known == brokers_.end())
    co_return fail(Errc::unreachable, "broker {} is not (or no longer) in the cluster", id.value());
  const env::Address address = address_of(*known);
  if (use == Use::control) {
    const auto first = slot(Use::control, kNoBroker)->connection;
    if (first && first->is_open() && first->address() == address) co_return first;
  }
  co_return co_await through(slot(use, id), address);
}

awaitable<Result<Cluster::ConnectionRef>> Cluster::any_broker() {
  for (const auto& [key, one] : slots_)
    if (key.first == Use::control && one->connection && one->connection->is_open()) co_return one->connection;

  std::vector<env::Address> addresses = options_.bootstrap;
  if (!(bootstrap_socket_ && brokers_.size() <= 1))
    for (const BrokerInfo& broker : brokers_)
      if (std::ranges::find(addresses, broker.address) == addresses.end()) addresses.push_back(broker.address);
  const auto first = slot(Use::control, kNoBroker);
  Error error{.code = Errc::unreachable, .message = "there is no broker to ask", .kafka_code = 0};
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    const env::Address address = addresses[(bootstrap_next_ + i) % addresses.size()];
    auto opened = co_await through(first, address);
    if (opened) {
      bootstrap_next_ = (bootstrap_next_ + i) % addresses.size();
      if (address.is_unix()) bootstrap_socket_ = address;
      co_return opened;
    }
    error = opened.error();
    if (!is_worth_retrying(error)) break;
  }
  co_return fail(std::move(error));
}

awaitable<Result<Cluster::ConnectionRef>> Cluster::controller() {
  if (controller_ == kNoBroker) MQ_CO_CHECK(co_await refresh({}, AutoCreate::no));
  if (controller_ == kNoBroker) co_return co_await any_broker();
  co_return co_await broker(controller_);
}

awaitable<Result<Cluster::ConnectionRef>> Cluster::coordinator(const std::string& group, Use use) {
  const auto known = coordinators_.find(group);
  if (known != coordinators_.end()) {
    auto connected = co_await broker(known->second, use);
    if (!connected) MQ_MARK("client: a coordinator cannot be reached");
    if (!connected) coordinators_.erase(group);
    co_return connected;
  }
  MQ_CO_TRY(auto asked, co_await any_broker());
  wire::FindCoordinatorRequest request;
  request.key = group;
  request.coordinator_keys.push_back(group);
  MQ_CO_TRY(auto response, co_await asked->call(std::move(request), options_.request_timeout));
  auto& body = response.body;
  // One coordinator in the body up to version 3, a list of them after that.
  ErrorCode code = body.error_code;
  BrokerInfo info{.id = BrokerId{body.node_id},
                  .address = {.host = body.host, .port = static_cast<std::uint16_t>(body.port), .path = {}},
                  .rack = {}};
  if (response.version >= 4) {
    if (body.coordinators.size() != 1)
      co_return fail(Errc::corrupt, "group {}: {} coordinators", group, body.coordinators.size());
    const auto& one = body.coordinators.front();
    code = one.error_code;
    info = {.id = BrokerId{one.node_id},
            .address = {.host = one.host, .port = static_cast<std::uint16_t>(one.port), .path = {}},
            .rack = {}};
  }
  if (code != ErrorCode::kNone) co_return fail(broker_error(code, "coordinator of group {}", group));
  if (std::ranges::find(brokers_, info.id, &BrokerInfo::id) == brokers_.end()) brokers_.push_back(info);
  coordinators_[group] = info.id;
  co_return co_await broker(info.id, use);
}

BrokerId Cluster::known_coordinator(const std::string& group) const {
  const auto known = coordinators_.find(group);
  return known == coordinators_.end() ? kNoBroker : known->second;
}

awaitable<bool> Cluster::wait_to_retry(const Error& error, Backoff& backoff, Instant deadline) {
  if (!is_worth_retrying(error)) co_return false;
  MQ_MARK("client: a call is tried again");
  const Instant again = shard_.now() + backoff.next(random_);
  if (again >= deadline) MQ_MARK("client: the time for a call is over");
  if (again >= deadline || closed_) co_return false;
  co_await shard_.sleep_until(again);
  co_return true;
}

bool Cluster::lost() const {
  return lost_ && std::ranges::none_of(slots_, [](const auto& entry) {
           const ConnectionRef& connection = entry.second->connection;
           return connection && connection->is_open();
         });
}

void Cluster::note_lost(const Error& error) {
  if (lost_ || closed_) return;
  MQ_MARK("client: the brokers are lost");
  lost_ = true;
  if (options_.notice) options_.notice({.kind = Notice::Kind::lost, .text = error.message + "; trying again"});
}

void Cluster::note_back() {
  if (!lost_) return;
  MQ_MARK("client: the brokers are back");
  lost_ = false;
  // Of several it may be another one than the one that was lost.
  const bool is_only_one = options_.bootstrap.size() <= 1 && brokers_.size() <= 1;
  note({.kind = Notice::Kind::back, .text = is_only_one ? "the broker is back" : "a broker answers"});
}

void Cluster::note(Notice notice) {
  if (options_.notice) options_.notice(notice);
}

void Cluster::note_detail(std::string text) { note({.kind = Notice::Kind::detail, .text = std::move(text)}); }

awaitable<void> Cluster::close() {
  closed_ = true;
  for (const auto& [key, slot] : slots_)
    if (slot->connection) slot->connection->close();
  co_await tasks_.join();
}

}  // namespace mq::client
