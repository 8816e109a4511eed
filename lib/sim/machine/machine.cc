#include "sim/machine/machine.h"

#include <boost/asio/co_spawn.hpp>
#include <exception>

#include "base/assert.h"
#include "base/crc32c.h"
#include "sim/machine/pool.h"

namespace mq::sim {
namespace {

class Random final : public env::Random {
 public:
  explicit Random(std::uint64_t seed) : rng_(seed) {}
  void fill(std::span<std::uint8_t> bytes) override {
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(rng_.next());
  }

 private:
  Rng rng_;
};

}  // namespace

class Machine::CapturedLog final : public env::Logger {
 public:
  CapturedLog(Scheduler& scheduler, std::string host, bool prints)
      : scheduler_(scheduler), host_(std::move(host)), prints_(prints) {}

  [[nodiscard]] bool enabled(env::LogLevel) const override { return true; }
  void write(env::LogLevel level, std::string_view text) override {
    static constexpr std::string_view kNames[] = {"debug", "info", "warn", "error"};
    scheduler_.note(Happening::log, crc32c(text));
    const auto now = std::chrono::duration_cast<std::chrono::microseconds>(scheduler_.now().since_start());
    lines_.push_back(fmt::format("{:>12} {} {} {}", now.count(), host_, kNames[static_cast<std::size_t>(level)], text));
    if (prints_) fmt::print(stderr, "{}\n", lines_.back());
  }
  [[nodiscard]] const std::vector<std::string>& lines() const { return lines_; }

 private:
  Scheduler& scheduler_;
  std::string host_;
  bool prints_;
  std::vector<std::string> lines_;
};

struct Machine::Process {
  std::vector<std::unique_ptr<Shard>> shards;
  Pool pool;
  Pool metadata_pool;
  Random random;
  std::vector<std::shared_ptr<void>> objects;

  Process(Scheduler& scheduler, int pool_threads, std::uint64_t seed)
      : pool(scheduler, pool_threads), metadata_pool(scheduler, 1), random(seed) {}
};

Machine::Machine(Scheduler& scheduler, Fabric& fabric, std::string host, std::uint64_t seed, MachineOptions options)
    : scheduler_(scheduler),
      fabric_(fabric),
      host_(std::move(host)),
      options_(options),
      seeds_(seed),
      clock_(scheduler),
      disk_(scheduler, options.disk),
      log_(std::make_unique<CapturedLog>(scheduler, host_, options.prints_log)) {
  fabric_.add_host(host_);
}

Machine::~Machine() {
  if (process_) end_process();
}

void Machine::start() {
  MQ_ASSERT(!process_);
  if (!std::exchange(has_power_, true)) fabric_.set_power(host_, true);
  scheduler_.note(Happening::machine, crc32c(host_), 1);
  process_ = std::make_unique<Process>(scheduler_, options_.pool_threads, seeds_.next());
  for (int i = 0; i < options_.shards; ++i)
    process_->shards.push_back(std::make_unique<Shard>(scheduler_, clock_, fabric_, host_, i));
}

void Machine::kill() {
  MQ_ASSERT(process_);
  scheduler_.note(Happening::machine, crc32c(host_), 2);
  end_process();
}

void Machine::lose_power(PowerLoss how) {
  scheduler_.note(Happening::machine, crc32c(host_), 3);
  has_power_ = false;
  fabric_.set_power(host_, false);
  if (process_) end_process();
  disk_.lose_power(how);
}

void Machine::end_process() {
  for (const auto& shard : process_->shards) MQ_ASSERT(!shard->is_current());
  disk_.set_frozen(true);
  for (const auto& shard : process_->shards) shard->is_dead = true;
  process_->pool.die();
  process_->metadata_pool.die();
  for (const auto& shard : process_->shards) shard->drop_waits();
  scheduler_.bury();
  while (!process_->objects.empty()) process_->objects.pop_back();
  scheduler_.bury();
  disk_.set_frozen(false);
  dead_.push_back(std::move(process_));
}

env::Shard& Machine::shard(int index) {
  MQ_ASSERT(process_);
  return *process_->shards.at(static_cast<std::size_t>(index));
}

Witness Machine::after_each_task_of(int shard, std::function<void()> look) {
  MQ_ASSERT(process_);
  return scheduler_.after_each_task_of(*process_->shards.at(static_cast<std::size_t>(shard)), std::move(look));
}

std::vector<env::Shard*> Machine::shards() {
  std::vector<env::Shard*> all;
  for (int i = 0; i < options_.shards; ++i) all.push_back(&shard(i));
  return all;
}

env::Pool& Machine::pool() {
  MQ_ASSERT(process_);
  return process_->pool;
}

env::Pool& Machine::metadata_pool() {
  MQ_ASSERT(process_);
  return process_->metadata_pool;
}

env::Random& Machine::random() {
  MQ_ASSERT(process_);
  return process_->random;
}

env::Logger& Machine::logger() { return *log_; }

void Machine::own(std::shared_ptr<void> object) {
  MQ_ASSERT(process_);
  process_->objects.push_back(std::move(object));
}

void Machine::spawn(awaitable<void> task, int shard_index) {
  boost::asio::co_spawn(shard(shard_index).executor(), std::move(task), [](const std::exception_ptr& escaped) {
    if (!escaped) return;
    try {
      std::rethrow_exception(escaped);
    } catch (const std::exception& e) {
      assert_failed(e.what());
    }
  });
}

const std::vector<std::string>& Machine::log_lines() const { return log_->lines(); }

}  // namespace mq::sim
