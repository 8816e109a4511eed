#include "judge/logs.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <ranges>
#include <set>
#include <tuple>

namespace mq::judge {

/// An acknowledgement or a read that shows where a value is.
struct Logs::Sighting {
  std::int64_t offset = 0;
  std::int64_t value = 0;
  std::uint32_t operation = 0;
  std::uint32_t read = kNone;  ///< kNone: an acknowledgement
};

Logs::Logs(const History& history) : history_(history) {
  find_lives();
  note_begins_of_readers();
  place_records();
  note_deletions();
  note_final_read();
}

std::string_view Logs::topic_of(std::string_view key) { return key.substr(0, key.rfind('-')); }

std::string Logs::name_of(const Log& log) const {
  const std::string_view key = history_.text(log.key);
  return log.incarnation == 0 ? std::string(key) : fmt::format("{} (made again {} times)", key, log.incarnation);
}

/// The partitions that the history speaks of, and when their topics were deleted.
void Logs::find_lives() {
  std::map<std::string_view, std::vector<std::pair<Time, Time>>> deletions;
  for (const Operation& op : history_.operations)
    if (op.action == Action::delete_topic && op.outcome != Outcome::fail)
      deletions[history_.text(op.topic)].emplace_back(op.invoked, op.settled());

  std::set<std::pair<std::string_view, Name>> keys;
  std::vector<bool> is_noted;
  const auto note = [&](Name key) {
    if (is_noted.size() <= key) is_noted.resize(key + 1);
    if (!is_noted[key]) keys.emplace(history_.text(key), key);
    is_noted[key] = true;
  };
  for (const Send& send : history_.sends) note(send.key);
  for (const Read& read : history_.reads) note(read.key);
  for (const Point& point : history_.points) note(point.key);

  for (const auto& [text, key] : keys) {
    if (lives_.size() <= key) lives_.resize(key + 1);
    const auto first = static_cast<std::uint32_t>(logs_.size());
    const auto deleted = deletions.find(topic_of(text));
    const bool is_compacted = std::ranges::any_of(
        history_.run.compacted, [&, whole = text](Name topic) { return history_.text(topic) == topic_of(whole); });
    Log log{.key = key, .is_compacted = is_compacted};
    if (deleted != deletions.end()) {
      for (const auto& [begin, end] : deleted->second) {
        log.to = begin;
        log.was_deleted = true;
        if (log.from < log.to) logs_.push_back(log);
        log = {.key = key,
               .incarnation = log.incarnation + 1,
               .from = std::max(log.from, end),
               .is_compacted = is_compacted};
      }
    }
    logs_.push_back(log);
    lives_[key] = {first, static_cast<std::uint32_t>(logs_.size())};
    if (only_log_.size() <= key) only_log_.resize(key + 1, kNone);
    if (deleted == deletions.end()) only_log_[key] = first;
  }
}

/// An assignment names everything that a reader reads; where it is named at the place that the reader had reached, it
/// only goes on.
void Logs::note_begins_of_readers() {
  constexpr std::int64_t kUnknown = -2;
  boost::unordered_flat_map<std::pair<std::int64_t, Name>, std::int64_t> next;  // the offset that each reads next
  const auto begin = [&](const Operation& op, const Point& at) {
    const auto [place, is_new] = next.try_emplace({op.process, at.key}, at.number);
    const bool goes_on = place->second == at.number || place->second == kUnknown;
    place->second = at.number;
    if (!is_new && goes_on && at.number != kNoOffset) return;
    reader_begins_[{op.process, at.key}].push_back(history_.number_of(op));
  };
  for (const Operation& op : history_.operations) {
    for (const Point& wanted : history_.wanted_by(op)) {
      if (wanted.kind == Point::Kind::position) begin(op, wanted);
      // Where it goes on after a reset is not kept.
      if (wanted.kind != Point::Kind::reset_from) continue;
      next[{op.process, wanted.key}] = kUnknown;
      reader_begins_[{op.process, wanted.key}].push_back(history_.number_of(op));
    }
    const std::span<const Read> reads = history_.reads_of(op);
    for (std::size_t at = 0; at < reads.size(); ++at) {
      const bool is_last_of_its_key = at + 1 == reads.size() || reads[at + 1].key != reads[at].key;
      if (!is_last_of_its_key) continue;
      const auto reader = next.find({op.process, reads[at].key});
      if (reader != next.end()) reader->second = reads[at].offset + 1;
    }
  }
}

Time Logs::asked_since(Name key, const Operation& op) const {
  if (op.action != Action::poll) return op.invoked;
  const auto begins = reader_begins_.find({op.process, key});
  // Who tells of no begin has fetched what it gives when it was asked, but for members of groups.
  if (begins == reader_begins_.end()) return op.group == 0 ? op.invoked : history_.first;
  const auto after = std::ranges::lower_bound(begins->second, history_.number_of(op));
  return after == begins->second.begin() ? history_.first : history_.operations[*std::prev(after)].invoked;
}

std::uint32_t Logs::log_among_lives(Name key, const Operation& op) const {
  if (key >= lives_.size()) return kNone;
  const auto [first, end] = lives_[key];
  const Time since = asked_since(key, op);
  for (std::uint32_t at = first; at < end; ++at)
    if (since > logs_[at].from && (logs_[at].to == kNever || op.settled() < logs_[at].to)) return at;
  return kNone;
}

void Logs::place_records() {
  // In the order of the logs, within a log in the order of the operations.
  std::vector<std::uint32_t> ends(logs_.size() + 1);
  const auto for_each_sighting = [&](const auto& take) {
    for (std::uint32_t number = 0; number < history_.operations.size(); ++number) {
      const Operation& op = history_.operations[number];
      for (const Send& send : history_.sends_of(op)) {
        const std::uint32_t log = send.offset == kNoOffset ? kNone : log_of(send.key, op);
        if (log != kNone) take(log, Sighting{send.offset, send.value, number, kNone});
      }
      for (std::uint32_t at = op.reads.begin; at < op.reads.end; ++at) {
        const Read& read = history_.reads[at];
        const std::uint32_t log = read.has_value ? log_of(read.key, op) : kNone;
        if (log != kNone) take(log, Sighting{read.offset, read.value, number, at});
      }
    }
  };
  for_each_sighting([&](std::uint32_t log, const Sighting&) { ++ends[log + 1]; });
  for (std::size_t log = 0; log < logs_.size(); ++log) ends[log + 1] += ends[log];
  std::vector<Sighting> sightings(ends.back());
  std::vector<std::uint32_t> next = ends;
  for_each_sighting([&](std::uint32_t log, const Sighting& seen) { sightings[next[log]++] = seen; });

  places_of_reads_.assign(history_.reads.size(), kNone);
  for (std::size_t log = 0; log < logs_.size(); ++log) {
    const std::span<Sighting> of_log(sightings.data() + ends[log], sightings.data() + ends[log + 1]);
    put_in_order(of_log);
    place_in(logs_[log], of_log);
  }

  found_.resize(history_.sends.size());
  for (std::uint32_t number = 0; number < logs_.size(); ++number) {
    for (std::uint32_t at = 0; at < logs_[number].places.size(); ++at) {
      const Place& place = logs_[number].places[at];
      if (place.send == kNone || place.read_by == kNone) continue;
      Found& found = found_[place.send];
      // A topic that was made again has none of what was in it: what is sent again is not there twice.
      const bool was_in_earlier_life =
          found.places > 0 && found.last_log != number && logs_[found.last_log].key == logs_[number].key;
      if (found.places == 0) found.log = number, found.place = at;
      if (!was_in_earlier_life) ++found.places;
      found.last_log = number;
      found.is_in_final_read |= place.is_in_final_read;
    }
  }
  for (std::size_t at = 0; at < history_.reads.size(); ++at) {
    if (places_of_reads_[at] != kNone || !history_.reads[at].has_value) continue;
    const auto send = history_.send_of_value.find(history_.reads[at].value);
    if (send != history_.send_of_value.end()) found_[send->second].is_read_in_some_life = true;
  }
}

/// By offset, value and operation. They come in the order of operations, and offsets are mostly dense: counting them is
/// several times faster than comparing.
void Logs::put_in_order(std::span<Sighting> sightings) {
  if (sightings.empty()) return;
  const auto by_offset = [](const Sighting& one) { return one.offset; };
  const auto [least, greatest] = std::ranges::minmax(sightings | std::views::transform(by_offset));
  if (static_cast<std::uint64_t>(greatest - least) > 8 * sightings.size()) {
    std::ranges::sort(sightings, {},
                      [](const Sighting& one) { return std::tuple(one.offset, one.value, one.operation, one.read); });
    return;
  }
  std::vector<std::uint32_t> next(static_cast<std::size_t>(greatest - least) + 2);
  for (const Sighting& one : sightings) ++next[static_cast<std::size_t>(one.offset - least) + 1];
  for (std::size_t at = 1; at < next.size(); ++at) next[at] += next[at - 1];
  const std::vector<Sighting> unordered(sightings.begin(), sightings.end());
  for (const Sighting& one : unordered) sightings[next[static_cast<std::size_t>(one.offset - least)]++] = one;
  for (auto first = sightings.begin(); first != sightings.end();) {
    auto end = first;
    bool is_one_value = true;
    for (; end != sightings.end() && end->offset == first->offset; ++end) is_one_value &= end->value == first->value;
    if (!is_one_value)
      std::sort(first, end, [](const Sighting& a, const Sighting& b) {
        return std::tuple(a.value, a.operation, a.read) < std::tuple(b.value, b.operation, b.read);
      });
    first = end;
  }
}

void Logs::place_in(Log& log, std::span<Sighting> sightings) {
  const Time final_phase = history_.begin_of(Phase::Name::final);
  std::uint32_t offsets_read = 0;
  std::int64_t newest_read = kNoOffset;
  for (const Sighting& seen : sightings) {
    if (log.places.empty() || log.places.back().offset != seen.offset || log.places.back().value != seen.value) {
      const auto send = history_.send_of_value.find(seen.value);
      log.places.push_back({.offset = seen.offset,
                            .value = seen.value,
                            .send = send == history_.send_of_value.end() ? kNone : send->second,
                            .offsets_read = newest_read == seen.offset ? offsets_read - 1 : offsets_read});
    }
    Place& place = log.places.back();
    if (seen.read == kNone) {
      place.acknowledged_by = seen.operation;
      continue;
    }
    places_of_reads_[seen.read] = static_cast<std::uint32_t>(log.places.size() - 1);
    if (place.read_by == kNone) place.read_by = seen.operation;
    if (history_.operations[seen.operation].invoked >= final_phase) place.is_in_final_read = true;
    if (newest_read != seen.offset) ++offsets_read;
    newest_read = seen.offset;
  }
}

void Logs::note_deletions() {
  for (const Operation& op : history_.operations) {
    if (op.action == Action::list_offsets) {
      for (const Point& told : history_.told_to(op)) {
        const std::uint32_t log = told.kind == Point::Kind::earliest ? log_of(told.key, op) : kNone;
        if (log != kNone) logs_[log].earliest_seen = std::max(logs_[log].earliest_seen, told.number);
      }
    }
    if (op.action != Action::delete_records || op.outcome == Outcome::fail) continue;
    for (const Point& wanted : history_.wanted_by(op)) {
      Deletion deletion{.invoked = op.invoked,
                        .completed = op.completed,
                        .before = wanted.number,
                        .operation = history_.number_of(op)};
      for (const Point& told : history_.told_to(op))
        if (told.key == wanted.key && op.outcome == Outcome::ok) deletion.low_watermark = told.number;
      // Of a partition that was made again any life may be meant: one without an answer may come late.
      for_each_that_may_be_met(wanted.key, op, [&](std::uint32_t log) { logs_[log].deletions.push_back(deletion); });
    }
  }
}

void Logs::note_final_read() {
  const Time final_phase = history_.begin_of(Phase::Name::final);
  for (const Operation& op : history_.operations) {
    if (op.invoked < final_phase || op.outcome != Outcome::ok) continue;
    for (const Point& told : history_.told_to(op)) {
      if (told.kind != Point::Kind::polled) continue;
      if (final_keys_.size() <= told.key) final_keys_.resize(told.key + 1);
      final_keys_[told.key] = true;
    }
  }
}

std::size_t Logs::Log::lower_bound(std::int64_t offset) const {
  return static_cast<std::size_t>(std::ranges::lower_bound(places, offset, {}, &Place::offset) - places.begin());
}

std::int64_t Logs::Log::deleted_before(Time now) const {
  std::int64_t before = 0;
  for (const Deletion& deletion : deletions) {
    if (deletion.invoked > now) break;
    std::int64_t bound = deletion.before;
    if (bound == kNoOffset) bound = deletion.low_watermark == kNoOffset ? kNever : deletion.low_watermark;
    before = std::max(before, bound);
  }
  return before;
}

}  // namespace mq::judge
