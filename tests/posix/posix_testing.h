#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <utility>

#include "posix/runtime.h"
#include "posix/temporary_directory.h"

namespace mq::posix {

/// Runs a test's coroutine on shard 0 of a real runtime and ends with it.
inline void in_runtime(RuntimeOptions options, std::function<awaitable<void>(Runtime&)> body) {
  Runtime runtime(options);
  const auto main = [&]() -> awaitable<int> {
    co_await body(runtime);
    co_return 0;
  };
  EXPECT_EQ(runtime.run(main), 0);
}

inline void in_runtime(std::function<awaitable<void>(Runtime&)> body) { in_runtime({}, std::move(body)); }

}  // namespace mq::posix
