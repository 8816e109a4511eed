#include "posix/runtime.h"

#include <signal.h>

#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <thread>
#include <utility>

#include "base/assert.h"
#include "env/task_group.h"
#include "posix/clock.h"
#include "posix/files.h"
#include "posix/line_writer.h"
#include "posix/logger.h"
#include "posix/pool.h"
#include "posix/random.h"
#include "posix/shard.h"
#include "posix/time_zone.h"

namespace mq::posix {

struct Runtime::Parts {
  explicit Parts(const RuntimeOptions& options) : logger(make_logger(options.log)), pool(options.pool_threads) {
    for (int id = 0; id < options.shards; ++id) {
      owned_shards.push_back(std::make_unique<PosixShard>(id, clock, pool));
      shards.push_back(owned_shards.back().get());
    }
  }

  // In this order because the last goes first: queued jobs and posts hold coroutines whose streams and timers belong to
  // the event loops, so all queues are emptied (see ~Runtime) before the first loop goes.
  PosixClock clock;
  PosixTimeZone time_zone;
  GetRandom random;
  PosixFiles files;
  std::unique_ptr<LeveledLogger> logger;
  PosixPool pool;
  PosixPool metadata_pool{1};
  std::vector<std::unique_ptr<PosixShard>> owned_shards;
  std::vector<env::Shard*> shards;

  std::move_only_function<awaitable<int>()> main;
  int status = 0;
};

namespace {

/// Every write has MSG_NOSIGNAL or its own answer to EPIPE; a forgotten pipe must not end the process.
void ignore_sigpipe() { ::signal(SIGPIPE, SIG_IGN); }

}  // namespace

Runtime::Runtime(RuntimeOptions options) {
  MQ_ASSERT(options.shards >= 1 && options.pool_threads >= 1);
  ignore_sigpipe();
  tell_last_words_without_waiting();
  parts_ = std::make_unique<Parts>(options);
}

Runtime::~Runtime() {
  parts_->pool.stop();
  parts_->metadata_pool.stop();
  for (auto& shard : parts_->owned_shards) shard->drop_tasks();
}

Result<std::vector<env::Address>> Runtime::inherit_sockets() {
  MQ_TRY(std::vector<InheritedSocket> sockets, take_inherited_sockets());
  std::vector<env::Address> addresses;
  for (InheritedSocket& socket : sockets) {
    addresses.push_back(socket.address);
    parts_->owned_shards[0]->keep(std::move(socket));
  }
  return addresses;
}

int Runtime::run(std::move_only_function<awaitable<int>()> main) {
  Parts& parts = *parts_;
  parts.status = 0;
  parts.main = std::move(main);
  for (auto& shard : parts.owned_shards) shard->prepare();

  boost::asio::co_spawn(parts.owned_shards[0]->executor(), parts.main(),
                        [&parts](const std::exception_ptr& escaped, int status) {
                          if (escaped) env::abort_with(escaped);
                          parts.status = status;
                          for (auto& shard : parts.owned_shards) shard->stop();
                        });
  std::vector<std::thread> threads;
  for (std::size_t i = 1; i < parts.owned_shards.size(); ++i) {
    threads.emplace_back([&shard = *parts.owned_shards[i]] { shard.run(); });
  }
  parts.owned_shards[0]->run();
  for (std::thread& thread : threads) thread.join();
  return parts.status;
}

const std::vector<env::Shard*>& Runtime::shards() const { return parts_->shards; }
const env::Clock& Runtime::clock() const { return parts_->clock; }
env::Files& Runtime::files() const { return parts_->files; }
const env::TimeZone& Runtime::time_zone() const { return parts_->time_zone; }
env::Random& Runtime::random() const { return parts_->random; }
LeveledLogger& Runtime::logger() const { return *parts_->logger; }
env::Pool& Runtime::pool() const { return parts_->pool; }
env::Pool& Runtime::metadata_pool() const { return parts_->metadata_pool; }

}  // namespace mq::posix
