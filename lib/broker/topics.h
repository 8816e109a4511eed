#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstddef>
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
#include "config/option.h"
#include "controller/topic_plans.h"
#include "env/event.h"
#include "meta/metadata_store.h"
#include "model/error_code.h"
#include "model/ids.h"

namespace mq::broker {

class Node;
class Partition;
class ShardBroker;

using controller::NewTopic;
using controller::TopicOutcome;

/// A log whose recovery could not show that nothing was lost.
struct UncertainLog {
  Uuid topic_id;
  std::int32_t partition = 0;
  LeaderEpoch latest_epoch = kNoLeaderEpoch;  ///< in it, where metadata may know only earlier ones
};

/// Makes, changes and deletes topics: one change at a time, each durable in the metadata store and known to every shard
/// before it is answered. Lives on the first shard; all calls there; what works on directories runs on the pool.
///
/// The logs come before the metadata: their directories are on disk when the transaction that names them is committed,
/// and a topic that is visible can be written to. What a crash leaves between the two is a directory that no metadata
/// names, and the next start sets it aside.
class Topics {
 public:
  explicit Topics(Node& node);

  /// The store as the image was made from it, at a start.
  void take_over(const meta::Listing& listing);

  /// One outcome per topic, in order. `validate_only` changes nothing.
  awaitable<std::vector<TopicOutcome>> create(std::vector<NewTopic> topics, bool validate_only);
  /// Makes what a client named and is still missing, with the broker's defaults; internal topics with their own
  /// settings.
  awaitable<std::vector<TopicOutcome>> create_on_demand(std::vector<std::string> names);
  /// The topic and its logs are gone for clients on return; its files follow. With an `id` that is not zero only that
  /// very topic: meanwhile another may have its name.
  awaitable<TopicOutcome> remove(std::string name, Uuid id = {});
  /// `count` is that of all partitions then; `assigned`, when given, says for how many new ones the caller has named
  /// brokers. An internal topic keeps the number it was made with: what is in it is found by that number.
  awaitable<TopicOutcome> add_partitions(std::string name, std::int32_t count, std::optional<std::size_t> assigned,
                                         bool validate_only);
  /// Replaces the topic's own settings by what `change` makes of them. `change` may refuse.
  using ConfigChange = std::move_only_function<Result<void>(config::Overrides&)>;
  awaitable<TopicOutcome> change_config(std::string name, ConfigChange change, bool validate_only);

  /// Raises the leader epochs of `logs` above all that they had, before they serve. Those of topics that were deleted
  /// meanwhile are passed over.
  awaitable<Result<void>> raise_epochs(std::vector<UncertainLog> logs);
  /// Erases the tombstones of topics whose directories are gone, and `orphans` (see `cluster::orphan_keys`) with them.
  awaitable<Result<void>> forget(std::vector<Uuid> deleted, std::vector<std::string> orphans);

 private:
  class Turn;
  awaitable<Turn> take_turn();
  [[nodiscard]] TopicOutcome check(const NewTopic& wanted, const cluster::ClusterImage& image) const;
  [[nodiscard]] Result<config::Overrides> changed_configs(const cluster::Topic& topic, ConfigChange change) const;
  /// Changes keys that are as this broker saw them last, and no others: else somebody else writes to the store, and
  /// what was planned may be wrong. `may_spend`: it frees space, so on a full disk it may have the reserve.
  awaitable<Result<void>> commit(std::vector<meta::Op> ops, bool may_spend = false);
  awaitable<bool> install(std::shared_ptr<const cluster::ClusterImage> image);

  /// New partitions of one topic, which nobody knows yet.
  struct Made {
    cluster::TopicPtr topic;
    std::vector<std::shared_ptr<Partition>> partitions;
  };
  /// Makes the logs from `first_partition` on; their directories are not synced. After an error nothing is left.
  awaitable<Result<Made>> make_logs(cluster::TopicPtr topic, std::int32_t first_partition);
  awaitable<Result<void>> sync_new(const std::vector<Made>& made);
  /// Puts them where requests find them: before the image names them.
  awaitable<void> put(std::vector<Made> made);
  /// Syncs what was made, commits it, one transaction for as many topics as fit, and makes it known. Nothing of a topic
  /// that failed is left; the error stands in its outcome, found by name.
  awaitable<void> publish(std::vector<Made> made, std::vector<TopicOutcome>& outcomes);
  /// Takes the topic's logs from the shards.
  awaitable<void> drop_logs(const cluster::Topic& topic);
  /// Renames the directories of a topic whose logs are gone. Returns the new names of those that could be.
  struct Renamed {
    std::vector<std::string> directories;
    bool are_all = true;
  };
  enum class Which { all, without_record };
  awaitable<Renamed> rename_directories(const cluster::Topic& topic, std::int32_t first_partition, Which which);
  /// What could not be made known is taken away again. Never a record: what stood in the way of it may be anything.
  awaitable<void> discard(const cluster::Topic& topic, std::int32_t first_partition);
  /// False when some of them are left; the next start tries again.
  awaitable<bool> remove_files(std::vector<std::string> directories);
  /// The rest of a deletion that is visible: the files, then what metadata still has of the topic.
  awaitable<void> finish_removal(cluster::TopicPtr topic, Renamed renamed, std::vector<std::string> keys);

  Node& node_;
  boost::unordered_flat_map<std::string, meta::Revision> seen_;  ///< when each key was changed last
  bool busy_ = false;
  env::Event freed_;
};

}  // namespace mq::broker
