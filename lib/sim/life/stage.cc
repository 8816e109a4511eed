#include "sim/life/stage.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "env/random.h"

namespace mq::sim {

awaitable<void> Actor::pause(Duration max) const {
  const auto drawn = random().below(static_cast<std::uint64_t>(max.count()) + 1);
  return shard().sleep_until(now() + Duration(static_cast<std::int64_t>(drawn)));
}

client::ClientOptions Actor::options() const {
  client::ClientOptions options;
  options.bootstrap = stage.cluster().addresses();
  options.client_id = machine.host();
  options.request_timeout = 5s;
  options.metadata_age_max = 10s;
  return options;
}

Witness Actor::after_each_task(std::function<void()> look) const {
  return machine.after_each_task_of(0, std::move(look));
}

bool Actor::is_over() const { return stage.is_over(); }

Stage::Stage(Cluster& cluster, const Plan& plan)
    : cluster_(cluster), plan_(plan), run_history_([this](std::string_view line) { text_ += line; }) {}

Stage::~Stage() {
  for (const auto& [host, part] : parts_)
    if (part.machine->is_running()) part.machine->kill();
}

void Stage::add(const std::string& host, const PlannedClient& plan, ActorProgram program) {
  Part& part = parts_[host];
  MQ_ASSERT(part.machine == nullptr);
  part.machine = &cluster_.add_client(host);
  part.plan = &plan;
  part.program = std::move(program);
  begin(host, part);
}

void Stage::begin(const std::string& host, Part& part) {
  part.histories.push_back(
      std::make_unique<judge::HistoryWriter>([this](std::string_view line) { text_ += line; }, ++last_process_, host));
  part.has_ended = false;
  const Actor actor{.stage = *this, .machine = *part.machine, .history = *part.histories.back(), .plan = *part.plan};
  part.machine->spawn(live(actor, part.program, part.has_ended));
}

awaitable<void> Stage::live(Actor actor, ActorProgram program, bool& has_ended) {
  co_await program(actor);
  has_ended = true;
}

std::vector<std::string> Stage::hosts() const {
  std::vector<std::string> hosts;
  for (const auto& [host, part] : parts_) hosts.push_back(host);
  return hosts;
}

bool Stage::have_all_ended() const {
  return std::ranges::all_of(parts_, [](const auto& part) { return part.second.has_ended; });
}

void Stage::replace(const std::string& host, bool with_power_loss) {
  Part& part = parts_.at(host);
  if (part.has_ended) return;
  part.histories.back()->crash(time());
  if (with_power_loss) {
    part.machine->lose_power();
  } else {
    part.machine->kill();
  }
  part.machine->start();
  begin(host, part);
}

}  // namespace mq::sim
