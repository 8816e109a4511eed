#include "sim/workload/admins.h"

#include <utility>

#include "client/admin.h"
#include "client/cluster.h"
#include "client/group_consumer.h"

namespace mq::sim {
namespace {

awaitable<void> carry_out(Seat seat, std::vector<TopicWish> wishes) {
  client::Cluster cluster(seat.shard(), seat.machine.random(), seat.options);
  seat.expect(co_await cluster.start(Instant::never()));
  client::Admin admin(cluster);
  std::vector<client::NewTopic> wanted;
  for (const TopicWish& wish : wishes) wanted.push_back({.name = wish.name, .partitions = wish.partitions});
  const auto made = co_await admin.create_topics(wanted, false, Instant::never());
  seat.expect(made);
  for (std::size_t i = 0; made && i < made->size(); ++i) {
    if ((*made)[i].error) seat.complain((*made)[i].error->message);
    seat.history.topics[wishes[i].name] = wishes[i].partitions;
  }
  for (const TopicWish& wish : wishes) {
    if (wish.partitions_later == 0) continue;
    seat.expect(co_await admin.create_partitions(wish.name, wish.partitions_later, false, Instant::never()));
    seat.history.topics[wish.name] = wish.partitions_later;
  }
  for (const TopicWish& wish : wishes) {
    if (!wish.is_deleted) continue;
    const auto deleted = co_await admin.delete_topics({wish.name}, Instant::never());
    seat.expect(deleted);
    if (deleted && deleted->front().error) seat.complain(deleted->front().error->message);
    seat.history.topics.erase(wish.name);
    seat.history.deleted_topics.insert(wish.name);
  }
  co_await cluster.close();
}

/// The brokers may stop between the two, or before an answer.
awaitable<void> change_topics(Seat seat) {
  client::Cluster cluster(seat.shard(), seat.machine.random(), seat.options);
  seat.expect(co_await cluster.start(Instant::never()));
  client::Admin admin(cluster);
  for (int i = 0; !seat.is_over; ++i) {
    const std::string name = "passing-" + std::to_string(i);
    std::vector<client::NewTopic> wanted;
    wanted.push_back({.name = name, .partitions = 5});
    (void)co_await admin.create_topics(std::move(wanted), false, seat.shard().now() + 20s);
    (void)co_await admin.delete_topics({name}, seat.shard().now() + 20s);
  }
  co_await cluster.close();
}

std::string group_name(int index) { return "group " + std::to_string(index); }

awaitable<void> commit_all(Seat seat, CommitOptions options) {
  client::Cluster cluster(seat.shard(), seat.machine.random(), seat.options);
  seat.expect(co_await cluster.start(Instant::never()));
  seat.expect(co_await cluster.topic(options.topic, client::Cluster::AutoCreate::yes, Instant::never()));
  client::Admin admin(cluster);
  for (int i = 0; i < options.commits; ++i) {
    History::Commit commit{.kind = History::Commit::Kind::asked,
                           .group = group_name(i % options.groups),
                           .where = {options.topic, 0},
                           .offset = i};
    seat.history.commits.push_back(commit);
    std::vector<client::CommittedOffset> offsets;
    offsets.push_back(
        {.where = commit.where, .offset = Offset{i}, .metadata = std::string(options.metadata_bytes, 'x')});
    const auto done = co_await admin.commit_offsets(commit.group, std::move(offsets), Instant::never());
    seat.expect(done);
    if (done && done->front().error) seat.complain(done->front().error->message);
    commit.kind = History::Commit::Kind::acknowledged;
    seat.history.commits.push_back(std::move(commit));
  }
  co_await cluster.close();
}

awaitable<void> look_up_all(Seat seat, CommitOptions options) {
  client::Cluster cluster(seat.shard(), seat.machine.random(), seat.options);
  seat.expect(co_await cluster.start(Instant::never()));
  client::Admin admin(cluster);
  for (int i = 0; i < options.groups; ++i) {
    const TopicPartition where{options.topic, 0};
    const auto found = co_await admin.fetch_offsets(group_name(i), {where}, Instant::never());
    seat.expect(found);
    if (!found) continue;
    seat.history.commits.push_back({.kind = History::Commit::Kind::found,
                                    .group = group_name(i),
                                    .where = where,
                                    .offset = found->front().offset.value()});
  }
  co_await cluster.close();
}

}  // namespace

ClientProgram make_topics(std::vector<TopicWish> wishes) {
  return [wishes = std::move(wishes)](Seat seat) { return carry_out(std::move(seat), wishes); };
}

ClientProgram make_and_delete_topics() {
  return [](Seat seat) { return change_topics(std::move(seat)); };
}

ClientProgram commit_for_groups(CommitOptions options) {
  return [options = std::move(options)](Seat seat) { return commit_all(std::move(seat), options); };
}

ClientProgram look_up_commits(CommitOptions options) {
  return [options = std::move(options)](Seat seat) { return look_up_all(std::move(seat), options); };
}

}  // namespace mq::sim
