// What offsets say: A03, A04 and A14.
#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "judge/findings.h"
#include "judge/logs.h"
#include "judge/passes.h"

namespace mq::judge {
namespace {

/// Who said that a value is at an offset; a read where there is one.
const Operation& witness(const History& history, const Logs::Place& place) {
  return history.operations[place.read_by != kNone ? place.read_by : place.acknowledged_by];
}

std::string statement(const History& history, const Findings& findings, const Logs::Place& place) {
  return fmt::format("value {} was {} {}", place.value,
                     place.read_by != kNone ? "read there by" : "acknowledged there to",
                     findings.told(witness(history, place)));
}

/// What excuses that two places are said to be at one offset.
std::uint32_t reuse_circumstances(const Logs& logs, const Findings& findings, const Logs::Log& log,
                                  const Logs::Place& a, const Logs::Place& b) {
  const History& history = logs.history();
  std::uint32_t circumstances = 0;
  for (const auto& [one, other] : {std::pair(&a, &b), std::pair(&b, &a)}) {
    const Operation& first = witness(history, *one);
    const Operation& second = witness(history, *other);
    const std::int8_t acks = one->read_by == kNone ? first.acks : std::int8_t{-1};
    const Time seen = std::min(logs.asked_since(log.key, first), logs.asked_since(log.key, second));
    circumstances |= findings.loss_circumstances(acks, seen, std::max(first.completed, second.completed));
  }
  return circumstances;
}

/// The places of one offset: each pair of neighbours is a contradiction.
void judge_offset(const Logs& logs, Findings& findings, const Logs::Log& log, std::span<const Logs::Place> places) {
  const History& history = logs.history();
  const Logs::Place* acknowledged = nullptr;
  for (const Logs::Place& place : places) {
    if (place.acknowledged_by == kNone) continue;
    findings.looked_at(Anomaly::double_assigned_offset);
    if (acknowledged) {
      const Operation& first = history.operations[acknowledged->acknowledged_by];
      const Operation& second = history.operations[place.acknowledged_by];
      const std::uint32_t excuses =
          findings.loss_circumstances(std::max(first.acks, second.acks), std::min(first.invoked, second.invoked),
                                      std::max(first.completed, second.completed));
      findings.add(Anomaly::double_assigned_offset, excuses, [&] {
        return fmt::format("{} offset {}: acknowledged to {} for value {}, and to {} for value {}.", logs.name_of(log),
                           place.offset, findings.told(first), acknowledged->value, findings.told(second), place.value);
      });
    }
    acknowledged = &place;
  }
  const auto read = std::ranges::find_if(places, [](const Logs::Place& place) { return place.read_by != kNone; });
  if (places.size() < 2 || read == places.end()) return;
  const Logs::Place& other = read == places.begin() ? places[1] : places[0];
  findings.add(Anomaly::inconsistent_offsets, reuse_circumstances(logs, findings, log, *read, other), [&] {
    return fmt::format("{} offset {}: {}, and {}.", logs.name_of(log), read->offset,
                       statement(history, findings, *read), statement(history, findings, other));
  });
}

/// A value was acknowledged at one offset and read at others only.
void judge_acknowledgement(const Logs& logs, Findings& findings, const Logs::Place& place) {
  if (place.acknowledged_by == kNone || place.read_by != kNone || place.send == kNone) return;
  const Logs::Found& found = logs.found()[place.send];
  if (found.places == 0) return;
  const History& history = logs.history();
  const Logs::Log& log = logs.all()[found.log];
  const Logs::Place& elsewhere = log.places[found.place];
  const Operation& op = history.operations[place.acknowledged_by];
  // It may be there twice, and the copy that was acknowledged may have gone before anybody read it.
  const bool may_be_compacted = log.is_compacted && history.sends[place.send].message_key != 0;
  const bool may_be_deleted = history.run.has_retention || log.was_deleted || place.offset < log.deleted_before(kNever);
  if (!op.is_idempotent && (may_be_compacted || may_be_deleted)) return;
  const std::uint32_t excuses = findings.loss_circumstances(op.acks, op.invoked, history.last);
  findings.add(Anomaly::inconsistent_offsets, excuses, [&] {
    return fmt::format("{}: value {} was acknowledged to {} at offset {}, and read at offset {} by {}.",
                       logs.name_of(log), place.value, findings.told(op), place.offset, elsewhere.offset,
                       findings.told(history.operations[elsewhere.read_by]));
  });
}

void judge_copies(const Logs& logs, Findings& findings) {
  const History& history = logs.history();
  for (const Operation& op : history.operations) {
    for (const Send& send : history.sends_of(op)) {
      const auto number = static_cast<std::uint32_t>(&send - history.sends.data());
      const Logs::Found& found = logs.found()[number];
      if (found.places == 0) continue;
      findings.looked_at(Anomaly::duplicate);
      if (found.places == 1) continue;
      std::uint32_t circumstances = findings.loss_circumstances(-1, op.invoked, history.last);
      if (!op.is_idempotent) circumstances |= kPlainProducer;
      findings.add(Anomaly::duplicate, circumstances, [&] {
        std::string text =
            fmt::format("value {}, sent by {}, was read in {} places: ", send.value, findings.asked(op), found.places);
        std::string_view before;
        for (const Logs::Log& log : logs.all())
          for (const Logs::Place& place : log.places)
            if (place.send == number && place.read_by != kNone)
              text += fmt::format("{}{} offset {} by {}", std::exchange(before, ", "), logs.name_of(log), place.offset,
                                  findings.told(history.operations[place.read_by]));
        return text + ".";
      });
    }
  }
}

}  // namespace

void find_misplaced(const Logs& logs, Findings& findings) {
  for (const Logs::Log& log : logs.all()) {
    findings.looked_at(Anomaly::inconsistent_offsets, log.places.size());
    for (std::size_t begin = 0, end = 0; begin < log.places.size(); begin = end) {
      while (end < log.places.size() && log.places[end].offset == log.places[begin].offset) ++end;
      judge_offset(logs, findings, log, std::span(log.places).subspan(begin, end - begin));
      for (std::size_t at = begin; at < end; ++at) judge_acknowledgement(logs, findings, log.places[at]);
    }
  }
  judge_copies(logs, findings);
}

}  // namespace mq::judge
