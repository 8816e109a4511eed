#include "explain.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "cli/table.h"

namespace mq::mqctl {
namespace {

using Brokers = std::vector<BrokerId>;

bool is_among(const Brokers& brokers, BrokerId id) { return std::ranges::find(brokers, id) != brokers.end(); }

const client::BrokerInfo* find(const std::vector<client::BrokerInfo>& brokers, BrokerId id) {
  const auto found = std::ranges::find(brokers, id, &client::BrokerInfo::id);
  return found == brokers.end() ? nullptr : &*found;
}

/// "broker 2", "brokers 2 and 3".
std::string named(const Brokers& brokers) {
  std::string text = brokers.size() == 1 ? "broker " : "brokers ";
  for (std::size_t i = 0; i < brokers.size(); ++i) {
    if (i > 0) text += i + 1 == brokers.size() ? " and " : ", ";
    text += std::to_string(brokers[i].value());
  }
  return text;
}

/// Walks from the partition to its replicas and their brokers.
class Walk {
 public:
  Walk(const client::PartitionState& partition, const ClusterState& state,
       const std::map<BrokerId, std::int64_t>& size_bytes)
      : partition_(partition),
        state_(state),
        size_bytes_(size_bytes),
        name_(fmt::format("{}/{}", partition.where.topic, partition.where.partition)) {
    if (const auto move = state.moves.find(partition.where); move != state.moves.end()) move_ = &move->second;
  }

  std::vector<Finding> run() {
    if (is_offline(partition_)) nobody_leads();
    for (const BrokerId id : partition_.replicas)
      if (!is_among(partition_.in_sync, id) && !is_coming(id)) out_of_sync(id);
    if (is_under_minimum(partition_, state_)) below_minimum();
    if (move_ != nullptr) moving();
    if (is_led_by_another(partition_)) led_by_another();
    if (is_drained(partition_.leader)) led_by_drained();
    if (findings_.empty())
      add(fmt::format("{} is well", name_),
          fmt::format("broker {} leads it, and all {} replicas are in sync", partition_.leader.value(),
                      partition_.replicas.size()),
          "");
    return std::move(findings_);
  }

 private:
  void add(std::string what, std::string because, std::string todo) {
    findings_.push_back({.what = std::move(what), .because = std::move(because), .todo = std::move(todo)});
  }
  [[nodiscard]] bool is_there(BrokerId id) const { return find(state_.cluster.brokers, id) != nullptr; }
  [[nodiscard]] bool is_drained(BrokerId id) const { return is_among(state_.cluster.drained, id); }
  [[nodiscard]] bool is_coming(BrokerId id) const { return move_ != nullptr && is_among(move_->adding, id); }
  [[nodiscard]] std::string at(BrokerId id) const {
    const client::BrokerInfo* gone = find(state_.cluster.fenced, id);
    return gone != nullptr ? fmt::format("broker {} ({})", id.value(), gone->address.to_string())
                           : fmt::format("broker {}", id.value());
  }
  /// Another broker that could have a replica.
  [[nodiscard]] std::string another() const {
    for (const client::BrokerInfo& broker : state_.cluster.brokers)
      if (!is_among(partition_.replicas, broker.id)) return std::to_string(broker.id.value());
    return "BROKER";
  }

  void nobody_leads() {
    Brokers whole = partition_.in_sync;
    for (const BrokerId id : partition_.eligible)
      if (!is_among(whole, id)) whole.push_back(id);
    const std::string what = fmt::format("nobody leads {}: it can be neither read nor written", name_);
    const std::string give_up =
        fmt::format("; or lose what the other replicas lack: mqctl partition elect --unclean {} --yes", name_);
    Brokers gone;
    for (const BrokerId id : whole)
      if (!is_there(id)) gone.push_back(id);
    if (!gone.empty() && gone.size() == whole.size()) {
      add(what,
          fmt::format("only {} {} all its records, and {} gone", named(whole), whole.size() == 1 ? "has" : "have",
                      whole.size() == 1 ? "it is" : "they are"),
          fmt::format("start {}{}", at(gone.front()), partition_.replicas.size() > whole.size() ? give_up : ""));
    } else if (!whole.empty()) {
      add(what, fmt::format("{} could lead it, and no election has come yet", named(whole)),
          state_.cluster.controller == kNoBroker ? "look why the cluster has no controller: mqctl cluster health"
                                                 : fmt::format("wait a moment; then look at the log of the controller, "
                                                               "broker {}",
                                                               state_.cluster.controller.value()));
    } else if (!partition_.last_in_sync.empty()) {
      Brokers missing;
      for (const BrokerId id : partition_.last_in_sync)
        if (!is_there(id)) missing.push_back(id);
      add(what,
          fmt::format("all that were in sync, {}, may have lost records; the one with most leads when all are there",
                      named(partition_.last_in_sync)),
          missing.empty() ? "wait a moment" : fmt::format("start {}{}", at(missing.front()), give_up));
    } else {
      add(what, "no replica is in sync", fmt::format("start one of {}{}", named(partition_.replicas), give_up));
    }
  }

  void out_of_sync(BrokerId id) {
    const std::string what = fmt::format("the replica on broker {} is not in sync", id.value());
    if (find(state_.cluster.fenced, id) != nullptr) {
      add(what, fmt::format("{} is gone", at(id)),
          fmt::format(
              "start it; or, for good: mqctl partition move {} '{}>{}' --yes, then mqctl broker remove {} --yes", name_,
              id.value(), another(), id.value()));
    } else if (!is_there(id)) {
      add(what, fmt::format("there is no broker {}", id.value()),
          fmt::format("mqctl partition move {} '{}>{}' --yes", name_, id.value(), another()));
    } else if (is_offline(partition_)) {
      add(what, "there is no leader to copy from", "");
    } else {
      const std::optional<std::int64_t> behind = behind_of(id);
      add(what,
          behind ? fmt::format("it is there, and its log is {} shorter than the leader's", cli::human_bytes(*behind))
                 : "it is there, and copies from the leader",
          fmt::format("ask again: where it does not come nearer, look at the log and the disk of broker {}",
                      id.value()));
    }
  }

  [[nodiscard]] std::optional<std::int64_t> behind_of(BrokerId id) const {
    const auto own = size_bytes_.find(id);
    const auto leader = size_bytes_.find(partition_.leader);
    if (own == size_bytes_.end() || leader == size_bytes_.end() || own->second >= leader->second) return std::nullopt;
    return leader->second - own->second;
  }

  void below_minimum() {
    add("producers with acks=all are refused: NOT_ENOUGH_REPLICAS",
        fmt::format("{} in sync, and min.insync.replicas is {}", partition_.in_sync.size(),
                    state_.insync_replicas_min.at(partition_.where.topic)),
        fmt::format("see to the replicas above; or go on with fewer: mqctl config set topic/{} min.insync.replicas={}",
                    partition_.where.topic, std::max<std::size_t>(1, partition_.in_sync.size())));
  }

  void moving() {
    Brokers gone;
    for (const BrokerId id : move_->adding)
      if (!is_there(id)) gone.push_back(id);
    if (gone.empty()) {
      add(move_->adding.empty() ? fmt::format("{} leaves {}", name_, named(move_->removing))
                                : fmt::format("{} moves to {}", name_, named(move_->adding)),
          "somebody asked for it; it ends when all that come are in sync",
          fmt::format("mqctl partition moves {}", name_));
    } else {
      add(fmt::format("{} moves to {} and does not get on", name_, named(move_->adding)),
          fmt::format("{} is not there", at(gone.front())),
          fmt::format("start it; or call the move off: mqctl partition cancel {}", name_));
    }
  }

  void led_by_another() {
    const BrokerId first = partition_.replicas.front();
    if (is_drained(first))
      return add(
          fmt::format("broker {} leads {}, broker {} is preferred", partition_.leader.value(), name_, first.value()),
          fmt::format("broker {} is drained: an operator wants it to lead nothing", first.value()),
          fmt::format("restart it; or have it lead again: mqctl cluster drain --undo {}", first.value()));
    const bool can_lead = is_among(partition_.in_sync, first) && is_there(first);
    add(fmt::format("broker {} leads {}, broker {} is preferred", partition_.leader.value(), name_, first.value()),
        can_lead ? "leadership does not go back by itself" : fmt::format("broker {} cannot lead now", first.value()),
        can_lead ? fmt::format("mqctl partition elect {}", name_) : "");
  }

  void led_by_drained() {
    const BrokerId leader = partition_.leader;
    const bool is_alone = std::ranges::none_of(
        partition_.in_sync, [&](BrokerId id) { return id != leader && is_there(id) && !is_drained(id); });
    add(fmt::format("broker {} leads {} though it is drained", leader.value(), name_),
        is_alone ? "nobody else that could lead is in sync" : "another one that is in sync is to lead in a moment",
        is_alone
            ? fmt::format("see to the replicas above; until then nobody leads while broker {} is away", leader.value())
            : "");
  }

  const client::PartitionState& partition_;
  const ClusterState& state_;
  const std::map<BrokerId, std::int64_t>& size_bytes_;
  const std::string name_;
  const client::Reassignment* move_ = nullptr;
  std::vector<Finding> findings_;
};

}  // namespace

std::vector<Finding> explain(const client::PartitionState& partition, const ClusterState& state,
                             const std::map<BrokerId, std::int64_t>& size_bytes) {
  return Walk(partition, state, size_bytes).run();
}

}  // namespace mq::mqctl
