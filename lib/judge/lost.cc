// Acknowledged records that are gone: A01 and A02.
#include <fmt/format.h>

#include "judge/findings.h"
#include "judge/logs.h"
#include "judge/passes.h"

namespace mq::judge {
namespace {

/// Whether the record may be gone because somebody asked for that, or because it got old where records may.
bool may_be_deleted(const History& history, const Logs::Log& log, std::int64_t offset) {
  const std::int64_t before = log.deleted_before(kNever);
  if (offset == kNoOffset) return before > 0 || (history.run.has_retention && log.earliest_seen > 0);
  return offset < before || (history.run.has_retention && offset < log.earliest_seen);
}

/// The place with the greatest offset that anybody read; null when nobody read anything.
const Logs::Place* last_read(const Logs::Log& log) {
  for (auto place = log.places.rbegin(); place != log.places.rend(); ++place)
    if (place->read_by != kNone) return &*place;
  return nullptr;
}

std::string sent_where(const Logs& logs, const Logs::Log& log, const Send& send) {
  return send.offset == kNoOffset ? logs.name_of(log) : fmt::format("{} offset {}", logs.name_of(log), send.offset);
}

}  // namespace

void find_lost(const Logs& logs, Findings& findings) {
  const History& history = logs.history();
  std::vector<const Logs::Place*> last(logs.all().size());
  for (std::size_t at = 0; at < last.size(); ++at) last[at] = last_read(logs.all()[at]);

  for (const Operation& op : history.operations) {
    for (const Send& send : history.sends_of(op)) {
      const Logs::Found& found = logs.found()[static_cast<std::size_t>(&send - history.sends.data())];
      const std::uint32_t number = logs.log_of(send.key, op);
      if (send.is_transactional || number == kNone || !(send.is_acknowledged || found.places > 0)) continue;
      const Logs::Log& log = logs.all()[number];
      if (log.is_compacted && send.message_key != 0) continue;  // A27 judges these
      const std::uint32_t excuses = findings.loss_circumstances(op.acks, op.invoked, history.last);

      findings.looked_at(Anomaly::lost_write);
      const Logs::Place* beyond = last[number];
      if (send.is_acknowledged && found.places == 0 && !found.is_read_in_some_life && send.offset != kNoOffset &&
          beyond && beyond->offset > send.offset && !may_be_deleted(history, log, send.offset) &&
          history.operations[beyond->read_by].completed >= op.invoked) {
        findings.add(Anomaly::lost_write, excuses, [&] {
          const Operation& reader = history.operations[beyond->read_by];
          return fmt::format("{}: value {} was acknowledged to {}. Nobody read it, and {} read offset {} behind it.",
                             sent_where(logs, log, send), send.value, findings.told(op), findings.told(reader),
                             beyond->offset);
        });
        continue;
      }
      if (log.was_deleted || !logs.is_in_final_read(send.key)) continue;
      findings.looked_at(Anomaly::unseen);
      if (found.is_in_final_read ||
          may_be_deleted(history, log,
                         found.places == 0 ? send.offset : logs.all()[found.log].places[found.place].offset))
        continue;
      findings.add(Anomaly::unseen, excuses, [&] {
        std::string text = fmt::format("{}: value {} was ", sent_where(logs, log, send), send.value);
        if (send.is_acknowledged) text += fmt::format("acknowledged to {}", findings.told(op));
        if (found.places > 0) {
          const Logs::Place& place = logs.all()[found.log].places[found.place];
          text += fmt::format("{}read at offset {} by {}", send.is_acknowledged ? ", and " : "", place.offset,
                              findings.told(history.operations[place.read_by]));
        }
        return text + ". Nobody found it when everything was read again at the end.";
      });
    }
  }
}

}  // namespace mq::judge
