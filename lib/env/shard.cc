#include "env/shard.h"

namespace mq::env {

awaitable<void> Shard::sleep_until(Instant when) {
  auto timer = make_timer();
  (void)co_await timer->wait_until(when);
}

}  // namespace mq::env
