#include "sim/life/reading.h"

#include <array>
#include <map>
#include <set>
#include <utility>

#include "client/admin.h"
#include "client/cluster.h"
#include "client/consumer.h"
#include "client/group_consumer.h"
#include "client/retry.h"
#include "sim/life/poll_record.h"
#include "sim/life/topic_partitions.h"

namespace mq::sim {

awaitable<void> look_up_committed(Actor actor, client::Admin& admin, std::string group) {
  const auto asked = actor.history.ask_committed(actor.time(), group);
  const auto found = co_await admin.fetch_offsets(group, {}, actor.now() + kPatience);
  if (!found) {
    answer(actor, asked, found);
    co_return;
  }
  std::vector<judge::PartitionOffset> offsets;
  for (const client::CommittedOffset& offset : *found)
    offsets.push_back({.partition = name_of(offset.where), .offset = offset.offset.value()});
  actor.history.answer_committed(actor.time(), asked, offsets);
}

namespace {

using judge::HistoryWriter;

constexpr Duration kPollWait = 400ms;

/// Reads partitions from their begins, and writes down what it was given.
class Reader {
 public:
  explicit Reader(const Actor& actor)
      : actor_(actor),
        cluster_(actor.shard(), actor.random(), actor.options()),
        consumer_(cluster_, {.isolation = client::Isolation::read_uncommitted,
                             .reset = client::OffsetReset::fail,
                             .fetch_bytes_max = 20'000,
                             .partition_bytes_max = 3'000,
                             .prefetch_bytes_max = actor.plan.prefetch_bytes}),
        invariants_(actor.after_each_task([this] { consumer_.check_invariants(); })) {}

  awaitable<void> read_on() {
    (void)co_await cluster_.start(Instant::never());
    Instant look_again;
    while (!actor_.is_over()) {
      if (actor_.now() >= look_again) {
        co_await look_for_partitions(actor_.plan.topics);
        look_again = actor_.now() + 3s;
      }
      co_await poll();
      co_await actor_.pause(actor_.plan.pause_max);
    }
    co_await close();
  }

  /// To the ends that the logs have when it begins.
  awaitable<void> read_everything() {
    (void)co_await cluster_.start(Instant::never());
    std::vector<std::string> topics;
    for (const PlannedTopic& topic : actor_.stage.plan().topics) topics.push_back(topic.name);
    std::map<TopicPartition, Offset> ends;
    Instant look_again;
    while (ends.empty() || !have_been_reached(ends)) {
      if (actor_.now() >= look_again) {
        const bool is_whole = co_await look_for_partitions(topics);
        if (ends.empty() && is_whole) ends = co_await look_up_ends();
        look_again = actor_.now() + 1s;
      }
      co_await poll();
    }
    co_await look_up_groups();
    co_await close();
  }

 private:
  awaitable<void> close() {
    co_await consumer_.close();
    co_await cluster_.close();
  }

  /// Assigns what is there and was not assigned; false when something could not be asked.
  awaitable<bool> look_for_partitions(std::vector<std::string> topics) {
    const auto there = co_await partitions_of(cluster_, std::move(topics));
    bool is_whole = true;
    for (const TopicPartition& where : there)
      if (!consumer_.position(where)) is_whole = co_await begin_at_start(where) && is_whole;
    co_return is_whole && !there.empty();
  }

  [[nodiscard]] awaitable<std::optional<Offset>> look_up(TopicPartition where, std::int64_t which) {
    std::vector<client::OffsetQuery> queries{{.where = where, .at = which}};
    const auto asked = actor_.history.ask_list_offsets(actor_.time());
    const auto found = co_await client::list_offsets(cluster_, std::move(queries), client::Isolation::read_uncommitted,
                                                     actor_.now() + kPatience);
    if (!found) {
      answer(actor_, asked, found);
      co_return std::nullopt;
    }
    const Offset offset = found->front().offset;
    judge::LogEnds ends{.partition = name_of(where)};
    (which == client::OffsetQuery::kStart ? ends.begin : ends.end) = offset.value();
    actor_.history.answer_list_offsets(actor_.time(), asked, std::array{ends});
    co_return offset;
  }

  awaitable<bool> begin_at_start(TopicPartition where) {
    const auto start = co_await look_up(where, client::OffsetQuery::kStart);
    if (!start) co_return false;
    consumer_.assign(where, *start);
    tell_assignment();
    co_return true;
  }

  /// In histories an assignment is the whole of it.
  void tell_assignment() {
    const std::vector<TopicPartition> assigned = consumer_.assignment();
    std::vector<judge::StartingPoint> points;
    for (const TopicPartition& where : assigned)
      points.push_back({.partition = name_of(where),
                        .at = judge::StartingPoint::At::offset,
                        .offset = consumer_.position(where)->value()});
    const auto asked = actor_.history.ask_assign(actor_.time(), points);
    actor_.history.answer(actor_.time(), asked);
  }

  awaitable<void> poll() {
    const std::vector<TopicPartition> polling = consumer_.assignment();
    if (polling.empty()) {
      co_await actor_.pause(kPollWait);
      co_return;
    }
    const auto asked = actor_.history.ask_poll(actor_.time());
    const auto polled = co_await consumer_.poll(kPollWait);
    if (!polled) {
      answer(actor_, asked, polled);
      co_return;
    }
    std::set<TopicPartition> failed;
    for (const client::PartitionError& error : polled->errors) failed.insert(error.where);
    std::vector<TopicPartition> fine;
    for (const TopicPartition& where : polling)
      if (!failed.contains(where)) fine.push_back(where);
    const PollRecord record(*polled, fine);
    // A poll that gave nothing because all its partitions are broken is no success.
    if (record.partitions().empty()) {
      actor_.history.answer(actor_.time(), asked, {.outcome = judge::Outcome::info, .error = "every partition failed"});
    } else {
      actor_.history.answer_poll(actor_.time(), asked, record.partitions());
    }
    for (const client::FetchedBatch& batch : polled->batches) steps_over_damage_.erase(*batch.where);
    for (const client::PartitionError& error : polled->errors) co_await deal_with(error);
  }

  awaitable<void> deal_with(client::PartitionError error) {
    const TopicPartition& where = error.where;
    const auto position = consumer_.position(where);
    if (!position) co_return;
    if (error.error.code == Errc::offset_out_of_range) {
      const auto start = co_await look_up(where, client::OffsetQuery::kStart);
      if (start && consumer_.position(where)) {
        actor_.history.reset(actor_.time(), name_of(where), position->value(), start->value(), "OFFSET_OUT_OF_RANGE");
        consumer_.assign(where, *start);
        co_return;
      }
    }
    if (error.error.code == Errc::corrupt_batch) {
      // Where the damage ends is not known.
      std::int64_t& step = steps_over_damage_[where];
      step = step == 0 ? 1 : step * 2;
      consumer_.assign(where, Offset{position->value() + step});
      tell_assignment();
      co_return;
    }
    consumer_.unassign(where);
    tell_assignment();
  }

  awaitable<std::map<TopicPartition, Offset>> look_up_ends() {
    std::map<TopicPartition, Offset> ends;
    for (const TopicPartition& where : consumer_.assignment()) {
      const auto end = co_await look_up(where, client::OffsetQuery::kEnd);
      if (!end) co_return std::map<TopicPartition, Offset>{};
      ends.emplace(where, *end);
    }
    co_return ends;
  }

  [[nodiscard]] bool have_been_reached(const std::map<TopicPartition, Offset>& ends) const {
    return std::ranges::all_of(ends, [&](const auto& end) {
      const auto position = consumer_.position(end.first);
      return position && *position >= end.second;
    });
  }

  awaitable<void> look_up_groups() {
    std::set<std::string> groups;
    for (const PlannedClient& client : actor_.stage.plan().clients)
      if (!client.group.empty()) groups.insert(client.group);
    client::Admin admin(cluster_);
    for (const std::string& group : groups) co_await look_up_committed(actor_, admin, group);
  }

  Actor actor_;
  client::Cluster cluster_;
  client::Consumer consumer_;
  Witness invariants_;
  std::map<TopicPartition, std::int64_t> steps_over_damage_;
};

/// A member of a group, which commits what it was given.
class Member {
 public:
  explicit Member(const Actor& actor)
      : actor_(actor),
        cluster_(actor.shard(), actor.random(), actor.options()),
        member_(cluster_, actor.plan.topics, options(actor)),
        invariants_(actor.after_each_task([this] { member_.check_invariants(); })) {}

  /// False: another has its place, so this one is over; its owner starts it again.
  awaitable<bool> run() {
    (void)co_await cluster_.start(Instant::never());
    while (!actor_.is_over() && !is_fenced_) {
      co_await poll();
      co_await actor_.pause(actor_.plan.pause_max);
    }
    if (actor_.plan.is_static || is_fenced_) {
      // It keeps its place, and says nothing.
      (void)co_await member_.close(actor_.now() + kPatience);
    } else {
      const auto asked = actor_.history.ask_leave(actor_.time(), who());
      const auto left = co_await member_.close(actor_.now() + kPatience);
      answer(actor_, asked, left);
    }
    co_await cluster_.close();
    co_return !is_fenced_;
  }

 private:
  static client::GroupOptions options(const Actor& actor) {
    client::GroupOptions group;
    group.group = actor.plan.group;
    // The same of all: a log keeps only the assignor that was chosen, so after a start who has others is turned away.
    group.assignors = {
        actor.stage.plan().seed % 2 == 0 ? assignment::Assignor::range : assignment::Assignor::cooperative_sticky,
        assignment::Assignor::range};
    group.session_timeout = 6s;
    group.heartbeat_interval = 1s;
    group.rebalance_timeout = actor.stage.plan().rebalance_max;
    if (actor.stage.plan().is_cooperative) group.assignors = {assignment::Assignor::cooperative_sticky};
    if (actor.plan.is_static) group.instance_id = actor.machine.host();
    group.consumer.isolation = client::Isolation::read_uncommitted;
    group.consumer.reset = client::OffsetReset::start;
    group.consumer.partition_bytes_max = 3'000;
    return group;
  }

  /// A static member comes back under another id, to what it had in the same generation: to the group it is the same.
  [[nodiscard]] const std::string& name() const {
    return actor_.plan.is_static ? actor_.machine.host() : member_.member_id();
  }
  [[nodiscard]] judge::GroupMember who() const {
    return {.group = actor_.plan.group, .member = name(), .generation = member_.generation()};
  }

  [[nodiscard]] judge::GroupMember who_reads() const {
    return {.group = actor_.plan.group, .member = name(), .generation = told_generation_};
  }

  /// A new assignment is told before what was read under it.
  void tell_assignment() {
    // It is -1 when the member has lost what it had: the generations of a group that is made again begin anew.
    const std::int32_t generation = member_.assignment_generation();
    if (std::exchange(told_generation_, generation) == generation || generation < 0) return;
    const auto joined = actor_.history.ask_join(actor_.time(), {.group = actor_.plan.group});
    actor_.history.answer_join(actor_.time(), joined, name(), generation);
    const auto synced = actor_.history.ask_sync(actor_.time(), who_reads());
    const std::vector<TopicPartition> owned = member_.assignment();  // the names are views of it
    std::vector<judge::PartitionName> names;
    for (const TopicPartition& where : owned) names.push_back(name_of(where));
    actor_.history.answer_sync(actor_.time(), synced, names);
  }

  awaitable<void> poll() {
    const auto asked = actor_.history.ask_poll(actor_.time());
    const auto polled = co_await member_.poll(kPollWait);
    if (!polled) {
      answer(actor_, asked, polled);
      // A late request of an incarnation that is gone may have come after ours.
      is_fenced_ = client::code_of(polled.error()) == ErrorCode::kFencedInstanceId;
      co_return;
    }
    tell_assignment();
    actor_.history.answer(actor_.time(), asked);
    if (polled->batches.empty()) co_return;
    // What came belongs to the generation whose assignment the member has now, not to that in which it asked.
    const auto given = actor_.history.ask_poll(actor_.time(), who_reads());
    const PollRecord record(*polled, {});
    actor_.history.answer_poll(actor_.time(), given, record.partitions());
    co_await commit();
  }

  awaitable<void> commit() {
    std::vector<client::CommittedOffset> offsets;
    for (const TopicPartition& where : member_.assignment())
      if (const auto position = member_.position(where))
        offsets.push_back({.where = where, .offset = *position, .leader_epoch = member_.position_epoch(where)});
    std::vector<judge::PartitionOffset> told;
    for (const client::CommittedOffset& offset : offsets)
      told.push_back({.partition = name_of(offset.where), .offset = offset.offset.value()});
    const Instant began = actor_.now();
    const auto asked = actor_.history.ask_commit(actor_.time(), who(), told);
    const auto done = co_await member_.commit(offsets, actor_.now() + kPatience);
    answer(actor_, asked, done);
    if (done && actor_.now() - began >= client::Backoff::kFirst / 2) tell_of_earlier_attempts(told);
  }

  /// Since it took so long, it may have been tried more than once: what was not answered may arrive yet.
  void tell_of_earlier_attempts(std::span<const judge::PartitionOffset> offsets) {
    const auto asked = actor_.history.ask_commit(actor_.time(), who(), offsets);
    actor_.history.answer(actor_.time(), asked, {.outcome = judge::Outcome::info, .error = "tried again"});
  }

  Actor actor_;
  client::Cluster cluster_;
  client::GroupConsumer member_;
  Witness invariants_;
  std::int32_t told_generation_ = -1;
  bool is_fenced_ = false;
};

awaitable<void> be_a_reader(Actor actor) {
  Reader reader(actor);
  co_await reader.read_on();
}

awaitable<void> be_the_last_reader(Actor actor) {
  Reader reader(actor);
  co_await reader.read_everything();
}

awaitable<void> be_a_member(Actor actor) {
  for (bool is_done = false; !is_done;) {
    Member member(actor);
    is_done = co_await member.run();
  }
}

}  // namespace

ActorProgram read_until_the_end() { return be_a_reader; }
ActorProgram read_everything() { return be_the_last_reader; }
ActorProgram be_a_member_until_the_end() { return be_a_member; }

}  // namespace mq::sim
