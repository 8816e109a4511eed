#include "produce.h"

#include <algorithm>
#include <utility>

#include "schedule.h"

namespace mq::mqbench {
namespace {

/// Records between two looks at the clock.
constexpr int kRecordsPerLook = 64;
/// Timers are no better than this; what is due within it is sent now.
constexpr Duration kScheduleStep = 20us;

std::uint64_t token_of(Instant when) { return static_cast<std::uint64_t>(when.since_start().count()); }
Instant instant_of(std::uint64_t token) { return Instant(Duration(static_cast<std::int64_t>(token))); }

}  // namespace

Produce::Produce(tool::Context& context, Options options)
    : Bench(context, std::move(options)), payload_(this->options().record_bytes) {}

awaitable<Result<void>> Produce::load() {
  for (int i = 0; i < options().producers; ++i) MQ_CO_CHECK(co_await open_lane());
  start_window();
  env::TaskGroup sending(shard());
  for (const auto& lane : lanes_)
    sending.spawn(options().records_per_second() > 0 ? send_on_schedule(*lane) : send_at_will(*lane));
  co_await sending.join();
  for (const auto& lane : lanes_) {
    auto closed = co_await lane->producer->close(shard().now() + options().drain);
    if (!closed && !failure()) co_return closed;
  }
  co_return Result<void>{};
}

awaitable<Result<void>> Produce::open_lane() {
  // The first producer shares the connections that made the topic.
  client::Cluster* own = &cluster();
  if (!lanes_.empty()) {
    MQ_CO_TRY(own, co_await another_cluster());
  }
  auto& lane = *lanes_.emplace_back(std::make_unique<Lane>());
  lane.producer = std::make_unique<client::Producer>(*own, options().producer,
                                                     [this](const client::Delivery& delivery) { delivered(delivery); });
  MQ_CO_TRY(lane.topic, co_await lane.producer->topic(topic(), request_deadline()));
  co_return Result<void>{};
}

awaitable<void> Produce::send_at_will(Lane& lane) {
  while (!is_over()) {
    const Instant now = shard().now();
    timestamp_ = shard().clock().wall_now();
    bool taken = true;
    for (int i = 0; i < kRecordsPerLook && taken; ++i) taken = try_send(lane, now);
    if (!taken && !is_over()) co_await lane.producer->wait_for_room();
  }
}

awaitable<void> Produce::send_on_schedule(Lane& lane) {
  const Schedule schedule(shard().now(), options().records_per_second() / options().producers);
  while (!is_over()) {
    const Instant now = shard().now();
    timestamp_ = shard().clock().wall_now();
    bool taken = true;
    for (int i = 0; i < kRecordsPerLook && taken && schedule.at(lane.sent) <= now + kScheduleStep; ++i) {
      const Instant intended = schedule.at(lane.sent);
      taken = try_send(lane, intended);
      if (taken && is_measuring()) lateness_.record(now - intended);
    }
    // Also when we are late: what was sent must get out and answers must get in.
    if (taken) co_await shard().sleep_until(std::min(schedule.at(lane.sent), now + kLookEvery));
    if (!taken && !is_over()) co_await lane.producer->wait_for_room();
  }
  // What was due is not left out because we looked too late, and what finds no room is told.
  const std::uint64_t due = failure() ? lane.sent : schedule.due_before(window_end());
  while (lane.sent < due && try_send(lane, schedule.at(lane.sent))) {
  }
  unsent_ += due - std::min(due, lane.sent);
}

void Produce::delivered(const client::Delivery& delivery) {
  if (delivery.error != nullptr) return fail_with(*delivery.error);
  const auto tokens = delivery.tokens;
  const Instant now = shard().now();
  // A wait that began in the window counts as long as it is, as latencies do.
  if (acknowledged_at_ && began_in_window(*acknowledged_at_))
    longest_ack_gap_ = std::max(longest_ack_gap_, now - *acknowledged_at_);
  acknowledged_at_ = now;
  // Records of one look at the clock have the same token and stand together.
  for (std::size_t i = 0; i < tokens.size();) {
    std::size_t end = i + 1;
    while (end < tokens.size() && tokens[end] == tokens[i]) ++end;
    const Instant intended = instant_of(tokens[i]);
    const Duration took = std::max(now - intended, Duration{});
    if (began_in_window(intended)) response_.record_many(static_cast<std::uint64_t>(took.count()), end - i);
    i = end;
  }
  count(tokens.size(), tokens.size() * options().record_bytes);
}

bool Produce::try_send(Lane& lane, Instant intended) {
  auto taken = lane.producer->try_send(*lane.topic, {.partition = std::nullopt,
                                                     .key = std::nullopt,
                                                     .value = payload_.at(lane.sent),
                                                     .headers = {},
                                                     .timestamp = timestamp_,
                                                     .token = token_of(intended)});
  if (!taken) {
    fail_with(std::move(taken).error());
    return false;
  }
  if (*taken) ++lane.sent;
  return *taken;
}

void Produce::describe(Report& report) {
  report.add("record_bytes", std::uint64_t{options().record_bytes});
  describe_window(report);
  if (options().records_per_second() > 0) {
    report.add("unsent", unsent_);
    report.add("longest_ack_gap_ms", static_cast<double>(longest_ack_gap_ / 1us) / 1000, 1);
  }
  report.add_latencies(options().records_per_second() > 0 ? "response" : "latency", response_);
  report.add_latencies("lateness", lateness_);
}

}  // namespace mq::mqbench
