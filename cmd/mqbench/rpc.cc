#include "rpc.h"

#include <algorithm>
#include <utility>

#include "base/cursor.h"
#include "base/milliseconds.h"
#include "client/connection.h"
#include "payload.h"
#include "record/batch_builder.h"
#include "wire/header.h"
#include "wire/messages/produce.h"

namespace mq::mqbench {
namespace {

constexpr std::int32_t kCorrelationId = 1;
constexpr std::size_t kAnswerBytesMax = 64 << 10;
constexpr Duration kLookForSilenceEvery = 100ms;

}  // namespace

awaitable<Result<void>> Rpc::load() {
  MQ_CO_TRY(const auto info, co_await cluster().topic(topic(), client::Cluster::AutoCreate::yes, request_deadline()));
  const auto partitions = static_cast<int>(info->partitions.size());
  for (int i = 0; i < options().connections; ++i) MQ_CO_CHECK(co_await open_caller(i % partitions));
  start_window();
  env::TaskGroup calling(shard());
  for (const auto& caller : callers_) calling.spawn(call_on(*caller));
  env::TaskGroup watching(shard());
  watching.spawn(watch_for_silence());
  co_await calling.join();
  co_await watching.join();
  co_return Result<void>{};
}

awaitable<Result<void>> Rpc::open_caller(std::int32_t partition) {
  const auto info = cluster().cached_topic(topic());
  const BrokerId leader = info->partitions.at(static_cast<std::size_t>(partition)).leader;
  if (leader == kNoBroker) co_return fail(Errc::not_leader, "partition {}-{} has no leader", topic(), partition);
  MQ_CO_TRY(const auto connection, co_await cluster().broker(leader));
  MQ_CO_TRY(version_, connection->version_for<wire::ProduceRequest>());

  record::BatchBuilder builder;
  const Payload payload(options().record_bytes);
  builder.add(shard().clock().wall_now(), std::nullopt, payload.at(0));
  MQ_CO_TRY(const std::string batch, builder.finish());
  wire::ProduceRequest request;
  request.acks = static_cast<std::int16_t>(options().producer.acks);
  request.timeout_ms = to_ms(client_options().request_timeout);
  auto& data = request.topic_data.emplace_back();
  data.name = topic();
  data.topic_id = info->id;
  data.partition_data.push_back({.index = partition, .records = wire::Records::of(batch)});

  auto& caller = *callers_.emplace_back(std::make_unique<Caller>());
  caller.frame = wire::encode_request(
      {.api_version = version_, .correlation_id = kCorrelationId, .client_id = client_options().client_id}, request);
  caller.answer.resize(kAnswerBytesMax);
  MQ_CO_TRY(caller.stream,
            co_await shard().network().connect(address_of(leader), shard().now() + client_options().connect_timeout));
  // A new topic may not have reached its leader yet; after this first record it has.
  co_return co_await cluster().retry(request_deadline(), [&] { return exchange(caller); });
}

env::Address Rpc::address_of(BrokerId broker) {
  // Behind a unix socket there is one broker, which names an address for others.
  const env::Address& contact = client_options().bootstrap.front();
  const auto known = std::ranges::find(cluster().brokers(), broker, &client::BrokerInfo::id);
  return contact.is_unix() || known == cluster().brokers().end() ? contact : known->address;
}

awaitable<void> Rpc::call_on(Caller& caller) {
  while (!is_over()) {
    const Instant sent = caller.asked = shard().now();
    auto done = co_await exchange(caller);
    caller.asked = Instant::never();
    if (!done) {
      if (!is_stopped() && !failure()) fail_with(std::move(done).error());
      co_return;
    }
    if (began_in_window(sent)) latency_.record(shard().now() - sent);
    count(1, options().record_bytes);
  }
}

awaitable<void> Rpc::watch_for_silence() {
  const auto waits = [](const auto& caller) { return caller->asked != Instant::never(); };
  while (!is_over() || std::ranges::any_of(callers_, waits)) {
    co_await shard().sleep_until(shard().now() + kLookForSilenceEvery);
    const Instant patience = shard().now() - client_options().request_timeout;
    const bool is_silent = std::ranges::any_of(callers_, [&](const auto& caller) { return caller->asked < patience; });
    if (!is_silent && !has_left()) continue;
    if (!is_stopped()) fail_with({.code = Errc::timed_out, .message = "no answer in time"});
    for (const auto& caller : callers_) caller->stream->close();
    co_return;
  }
}

awaitable<Result<void>> Rpc::exchange(Caller& caller) {
  const BytesView request(caller.frame);
  MQ_CO_CHECK(co_await caller.stream->write({&request, 1}));
  std::size_t have = 0;
  std::size_t want = wire::kFrameLengthBytes;
  while (have < want) {
    MQ_CO_TRY(const std::size_t got,
              co_await caller.stream->read_some({caller.answer.data() + have, kAnswerBytesMax - have}));
    have += got;
    if (have < wire::kFrameLengthBytes) continue;
    want = wire::kFrameLengthBytes + load_be<std::uint32_t>(caller.answer.data());
    if (want > kAnswerBytesMax) co_return fail(Errc::corrupt, "the answer is {} bytes long", want);
  }
  co_return check(BytesView(caller.answer).substr(wire::kFrameLengthBytes, want - wire::kFrameLengthBytes));
}

Result<void> Rpc::check(BytesView answer) const {
  Reader in(answer);
  MQ_TRY(const std::int32_t correlation_id, wire::decode_response_header(in, ApiKey::kProduce, version_));
  if (correlation_id != kCorrelationId) return fail(Errc::corrupt, "an answer to another request");
  MQ_TRY(const auto response, wire::decode<wire::ProduceResponse>(in.rest(), version_));
  if (response.responses.empty() || response.responses.front().partition_responses.empty())
    return fail(Errc::corrupt, "an answer without the partition that was asked for");
  const auto& partition = response.responses.front().partition_responses.front();
  if (partition.error_code != ErrorCode::kNone)
    return fail(client::broker_error(partition.error_code, "{}-{}", topic(), partition.index));
  return {};
}

void Rpc::on_over() {
  // A broker that does not answer any more must not keep us.
  for (const auto& caller : callers_)
    if (caller->stream && (failure() || is_stopped())) caller->stream->close();
}

void Rpc::describe(Report& report) {
  report.add("record_bytes", std::uint64_t{options().record_bytes});
  report.add("connections", static_cast<std::uint64_t>(options().connections));
  describe_window(report);
  report.add_latencies("latency", latency_);
}

}  // namespace mq::mqbench
