#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/arguments.h"
#include "cli/exit_code.h"
#include "client/cluster.h"
#include "env/event.h"
#include "env/task_group.h"
#include "metrics/histogram.h"
#include "options.h"
#include "report.h"
#include "tool/run_tool.h"

namespace mq::mqbench {

/// What all commands that load a broker share: contact, a topic of their own, the window between warm-up and end in
/// which everything is counted, the report.
class Bench : public tool::Job {
 public:
  Bench(tool::Context& context, Options options);

  awaitable<cli::ExitCode> run() final;
  void stop(cli::ExitCode as) final;
  [[nodiscard]] std::string progress() const override;
  [[nodiscard]] bool shows_progress() const final { return !finished_; }

 protected:
  /// The end of the window is not noticed later than this, however slow the schedule.
  static constexpr Duration kLookEvery = std::chrono::milliseconds(100);

  /// The load: from a topic that is there until everything on its way has arrived.
  virtual awaitable<Result<void>> load() = 0;
  /// What `load` found.
  virtual void describe(Report& report) = 0;
  /// The window is over: ends what waits.
  virtual void on_over() {}
  /// False: the topic is none of this command's business, it brings its own.
  [[nodiscard]] virtual bool makes_topic() const { return true; }

  /// Begins the warm-up. The window after it ends by time, by count, by `end_window` or by a signal.
  void start_window();
  void end_window();
  [[nodiscard]] bool is_measuring() const { return phase_ == Phase::measuring; }
  [[nodiscard]] bool is_over() const { return phase_ == Phase::over; }
  /// What began at `when` began in the window. Latencies count by this, however late their end comes: what a stall
  /// holds back past the end of the window is the slowest of all.
  [[nodiscard]] bool began_in_window(Instant when) const { return began_ <= when && when < ended_; }
  /// The end of the window; never before it is over.
  [[nodiscard]] Instant window_end() const { return ended_; }
  /// Records that were done just now; outside of the window they do not count.
  void count(std::uint64_t records, std::uint64_t bytes);
  [[nodiscard]] std::uint64_t counted() const { return records_; }
  /// Ends the window and the run. The first error is told.
  void fail_with(Error error);
  [[nodiscard]] const std::optional<Error>& failure() const { return failure_; }
  /// Rate, volume and the broker's processor time of the window.
  void describe_window(Report& report) const;

  /// Another client with connections of its own; lives as long as this.
  awaitable<Result<client::Cluster*>> another_cluster();
  [[nodiscard]] client::Cluster& cluster() { return *clusters_.front(); }
  [[nodiscard]] env::Shard& shard() const { return shard_; }
  [[nodiscard]] posix::Runtime& runtime() const { return runtime_; }
  [[nodiscard]] const Options& options() const { return options_; }
  [[nodiscard]] const client::ClientOptions& client_options() const { return client_; }
  [[nodiscard]] const std::string& topic() const { return topic_; }
  /// For a contact, or a request of our own.
  [[nodiscard]] Instant request_deadline() const { return shard_.now() + client_.request_timeout; }
  [[nodiscard]] env::TaskGroup& tasks() { return tasks_; }
  [[nodiscard]] bool is_stopped() const { return stopped_; }
  /// A signal asked us to end, and the broker is gone or has not answered for as long as --drain: nothing that is still
  /// on its way will arrive.
  [[nodiscard]] bool has_left() const { return has_left_; }
  /// The exit status, if worse than what it is.
  void worsen(cli::ExitCode code) { code_ = cli::worst(code_, code); }
  void tell(std::string_view text) const;

 private:
  enum class Phase : std::uint8_t { idle, warm_up, measuring, over };

  awaitable<Result<void>> prepare_and_load();
  awaitable<Result<void>> make_topic();
  awaitable<void> delete_topic();
  awaitable<void> keep_time();
  awaitable<void> leave_lost_brokers();
  [[nodiscard]] std::optional<Duration> broker_cpu() const;
  [[nodiscard]] double measured_seconds() const;
  awaitable<Result<void>> print_report();

  posix::Runtime& runtime_;
  env::Shard& shard_;
  const cli::Arguments& args_;
  const Options options_;
  const client::ClientOptions client_;
  std::vector<std::unique_ptr<client::Cluster>> clusters_;
  std::string topic_;
  bool topic_is_ours_ = false;

  env::TaskGroup tasks_;
  std::unique_ptr<env::Timer> window_timer_;
  std::unique_ptr<env::Timer> leaving_timer_;
  Phase phase_ = Phase::idle;
  Instant began_ = Instant::never();
  Instant ended_ = Instant::never();
  std::uint64_t records_ = 0;
  std::uint64_t bytes_ = 0;
  std::optional<Duration> cpu_began_;
  std::optional<Duration> cpu_used_;

  std::optional<Error> failure_;
  bool stopped_ = false;
  Instant drained_at_ = Instant::never();  ///< until then a signal waits for what is on its way
  bool has_left_ = false;
  bool finished_ = false;
  cli::ExitCode code_ = cli::ExitCode::ok;
};

}  // namespace mq::mqbench
