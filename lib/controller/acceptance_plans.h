#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cluster/image.h"
#include "controller/plan.h"
#include "model/ids.h"

namespace mq::controller {

/// What one broker has that must only grow, as it says itself.
struct Holdings {
  struct Log {
    Uuid topic_id{};
    std::string topic{};
    std::int32_t partition = 0;
    LeaderEpoch epoch = kNoLeaderEpoch;  ///< the latest that the broker knows of the partition
    std::int32_t partition_epoch = -1;   ///< likewise; -1: it knows none
  };
  BrokerId broker = kNoBroker;
  Uuid directory{};
  Uuid nonce{};  ///< the newest that the directory knows
  cluster::BrokerEpoch broker_epoch = cluster::kNoBrokerEpoch;
  bool is_holding = false;             ///< it does not follow the store, which is not as the broker knew it
  std::int64_t producer_ids_end = -1;  ///< none from there on was given out; -1: it does not know
  std::vector<Log> logs{};             ///< of one that holds
};

/// What an operator wants, who has asked the brokers.
struct AcceptanceWish {
  Uuid id;  ///< of the acceptance, random
  std::vector<Holdings> asked;
  std::vector<BrokerId> left_out;  ///< registered brokers that were not asked, knowingly
};

struct PlannedAcceptance {
  /// A topic that is not here as brokers have it.
  struct Difference {
    std::string topic;
    Uuid id;
    std::size_t partitions = 0;
    bool is_known =
        false;  ///< the store has it, and nobody who was asked has a log of it; else it is the other way round
  };
  Refusal refusal;
  std::vector<BrokerId> unasked;  ///< registered, neither asked nor left out: the reason of a refusal
  std::vector<Difference> differences;
  std::size_t raised = 0;  ///< partitions whose leader epoch rises
  Plan plan;
};

/// So many epochs, of leaders and of brokers, are passed over beside all that anybody who was asked knows: whoever was
/// not asked cannot have come that far.
inline constexpr std::int32_t kEpochsPassedOver = 1000;
/// As many producer ids: more than may have been given out since. There are enough for two thousand million times.
inline constexpr std::int64_t kProducerIdsPassedOver = std::int64_t{1} << 32;

/// Makes a store that has gone back, or is another one, the one that brokers go on with (C-6). What it has is kept;
/// what must only grow rises above what any of them has. Where no broker follows the store yet, nobody can tell who was
/// in sync: each partition is led by the greatest log of those that were asked. Where some do, what they have counts,
/// and those that come to them copy it anew: both may have given other records the same epochs and offsets.
///
/// The last transaction makes the acceptance complete; one that was cut off means nothing, and is begun again.
[[nodiscard]] PlannedAcceptance plan_acceptance(const cluster::ClusterImage& image, const AcceptanceWish& wish);

}  // namespace mq::controller
