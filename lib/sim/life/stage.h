#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "client/options.h"
#include "env/async.h"
#include "judge/history_writer.h"
#include "sim/cluster/cluster.h"
#include "sim/life/plan.h"

namespace mq::sim {

class Stage;

/// One client process of a life, as what it does sees it. A copy is cheap; all it names outlives the process.
struct Actor {
  Stage& stage;
  Machine& machine;
  judge::HistoryWriter& history;
  const PlannedClient& plan;

  [[nodiscard]] env::Shard& shard() const { return machine.shard(0); }
  /// Calls `look` after each task of this client, for as long as the answer is kept.
  [[nodiscard]] Witness after_each_task(std::function<void()> look) const;
  [[nodiscard]] Instant now() const { return shard().now(); }
  /// For the history.
  [[nodiscard]] judge::Time time() const { return now().since_start().count(); }
  [[nodiscard]] env::Random& random() const { return machine.random(); }
  /// 0 to `max`.
  awaitable<void> pause(Duration max) const;
  [[nodiscard]] client::ClientOptions options() const;
  /// What it does is to come to an end.
  [[nodiscard]] bool is_over() const;
};

/// What a client does: a coroutine on its machine.
using ActorProgram = std::function<awaitable<void>(Actor)>;

/// The clients of one life, each on a machine of its own, and the history that they write. The cluster must outlive it.
class Stage {
 public:
  Stage(Cluster& cluster, const Plan& plan);
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;
  ~Stage();

  [[nodiscard]] Cluster& cluster() { return cluster_; }
  [[nodiscard]] const Plan& plan() const { return plan_; }
  [[nodiscard]] judge::Time time() const { return cluster_.world().now().since_start().count(); }
  /// For the lines that are no client's.
  [[nodiscard]] judge::HistoryWriter& run_history() { return run_history_; }
  /// All that was written, JSON lines.
  [[nodiscard]] const std::string& history() const { return text_; }

  /// Adds a machine `host` on which `program` begins; the world goes on when somebody runs it.
  void add(const std::string& host, const PlannedClient& plan, ActorProgram program);
  [[nodiscard]] std::vector<std::string> hosts() const;
  [[nodiscard]] bool has_ended(const std::string& host) const { return parts_.at(host).has_ended; }
  [[nodiscard]] bool have_all_ended() const;
  /// The client's process dies, with or without the power of its machine, and begins anew as another.
  void replace(const std::string& host, bool with_power_loss);
  /// From now on nobody takes away what others use: whoever tries must get on.
  void calm_down() { is_calm_ = true; }
  [[nodiscard]] bool is_calm() const { return is_calm_; }
  /// Every client comes to its end.
  void end() { is_over_ = true; }
  [[nodiscard]] bool is_over() const { return is_over_; }

 private:
  struct Part {
    Machine* machine = nullptr;
    const PlannedClient* plan = nullptr;
    ActorProgram program;
    std::vector<std::unique_ptr<judge::HistoryWriter>> histories;  ///< of all its processes; the last one writes
    bool has_ended = false;
  };

  void begin(const std::string& host, Part& part);
  static awaitable<void> live(Actor actor, ActorProgram program, bool& has_ended);

  Cluster& cluster_;
  const Plan& plan_;
  std::string text_;
  judge::HistoryWriter run_history_;
  std::map<std::string, Part> parts_;
  std::int64_t last_process_ = 0;
  bool is_calm_ = false;
  bool is_over_ = false;
};

}  // namespace mq::sim
