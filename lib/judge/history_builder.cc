#include "judge/history_builder.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace mq::judge {
namespace {

/// One line is all that there is of these.
bool is_single(Action action) { return action == Action::crash || action == Action::reset; }

Outcome outcome_of(Event::Type type) {
  switch (type) {
    case Event::Type::ok:
      return Outcome::ok;
    case Event::Type::fail:
      return Outcome::fail;
    case Event::Type::invoke:
    case Event::Type::info:
      return Outcome::info;
  }
  std::unreachable();
}

}  // namespace

std::string HistoryBuilder::place_of(Line line) const {
  return line.file == kNone ? "nowhere" : fmt::format("{}:{}", history.files[line.file], line.number);
}

Result<History> HistoryBuilder::finish() && {
  if (!run) return fail(Errc::invalid_argument, "no line says how the run was configured: {{\"f\":\"run\",...}}");
  history.run = *std::move(run);
  MQ_CHECK(put_in_order());
  MQ_CHECK(pair_up());
  return std::move(history);
}

Result<void> HistoryBuilder::put_in_order() {
  const auto rank = [](const Event& event) { return std::tuple(event.at, event.process, event.number); };
  if (!std::ranges::is_sorted(events, {}, rank)) std::ranges::sort(events, {}, rank);
  std::ranges::sort(history.faults, {},
                    [&](const Fault& fault) { return std::tuple(fault.at, history.text(fault.kind), fault.node); });
  std::ranges::sort(history.phases, {}, [](const Phase& phase) { return std::tuple(phase.at, phase.name); });
  for (std::size_t at = 1; at < events.size(); ++at)
    if (rank(events[at - 1]) == rank(events[at]))
      return fail(Errc::invalid_argument, "{}: process {} has written its line {} at {} before",
                  place_of(events[at].line), events[at].process, events[at].number, place_of(events[at - 1].line));

  history.first = kNever;
  history.last = kBeginning;
  const auto spans = [&](Time at) {
    history.first = std::min(history.first, at);
    history.last = std::max(history.last, at);
  };
  if (!events.empty()) spans(events.front().at), spans(events.back().at);
  for (const Fault& fault : history.faults) spans(fault.at);
  for (const Phase& phase : history.phases) spans(phase.at);
  if (history.first == kNever) history.first = history.last = 0;
  return {};
}

Result<void> HistoryBuilder::pair_up() {
  boost::unordered_flat_map<std::int64_t, std::vector<Open>> open;
  boost::unordered_flat_map<std::int64_t, std::int64_t> newest;
  history.operations.reserve(events.size() / 2 + 1);
  history.send_of_value.reserve(history.sends.size());
  for (const Event& event : events) {
    const auto [known, is_new] = newest.try_emplace(event.process, event.number);
    if (!is_new && known->second >= event.number)
      return fail(Errc::invalid_argument, "{}: the \"i\" of process {} falls from {} to {} while time goes on",
                  place_of(event.line), event.process, known->second, event.number);
    known->second = event.number;
    std::vector<Open>& of_process = open[event.process];
    if (event.type == Event::Type::invoke || is_single(event.action)) {
      MQ_CHECK(begin(event, of_process));
    } else {
      MQ_CHECK(complete(event, of_process));
    }
  }
  events.clear();
  events.shrink_to_fit();
  return {};
}

void HistoryBuilder::take_over(const Event& event, Operation& op) const {
  if (event.client != 0) op.client = event.client;
  if (event.group != 0) op.group = event.group;
  if (event.member != 0) op.member = event.member;
  if (event.topic != 0) op.topic = event.topic;
  if (event.error != 0) op.error = event.error;
  if (event.generation >= 0) op.generation = event.generation;
  if (event.acks != Event::kAcksOfRun) op.acks = event.acks;
  if (event.idempotent >= 0) op.is_idempotent = event.idempotent != 0;
  if (event.isolation == Isolation::read_committed) op.isolation = event.isolation;
  op.is_from_follower |= event.is_from_follower;
}

Result<void> HistoryBuilder::begin(const Event& event, std::vector<Open>& open) {
  const auto number = static_cast<std::uint32_t>(history.operations.size());
  Operation op{.invoked = event.at,
               .process = event.process,
               .sends = event.sends,
               .reads = event.reads,
               .wanted = event.points,
               .invoked_at = event.line,
               .action = event.action,
               .acks = history.run.acks,
               .is_idempotent = history.run.is_idempotent};
  take_over(event, op);
  if (is_single(event.action)) {
    op.completed = event.at;
    op.completed_at = event.line;
    // What a reader says of itself it learned in the operation that it is in.
    for (const Open& other : open) op.invoked = std::min(op.invoked, history.operations[other.operation].invoked);
    if (event.action == Action::crash) open.clear();
  } else {
    open.push_back({event.number, number});
  }
  for (std::uint32_t at = op.sends.begin; at < op.sends.end; ++at) {
    Send& send = history.sends[at];
    send.operation = number;
    send.is_transactional = op.action == Action::txn;
    const auto [known, is_new] = history.send_of_value.try_emplace(send.value, at);
    if (!is_new) {
      const std::uint32_t other = history.sends[known->second].operation;
      const Line first = other == number ? event.line : history.operations[other].invoked_at;
      return fail(Errc::invalid_argument, "{}: value {} was sent before, at {}; every record needs a value of its own",
                  place_of(event.line), send.value, place_of(first));
    }
  }
  history.operations.push_back(op);
  return {};
}

Result<void> HistoryBuilder::complete(const Event& event, std::vector<Open>& open) {
  const auto fits = [&](const Open& candidate) {
    return event.answers >= 0 ? candidate.number == event.answers
                              : history.operations[candidate.operation].action == event.action;
  };
  const auto found = std::ranges::find_if(open, fits);
  if (found == open.end())
    return fail(Errc::invalid_argument, "{}: process {} has no open {} for this answer", place_of(event.line),
                event.process, to_string(event.action));
  if (event.answers < 0 && std::find_if(found + 1, open.end(), fits) != open.end())
    return fail(Errc::invalid_argument, "{}: process {} has several open {}s; \"of\" has to say which one is answered",
                place_of(event.line), event.process, to_string(event.action));
  const std::uint32_t number = found->operation;
  Operation& op = history.operations[number];
  if (op.action != event.action)
    return fail(Errc::invalid_argument, "{}: {} answers a {}, which was asked for at {}", place_of(event.line),
                to_string(event.action), to_string(op.action), place_of(op.invoked_at));
  open.erase(found);
  take_over(event, op);
  op.completed = event.at;
  op.completed_at = event.line;
  op.outcome = outcome_of(event.type);
  op.reads = event.reads;
  op.told = event.points;
  for (std::uint32_t at = op.reads.begin; at < op.reads.end; ++at) history.reads[at].operation = number;
  return fill_sends(event, op);
}

Result<void> HistoryBuilder::fill_sends(const Event& event, Operation& op) {
  if (!event.has_answers) {
    if (op.outcome == Outcome::ok && op.sends.begin != op.sends.end)
      return fail(Errc::invalid_argument, "{}: an ok {} has to say of each record where it is", place_of(event.line),
                  to_string(op.action));
    return {};
  }
  const std::uint32_t count = op.sends.end - op.sends.begin;
  if (event.sends.end - event.sends.begin != count)
    return fail(Errc::invalid_argument, "{}: {} sends are answered, and {} were asked for at {}", place_of(event.line),
                event.sends.end - event.sends.begin, count, place_of(op.invoked_at));
  for (std::uint32_t at = 0; at < count; ++at) {
    Send& send = history.sends[op.sends.begin + at];
    const SendAnswer& answer = answers[event.sends.begin + at];
    if (send.value != answer.value || send.key != answer.key)
      return fail(Errc::invalid_argument, "{}: value {} to {} is answered where {} to {} was asked for, at {}",
                  place_of(event.line), answer.value, history.text(answer.key), send.value, history.text(send.key),
                  place_of(op.invoked_at));
    if (op.outcome == Outcome::fail) continue;
    send.offset = answer.offset;
    send.is_acknowledged = op.acks != 0 && (op.outcome == Outcome::ok || answer.offset >= 0);
  }
  return {};
}

}  // namespace mq::judge
