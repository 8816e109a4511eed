#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <ranges>

#include "fixture.h"
#include "group/records.h"
#include "seeds.h"

namespace mq::group {
namespace {

/// A client that behaves as it should, with bad luck: it loses answers, restarts, sleeps and leaves at random.
struct Client {
  int name = 0;
  std::optional<std::string> instance_id;
  std::string member_id;
  std::int32_t generation = -1;
  std::optional<RequestToken> waits_for;  ///< a JoinGroup or SyncGroup
  bool has_assignment = false;
};

/// One random life of one group.
class RandomLife {
 public:
  explicit RandomLife(std::uint64_t seed) : random_(seed), f_(settings_for(seed)) {
    f_.holds_appends = true;
    if (seed % 5 == 0) f_.bytes_max = 16'000;  // three members
    for (int c = 0; c < 4; ++c) {
      clients_.push_back({.name = c});
      if (c < 2) clients_.back().instance_id = "static-" + std::to_string(c);
    }
  }

  void run(int steps) {
    for (int step = 0; step < steps && !testing::Test::HasFailure(); ++step) {
      this->step();
      read_answers();
      check();
    }
    come_to_rest();
  }
  [[nodiscard]] std::size_t assignments() const { return owners_.size(); }

 private:
  static Settings settings_for(std::uint64_t seed) {
    Settings settings;
    settings.initial_rebalance_delay = seed % 3 == 0 ? Duration(2s) : Duration(0);
    if (seed % 7 == 0) settings.offsets_retention = settings.offsets_check_interval = 20s;
    return settings;
  }
  bool chance(unsigned percent) { return random_() % 100 < percent; }

  void step() {
    Client& client = clients_[random_() % clients_.size()];
    switch (random_() % 13) {
      case 0:
      case 1:
      case 2:
        return client.waits_for ? void() : join(client);
      case 3:
        return heartbeat(client);
      case 4:
        return commit(client);
      case 5:
        if (chance(20)) leave(client);
        return;
      case 6:
        if (chance(20)) forget(client);
        return;
      case 7:
        return f_.pass(std::chrono::milliseconds(random_() % 4000));
      case 8:
        if (chance(3)) f_.pass(70s);
        return;
      case 9:
        if (chance(10)) restart();
        return;
      case 10:
        if (chance(20)) erase();
        return;
      default:
        return finish_one();
    }
  }

  void join(Client& client) {
    auto request = Fixture::join_request(client.member_id, client.instance_id);
    if (chance(10)) request.protocols[0].metadata = Fixture::subscription({"t", "u"});
    client.has_assignment = false;
    client.waits_for = f_.join(request);
  }

  void sync(Client& client, const wire::JoinGroupResponse& joined) {
    std::map<std::string, std::string> assignments;
    // As an assignor would: what one gets, no other gets. The text names the owner.
    for (const auto& member : joined.members) assignments[member.member_id] = "of " + member.member_id;
    client.waits_for = f_.sync(client.member_id, client.generation, assignments, client.instance_id);
  }

  void heartbeat(Client& client) {
    if (client.generation < 0 || client.waits_for) return;
    const ErrorCode error = f_.heartbeat(client.member_id, client.generation, client.instance_id);
    if (error == ErrorCode::kUnknownMemberId || error == ErrorCode::kFencedInstanceId) return forget(client);
    if (error != ErrorCode::kNone) join(client);
  }

  void commit(Client& client) {
    if (!client.has_assignment) return;
    auto request = Fixture::commit_request(++offset_, client.member_id, client.generation);
    request.group_instance_id = client.instance_id;
    request.topics[0].topic_id = topic_;
    commits_.emplace(f_.commit(request), SentCommit{offset_, topic_});
  }

  void leave(Client& client) {
    if (client.waits_for) return;
    f_.leave(client.member_id, client.instance_id);
    forget(client);
  }

  /// An administrator deletes the group or its offsets, which is refused while they are in use, or the topic.
  void erase() {
    if (chance(40)) {
      last_committed_ = -1;
      const Uuid deleted = topic_;
      ++topic_.bytes[0];  // it is made again
      return f_.carry_out(
          f_.coordinator->on_image_changed({.topics_deleted = {{.id = deleted, .name = "t"}}}, f_.time));
    }
    const RequestToken token = f_.next_token();
    if (chance(50)) return f_.carry_out(f_.coordinator->delete_group(token, "g", f_.time));
    wire::OffsetDeleteRequest request;
    request.group_id = "g";
    request.topics.emplace_back().name = "t";
    request.topics[0].partitions.emplace_back().partition_index = 0;
    f_.carry_out(f_.coordinator->delete_offsets(token, request, f_.time));
  }

  /// The process ended; a static one will come back with its instance id.
  static void forget(Client& client) {
    client.member_id.clear();
    client.generation = -1;
    client.waits_for.reset();
    client.has_assignment = false;
  }

  void restart() {
    f_.carry_out(f_.coordinator->unload());
    EXPECT_TRUE(f_.parked.empty()) << "unloading left somebody waiting";
    read_answers();
    if (chance(30)) stop_amid_load();
    f_.restart();
    f_.holds_appends = true;
    // As who hosts it tells: what has no tombstone yet is of topics that are gone.
    statelog::ImageChange missed;
    for (std::uint8_t id = 1; id < topic_.bytes[0]; ++id) missed.topics_deleted.push_back({.id = {{id}}, .name = {}});
    f_.carry_out(f_.coordinator->on_image_changed(missed, f_.time));
    last_generation_ = f_.group() ? f_.group()->classic().generation() : 0;
    last_committed_ = f_.committed();
  }

  /// Whoever asks meanwhile is told to wait, and nothing comes of what was read.
  void stop_amid_load() {
    const auto loading = f_.fresh_coordinator();
    for (std::size_t i = 0, end = random_() % (f_.log.size() + 1); i < end; ++i) {
      const Record& record = f_.log[i];
      (void)loading->replay(record.key, record.value ? std::optional<BytesView>(*record.value) : std::nullopt);
      const auto told = loading->commit_offsets(RequestToken{1}, Fixture::commit_request(0), f_.time);
      EXPECT_TRUE(told.appends.empty());
      EXPECT_EQ(std::get<wire::OffsetCommitResponse>(told.answers.at(0).response).topics[0].partitions[0].error_code,
                ErrorCode::kCoordinatorLoadInProgress);
    }
    const Effects left = loading->unload();
    EXPECT_TRUE(left.appends.empty() && left.answers.empty());
  }

  void finish_one() {
    if (f_.held.empty()) return;
    const Append append = std::move(f_.held.front());
    f_.held.pop_front();
    for (const Record& record : append.records) {
      if (record.value) continue;
      // What is erased may begin anew.
      if (std::holds_alternative<GroupKey>(decode_key(record.key).value())) last_generation_ = 0;
      last_committed_ = -1;
    }
    f_.finish(append, chance(5) ? ErrorCode::kNotEnoughReplicas : ErrorCode::kNone);
  }

  void read_answers() {
    for (bool more = true; more;) {
      more = false;
      for (Client& client : clients_) {
        if (!client.waits_for || !f_.is_answered(*client.waits_for)) continue;
        const Response response = std::move(f_.answers.at(*client.waits_for));
        f_.answers.erase(*client.waits_for);
        client.waits_for.reset();
        if (const auto* joined = std::get_if<wire::JoinGroupResponse>(&response)) on_joined(client, *joined);
        if (const auto* synced = std::get_if<wire::SyncGroupResponse>(&response)) on_synced(client, *synced);
        more = true;
      }
    }
    for (auto& [token, response] : std::exchange(f_.answers, {})) {
      const auto commit = commits_.find(token);
      if (commit == commits_.end()) continue;
      const ErrorCode error = std::get<wire::OffsetCommitResponse>(response).topics.at(0).partitions.at(0).error_code;
      if (error == ErrorCode::kNone && commit->second.topic == topic_)
        EXPECT_GE(f_.committed(), commit->second.offset) << "an acknowledged commit is not there";
    }
  }

  void on_joined(Client& client, const wire::JoinGroupResponse& joined) {
    switch (joined.error_code) {
      case ErrorCode::kNone:
        client.member_id = joined.member_id;
        client.generation = joined.generation_id;
        return sync(client, joined);
      case ErrorCode::kMemberIdRequired:
        client.member_id = joined.member_id;
        return join(client);
      case ErrorCode::kUnknownMemberId:
      case ErrorCode::kFencedInstanceId:
        return forget(client);
      default:
        return;  // It tries again when its turn comes.
    }
  }

  void on_synced(Client& client, const wire::SyncGroupResponse& synced) {
    if (synced.error_code == ErrorCode::kUnknownMemberId || synced.error_code == ErrorCode::kFencedInstanceId)
      return forget(client);
    if (synced.error_code != ErrorCode::kNone) return;
    client.has_assignment = true;
    if (synced.assignment.empty()) return;
    EXPECT_TRUE(is_in_log(client.generation, synced.assignment)) << "the record of an assignment is not committed";
    const auto owner = owners_.try_emplace({client.generation, synced.assignment}, client.name).first->second;
    EXPECT_EQ(owner, client.name) << "two own " << synced.assignment << " in generation " << client.generation;
  }

  [[nodiscard]] bool is_in_log(std::int32_t generation, const std::string& assignment) const {
    return std::ranges::any_of(f_.log | std::views::reverse, [&](const Record& record) {
      const auto key = decode_key(record.key);
      if (!record.value || !std::holds_alternative<GroupKey>(*key)) return false;
      const auto group = decode_group(*record.value);
      return group->generation == generation &&
             std::ranges::any_of(group->members, [&](const Member& member) { return member.assignment == assignment; });
    });
  }

  void check() {
    const Group* group = f_.group();
    if (group == nullptr) {
      // Its log knows nothing of it and it has no member: it may begin anew.
      EXPECT_LT(last_committed_, 0) << "a group with committed offsets is gone";
      last_generation_ = 0;
      return;
    }
    if (group->classic().generation() > 0) {
      EXPECT_GE(group->classic().generation(), last_generation_);
      last_generation_ = group->classic().generation();
    }
    EXPECT_GE(f_.committed(), last_committed_) << "a committed offset went back";
    last_committed_ = f_.committed();
  }

  /// Lets everything come to its end: nobody may be left waiting, and the log must say what the coordinator says.
  void come_to_rest() {
    f_.holds_appends = false;
    f_.finish_held();
    for (int i = 0; i < 40; ++i) f_.pass(10s);
    EXPECT_TRUE(f_.parked.empty()) << f_.parked.size() << " requests were never answered";
    const Group* live = f_.group();
    const auto fresh = f_.fresh_coordinator();
    for (const Record& record : f_.log)
      (void)fresh->replay(record.key, record.value ? std::optional<BytesView>(*record.value) : std::nullopt);
    (void)fresh->finish_loading(f_.time);
    const Group* read = fresh->find("g");
    ASSERT_EQ(live == nullptr, read == nullptr);
    if (live == nullptr) return;
    EXPECT_EQ(live->offsets().committed(), read->offsets().committed());
    const Classic& known = live->classic();
    const Classic& written = read->classic();
    EXPECT_EQ(known.is_written(), written.is_written());
    if (!known.is_written()) return;
    EXPECT_EQ(known.state(), written.state());
    EXPECT_EQ(known.generation(), written.generation());
    EXPECT_EQ(known.members().leader(), written.members().leader());
    ASSERT_EQ(known.members().size(), written.members().size());
    for (const auto& [id, member] : known.members()) {
      ASSERT_NE(written.members().find(id), nullptr);
      EXPECT_EQ(written.members().find(id)->assignment, member.assignment);
    }
  }

  std::mt19937 random_;
  Fixture f_;
  std::vector<Client> clients_;
  std::int64_t offset_ = 0;
  struct SentCommit {
    std::int64_t offset = 0;
    Uuid topic;
  };
  std::map<RequestToken, SentCommit> commits_;
  Uuid topic_{{1}};  ///< of the name "t"
  std::map<std::pair<std::int32_t, std::string>, int> owners_;
  std::int32_t last_generation_ = 0;
  std::int64_t last_committed_ = -1;
};

TEST(RandomLives, KeepThePromisesOfAGroup) {
  std::size_t assignments = 0;
  for (const std::uint64_t seed : seeds(1000)) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomLife life(seed);
    life.run(400);
    assignments += life.assignments();
    if (testing::Test::HasFailure()) return;
  }
  // The dice must not be such that nothing ever happens.
  EXPECT_GT(assignments, 1000u);
}

}  // namespace
}  // namespace mq::group
