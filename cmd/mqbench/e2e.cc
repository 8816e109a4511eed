#include "e2e.h"

#include <algorithm>
#include <utility>

#include "schedule.h"
#include "stamped_record.h"

namespace mq::mqbench {
namespace {

constexpr int kRecordsPerTurn = 64;
constexpr Duration kEchoWait = 100ms;

}  // namespace

EndToEnd::EndToEnd(tool::Context& context, Options given)
    : Bench(context, std::move(given)), payload_(options().record_bytes), value_(options().record_bytes, '\0') {}

awaitable<Result<void>> EndToEnd::load() {
  run_ = runtime().random().next();
  MQ_CO_TRY(client::Cluster* const reading, co_await another_cluster());
  client::Producer producer(cluster(), options().producer, [this](const client::Delivery& delivery) {
    if (delivery.error != nullptr) fail_with(*delivery.error);
  });
  client::Consumer consumer(*reading, {.isolation = client::Isolation::read_uncommitted});
  auto into = co_await producer.topic(topic(), request_deadline());
  auto ready = into ? co_await assign_ends(consumer) : fail(into.error());
  if (ready) {
    start_window();
    env::TaskGroup both(shard());
    both.spawn(receive(consumer));
    both.spawn(send(producer, **into));
    co_await both.join();
  }
  co_await consumer.close();
  auto closed = co_await producer.close(shard().now() + options().drain);
  if (!ready || failure()) co_return ready;
  co_return closed;
}

awaitable<Result<void>> EndToEnd::assign_ends(client::Consumer& consumer) {
  MQ_CO_TRY(const auto info, co_await cluster().topic(topic(), client::Cluster::AutoCreate::yes, request_deadline()));
  std::vector<client::OffsetQuery> queries;
  for (std::size_t i = 0; i < info->partitions.size(); ++i)
    queries.push_back({.where = {.topic = topic(), .partition = static_cast<std::int32_t>(i)}});
  MQ_CO_TRY(const auto answers, co_await client::list_offsets(cluster(), std::move(queries),
                                                              client::Isolation::read_uncommitted, request_deadline()));
  for (const auto& answer : answers) consumer.assign(answer.where, answer.offset);
  co_return Result<void>{};
}

awaitable<void> EndToEnd::send(client::Producer& producer, client::Producer::Topic& into) {
  const Schedule schedule(shard().now(), options().records_per_second());
  while (!is_over()) {
    bool has_room = true;
    for (int i = 0; i < kRecordsPerTurn && has_room && schedule.at(sent_) <= shard().now(); ++i) {
      has_room = try_send(producer, into, schedule.at(sent_));
    }
    if (is_over()) break;
    if (has_room) {
      co_await shard().sleep_until(std::min(schedule.at(sent_), shard().now() + kLookEvery));
    } else {
      co_await producer.wait_for_room();
    }
  }
  // What was due is not left out because we looked too late, and what finds no room is told.
  const std::uint64_t due = failure() ? sent_ : schedule.due_before(window_end());
  while (sent_ < due && try_send(producer, into, schedule.at(sent_))) {
  }
  unsent_ = due - std::min(due, sent_);
  sent_all_ = shard().now();
  sending_ = false;
}

bool EndToEnd::try_send(client::Producer& producer, client::Producer::Topic& into, Instant intended) {
  write_stamp({.run = run_,
               .sequence = sent_,
               .intended = intended.since_start().count(),
               .sent = shard().now().since_start().count()},
              payload_.at(sent_), value_);
  auto taken =
      producer.try_send(into, {.partition = std::nullopt, .key = std::nullopt, .value = value_, .headers = {}});
  if (!taken) {
    fail_with(std::move(taken).error());
    return false;
  }
  if (*taken) ++sent_;
  return *taken;
}

awaitable<void> EndToEnd::receive(client::Consumer& consumer) {
  while (is_missing_some() && !failure() && !has_left() && (sending_ || shard().now() < sent_all_ + options().drain)) {
    auto polled = co_await consumer.poll(kEchoWait);
    if (!polled) co_return fail_with(std::move(polled).error());
    if (!polled->errors.empty()) co_return fail_with(std::move(polled->errors.front().error));
    for (const auto& batch : polled->batches) {
      auto taken = client::for_each_record(reader_, batch, [this](const record::RecordView& record) { take(record); });
      if (!taken) co_return fail_with(std::move(taken).error());
    }
  }
}

void EndToEnd::take(const record::RecordView& record) {
  const auto stamp = read_stamp(record.value.value_or(BytesView{}));
  if (!stamp || stamp->run != run_) return;
  ++arrived_;
  if (!began_in_window(Instant(Duration(stamp->intended)))) return;
  const Duration now = shard().now().since_start();
  response_.record(now - Duration(stamp->intended));
  service_.record(now - Duration(stamp->sent));
  count(1, options().record_bytes);
}

void EndToEnd::describe(Report& report) {
  report.add("record_bytes", std::uint64_t{options().record_bytes});
  report.add("intended_per_s", options().records_per_second(), 0);
  describe_window(report);
  report.add("unsent", unsent_);
  report.add("missing", sent_ - std::min(sent_, arrived_));
  report.add_latencies("response", response_);
  report.add_latencies("service", service_);
  if (arrived_ < sent_) worsen(cli::ExitCode::some_failed);
}

}  // namespace mq::mqbench
