#pragma once

#include "options.h"
#include "report.h"
#include "tool/run_tool.h"

namespace mq::mqbench {

/// `mqbench limit`: what the machine does without a broker, for comparison: loopback round trips, fdatasync, writes to
/// the page cache, sendfile over loopback.
class Limit final : public tool::Job {
 public:
  Limit(tool::Context& context, Options options);
  awaitable<cli::ExitCode> run() override;
  void stop(cli::ExitCode as) override;
  [[nodiscard]] std::string progress() const override;

 private:
  Result<void> measure();
  Result<void> measure_disk(env::File& file);
  Result<void> measure_loopback(env::File& file);

  posix::Runtime& runtime_;
  const cli::Arguments& args_;
  const Options options_;
  Report report_;
};

}  // namespace mq::mqbench
