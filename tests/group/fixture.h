#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "group/coordinator.h"
#include "wire/messages/consumer_protocol.h"

namespace mq::group {

/// A coordinator with a log that keeps what is appended. Appends are committed at once unless `holds_appends`; time
/// passes only in `pass`.
class Fixture {
 public:
  explicit Fixture(Settings settings = {}) : settings_(settings) { restart(); }

  // Members, as clients see them.

  struct Joined {
    RequestToken token;
    std::string member_id;
  };

  static std::string subscription(std::vector<std::string> topics) {
    wire::ConsumerProtocolSubscription wanted;
    wanted.topics = std::move(topics);
    return wire::encode_versioned(wanted, 1);
  }

  static wire::JoinGroupRequest join_request(std::string member_id = "",
                                             std::optional<std::string> instance_id = std::nullopt) {
    wire::JoinGroupRequest request;
    request.group_id = "g";
    request.session_timeout_ms = 10'000;
    request.rebalance_timeout_ms = 60'000;
    request.member_id = std::move(member_id);
    request.group_instance_id = std::move(instance_id);
    request.protocol_type = "consumer";
    request.protocols.push_back({"range", subscription({"t"})});
    return request;
  }

  RequestToken join(const wire::JoinGroupRequest& request, ApiVersion version = 9) {
    const RequestToken token = next_token();
    carry_out(coordinator->join(token, {.id = "client", .host = "/127.0.0.1", .version = version}, request, time));
    return token;
  }
  /// Asks for an id and joins with it; the answer may be parked.
  Joined join_new() {
    const auto refused = take<wire::JoinGroupResponse>(join(join_request()));
    EXPECT_EQ(refused.error_code, ErrorCode::kMemberIdRequired);
    return {join(join_request(refused.member_id)), refused.member_id};
  }

  RequestToken sync(const std::string& member_id, std::int32_t generation,
                    std::map<std::string, std::string> assignments = {},
                    std::optional<std::string> instance_id = std::nullopt) {
    wire::SyncGroupRequest request;
    request.group_id = "g";
    request.member_id = member_id;
    request.generation_id = generation;
    request.group_instance_id = std::move(instance_id);
    request.protocol_type = "consumer";
    request.protocol_name = "range";
    for (auto& [id, assignment] : assignments) request.assignments.push_back({id, assignment});
    const RequestToken token = next_token();
    carry_out(coordinator->sync(token, request, time));
    return token;
  }

  ErrorCode heartbeat(const std::string& member_id, std::int32_t generation,
                      std::optional<std::string> instance_id = std::nullopt) {
    wire::HeartbeatRequest request;
    request.group_id = "g";
    request.member_id = member_id;
    request.generation_id = generation;
    request.group_instance_id = std::move(instance_id);
    const RequestToken token = next_token();
    carry_out(coordinator->heartbeat(token, request, time));
    return take<wire::HeartbeatResponse>(token).error_code;
  }

  wire::LeaveGroupResponse leave(const std::string& member_id, std::optional<std::string> instance_id = std::nullopt) {
    wire::LeaveGroupRequest request;
    request.group_id = "g";
    request.members.push_back({member_id, std::move(instance_id), std::nullopt});
    const RequestToken token = next_token();
    carry_out(coordinator->leave(token, 5, request, time));
    return take<wire::LeaveGroupResponse>(token);
  }

  // Offsets.

  static wire::OffsetCommitRequest commit_request(std::int64_t offset, std::string member_id = "",
                                                  std::int32_t generation = -1) {
    wire::OffsetCommitRequest request;
    request.group_id = "g";
    request.member_id = std::move(member_id);
    request.generation_id_or_member_epoch = generation;
    auto& topic = request.topics.emplace_back();
    topic.name = "t";
    auto& partition = topic.partitions.emplace_back();
    partition.partition_index = 0;
    partition.committed_offset = offset;
    partition.committed_metadata = "note";
    return request;
  }
  RequestToken commit(const wire::OffsetCommitRequest& request) {
    const RequestToken token = next_token();
    carry_out(coordinator->commit_offsets(token, request, time));
    return token;
  }
  ErrorCode commit_now(std::int64_t offset, std::string member_id = "", std::int32_t generation = -1) {
    return take<wire::OffsetCommitResponse>(commit(commit_request(offset, std::move(member_id), generation)))
        .topics.at(0)
        .partitions.at(0)
        .error_code;
  }
  wire::OffsetFetchResponse::OffsetFetchResponsePartitions fetch(bool require_stable = false) const {
    wire::OffsetFetchRequest::OffsetFetchRequestGroup request;
    request.group_id = "g";
    request.topics.emplace().emplace_back().name = "t";
    request.topics->back().partition_indexes = {0};
    return coordinator->fetch_offsets(request, require_stable).topics.at(0).partitions.at(0);
  }
  std::int64_t committed() const { return fetch().committed_offset; }
  wire::OffsetDeleteResponse delete_offset(std::string topic = "t") {
    wire::OffsetDeleteRequest request;
    request.group_id = "g";
    auto& wanted = request.topics.emplace_back();
    wanted.name = std::move(topic);
    wanted.partitions.emplace_back().partition_index = 0;
    const RequestToken token = next_token();
    carry_out(coordinator->delete_offsets(token, request, time));
    return take<wire::OffsetDeleteResponse>(token);
  }
  ErrorCode delete_group(std::string id = "g") {
    const RequestToken token = next_token();
    carry_out(coordinator->delete_group(token, id, time));
    return take<wire::DeleteGroupsResponse::DeletableGroupResult>(token).error_code;
  }

  // The world.

  /// Lets time pass, and the coordinator act whenever it asked to.
  void pass(Duration duration) {
    const Instant until = time.now + duration;
    while (coordinator->next_deadline() <= until) {
      set_now(std::max(time.now, coordinator->next_deadline()));
      carry_out(coordinator->on_time(time));
    }
    set_now(until);
  }
  /// A new coordinator that reads the log; the old one's requests are gone.
  void restart() {
    coordinator = fresh_coordinator();
    held.clear();
    for (const Record& record : log)
      EXPECT_EQ(coordinator->replay(record.key, record.value ? std::optional<BytesView>(*record.value) : std::nullopt),
                Coordinator::Replayed::kTaken);
    carry_out(coordinator->finish_loading(time));
  }
  std::unique_ptr<Coordinator> fresh_coordinator() {
    return std::make_unique<Coordinator>(
        settings_, [this] { return std::to_string(++suffixes_); },
        Room{.for_bytes = [this](std::size_t more) { return coordinator->bytes() + more <= bytes_max; },
             .batch_bytes = [this] { return batch_bytes; }},
        [this](const Uuid& topic) { return deleted.contains(topic); });
  }
  void finish_held(ErrorCode error = ErrorCode::kNone) {
    while (!held.empty()) {
      const Append append = std::move(held.front());
      held.pop_front();
      finish(append, error);
    }
  }
  void finish(const Append& append, ErrorCode error) {
    if (error == ErrorCode::kNone) log.insert(log.end(), append.records.begin(), append.records.end());
    carry_out(coordinator->on_appended(append.token, error, time));
  }
  void carry_out(Effects effects) {
    for (Answer& answer : effects.answers) {
      EXPECT_TRUE(parked.erase(answer.to)) << "answered twice";
      answers.emplace(answer.to, std::move(answer.response));
    }
    for (Append& append : effects.appends) held.push_back(std::move(append));
    if (!holds_appends) finish_held();
    coordinator->check_invariants();
  }
  RequestToken next_token() {
    last_token_ = RequestToken{last_token_.value() + 1};
    parked.insert(last_token_);
    return last_token_;
  }
  [[nodiscard]] bool is_answered(RequestToken token) const { return answers.contains(token); }
  /// The answer to a request; fails the test when it has none of this type.
  template <class R>
  R take(RequestToken token) {
    const auto found = answers.find(token);
    if (found == answers.end() || !std::holds_alternative<R>(found->second)) {
      ADD_FAILURE() << "no answer of the expected type";
      return {};
    }
    R response = std::get<R>(std::move(found->second));
    answers.erase(found);
    return response;
  }
  [[nodiscard]] const Group* group() const { return coordinator->find("g"); }
  [[nodiscard]] State state() const { return group()->classic().state(); }

  Time time{Instant{1h}, 1'000'000};
  std::unique_ptr<Coordinator> coordinator;
  std::size_t bytes_max = std::size_t{1} << 30;
  std::size_t batch_bytes = std::size_t{1} << 20;
  std::set<Uuid> deleted;
  bool holds_appends = false;
  std::deque<Append> held;
  std::vector<Record> log;
  std::map<RequestToken, Response> answers;
  std::set<RequestToken> parked;

 private:
  void set_now(Instant now) {
    time.wall += std::chrono::duration_cast<std::chrono::milliseconds>(now - time.now).count();
    time.now = now;
  }
  Settings settings_;
  RequestToken last_token_{0};
  int suffixes_ = 0;
};

/// One member alone in a stable group, generation 1.
inline std::string stable_member(Fixture& f) {
  const auto joined = f.join_new();
  EXPECT_EQ(f.take<wire::JoinGroupResponse>(joined.token).generation_id, 1);
  const auto synced = f.sync(joined.member_id, 1, {{joined.member_id, "all"}});
  EXPECT_EQ(f.take<wire::SyncGroupResponse>(synced).assignment, "all");
  EXPECT_EQ(f.state(), State::kStable);
  return joined.member_id;
}

}  // namespace mq::group
