#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "broker/state_host.h"
#include "cluster/image.h"
#include "group/coordinator.h"

namespace mq::broker {

struct NodeConfig;
class Partition;
class ShardContext;

/// The group coordinators of one shard: a host for every partition of __consumer_offsets that lives here, and what its
/// machines are given to decide with. On its shard only.
class GroupService {
 public:
  using Host = StateHost<group::Coordinator>;

  /// A partition that lives here, or null.
  using FindPartition = std::function<Partition*(const Uuid& topic_id, std::int32_t index)>;
  /// `shard` outlives it.
  GroupService(ShardContext& shard, FindPartition find_partition);
  ~GroupService();

  /// Hosts every offsets partition of `image` that this broker leads, and no other. After the logs are open, and again
  /// whenever the image or a partition's leader epoch changes.
  void host_partitions(std::shared_ptr<const cluster::ClusterImage> image);
  /// Answers everybody who waits with NOT_COORDINATOR and ends.
  void stop();
  /// Sets the shard's numbers of groups and members.
  void refresh_metrics();
  /// Before any shard has an image without these topics.
  void topics_deleted(std::span<const cluster::TopicPtr> topics);
  /// When every shard has it.
  void topics_are_gone(std::span<const cluster::TopicPtr> topics);

  // Where no coordinator is, one answers that is none: with NOT_COORDINATOR.

  /// Gives a request to the coordinator of an offsets partition. `told` is called once, on this shard, now or later.
  void ask(std::int32_t offsets_partition, Host::Ask ask, Host::Told told);
  /// Calls `done`, on this shard, when every commit to the group that was asked for before has come to its end: a
  /// client that commits and then looks must not see what was before.
  void after_commits(std::int32_t offsets_partition, std::string_view group_id, std::move_only_function<void()> done);
  /// For requests that only look.
  [[nodiscard]] const group::Coordinator& find(std::int32_t offsets_partition) const;
  template <class F>
  void for_each(F f) const {
    for (const auto& [index, host] : hosts_) f(host->machine());
  }
  /// But for those that another broker may have by now.
  template <class F>
  void for_each_certain(F f) const {
    for (const auto& [index, host] : hosts_)
      if (!may_be_replaced(index)) f(host->machine());
  }

 private:
  [[nodiscard]] std::unique_ptr<group::Coordinator> make_coordinator(std::shared_ptr<const Partition> partition);
  [[nodiscard]] std::shared_ptr<Host> make_host(std::shared_ptr<Partition> partition);
  [[nodiscard]] Host* find_host(std::int32_t offsets_partition) const;
  /// Another broker may have the coordinator by now.
  [[nodiscard]] bool may_be_replaced(std::int32_t offsets_partition) const;
  [[nodiscard]] bool may_go_on(const Host& host, const Partition& partition) const;
  // Whether the shard's part of what the broker keeps of groups is not reached; they tell it when it is.
  [[nodiscard]] bool has_room_for_group() const;
  [[nodiscard]] bool has_room_for_bytes(std::size_t more) const;
  template <class Of>
  [[nodiscard]] std::size_t sum(Of of) const {
    std::size_t all = 0;
    for_each([&](const group::Coordinator& coordinator) { all += of(coordinator); });
    return all;
  }

  [[nodiscard]] const NodeConfig& config() const;
  [[nodiscard]] std::size_t shards() const;

  /// The topics that groups have committed for and that are not there: a crash may have come between the deletion of a
  /// topic and that of its offsets.
  [[nodiscard]] statelog::ImageChange deletions_missed_by(const group::Coordinator& loaded) const;

  ShardContext& shard_;
  const FindPartition find_partition_;
  std::shared_ptr<const cluster::ClusterImage> image_;   ///< null: no partition is hosted yet
  std::unique_ptr<group::Coordinator> nobody_;           ///< is none: unloaded from the beginning
  std::map<std::int32_t, std::shared_ptr<Host>> hosts_;  ///< by offsets partition
  std::set<Uuid> deleted_;                               ///< topics that some shard may not know yet to be gone
  bool stopped_ = false;
};

}  // namespace mq::broker
