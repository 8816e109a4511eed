#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "broker/node.h"
#include "posix/runtime.h"

int main(int argc, char** argv) {
  using namespace mq;
  posix::Runtime runtime({.shards = 2, .pool_threads = 4});
  broker::NodeConfig config;
  config.data_dir = argc > 1 ? argv[1] : "/tmp/mqd";
  config.listeners.push_back({.address = {.host = "127.0.0.1", .port = static_cast<std::uint16_t>(argc > 2 ? std::atoi(argv[2]) : 9092)}});
  broker::NodeEnv env{.shards = runtime.shards(), .files = runtime.files(), .disk_pool = runtime.pool(), .metadata_pool = runtime.pool(), .random = runtime.random(), .logger = runtime.logger()};
  broker::Node node(env, config);
  return runtime.run([&]() -> awaitable<int> {
    auto started = co_await node.start();
    if (!started) {
      fmt::print(stderr, "mqd: {}\n", started.error().message);
      co_return 1;
    }
    fmt::print(stderr, "ready\n");
    co_await runtime.shard(0).sleep_until(Instant::never());
    co_return 0;
  });
}
