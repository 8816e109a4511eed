#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cluster/image.h"
#include "cluster/transaction.h"

namespace mq::cluster {

// The values of the keys in `keys.h`. Each begins with one byte of version, 2 today: a reader refuses a higher one. A
// value may grow at its end without a new version: readers skip what they do not know, and take the default where what
// they know is not there. So a field is never taken away or given another meaning, and a version is for what cannot be
// read by who does not know it.

/// The first byte of every value.
inline constexpr std::uint8_t kValueVersion = 2;

[[nodiscard]] Op put_cluster(const Uuid& id);
[[nodiscard]] Op put_level(std::int32_t level);
[[nodiscard]] Op put_adoption(const Adoption& adoption);
[[nodiscard]] Op put_acceptance(const Acceptance& acceptance);
/// As long as the session of whoever puts it stands.
[[nodiscard]] Op put_controller(const Controller& controller);
[[nodiscard]] Op put_acquisition(const Uuid& id, const Controller& controller);
[[nodiscard]] Op put_broker(const Broker& broker);
/// Likewise.
[[nodiscard]] Op put_session(BrokerId id, const Session& session);
[[nodiscard]] Op put_unregistered(BrokerId id, const Unregistered& unregistered);
/// The topic's own key alone.
[[nodiscard]] Op put_topic(const Topic& topic);
[[nodiscard]] Op put_partition(const Uuid& topic, std::int32_t index, const Partition& partition);
[[nodiscard]] Op put_creation(const Uuid& topic, const Creation& creation);
[[nodiscard]] Op put_tombstone(const Uuid& topic, const Tombstone& tombstone);
[[nodiscard]] Op put_broker_config(BrokerId id, const ConfigMap& configs);
[[nodiscard]] Op put_producer_ids(std::int64_t next);
/// The topic's partitions in order, then its own key.
[[nodiscard]] std::vector<Op> put_whole_topic(const Topic& topic);
/// Everything in the image, sessions and controller too, but for what is loose.
[[nodiscard]] std::vector<Op> put_image(const ClusterImage& image);

// Readers. corrupt: the value does not follow its format; unsupported: a later version. Messages name the key.
// Revisions are left to the caller.

/// A topic's own key: the topic without its partitions, and how many it has.
struct TopicValue {
  Topic topic;
  std::int32_t partitions = 0;
};

[[nodiscard]] Result<Uuid> read_cluster(std::string_view key, std::string_view value);
[[nodiscard]] Result<std::int32_t> read_level(std::string_view key, std::string_view value);
[[nodiscard]] Result<Adoption> read_adoption(std::string_view key, std::string_view value);
[[nodiscard]] Result<Acceptance> read_acceptance(std::string_view key, std::string_view value);
[[nodiscard]] Result<Controller> read_controller(std::string_view key, std::string_view value);
[[nodiscard]] Result<Broker> read_broker(std::string_view key, std::string_view value, BrokerId id);
[[nodiscard]] Result<Session> read_session(std::string_view key, std::string_view value);
[[nodiscard]] Result<Unregistered> read_unregistered(std::string_view key, std::string_view value);
[[nodiscard]] Result<TopicValue> read_topic(std::string_view key, std::string_view value, std::string_view name);
[[nodiscard]] Result<Partition> read_partition(std::string_view key, std::string_view value);
[[nodiscard]] Result<Creation> read_creation(std::string_view key, std::string_view value);
[[nodiscard]] Result<Tombstone> read_tombstone(std::string_view key, std::string_view value);
[[nodiscard]] Result<ConfigMap> read_broker_config(std::string_view key, std::string_view value);
[[nodiscard]] Result<std::int64_t> read_producer_ids(std::string_view key, std::string_view value);

/// What is said of a value that does not follow its format.
[[nodiscard]] std::unexpected<Error> damaged_value(std::string_view key);

}  // namespace mq::cluster
