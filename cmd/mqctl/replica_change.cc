#include "replica_change.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/parsed_number.h"

namespace mq::mqctl {
namespace {

std::optional<BrokerId> broker_in(std::string_view text) {
  const auto id = parsed_number<std::int32_t>(text);
  if (!id || *id < 0) return std::nullopt;
  return BrokerId{*id};
}

}  // namespace

std::optional<std::vector<BrokerId>> ReplicaChange::of(const std::vector<BrokerId>& replicas) const {
  if (!all.empty()) return all;
  std::vector<BrokerId> changed = replicas;
  bool is_concerned = false;
  for (const auto& [from, to] : exchanges) {
    const auto at = std::ranges::find(changed, from);
    if (at == changed.end()) continue;
    is_concerned = true;
    // Who is a replica already takes the place of the one that goes.
    if (std::ranges::find(changed, to) != changed.end()) {
      changed.erase(at);
    } else {
      *at = to;
    }
  }
  if (!is_concerned) return std::nullopt;
  return changed;
}

cli::Parsed<ReplicaChange> parse_replica_change(std::string_view text) {
  ReplicaChange change;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    const std::string_view part = text.substr(at, end - at);
    const std::size_t arrow = part.find('>');
    if (arrow == std::string_view::npos) {
      const auto id = broker_in(part);
      if (!id) return cli::bad_value(at, part.size(), "a broker is a number: 1,2,3 or 2>4");
      if (std::ranges::find(change.all, *id) != change.all.end())
        return cli::bad_value(at, part.size(), "a broker is named twice");
      change.all.push_back(*id);
    } else {
      const auto from = broker_in(part.substr(0, arrow));
      const auto to = broker_in(part.substr(arrow + 1));
      if (!from || !to || *from == *to) return cli::bad_value(at, part.size(), "an exchange is two brokers: 2>4");
      change.exchanges.emplace_back(*from, *to);
    }
    if (!change.all.empty() && !change.exchanges.empty())
      return cli::bad_value(at, part.size(), "either all replicas, as 1,2,3, or exchanges, as 2>4");
    at = end + 1;
  }
  return change;
}

}  // namespace mq::mqctl
