#include "broker/administration.h"

#include <map>
#include <set>
#include <string>
#include <utility>

#include "base/assert.h"
#include "base/mark.h"
#include "broker/errors.h"
#include "broker/settings.h"
#include "config/live.h"
#include "controller/cluster_plans.h"
#include "controller/packer.h"

namespace mq::broker {
namespace {

using cluster::ClusterImage;
using controller::AskedPlan;
using controller::Refusal;

/// Candidates have so long to say how far their logs go. An operator would rather wait than lose more than has to be.
constexpr Duration kAnswerPatience = 2s;

controller::Group group_of(AskedPlan planned) {
  MQ_ASSERT(planned.plan.transactions.size() == 1);
  cluster::Transaction& transaction = planned.plan.transactions.front();
  return {.compares = std::move(transaction.compares), .ops = std::move(transaction.ops)};
}

/// False, and nothing is changed, where one of the keys that the group writes is among `keys`. Else it adds them.
bool claims(std::set<std::string>& keys, const controller::Group& group) {
  for (const cluster::Op& op : group.ops)
    if (keys.contains(op.key)) return false;
  for (const cluster::Op& op : group.ops) keys.insert(op.key);
  return true;
}

}  // namespace

awaitable<std::vector<Refusal>> Administration::reassign(std::vector<Move> moves) {
  const controller::SettingsOf settings_of = plan_settings(node_.config());
  co_await fix_factors(moves);
  co_return co_await carry_out(moves.size(), [&](const ClusterImage& image, std::size_t i) {
    const Move& move = moves[i];
    return move.target ? controller::plan_reassignment(image, move.place, *move.target, settings_of)
                       : controller::plan_cancellation(image, move.place, settings_of);
  });
}

awaitable<void> Administration::fix_factors(const std::vector<Move>& moves) {
  const controller::SettingsOf settings_of = plan_settings(node_.config());
  const auto image = writer_.image();
  std::set<Uuid> topics;
  for (const Move& move : moves) {
    const cluster::Topic* topic = image->find_topic(move.place.topic);
    const cluster::Partition* known = topic ? topic->find_partition(move.place.index) : nullptr;
    if (known == nullptr || !move.target || !topic->has_default_factor) continue;
    if (move.target->size() == known->replicas.size() - known->removing.size()) continue;
    const AskedPlan planned = controller::plan_reassignment(*image, move.place, *move.target, settings_of);
    if (planned.refusal.error == ErrorCode::kNone) topics.insert(topic->id);
  }
  // Where that fails the moves fail, too.
  for (const Uuid& id : topics)
    (void)co_await writer_.change(
        [&id](const ClusterImage& now) -> Result<controller::Plan> { return controller::plan_own_factor(now, id); });
}

awaitable<std::vector<Refusal>> Administration::elect(std::vector<cluster::PartitionPlace> places,
                                                      controller::Election election) {
  const controller::SettingsOf settings_of = plan_settings(node_.config());
  const auto answers = co_await ask_candidates(places, election);
  co_return co_await carry_out(places.size(), [&](const ClusterImage& image, std::size_t i) {
    const auto of_place = answers.find(places[i]);
    return controller::plan_election(image, places[i], election, settings_of,
                                     of_place == answers.end() ? std::vector<controller::LogEnd>() : of_place->second);
  });
}

awaitable<std::map<cluster::PartitionPlace, std::vector<controller::LogEnd>>> Administration::ask_candidates(
    const std::vector<cluster::PartitionPlace>& places, controller::Election election) {
  std::map<cluster::PartitionPlace, std::vector<controller::LogEnd>> answers;
  // Whoever is preferred has everything, or is not elected.
  if (election == controller::Election::preferred || !node_.is_member()) co_return answers;
  const controller::SettingsOf settings_of = plan_settings(node_.config());
  const auto image = writer_.image();
  std::map<BrokerId, PeerWatch::Question> questions;
  for (const cluster::PartitionPlace& place : places) {
    const auto candidates = controller::candidates_of_election(*image, place, election, settings_of);
    if (candidates.size() < 2) continue;
    for (const BrokerId id : candidates) questions[id].push_back(place);
  }
  if (questions.empty()) co_return answers;
  MQ_MARK("broker: candidates of an unclean election are asked for their logs");
  for (const auto& [place, end] : co_await peers_.ask_for_log_ends(std::move(questions), kAnswerPatience))
    answers[place].push_back(end);
  co_return answers;
}

awaitable<Refusal> Administration::unregister(BrokerId id) {
  auto refusals = co_await carry_out(
      1, [id](const ClusterImage& image, std::size_t) { return controller::plan_unregistration(image, id); });
  if (refusals.front().error == ErrorCode::kNone) node_.logger().info("broker {} is unregistered", id.value());
  co_return std::move(refusals.front());
}

awaitable<Refusal> Administration::drain(BrokerId id, bool is_wanted) {
  auto refusals = co_await carry_out(1, [id, is_wanted](const ClusterImage& image, std::size_t) {
    return controller::plan_drain(image, id, is_wanted);
  });
  if (refusals.front().error == ErrorCode::kNone && is_wanted) MQ_MARK("broker: a broker is to lead nothing");
  if (refusals.front().error == ErrorCode::kNone && !is_wanted) MQ_MARK("broker: a drained broker may lead again");
  if (refusals.front().error == ErrorCode::kNone)
    node_.logger().info("broker {} {}", id.value(), is_wanted ? "is drained: it is to lead nothing" : "may lead again");
  co_return std::move(refusals.front());
}

namespace {

AskedPlan plan_config(const ClusterImage& image, const NodeConfig& node, BrokerId id,
                      const Administration::ConfigChange& change) {
  if (id != kNoBroker && image.find_broker(id) == nullptr)
    return AskedPlan::refused(ErrorCode::kInvalidRequest, fmt::format("there is no broker {}", id.value()));
  config::Overrides configs = to_overrides(image.broker_config(id));
  if (const auto changed = change(configs); !changed)
    return AskedPlan::refused(ErrorCode::kInvalidConfig, changed.error().message);
  const bool is_of_all = id == kNoBroker;
  auto checked = config::checked_live(configs, is_of_all ? config::LiveOf::all : config::LiveOf::one);
  if (!checked) return AskedPlan::refused(ErrorCode::kInvalidConfig, checked.error().message);
  const config::Overrides others = to_overrides(image.broker_config(is_of_all ? node.node_id : kNoBroker));
  if (const auto whole =
          is_of_all ? check_live_options(node, others, *checked) : check_live_options(node, *checked, others);
      !whole)
    return AskedPlan::refused(ErrorCode::kInvalidConfig, whole.error().message);
  return {.refusal = {}, .plan = controller::plan_broker_configs(image, id, {checked->begin(), checked->end()})};
}

}  // namespace

awaitable<Refusal> Administration::change_config(BrokerId id, ConfigChange change, bool validate_only) {
  if (validate_only) co_return plan_config(*writer_.image(), node_.config(), id, change).refusal;
  auto refusals = co_await carry_out(
      1, [&](const ClusterImage& image, std::size_t) { return plan_config(image, node_.config(), id, change); });
  if (refusals.front().error == ErrorCode::kNone) node_.disk_space.look_for_space();
  co_return std::move(refusals.front());
}

awaitable<std::vector<Refusal>> Administration::carry_out(std::size_t count, PlanOf plan) {
  std::vector<Refusal> refusals(count);
  std::vector<std::size_t> left(count);
  for (std::size_t i = 0; i < count; ++i) left[i] = i;
  for (int tries = 1; !left.empty();) {
    controller::Packer packer;
    std::vector<cluster::Transaction> alone;
    std::set<std::string> keys;
    std::map<std::size_t, std::vector<std::size_t>> items;  // of each transaction
    std::vector<std::size_t> later;
    for (const std::size_t i : left) {
      AskedPlan planned = plan(*writer_.image(), i);
      refusals[i] = std::move(planned.refusal);
      if (planned.plan.empty()) continue;
      controller::Group group = group_of(std::move(planned));
      if (!claims(keys, group)) {
        refusals[i] = {.error = ErrorCode::kInvalidRequest, .message = "the request names it more than once"};
      } else if (tries == 1) {
        items[packer.add(std::move(group))].push_back(i);
      } else {
        items[alone.size()].push_back(i);
        alone.push_back({.compares = std::move(group.compares), .ops = std::move(group.ops), .write_id = {}});
      }
    }
    std::vector<cluster::Transaction> transactions = tries == 1 ? std::move(packer).take() : std::move(alone);
    bool has_conflict = false;
    for (std::size_t at = 0; at < transactions.size(); ++at) {
      controller::Plan one;
      one.transactions.push_back(std::move(transactions[at]));
      const auto done = co_await writer_.commit(std::move(one));
      if (done) continue;
      if (MetadataWriter::may_try_again(done.error(), tries)) {
        MQ_MARK("broker: what an operator asks for is planned again");
        has_conflict = true;
        later.insert(later.end(), items[at].begin(), items[at].end());
        continue;
      }
      for (const std::size_t i : items[at])
        refusals[i] = {.error = to_wire(done.error()), .message = done.error().message};
    }
    if (has_conflict) ++tries;
    left = std::move(later);
  }
  const bool is_here = writer_.has_changed() && co_await follower_.bring_up_to_date();
  if (!is_here) co_await writer_.install();
  co_return refusals;
}

}  // namespace mq::broker
