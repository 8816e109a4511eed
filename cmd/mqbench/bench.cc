#include "bench.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "cli/terminal.h"
#include "client/admin.h"
#include "posix/stdio.h"
#include "process_cpu.h"
#include "tool/error_stream.h"

namespace mq::mqbench {
namespace {

constexpr Duration kLookForLostEvery = 100ms;

double seconds_of(Duration duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace

Bench::Bench(tool::Context& context, Options options)
    : runtime_(context.runtime),
      shard_(runtime_.shard(0)),
      args_(context.args),
      options_(std::move(options)),
      client_(context.client),
      topic_(options_.topic),
      tasks_(shard_),
      window_timer_(shard_.make_timer()),
      leaving_timer_(shard_.make_timer()) {}

awaitable<cli::ExitCode> Bench::run() {
  env::TaskGroup leaving(shard_);
  leaving.spawn(leave_lost_brokers());
  auto done = co_await prepare_and_load();
  end_window();
  co_await tasks_.join();
  if (failure_) done = fail(*failure_);
  // What a signal cut off is no failure of its own; the report is marked as partial.
  if (has_left_ && !done && done.error().code == Errc::cancelled) done = {};
  co_await delete_topic();
  for (const auto& cluster : clusters_) co_await cluster->close();
  finished_ = true;
  leaving_timer_->cancel();
  co_await leaving.join();
  tool::erase_progress();
  if (done) done = co_await print_report();
  if (!done) {
    tool::tell(cli::complaint(args_, done.error()));
    worsen(cli::exit_code_of(done.error()));
  }
  co_return code_;
}

void Bench::stop(cli::ExitCode as) {
  stopped_ = true;
  drained_at_ = shard_.now() + options_.drain;
  worsen(as);
  end_window();
}

awaitable<Result<void>> Bench::prepare_and_load() {
  MQ_CO_TRY(auto* const first, co_await another_cluster());
  (void)first;
  if (makes_topic() && topic_.empty()) MQ_CO_CHECK(co_await make_topic());
  co_return co_await load();
}

awaitable<Result<client::Cluster*>> Bench::another_cluster() {
  if (has_left_) co_return fail(Errc::cancelled, "the broker does not answer");
  clusters_.push_back(std::make_unique<client::Cluster>(shard_, runtime_.random(), client_));
  client::Cluster* const cluster = clusters_.back().get();
  MQ_CO_CHECK(co_await cluster->start(shard_.now() + client_.connect_timeout));
  co_return cluster;
}

awaitable<Result<void>> Bench::make_topic() {
  topic_ = fmt::format("mqbench-{:016x}", runtime_.random().next());
  client::Admin admin(cluster());
  std::vector<client::NewTopic> topics;
  topics.push_back({.name = topic_, .partitions = options_.partitions, .configs = options_.topic_configs});
  MQ_CO_TRY(auto made, co_await admin.create_topics(std::move(topics), false, request_deadline()));
  if (made.empty()) co_return fail(Errc::corrupt, "the broker did not say whether it made the topic {}", topic_);
  if (made.front().error) co_return fail(*made.front().error);
  topic_is_ours_ = true;
  // Brokers hear of it one after the other, Kafka's own after the answer.
  MQ_CO_CHECK(co_await cluster().retry(request_deadline(), [this] {
    return cluster().topic(topic_, client::Cluster::AutoCreate::no, request_deadline());
  }));
  co_return Result<void>{};
}

awaitable<void> Bench::delete_topic() {
  if (!topic_is_ours_ || options_.keep) co_return;
  client::Admin admin(cluster());
  auto deleted = co_await admin.delete_topics({topic_}, request_deadline());
  if (deleted && !deleted->empty() && deleted->front().error) deleted = fail(*deleted->front().error);
  if (!deleted)
    tell(fmt::format("the topic {} stays: {}", topic_,
                     has_left_ ? "the broker does not answer" : deleted.error().message));
}

void Bench::start_window() {
  phase_ = Phase::warm_up;
  tasks_.spawn(keep_time());
}

awaitable<void> Bench::keep_time() {
  (void)co_await window_timer_->wait_until(shard_.now() + options_.warmup);
  if (is_over()) co_return;
  cpu_began_ = broker_cpu();
  began_ = shard_.now();
  phase_ = Phase::measuring;
  (void)co_await window_timer_->wait_until(began_ + options_.duration);
  end_window();
}

void Bench::end_window() {
  if (is_over()) return;
  ended_ = shard_.now();
  if (is_measuring()) {
    const auto cpu = broker_cpu();
    if (cpu && cpu_began_) cpu_used_ = *cpu - *cpu_began_;
  }
  phase_ = Phase::over;
  window_timer_->cancel();
  on_over();
}

void Bench::count(std::uint64_t records, std::uint64_t bytes) {
  if (!is_measuring()) return;
  records_ += records;
  bytes_ += bytes;
  if (records_ >= options_.count_max) end_window();
}

void Bench::fail_with(Error error) {
  if (!failure_) failure_ = std::move(error);
  end_window();
}

std::optional<Duration> Bench::broker_cpu() const {
  if (!options_.broker_pid) return std::nullopt;
  auto used = process_cpu(runtime_.files(), *options_.broker_pid);
  if (!used) return std::nullopt;
  return *used;
}

double Bench::measured_seconds() const {
  if (began_ == Instant::never()) return 0;
  return seconds_of(std::min(ended_, shard_.now()) - began_);
}

void Bench::describe_window(Report& report) const {
  const double seconds = measured_seconds();
  report.add("seconds", seconds, 3);
  report.add("records", records_);
  report.add("records_per_s", seconds > 0 ? static_cast<double>(records_) / seconds : 0, 0);
  report.add("mb_per_s", seconds > 0 ? static_cast<double>(bytes_) / seconds / 1e6 : 0, 1);
  if (!cpu_used_) return;
  report.add("broker_cpu_s", seconds_of(*cpu_used_), 2);
  if (records_ == 0) return;
  report.add("broker_cpu_us_per_record", seconds_of(*cpu_used_) * 1e6 / static_cast<double>(records_), 2);
  if (bytes_ > 0) report.add("broker_cpu_s_per_gb", seconds_of(*cpu_used_) * 1e9 / static_cast<double>(bytes_), 3);
}

awaitable<Result<void>> Bench::print_report() {
  Report report;
  report.add("command", args_.command()->name);
  if (!topic_.empty()) report.add("topic", topic_);
  if (stopped_) report.add("partial", true);
  describe(report);
  if (options_.broker_pid && !broker_cpu())
    tell(fmt::format("there is no process {} whose time could be read", *options_.broker_pid));
  posix::Output out = posix::Output::standard(shard_);
  const std::string text = options_.json ? report.json() : report.lines();
  co_return co_await out.write(text);
}

std::string Bench::progress() const {
  const double seconds = measured_seconds();
  return fmt::format("mqbench: {} records in {:.1f} s, {:.0f}/s, {:.1f} MB/s\n", records_, seconds,
                     seconds > 0 ? static_cast<double>(records_) / seconds : 0,
                     seconds > 0 ? static_cast<double>(bytes_) / seconds / 1e6 : 0);
}

/// A broker that answers is waited for after a signal, for as long as --drain: what is on its way, and our topic. One
/// that is gone is not.
awaitable<void> Bench::leave_lost_brokers() {
  while (!finished_) {
    (void)co_await leaving_timer_->wait_until(shard_.now() + kLookForLostEvery);
    if (!stopped_) continue;
    const bool is_lost = std::ranges::any_of(clusters_, [](const auto& cluster) { return cluster->lost(); });
    has_left_ = is_lost || shard_.now() >= drained_at_;
    if (!has_left_) continue;
    tell(is_lost ? "the broker is gone and is not waited for"
                 : "the broker did not answer in time and is not waited for any longer");
    // All at once: a client is closed when its producers are, and those end together.
    env::TaskGroup closing(shard_);
    for (const auto& cluster : clusters_) closing.spawn(cluster->close());
    co_await closing.join();
    co_return;
  }
}

void Bench::tell(std::string_view text) const { tool::tell(cli::notice(args_, text)); }

}  // namespace mq::mqbench
