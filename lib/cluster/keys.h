#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "model/ids.h"

namespace mq::cluster {

// What lies in the metadata store, by key. ID is a broker's number, UUID is spelled as Kafka's tools do, N is a decimal
// number without leading zeros. `values.h` has what the values say.
//
//   cluster                 the cluster's id
//   cluster/level           the format that all brokers write
//   adopting                whose metadata is being moved here; stands before `cluster` does, and only then
//   accepted                that brokers are to go on with this store, which is not as they knew it
//   controller              who holds the controller's lease
//   controllers/UUID        every acquisition of it, kept for ever
//   brokers/ID              a registered broker; stays until the id is unregistered
//   alive/ID                this broker's session is alive
//   unregistered/ID         this id was a broker's, and is never given again; kept for ever
//   topics/NAME             a topic: id, number of partitions, settings
//   partitions/UUID/N       partition N of the topic with this id
//   creating/UUID           partitions of the topic with this id are being written, in several transactions
//   tombstones/UUID         a deleted topic
//   configs/brokers/ID      settings of one broker; ID -1: of all
//   counters/producer-id    the first producer id that nobody has been given
//
// A topic is visible when its own key is there, which is written after those of its partitions; partitions without a
// topic key mean nothing, nor do those from the topic's number on.

inline constexpr std::int32_t kPartitionsPerTopicMax = 1'000'000;

[[nodiscard]] std::string cluster_key();
[[nodiscard]] std::string level_key();
[[nodiscard]] std::string adopting_key();
[[nodiscard]] std::string accepted_key();
[[nodiscard]] std::string controller_key();
[[nodiscard]] std::string acquisition_key(const Uuid& id);
[[nodiscard]] std::string broker_key(BrokerId id);
[[nodiscard]] std::string alive_key(BrokerId id);
[[nodiscard]] std::string unregistered_key(BrokerId id);
[[nodiscard]] std::string topic_key(std::string_view name);
[[nodiscard]] std::string partition_key(const Uuid& topic, std::int32_t index);
[[nodiscard]] std::string creating_key(const Uuid& topic);
[[nodiscard]] std::string tombstone_key(const Uuid& topic);
[[nodiscard]] std::string broker_config_key(BrokerId id);
[[nodiscard]] std::string producer_ids_key();

enum class KeyKind {
  cluster,
  level,
  adopting,
  accepted,
  controller,
  acquisition,
  broker,
  alive,
  unregistered,
  topic,
  partition,
  creating,
  tombstone,
  broker_config,
  producer_ids,
  foreign,    ///< no key of ours: a later version's, or an earlier one's
  misspelled  ///< begins as ours do, and does not go on so
};

/// A key taken apart. What its kind does not have is as it is here.
struct ParsedKey {
  KeyKind kind = KeyKind::foreign;
  BrokerId broker = kNoBroker;
  Uuid id;
  std::int32_t index = -1;
  std::string_view name;  ///< within the key that was parsed
};

[[nodiscard]] ParsedKey parse_key(std::string_view key);

}  // namespace mq::cluster
