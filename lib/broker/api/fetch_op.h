#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "broker/api/api.h"
#include "broker/api/fetch_item.h"
#include "broker/on_owners.h"
#include "broker/partition.h"

namespace mq::broker {

/// A fetch in progress: reads its items on the shards of their partitions, and waits until there is enough for an
/// answer or the client's patience ends.
///
/// Lives on the shard of its connection, and as long as somebody may still wake it. While one of its items is read, on
/// whichever shard, nobody else touches that item.
class FetchOp : public std::enable_shared_from_this<FetchOp> {
 public:
  struct Limits {
    std::size_t bytes_min = 0;
    std::size_t bytes_max = 0;
    Instant deadline;
  };
  /// Gets the call and the items back, once.
  using Done = std::move_only_function<void(Call&, std::vector<FetchItem>&)>;

  /// `image` keeps the topics of the items.
  FetchOp(Call call, std::shared_ptr<const cluster::ClusterImage> image, std::vector<FetchItem> items, Limits limits,
          Done done)
      : call_(std::move(call)),
        image_(std::move(image)),
        items_(std::move(items)),
        limits_(limits),
        done_(std::move(done)) {}

  /// `done` may have been called when this returns.
  void start();
  /// It waits no longer: the answer is what there is.
  void end();

 private:
  /// Who is called when the high watermarks of one shard grow.
  struct Watches {
    ShardServices* owner = nullptr;
    std::vector<std::pair<std::weak_ptr<Partition>, Partition::Watch>> watches;
  };

  /// The shard of all items; null when there are several.
  [[nodiscard]] ShardServices* only_owner() const;
  /// Reads what was woken without waiting; false when some of it is on another shard, or not in memory.
  bool read_here();
  awaitable<void> serve_waiting();
  /// Reads the items that were woken, those of each shard there, all shards at once.
  awaitable<void> read_woken();
  awaitable<void> read_part(const OwnersPart& part, FetchRoom room);
  void cut_to_limit();
  [[nodiscard]] FetchRoom room_left() const;
  [[nodiscard]] bool is_enough() const;
  [[nodiscard]] bool lacks_files() const;
  /// Those for which no file could be opened are read again.
  void wake_lacking();
  /// Accounts for the copies that the items hold.
  void hold_copies();
  [[nodiscard]] bool is_over() const;
  void watch_all();
  void unwatch_all();
  void woken(std::size_t index);
  void check_invariants() const;

  Call call_;
  std::shared_ptr<const cluster::ClusterImage> image_;
  std::vector<FetchItem> items_;
  Limits limits_;
  Done done_;
  std::vector<std::shared_ptr<Watches>> watches_;
  std::unique_ptr<env::Timer> timer_;
  bool has_news_ = false;         ///< some item is woken
  bool is_ended_ = false;         ///< nobody wants to wait any more
  std::size_t copied_bytes_ = 0;  ///< accounted for
};

}  // namespace mq::broker
