#include "judge/history_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/assert.h"
#include "base/utf8.h"

namespace mq::judge {
namespace {

constexpr std::int64_t kProcessEnd = std::int64_t{1} << 22;  // its values stay whole numbers of 64 bits with a sign

std::string_view type_name(Outcome outcome) {
  switch (outcome) {
    case Outcome::ok:
      return "ok";
    case Outcome::fail:
      return "fail";
    case Outcome::info:
      return "info";
  }
  std::unreachable();
}

/// Nothing of the byte has to be escaped, and it is a character of its own.
constexpr bool is_plain(char byte) { return byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\'; }

/// The bytes of a character from U+F780 on, for a byte from 0x80 on.
void append_stray_byte(std::string& to, unsigned char byte) {
  to += '\xef';
  to += static_cast<char>(0x9c | byte >> 6);
  to += static_cast<char>(0x80 | (byte & 0x3f));
}

}  // namespace

HistoryWriter::HistoryWriter(Sink sink, std::int64_t process, std::string_view client)
    : sink_(std::move(sink)), process_(process) {
  MQ_ASSERT(process >= 0 || process == kNoProcess);
  MQ_ASSERT(process == kNoProcess || !client.empty());
  quoted(client);
  std::swap(client_, line_);
}

std::int64_t HistoryWriter::new_value() {
  MQ_ASSERT(process_ >= 0 && process_ < kProcessEnd);
  return process_ << 40 | ++values_;
}

void HistoryWriter::run(const Run& run, std::span<const std::string_view> compacted) {
  const auto flush = [](FlushClass flushed) { return flushed == FlushClass::ack ? "\"ack\"" : "\"async\""; };
  const auto flag = [](bool is_so) { return is_so ? "true" : "false"; };
  fmt::format_to(std::back_inserter(line_),
                 R"({{"f":"run","v":{{"acks":{},"idempotent":{},"flush":{},"offsets_flush":{},"min_isr":{})", run.acks,
                 flag(run.is_idempotent), flush(run.flush), flush(run.offsets_flush), run.min_isr);
  fmt::format_to(std::back_inserter(line_), R"(,"retention":{},"positive_control":{},"stuck_after_ms":{})",
                 flag(run.has_retention), flag(run.is_positive_control), run.stuck_after / 1'000'000);
  if (run.lag_max != kNever) member_number("lag_max_ms", run.lag_max / 1'000'000);
  if (!compacted.empty()) {
    raw(R"(,"compacted":[)");
    list(compacted, [&](std::string_view topic) { quoted(topic); });
    raw("]");
  }
  raw("}");
  finish();
}

void HistoryWriter::phase(Time at, Phase::Name name) {
  raw(R"({"t":)");
  number(at);
  member_text("f", "phase");
  member_text("v", to_string(name));
  finish();
}

void HistoryWriter::fault(Time at, std::string_view name, std::optional<std::int64_t> node, bool is_quiet) {
  raw(R"({"t":)");
  number(at);
  raw(R"(,"f":"nemesis","type":"info","v":{"fault":)");
  quoted(name);
  if (node) member_number("node", *node);
  if (is_quiet) raw(R"(,"quiet":true)");
  raw("}");
  finish();
}

HistoryWriter::Asked HistoryWriter::ask_send(Time at, std::span<const SentRecord> records,
                                             const SendSettings& settings) {
  const Asked asked = invoke(at, "send");
  if (settings.acks) member_number("acks", *settings.acks);
  if (settings.is_idempotent) raw(*settings.is_idempotent ? R"(,"idem":true)" : R"(,"idem":false)");
  raw(R"(,"v":[)");
  sends(records);
  raw("]");
  finish();
  return asked;
}

HistoryWriter::Asked HistoryWriter::ask_poll(Time at, const GroupMember& who) {
  const Asked asked = invoke(at, "poll", who);
  finish();
  return asked;
}

HistoryWriter::Asked HistoryWriter::ask_transaction(Time at, std::span<const SentRecord> records, bool polls,
                                                    std::span<const PartitionOffset> offsets, const GroupMember& who) {
  const Asked asked = invoke(at, "txn", who);
  raw(R"(,"v":[)");
  sends(records);
  if (polls) raw(records.empty() ? R"(["poll",{}])" : R"(,["poll",{}])");
  if (!offsets.empty()) {
    raw(records.empty() && !polls ? R"(["offsets",)" : R"(,["offsets",)");
    by_partition(offsets);
    raw("]");
  }
  raw("]");
  finish();
  return asked;
}

HistoryWriter::Asked HistoryWriter::ask_assign(Time at, std::span<const StartingPoint> points) {
  const Asked asked = invoke(at, "assign");
  raw(R"(,"v":{)");
  list(points, [&](const StartingPoint& point) {
    quoted(point.partition);
    raw(":");
    switch (point.at) {
      case StartingPoint::At::offset:
        return number(point.offset);
      case StartingPoint::At::beginning:
        return raw(R"("beginning")");
      case StartingPoint::At::end:
        return raw(R"("end")");
      case StartingPoint::At::unknown:
        return raw("null");
    }
  });
  raw("}");
  finish();
  return asked;
}

HistoryWriter::Asked HistoryWriter::ask_subscribe(Time at, std::string_view group,
                                                  std::span<const std::string_view> topics) {
  const Asked asked = invoke(at, "subscribe", {.group = group});
  raw(R"(,"v":[)");
  list(topics, [&](std::string_view topic) { quoted(topic); });
  raw("]");
  finish();
  return asked;
}

HistoryWriter::Asked HistoryWriter::ask_commit(Time at, const GroupMember& who,
                                               std::span<const PartitionOffset> offsets) {
  const Asked asked = invoke(at, "commit", who);
  raw(R"(,"v":)");
  by_partition(offsets);
  finish();
  return asked;
}

HistoryWriter::Asked HistoryWriter::ask_committed(Time at, std::string_view group) {
  const Asked asked = invoke(at, "committed", {.group = group});
  finish();
  return asked;
}

HistoryWriter::Asked HistoryWriter::ask_join(Time at, const GroupMember& who) {
  const Asked asked = invoke(at, "join", who);
  finish();
  return asked;
}

HistoryWriter::Asked HistoryWriter::ask_sync(Time at, const GroupMember& who) {
  const Asked asked = invoke(at, "sync", who);
  finish();
  return asked;
}

HistoryWriter::Asked HistoryWriter::ask_heartbeat(Time at, const GroupMember& who) {
  const Asked asked = invoke(at, "heartbeat", who);
  finish();
  return asked;
}

HistoryWriter::Asked HistoryWriter::ask_leave(Time at, const GroupMember& who) {
  const Asked asked = invoke(at, "leave", who);
  finish();
  return asked;
}

HistoryWriter::Asked HistoryWriter::ask_list_offsets(Time at) {
  const Asked asked = invoke(at, "list_offsets");
  finish();
  return asked;
}

HistoryWriter::Asked HistoryWriter::ask_delete_records(Time at, std::span<const PartitionOffset> before) {
  const Asked asked = invoke(at, "delete_records");
  raw(R"(,"v":)");
  by_partition(before);
  finish();
  return asked;
}

HistoryWriter::Asked HistoryWriter::ask_create_topic(Time at, std::string_view topic) {
  const Asked asked = invoke(at, "create_topic");
  member_text("v", topic);
  finish();
  return asked;
}

HistoryWriter::Asked HistoryWriter::ask_delete_topic(Time at, std::string_view topic) {
  const Asked asked = invoke(at, "delete_topic");
  member_text("v", topic);
  finish();
  return asked;
}

HistoryWriter::Asked HistoryWriter::ask_delete_group(Time at, std::string_view group) {
  const Asked asked = invoke(at, "delete_group");
  member_text("v", group);
  finish();
  return asked;
}

HistoryWriter::Asked HistoryWriter::ask_init_pid(Time at) {
  const Asked asked = invoke(at, "init_pid");
  finish();
  return asked;
}

HistoryWriter::Asked HistoryWriter::ask_admin(Time at, std::string_view what) {
  const Asked asked = invoke(at, "admin");
  member_text("v", what);
  finish();
  return asked;
}

void HistoryWriter::answer(Time at, Asked asked, const Told& told) {
  begin_answer(at, asked, told);
  finish();
}

void HistoryWriter::answer_send(Time at, Asked asked, std::span<const SentRecord> records, const Told& told) {
  begin_answer(at, asked, told);
  raw(R"(,"v":[)");
  sent(records);
  raw("]");
  finish();
}

void HistoryWriter::answer_poll(Time at, Asked asked, std::span<const PolledPartition> partitions, Isolation read_with,
                                bool from_follower) {
  begin_answer(at, asked, {});
  isolation(read_with);
  if (from_follower) raw(R"(,"from":"follower")");
  beside_polled(partitions);
  raw(R"(,"v":[)");
  polled(partitions);
  raw("]");
  finish();
}

void HistoryWriter::answer_transaction(Time at, Asked asked, std::span<const SentRecord> records,
                                       std::span<const PolledPartition> partitions, const Told& told) {
  begin_answer(at, asked, told);
  beside_polled(partitions);
  raw(R"(,"v":[)");
  sent(records);
  if (!partitions.empty()) {
    if (!records.empty()) raw(",");
    polled(partitions);
  }
  raw("]");
  finish();
}

void HistoryWriter::answer_committed(Time at, Asked asked, std::span<const PartitionOffset> offsets) {
  begin_answer(at, asked, {});
  raw(R"(,"v":)");
  by_partition(offsets);
  finish();
}

void HistoryWriter::answer_join(Time at, Asked asked, std::string_view member, std::int32_t generation) {
  begin_answer(at, asked, {});
  membership({.group = {}, .member = member, .generation = generation});
  finish();
}

void HistoryWriter::answer_sync(Time at, Asked asked, std::span<const PartitionName> owned) {
  begin_answer(at, asked, {});
  raw(R"(,"v":[)");
  list(owned, [&](PartitionName partition) { quoted(partition); });
  raw("]");
  finish();
}

void HistoryWriter::answer_list_offsets(Time at, Asked asked, std::span<const LogEnds> ends, Isolation read_with) {
  begin_answer(at, asked, {});
  isolation(read_with);
  raw(R"(,"v":{)");
  list(ends, [&](const LogEnds& log) {
    quoted(log.partition);
    raw(":[");
    offset(log.begin);
    raw(",");
    offset(log.end);
    raw("]");
  });
  raw("}");
  finish();
}

void HistoryWriter::answer_delete_records(Time at, Asked asked, std::span<const PartitionOffset> low_watermarks) {
  begin_answer(at, asked, {});
  raw(R"(,"v":)");
  by_partition(low_watermarks);
  finish();
}

void HistoryWriter::crash(Time at) {
  begin(at, "info", "crash");
  finish();
}

void HistoryWriter::reset(Time at, PartitionName partition, std::int64_t from, std::int64_t to,
                          std::string_view error) {
  begin(at, "info", "reset");
  member_text("err", error);
  raw(R"(,"v":{)");
  quoted(partition);
  raw(":[");
  offset(from);
  raw(",");
  offset(to);
  raw("]}");
  finish();
}

void HistoryWriter::begin(Time at, std::string_view type, std::string_view action) {
  MQ_ASSERT(process_ != kNoProcess);
  raw(R"({"i":)");
  number(++lines_);
  member_number("t", at);
  member_number("p", process_);
  raw(R"(,"type":")");
  raw(type);
  raw(R"(","f":")");
  raw(action);
  raw("\"");
}

HistoryWriter::Asked HistoryWriter::invoke(Time at, std::string_view action, const GroupMember& who) {
  begin(at, "invoke", action);
  raw(R"(,"c":)");
  raw(client_);
  membership(who);
  return {action, lines_};
}

void HistoryWriter::begin_answer(Time at, Asked asked, const Told& told) {
  begin(at, type_name(told.outcome), asked.action);
  member_number("of", asked.number);
  if (!told.error.empty()) member_text("err", told.error);
}

void HistoryWriter::finish() {
  raw("}\n");
  sink_(line_);
  line_.clear();
}

void HistoryWriter::number(std::int64_t value) {
  const fmt::format_int digits(value);
  line_.append(digits.data(), digits.size());
}

void HistoryWriter::offset(std::int64_t value) { value == kNoOffset ? raw("null") : number(value); }

void HistoryWriter::member_number(std::string_view name, std::int64_t value) {
  raw(",\"");
  raw(name);
  raw("\":");
  number(value);
}

void HistoryWriter::member_text(std::string_view name, std::string_view value) {
  raw(",\"");
  raw(name);
  raw("\":");
  quoted(value);
}

void HistoryWriter::quoted(std::string_view text) {
  raw("\"");
  escaped(text);
  raw("\"");
}

void HistoryWriter::escaped(std::string_view text) {
  const auto plain_bytes = [](std::string_view of) {
    return static_cast<std::size_t>(std::ranges::find_if_not(of, is_plain) - of.begin());
  };
  if (text.size() <= kTextBytesMax && plain_bytes(text) == text.size()) return raw(text);

  std::size_t left = kTextBytesMax;  // of the text as a reader has it
  while (!text.empty()) {
    const Utf8Character character = first_character(text);
    const std::size_t bytes = character.is_valid ? character.bytes : 3;
    if (bytes > left) return;
    left -= bytes;
    if (!character.is_valid) {
      append_stray_byte(line_, static_cast<unsigned char>(text[0]));
    } else if (character.code_point < 0x20) {
      fmt::format_to(std::back_inserter(line_), "\\u{:04x}", static_cast<unsigned>(character.code_point));
    } else {
      if (text[0] == '"' || text[0] == '\\') line_ += '\\';
      raw(text.substr(0, character.bytes));
    }
    text.remove_prefix(character.is_valid ? character.bytes : 1);
  }
}

void HistoryWriter::quoted(PartitionName partition) {
  raw("\"");
  escaped(partition.topic);
  raw("-");
  number(partition.number);
  raw("\"");
}

void HistoryWriter::membership(const GroupMember& who) {
  if (!who.group.empty()) member_text("g", who.group);
  if (!who.member.empty()) member_text("m", who.member);
  if (who.generation >= 0) member_number("gen", who.generation);
}

void HistoryWriter::isolation(Isolation isolation) {
  if (isolation == Isolation::read_committed) member_text("iso", "rc");
}

void HistoryWriter::sends(std::span<const SentRecord> records) {
  list(records, [&](const SentRecord& record) {
    raw(R"(["send",)");
    quoted(record.partition);
    raw(",");
    number(record.value);
    if (record.key || record.is_tombstone) {
      raw(",{");
      if (record.key) {
        raw(R"("k":)");
        quoted(*record.key);
      }
      if (record.is_tombstone) raw(record.key ? R"(,"del":true)" : R"("del":true)");
      raw("}");
    }
    raw("]");
  });
}

void HistoryWriter::sent(std::span<const SentRecord> records) {
  list(records, [&](const SentRecord& record) {
    raw(R"(["send",)");
    quoted(record.partition);
    raw(",[");
    offset(record.offset);
    raw(",");
    number(record.value);
    raw("]]");
  });
}

void HistoryWriter::polled(std::span<const PolledPartition> partitions) {
  raw(R"(["poll",{)");
  list(partitions, [&](const PolledPartition& polled) {
    quoted(polled.partition);
    raw(":[");
    list(polled.records, [&](const PolledRecord& one) { record(one); });
    raw("]");
  });
  raw("}]");
}

void HistoryWriter::record(const PolledRecord& record) {
  MQ_ASSERT(record.value || !record.damage.empty());
  raw("[");
  number(record.offset);
  raw(",");
  record.value ? number(*record.value) : raw("null");
  if (record.leader_epoch >= 0) {
    raw(",");
    number(record.leader_epoch);
  }
  if (record.key || record.sent_to || !record.damage.empty()) {
    raw(",{");
    const char* before = "";
    const auto name = [&](const char* text) {
      raw(std::exchange(before, ","));
      raw(text);
    };
    if (record.key) name(R"("k":)"), quoted(*record.key);
    if (record.sent_to) name(R"("tp":)"), quoted(*record.sent_to);
    if (!record.damage.empty()) name(R"("bad":)"), quoted(record.damage);
    raw("}");
  }
  raw("]");
}

/// What came with the records, by partition, and only of those of which it is known.
void HistoryWriter::beside_polled(std::span<const PolledPartition> partitions) {
  const auto known = [&](const auto& is_known, std::string_view open, std::string_view close, const auto& write) {
    bool is_first = true;
    for (const PolledPartition& polled : partitions) {
      if (!is_known(polled)) continue;
      raw(std::exchange(is_first, false) ? open : ",");
      quoted(polled.partition);
      write(polled);
    }
    if (!is_first) raw(close);
  };
  const auto colon_and = [&](std::int64_t value) {
    raw(":");
    number(value);
  };
  known([](const PolledPartition& polled) { return polled.high_watermark != kNoOffset; }, R"(,"hw":{)", "}",
        [&](const PolledPartition& polled) { colon_and(polled.high_watermark); });
  known([](const PolledPartition& polled) { return polled.leader_epoch >= 0; }, R"(,"le":{)", "}",
        [&](const PolledPartition& polled) { colon_and(polled.leader_epoch); });
  known([](const PolledPartition& polled) { return polled.is_rebalanced; }, R"(,"reb":[)", "]",
        [](const PolledPartition&) {});
}

void HistoryWriter::by_partition(std::span<const PartitionOffset> all) {
  raw("{");
  list(all, [&](const PartitionOffset& one) {
    quoted(one.partition);
    raw(":");
    number(one.offset);
  });
  raw("}");
}

template <class Range, class Write>
void HistoryWriter::list(const Range& all, const Write& write) {
  bool is_first = true;
  for (const auto& one : all) {
    if (!std::exchange(is_first, false)) raw(",");
    write(one);
  }
}

}  // namespace mq::judge
