#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>

#include "posix/runtime.h"

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

/// A directory of its own for each test, removed with everything in it.
class TemporaryDirectory {
 public:
  TemporaryDirectory() : path_((std::filesystem::temp_directory_path() / "mq-test-XXXXXX").string()) {
    if (!::mkdtemp(path_.data())) std::abort();
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace mq::posix
