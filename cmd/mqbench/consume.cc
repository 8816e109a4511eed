#include "consume.h"

#include <optional>

#include "client/producer.h"
#include "payload.h"

namespace mq::mqbench {
namespace {

constexpr Duration kPollWait = 500ms;

}  // namespace

awaitable<Result<void>> Consume::load() {
  if (options().topic.empty()) MQ_CO_CHECK(co_await fill());
  MQ_CO_CHECK(co_await find_ranges());
  for (int i = 0; i < options().connections; ++i) MQ_CO_CHECK(co_await open_reader());
  start_window();
  env::TaskGroup reading(shard());
  for (const auto& reader : readers_) reading.spawn(read(*reader));
  co_await reading.join();
  for (const auto& reader : readers_) co_await reader->consumer->close();
  co_return Result<void>{};
}

awaitable<Result<void>> Consume::fill() {
  std::optional<Error> refused;
  client::Producer producer(cluster(), options().producer, [&](const client::Delivery& delivery) {
    if (delivery.error != nullptr && !refused) refused = *delivery.error;
  });
  MQ_CO_TRY(client::Producer::Topic* const into, co_await producer.topic(topic(), request_deadline()));
  const std::int32_t partitions = client::Producer::partition_count(*into);
  const Payload payload(options().record_bytes);
  const WallMillis timestamp = shard().clock().wall_now();
  const std::uint64_t records = options().backlog_bytes / std::max<std::size_t>(options().record_bytes, 1) + 1;
  for (std::uint64_t i = 0; i < records && !refused && !is_over();) {
    MQ_CO_TRY(
        const bool taken,
        producer.try_send(*into, {.partition = static_cast<std::int32_t>(i % static_cast<std::uint64_t>(partitions)),
                                  .key = std::nullopt,
                                  .value = payload.at(i),
                                  .headers = {},
                                  .timestamp = timestamp}));
    if (taken) {
      ++i;
    } else {
      co_await producer.wait_for_room();
    }
  }
  MQ_CO_CHECK(co_await producer.close(shard().now() + options().drain));
  if (refused) co_return fail(*refused);
  co_return Result<void>{};
}

awaitable<Result<void>> Consume::find_ranges() {
  MQ_CO_TRY(const auto info, co_await cluster().topic(topic(), client::Cluster::AutoCreate::no, request_deadline()));
  std::vector<client::OffsetQuery> queries;
  for (std::size_t i = 0; i < info->partitions.size(); ++i) {
    const TopicPartition where{.topic = topic(), .partition = static_cast<std::int32_t>(i)};
    queries.push_back({.where = where, .at = client::OffsetQuery::kStart});
    queries.push_back({.where = where, .at = client::OffsetQuery::kEnd});
  }
  MQ_CO_TRY(const auto answers, co_await client::list_offsets(cluster(), std::move(queries),
                                                              client::Isolation::read_uncommitted, request_deadline()));
  for (std::size_t i = 0; i + 1 < answers.size(); i += 2)
    if (answers[i].offset < answers[i + 1].offset)
      ranges_.push_back({.where = answers[i].where, .start = answers[i].offset, .end = answers[i + 1].offset});
  if (ranges_.empty()) co_return fail(Errc::not_found, "there is nothing to read in {}", topic());
  co_return Result<void>{};
}

awaitable<Result<void>> Consume::open_reader() {
  client::Cluster* own = &cluster();
  if (!readers_.empty()) {
    MQ_CO_TRY(own, co_await another_cluster());
  }
  auto& reader = *readers_.emplace_back(std::make_unique<Reader>());
  reader.consumer = std::make_unique<client::Consumer>(
      *own, client::ConsumerOptions{.isolation = client::Isolation::read_uncommitted, .prefetch_bytes_max = 8u << 20});
  for (const Range& range : ranges_) reader.consumer->assign(range.where, range.start);
  co_return Result<void>{};
}

awaitable<void> Consume::read(Reader& reader) {
  while (!is_over()) {
    auto polled = co_await reader.consumer->poll(kPollWait);
    if (!polled) co_return fail_with(std::move(polled).error());
    if (!polled->errors.empty()) co_return fail_with(std::move(polled->errors.front().error));
    for (const auto& batch : polled->batches)
      if (auto taken = take(reader, batch); !taken) co_return fail_with(std::move(taken).error());
    for (const Range& range : ranges_)
      if (reader.consumer->position(range.where) >= range.end) reader.consumer->assign(range.where, range.start);
  }
}

Result<void> Consume::take(Reader& reader, const client::FetchedBatch& batch) {
  std::uint64_t records = static_cast<std::uint64_t>(batch.header.record_count);
  if (options().decode) {
    records = 0;
    MQ_CHECK(client::for_each_record(reader.records, batch, [&](const record::RecordView&) { ++records; }));
  }
  count(records, batch.bytes.size());
  return {};
}

void Consume::on_over() {
  for (const auto& reader : readers_) reader->consumer->wake();
}

void Consume::describe(Report& report) {
  report.add("connections", static_cast<std::uint64_t>(options().connections));
  describe_window(report);
}

}  // namespace mq::mqbench
