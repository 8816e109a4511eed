#include "sim/workload/workload.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace mq::sim {
namespace {

awaitable<void> live(Seat seat, ClientProgram program, bool& has_ended) {
  co_await program(std::move(seat));
  has_ended = true;
}

}  // namespace

Workload::~Workload() {
  for (const auto& [host, has_ended] : ended_)
    if (Machine& machine = cluster_.world().machine(host); machine.is_running()) machine.kill();
}

void Workload::add(const std::string& host, const ClientProgram& program) {
  Machine& machine = cluster_.add_client(host);
  client::ClientOptions options;
  options.bootstrap = cluster_.addresses();
  options.request_timeout = 5s;
  bool& has_ended = ended_[host];
  machine.spawn(live({.machine = machine, .options = std::move(options), .history = history_, .is_over = is_over_},
                     program, has_ended));
}

bool Workload::run(const std::string& host, const ClientProgram& program, Duration at_most) {
  add(host, program);
  return run_to_end_of(host, at_most);
}

bool Workload::run_to_end_of(const std::string& host, Duration at_most) {
  return cluster_.world().run_until([&] { return has_ended(host); }, at_most);
}

bool Workload::end(Duration at_most) {
  is_over_ = true;
  return cluster_.world().run_until(
      [&] { return std::ranges::all_of(ended_, [](const auto& client) { return client.second; }); }, at_most);
}

}  // namespace mq::sim
