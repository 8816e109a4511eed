#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "env/async.h"
#include "env/shard.h"
#include "meta/metadata_store.h"

namespace mq::meta {

enum class Restart { cleanly, killed };

/// A place where one back end lives: what the contract tests need to drive it, whatever it is.
class StoreHome {
 public:
  virtual ~StoreHome() = default;
  [[nodiscard]] virtual MetadataStore& store() = 0;
  /// The shard of the store.
  [[nodiscard]] virtual env::Shard& shard() = 0;
  /// Ends the process that uses the store, closing it first or not, and opens it again in a new one.
  virtual void restart(Restart how) = 0;

  /// Runs `task` on `shard()` to its end.
  template <class T>
  T run(awaitable<T> task) {
    std::optional<T> value;
    drive([](awaitable<T> inner, std::optional<T>& to) -> awaitable<void> { to.emplace(co_await std::move(inner)); }(
                                                           std::move(task), value));
    return std::move(*value);
  }

 protected:
  virtual void drive(awaitable<void> task) = 0;
};

/// One row of the back ends that the contract is tested on.
struct BackEnd {
  std::string name;
  std::function<std::unique_ptr<StoreHome>()> make;
};

std::unique_ptr<StoreHome> make_model_home();
std::unique_ptr<StoreHome> make_sqlite_home_in_simulation();
std::unique_ptr<StoreHome> make_sqlite_home_on_real_files();
std::unique_ptr<StoreHome> make_etcd_home();
std::unique_ptr<StoreHome> make_zookeeper_home();

}  // namespace mq::meta
