#include "cluster/values.h"

#include <utility>

#include "base/assert.h"
#include "base/cursor.h"
#include "cluster/keys.h"
#include "cluster/value_parts.h"

namespace mq::cluster {
namespace {

// After the byte of version, see `value_parts.h` for the parts:
//
//   cluster       16 bytes of id
//   level         number
//   adopting      16 bytes of directory id, broker
//   accepted      16 bytes of id, is complete (0 or 1), is in use (0 or 1), list of 16 bytes of directory id
//   controller    broker, broker epoch; an acquisition likewise
//   broker        16 bytes of directory id, 16 bytes of nonce, epoch, state, list of endpoint, has a rack (0 or 1),
//                 text rack (empty without one), text inter-broker listener, list of text feature, level
//   alive         broker epoch
//   unregistered  16 bytes of directory id, last broker epoch
//   topic         16 bytes of id, count of partitions, list of config, has the default factor (0 or 1)
//   partition     lists of broker: replicas, ISR, adding, removing, ELR; leader, its broker epoch, leader epoch,
//                 partition epoch, unclean since; list of broker: last in sync (not there: none)
//   creating      text name of the topic, broker that makes it, its broker epoch
//   tombstone     text name of the topic, list of broker that is waited for
//   config        list of config
//   producer ids  number

constexpr std::size_t kFeaturesMax = 1000;
constexpr std::size_t kBrokersMax = 10'000;

std::string begin_value() { return std::string(1, static_cast<char>(kValueVersion)); }

template <class Write>
Op put(std::string key, Write write) {
  std::string value = begin_value();
  Writer to(value);
  write(to);
  return Op::put(std::move(key), std::move(value));
}

Op leased(Op op) {
  op.stay = Stay::leased;
  return op;
}

void write_controller(Writer& to, const Controller& controller) {
  to.varint(controller.broker.value());
  to.varlong(controller.broker_epoch.value());
}

/// Reads a value with `read`, which sets the reader's `failed` for what is wrong. What follows is for later versions.
template <class Read>
auto read_value(std::string_view key, std::string_view value, Read read)
    -> Result<decltype(read(std::declval<Reader&>()))> {
  Reader from(value);
  const auto version = from.be<std::uint8_t>();
  if (!from.failed() && version > kValueVersion)
    return fail(Errc::unsupported, "the metadata store's key \"{}\" was written by a later version of mqd", key);
  if (version != kValueVersion) return damaged_value(key);
  auto read_one = read(from);
  if (from.failed()) return damaged_value(key);
  return read_one;
}

bool take_flag(Reader& from) {
  const std::uint32_t flag = from.uvarint();
  if (flag > 1) from.fail();
  return flag == 1;
}

/// No number of ours is negative where this is used.
std::int64_t take_natural(Reader& from) {
  const std::int64_t number = from.varlong();
  if (number < 0) from.fail();
  return number;
}

}  // namespace

std::unexpected<Error> damaged_value(std::string_view key) {
  return fail(Errc::corrupt, "the metadata store's key \"{}\" is damaged", key);
}

Op put_cluster(const Uuid& id) {
  return put(cluster_key(), [&](Writer& to) { put_id(to, id); });
}

Op put_level(std::int32_t level) {
  return put(level_key(), [&](Writer& to) { to.varint(level); });
}

Op put_adoption(const Adoption& adoption) {
  return put(adopting_key(), [&](Writer& to) {
    put_id(to, adoption.directory);
    to.varint(adoption.broker.value());
  });
}

Op put_acceptance(const Acceptance& acceptance) {
  return put(accepted_key(), [&](Writer& to) {
    put_id(to, acceptance.id);
    to.uvarint(acceptance.is_complete ? 1 : 0);
    to.uvarint(acceptance.is_in_use ? 1 : 0);
    to.uvarint(acceptance.directories.size());
    for (const Uuid& directory : acceptance.directories) put_id(to, directory);
  });
}

Op put_controller(const Controller& controller) {
  return leased(put(controller_key(), [&](Writer& to) { write_controller(to, controller); }));
}

Op put_acquisition(const Uuid& id, const Controller& controller) {
  return put(acquisition_key(id), [&](Writer& to) { write_controller(to, controller); });
}

Op put_broker(const Broker& broker) {
  return put(broker_key(broker.id), [&](Writer& to) {
    put_id(to, broker.directory);
    put_id(to, broker.nonce);
    to.varlong(broker.epoch.value());
    to.uvarint(static_cast<std::uint8_t>(broker.state));
    put_endpoints(to, broker.endpoints);
    to.uvarint(broker.rack ? 1 : 0);
    put_text(to, broker.rack.value_or(""));
    put_text(to, broker.inter_broker_listener);
    to.uvarint(broker.features.size());
    for (const std::string& feature : broker.features) put_text(to, feature);
    to.varint(broker.level);
    if (broker.is_drained) to.uvarint(1);
  });
}

Op put_session(BrokerId id, const Session& session) {
  return leased(put(alive_key(id), [&](Writer& to) { to.varlong(session.epoch.value()); }));
}

Op put_unregistered(BrokerId id, const Unregistered& unregistered) {
  return put(unregistered_key(id), [&](Writer& to) {
    put_id(to, unregistered.directory);
    to.varlong(unregistered.epoch.value());
  });
}

Op put_topic(const Topic& topic) {
  return put(topic_key(topic.name), [&](Writer& to) {
    put_id(to, topic.id);
    to.uvarint(topic.partitions.size());
    put_configs(to, topic.configs);
    to.uvarint(topic.has_default_factor ? 1 : 0);
  });
}

Op put_partition(const Uuid& topic, std::int32_t index, const Partition& partition) {
  return put(partition_key(topic, index), [&](Writer& to) {
    for (const auto* brokers :
         {&partition.replicas, &partition.isr, &partition.adding, &partition.removing, &partition.elr})
      put_brokers(to, *brokers);
    to.varint(partition.leader.value());
    to.varlong(partition.leader_broker_epoch.value());
    to.varint(partition.leader_epoch.value());
    to.varint(partition.partition_epoch);
    to.varint(partition.unclean_since.value());
    put_brokers(to, partition.last_in_sync);
  });
}

Op put_creation(const Uuid& topic, const Creation& creation) {
  return put(creating_key(topic), [&](Writer& to) {
    put_text(to, creation.topic);
    to.varint(creation.maker.value());
    to.varlong(creation.maker_epoch.value());
  });
}

Op put_tombstone(const Uuid& topic, const Tombstone& tombstone) {
  return put(tombstone_key(topic), [&](Writer& to) {
    put_text(to, tombstone.name);
    put_brokers(to, tombstone.waiting);
  });
}

Op put_broker_config(BrokerId id, const ConfigMap& configs) {
  return put(broker_config_key(id), [&](Writer& to) { put_configs(to, configs); });
}

Op put_producer_ids(std::int64_t next) {
  return put(producer_ids_key(), [&](Writer& to) { to.varlong(next); });
}

std::vector<Op> put_whole_topic(const Topic& topic) {
  std::vector<Op> ops;
  ops.reserve(topic.partitions.size() + 1);
  for (std::int32_t index = 0; index < topic.partition_count(); ++index)
    ops.push_back(put_partition(topic.id, index, topic.partitions[static_cast<std::size_t>(index)]));
  ops.push_back(put_topic(topic));
  return ops;
}

std::vector<Op> put_image(const ClusterImage& image) {
  std::vector<Op> ops;
  if (!image.cluster_id().is_zero()) ops.push_back(put_cluster(image.cluster_id()));
  if (image.level() != 0) ops.push_back(put_level(image.level()));
  if (image.adoption()) ops.push_back(put_adoption(*image.adoption()));
  if (image.acceptance()) ops.push_back(put_acceptance(*image.acceptance()));
  if (image.controller()) ops.push_back(put_controller(*image.controller()));
  if (image.producer_ids().next != 0) ops.push_back(put_producer_ids(image.producer_ids().next));
  for (const auto& [id, broker] : image.brokers()) ops.push_back(put_broker(broker));
  for (const auto& [id, session] : image.sessions()) ops.push_back(put_session(id, session));
  for (const auto& [id, unregistered] : image.unregistered()) ops.push_back(put_unregistered(id, unregistered));
  for (const auto& [id, settings] : image.broker_configs()) ops.push_back(put_broker_config(id, settings.configs));
  for (const auto& [id, tombstone] : image.tombstones()) ops.push_back(put_tombstone(id, tombstone));
  for (const auto& [id, creation] : image.creations()) ops.push_back(put_creation(id, creation));
  for (const TopicPtr& topic : image.topics())
    for (Op& op : put_whole_topic(*topic)) ops.push_back(std::move(op));
  return ops;
}

Result<Uuid> read_cluster(std::string_view key, std::string_view value) {
  return read_value(key, value, [](Reader& from) {
    const Uuid id = take_id(from);
    if (id.is_zero()) from.fail();
    return id;
  });
}

Result<std::int32_t> read_level(std::string_view key, std::string_view value) {
  return read_value(key, value, [](Reader& from) {
    const std::int32_t level = from.varint();
    if (level < 1) from.fail();
    return level;
  });
}

Result<Adoption> read_adoption(std::string_view key, std::string_view value) {
  return read_value(key, value, [](Reader& from) {
    Adoption adoption;
    adoption.directory = take_id(from);
    adoption.broker = BrokerId{from.varint()};
    if (adoption.directory.is_zero()) from.fail();
    return adoption;
  });
}

Result<Acceptance> read_acceptance(std::string_view key, std::string_view value) {
  return read_value(key, value, [](Reader& from) {
    Acceptance acceptance;
    acceptance.id = take_id(from);
    acceptance.is_complete = take_flag(from);
    acceptance.is_in_use = take_flag(from);
    acceptance.directories.resize(take_count(from, kBrokersMax, acceptance.id.bytes.size()));
    for (Uuid& directory : acceptance.directories) directory = take_id(from);
    if (acceptance.id.is_zero()) from.fail();
    return acceptance;
  });
}

Result<Controller> read_controller(std::string_view key, std::string_view value) {
  return read_value(key, value, [](Reader& from) {
    Controller controller;
    controller.broker = BrokerId{from.varint()};
    controller.broker_epoch = BrokerEpoch{take_natural(from)};
    return controller;
  });
}

Result<Broker> read_broker(std::string_view key, std::string_view value, BrokerId id) {
  return read_value(key, value, [&](Reader& from) {
    Broker broker{.id = id, .endpoints = {}, .rack = std::nullopt};
    broker.directory = take_id(from);
    broker.nonce = take_id(from);
    broker.epoch = BrokerEpoch{take_natural(from)};
    const std::uint32_t state = from.uvarint();
    if (state > static_cast<std::uint32_t>(BrokerState::draining)) from.fail();
    broker.state = static_cast<BrokerState>(state);
    broker.endpoints = take_endpoints(from);
    const bool has_rack = take_flag(from);
    std::string rack = take_text(from);
    if (has_rack) broker.rack = std::move(rack);
    broker.inter_broker_listener = take_text(from);
    broker.features.resize(take_count(from, kFeaturesMax, 1));
    for (std::string& feature : broker.features) feature = take_text(from);
    broker.level = from.varint();
    if (from.remaining() > 0) broker.is_drained = take_flag(from);
    return broker;
  });
}

Result<Session> read_session(std::string_view key, std::string_view value) {
  return read_value(key, value, [](Reader& from) { return Session{.epoch = BrokerEpoch{take_natural(from)}}; });
}

Result<Unregistered> read_unregistered(std::string_view key, std::string_view value) {
  return read_value(key, value, [](Reader& from) {
    Unregistered unregistered;
    unregistered.directory = take_id(from);
    unregistered.epoch = BrokerEpoch{take_natural(from)};
    return unregistered;
  });
}

Result<TopicValue> read_topic(std::string_view key, std::string_view value, std::string_view name) {
  return read_value(key, value, [&](Reader& from) {
    TopicValue read;
    read.topic.name = name;
    read.topic.id = take_id(from);
    const std::uint32_t partitions = from.uvarint();
    read.topic.configs = take_configs(from);
    read.topic.has_default_factor = take_flag(from);
    if (read.topic.id.is_zero() || partitions == 0 || partitions > static_cast<std::uint32_t>(kPartitionsPerTopicMax))
      from.fail();
    read.partitions = static_cast<std::int32_t>(partitions);
    return read;
  });
}

Result<Partition> read_partition(std::string_view key, std::string_view value) {
  return read_value(key, value, [](Reader& from) {
    Partition partition;
    for (auto* brokers : {&partition.replicas, &partition.isr, &partition.adding, &partition.removing, &partition.elr})
      *brokers = take_brokers(from);
    partition.leader = BrokerId{from.varint()};
    partition.leader_broker_epoch = BrokerEpoch{from.varlong()};
    partition.leader_epoch = LeaderEpoch{from.varint()};
    partition.partition_epoch = from.varint();
    partition.unclean_since = LeaderEpoch{from.varint()};
    if (from.remaining() > 0) partition.last_in_sync = take_brokers(from);
    if (partition.problem() != nullptr) from.fail();
    return partition;
  });
}

Result<Creation> read_creation(std::string_view key, std::string_view value) {
  return read_value(key, value, [](Reader& from) {
    Creation creation;
    creation.topic = take_text(from);
    creation.maker = BrokerId{from.varint()};
    creation.maker_epoch = BrokerEpoch{from.varlong()};
    return creation;
  });
}

Result<Tombstone> read_tombstone(std::string_view key, std::string_view value) {
  return read_value(key, value, [](Reader& from) {
    Tombstone tombstone;
    tombstone.name = take_text(from);
    tombstone.waiting = take_brokers(from, kBrokersMax);
    return tombstone;
  });
}

Result<ConfigMap> read_broker_config(std::string_view key, std::string_view value) {
  return read_value(key, value, [](Reader& from) { return take_configs(from); });
}

Result<std::int64_t> read_producer_ids(std::string_view key, std::string_view value) {
  return read_value(key, value, [](Reader& from) { return take_natural(from); });
}

}  // namespace mq::cluster
