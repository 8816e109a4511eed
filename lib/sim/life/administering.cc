#include "sim/life/administering.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "client/admin.h"
#include "client/cluster.h"
#include "client/consumer.h"
#include "sim/life/reading.h"
#include "sim/life/topic_partitions.h"

namespace mq::sim {
namespace {

constexpr std::int32_t kPartitionsMax = 7;

client::NewTopic new_topic(const PlannedTopic& topic) {
  client::NewTopic wanted{.name = topic.name, .partitions = topic.partitions};
  wanted.configs = topic.configs;
  return wanted;
}

class Administrator {
 public:
  explicit Administrator(const Actor& actor)
      : actor_(actor), cluster_(actor.shard(), actor.random(), actor.options()), admin_(cluster_) {}

  awaitable<void> make_all() {
    (void)co_await cluster_.start(Instant::never());
    for (const PlannedTopic& topic : topics())
      while (!co_await make(topic, Instant::never())) {
      }
    co_await cluster_.close();
  }

  awaitable<void> run() {
    (void)co_await cluster_.start(Instant::never());
    while (!actor_.is_over()) {
      if (actor_.stage.is_calm()) co_await see_that_all_is_there();
      co_await do_something();
      if (actor_.stage.plan().has_drains) co_await drain_or_not();
      co_await actor_.pause(actor_.plan.pause_max);
    }
    co_await cluster_.close();
  }

 private:
  [[nodiscard]] const std::vector<PlannedTopic>& topics() const { return actor_.stage.plan().topics; }
  [[nodiscard]] Instant deadline() const { return actor_.now() + kPatience; }
  [[nodiscard]] std::uint64_t below(std::uint64_t bound) const { return actor_.random().below(bound); }

  awaitable<void> do_something() {
    const PlannedTopic& topic = topics().at(below(topics().size()));
    if (below(3) == 0) co_return co_await do_something_odd(topic);
    switch (below(8)) {
      case 0:
      case 1:
        if (topic.comes_and_goes) co_return co_await make_or_delete(topic);
        co_return co_await look_up_ends(topic);
      case 2:
        // Who sends to a partition that is not made again would never get on.
        if (!topic.comes_and_goes) co_return co_await add_partition(topic);
        co_return co_await look_up_ends(topic);
      case 3:
        co_return co_await change_setting(topic);
      case 4:
        if (!topic.is_compacted) co_return co_await delete_records(topic);
        co_return co_await look_up_ends(topic);
      case 5:
        co_return co_await look_up_group();
      case 6:
        co_return co_await describe();
      default:
        co_return co_await look_up_ends(topic);
    }
  }

  /// One at a time, and none when nothing is broken any more.
  awaitable<void> drain_or_not() {
    if (drained_ != kNoBroker) {
      if (below(3) != 0 && !actor_.stage.is_calm()) co_return;
      const auto undone = co_await admin_.drain_broker(drained_, false, deadline());
      tell("drain --undo", undone);
      if (undone) drained_ = kNoBroker;
    } else if (!actor_.stage.is_calm() && below(4) == 0) {
      drained_ =
          BrokerId{1 + static_cast<std::int32_t>(below(static_cast<std::uint64_t>(actor_.stage.plan().brokers)))};
      tell("drain", co_await admin_.drain_broker(drained_, true, deadline()));
    }
  }

  /// What comes and goes is there when nothing is broken any more, so that nobody tries in vain.
  awaitable<void> see_that_all_is_there() {
    for (; next_to_see_ < topics().size(); ++next_to_see_)
      if (topics()[next_to_see_].comes_and_goes && !co_await make(topics()[next_to_see_], deadline())) co_return;
  }

  awaitable<bool> make(const PlannedTopic& topic, Instant until) {
    const auto asked = actor_.history.ask_create_topic(actor_.time(), topic.name);
    std::vector<client::NewTopic> wanted;
    wanted.push_back(new_topic(topic));
    const auto made = co_await admin_.create_topics(std::move(wanted), false, until);
    if (!made) {
      answer(actor_, asked, made);
      co_return false;
    }
    const auto& error = made->front().error;
    answer(actor_, asked, error ? Result<void>(std::unexpected(*error)) : Result<void>());
    // It may be there because of an attempt of ours whose answer was lost.
    co_return !error || error->code == Errc::already_exists || error->kafka_code == kTopicExists;
  }

  awaitable<void> make_or_delete(const PlannedTopic& topic) {
    if (below(2) == 0 || actor_.stage.is_calm()) {
      (void)co_await make(topic, deadline());
      co_return;
    }
    const auto asked = actor_.history.ask_delete_topic(actor_.time(), topic.name);
    const auto deleted = co_await admin_.delete_topics({topic.name}, deadline());
    if (!deleted) co_return answer(actor_, asked, deleted);
    const auto& error = deleted->front().error;
    answer(actor_, asked, error ? Result<void>(std::unexpected(*error)) : Result<void>());
  }

  awaitable<void> add_partition(const PlannedTopic& topic) {
    const auto there = co_await partitions_of(cluster_, {topic.name});
    const auto count = static_cast<std::int32_t>(there.size());
    if (count == 0 || count >= kPartitionsMax) co_return;
    const auto asked = actor_.history.ask_admin(actor_.time(), "create_partitions");
    answer(actor_, asked, co_await admin_.create_partitions(topic.name, count + 1, below(5) == 0, deadline()));
  }

  awaitable<void> change_setting(const PlannedTopic& topic) {
    constexpr std::array<std::pair<const char*, const char*>, 7> kSettings = {{{"segment.bytes", "900"},
                                                                               {"segment.bytes", "50000"},
                                                                               {"index.interval.bytes", "100"},
                                                                               {"segment.ms", "3000"},
                                                                               {"max.message.bytes", "20000"},
                                                                               {"file.delete.delay.ms", "100"},
                                                                               {"flush.messages", "5"}}};
    const auto& [name, value] = kSettings.at(below(kSettings.size()));
    std::vector<client::ConfigChange> changes;
    changes.push_back({.name = name, .op = client::ConfigOp::set, .value = value});
    const auto asked = actor_.history.ask_admin(actor_.time(), "alter_configs");
    answer(actor_, asked,
           co_await admin_.alter_configs(client::ResourceType::topic, topic.name, std::move(changes), below(5) == 0,
                                         deadline()));
  }

  /// Of one partition of the topic; nothing when it cannot be asked.
  awaitable<std::optional<std::pair<TopicPartition, std::int64_t>>> look_up_end(const PlannedTopic& topic) {
    const auto there = co_await partitions_of(cluster_, {topic.name});
    if (there.empty()) co_return std::nullopt;
    const TopicPartition where = there.at(below(there.size()));
    const auto asked = actor_.history.ask_list_offsets(actor_.time());
    std::vector<client::OffsetQuery> queries{{.where = where, .at = client::OffsetQuery::kStart},
                                             {.where = where, .at = client::OffsetQuery::kEnd}};
    const auto found =
        co_await client::list_offsets(cluster_, std::move(queries), client::Isolation::read_uncommitted, deadline());
    if (!found) {
      answer(actor_, asked, found);
      co_return std::nullopt;
    }
    const judge::LogEnds ends{
        .partition = name_of(where), .begin = found->front().offset.value(), .end = found->back().offset.value()};
    actor_.history.answer_list_offsets(actor_.time(), asked, std::array{ends});
    co_return std::pair(where, ends.end);
  }

  awaitable<void> look_up_ends(const PlannedTopic& topic) { (void)co_await look_up_end(topic); }

  awaitable<void> delete_records(const PlannedTopic& topic) {
    const auto found = co_await look_up_end(topic);
    if (!found || found->second == 0) co_return;
    const auto& [where, end] = *found;
    // Not too many: they are what is judged.
    const Offset before{
        static_cast<std::int64_t>(below(static_cast<std::uint64_t>(end) / (below(4) == 0 ? 1 : 4) + 1))};
    const std::array<judge::PartitionOffset, 1> wanted{{{.partition = name_of(where), .offset = before.value()}}};
    const auto asked = actor_.history.ask_delete_records(actor_.time(), wanted);
    std::vector<std::pair<TopicPartition, Offset>> all{{where, before}};
    const auto deleted = co_await admin_.delete_records(std::move(all), deadline());
    if (!deleted) co_return answer(actor_, asked, deleted);
    const client::PartitionResult& result = deleted->front();
    if (result.error) co_return answer(actor_, asked, Result<void>(std::unexpected(*result.error)));
    const std::array<judge::PartitionOffset, 1> told{{{.partition = name_of(where), .offset = result.offset.value()}}};
    actor_.history.answer_delete_records(actor_.time(), asked, told);
  }

  awaitable<void> look_up_group() {
    std::set<std::string> groups;
    for (const PlannedClient& client : actor_.stage.plan().clients)
      if (!client.group.empty()) groups.insert(client.group);
    if (groups.empty()) co_return;
    const auto group = std::next(groups.begin(), static_cast<std::ptrdiff_t>(below(groups.size())));
    co_await look_up_committed(actor_, admin_, *group);
  }

  /// What is asked for seldom, and what has to be refused.
  awaitable<void> do_something_odd(const PlannedTopic& topic) {
    const auto there = co_await partitions_of(cluster_, {topic.name});
    if (there.empty()) co_return;
    const TopicPartition where = there.at(below(there.size()));
    const std::vector<TopicPartition> only{where};
    const std::string aside = "aside";  // a group of nobody but administrators
    switch (below(9)) {
      case 0:
        co_return co_await look_up_times(where);
      case 1:
        co_return tell("no such setting", co_await set(topic, "segment.bytes", "many"));
      case 2:
        co_return tell("growth of nothing", co_await admin_.create_partitions("nowhere", 2, false, deadline()));
      case 3:
        co_return tell("no growth", co_await admin_.create_partitions(topic.name, 1, false, deadline()));
      case 4: {
        // Of a compacted topic not even the first, of others none that is not there.
        const Offset before{topic.is_compacted ? 1 : 1'000'000'000};
        std::vector<std::pair<TopicPartition, Offset>> all{{where, before}};
        co_return tell("deletion of nothing", co_await admin_.delete_records(std::move(all), deadline()));
      }
      case 5: {
        std::vector<client::CommittedOffset> offsets{{.where = where, .offset = Offset{1}}};
        co_return tell("commit aside", co_await admin_.commit_offsets(aside, std::move(offsets), deadline()));
      }
      case 6:
        co_return tell("deletion of offsets aside", co_await admin_.delete_offsets(aside, only, deadline()));
      case 7:
        if (below(2) == 0) co_return co_await delete_group("loners");
        co_return tell("deletion of a group aside", co_await admin_.delete_groups({aside}, deadline()));
      default:
        co_await look_at_details(where);
    }
  }

  template <class T>
  void tell(std::string_view what, const Result<T>& outcome) {
    answer(actor_, actor_.history.ask_admin(actor_.time(), what), outcome);
  }

  awaitable<Result<void>> set(const PlannedTopic& topic, std::string name, std::string value) {
    std::vector<client::ConfigChange> changes;
    changes.push_back({.name = std::move(name), .op = client::ConfigOp::set, .value = std::move(value)});
    return admin_.alter_configs(client::ResourceType::topic, topic.name, std::move(changes), false, deadline());
  }

  awaitable<void> look_up_times(TopicPartition where) {
    const WallMillis now = actor_.shard().clock().wall_now();
    std::vector<client::OffsetQuery> queries{{.where = where, .at = now - static_cast<WallMillis>(below(40'000))},
                                             {.where = where, .at = client::OffsetQuery::kMaxTimestamp}};
    tell("list_offsets by time",
         co_await client::list_offsets(cluster_, std::move(queries), client::Isolation::read_uncommitted, deadline()));
  }

  awaitable<void> delete_group(std::string group) {
    const auto asked = actor_.history.ask_delete_group(actor_.time(), group);
    const auto deleted = co_await admin_.delete_groups({std::move(group)}, deadline());
    if (!deleted) co_return answer(actor_, asked, deleted);
    const auto& error = deleted->front().error;
    answer(actor_, asked, error ? Result<void>(std::unexpected(*error)) : Result<void>());
  }

  awaitable<void> look_at_details(TopicPartition where) {
    tell("describe_producers", co_await admin_.describe_producers(where, deadline()));
    tell("describe_configs", co_await admin_.describe_configs(client::ResourceType::topic, where.topic, deadline()));
    tell("describe_group", co_await admin_.describe_group("readers", deadline()));
  }

  awaitable<void> describe() {
    const auto asked = actor_.history.ask_admin(actor_.time(), "describe");
    switch (below(4)) {
      case 0:
        co_return answer(actor_, asked, co_await admin_.describe_cluster(deadline()));
      case 1:
        co_return answer(actor_, asked, co_await admin_.list_topics(deadline()));
      case 2:
        co_return answer(actor_, asked, co_await admin_.list_groups(deadline()));
      default:
        co_return answer(actor_, asked, co_await admin_.describe_log_dirs(deadline()));
    }
  }

  static constexpr std::int16_t kTopicExists = 36;

  Actor actor_;
  client::Cluster cluster_;
  client::Admin admin_;
  std::size_t next_to_see_ = 0;
  BrokerId drained_ = kNoBroker;
};

awaitable<void> make_all(Actor actor) {
  Administrator administrator(actor);
  co_await administrator.make_all();
}

awaitable<void> administer(Actor actor) {
  Administrator administrator(actor);
  co_await administrator.run();
}

}  // namespace

ActorProgram make_the_topics() { return make_all; }
ActorProgram administer_until_the_end() { return administer; }

}  // namespace mq::sim
