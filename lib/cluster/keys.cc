#include "cluster/keys.h"

#include <fmt/format.h>

#include <optional>

#include "base/parsed_number.h"

namespace mq::cluster {
namespace {

constexpr std::string_view kCluster = "cluster";
constexpr std::string_view kLevelKey = "cluster/level";
constexpr std::string_view kAdopting = "adopting";
constexpr std::string_view kAccepted = "accepted";
constexpr std::string_view kController = "controller";
constexpr std::string_view kAcquisitions = "controllers/";
constexpr std::string_view kBrokers = "brokers/";
constexpr std::string_view kAlive = "alive/";
constexpr std::string_view kUnregistered = "unregistered/";
constexpr std::string_view kTopics = "topics/";
constexpr std::string_view kPartitions = "partitions/";
constexpr std::string_view kCreating = "creating/";
constexpr std::string_view kTombstones = "tombstones/";
constexpr std::string_view kBrokerConfigs = "configs/brokers/";
constexpr std::string_view kProducerIds = "counters/producer-id";

std::string key_of(std::string_view prefix, BrokerId id) { return fmt::format("{}{}", prefix, id.value()); }
std::string key_of(std::string_view prefix, const Uuid& id) { return fmt::format("{}{}", prefix, id.to_string()); }

/// Exactly as it is written: a number has one spelling, so that a thing has one key.
std::optional<std::int32_t> number_in_key(std::string_view text) {
  const auto number = parsed_number<std::int32_t>(text);
  return number && fmt::format("{}", *number) == text ? number : std::nullopt;
}

ParsedKey of_broker(KeyKind kind, std::string_view text) {
  const auto id = number_in_key(text);
  if (!id) return {.kind = KeyKind::misspelled};
  return {.kind = kind, .broker = BrokerId{*id}};
}

ParsedKey of_id(KeyKind kind, std::string_view text) {
  ParsedKey key{.kind = kind};
  if (!Uuid::parse(text, key.id)) key.kind = KeyKind::misspelled;
  return key;
}

ParsedKey of_partition(std::string_view text) {
  const std::size_t slash = text.find('/');
  ParsedKey key = of_id(KeyKind::partition, text.substr(0, slash));
  if (key.kind == KeyKind::misspelled) return key;
  const auto index = slash == std::string_view::npos ? std::nullopt : number_in_key(text.substr(slash + 1));
  const bool is_index = index && *index >= 0 && *index < kPartitionsPerTopicMax;
  if (!is_index) return {.kind = KeyKind::misspelled};
  key.index = *index;
  return key;
}

ParsedKey of_topic(std::string_view name) {
  if (topic_name_problem(name) != nullptr) return {.kind = KeyKind::misspelled};
  return {.kind = KeyKind::topic, .name = name};
}

}  // namespace

std::string cluster_key() { return std::string(kCluster); }
std::string level_key() { return std::string(kLevelKey); }
std::string adopting_key() { return std::string(kAdopting); }
std::string accepted_key() { return std::string(kAccepted); }
std::string controller_key() { return std::string(kController); }
std::string acquisition_key(const Uuid& id) { return key_of(kAcquisitions, id); }
std::string broker_key(BrokerId id) { return key_of(kBrokers, id); }
std::string alive_key(BrokerId id) { return key_of(kAlive, id); }
std::string unregistered_key(BrokerId id) { return key_of(kUnregistered, id); }
std::string topic_key(std::string_view name) { return fmt::format("{}{}", kTopics, name); }
std::string partition_key(const Uuid& topic, std::int32_t index) {
  return fmt::format("{}{}/{}", kPartitions, topic.to_string(), index);
}
std::string creating_key(const Uuid& topic) { return key_of(kCreating, topic); }
std::string tombstone_key(const Uuid& topic) { return key_of(kTombstones, topic); }
std::string broker_config_key(BrokerId id) { return key_of(kBrokerConfigs, id); }
std::string producer_ids_key() { return std::string(kProducerIds); }

ParsedKey parse_key(std::string_view key) {
  const auto rest = [key](std::string_view prefix) { return key.substr(prefix.size()); };
  if (key.starts_with(kPartitions)) return of_partition(rest(kPartitions));
  if (key.starts_with(kTopics)) return of_topic(rest(kTopics));
  if (key.starts_with(kBrokers)) return of_broker(KeyKind::broker, rest(kBrokers));
  if (key.starts_with(kAlive)) return of_broker(KeyKind::alive, rest(kAlive));
  if (key.starts_with(kUnregistered)) return of_broker(KeyKind::unregistered, rest(kUnregistered));
  if (key.starts_with(kCreating)) return of_id(KeyKind::creating, rest(kCreating));
  if (key.starts_with(kTombstones)) return of_id(KeyKind::tombstone, rest(kTombstones));
  if (key.starts_with(kBrokerConfigs)) return of_broker(KeyKind::broker_config, rest(kBrokerConfigs));
  if (key.starts_with(kAcquisitions)) return of_id(KeyKind::acquisition, rest(kAcquisitions));
  if (key == kCluster) return {.kind = KeyKind::cluster};
  if (key == kLevelKey) return {.kind = KeyKind::level};
  if (key == kAdopting) return {.kind = KeyKind::adopting};
  if (key == kAccepted) return {.kind = KeyKind::accepted};
  if (key == kController) return {.kind = KeyKind::controller};
  if (key == kProducerIds) return {.kind = KeyKind::producer_ids};
  return {};
}

}  // namespace mq::cluster
