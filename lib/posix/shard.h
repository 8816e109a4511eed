#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "env/shard.h"
#include "posix/network.h"

namespace mq::posix {

/// One event loop: an io_context that one thread runs, and a queue of posts in front of it.
class PosixShard final : public env::Shard {
 public:
  /// `clock` and `pool` must outlive it.
  PosixShard(int id, const env::Clock& clock, env::Pool& pool);

  [[nodiscard]] int id() const override { return id_; }
  [[nodiscard]] boost::asio::any_io_executor executor() override { return executor_; }
  void post(std::move_only_function<void()> task) override;
  [[nodiscard]] std::unique_ptr<env::Timer> make_timer() override;
  [[nodiscard]] const env::Clock& clock() const override { return clock_; }
  [[nodiscard]] env::Network& network() override { return network_; }
  [[nodiscard]] bool is_current() const override;

  /// Makes the loop ready to `run`; posts and coroutines that are there already wait for it.
  void prepare();
  /// Runs the loop in this thread until `stop`.
  void run();
  /// Safe from every thread.
  void stop() { loop_.stop(); }
  /// Destroys the posts that did not run, and all later ones. `run` has returned.
  void drop_posts();
  [[nodiscard]] boost::asio::io_context& loop() { return loop_; }

 private:
  using Tasks = std::vector<std::move_only_function<void()>>;
  void schedule_drain();
  void drain();

  const int id_;
  const env::Clock& clock_;
  // A burst of posts costs one wake-up of the loop: the first of them schedules `drain`, which takes all.
  std::mutex mutex_;
  Tasks posted_;
  bool dropping_ = false;
  Tasks draining_;  ///< of the loop's thread only

  // One thread runs the loop, others post to it: the hint 1 keeps the locks that this needs.
  boost::asio::io_context loop_{1};
  const boost::asio::any_io_executor executor_;
  std::optional<boost::asio::executor_work_guard<boost::asio::io_context::executor_type>> keep_running_;

  PosixNetwork network_;
};

}  // namespace mq::posix
