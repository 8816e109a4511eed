#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/result.h"
#include "cli/arguments.h"
#include "cli/exit_code.h"
#include "client/producer.h"
#include "env/task_group.h"
#include "options.h"
#include "posix/stdio.h"
#include "record_splitter.h"
#include "tool/run_tool.h"

namespace mq::mqprod {

/// Sends the input to the topic and says how it went.
class Sender final : public tool::Job {
 public:
  Sender(tool::Context& context, Options options);

  /// From the first contact to the last acknowledgement.
  awaitable<cli::ExitCode> run() override;
  /// What was read is still sent. Nothing more is read but the end of a line that was read in part.
  void stop(cli::ExitCode as) override;
  [[nodiscard]] std::string progress() const override;
  [[nodiscard]] bool shows_progress() const override { return !tee_is_on_terminal_; }
  [[nodiscard]] std::string left_undone() const override;

 private:
  awaitable<Result<void>> send_input(const std::string& file);
  awaitable<Result<void>> send_record(BytesView record, const std::string& file, std::uint64_t number);
  Result<void> pass_over(const Error& error);
  awaitable<void> copy(BytesView bytes);
  /// How far to read ahead: with --rate no further than a moment's worth, since after Ctrl-C what was read is sent at
  /// once, so that nothing is lost and nobody waits.
  [[nodiscard]] std::size_t read_bytes_max() const;
  awaitable<void> keep_rate(std::size_t bytes);
  void delivered(const client::Delivery& delivery);
  awaitable<void> end_in_time();
  void complain(const Error& error);
  [[nodiscard]] std::string totals() const;

  posix::Runtime& runtime_;
  const cli::Arguments& args_;
  const Options options_;
  const client::ClientOptions client_;
  client::Producer* producer_ = nullptr;
  client::Producer::Topic* topic_ = nullptr;
  posix::Input* input_ = nullptr;
  const RecordSplitter* splitter_ = nullptr;
  posix::Output out_;
  const bool tee_is_on_terminal_;
  bool stopping_ = false;
  bool reading_is_over_ = false;  ///< also of a line that was read in part
  bool is_drained_ = false;
  bool tee_broken_ = false;
  bool bad_input_ = false;  ///< what ended the sending was a record that is none
  cli::ExitCode code_ = cli::ExitCode::ok;
  std::uint64_t read_ = 0;  ///< records
  std::uint64_t acknowledged_ = 0;
  std::uint64_t failed_ = 0;
  int told_ = 0;  ///< failures, each with its own line
  std::unique_ptr<env::Timer> rate_timer_;
  std::unique_ptr<env::Timer> drain_timer_;
  env::TaskGroup tasks_;
  Instant next_send_;
};

}  // namespace mq::mqprod
