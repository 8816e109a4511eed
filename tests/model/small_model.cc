#include "model/small_model.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <utility>

#include "base/assert.h"
#include "model/small_world.h"

namespace mq::small {
namespace {

struct Fingerprint {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  friend bool operator==(const Fingerprint&, const Fingerprint&) = default;
};

/// 128 bits of a state's bytes. Two of ten million different states have the same with a chance of 1 to 10^24.
Fingerprint fingerprint_of(const World& world) {
  static_assert(sizeof(World) % 4 == 0);
  std::array<std::uint32_t, sizeof(World) / 4> words;
  std::memcpy(words.data(), &world, sizeof world);
  Fingerprint print{.low = 0x9e3779b97f4a7c15, .high = 0xc2b2ae3d27d4eb4f};
  for (const std::uint32_t word : words) {
    print.low = (print.low ^ word) * 0xff51afd7ed558ccd;
    print.low ^= print.low >> 32;
    print.high = (print.high + word) * 0xc4ceb9fe1a85ec53;
    print.high ^= print.high >> 29;
  }
  return print;
}

/// Which states were seen: a table with open addresses.
class Seen {
 public:
  Seen() : table_(1 << 16) {}
  /// False when it was there already.
  bool add(Fingerprint print) {
    if (print == Fingerprint{}) print.low = 1;
    if (2 * (count_ + 1) > table_.size()) grow();
    if (!put(table_, print)) return false;
    ++count_;
    return true;
  }
  [[nodiscard]] std::size_t size() const { return count_; }

 private:
  static bool put(std::vector<Fingerprint>& table, const Fingerprint& print) {
    std::size_t at = print.low & (table.size() - 1);
    while (table[at] != Fingerprint{}) {
      if (table[at] == print) return false;
      at = (at + 1) & (table.size() - 1);
    }
    table[at] = print;
    return true;
  }
  void grow() {
    std::vector<Fingerprint> larger(table_.size() * 2);
    for (const Fingerprint& print : table_)
      if (print != Fingerprint{}) (void)put(larger, print);
    table_ = std::move(larger);
  }

  std::vector<Fingerprint> table_;
  std::size_t count_ = 0;
};

/// How a state was come to.
struct Step {
  std::uint32_t from = 0;
  Event event;
};

std::vector<std::string> trace_to(const std::vector<Step>& steps, std::uint32_t last, const Scope& scope) {
  std::vector<Event> events;
  for (std::uint32_t at = last; at != 0; at = steps[at].from) events.push_back(steps[at].event);
  std::ranges::reverse(events);
  SmallWorlds worlds(scope);
  World world = worlds.first();
  std::vector<std::string> trace;
  for (const Event event : events) {
    const std::optional<World> next = worlds.follow(world, event);
    MQ_ASSERT(next.has_value());
    world = *next;
    trace.push_back(worlds.told(world, event));
  }
  return trace;
}

}  // namespace

const char* name_of(Breach breach) {
  switch (breach) {
    case Breach::none:
      return "nothing";
    case Breach::lost:
      return "a committed record is lost";
    case Breach::diverged:
      return "two different records at one committed offset";
    case Breach::two_leaders:
      return "two leaders in one epoch";
    case Breach::stuck:
      return "a follower would have to cut what is committed";
    case Breach::unclean:
      return "an unclean election without need";
    case Breach::went_back:
      return "an end that consumers are told goes back";
    case Breach::lacking:
      return "a member in sync lacks a committed record";
  }
  std::unreachable();
}

Findings explore(const Scope& scope, Breach wanted) {
  SmallWorlds worlds(scope);
  Seen seen;
  std::vector<Step> steps(1);
  struct Waiting {
    std::uint32_t number;
    std::uint32_t depth;
    World world;
  };
  std::deque<Waiting> waiting;
  const World first = worlds.first();
  (void)seen.add(fingerprint_of(first));
  waiting.push_back({.number = 0, .depth = 0, .world = first});
  Findings findings;
  while (!waiting.empty() && seen.size() < scope.states_max) {
    const Waiting now = waiting.front();
    waiting.pop_front();
    findings.depth = now.depth;
    for (const Event event : worlds.events()) {
      const std::optional<World> next = worlds.follow(now.world, event);
      if (!next || !seen.add(fingerprint_of(*next))) continue;
      const auto number = static_cast<std::uint32_t>(steps.size());
      steps.push_back({.from = now.number, .event = event});
      findings.unclean += worlds.is_unclean(*next) ? 1 : 0;
      const Breach breach = worlds.breach_of();
      if (breach != Breach::none && (wanted == Breach::none || breach == wanted)) {
        findings.breach = breach;
        findings.states = seen.size();
        findings.trace = trace_to(steps, number, scope);
        return findings;
      }
      waiting.push_back({.number = number, .depth = now.depth + 1, .world = *next});
    }
  }
  findings.states = seen.size();
  findings.is_whole = waiting.empty();
  return findings;
}

std::vector<Scope> all_scopes(std::size_t states_max) {
  return {
      {.name = "failovers", .stops = 2, .starts = 1, .is_prompt = true, .states_max = states_max},
      {.name = "restarts", .stops = 2, .starts = 2, .is_prompt = true, .states_max = states_max},
      {.name = "power cut", .stops = 1, .power_cuts = 1, .starts = 1, .is_prompt = true, .states_max = states_max},
      {.name = "all lose power",
       .records = 1,
       .power_cuts = 3,
       .starts = 3,
       .is_prompt = true,
       .leader_epochs = 6,
       .states_max = states_max},
      {.name = "joining",
       .records = 1,
       .stops = 2,
       .lags = 1,
       .lost_answers = 2,
       .is_prompt = true,
       .states_max = states_max},
      {.name = "everything",
       .stops = 2,
       .power_cuts = 1,
       .starts = 2,
       .lags = 1,
       .unknown = 1,
       .is_prompt = true,
       .states_max = states_max},
      {.name = "minimum lowered",
       .stops = 2,
       .starts = 1,
       .lags = 1,
       .lowered = 1,
       .is_prompt = true,
       .states_max = states_max},
      {.name = "late minimum", .records = 1, .stops = 2, .starts = 1, .lowered = 1, .states_max = states_max},
      {.name = "late transactions", .stops = 1, .lags = 1, .unknown = 1, .states_max = states_max},
      {.name = "late members",
       .records = 1,
       .stops = 1,
       .power_cuts = 1,
       .starts = 1,
       .lags = 1,
       .states_max = states_max},
      {.name = "slow controller",
       .records = 1,
       .stops = 1,
       .power_cuts = 1,
       .starts = 2,
       .is_controller_slow = true,
       .states_max = states_max},
  };
}

}  // namespace mq::small
