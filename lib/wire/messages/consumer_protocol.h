#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/api_key.h"
#include "wire/codec.h"

namespace mq::wire {

/// What a consumer wants, inside JoinGroup.
struct ConsumerProtocolSubscription {
  static constexpr std::string_view kName = "ConsumerProtocolSubscription";
  static constexpr Versions kVersions{0, 3};
  static constexpr ApiVersion kFlexibleSince = kNeverFlexible;
  static constexpr bool kReadsNewer = true;

  struct TopicPartition {
    std::string topic{};
    std::vector<std::int32_t> partitions{};
  };

  std::vector<std::string> topics{};
  std::optional<std::string> user_data{};
  std::vector<TopicPartition> owned_partitions{};
  std::int32_t generation_id = -1;
  std::optional<std::string> rack_id{};
};

/// What a consumer got, inside SyncGroup.
struct ConsumerProtocolAssignment {
  static constexpr std::string_view kName = "ConsumerProtocolAssignment";
  static constexpr Versions kVersions{0, 3};
  static constexpr ApiVersion kFlexibleSince = kNeverFlexible;
  static constexpr bool kReadsNewer = true;

  struct TopicPartition {
    std::string topic{};
    std::vector<std::int32_t> partitions{};
  };

  std::vector<TopicPartition> assigned_partitions{};
  std::optional<std::string> user_data{};
};

}  // namespace mq::wire
