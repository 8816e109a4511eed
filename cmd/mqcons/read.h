#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/arguments.h"
#include "cli/exit_code.h"
#include "client/consumer.h"
#include "client/group_consumer.h"
#include "options.h"
#include "posix/stdio.h"
#include "tool/run_tool.h"
#include "writer.h"

namespace mq::mqcons {

/// Reads what the options ask for and writes it to standard output.
class Reading final : public tool::Job {
 public:
  Reading(tool::Context& context, Options options);

  awaitable<cli::ExitCode> run() override;
  /// The record in hand is written, a group commits and leaves.
  void stop(cli::ExitCode as) override;
  [[nodiscard]] std::string progress() const override;

 private:
  /// One partition of a reading without group.
  struct Part {
    TopicPartition where;
    Offset begin;  ///< of the log, as it was at the start
    Offset from;
    std::optional<Offset> end;  ///< where to stop; none: follow
  };
  using Held = std::deque<client::FetchedBatch>;

  awaitable<Result<void>> read_partitions(client::Cluster& cluster);
  awaitable<Result<std::vector<Part>>> plan(client::Cluster& cluster);
  awaitable<Result<Offset>> place(client::Cluster& cluster, const Part& part, Offset end, const cli::Position& position,
                                  bool is_right_end);
  awaitable<Result<void>> read_tail(client::Cluster& cluster, std::vector<Part>& parts);
  awaitable<Result<void>> read_merged(client::Cluster& cluster, const std::vector<Part>& parts);
  awaitable<Result<void>> follow(client::Cluster& cluster, const std::vector<Part>& parts);
  awaitable<Result<void>> read_group(client::Cluster& cluster);
  awaitable<Result<void>> flush();
  [[nodiscard]] bool has_right_end() const;
  [[nodiscard]] bool group_is_at_end(const client::GroupConsumer& group) const;
  Result<void> check(const client::Polled& polled);
  [[nodiscard]] bool done() const { return stopping_ || (options_.count && written_ >= *options_.count); }
  [[nodiscard]] Instant deadline() const { return runtime_.shard(0).now() + args_.duration("timeout"); }

  posix::Runtime& runtime_;
  const cli::Arguments& args_;
  const Options options_;
  const client::ClientOptions client_;
  Writer writer_;
  posix::Output out_;
  bool out_is_broken_ = false;
  record::RecordReader records_;
  std::string buffer_;
  std::uint64_t written_ = 0;
  bool stopping_ = false;
  cli::ExitCode code_ = cli::ExitCode::ok;
  client::Consumer* consumer_ = nullptr;
  client::GroupConsumer* group_ = nullptr;
};

}  // namespace mq::mqcons
