#include "limit.h"

#include <fmt/format.h>

#include <atomic>
#include <memory>
#include <string>
#include <utility>

#include "cli/terminal.h"
#include "env/task_group.h"
#include "metrics/histogram.h"
#include "posix/runtime.h"
#include "posix/stdio.h"
#include "tool/error_stream.h"

namespace mq::mqbench {
namespace {

constexpr std::size_t kFileBytes = 256u << 20;
constexpr std::size_t kChunkBytes = 1u << 20;
constexpr std::size_t kSyncBytes = 4096;
constexpr int kSyncs = 200;
constexpr Duration kRoundTripsFor = 1s;
constexpr Duration kSendFor = 1s;
constexpr Duration kConnectTime = 5s;

double mb_per_s(std::uint64_t bytes, Duration took) {
  return static_cast<double>(bytes) / std::chrono::duration<double>(took).count() / 1e6;
}

/// Two ends of a loopback connection, on a thread each.
class Loopback {
 public:
  explicit Loopback(env::File& file)
      : file_(file), runtime_({.shards = 2, .pool_threads = 1, .log = {.level = env::LogLevel::error}}) {}

  Result<void> run(Report& report) {
    runtime_.run([&]() -> awaitable<int> {
      result_ = co_await measure(report);
      co_return 0;
    });
    return result_;
  }

 private:
  awaitable<Result<void>> measure(Report& report) {
    env::Shard& near = runtime_.shard(0);
    MQ_CO_TRY(const auto listener, near.network().listen({.host = "127.0.0.1"}));
    const env::Address address = listener->local_address();
    MQ_CO_TRY(auto to, co_await near.network().connect(address, near.now() + kConnectTime));
    MQ_CO_TRY(auto from, co_await listener->accept());
    env::Shard& far = runtime_.shard(1);
    from->move_to(far);
    env::Stream* const answering = from.get();
    co_await env::on_shard(near, far, [&] {
      far_tasks_ = std::make_unique<env::TaskGroup>(far);
      far_tasks_->spawn(echo(*answering));
    });
    auto done = co_await round_trips(near, *to, report);
    if (done) done = co_await send_file(near, *to, report);
    to->close();
    while (!far_ended_.load()) co_await near.sleep_until(near.now() + 1ms);
    co_await env::on_shard(near, far, [&] {
      from.reset();
      far_tasks_.reset();
    });
    co_return done;
  }

  /// Answers single bytes; swallows more than that.
  awaitable<void> echo(env::Stream& stream) {
    const auto buffer = std::make_unique<char[]>(kChunkBytes);
    while (true) {
      auto got = co_await stream.read_some({buffer.get(), kChunkBytes});
      if (!got) break;
      const BytesView one(buffer.get(), 1);
      if (*got == 1 && !co_await stream.write({&one, 1})) break;
    }
    far_ended_.store(true);
  }

  awaitable<Result<void>> round_trips(env::Shard& shard, env::Stream& stream, Report& report) {
    metrics::Histogram trips;
    const Instant end = shard.now() + kRoundTripsFor;
    for (Instant sent = shard.now(); sent < end; sent = shard.now()) {
      char byte = 'x';
      const BytesView one(&byte, 1);
      MQ_CO_CHECK(co_await stream.write({&one, 1}));
      MQ_CO_CHECK(co_await stream.read_some({&byte, 1}));
      trips.record(shard.now() - sent);
    }
    report.add_latencies("loopback_round_trip", trips);
    co_return Result<void>{};
  }

  awaitable<Result<void>> send_file(env::Shard& shard, env::Stream& stream, Report& report) {
    const Instant start = shard.now();
    std::uint64_t sent = 0;
    for (; shard.now() < start + kSendFor; sent += kChunkBytes)
      MQ_CO_CHECK(co_await stream.send_file(file_, sent % kFileBytes, kChunkBytes));
    report.add("sendfile_mb_per_s", mb_per_s(sent, shard.now() - start), 0);
    co_return Result<void>{};
  }

  env::File& file_;
  posix::Runtime runtime_;
  std::unique_ptr<env::TaskGroup> far_tasks_;
  std::atomic<bool> far_ended_ = false;
  Result<void> result_;
};

}  // namespace

Limit::Limit(tool::Context& context, Options options)
    : runtime_(context.runtime), args_(context.args), options_(std::move(options)) {}

awaitable<cli::ExitCode> Limit::run() {
  env::Shard& shard = runtime_.shard(0);
  report_.add("command", args_.command()->name);
  // On a thread of its own, so that signals find somebody.
  auto done = co_await runtime_.pool().run(shard, [this] { return measure(); });
  if (done) {
    posix::Output out = posix::Output::standard(shard);
    const std::string text = options_.json ? report_.json() : report_.lines();
    done = co_await out.write(text);
  }
  if (done) co_return cli::ExitCode::ok;
  tool::tell(cli::complaint(args_, done.error()));
  co_return cli::exit_code_of(done.error());
}

void Limit::stop(cli::ExitCode as) { tool::end_now(as); }

std::string Limit::progress() const { return "mqbench: measuring the machine\n"; }

Result<void> Limit::measure() {
  const std::string path = fmt::format("{}/mqbench-limit-{:016x}", options_.directory, runtime_.random().next());
  MQ_TRY(auto file, runtime_.files().open(path, env::OpenMode::create_new));
  // The name goes now, the file with its last user: nothing is left behind, however this ends.
  MQ_CHECK(runtime_.files().remove(path));
  MQ_CHECK(measure_disk(*file));
  return measure_loopback(*file);
}

Result<void> Limit::measure_disk(env::File& file) {
  const env::Clock& clock = runtime_.clock();
  const std::string chunk(kChunkBytes, 'm');
  const Instant start = clock.now();
  for (std::size_t at = 0; at < kFileBytes; at += kChunkBytes) MQ_CHECK(file.write_at(at, chunk));
  report_.add("page_cache_write_mb_per_s", mb_per_s(kFileBytes, clock.now() - start), 0);
  MQ_CHECK(file.sync());
  metrics::Histogram syncs;
  const BytesView page = BytesView(chunk).substr(0, kSyncBytes);
  for (std::size_t i = 0; i < kSyncs; ++i) {
    MQ_CHECK(file.write_at(kFileBytes + i * kSyncBytes, page));
    const Instant began = clock.now();
    MQ_CHECK(file.sync());
    syncs.record(clock.now() - began);
  }
  report_.add_latencies("fdatasync", syncs);
  return {};
}

Result<void> Limit::measure_loopback(env::File& file) { return Loopback(file).run(report_); }

}  // namespace mq::mqbench
