#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "sim/cluster/cluster.h"
#include "sim/life/plan.h"
#include "sim/life/stage.h"
#include "sim/machine/rng.h"

namespace mq::sim {

/// Does to a life what its plan says, and is the one who starts brokers again, as an init system would.
///
/// Everything goes on from outside: between two of its steps the world runs. A fault that lasts has an end of its own;
/// `heal` brings all ends forward.
class Nemesis {
 public:
  Nemesis(Stage& stage, const Plan& plan);
  Nemesis(const Nemesis&) = delete;
  Nemesis& operator=(const Nemesis&) = delete;

  /// Runs the world for so long, and looks after the brokers meanwhile.
  void wait(Duration time);
  /// The same, until `done()`; false when `at_most` has passed first.
  bool wait_until(const std::function<bool()>& done, Duration at_most);
  /// Does what is planned, in its time.
  void make_trouble();
  /// Ends every fault that lasts, and waits until all brokers serve. False when one does not, within `at_most`.
  bool heal(Duration at_most);

  /// Why the last start of a broker failed, of each that did not start.
  [[nodiscard]] std::string why_not_started() const;

 private:
  static constexpr Duration kLookInterval = 100ms;

  [[nodiscard]] World& world() { return cluster_.world(); }
  void look_after_brokers();
  void kill(int index, Duration away);
  void tell_failed_sync(int index);
  void restart_later(int index, Duration after);

  void strike(const PlannedFault& event);
  void stop(Rng& rng);
  void kill(Rng& rng);
  void cut_power(Rng& rng);
  void fail_syncs(Rng& rng);
  void fail_io(Rng& rng);
  void fill_disk(Rng& rng);
  void take_descriptors(Rng& rng);
  void slow_disk(Rng& rng);
  void rot(Rng& rng);
  void lose_media(Rng& rng);
  void cut_network(Rng& rng);
  void reset_connections(Rng& rng);
  void slow_network(Rng& rng);
  void move_clock(Rng& rng);
  void replace_client(Rng& rng);
  void trouble_store(Rng& rng);
  void take_store_back(Rng& rng);

  [[nodiscard]] int some_broker(Rng& rng) const;
  /// A file below a broker's data directory whose name ends as one of these; empty when there is none.
  [[nodiscard]] static std::string some_file(Rng& rng, Broker& broker, const std::vector<std::string>& ends);
  /// One of the older half of some log: of the newest writes nothing tells rot from a torn end until their end was
  /// noted. Empty when there is none.
  [[nodiscard]] static std::string some_old_segment(Rng& rng, Broker& broker);
  /// Tells the history. `is_quiet`: need not disturb anybody.
  void tell(const char* fault, int broker, bool is_quiet);
  void later(Duration after, std::function<void()> what);
  void do_what_is_due();

  Stage& stage_;
  const Plan& plan_;
  Cluster& cluster_;
  std::multimap<Instant, std::function<void()>> ends_;  ///< of faults
  std::map<int, Instant> starts_at_;                    ///< brokers that do not run
  std::map<int, std::string> failed_starts_;
  std::shared_ptr<const ModelMetadata::Copy> store_copy_;
  bool store_is_back_ = false;
};

}  // namespace mq::sim
