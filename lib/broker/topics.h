#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "cluster/image.h"
#include "env/event.h"
#include "meta/metadata_store.h"
#include "model/error_code.h"
#include "model/ids.h"

namespace mq::broker {

class Node;
class ShardBroker;

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
  std::string message;                          ///< with an error
  std::shared_ptr<const cluster::Topic> topic;  ///< as made (or as it would be made)
};

/// Makes, changes and deletes topics: one change at a time, each durable in the metadata store and known to every shard
/// before it is answered. Lives on the first shard; all calls there.
class Topics {
 public:
  explicit Topics(Node& node);

  /// One outcome per topic, in order. `validate_only` changes nothing.
  awaitable<std::vector<TopicOutcome>> create(std::vector<NewTopic> topics, bool validate_only);
  /// Makes what a client named and is still missing, with the broker's defaults; internal topics with their own
  /// settings.
  awaitable<std::vector<TopicOutcome>> create_on_demand(std::vector<std::string> names);
  /// The topic and its logs are gone for clients on return; its files follow.
  awaitable<TopicOutcome> remove(std::string name);
  awaitable<TopicOutcome> add_partitions(std::string name, std::int32_t count, bool validate_only);
  /// Replaces the topic's own settings by what `change` makes of them. `change` may refuse.
  using ConfigChange = std::move_only_function<Result<void>(std::map<std::string, std::string>&)>;
  awaitable<TopicOutcome> change_config(std::string name, ConfigChange change, bool validate_only);

  /// Raises the leader epoch of partitions (topic id, index) whose recovery could not show that nothing was lost,
  /// before they serve (DESIGN 2, "Order").
  awaitable<Result<void>> raise_epochs(std::vector<std::pair<Uuid, std::int32_t>> partitions);

 private:
  class Turn;
  awaitable<Turn> take_turn();
  [[nodiscard]] TopicOutcome check(const NewTopic& wanted) const;
  awaitable<Result<void>> commit(std::vector<meta::Op> ops);
  awaitable<Result<void>> make_logs(const cluster::Topic& topic, std::int32_t first_partition);
  awaitable<void> drop_logs(const cluster::Topic& topic);
  awaitable<bool> install(std::shared_ptr<const cluster::ClusterImage> image);

  Node& node_;
  bool busy_ = false;
  env::Event freed_;
};

}  // namespace mq::broker
