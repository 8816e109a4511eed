#include "sim/workload/readers.h"

#include <set>
#include <utility>

#include "client/cluster.h"
#include "client/consumer.h"
#include "client/group_consumer.h"
#include "record/record.h"

namespace mq::sim {
namespace {

void note_records(const Seat& seat, const std::string& reader, const client::Polled& polled) {
  record::RecordReader records;
  for (const client::FetchedBatch& batch : polled.batches)
    seat.expect(client::for_each_record(records, batch, [&](const record::RecordView& record) {
      seat.history.seen[reader].push_back(
          {.where = *batch.where, .offset = record.offset.value(), .value = std::string(record.value.value_or(""))});
    }));
}

void note_errors(const Seat& seat, const client::Polled& polled) {
  for (const client::PartitionError& error : polled.errors)
    seat.complain(error.where.to_string() + ": " + error.error.message);
}

/// To a group a record may come more than once.
std::size_t distinct_records(const std::vector<History::Sighting>& seen) {
  std::set<std::pair<TopicPartition, std::int64_t>> places;
  for (const History::Sighting& record : seen) places.emplace(record.where, record.offset);
  return places.size();
}

awaitable<void> read_all(Seat seat, ReadOptions options) {
  client::Cluster cluster(seat.shard(), seat.machine.random(), seat.options);
  seat.expect(co_await cluster.start(Instant::never()));
  seat.expect(co_await cluster.topic(options.topic, client::Cluster::AutoCreate::yes, Instant::never()));
  client::Consumer consumer(cluster, {.reset = client::OffsetReset::start});
  const Witness invariants = seat.watch(consumer);
  for (std::int32_t partition = 0; partition < options.partitions; ++partition)
    consumer.assign({options.topic, partition}, Offset{0});
  while (seat.history.seen[seat.name()].size() < options.records) {
    const auto polled = co_await consumer.poll(100ms);
    seat.expect(polled);
    if (!polled) break;
    note_records(seat, seat.name(), *polled);
    note_errors(seat, *polled);
  }
  co_await consumer.close();
  co_await cluster.close();
}

client::GroupOptions group_options(const Seat& seat, const JoinOptions& options, const client::GroupConsumer*& member) {
  client::GroupOptions group;
  group.group = options.group;
  group.assignors = options.assignors;
  group.session_timeout = 6s;
  group.heartbeat_interval = 100ms;
  group.consumer.reset = client::OffsetReset::start;
  group.on_assigned = [&history = seat.history, of = options.group, &member](const std::vector<TopicPartition>& given) {
    for (const TopicPartition& where : given)
      history.assignments.push_back(
          {.group = of, .generation = member->generation(), .where = where, .member = member->member_id()});
  };
  return group;
}

awaitable<void> be_a_member(Seat seat, JoinOptions options) {
  client::Cluster cluster(seat.shard(), seat.machine.random(), seat.options);
  seat.expect(co_await cluster.start(Instant::never()));
  seat.expect(co_await cluster.topic(options.topic, client::Cluster::AutoCreate::yes, Instant::never()));
  const client::GroupConsumer* self = nullptr;
  client::GroupConsumer member(cluster, {options.topic}, group_options(seat, options, self));
  self = &member;
  const Witness invariants = seat.watch(member);
  const auto has_enough = [&seat, &options] {
    return options.records == 0 ? seat.is_over : distinct_records(seat.history.seen[options.group]) >= options.records;
  };
  while (!has_enough()) {
    const auto polled = co_await member.poll(50ms);
    if (!options.is_patient) seat.expect(polled);
    if (!polled && !options.is_patient) break;
    if (!polled) continue;
    note_records(seat, options.group, *polled);
    if (!options.is_patient) note_errors(seat, *polled);
    if (polled->batches.empty()) continue;
    const auto committed = co_await member.commit_polled(seat.shard().now() + 10s);
    // The group may have gone on.
    if (!options.is_patient && !committed && committed.error().code != Errc::broker) seat.expect(committed);
  }
  const auto left = co_await member.close(seat.shard().now() + 10s);
  if (!options.is_patient) seat.expect(left);
  co_await cluster.close();
}

}  // namespace

ClientProgram read(ReadOptions options) {
  return [options = std::move(options)](Seat seat) { return read_all(std::move(seat), options); };
}

ClientProgram join(JoinOptions options) {
  return [options = std::move(options)](Seat seat) { return be_a_member(std::move(seat), options); };
}

}  // namespace mq::sim
