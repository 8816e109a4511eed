#include "model/small_world.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/assert.h"
#include "controller/cluster_plans.h"

namespace mq::small {
namespace {

using replication::Effects;
using replication::Role;

constexpr Duration kLagMax = 10s;
constexpr Instant kNow{};
constexpr Instant kMuchLater{Duration{1h}};

std::uint8_t incarnation_of(std::size_t who, int incarnation) {
  return static_cast<std::uint8_t>((incarnation * 4) + static_cast<int>(who) + 1);
}

const char* role_name(Role role) {
  if (role == Role::leader) return "leads";
  return role == Role::follower ? "follows" : "waits";
}

std::string text_of(const std::vector<BrokerId>& ids) {
  std::string text;
  for (const BrokerId id : ids) text += std::to_string(id.value());
  return text;
}

std::string text_of(const SmallLog& log) {
  std::string text;
  for (std::size_t i = 0; i < log.length; ++i)
    text += fmt::format("{}{}", static_cast<char>('a' + (log.records[i] % 16)), log.epoch_at(i));
  return "[" + text + "]";
}

}  // namespace

replication::EpochEnd SmallLog::end_of(LeaderEpoch asked) const {
  std::size_t end = 0;
  while (end < length && LeaderEpoch{epoch_at(end)} <= asked) ++end;
  return {.epoch = end == 0 ? kNoLeaderEpoch : LeaderEpoch{epoch_at(end - 1)},
          .end = Offset{static_cast<std::int64_t>(end)}};
}

replication::Settings SmallWorlds::settings(std::size_t who) const {
  return {.flush_class = FlushClass::async,
          .insync_replicas_min = knows_lowered(who) ? std::size_t{1} : std::size_t{2},
          .lag_max = kLagMax};
}

controller::SettingsOf SmallWorlds::settings_of(std::size_t who) const {
  return [least = settings(who).insync_replicas_min](const cluster::Topic&) {
    return controller::TopicSettings{.insync_replicas_min = least};
  };
}

// --- Replicas -------------------------------------------------------------------------------------------------------

replication::Ends SmallWorlds::ends(std::size_t who) const {
  const Offset end = world_.nodes[who].log.end();
  return {.log_start = Offset{0},
          .synced = end,
          .written = end,
          .log_end = end,
          .last_epoch = world_.nodes[who].log.last_epoch()};
}

void SmallWorlds::keep(std::size_t who, const Replica& replica) {
  replica_text_.clear();
  replica.look_at_state([&](std::int64_t number) {
    // A prefix code: most numbers are small.
    if (number >= -1 && number < 100) {
      replica_text_.push_back(static_cast<char>(number));
    } else {
      replica_text_.push_back(120);
      replica_text_.append(reinterpret_cast<const char*>(&number), sizeof number);
    }
  });
  replica_text_.push_back(static_cast<char>(who));
  replica_text_.push_back(knows_lowered(who) ? 'l' : 'h');  // the settings that it was told
  const auto [at, is_new] = replica_numbers_.try_emplace(replica_text_, static_cast<std::uint32_t>(replicas_.size()));
  if (is_new) replicas_.push_back(replica);
  world_.nodes[who].replica = at->second;
}

// NOLINTNEXTLINE(misc-no-recursion)
void SmallWorlds::obey(std::size_t who, Replica& replica, const Effects& effects) {
  if (effects.truncate) {
    world_.nodes[who].log.cut(static_cast<std::size_t>(effects.truncate->value()));
    obey(who, replica, replica.truncated(ends(who)));
  }
  if (effects.propose) send_proposal(who, replica);
  // Elections begin epochs that no log has yet.
  MQ_ASSERT(!effects.raise_epoch);
}

void SmallWorlds::send_proposal(std::size_t who, Replica& replica) {
  keep(who, replica);
  const std::uint32_t view = world_.nodes[who].view;
  const std::uint64_t known = (std::uint64_t{view} << 32) | world_.nodes[who].replica;
  auto [at, is_new] = isr_plans_.try_emplace(known);
  IsrPlanned& planned = at->second;
  if (is_new) {
    controller::IsrChange change{
        .place = SmallStores::place(), .partition_epoch = replica.partition_epoch(), .isr = {}, .lost = replica.lost()};
    for (const Replica::Proposed& one : replica.proposal())
      change.isr.push_back({.id = one.id, .broker_epoch = one.broker_epoch, .is_new = one.is_new});
    const controller::IsrPlan plan =
        controller::plan_isr_changes(stores_.image(view), id_of(who), std::span(&change, 1), settings_of(who));
    if (!plan.batches.empty()) planned.sent = stores_.number_of(plan.batches[0].transaction);
    planned.is_refused = !plan.refused.empty();
  }
  if (planned.is_refused) {
    (void)replica.proposal_ended(Replica::Outcome::refused);
    return;
  }
  if (planned.sent == kNothing) return;
  for (std::size_t i = 0; i < kControllersFlight; ++i) {
    if (world_.flights[i].sent != kNothing) continue;
    world_.flights[i] = {
        .sent = planned.sent, .sender = static_cast<std::uint8_t>(who), .incarnation = world_.nodes[who].incarnation};
    return;
  }
  // No room: it is lost on the way, and its sender never hears of it.
}

std::vector<BrokerId> SmallWorlds::gone(std::uint32_t store) const {
  std::vector<BrokerId> gone;
  for (std::size_t i = 0; i < kBrokers; ++i)
    if (!controller::is_there(stores_.image(store), id_of(i))) gone.push_back(id_of(i));
  return gone;
}

// --- Events ---------------------------------------------------------------------------------------------------------

World SmallWorlds::first() {
  world_ = World{};
  for (std::size_t i = 0; i < kBrokers; ++i) {
    Replica replica(id_of(i), ends(i), settings(i), FlushClass::async, Offset{0});
    (void)replica.registered(cluster::BrokerEpoch{1});
    (void)replica.image_changed(stores_.partition(0), {}, kNow);
    keep(i, replica);
  }
  (void)fetch(1, 0, true);
  (void)fetch(2, 0, true);
  judge();

  events_.clear();
  const auto add = [&](Happens what, std::size_t who, std::size_t how = 0) {
    events_.push_back({.what = what, .who = static_cast<std::uint8_t>(who), .how = static_cast<std::uint8_t>(how)});
  };
  for (std::size_t i = 0; i < kBrokers; ++i) {
    add(Happens::append, i);
    add(Happens::learn, i);
    add(Happens::prepare, i);
    for (std::size_t j = 0; j < kBrokers; ++j)
      if (i != j) add(Happens::fetch, i, j);
    for (std::size_t j = 0; j < kBrokers; ++j)
      if (i != j && scope_.lost_answers > 0) add(Happens::fetch_unanswered, i, j);
    if (scope_.stops > 0) add(Happens::stop, i);
    for (std::size_t to = 0; to < kRecordsMax; ++to)
      if (scope_.power_cuts > 0) add(Happens::power_cut, i, to);
    if (scope_.starts > 0) add(Happens::start, i);
    add(Happens::expire, i);
    if (scope_.lags > 0) add(Happens::lag, i);
    if (scope_.lowered > 0 && !scope_.is_prompt) add(Happens::hear, i);
    add(Happens::deliver, i);
    if (scope_.unknown > 0) add(Happens::forget, i);
  }
  for (std::size_t answers = 0; answers <= kBrokers; ++answers) add(Happens::care, 0, answers);
  if (scope_.lowered > 0) add(Happens::lower, 0);
  if (scope_.lowered > 0 && !scope_.is_prompt) add(Happens::hear, kControllersBit);
  return world_;
}

std::optional<World> SmallWorlds::follow(const World& world, Event event) {
  world_ = world;
  breach_ = Breach::none;
  const auto happens = [&] {
    switch (event.what) {
      case Happens::append:
        return append(event.who);
      case Happens::fetch:
        return fetch(event.who, event.how, true);
      case Happens::fetch_unanswered:
        if (world_.lost_answers++ >= scope_.lost_answers) return false;
        return fetch(event.who, event.how, false);
      case Happens::learn:
        return learn(event.who);
      case Happens::deliver:
        return deliver(event.who);
      case Happens::forget:
        return forget(event.who);
      case Happens::care:
        return care(event.how);
      case Happens::stop:
        return stop(event.who);
      case Happens::power_cut:
        return power_cut(event.who, event.how);
      case Happens::start:
        return start(event.who);
      case Happens::expire:
        return expire(event.who);
      case Happens::prepare:
        return prepare(event.who);
      case Happens::lag:
        return lag(event.who);
      case Happens::lower:
        return lower();
      case Happens::hear:
        return hear(event.who);
    }
    std::unreachable();
  };
  if (!happens()) return std::nullopt;
  if (scope_.is_prompt) {
    for (std::size_t i = 0; i < kBrokers; ++i) (void)learn(i);
    for (std::size_t i = 0; i <= kControllersBit; ++i) (void)hear(i);
  }
  judge();
  return world_;
}

bool SmallWorlds::append(std::size_t who) {
  if (!is_up(who) || world_.values >= scope_.records) return false;
  if (replica(who).role() != Role::leader || replica(who).check_append(false) != ErrorCode::kNone) return false;
  Replica next = replica(who);
  world_.nodes[who].log.append(next.leader_epoch().value(), world_.values++);
  obey(who, next, next.written(ends(who), false, {}));
  keep(who, next);
  return true;
}

bool SmallWorlds::fetch(std::size_t who, std::size_t from, bool is_answered) {
  if (!is_up(who) || !is_up(from)) return false;
  if (replica(who).role() != Role::follower || replica(from).role() != Role::leader) return false;
  if (replica(who).leader_epoch() != replica(from).leader_epoch()) return false;
  Node& node = world_.nodes[who];
  const SmallLog& leaders = world_.nodes[from].log;
  const auto diverging =
      replication::divergence(leaders.end_of(node.log.last_epoch()), node.log.last_epoch(), node.log.end());
  Replica leader = replica(from);
  replication::LeaderAnswer answer;
  if (diverging && node.log.length > 0) {
    answer.diverges_at = replication::cut_at(*diverging, node.log.end_of(diverging->epoch));
  } else {
    const replication::FollowerFetch fetched{.from = id_of(who),
                                             .broker_epoch = cluster::BrokerEpoch{node.incarnation},
                                             .log_end = node.log.end(),
                                             .synced = node.log.end()};
    obey(from, leader, leader.fetched_by(fetched, kNow));
    keep(from, leader);
  }
  if (!is_answered) return true;
  answer.high_watermark = leader.high_watermark();
  Replica follower = replica(who);
  if (!answer.diverges_at && node.log.length < leaders.length) {
    for (std::size_t i = node.log.length; i < leaders.length; ++i) node.log.records[i] = leaders.records[i];
    node.log.length = leaders.length;
    obey(who, follower, follower.written(ends(who), false, {}));
  }
  const auto effects = follower.answered(answer);
  if (effects) {
    obey(who, follower, *effects);
  } else {
    found(Breach::stuck);
  }
  keep(who, follower);
  return true;
}

bool SmallWorlds::learn(std::size_t who) {
  if (!is_up(who) || world_.nodes[who].view == world_.store) return false;
  world_.nodes[who].view = world_.store;
  Replica next = replica(who);
  obey(who, next, next.image_changed(stores_.partition(world_.store), gone(world_.store), kNow));
  keep(who, next);
  return true;
}

bool SmallWorlds::set_store(std::uint32_t store) {
  world_.store = store;
  return stores_.partition(store).leader_epoch.value() <= scope_.leader_epochs;
}

bool SmallWorlds::deliver(std::size_t flight) {
  const Flight arriving = std::exchange(world_.flights[flight], {});
  if (arriving.sent == kNothing) return false;
  if (const auto store = stores_.commit(world_.store, arriving.sent)) return set_store(*store);
  const std::size_t sender = arriving.sender;
  const bool is_heard = flight != kControllersFlight && arriving.is_forgotten == 0 && is_up(sender) &&
                        world_.nodes[sender].incarnation == arriving.incarnation;
  if (!is_heard) return true;
  // It reads again. Where the key has changed its replica learns how it went; else it is planned anew.
  const std::int32_t before = replica(sender).partition_epoch();
  (void)learn(sender);
  Replica next = replica(sender);
  if (next.partition_epoch() != before || next.proposal().empty()) return true;
  send_proposal(sender, next);
  keep(sender, next);
  return true;
}

bool SmallWorlds::forget(std::size_t flight) {
  Flight& late = world_.flights[flight];
  if (flight == kControllersFlight || late.sent == kNothing || late.is_forgotten != 0) return false;
  if (world_.unknown++ >= scope_.unknown) return false;
  late.is_forgotten = 1;
  const std::size_t sender = late.sender;
  if (!is_up(sender) || world_.nodes[sender].incarnation != late.incarnation) return false;
  Replica next = replica(sender);
  if (next.proposal().empty()) return false;
  // Reading the key settles it only where that has changed.
  const std::int32_t before = next.partition_epoch();
  (void)learn(sender);
  next = replica(sender);
  if (next.partition_epoch() == before) obey(sender, next, next.proposal_ended(Replica::Outcome::unknown));
  keep(sender, next);
  return true;
}

/// `answers`: nobody has answered, or only this one has.
bool SmallWorlds::care(std::size_t answers) {
  if (world_.flights[kControllersFlight].sent != kNothing) return false;
  controller::Case one{.place = SmallStores::place(), .circumstances = {.answers = {}, .has_waited = true}};
  std::uint64_t known = std::uint64_t{world_.store} << 32;
  if (knows_lowered(kControllersBit)) known |= std::uint64_t{1} << 31;
  if (answers > 0) {
    const std::size_t who = answers - 1;
    if (!is_up(who)) return false;
    const SmallLog& log = world_.nodes[who].log;
    one.circumstances.answers.push_back({.broker = id_of(who), .last_epoch = log.last_epoch(), .end = log.end()});
    known |= (answers << 16) | static_cast<std::uint64_t>((log.last_epoch().value() + 1) * 16 + log.length);
  }
  const auto [at, is_new] = care_plans_.try_emplace(known, kNothing);
  if (is_new) {
    const controller::Plan plan = controller::plan_care(stores_.image(world_.store), SmallStores::lease(),
                                                        std::span(&one, 1), settings_of(kControllersBit));
    if (!plan.empty()) at->second = stores_.number_of(plan.transactions[0]);
  }
  if (at->second == kNothing) return false;
  if (scope_.is_controller_slow) {
    world_.flights[kControllersFlight] = {.sent = at->second};
    return true;
  }
  const auto store = stores_.commit(world_.store, at->second);
  MQ_ASSERT(store.has_value());
  return set_store(*store);
}

bool SmallWorlds::stop(std::size_t who) {
  if (!is_up(who) || world_.stops++ >= scope_.stops) return false;
  Node& node = world_.nodes[who];
  node.checkpoint = static_cast<std::uint8_t>(replica(who).high_watermark().value());
  node.replica = kNothing;
  node.view = 0;
  return true;
}

bool SmallWorlds::power_cut(std::size_t who, std::size_t to) {
  if (!is_up(who) || world_.power_cuts++ >= scope_.power_cuts) return false;
  Node& node = world_.nodes[who];
  if (to > 0 && to >= node.log.length) return false;
  node.log.cut(to);
  node.is_doubtful = 1;
  node.checkpoint = 0;
  node.replica = kNothing;
  node.view = 0;
  return true;
}

bool SmallWorlds::start(std::size_t who) {
  if (is_up(who) || world_.starts++ >= scope_.starts) return false;
  Node& node = world_.nodes[who];
  ++node.incarnation;
  world_.store = stores_.registered(world_.store, who);
  node.view = world_.store;
  if (world_.lowered > 0) world_.know_lowered |= static_cast<std::uint8_t>(1 << who);
  Replica replica(id_of(who), ends(who), settings(who), FlushClass::async,
                  Offset{std::min(node.checkpoint, node.log.length)});
  node.checkpoint = 0;
  (void)replica.registered(cluster::BrokerEpoch{node.incarnation});
  obey(who, replica, replica.image_changed(stores_.partition(world_.store), gone(world_.store), kNow));
  keep(who, replica);
  return true;
}

bool SmallWorlds::expire(std::size_t who) {
  if (is_up(who) || !stores_.image(world_.store).is_alive(id_of(who))) return false;
  world_.store = stores_.expired(world_.store, who);
  return true;
}

/// Of one that starts: it steps out where it may have lost something, and is ready when there is nothing left of that.
bool SmallWorlds::prepare(std::size_t who) {
  if (!is_up(who)) return false;
  Node& node = world_.nodes[who];
  const cluster::ClusterImage& image = stores_.image(node.view);
  if (image.find_broker(id_of(who))->state != cluster::BrokerState::starting) return false;
  std::vector<controller::UncertainLog> logs;
  if (node.is_doubtful != 0)
    logs.push_back({.topic_id = SmallStores::place().topic, .partition = 0, .latest_epoch = node.log.last_epoch()});
  controller::Plan plan = controller::plan_stepping_out(image, id_of(who), logs, settings_of(who));
  const bool is_done = plan.empty();
  if (is_done) plan = controller::plan_broker_state(image, id_of(who), cluster::BrokerState::ready);
  const auto store = stores_.commit(world_.store, plan.transactions[0]);
  if (store && is_done) node.is_doubtful = 0;
  if (store && !set_store(*store)) return false;
  return learn(who) || store.has_value();
}

bool SmallWorlds::lag(std::size_t who) {
  if (!is_up(who) || replica(who).role() != Role::leader || world_.lags++ >= scope_.lags) return false;
  Replica next = replica(who);
  obey(who, next, next.time_passed(kMuchLater));
  keep(who, next);
  return true;
}

bool SmallWorlds::lower() {
  if (world_.lowered >= scope_.lowered) return false;
  ++world_.lowered;
  return true;
}

bool SmallWorlds::hear(std::size_t who) {
  if (world_.lowered == 0 || knows_lowered(who) || (who != kControllersBit && !is_up(who))) return false;
  world_.know_lowered |= static_cast<std::uint8_t>(1 << who);
  if (who == kControllersBit) return true;
  Replica next = replica(who);
  obey(who, next, next.settings_changed(settings(who), false));
  keep(who, next);
  return true;
}

// --- The judge ------------------------------------------------------------------------------------------------------

void SmallWorlds::found(Breach breach) {
  if (breach_ == Breach::none) breach_ = breach;
}

void SmallWorlds::judge() {
  const cluster::Partition& key = stores_.partition(world_.store);
  SmallLog& committed = world_.committed;
  const bool is_unclean = key.unclean_since != kNoLeaderEpoch;
  if (is_unclean && scope_.power_cuts <= 1) return found(Breach::unclean);
  if (world_.unclean_since != key.unclean_since.value() + 1) {
    // Whatever was committed until now may be gone.
    world_.unclean_since = static_cast<std::uint8_t>(key.unclean_since.value() + 1);
    committed.cut(0);
  }
  for (std::size_t i = 0; i < kBrokers; ++i) {
    if (!is_up(i)) continue;
    const bool counts = replica(i).role() == Role::leader && replica(i).leader_epoch() >= key.unclean_since;
    if (is_unclean && !counts) continue;
    const SmallLog& log = world_.nodes[i].log;
    const auto readable = static_cast<std::size_t>(replica(i).high_watermark().value());
    for (std::size_t at = 0; at < readable; ++at) {
      if (at == committed.length) committed.records[committed.length++] = log.records[at];
      if (committed.records[at] != log.records[at]) found(Breach::diverged);
    }
  }
  judge_leaders(key);
  if (!is_unclean) judge_members(key);
}

void SmallWorlds::judge_leaders(const cluster::Partition& key) {
  const SmallLog& committed = world_.committed;
  for (std::size_t i = 0; i < kBrokers; ++i) {
    if (!is_up(i) || replica(i).role() != Role::leader) continue;
    const Replica& leader = replica(i);
    const auto epoch = static_cast<std::size_t>(leader.leader_epoch().value());
    const std::uint8_t self = incarnation_of(i, world_.nodes[i].incarnation);
    if (world_.led_by[epoch] != 0 && world_.led_by[epoch] != self) found(Breach::two_leaders);
    world_.led_by[epoch] = self;
    if (key.leader != id_of(i) || key.leader_epoch != leader.leader_epoch()) continue;
    const SmallLog& log = world_.nodes[i].log;
    const std::size_t common = std::min(log.length, committed.length);
    if (!std::equal(committed.records.begin(), committed.records.begin() + static_cast<std::ptrdiff_t>(common),
                    log.records.begin()))
      found(Breach::diverged);
    if (log.length < committed.length) found(Breach::lost);
    if (leader.knows_end() && leader.high_watermark() < committed.end()) found(Breach::went_back);
  }
}

/// Whoever may be elected as it is.
void SmallWorlds::judge_members(const cluster::Partition& key) {
  const SmallLog& committed = world_.committed;
  for (const BrokerId id : key.isr) {
    const Node& node = world_.nodes[place_of(id)];
    const bool has_all =
        node.log.length >= committed.length &&
        std::equal(committed.records.begin(), committed.records.begin() + committed.length, node.log.records.begin());
    if (!has_all && node.is_doubtful == 0) found(Breach::lacking);
  }
}

std::string SmallWorlds::told(const World& after, Event event) const {
  static constexpr const char* kWords[] = {
      "append",    "fetch", "fetch, no answer", "learn",   "deliver", "forget", "care", "stop",
      "power cut", "start", "expire",           "prepare", "lag",     "lower",  "hear"};
  std::string text = fmt::format("{:<16} {} {}", kWords[static_cast<int>(event.what)], event.who + 1, event.how);
  const cluster::Partition& key = stores_.partition(after.store);
  text += fmt::format(" | key: leader {} e{} isr {} elr {} p{}", key.leader.value(), key.leader_epoch.value(),
                      text_of(key.isr), text_of(key.elr), key.partition_epoch);
  for (std::size_t i = 0; i < kBrokers; ++i) {
    const Node& node = after.nodes[i];
    text += fmt::format(" | {} ", i + 1);
    if (node.replica == kNothing) {
      text += "down";
    } else {
      const Replica& replica = replicas_[node.replica];
      text += fmt::format("{} e{} hw {}", role_name(replica.role()), replica.leader_epoch().value(),
                          replica.high_watermark().value());
    }
    text += " " + text_of(node.log);
  }
  return text + " | committed " + text_of(after.committed);
}

}  // namespace mq::small
