#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "model/error_code.h"

namespace mq::broker {

/// Who calls.
struct Principal {
  std::string type = "User";
  std::string name;
  friend bool operator==(const Principal&, const Principal&) = default;
};

/// Whoever has not said who it is.
[[nodiscard]] const Principal& anonymous();

/// What somebody may do, with Kafka's numbers.
enum class AclOperation : std::int8_t {
  read = 3,
  write = 4,
  create = 5,
  remove = 6,  ///< DELETE
  alter = 7,
  describe = 8,
  cluster_action = 9,
  describe_configs = 10,
  alter_configs = 11,
  idempotent_write = 12,
};

enum class ResourceType : std::int8_t { topic = 2, group = 3, cluster = 4, transactional_id = 5 };

/// What it is done to.
struct Resource {
  ResourceType type;
  std::string_view name;
};
inline constexpr Resource kCluster{.type = ResourceType::cluster, .name = "kafka-cluster"};

/// What an API asks of who calls it: the operation on each type of resource that its requests concern. Nothing where
/// they concern none.
struct Needs {
  std::optional<AclOperation> topic{};
  std::optional<AclOperation> group{};
  std::optional<AclOperation> cluster{};
  std::optional<AclOperation> transactional_id{};
  /// Who may do it to the cluster may do it to each topic.
  bool cluster_suffices = false;

  [[nodiscard]] constexpr std::optional<AclOperation> of(ResourceType type) const {
    switch (type) {
      case ResourceType::topic:
        return topic;
      case ResourceType::group:
        return group;
      case ResourceType::cluster:
        return cluster;
      case ResourceType::transactional_id:
        return transactional_id;
    }
    return std::nullopt;
  }
};

/// Whether a principal may do something. Any thread.
using Authorizer = std::function<bool(const Principal&, AclOperation, const Resource&)>;

/// Whether `principal` may do what `needs` says to `resource`. Without an authorizer everybody may do everything; with
/// one nobody may touch a type of resource that the API does not concern.
[[nodiscard]] bool may(const Authorizer& authorizer, const Principal& principal, const Needs& needs,
                       const Resource& resource);
/// What who may not is told.
[[nodiscard]] ErrorCode denial(ResourceType type);

}  // namespace mq::broker
