#pragma once

#include <boost/asio/async_result.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/intrusive/list.hpp>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "env/shard.h"
#include "posix/network.h"
#include "posix/socket_events.h"

namespace mq::posix {

/// A coroutine that waits for nothing but a call. The event loop does not know of it, so its shard keeps it in a list:
/// who waits at the end of the process must still be destroyed.
struct EndlessWait : boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
  std::move_only_function<void()> resume;  ///< owns the coroutine; empty when nobody waits

  /// Runs the coroutine here and now; it may destroy this.
  void resume_now() {
    unlink();
    std::exchange(resume, nullptr)();
  }
  /// Runs it from the loop of `shard`.
  void resume_later(env::Shard& shard) {
    if (is_linked()) unlink();
    shard.post(std::exchange(resume, nullptr));
  }
};

/// One event loop: an io_context that one thread runs, and a queue of posts in front of it.
class PosixShard final : public env::Shard {
 public:
  /// `clock` and `pool` must outlive it.
  PosixShard(int id, const env::Clock& clock, env::Pool& pool);
  ~PosixShard() override;

  [[nodiscard]] int id() const override { return id_; }
  [[nodiscard]] boost::asio::any_io_executor executor() override { return executor_; }
  void post(std::move_only_function<void()> task) override;
  [[nodiscard]] std::unique_ptr<env::Timer> make_timer() override;
  [[nodiscard]] const env::Clock& clock() const override { return clock_; }
  [[nodiscard]] env::Network& network() override { return network_; }
  [[nodiscard]] bool is_current() const override;

  /// Makes the loop ready to `run`; posts and coroutines that are there already wait for it.
  void prepare();
  /// Runs the loop in this thread until `stop`. What a task throws ends the process, with its message.
  void run() noexcept;
  /// Safe from every thread.
  void stop() { loop_.stop(); }
  /// Destroys the posts that did not run, all later ones, and who waits endlessly. `run` has returned.
  void drop_tasks();
  /// To be awaited: returns after `wait.resume_now` or `resume_later`. On the loop's thread.
  [[nodiscard]] auto until_resumed(EndlessWait& wait) {
    return boost::asio::async_initiate<const boost::asio::deferred_t, void()>(
        [this, &wait](auto coroutine) {
          wait.resume = std::move(coroutine);
          endless_waits_.push_back(wait);
        },
        boost::asio::deferred);
  }
  /// To be awaited: returns when everything else that can run now has run.
  [[nodiscard]] auto after_others() {
    return boost::asio::async_initiate<const boost::asio::deferred_t, void()>(
        [this](auto coroutine) { post(std::move(coroutine)); }, boost::asio::deferred);
  }
  [[nodiscard]] SocketEvents& sockets() { return sockets_; }
  [[nodiscard]] boost::asio::io_context& loop() { return loop_; }
  void keep(InheritedSocket socket) { network_.keep(std::move(socket)); }

 private:
  using Tasks = std::vector<std::move_only_function<void()>>;
  using Waiter = boost::asio::posix::basic_stream_descriptor<boost::asio::io_context::executor_type>;
  void schedule_drain();
  void drain();
  void run_turn();
  bool run_ready();
  void sleep();
  bool looks_pay();
  bool look_again();

  const int id_;
  const env::Clock& clock_;
  // A burst of posts costs one wake-up of the loop: the first of them schedules `drain`, which takes all.
  std::mutex mutex_;
  Tasks posted_;
  bool dropping_ = false;
  Tasks draining_;                ///< of the loop's thread only
  int drains_ = 0;                ///< since the loop last asked for sockets
  bool events_are_near_ = false;  ///< the last wait for an event was short
  int looks_left_out_ = 0;        ///< after the last look in vain; twice as many after the next
  int looks_to_leave_out_ = 0;

  boost::intrusive::list<EndlessWait, boost::intrusive::constant_time_size<false>> endless_waits_;

  // Before the loop, whose coroutines own sockets.
  SocketEvents sockets_;
  // One thread runs the loop, others post to it: the hint 1 keeps the locks that this needs.
  boost::asio::io_context loop_{1};
  const boost::asio::any_io_executor executor_;
  std::optional<boost::asio::executor_work_guard<boost::asio::io_context::executor_type>> keep_running_;
  Waiter sockets_waiter_;           ///< borrows the descriptor of `sockets_`
  bool waits_for_sockets_ = false;  ///< a wait of `sockets_waiter_` is under way

  PosixNetwork network_;
};

}  // namespace mq::posix
