#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace mq::small {

/// How often what may happen to three replicas of a partition. Everything else happens at any time.
struct Scope {
  std::string name;
  int records = 2;         ///< that are appended, at most
  int stops = 0;           ///< of a broker whose log stays as it is, proved by its mark of a clean stop
  int power_cuts = 0;      ///< of a broker that loses any part of its log
  int starts = 0;          ///< of brokers that were stopped
  int lags = 0;            ///< times when followers that are behind are taken for lagging
  int unknown = 0;         ///< transactions whose outcome their sender never hears of; they may take effect ever after
  int lost_answers = 0;    ///< fetches whose answer is lost
  int lowered = 0;         ///< min.insync.replicas becomes 1; everybody knows of it sooner or later
  bool is_prompt = false;  ///< everybody knows at once what changed in the store; else at any time later
  /// The controller's transactions take effect at any time after they were planned; else at once.
  bool is_controller_slow = false;
  int leader_epochs = 4;
  std::size_t states_max = 1'000'000;
};

/// What must not be.
enum class Breach : std::uint8_t {
  none,
  lost,         ///< a leader, cleanly elected, lacks a record that was committed
  diverged,     ///< two different records at one offset that is below a high watermark
  two_leaders,  ///< two incarnations have led in one epoch
  stuck,        ///< a follower would have to cut what is committed
  unclean,      ///< a leader was elected uncleanly, though one log at most has lost something
  went_back,    ///< a leader tells consumers an end before one that others were told
  lacking,      ///< who is in sync, and has lost nothing, lacks a record that was committed
};
[[nodiscard]] const char* name_of(Breach breach);

struct Findings {
  std::size_t states = 0;   ///< different ones
  std::size_t depth = 0;    ///< events on the way to the last
  std::size_t unclean = 0;  ///< of these after an unclean election
  bool is_whole = false;    ///< all that the scope has were seen
  Breach breach = Breach::none;
  std::vector<std::string> trace;  ///< the events that lead to the breach, a shortest way
};

/// Goes through all orders in which what the scope allows can happen, breadth first, until something is `wanted` that
/// must not be, or, when nothing is, anything. The replicas, what is planned of ISRs and elections, and where logs are
/// cut, are the functions of production. One partition with min.insync.replicas=2, at first, and flush class `async`.
[[nodiscard]] Findings explore(const Scope& scope, Breach wanted = Breach::none);

/// The scopes that are gone through without faults put in.
[[nodiscard]] std::vector<Scope> all_scopes(std::size_t states_max);

}  // namespace mq::small
