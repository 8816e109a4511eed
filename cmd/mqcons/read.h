#pragma once

#include <cstdint>
#include <list>
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
#include "plan.h"
#include "posix/stdio.h"
#include "tool/run_tool.h"
#include "writer.h"

namespace mq::mqcons {

/// Reads what the options ask for and writes it to standard output.
class Reading final : public tool::Job {
 public:
  Reading(tool::Context& context, Options options);

  awaitable<cli::ExitCode> run() override;
  /// The record in hand is written, a group commits and leaves. Before the first record it ends at once.
  void stop(cli::ExitCode as) override;
  [[nodiscard]] std::string progress() const override;
  [[nodiscard]] bool shows_progress() const override { return !stdout_is_terminal_; }

 private:
  struct Tail;
  struct Source;
  using Ends = std::map<TopicPartition, Offset>;
  using Places = std::map<TopicPartition, client::CommittedOffset>;

  awaitable<void> leave_lost_broker(client::Cluster& cluster);
  awaitable<void> leave_without_reader();
  awaitable<Result<void>> read(client::Cluster& cluster);
  awaitable<Result<void>> write_tail(client::Cluster& cluster, std::vector<Part> parts);
  awaitable<Result<void>> cut_to_tail(client::Cluster& cluster, std::vector<Part>& parts);
  awaitable<Result<void>> read_back(client::Cluster& cluster, std::vector<Tail>& tails, std::int64_t step);
  awaitable<Result<void>> read_merged(client::Cluster& cluster, std::vector<Part> parts);
  Result<void> merge(std::list<Source>& sources);
  static void take(client::Polled polled, client::Consumer& consumer, std::list<Source>& sources);
  awaitable<Result<void>> follow(client::Cluster& cluster, std::vector<Part> parts);
  awaitable<void> add_new_partitions(client::Cluster& cluster, client::Consumer& consumer,
                                     std::map<TopicPartition, Part>& open);
  awaitable<Result<void>> read_group(client::Cluster& cluster);
  [[nodiscard]] client::GroupOptions group_options(Places& places, Ends& ends);
  void tell_long_rebalance(const client::GroupConsumer& group);
  Result<void> write_batch(const client::FetchedBatch& batch, const Ends& ends, Places& places);
  awaitable<Result<void>> commit(client::GroupConsumer& group, Places& places);

  /// What came within half a second. timed_out: no broker answers and nobody asked to wait for one.
  template <class From>
  awaitable<Result<client::Polled>> poll(client::Cluster& cluster, From& from);
  void write(const TopicPartition& where, const record::BatchHeader& batch, const record::RecordView& record);
  awaitable<Result<void>> flush();
  [[nodiscard]] bool done() const { return stopping_ || (options_.count && written_ >= *options_.count); }

  posix::Runtime& runtime_;
  env::Shard& shard_;
  const cli::Arguments& args_;
  const Options options_;
  const client::ClientOptions client_;
  const bool stdout_is_terminal_;
  Writer writer_;
  posix::Output out_;
  std::unique_ptr<env::Timer> leaving_timer_;
  bool out_is_broken_ = false;
  record::RecordReader records_;
  std::string buffer_;
  std::uint64_t written_ = 0;
  bool reading_ = false;  ///< where to read from is known
  bool stopping_ = false;
  bool is_over_ = false;
  cli::ExitCode code_ = cli::ExitCode::ok;
  Instant last_batch_;
  std::optional<client::PartitionError> failure_;
  client::Consumer* consumer_ = nullptr;
  client::GroupConsumer* group_ = nullptr;
  Instant settled_at_;  ///< when the group was last seen without a rebalance
  bool waiting_is_told_ = false;
};

}  // namespace mq::mqcons
