#include "judge/findings.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace mq::judge {
namespace {

constexpr std::string_view kPowerLossFault = "power_loss";
constexpr std::string_view kKillFault = "kill9";
constexpr std::string_view kUncleanElectionFault = "unclean_election";
constexpr std::string_view kLostMediaFault = "lost_media";
constexpr std::string_view kMisdirectedFault = "misdirected_write";

}  // namespace

Findings::Findings(const History& history) : history_(history) {
  std::set<std::int64_t> nodes;
  for (const Fault& fault : history.faults)
    if (history.text(fault.kind) == kPowerLossFault) nodes.insert(fault.node);
  // A fault that names no node struck them all.
  lost_power_widely_ = nodes.contains(-1) || nodes.size() >= static_cast<std::size_t>(history.run.min_isr);
}

bool Findings::is_named_between(std::string_view name, Time from, Time to) const {
  return std::ranges::any_of(history_.faults, [&](const Fault& fault) {
    return fault.at >= from && fault.at <= to && history_.text(fault.kind) == name;
  });
}

bool Findings::has_fault_between(Time from, Time to) const {
  return std::ranges::any_of(history_.faults, [&](const Fault& fault) { return fault.at >= from && fault.at <= to; });
}

std::uint32_t Findings::power_loss(FlushClass flush, Time from, Time to) const {
  if (flush == FlushClass::ack || !lost_power_widely_) return kNoCircumstance;
  return is_named_between(kPowerLossFault, from, to) ? kPowerLoss : kNoCircumstance;
}

std::uint32_t Findings::loss_circumstances(std::int8_t acks, Time seen, Time missed) const {
  std::uint32_t found = power_loss(history_.run.flush, seen, missed);
  if (acks != -1 && !history_.faults.empty()) found |= kWeakAcks;
  if (is_named_between(kUncleanElectionFault, seen, missed)) found |= kUncleanLeader;
  // It may spoil what was there long before.
  if (is_named_between(kLostMediaFault, history_.first, missed)) found |= kLostMedia;
  // Of a log about which nothing is known any more, damage is taken for its torn end. Of what was never synced nothing
  // is known after a kill, either.
  const bool is_unproved = is_named_between(kPowerLossFault, seen, missed) ||
                           (history_.run.flush == FlushClass::async && is_named_between(kKillFault, seen, missed));
  if ((found & kLostMedia) != 0 && is_unproved) found |= kLostProof;
  if (is_named_between(kMisdirectedFault, history_.first, missed)) found |= kMisdirected;
  return found;
}

std::uint32_t Findings::offsets_loss_circumstances(Time seen, Time missed) const {
  std::uint32_t found = power_loss(history_.run.offsets_flush, seen, missed);
  if (is_named_between(kUncleanElectionFault, seen, missed)) found |= kUncleanLeader;
  if (is_named_between(kMisdirectedFault, history_.first, missed)) found |= kMisdirected;
  return found;
}

std::string Findings::seconds(Time at) const {
  const Time since = at - history_.first;
  return fmt::format("{}.{:06} s", since / 1'000'000'000, since % 1'000'000'000 / 1000);
}

std::string Findings::line(Line line) const {
  return line.file == kNone ? "never" : fmt::format("{}:{}", history_.files[line.file], line.number);
}

std::string Findings::asked(const Operation& op) const {
  return fmt::format("{} at {} ({})", history_.text(op.client), seconds(op.invoked), line(op.invoked_at));
}

std::string Findings::told(const Operation& op) const {
  if (op.completed == kNever) return asked(op) + ", never answered";
  return fmt::format("{} at {} ({})", history_.text(op.client), seconds(op.completed), line(op.completed_at));
}

}  // namespace mq::judge
