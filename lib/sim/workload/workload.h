#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/time.h"
#include "client/options.h"
#include "env/async.h"
#include "sim/checkers/history.h"
#include "sim/cluster/cluster.h"
#include "sim/machine/machine.h"

namespace mq::client {
class Cluster;
}

namespace mq::sim {

/// Where one client runs, whom it asks, and where it writes down what it did and saw.
struct Seat {
  Machine& machine;
  client::ClientOptions options;
  History& history;
  const bool& is_over;  ///< clients that never end by themselves end

  [[nodiscard]] const std::string& name() const { return machine.host(); }
  [[nodiscard]] env::Shard& shard() const { return machine.shard(0); }
  void complain(std::string what) const { history.complaints.push_back(name() + ": " + std::move(what)); }
  /// Looks at what must hold of a part of this client after each of its tasks, for as long as the answer is kept.
  template <class T>
  [[nodiscard]] Witness watch(const T& part) const {
    return machine.after_each_task_of(0, [&part] { part.check_invariants(); });
  }
  template <class T>
  void expect(const Result<T>& outcome) const {
    if (!outcome) complain(outcome.error().message);
  }
};

/// What a client does: a coroutine on its machine.
using ClientProgram = std::function<awaitable<void>(Seat)>;

/// The clients of one life, each on a machine of its own, and their common history. The cluster must outlive it; the
/// clients that have not ended when it goes never run again.
class Workload {
 public:
  explicit Workload(Cluster& cluster) : cluster_(cluster) {}
  Workload(const Workload&) = delete;
  Workload& operator=(const Workload&) = delete;
  ~Workload();

  /// Adds a machine `host`, where `program` begins; the world goes on when somebody runs it.
  void add(const std::string& host, const ClientProgram& program);
  /// The same, and runs the world until it has ended: within `at_most`, else false.
  bool run(const std::string& host, const ClientProgram& program, Duration at_most);
  [[nodiscard]] bool has_ended(const std::string& host) const { return ended_.at(host); }
  /// Runs the world until the client has ended: within `at_most`, else false.
  bool run_to_end_of(const std::string& host, Duration at_most);
  /// Ends those that never end by themselves, and runs the world until all have ended: within `at_most`, else false.
  bool end(Duration at_most);

  [[nodiscard]] const History& history() const { return history_; }

 private:
  Cluster& cluster_;
  History history_;
  std::map<std::string, bool> ended_;
  bool is_over_ = false;
};

}  // namespace mq::sim
