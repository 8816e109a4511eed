#include "broker/disk_space.h"

#include <fmt/format.h>

#include "broker/node.h"
#include "broker/partition.h"
#include "broker/shard_broker.h"
#include "broker/topics.h"

namespace mq::broker {
namespace {

constexpr Duration kLookInterval = 500ms;
// Each refused batch meets the full disk anew; who reads the log needs to be told now and then.
constexpr Duration kTellInterval = 1min;

}  // namespace

DiskSpace::DiskSpace(Node& node)
    : node_(node),
      reserve_(node.machine().files, node.config().data_dir),
      timer_(node.first_shard().shard().make_timer()) {}

awaitable<void> DiskSpace::open_reserve() {
  const auto opened = co_await node_.machine().disk_pool.run(
      node_.first_shard().shard(), [this] { return reserve_.open(node_.config().disk_reserve_bytes); });
  if (!opened) node_.logger().warn("no space is kept for deletions on a full disk: {}", opened.error().message);
  if (reserve_.is_spent())
    found_full({.code = Errc::disk_full,
                .message = fmt::format("{} bytes for mq-reserve are not free", reserve_.size_bytes())});
}

void DiskSpace::found_full(const Error& error) {
  found_full_ = true;
  if (!node_.is_stopping() && !full_.exchange(true)) {
    node_.first_shard().shard().post([this] { node_.first_shard().tasks().spawn(watch()); });
    look_for_space();
  }
  const Duration now = node_.first_shard().shard().now().since_start();
  Duration::rep told = told_.load(std::memory_order_relaxed);
  if (told != 0 && now < Duration(told) + kTellInterval) return;
  if (!told_.compare_exchange_strong(told, now.count())) return;
  is_told_ = true;
  node_.logger().error("{} is full: {}. Producing fails until space is free, reading goes on; no restart is needed",
                       node_.config().data_dir, error.message);
}

void DiskSpace::look_for_space() {
  if (!is_full()) return;
  for (const auto& shard : node_.shards()) shard->shard().post([&shard] { shard->look_soon(); });
}

Result<void> DiskSpace::check_room() const {
  if (!reserve_.is_spent()) return {};
  return fail(Errc::disk_full, "{} is full: what is kept there for deletions is in use until twice {} bytes are free",
              node_.config().data_dir, reserve_.size_bytes());
}

awaitable<bool> DiskSpace::spend_reserve(env::Shard& home) {
  if (reserve_.size_bytes() == 0) co_return false;
  if (!reserve_.is_spent())
    node_.logger().warn("{}: the {} bytes of mq-reserve are given to what frees space", node_.config().data_dir,
                        reserve_.size_bytes());
  co_await node_.machine().disk_pool.run(home, [this] { reserve_.spend(); });
  co_return true;
}

awaitable<void> DiskSpace::watch() {
  env::Shard& home = node_.first_shard().shard();
  while (!node_.is_stopping()) {
    (void)co_await timer_->wait_until(home.now() + kLookInterval);
    if (node_.is_stopping() || !co_await has_room() || found_full_.exchange(false)) continue;
    full_ = false;
    // Somebody may have spent the reserve, or found no room, since.
    if ((reserve_.is_spent() || found_full_) && !full_.exchange(true)) continue;
    if (is_told_.exchange(false)) node_.logger().info("{} has room again", node_.config().data_dir);
    co_return;
  }
}

awaitable<bool> DiskSpace::has_room() {
  env::Shard& home = node_.first_shard().shard();
  if (!co_await node_.machine().disk_pool.run(home, [this] { return reserve_.restore(); })) co_return false;
  if (to_raise_.empty()) co_return true;
  const auto raised = co_await node_.topics().raise_epochs(to_raise_);
  if (!raised) co_return false;
  node_.logger().info("raised the leader epoch of {} partitions, which take appends now", to_raise_.size());
  to_raise_.clear();
  co_return true;
}

awaitable<void> DiskSpace::raise_later(std::vector<UncertainLog> logs) {
  for (const auto& shard : node_.shards())
    co_await env::on_shard(node_.first_shard().shard(), shard->shard(), [&shard, &logs] {
      for (const UncertainLog& log : logs)
        if (Partition* partition = shard->find(log.topic_id, log.partition)) partition->hold_appends();
    });
  to_raise_ = std::move(logs);
}

void DiskSpace::stop() { timer_->cancel(); }

}  // namespace mq::broker
