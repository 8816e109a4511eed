#include "broker/log_warm_up.h"

#include <utility>

#include "base/mark.h"
#include "env/event.h"
#include "log/log_jobs.h"

namespace mq::broker {

void LogWarmUp::when_warm(std::shared_ptr<const void> owner, std::move_only_function<void()> then) {
  if (is_warm()) return then();
  MQ_MARK("broker: an append waits until its log is warm");
  waiting_.push_back(std::move(then));
  if (!std::exchange(is_running_, true)) shard_.log_tasks.spawn(run(*this, std::move(owner)));
}

awaitable<void> LogWarmUp::until_warm(std::shared_ptr<const void> owner) {
  if (is_warm()) co_return;
  env::Event warm(shard_.shard);
  bool is_warm = false;
  when_warm(owner, [&] {
    is_warm = true;
    warm.notify_all();
  });
  while (!is_warm) co_await warm.wait();
}

awaitable<void> LogWarmUp::run(LogWarmUp& self, std::shared_ptr<const void> owner) {
  self.work_.begin();
  co_await self.shard_.node.disk_pool().run(self.shard_.shard,
                                            [job = self.log_.prepare_append()]() mutable { job.run(); });
  self.work_.end();
  // What they append must not be overtaken by who asks meanwhile.
  while (!self.waiting_.empty()) {
    auto then = std::move(self.waiting_.front());
    self.waiting_.pop_front();
    then();
  }
  self.is_running_ = false;
}

}  // namespace mq::broker
