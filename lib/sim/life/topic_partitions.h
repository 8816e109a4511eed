#pragma once

#include <string>
#include <vector>

#include "client/cluster.h"
#include "judge/history_writer.h"
#include "model/ids.h"
#include "sim/life/stage.h"

namespace mq::sim {

[[nodiscard]] inline judge::PartitionName name_of(const TopicPartition& where) {
  return {.topic = where.topic, .number = where.partition};
}

/// All partitions of those of `topics` that are there now; a topic that cannot be asked for is left out.
awaitable<std::vector<TopicPartition>> partitions_of(client::Cluster& cluster, std::vector<std::string> topics);

/// For histories: what went wrong.
[[nodiscard]] std::string error_name(const Error& error);

/// Answers with ok, or else with info: our client hides its attempts, so an error never says that nothing happened.
template <class T>
void answer(const Actor& actor, judge::HistoryWriter::Asked asked, const Result<T>& outcome) {
  if (outcome) return actor.history.answer(actor.time(), asked);
  actor.history.answer(actor.time(), asked, {.outcome = judge::Outcome::info, .error = error_name(outcome.error())});
}

}  // namespace mq::sim
