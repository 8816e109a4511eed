#pragma once

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>
#include <optional>

#include "env/shard.h"
#include "posix/shard.h"

namespace mq::posix {

using SteadyTimer =
    boost::asio::basic_waitable_timer<std::chrono::steady_clock, boost::asio::wait_traits<std::chrono::steady_clock>,
                                      boost::asio::io_context::executor_type>;

/// Waits with a deadline stand in the loop's timer queue; one without is no more than a function to call, since events
/// wait that way on the path of every acknowledged batch.
class PosixTimer final : public env::Timer {
 public:
  explicit PosixTimer(PosixShard& shard) : shard_(shard) {}
  awaitable<Result<void>> wait_until(Instant when) override;
  void cancel() override;

 private:
  awaitable<Result<void>> wait_for_cancel();

  PosixShard& shard_;
  std::optional<SteadyTimer> timer_;  ///< made by the first wait with a deadline
  EndlessWait endless_;
};

}  // namespace mq::posix
