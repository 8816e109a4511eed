#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "env/shard.h"
#include "group/coordinator.h"
#include "model/error_code.h"
#include "record/record.h"

namespace mq::broker {

class Partition;
class ShardBroker;

/// Runs the group coordinators of one shard: those whose partition of __consumer_offsets lives here. Loads them, gives
/// them requests and the time, appends what they decide and delivers their answers. On its shard only.
///
/// Until a partition is loaded a coordinator without groups answers for it. What is loaded goes into another one, which
/// the load owns and which takes office when it is whole, unless this has stopped meanwhile.
class GroupService {
 public:
  explicit GroupService(ShardBroker& shard);
  ~GroupService();

  /// Begins to load the coordinator of every offsets partition that is here and not yet hosted. After the logs are
  /// open, and again whenever the image changes.
  void host_partitions();
  /// Answers everybody who waits with NOT_COORDINATOR and ends.
  void stop();
  /// Sets the shard's numbers of groups and members.
  void refresh_metrics();
  /// Offsets of a deleted topic go with it.
  void topic_deleted(const std::string& topic);

  using Ask = std::move_only_function<group::Effects(group::Coordinator&, group::RequestToken, group::Time)>;
  using Told = std::move_only_function<void(group::Response)>;
  /// Gives a request to the coordinator of an offsets partition. `told` is called once, on this shard, now or later.
  /// False, and nothing called, when the partition has no coordinator here.
  [[nodiscard]] bool ask(std::int32_t offsets_partition, Ask ask, Told told);
  /// Calls `done`, on this shard, when every commit to the group that was asked for before has come to its end: a
  /// client that commits and then looks must not see what was before.
  void after_commits(std::int32_t offsets_partition, std::string_view group_id, std::move_only_function<void()> done);
  /// For requests that only look. Null when there is none.
  [[nodiscard]] const group::Coordinator* find(std::int32_t offsets_partition) const;
  template <class F>
  void for_each(F f) const {
    for (const auto& [index, hosted] : hosted_) f(*hosted->coordinator);
  }

 private:
  struct Hosted {
    std::shared_ptr<Partition> partition;
    std::unique_ptr<group::Coordinator> coordinator;
    std::unique_ptr<env::Timer> timer;
    std::map<group::RequestToken, Told> waiting = {};
    std::uint64_t last_token = 0;
    Instant timer_at = Instant::never();  ///< what the clock coroutine waits for; never: it does not run
    /// While it loads: topics that went meanwhile, whose offsets the load may have read before or may read after.
    std::optional<std::set<std::string>> topics_deleted = std::nullopt;
  };

  [[nodiscard]] std::unique_ptr<group::Coordinator> make_coordinator(std::shared_ptr<const Partition> partition);
  awaitable<void> load(std::shared_ptr<Hosted> hosted);
  void take_office(const std::shared_ptr<Hosted>& hosted, std::unique_ptr<group::Coordinator> loaded);
  /// Tells why a load failed; true when another try may end better.
  bool may_load_again(const Partition& partition, const Error& error);
  void carry_out(const std::shared_ptr<Hosted>& hosted, group::Effects effects);
  void append(const std::shared_ptr<Hosted>& hosted, group::Append append);
  void set_clock(const std::shared_ptr<Hosted>& hosted);
  awaitable<void> run_clock(std::shared_ptr<Hosted> hosted);
  [[nodiscard]] group::Time time() const;
  // Whether the shard's part of what the broker keeps of groups is not reached; they tell it when it is.
  [[nodiscard]] bool has_room_for_group() const;
  [[nodiscard]] bool has_room_for_bytes(std::size_t more) const;
  template <class Of>
  [[nodiscard]] std::size_t sum(Of of) const {
    std::size_t all = 0;
    for_each([&](const group::Coordinator& coordinator) { all += of(coordinator); });
    return all;
  }

  ShardBroker& shard_;
  std::map<std::int32_t, std::shared_ptr<Hosted>> hosted_;
  bool stopped_ = false;
};

}  // namespace mq::broker
