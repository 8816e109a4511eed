#include "client/group_consumer.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/assert.h"
#include "base/mark.h"
#include "base/milliseconds.h"
#include "client/connection.h"
#include "client/group_offsets.h"
#include "wire/messages/consumer_protocol.h"
#include "wire/messages/heartbeat.h"
#include "wire/messages/join_group.h"
#include "wire/messages/leave_group.h"
#include "wire/messages/sync_group.h"

namespace mq::client {
namespace {

constexpr std::string_view kProtocolType = "consumer";
/// With owned partitions and their generation; racks, which the next version adds, we do not use.
constexpr ApiVersion kSubscriptionVersion = 2;
constexpr ApiVersion kAssignmentVersion = 0;

/// Partitions as the consumer protocol groups them.
template <class Group>
std::vector<Group> grouped(const std::vector<TopicPartition>& partitions) {
  std::vector<Group> groups;
  for (const TopicPartition& where : partitions) {
    auto group = std::ranges::find(groups, where.topic, &Group::topic);
    if (group == groups.end()) {
      group = groups.insert(groups.end(), Group{});
      group->topic = where.topic;
    }
    group->partitions.push_back(where.partition);
  }
  return groups;
}

std::vector<TopicPartition> ungrouped(const auto& groups) {
  std::vector<TopicPartition> partitions;
  for (const auto& group : groups)
    for (const std::int32_t partition : group.partitions)
      partitions.push_back({.topic = group.topic, .partition = partition});
  return partitions;
}

/// Null when nothing is committed for the partition.
const CommittedOffset* committed_offset(const std::vector<CommittedOffset>& committed, const TopicPartition& where) {
  const auto found = std::ranges::find(committed, where, &CommittedOffset::where);
  return found == committed.end() || found->offset < Offset{0} ? nullptr : &*found;
}

std::vector<TopicPartition> without(const std::vector<TopicPartition>& from, const std::vector<TopicPartition>& taken) {
  std::vector<TopicPartition> left;
  for (const TopicPartition& where : from)
    if (std::ranges::find(taken, where) == taken.end()) left.push_back(where);
  return left;
}

}  // namespace

class GroupConsumer::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(Cluster& cluster, std::vector<std::string> topics, GroupOptions options)
      : cluster_(cluster),
        shard_(cluster.shard()),
        topics_(std::move(topics)),
        options_(std::move(options)),
        consumer_(cluster, options_.consumer),
        heartbeat_timer_(shard_.make_timer()) {
    // Members keep their partitions through a rebalance only when every assignor they offer allows it.
    is_cooperative_ =
        std::ranges::all_of(options_.assignors, [](auto a) { return a == assignment::Assignor::cooperative_sticky; });
  }
  void start();

  awaitable<Result<Polled>> poll(Duration wait);
  void wake() { consumer_.wake(); }
  awaitable<Result<void>> commit(std::vector<CommittedOffset> offsets, Instant deadline);
  awaitable<Result<void>> commit_polled(Instant deadline);
  awaitable<Result<void>> close(Instant deadline);

  [[nodiscard]] const Consumer& consumer() const { return consumer_; }
  [[nodiscard]] bool is_settled() const { return phase_ == Phase::stable; }
  [[nodiscard]] const std::vector<TopicPartition>& owned() const { return owned_; }
  [[nodiscard]] const std::string& member_id() const { return member_id_; }
  [[nodiscard]] std::int32_t generation() const { return generation_; }
  [[nodiscard]] std::int32_t assignment_generation() const { return owned_generation_; }
  void check_invariants() const;

 private:
  enum class Phase {
    outside,  ///< must join (again); `poll` begins it
    joining,  ///< JoinGroup and SyncGroup are on their way
    joined,   ///< there is a new assignment, which `poll` takes
    stable,
  };

  // Steps of a rebalance that call the owner back: inside `poll`.
  awaitable<void> begin_rebalance();
  awaitable<Result<void>> take_assignment();
  awaitable<void> give_up_what_is_lost();
  awaitable<void> give_up(std::vector<TopicPartition> partitions, bool lost);
  awaitable<Result<void>> take_up(const std::vector<TopicPartition>& partitions);
  awaitable<Result<std::set<std::string>>> topics_begun(Instant deadline);

  // Steps that talk to the coordinator: in the background.
  awaitable<void> join_until_done();
  awaitable<Result<void>> join_once();
  awaitable<Result<std::vector<std::pair<std::string, std::string>>>> make_assignments(
      const wire::JoinGroupResponse& joined);
  [[nodiscard]] wire::JoinGroupRequest join_request() const;
  awaitable<void> send_heartbeats();
  awaitable<void> send_heartbeat();
  awaitable<void> look_for_new_partitions();
  awaitable<Result<void>> leave();

  Error refused(ErrorCode code, std::string_view what);
  void rejoin();
  [[nodiscard]] Committer committer() const {
    return {.member_id = member_id_, .generation = generation_, .instance_id = options_.instance_id};
  }

  Cluster& cluster_;
  env::Shard& shard_;
  std::vector<std::string> topics_;
  GroupOptions options_;
  Consumer consumer_;
  bool is_cooperative_ = true;

  Phase phase_ = Phase::outside;
  std::string member_id_;
  std::int32_t generation_ = -1;
  std::vector<TopicPartition> owned_;
  std::int32_t owned_generation_ = -1;
  std::vector<TopicPartition> assigned_;                 ///< by the last SyncGroup
  bool lost_ = false;                                    ///< the group went on without us
  std::map<std::string, std::int32_t> assigned_counts_;  ///< partitions per topic that we shared out, when we lead
  Instant counts_checked_;
  std::optional<Error> fatal_;
  std::vector<PartitionError> errors_;
  std::map<TopicPartition, Offset> committed_;

  std::unique_ptr<env::Timer> heartbeat_timer_;
  Instant last_poll_;
  bool closed_ = false;
};

// --- Inside poll -----------------------------------------------------------------------------------------------------

void GroupConsumer::Impl::start() {
  last_poll_ = shard_.now();
  cluster_.tasks().spawn(
      [](std::shared_ptr<Impl> self) -> awaitable<void> { co_await self->send_heartbeats(); }(shared_from_this()));
}

awaitable<Result<Polled>> GroupConsumer::Impl::poll(Duration wait) {
  const Instant deadline = shard_.now() + wait;
  last_poll_ = shard_.now();
  // A partition that cannot be taken up now (no leader, say) is tried again by joining again.
  if (phase_ == Phase::outside && !fatal_ && !closed_) co_await begin_rebalance();
  while (true) {
    co_await give_up_what_is_lost();
    if (phase_ == Phase::joined) MQ_CO_CHECK(co_await take_assignment());
    if (fatal_) co_return fail(*fatal_);
    const Duration left = std::max(deadline - shard_.now(), Duration::zero());
    MQ_CO_TRY(Polled polled, co_await consumer_.poll(left));
    last_poll_ = shard_.now();
    if (lost_) {  // others may have been given what was read
      co_await give_up_what_is_lost();
      polled.batches.clear();
    }
    for (PartitionError& error : std::exchange(errors_, {})) polled.errors.push_back(std::move(error));
    // A new assignment is taken before the next poll of an impatient caller, but what was read counts first.
    const bool has_news = !polled.batches.empty() || !polled.errors.empty();
    if (has_news || phase_ != Phase::joined || shard_.now() >= deadline) co_return polled;
  }
}

awaitable<void> GroupConsumer::Impl::begin_rebalance() {
  phase_ = Phase::joining;
  co_await give_up_what_is_lost();
  if (!is_cooperative_) co_await give_up(owned_, false);
  if (closed_) co_return;
  cluster_.tasks().spawn(
      [](std::shared_ptr<Impl> self) -> awaitable<void> { co_await self->join_until_done(); }(shared_from_this()));
}

awaitable<Result<void>> GroupConsumer::Impl::take_assignment() {
  phase_ = Phase::stable;
  cluster_.note_detail(fmt::format("group {}: generation {}, {} partition{}", options_.group, generation_,
                                   assigned_.size(), assigned_.size() == 1 ? "" : "s"));
  const auto assigned = assigned_;
  const std::int32_t generation = generation_;
  const auto gone = without(owned_, assigned);
  co_await give_up(gone, false);
  auto taken = co_await take_up(without(assigned, owned_));
  if (!taken) MQ_MARK("client: a member cannot take up its assignment");
  if (!taken) {
    rejoin();
    if (is_worth_retrying(taken.error())) co_return Result<void>{};
    co_return taken;
  }
  owned_generation_ = generation;
  // What we gave up goes to its new owner in a round of its own.
  if (is_cooperative_ && !gone.empty()) MQ_MARK("client: a member gives partitions up and joins again");
  if (is_cooperative_ && !gone.empty()) rejoin();
  co_return Result<void>{};
}

/// The group went on without us, when we joined or before: what we had may be read by others.
awaitable<void> GroupConsumer::Impl::give_up_what_is_lost() {
  while (std::exchange(lost_, false)) {
    if (!owned_.empty()) MQ_MARK("client: a member lost its partitions");
    owned_generation_ = -1;
    co_await give_up(owned_, true);
  }
}

awaitable<void> GroupConsumer::Impl::give_up(std::vector<TopicPartition> partitions, bool lost) {
  if (partitions.empty()) co_return;
  if (options_.on_revoked) co_await options_.on_revoked(partitions, lost);
  for (const TopicPartition& where : partitions) {
    consumer_.unassign(where);
    committed_.erase(where);
  }
  owned_ = without(owned_, partitions);
}

/// Reading goes on at the committed offset, or where the policy says.
awaitable<Result<void>> GroupConsumer::Impl::take_up(const std::vector<TopicPartition>& partitions) {
  if (partitions.empty()) co_return Result<void>{};
  const Instant deadline = shard_.now() + options_.session_timeout;
  MQ_CO_TRY(const auto committed,
            co_await cluster_.retry(deadline, [&]() { return fetch_committed(cluster_, options_.group, partitions); }));
  std::set<std::string> begun;
  const bool any_missing =
      std::ranges::any_of(partitions, [&](const TopicPartition& where) { return !committed_offset(committed, where); });
  if (options_.consumer.reset == OffsetReset::fail && any_missing) {
    MQ_CO_TRY(begun, co_await topics_begun(deadline));
  }
  std::vector<OffsetQuery> queries;
  std::vector<PartitionError> missing;
  std::vector<std::pair<CommittedOffset, Offset>> positions;
  for (const TopicPartition& where : partitions) {
    if (const CommittedOffset* known = committed_offset(committed, where)) {
      positions.emplace_back(*known, known->offset);
    } else if (begun.contains(where.topic)) {
      queries.push_back({.where = where, .at = OffsetQuery::kStart});
    } else if (options_.consumer.reset == OffsetReset::fail) {
      missing.push_back({.where = where,
                         .error = {.code = Errc::not_found,
                                   .message = fmt::format("group {} has no committed offset for {}", options_.group,
                                                          where.to_string()),
                                   .kafka_code = 0}});
    } else {
      queries.push_back(
          {.where = where,
           .at = options_.consumer.reset == OffsetReset::start ? OffsetQuery::kStart : OffsetQuery::kEnd});
    }
  }
  if (!queries.empty()) {
    MQ_CO_TRY(const auto answers,
              co_await list_offsets(cluster_, std::move(queries), options_.consumer.isolation, deadline));
    for (const OffsetAnswer& answer : answers) positions.push_back({{.where = answer.where}, answer.offset});
  }
  for (const auto& [offset, position] : positions) {
    consumer_.assign(offset.where, position, offset.leader_epoch);
    committed_[offset.where] = offset.offset;
  }
  for (PartitionError& error : missing) errors_.push_back(std::move(error));
  owned_.insert(owned_.end(), partitions.begin(), partitions.end());
  if (!errors_.empty()) consumer_.wake();
  if (options_.on_assigned) options_.on_assigned(partitions);
  co_return Result<void>{};
}

/// The topics of which the group has read something.
awaitable<Result<std::set<std::string>>> GroupConsumer::Impl::topics_begun(Instant deadline) {
  MQ_CO_TRY(const auto committed, co_await cluster_.retry(deadline, [&]() {
    return fetch_committed(cluster_, options_.group, std::nullopt);
  }));
  std::set<std::string> topics;
  for (const CommittedOffset& offset : committed)
    if (offset.offset >= Offset{0}) topics.insert(offset.where.topic);
  co_return topics;
}

void GroupConsumer::Impl::rejoin() {
  if (phase_ == Phase::joining) return;  // it is on its way already
  phase_ = Phase::outside;
  consumer_.wake();
}

// --- Joining ---------------------------------------------------------------------------------------------------------

awaitable<void> GroupConsumer::Impl::join_until_done() {
  Backoff backoff;
  while (!closed_ && !fatal_) {
    auto joined = co_await join_once();
    if (joined) {
      phase_ = Phase::joined;
      heartbeat_timer_->cancel();
      break;
    }
    const ErrorCode code = code_of(joined.error());
    const bool at_once = code == ErrorCode::kMemberIdRequired || code == ErrorCode::kRebalanceInProgress;
    if (!at_once) MQ_MARK("client: a member waits before it joins again");
    if (!at_once && !fatal_) co_await shard_.sleep_until(shard_.now() + backoff.next(cluster_.random()));
  }
  if (phase_ == Phase::joining) phase_ = Phase::outside;
  consumer_.wake();
}

wire::JoinGroupRequest GroupConsumer::Impl::join_request() const {
  wire::JoinGroupRequest request;
  request.group_id = options_.group;
  request.session_timeout_ms = to_ms(options_.session_timeout);
  request.rebalance_timeout_ms = to_ms(options_.rebalance_timeout);
  request.member_id = member_id_;
  request.group_instance_id = options_.instance_id;
  request.protocol_type = kProtocolType;
  wire::ConsumerProtocolSubscription subscription;
  subscription.topics = topics_;
  subscription.owned_partitions = grouped<wire::ConsumerProtocolSubscription::TopicPartition>(owned_);
  subscription.generation_id = generation_;
  for (const assignment::Assignor assignor : options_.assignors) {
    auto& protocol = request.protocols.emplace_back();
    protocol.name = assignment::name_of(assignor);
    protocol.metadata = wire::encode_versioned(subscription, kSubscriptionVersion);
  }
  return request;
}

awaitable<Result<void>> GroupConsumer::Impl::join_once() {
  MQ_CO_TRY(auto connection, co_await cluster_.coordinator(options_.group, Cluster::Use::membership));
  const Duration patience = options_.rebalance_timeout + cluster_.options().request_timeout;
  MQ_CO_TRY(const auto response, co_await connection->call(join_request(), patience));
  const auto& joined = response.body;
  if (joined.error_code == ErrorCode::kMemberIdRequired) member_id_ = joined.member_id;
  if (joined.error_code != ErrorCode::kNone) co_return fail(refused(joined.error_code, "join"));
  member_id_ = joined.member_id;
  generation_ = joined.generation_id;

  assigned_counts_.clear();
  wire::SyncGroupRequest sync;
  sync.group_id = options_.group;
  sync.generation_id = generation_;
  sync.member_id = member_id_;
  sync.group_instance_id = options_.instance_id;
  sync.protocol_type = kProtocolType;
  sync.protocol_name = joined.protocol_name;
  if (joined.leader == member_id_ && !joined.skip_assignment) {
    MQ_CO_TRY(auto assignments, co_await make_assignments(joined));
    for (auto& [member, assignment] : assignments) {
      auto& entry = sync.assignments.emplace_back();
      entry.member_id = std::move(member);
      entry.assignment = std::move(assignment);
    }
  }
  MQ_CO_TRY(const auto synced, co_await connection->call(std::move(sync), patience));
  if (synced.body.error_code != ErrorCode::kNone) co_return fail(refused(synced.body.error_code, "sync"));
  assigned_.clear();
  if (!synced.body.assignment.empty()) {
    MQ_CO_TRY(const auto assignment, wire::decode_versioned<wire::ConsumerProtocolAssignment>(synced.body.assignment));
    assigned_ = ungrouped(assignment.assigned_partitions);
  }
  co_return Result<void>{};
}

awaitable<Result<std::vector<std::pair<std::string, std::string>>>> GroupConsumer::Impl::make_assignments(
    const wire::JoinGroupResponse& joined) {
  const auto assignor = assignment::parse_assignor(joined.protocol_name.value_or(""));
  if (!assignor)
    co_return fail(Errc::unsupported, "group {} chose assignor {}, which we do not have", options_.group,
                   joined.protocol_name.value_or(""));
  std::vector<assignment::AssignedMember> members;
  std::set<std::string> topics;
  for (const auto& member : joined.members) {
    MQ_CO_TRY(const auto subscription, wire::decode_versioned<wire::ConsumerProtocolSubscription>(member.metadata));
    topics.insert(subscription.topics.begin(), subscription.topics.end());
    members.push_back({.id = member.member_id,
                       .topics = subscription.topics,
                       .owned = ungrouped(subscription.owned_partitions),
                       .generation = subscription.generation_id,
                       .rack = subscription.rack_id});
  }
  MQ_CO_TRY(const auto known, co_await cluster_.refresh({topics.begin(), topics.end()}, Cluster::AutoCreate::no));
  std::map<std::string, std::int32_t> counts;
  for (const auto& topic : known.topics) counts[topic->name] = static_cast<std::int32_t>(topic->partitions.size());
  assigned_counts_ = counts;
  for (const std::string& topic : topics) assigned_counts_.try_emplace(topic, 0);  // not there yet: it may come
  counts_checked_ = shard_.now();
  std::vector<std::pair<std::string, std::string>> assignments;
  for (const auto& [member, partitions] : assignment::assign(*assignor, members, counts)) {
    wire::ConsumerProtocolAssignment assignment;
    assignment.assigned_partitions = grouped<wire::ConsumerProtocolAssignment::TopicPartition>(partitions);
    assignments.emplace_back(member, wire::encode_versioned(assignment, kAssignmentVersion));
  }
  co_return assignments;
}

/// What an error of the coordinator means for our membership.
Error GroupConsumer::Impl::refused(ErrorCode code, std::string_view what) {
  Error error = broker_error(code, "group {}: {}", options_.group, what);
  switch (code) {
    case ErrorCode::kUnknownMemberId:
      MQ_MARK("client: a group does not know its member any more");
      member_id_.clear();
      [[fallthrough]];
    case ErrorCode::kIllegalGeneration:
      MQ_MARK("client: a group went on without its member");
      generation_ = -1;
      lost_ = true;
      consumer_.wake();
      break;
    case ErrorCode::kMemberIdRequired:
    case ErrorCode::kRebalanceInProgress:
      break;
    default:
      if (is_coordinator_error(code)) MQ_MARK("client: a group has lost its coordinator");
      if (is_coordinator_error(code)) {
        cluster_.forget_coordinator(options_.group);
      } else if (!is_retriable(code)) {
        fatal_ = error;
      }
  }
  return error;
}

// --- Heartbeats ------------------------------------------------------------------------------------------------------

awaitable<void> GroupConsumer::Impl::send_heartbeats() {
  while (!closed_) {
    (void)co_await heartbeat_timer_->wait_until(shard_.now() + options_.heartbeat_interval);
    // An owner that does not poll any more must lose its partitions; the coordinator sees to that when we are silent.
    const bool is_alive = shard_.now() - last_poll_ < options_.rebalance_timeout;
    const bool is_member = phase_ == Phase::stable || phase_ == Phase::joined;
    if (closed_ || !is_alive || !is_member || generation_ < 0) continue;
    co_await send_heartbeat();
    if (phase_ == Phase::stable && !assigned_counts_.empty()) co_await look_for_new_partitions();
  }
}

awaitable<void> GroupConsumer::Impl::send_heartbeat() {
  auto connection = co_await cluster_.coordinator(options_.group);
  if (!connection) co_return;
  wire::HeartbeatRequest request;
  request.group_id = options_.group;
  request.generation_id = generation_;
  request.member_id = member_id_;
  request.group_instance_id = options_.instance_id;
  const std::int32_t generation = generation_;
  const auto answer =
      co_await (*connection)
          ->call(std::move(request), std::min(cluster_.options().request_timeout, options_.session_timeout));
  if (closed_ || !answer || answer->body.error_code == ErrorCode::kNone) co_return;
  // The answer to an older generation says nothing about this one.
  if (generation != generation_ || phase_ == Phase::joining) co_return;
  (void)refused(answer->body.error_code, "heartbeat");
  if (fatal_) {
    consumer_.wake();
  } else if (!is_coordinator_error(answer->body.error_code)) {
    rejoin();
  }
}

/// The leader of a group answers for partitions that were added since it shared them out.
awaitable<void> GroupConsumer::Impl::look_for_new_partitions() {
  if (shard_.now() - counts_checked_ < cluster_.options().metadata_age_max) co_return;
  counts_checked_ = shard_.now();
  std::vector<std::string> names;
  for (const auto& [name, count] : assigned_counts_) names.push_back(name);
  const auto known = co_await cluster_.refresh(std::move(names), Cluster::AutoCreate::no);
  if (!known || closed_ || phase_ != Phase::stable) co_return;
  for (const auto& topic : known->topics) {
    const auto assigned = assigned_counts_.find(topic->name);
    if (assigned == assigned_counts_.end()) continue;
    if (static_cast<std::int32_t>(topic->partitions.size()) != assigned->second)
      MQ_MARK("client: the leader of a group finds new partitions");
    if (static_cast<std::int32_t>(topic->partitions.size()) != assigned->second) co_return rejoin();
  }
}

// --- Commits and the end ---------------------------------------------------------------------------------------------

awaitable<Result<void>> GroupConsumer::Impl::commit(std::vector<CommittedOffset> offsets, Instant deadline) {
  if (offsets.empty()) co_return Result<void>{};
  const std::int32_t generation = generation_;
  auto attempt = [&]() -> awaitable<Result<void>> {
    // In the next generation others may have these partitions, and have committed more.
    if (generation != generation_)
      co_return fail(broker_error(ErrorCode::kIllegalGeneration, "group {} went on amid a commit", options_.group));
    MQ_CO_TRY(const auto results, co_await commit_offsets(cluster_, options_.group, committer(), offsets));
    for (const auto& [where, code] : results) {
      if (code == ErrorCode::kNone) continue;
      // Only heartbeats and joins change our membership; here it is only told.
      co_return fail(broker_error(code, "commit of {} for group {}", where.to_string(), options_.group));
    }
    for (const CommittedOffset& offset : offsets) committed_[offset.where] = offset.offset;
    co_return Result<void>{};
  };
  auto done = co_await cluster_.retry(deadline, attempt);
  if (!done &&
      (code_of(done.error()) == ErrorCode::kIllegalGeneration ||
       code_of(done.error()) == ErrorCode::kUnknownMemberId) &&
      phase_ == Phase::stable && generation == generation_) {
    // The answer to an older generation says nothing about this one.
    MQ_MARK("client: a commit finds that the group went on");
    (void)refused(code_of(done.error()), "commit");
    rejoin();
  }
  co_return done;
}

awaitable<Result<void>> GroupConsumer::Impl::commit_polled(Instant deadline) {
  std::vector<CommittedOffset> offsets;
  for (const TopicPartition& where : owned_) {
    const auto position = consumer_.position(where);
    if (!position) continue;
    const auto committed = committed_.find(where);
    if (committed != committed_.end() && committed->second == *position) continue;
    offsets.push_back(
        {.where = where, .offset = *position, .leader_epoch = consumer_.position_epoch(where), .metadata = {}});
  }
  return commit(std::move(offsets), deadline);
}

awaitable<Result<void>> GroupConsumer::Impl::leave() {
  MQ_CO_TRY(auto connection, co_await cluster_.coordinator(options_.group));
  wire::LeaveGroupRequest request;
  request.group_id = options_.group;
  request.member_id = member_id_;
  auto& member = request.members.emplace_back();
  member.member_id = member_id_;
  member.reason = "the consumer was closed";
  MQ_CO_TRY(const auto answer, co_await connection->call(std::move(request), cluster_.options().request_timeout));
  ErrorCode code = answer.body.error_code;
  if (code == ErrorCode::kNone && !answer.body.members.empty()) code = answer.body.members[0].error_code;
  if (is_coordinator_error(code)) cluster_.forget_coordinator(options_.group);
  // The group went on without us: we are out.
  if (code == ErrorCode::kNone || code == ErrorCode::kUnknownMemberId) co_return Result<void>{};
  co_return fail(broker_error(code, "group {}: leave", options_.group));
}

awaitable<Result<void>> GroupConsumer::Impl::close(Instant deadline) {
  if (std::exchange(closed_, true)) co_return Result<void>{};
  heartbeat_timer_->cancel();
  co_await consumer_.close();
  Result<void> left;
  if (!options_.instance_id && !member_id_.empty())
    left = co_await cluster_.retry(deadline, [this] { return leave(); });
  co_return left;
}

void GroupConsumer::Impl::check_invariants() const {
  consumer_.check_invariants();
  const std::set<TopicPartition> owned(owned_.begin(), owned_.end());
  MQ_ASSERT(owned.size() == owned_.size());
  for (const TopicPartition& where : consumer_.assignment()) MQ_ASSERT(owned.contains(where));
  MQ_ASSERT(generation_ < 0 || !member_id_.empty() || options_.instance_id);
  MQ_ASSERT(phase_ == Phase::joining || phase_ == Phase::outside || generation_ >= 0 || lost_ || fatal_);
}

// --- The handle ------------------------------------------------------------------------------------------------------

GroupConsumer::GroupConsumer(Cluster& cluster, std::vector<std::string> topics, GroupOptions options)
    : impl_(std::make_shared<Impl>(cluster, std::move(topics), std::move(options))) {
  impl_->start();
}
GroupConsumer::~GroupConsumer() = default;

awaitable<Result<Polled>> GroupConsumer::poll(Duration wait) { return impl_->poll(wait); }
void GroupConsumer::wake() { impl_->wake(); }
awaitable<Result<void>> GroupConsumer::commit(std::vector<CommittedOffset> offsets, Instant deadline) {
  return impl_->commit(std::move(offsets), deadline);
}
awaitable<Result<void>> GroupConsumer::commit_polled(Instant deadline) { return impl_->commit_polled(deadline); }
bool GroupConsumer::is_settled() const { return impl_->is_settled(); }
std::vector<TopicPartition> GroupConsumer::assignment() const { return impl_->owned(); }
LeaderEpoch GroupConsumer::position_epoch(const TopicPartition& where) const {
  return impl_->consumer().position_epoch(where);
}
std::optional<Offset> GroupConsumer::position(const TopicPartition& where) const {
  return impl_->consumer().position(where);
}
std::optional<Offset> GroupConsumer::known_end(const TopicPartition& where) const {
  return impl_->consumer().known_end(where);
}
const std::string& GroupConsumer::member_id() const { return impl_->member_id(); }
std::int32_t GroupConsumer::generation() const { return impl_->generation(); }
std::int32_t GroupConsumer::assignment_generation() const { return impl_->assignment_generation(); }
void GroupConsumer::check_invariants() const { impl_->check_invariants(); }
awaitable<Result<void>> GroupConsumer::close(Instant deadline) { return impl_->close(deadline); }

}  // namespace mq::client
