#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <vector>

#include "controller/election_plans.h"
#include "controller/isr_plans.h"
#include "model/small_model.h"
#include "model/small_store.h"
#include "replication/divergence.h"
#include "replication/replica.h"

namespace mq::small {

inline constexpr std::size_t kRecordsMax = 3;
inline constexpr std::size_t kEpochsMax = 8;
inline constexpr std::uint32_t kNothing = 0xffff'ffff;

/// A log of a few records, each its epoch and which one it is.
struct SmallLog {
  std::array<std::uint8_t, kRecordsMax> records{};  ///< epoch * 16 + value
  std::uint8_t length = 0;

  void append(int epoch, int value) { records[length++] = static_cast<std::uint8_t>((epoch * 16) + value); }
  void cut(std::size_t to) {
    while (length > to) records[--length] = 0;
  }
  [[nodiscard]] int epoch_at(std::size_t place) const { return records[place] / 16; }
  [[nodiscard]] LeaderEpoch last_epoch() const {
    return length == 0 ? kNoLeaderEpoch : LeaderEpoch{epoch_at(length - 1U)};
  }
  [[nodiscard]] Offset end() const { return Offset{length}; }
  ///
  [[nodiscard]] replication::EpochEnd end_of(LeaderEpoch asked) const;
};

struct Node {
  std::uint32_t replica = kNothing;  ///< by number; kNothing: it is down
  std::uint32_t view = 0;            ///< the store as it knows it
  SmallLog log;
  std::uint8_t incarnation = 1;
  std::uint8_t is_doubtful = 0;  ///< it may have lost something since it was ready last
  std::uint8_t checkpoint = 0;   ///< of the high watermark
  std::uint8_t unused = 0;
};

/// A transaction on its way.
struct Flight {
  std::uint32_t sent = kNothing;
  std::uint8_t sender = 0;
  std::uint8_t incarnation = 0;
  std::uint8_t is_forgotten = 0;  ///< nobody hears what becomes of it
  std::uint8_t unused = 0;
};
inline constexpr std::size_t kControllersFlight = 2;

/// Who knows that the minimum was lowered: a bit for each broker, and after those one for the controller.
inline constexpr std::size_t kControllersBit = kBrokers;

/// One state. Bytes: two of them are the same state when these are the same.
struct World {
  std::array<Node, kBrokers> nodes;
  std::array<Flight, 3> flights;
  std::uint32_t store = 0;
  SmallLog committed;
  std::array<std::uint8_t, kEpochsMax> led_by{};  ///< of each epoch: broker and incarnation
  std::uint8_t values = 0, stops = 0, power_cuts = 0, starts = 0, lags = 0, unknown = 0, lost_answers = 0;
  std::uint8_t unclean_since = 0;  ///< as the judge knows it, and one more
  std::uint8_t lowered = 0;
  std::uint8_t know_lowered = 0;
  std::array<std::uint8_t, 2> unused{};
};
static_assert(std::has_unique_object_representations_v<World>);

enum class Happens : std::uint8_t {
  append,
  fetch,
  fetch_unanswered,
  learn,
  deliver,
  forget,
  care,
  stop,
  power_cut,
  start,
  expire,
  prepare,
  lag,
  lower,
  hear,
};
struct Event {
  Happens what{};
  std::uint8_t who = 0;
  std::uint8_t how = 0;
};

/// Lives one event at a time.
class SmallWorlds {
 public:
  explicit SmallWorlds(const Scope& scope) : scope_(scope) {}

  [[nodiscard]] World first();
  /// What may happen, if it can: `follow` says whether it changes anything.
  [[nodiscard]] const std::vector<Event>& events() const { return events_; }
  /// The state after the event; nothing when it cannot happen, or is out of scope.
  [[nodiscard]] std::optional<World> follow(const World& world, Event event);
  [[nodiscard]] Breach breach_of() const { return breach_; }  ///< in the last state that `follow` returned
  [[nodiscard]] bool is_unclean(const World& world) const {
    return stores_.partition(world.store).unclean_since != kNoLeaderEpoch;
  }
  [[nodiscard]] std::string told(const World& after, Event event) const;
  [[nodiscard]] std::size_t store_count() const { return stores_.size(); }
  [[nodiscard]] std::size_t replica_count() const { return replicas_.size(); }

 private:
  using Replica = replication::Replica;
  bool append(std::size_t who);
  bool fetch(std::size_t who, std::size_t from, bool is_answered);
  bool learn(std::size_t who);
  bool deliver(std::size_t flight);
  bool forget(std::size_t flight);
  bool care(std::size_t answers);
  bool stop(std::size_t who);
  bool power_cut(std::size_t who, std::size_t to);
  bool start(std::size_t who);
  bool expire(std::size_t who);
  bool prepare(std::size_t who);
  bool lag(std::size_t who);
  bool lower();
  bool hear(std::size_t who);

  [[nodiscard]] bool knows_lowered(std::size_t who) const { return ((world_.know_lowered >> who) & 1) != 0; }
  [[nodiscard]] replication::Settings settings(std::size_t who) const;
  [[nodiscard]] controller::SettingsOf settings_of(std::size_t who) const;
  [[nodiscard]] bool is_up(std::size_t who) const { return world_.nodes[who].replica != kNothing; }
  [[nodiscard]] const Replica& replica(std::size_t who) const { return replicas_[world_.nodes[who].replica]; }
  [[nodiscard]] replication::Ends ends(std::size_t who) const;
  void keep(std::size_t who, const Replica& replica);
  void obey(std::size_t who, Replica& replica, const replication::Effects& effects);
  void send_proposal(std::size_t who, Replica& replica);
  bool set_store(std::uint32_t store);
  [[nodiscard]] std::vector<BrokerId> gone(std::uint32_t store) const;
  void judge();
  void judge_leaders(const cluster::Partition& key);
  void judge_members(const cluster::Partition& key);
  void found(Breach breach);

  Scope scope_;
  SmallStores stores_;
  std::vector<Replica> replicas_;
  std::unordered_map<std::string, std::uint32_t> replica_numbers_;
  std::string replica_text_;
  std::vector<Event> events_;
  World world_;
  Breach breach_ = Breach::none;

  struct IsrPlanned {
    std::uint32_t sent = kNothing;
    bool is_refused = false;
  };
  std::unordered_map<std::uint64_t, IsrPlanned> isr_plans_;
  std::unordered_map<std::uint64_t, std::uint32_t> care_plans_;
};

}  // namespace mq::small
