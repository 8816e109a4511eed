#include "sim/life/plan.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <utility>

#include "sim/machine/rng.h"

namespace mq::sim {
namespace {

constexpr std::array<std::string_view, kFaults> kFaultWords = {
    "stop", "kill",       "power", "failed_sync", "failed_io",    "full_disk", "no_descriptors", "slow_disk",
    "rot",  "lost_media", "cut",   "reset",       "slow_network", "clock",     "gone_client",    "store"};

/// Draws one life. Each part has its own stream of numbers, so that a new choice in one leaves the others as they were.
class Draw {
 public:
  Draw(std::uint64_t seed, int brokers) : seed_(seed) {
    plan_.seed = seed;
    plan_.brokers = brokers;
  }

  Plan whole() {
    draw_machines();
    draw_faults();
    draw_topics();
    draw_clients();
    draw_events();
    draw_variety();
    draw_drains();
    return std::move(plan_);
  }

 private:
  [[nodiscard]] Rng stream(std::uint64_t part) const { return Rng(Rng::mix(seed_ ^ (part << 32))); }

  static Duration between(Rng& rng, Duration min, Duration max) {
    return min + Duration(static_cast<std::int64_t>(rng.below(static_cast<std::uint64_t>((max - min).count() + 1))));
  }
  static int upto(Rng& rng, int max) { return 1 + static_cast<int>(rng.below(static_cast<std::uint64_t>(max))); }

  void draw_machines() {
    Rng rng = stream(1);
    plan_.store = plan_.brokers > 1 || rng.one_in(4) ? Store::model : Store::sqlite;
    plan_.shards = upto(rng, 3);
    plan_.pool_threads = upto(rng, 3);
    plan_.flush = rng.one_in(6) ? FlushClass::async : FlushClass::ack;
    plan_.has_retention = rng.one_in(5);
    plan_.has_buggify = rng.one_in(3);
    plan_.warm_up = between(rng, 2s, 5s);
    plan_.troubled = between(rng, 35s, 65s);
    plan_.liveness = between(rng, 18s, 25s);
  }

  void draw_faults() {
    Rng rng = stream(2);
    for (int word = 0; word < kFaults; ++word) {
      const auto fault = static_cast<Fault>(word);
      const bool is_drawn = fault == Fault::lost_media ? rng.one_in(12) : rng.one_in(2);
      if (is_drawn && (fault != Fault::store || plan_.store == Store::model)) plan_.faults.insert(fault);
    }
    if (plan_.faults.empty()) plan_.faults.insert(Fault::kill);
  }

  /// Small segments and indexes: what happens at their ends happens often.
  void add_sizes(Rng& rng, PlannedTopic& topic) {
    constexpr std::array<const char*, 4> kSegmentBytes = {"700", "3000", "20000", "1048576"};
    constexpr std::array<const char*, 3> kIndexInterval = {"0", "200", "4096"};
    topic.configs.emplace_back("segment.bytes", kSegmentBytes.at(rng.below(kSegmentBytes.size())));
    topic.configs.emplace_back("index.interval.bytes", kIndexInterval.at(rng.below(kIndexInterval.size())));
    if (rng.one_in(3)) topic.configs.emplace_back("segment.ms", "5000");
    if (rng.one_in(4)) topic.configs.emplace_back("segment.index.bytes", "48");
    topic.configs.emplace_back("file.delete.delay.ms", rng.one_in(2) ? "0" : "2000");
    topic.configs.emplace_back("mq.flush", plan_.flush == FlushClass::ack ? "ack" : "async");
    if (plan_.flush == FlushClass::async && rng.one_in(2)) topic.configs.emplace_back("flush.messages", "7");
  }

  void draw_topics() {
    Rng rng = stream(3);
    const int steady = upto(rng, 2);
    for (int index = 0; index < steady; ++index) {
      PlannedTopic& topic = plan_.topics.emplace_back();
      topic.name = fmt::format("events{}", index);
      topic.partitions = upto(rng, 4);
      add_sizes(rng, topic);
      if (plan_.has_retention) topic.configs.emplace_back("retention.bytes", rng.one_in(2) ? "2000" : "30000");
      if (plan_.has_retention && rng.one_in(2)) topic.configs.emplace_back("retention.ms", "20000");
    }
    if (rng.one_in(2)) {
      PlannedTopic& topic = plan_.topics.emplace_back();
      topic.name = "table";
      topic.partitions = upto(rng, 2);
      topic.is_compacted = true;
      add_sizes(rng, topic);
      topic.configs.emplace_back("cleanup.policy", "compact");
      topic.configs.emplace_back("min.cleanable.dirty.ratio", "0.01");
      topic.configs.emplace_back("delete.retention.ms", "3600000");
      if (rng.one_in(2)) topic.configs.emplace_back("max.compaction.lag.ms", "8000");
    }
    if (rng.one_in(2)) {
      PlannedTopic& topic = plan_.topics.emplace_back();
      topic.name = "passing";
      topic.partitions = upto(rng, 3);
      topic.comes_and_goes = true;
      add_sizes(rng, topic);
    }
  }

  [[nodiscard]] std::vector<std::string> some_topics(Rng& rng, bool compacted_too) const {
    std::vector<std::string> names;
    for (const PlannedTopic& topic : plan_.topics)
      if ((compacted_too || !topic.is_compacted) && (names.empty() || rng.one_in(2))) names.push_back(topic.name);
    return names;
  }

  void draw_producer(Rng& rng) {
    PlannedClient client{.role = PlannedClient::Role::producer};
    client.habit = static_cast<Habit>(rng.below(3));
    client.topics = some_topics(rng, true);
    if (client.topics.size() > 1 && rng.one_in(2)) client.topics.erase(client.topics.begin());
    client.acks = rng.one_in(6) ? static_cast<std::int16_t>(rng.below(2)) : std::int16_t{-1};
    client.is_idempotent = client.acks == -1 && !rng.one_in(5);
    client.inflight_max = rng.one_in(3) ? 1 : 5;
    client.burst = upto(rng, 8);
    client.pause_max = between(rng, 30ms, 900ms);
    if (rng.one_in(2)) client.gives_up_after = between(rng, 3s, 15s);
    plan_.clients.push_back(std::move(client));
  }

  void draw_clients() {
    Rng rng = stream(4);
    for (int count = 1 + upto(rng, 3); count > 0; --count) draw_producer(rng);
    for (int count = upto(rng, 2); count > 0; --count) {
      PlannedClient client{.role = PlannedClient::Role::reader};
      client.topics = some_topics(rng, true);
      client.pause_max = between(rng, 20ms, 600ms);
      plan_.clients.push_back(std::move(client));
    }
    const int members = static_cast<int>(rng.below(4));
    for (int count = 0; count < members; ++count) {
      PlannedClient client{.role = PlannedClient::Role::member};
      client.group = rng.one_in(3) ? "loners" : "readers";
      client.topics = some_topics(rng, false);
      client.pause_max = between(rng, 20ms, 800ms);
      if (!client.topics.empty()) plan_.clients.push_back(std::move(client));
    }
    plan_.clients.push_back({.role = PlannedClient::Role::admin, .pause_max = between(rng, 300ms, 3s)});
  }

  void draw_events() {
    Rng rng = stream(5);
    const std::vector<Fault> drawn(plan_.faults.begin(), plan_.faults.end());
    const Duration gap_max = between(rng, 600ms, 9s);
    for (Duration at = between(rng, 0s, gap_max); at < plan_.troubled; at += between(rng, 1ms, gap_max))
      plan_.events.push_back({.at = at, .what = drawn.at(rng.below(drawn.size())), .seed = rng.next()});
  }

  /// What came to lives later, from a stream of its own: the seeds of before live as they did but for this.
  void draw_variety() {
    Rng rng = stream(7);
    plan_.is_cooperative = rng.one_in(3);
    if (rng.one_in(2)) plan_.rebalance_max = 3s;
    for (PlannedTopic& topic : plan_.topics) {
      if (topic.is_compacted && rng.one_in(2)) topic.configs.emplace_back("min.compaction.lag.ms", "4000");
      if (plan_.flush == FlushClass::async && rng.one_in(2))
        topic.configs.emplace_back("flush.ms", rng.one_in(2) ? "300" : "3000");
    }
    for (PlannedClient& client : plan_.clients) {
      client.is_static = rng.one_in(3);
      if (rng.one_in(2)) client.codec = static_cast<record::Codec>(rng.below(5));
      if (rng.one_in(3)) client.batch_bytes = 30'000;
      if (rng.one_in(4)) client.buffer_bytes = 2'000;
      if (rng.one_in(3)) client.large_one_in = rng.one_in(2) ? 8 : 60;
      if (rng.one_in(3)) client.prefetch_bytes = 1'000;
      if (client.role == PlannedClient::Role::producer && client.acks == 0) keep_small(client);
    }
  }

  /// In few lives: the others stay the same. Of the next streams this is the first that leaves all of seeds.txt so.
  void draw_drains() {
    if (plan_.brokers > 1) plan_.has_drains = stream(59).one_in(4);
  }

  /// A batch larger than a segment is refused, and who asks for no answers can be told only by being cut off: one that
  /// sends such batches all the time comes to nothing.
  static void keep_small(PlannedClient& client) {
    client.batch_bytes = PlannedClient().batch_bytes;
    client.large_one_in = 0;
  }

  std::uint64_t seed_;
  Plan plan_;
};

template <class T>
void take_out(std::vector<T>& all, const std::set<std::size_t>& places) {
  for (auto place = places.rbegin(); place != places.rend(); ++place)
    if (*place < all.size()) all.erase(all.begin() + static_cast<std::ptrdiff_t>(*place));
}

double seconds(Duration time) { return std::chrono::duration<double>(time).count(); }

std::string text_of(const PlannedClient& client) {
  switch (client.role) {
    case PlannedClient::Role::producer: {
      constexpr std::array<const char*, 3> kHabits = {"own", "librdkafka", "java"};
      return fmt::format("producer of {} ({} habits), acks {}{}, {} in flight{}", fmt::join(client.topics, ", "),
                         kHabits.at(static_cast<std::size_t>(client.habit)), client.acks,
                         client.is_idempotent ? ", idempotent" : "", client.inflight_max,
                         client.gives_up_after > 0s
                             ? fmt::format(", gives up after {:.1f} s", seconds(client.gives_up_after))
                             : std::string());
    }
    case PlannedClient::Role::reader:
      return fmt::format("reader of {}", fmt::join(client.topics, ", "));
    case PlannedClient::Role::member:
      return fmt::format("{}member of {}, reads {}", client.is_static ? "static " : "", client.group,
                         fmt::join(client.topics, ", "));
    case PlannedClient::Role::admin:
      return "admin";
  }
  std::unreachable();
}

}  // namespace

const char* to_string(Fault fault) { return kFaultWords.at(static_cast<std::size_t>(fault)).data(); }

Result<Fault> parse_fault(std::string_view word) {
  const auto found = std::ranges::find(kFaultWords, word);
  if (found != kFaultWords.end()) return static_cast<Fault>(found - kFaultWords.begin());
  return fail(Errc::invalid_argument, "no fault \"{}\"; there are: {}", word, fmt::join(kFaultWords, ", "));
}

Plan draw_plan(std::uint64_t seed, int brokers) { return Draw(seed, brokers).whole(); }

Plan cut(Plan plan, const Cuts& cuts) {
  take_out(plan.events, cuts.without_events);
  std::erase_if(plan.events, [&](const PlannedFault& event) { return cuts.without_faults.contains(event.what); });
  for (const Fault fault : cuts.without_faults) plan.faults.erase(fault);
  take_out(plan.clients, cuts.without_clients);
  return plan;
}

std::string to_string(const Plan& plan) {
  std::string text = fmt::format(
      "seed {}: {} broker{} on {}, {} shards, {} pool threads, flush={}{}{}{}\n"
      "warm-up {:.1f} s, faults {:.1f} s, liveness {:.1f} s\n",
      plan.seed, plan.brokers, plan.brokers > 1 ? "s" : "", plan.store == Store::sqlite ? "SQLite" : "the model store",
      plan.shards, plan.pool_threads, plan.flush == FlushClass::ack ? "ack" : "async",
      plan.has_retention ? ", retention" : "", plan.has_buggify ? ", buggify" : "", plan.has_drains ? ", drains" : "",
      seconds(plan.warm_up), seconds(plan.troubled), seconds(plan.liveness));
  for (const PlannedTopic& topic : plan.topics) {
    fmt::format_to(std::back_inserter(text), "topic {}, {} partitions", topic.name, topic.partitions);
    for (const auto& [name, value] : topic.configs) fmt::format_to(std::back_inserter(text), " {}={}", name, value);
    text += '\n';
  }
  for (std::size_t i = 0; i < plan.clients.size(); ++i)
    fmt::format_to(std::back_inserter(text), "client {}: {}\n", i, text_of(plan.clients[i]));
  for (std::size_t i = 0; i < plan.events.size(); ++i)
    fmt::format_to(std::back_inserter(text), "event {}: {:.3f} s {}\n", i, seconds(plan.events[i].at),
                   to_string(plan.events[i].what));
  return text;
}

}  // namespace mq::sim
