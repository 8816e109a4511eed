// The phases of a life:
//   warm-up    the topics are made, the clients begin
//   faults     the nemesis does what is planned
//   heal       everything that is broken is whole again; brokers that are down start
//   liveness   whoever was stopped by a fault must get on
//   final      the clients have ended; everything is read once more from the begin
//   judgement  of the history that the clients wrote
#include "sim/life/life.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "judge/anomaly.h"
#include "judge/history_reader.h"
#include "judge/report.h"
#include "judge/verdict.h"
#include "sim/life/administering.h"
#include "sim/life/buggify.h"
#include "sim/life/foreign_producer.h"
#include "sim/life/nemesis.h"
#include "sim/life/producing.h"
#include "sim/life/reading.h"
#include "sim/life/replica_witness.h"
#include "sim/life/stage.h"

namespace mq::sim {
namespace {

using judge::Phase;

constexpr Duration kStartMax = 60s;
constexpr Duration kEndMax = 120s;
constexpr Duration kFinalMax = 120s;

ClusterOptions cluster_options(const Plan& plan, bool prints_log) {
  Rng rng(Rng::mix(plan.seed ^ (std::uint64_t{6} << 32)));
  const auto offsets_partitions = static_cast<std::int32_t>(1 + rng.below(4));
  const Duration housekeeping = rng.one_in(2) ? 700ms : 4s;
  const std::int32_t offsets_segment_bytes = rng.one_in(2) ? 2000 : 100 << 20;
  const Duration idle_max = rng.one_in(4) ? 4s : 10min;
  const std::int64_t rate_max = rng.one_in(5) ? 3 : 1'000'000;
  const std::int64_t rate_per_ip_max = rng.one_in(5) ? 1 : 500;
  const std::uint64_t reserve_bytes = rng.one_in(3) ? 1 << 20 : 0;
  const std::size_t queued_bytes = static_cast<std::size_t>(plan.shards) * (rng.one_in(3) ? 40'000 : 32 << 20);
  const Duration rebalance_delay = rng.one_in(3) ? 700ms : 0s;
  const std::uint64_t compaction_bytes = rng.one_in(2) ? 500 : 16 << 20;
  const std::size_t descriptors_max = rng.one_in(4) ? 260 : 0;
  return {.brokers = plan.brokers,
          .store = plan.store,
          .descriptors_max = descriptors_max,
          .machine = {.shards = plan.shards, .pool_threads = plan.pool_threads, .prints_log = prints_log},
          .configure = [=](broker::NodeConfig& config) {
            config.auto_create_topics = false;
            config.offsets_partitions = offsets_partitions;
            config.offsets_segment_bytes = offsets_segment_bytes;
            config.housekeeping_interval = housekeeping;
            config.fetch_sessions_max = 3;
            config.disk_reserve_bytes = reserve_bytes;
            config.connections_max_idle = idle_max;
            config.connection_rate_max = rate_max;
            config.connection_rate_per_ip_max = rate_per_ip_max;
            config.queued_request_bytes_max = queued_bytes;
            config.group_initial_rebalance_delay = rebalance_delay;
            config.compaction_memory_bytes = compaction_bytes;
          }};
}

ActorProgram program_of(const PlannedClient& client) {
  switch (client.role) {
    case PlannedClient::Role::producer:
      return client.habit == Habit::own ? produce_until_the_end() : produce_as_others_do();
    case PlannedClient::Role::reader:
      return read_until_the_end();
    case PlannedClient::Role::member:
      return be_a_member_until_the_end();
    case PlannedClient::Role::admin:
      return administer_until_the_end();
  }
  std::unreachable();
}

class Life {
 public:
  Life(const Plan& plan, bool prints_log)
      : plan_(plan),
        cluster_(plan.seed, cluster_options(plan, prints_log)),
        replicas_(cluster_),
        stage_(cluster_, plan),
        nemesis_(stage_, plan) {}

  LifeReport run() {
    if (plan_.has_buggify) buggify_.emplace(plan_.seed);
    live_through_phases();
    LifeReport report{.history = stage_.history(),
                      .hash = cluster_.world().trace_hash(),
                      .events = cluster_.world().events(),
                      .lived = cluster_.world().now().since_start()};
    for (int index = 0; index < cluster_.size(); ++index)
      for (const std::string& line : cluster_.broker(index).machine().log_lines()) report.log += line + "\n";
    judge(report);
    return report;
  }

 private:
  void begin(Phase::Name phase) { stage_.run_history().phase(stage_.time(), phase); }

  /// What cannot go on is said in `stuck_`, and the rest left out.
  void live_through_phases() {
    tell_run();
    begin(Phase::Name::warmup);
    static const PlannedClient kNobody;
    stage_.add("topic-maker", kNobody, make_the_topics());
    if (!nemesis_.wait_until([&] { return stage_.has_ended("topic-maker"); }, kStartMax))
      return stuck("the topics could not be made");
    for (std::size_t index = 0; index < plan_.clients.size(); ++index)
      stage_.add(fmt::format("client-{}", index), plan_.clients[index], program_of(plan_.clients[index]));
    nemesis_.wait(plan_.warm_up);
    begin(Phase::Name::faults);
    nemesis_.make_trouble();
    stage_.calm_down();
    if (!nemesis_.heal(kStartMax)) return stuck("a broker does not start again: " + nemesis_.why_not_started());
    begin(Phase::Name::heal);
    begin(Phase::Name::liveness);
    nemesis_.wait(plan_.liveness);
    stage_.end();
    if (!nemesis_.wait_until([&] { return stage_.have_all_ended(); }, kEndMax)) {
      std::string who;
      for (const std::string& host : stage_.hosts())
        if (!stage_.has_ended(host)) who += " " + host;
      return stuck("clients do not come to an end:" + who);
    }
    begin(Phase::Name::final);
    stage_.add("last-reader", kNobody, read_everything());
    if (!nemesis_.wait_until([&] { return stage_.has_ended("last-reader"); }, kFinalMax))
      return stuck("not everything can be read to its end");
    const bool is_media_lost =
        std::ranges::find(plan_.events, Fault::lost_media, &PlannedFault::what) != plan_.events.end();
    replicas_.compare_logs(is_media_lost ? ReplicaWitness::Media::lost : ReplicaWitness::Media::whole);
    begin(Phase::Name::done);
  }

  void tell_run() {
    judge::Run run;
    run.is_idempotent = true;
    run.flush = plan_.flush;
    run.has_retention = plan_.has_retention;
    run.stuck_after = std::chrono::nanoseconds(15s).count();
    std::vector<std::string_view> compacted;
    for (const PlannedTopic& topic : plan_.topics)
      if (topic.is_compacted) compacted.push_back(topic.name);
    stage_.run_history().run(run, compacted);
  }

  void stuck(std::string why) { stuck_ = std::move(why); }

  void judge(LifeReport& report) const {
    judge::HistoryReader reader;
    reader.begin_file("life");
    auto read = reader.read(report.history);
    if (read) read = reader.end_file();
    const auto history = read ? std::move(reader).finish() : Result<judge::History>(std::unexpected(read.error()));
    if (!history) {
      report.answer = LifeReport::Answer::broken;
      report.text = "the history cannot be read: " + history.error().message + "\n";
      return;
    }
    const judge::Verdict verdict = judge::judge(*history);
    report.operations = verdict.operations;
    report.answer = static_cast<LifeReport::Answer>(verdict.answer);
    report.text = judge::report_text(*history, verdict);
    std::string broken;
    for (const judge::AnomalyRow& row : judge::anomaly_rows())
      if (verdict.findings.kind(row.anomaly).broken > 0) broken += fmt::format(" {} {}", row.code, row.name);
    for (const std::string& breach : replicas_.breaches()) broken += "\n    " + breach;
    if (!stuck_.empty()) broken += " P7 " + stuck_;
    if (broken.empty()) return;
    report.answer = LifeReport::Answer::broken;
    report.text = fmt::format("broken:{}\n{}", broken, report.text);
  }

  const Plan& plan_;
  std::optional<Buggify> buggify_;  ///< before all that has sites, and after it
  Cluster cluster_;
  ReplicaWitness replicas_;
  Stage stage_;
  Nemesis nemesis_;
  std::string stuck_;
};

}  // namespace

LifeReport live(const Plan& plan, bool prints_log) { return Life(plan, prints_log).run(); }

}  // namespace mq::sim
