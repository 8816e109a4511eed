#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "broker/all_shards.h"
#include "broker/log_keeper.h"
#include "broker/metadata_writer.h"
#include "broker/node_context.h"
#include "cluster/image.h"
#include "controller/topic_plans.h"
#include "controller/upkeep_plans.h"
#include "env/task_group.h"
#include "model/ids.h"

namespace mq::broker {

using controller::NewTopic;
using controller::TopicOutcome;
using controller::UncertainLog;

/// Makes, changes and deletes topics. A change is committed, then this broker's logs are brought to it, then every
/// shard has the new image, and then it is answered: a topic that is visible can be written to. When its logs cannot be
/// made, a topic is taken out of metadata again. After a crash in between the next start makes them.
///
/// Lives on the first shard; all calls there.
class Topics {
 public:
  Topics(NodeContext& node, AllShards& shards, MetadataWriter& writer, LogKeeper& logs);

  /// One outcome per topic, in order. `validate_only` changes nothing.
  awaitable<std::vector<TopicOutcome>> create(std::vector<NewTopic> topics, bool validate_only);
  /// Makes what a client named and is still missing, with the broker's defaults; internal topics with their own
  /// settings.
  awaitable<std::vector<TopicOutcome>> create_on_demand(std::vector<std::string> names);
  /// The topic and its logs are gone for clients on return; its files follow. With an `id` that is not zero only that
  /// very topic: meanwhile another may have its name.
  awaitable<TopicOutcome> remove(std::string name, Uuid id = {});
  /// See controller::plan_growth.
  using Assigned = std::optional<std::vector<std::vector<std::int32_t>>>;
  awaitable<TopicOutcome> add_partitions(std::string name, std::int32_t count, Assigned assigned, bool validate_only);
  /// Replaces the topic's own settings by what `change` makes of them. `change` may refuse, and be called again.
  using ConfigChange = controller::ConfigChange;
  awaitable<TopicOutcome> change_config(std::string name, ConfigChange change, bool validate_only);

  /// Somebody else has deleted the topic: the logs here follow. The caller holds the lock of topics.
  awaitable<void> was_removed(cluster::TopicPtr topic);
  /// These partitions are on other brokers now, and in sync there: the logs here go. The caller holds the lock of
  /// topics.
  awaitable<void> was_moved_away(cluster::TopicPtr topic, std::vector<std::int32_t> partitions);

  /// The store that was accepted does not know these partitions: their logs here are set aside. The caller holds the
  /// lock of topics.
  awaitable<void> was_disowned(cluster::TopicPtr topic, std::vector<std::int32_t> partitions);

  /// Raises the leader epochs of `logs` above all that they had, before they serve. Those of topics that were deleted
  /// meanwhile are passed over.
  awaitable<Result<void>> raise_epochs(std::vector<UncertainLog> logs);
  /// Nothing of these deleted topics is left here.
  awaitable<Result<void>> forget(std::vector<Uuid> deleted);
  /// At a start: erases what creations that this broker had begun have left in metadata.
  awaitable<Result<void>> sweep();
  /// Makes logs that metadata names and that were missing at the start. See LogKeeper::make_missing.
  awaitable<Result<std::vector<Differences::Missing>>> make_missing(std::vector<Differences::Missing> missing);

  /// After Life::begin_stop: returns when what was begun has ended.
  awaitable<bool> stop();

 private:
  using Room = MetadataWriter::Room;
  [[nodiscard]] controller::Rules rules() const;
  [[nodiscard]] std::function<Uuid()> new_id() const;
  /// A wish about one topic. Commits what `make` plans for an image, again where the image was too old.
  template <class Make>
  awaitable<TopicOutcome> carry_out(Make make, Room room);
  /// What would be refused may be so because of what others have changed meanwhile: brokers that came, a topic that
  /// went.
  awaitable<void> see_newest_for(const std::vector<NewTopic>& topics);
  /// Commits new topics. The error of each that could not be stands in its outcome.
  awaitable<std::vector<TopicOutcome>> commit_new(std::vector<NewTopic> wanted);
  /// Ends a creation, or growth, that failed in the middle.
  awaitable<void> give_up(Uuid topic);
  /// The topic's logs are gone for requests: its files follow, then what metadata still has of it.
  awaitable<void> finish_removal(cluster::TopicPtr topic, LogKeeper::Removal removal);
  awaitable<void> remove_files(LogKeeper::Removal removal);
  /// Makes the logs from `first_partition` on, and gives every shard the image. What could not be made is taken out of
  /// metadata again: nobody has seen it. Where that fails too, the logs follow (MetadataFollower). One outcome for each
  /// topic.
  awaitable<std::vector<Result<void>>> make_logs(std::vector<cluster::TopicPtr> topics, std::int32_t first_partition);
  /// Takes partitions of which no log was made out of metadata.
  awaitable<Result<void>> withdraw(Uuid topic, std::int32_t first_partition);

  NodeContext& node_;
  AllShards& shards_;
  MetadataWriter& writer_;
  LogKeeper& logs_;
  env::TaskGroup tasks_;
};

}  // namespace mq::broker
