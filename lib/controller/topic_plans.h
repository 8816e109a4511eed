#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "cluster/image.h"
#include "config/option.h"
#include "controller/plan.h"
#include "model/error_code.h"
#include "model/ids.h"

namespace mq::controller {

/// What plans have to know of the settings of the broker that plans.
struct Rules {
  BrokerId self{-1};
  bool is_member = false;  ///< of a cluster, where records of internal topics are on two disks
  std::int32_t partitions_default = 1;
  std::int32_t replicas_default = 3;  ///< or as many as there are brokers
  std::int32_t partitions_total_max = 200'000;
  bool delete_topics = true;
  config::Overrides topic_defaults;  ///< by topic option name
  std::int32_t offsets_partitions = 50;
  std::int32_t offsets_replicas_default = 3;  ///< likewise
  std::int32_t offsets_segment_bytes = 100 << 20;
};

struct NewTopic {
  std::string name;
  std::int32_t partitions = -1;  ///< -1: the broker's default
  std::int16_t replicas = -1;    ///< -1: the broker's default
  std::vector<std::pair<std::int32_t, std::vector<std::int32_t>>>
      assignments;  ///< partition, brokers; instead of the two above
  std::map<std::string, std::string> configs;
};

struct TopicOutcome {
  std::string name;
  ErrorCode error = ErrorCode::kNone;
  std::string message;      ///< with an error
  cluster::TopicPtr topic;  ///< as it would be made, or changed, or as it was when it is deleted; no revisions
};

/// A wish about one topic, and what has to be done for it: nothing when it is refused.
struct TopicPlan {
  TopicOutcome outcome;
  Plan plan;
};

/// Plans for a request for topics. Each part can succeed or fail by itself.
struct CreationPlan {
  struct Part {
    Plan plan;
    std::vector<std::size_t> outcomes;  ///< those that rest on it, by index
  };
  std::vector<TopicOutcome> outcomes;  ///< one for each topic that was wanted, in order
  std::vector<Part> parts;
};

/// An internal topic has its own settings, whatever is wanted. `new_id` gives random ids.
[[nodiscard]] CreationPlan plan_creation(const cluster::ClusterImage& image, std::span<const NewTopic> wanted,
                                         const Rules& rules, const std::function<Uuid()>& new_id);

/// `count` is that of all partitions then; `assigned`, when given, names the brokers of each new one. An internal topic
/// keeps the number it was made with: what is in it is found by that number.
[[nodiscard]] TopicPlan plan_growth(const cluster::ClusterImage& image, const std::string& name, std::int32_t count,
                                    const std::optional<std::vector<std::vector<std::int32_t>>>& assigned,
                                    const Rules& rules);

/// With an `id` that is not zero only that very topic: another may have its name. The first transaction decides.
[[nodiscard]] TopicPlan plan_deletion(const cluster::ClusterImage& image, const std::string& name, const Uuid& id,
                                      const Rules& rules);

/// Takes out again what has just been made, and what nobody has seen nor has a log anywhere: the topic, or with a
/// `first_partition` above 0 its partitions from there on. Nothing when it is gone.
[[nodiscard]] Plan plan_withdrawal(const cluster::ClusterImage& image, const Uuid& topic, std::int32_t first_partition);

/// Replaces the topic's own settings by what `change` makes of them. `change` may refuse.
using ConfigChange = std::function<Result<void>(config::Overrides&)>;
[[nodiscard]] TopicPlan plan_topic_configs(const cluster::ClusterImage& image, const std::string& name,
                                           const ConfigChange& change, const Rules& rules);

}  // namespace mq::controller
