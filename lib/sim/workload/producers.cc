#include "sim/workload/producers.h"

#include <chrono>

#include "client/cluster.h"
#include "env/random.h"

namespace mq::sim {
namespace {

awaitable<void> send_all(const Seat& seat, const ProduceOptions& options, client::Producer& producer,
                         client::Producer::Topic& topic) {
  for (std::int64_t i = 0; i < options.records; ++i) {
    const std::string key = "key " + std::to_string(i % options.keys);
    const std::string value = record_value(seat.name(), i);
    client::OutgoingRecord record{
        .partition = {}, .key = key, .value = value, .headers = {}, .token = static_cast<std::uint64_t>(i)};
    if (options.partitions > 0) record.partition = static_cast<std::int32_t>(i % options.partitions);
    seat.expect(co_await producer.send(topic, record));
    if (i % options.burst != options.burst - 1) continue;
    const auto pause_us = std::chrono::duration_cast<std::chrono::microseconds>(options.pause_max).count();
    const std::uint64_t drawn = seat.machine.random().below(static_cast<std::uint64_t>(pause_us));
    co_await seat.shard().sleep_until(seat.shard().now() + std::chrono::microseconds(drawn));
  }
}

awaitable<void> be_a_producer(Seat seat, ProduceOptions options) {
  client::Cluster cluster(seat.shard(), seat.machine.random(), seat.options);
  seat.expect(co_await cluster.start(Instant::never()));
  client::Producer producer(cluster, options.producer, [&seat](const client::Delivery& delivery) {
    if (delivery.error != nullptr) return seat.complain(delivery.error->message);
    std::int64_t offset = delivery.base_offset;
    for (const std::uint64_t token : delivery.tokens)
      seat.history.acknowledged.push_back(
          {.value = record_value(seat.name(), static_cast<std::int64_t>(token)),
           .where = {.topic = std::string(delivery.topic), .partition = delivery.partition},
           .offset = offset++});
  });
  const Witness invariants = seat.watch(producer);
  const auto topic = co_await producer.topic(options.topic, Instant::never());
  seat.expect(topic);
  if (topic) co_await send_all(seat, options, producer, **topic);
  seat.expect(co_await producer.close(Instant::never()));
  co_await cluster.close();
}

}  // namespace

ClientProgram produce(ProduceOptions options) {
  return [options = std::move(options)](Seat seat) { return be_a_producer(std::move(seat), options); };
}

}  // namespace mq::sim
