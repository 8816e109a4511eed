// What compaction must keep: A27.
#include <fmt/format.h>

#include <map>

#include "judge/findings.h"
#include "judge/logs.h"
#include "judge/passes.h"

namespace mq::judge {
namespace {

/// The records of one message key in a log.
struct LastOfKey {
  std::int64_t offset = kNoOffset;  ///< of the newest that is known to have been there
  const Send* send = nullptr;
  std::int64_t final_offset = kNoOffset;  ///< of the newest in the final read
  std::int64_t final_value = 0;
};

std::map<std::string_view, LastOfKey> last_of_keys(const History& history, const Logs::Log& log) {
  std::map<std::string_view, LastOfKey> keys;
  for (const Logs::Place& place : log.places) {
    if (place.send == kNone) continue;
    const Send& send = history.sends[place.send];
    if (send.message_key == 0 || send.is_transactional) continue;
    LastOfKey& last = keys[history.text(send.message_key)];
    last.offset = place.offset;
    last.send = &send;
    if (place.is_in_final_read) last.final_offset = place.offset, last.final_value = place.value;
  }
  return keys;
}

}  // namespace

void find_badly_compacted(const Logs& logs, Findings& findings) {
  const History& history = logs.history();
  for (const Logs::Log& log : logs.all()) {
    if (!log.is_compacted || log.was_deleted || !logs.is_in_final_read(log.key)) continue;
    for (const auto& [name, last] : last_of_keys(history, log)) {
      findings.looked_at(Anomaly::compaction);
      if (last.final_offset == last.offset || last.offset < log.deleted_before(kNever)) continue;
      if (last.send->is_tombstone && last.final_offset == kNoOffset) continue;
      const Operation& op = history.operations[last.send->operation];
      findings.add(
          Anomaly::compaction, findings.loss_circumstances(op.acks, op.invoked, history.last), [&, key = name] {
            const std::string found =
                last.final_offset == kNoOffset
                    ? "no record of that key"
                    : fmt::format("value {} at offset {} as the last of that key", last.final_value, last.final_offset);
            return fmt::format("{}, message key {}: {} {} value {} at offset {}; at the end there was {}.",
                               logs.name_of(log), key, findings.asked(op),
                               last.send->is_tombstone ? "deleted the key with" : "sent", last.send->value, last.offset,
                               found);
          });
    }
  }
}

}  // namespace mq::judge
