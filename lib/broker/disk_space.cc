#include "broker/disk_space.h"

#include <fmt/format.h>

#include "base/mark.h"

namespace mq::broker {
namespace {

constexpr Duration kLookInterval = 500ms;
// Each refused batch meets the full disk anew; who reads the log needs to be told now and then.
constexpr Duration kTellInterval = 1min;

}  // namespace

DiskSpace::DiskSpace(const NodeEnv& machine, const ConfigInForce& config, const Life& life,
                     std::function<void()> free_space)
    : machine_(machine),
      config_(config),
      life_(life),
      free_space_(std::move(free_space)),
      reserve_(machine.files, config.get().data_dir),
      tasks_(first_shard()),
      timer_(first_shard().make_timer()) {}

awaitable<void> DiskSpace::open_reserve() {
  const auto opened = co_await machine_.disk_pool.run(
      first_shard(), [this] { return reserve_.open(config_.get().disk_reserve_bytes); });
  if (!opened) machine_.logger.warn("no space is kept for deletions on a full disk: {}", opened.error().message);
  if (reserve_.is_spent())
    found_full({.code = Errc::disk_full,
                .message = fmt::format("{} bytes for mq-reserve are not free", reserve_.size_bytes())});
}

void DiskSpace::found_full(const Error& error) {
  found_full_ = true;
  if (!life_.is_stopping() && !full_.exchange(true)) {
    MQ_MARK("broker: the disk is found full");
    first_shard().post([this] {
      if (!life_.is_stopping()) tasks_.spawn(watch());
    });
    look_for_space();
  }
  const Duration now = first_shard().now().since_start();
  Duration::rep told = told_.load(std::memory_order_relaxed);
  if (told != 0 && now < Duration(told) + kTellInterval) return;
  if (!told_.compare_exchange_strong(told, now.count())) return;
  is_told_ = true;
  machine_.logger.error("{} is full: {}. Producing fails until space is free, reading goes on; no restart is needed",
                        config_.get().data_dir, error.message);
}

void DiskSpace::look_for_space() {
  if (is_full()) free_space_();
}

Result<void> DiskSpace::check_room() const {
  if (!reserve_.is_spent()) return {};
  MQ_MARK("broker: an append is refused since the reserve is spent");
  return fail(Errc::disk_full, "{} is full: what is kept there for deletions is in use until twice {} bytes are free",
              config_.get().data_dir, reserve_.size_bytes());
}

awaitable<bool> DiskSpace::spend_reserve(env::Shard& home) {
  if (reserve_.size_bytes() == 0) co_return false;
  if (!reserve_.is_spent()) MQ_MARK("broker: the reserve is given to what frees space");
  if (!reserve_.is_spent())
    machine_.logger.warn("{}: the {} bytes of mq-reserve are given to what frees space", config_.get().data_dir,
                         reserve_.size_bytes());
  co_await machine_.disk_pool.run(home, [this] { reserve_.spend(); });
  co_return true;
}

awaitable<void> DiskSpace::watch() {
  while (!life_.is_stopping()) {
    (void)co_await timer_->wait_until(first_shard().now() + kLookInterval);
    if (life_.is_stopping() || !co_await has_room() || found_full_.exchange(false)) continue;
    full_ = false;
    // Somebody may have spent the reserve, or found no room, since.
    if ((reserve_.is_spent() || found_full_) && !full_.exchange(true)) continue;
    MQ_MARK("broker: a full disk has room again");
    if (is_told_.exchange(false)) machine_.logger.info("{} has room again", config_.get().data_dir);
    co_return;
  }
}

awaitable<bool> DiskSpace::has_room() {
  if (!co_await machine_.disk_pool.run(first_shard(), [this] { return reserve_.restore(); })) co_return false;
  if (!put_off_.empty()) MQ_MARK("broker: what a full disk put off is tried again");
  for (; !put_off_.empty(); put_off_.pop_front())
    if (!co_await put_off_.front()()) co_return false;
  co_return true;
}

awaitable<void> DiskSpace::stop() {
  timer_->cancel();
  return tasks_.join();
}

}  // namespace mq::broker
