#include "judge/history_reader.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/assert.h"
#include "judge/history_builder.h"
#include "judge/json_tape.h"

namespace mq::judge {
namespace {

constexpr std::uint64_t kBytesExpectedMax = std::uint64_t{2} << 30;  // more room than that is made when it is needed
constexpr std::size_t kElementsMax = std::numeric_limits<std::uint32_t>::max() / 2;
constexpr std::int64_t kOffsetMax = std::numeric_limits<std::int64_t>::max() - 1;

/// The members of a line that have a meaning; the rest is passed over.
enum class Field : std::uint8_t {
  number,
  time,
  process,
  client,
  type,
  action,
  elements,
  answers,
  acks,
  idempotent,
  isolation,
  high_watermarks,
  leader_epochs,
  rebalanced,
  group,
  member,
  generation,
  error,
  from,
  source,
};

/// A name of up to four bytes, with its length, as one number: what lines name most often is compared fastest. 0: a
/// longer name.
constexpr std::uint64_t short_name(std::string_view name) {
  if (name.size() > 4) return 0;
  std::uint64_t number = name.size();
  for (const char byte : name) number = number << 8 | static_cast<unsigned char>(byte);
  return number;
}

constexpr std::array<std::pair<std::uint64_t, Field>, 20> kFields = {{
    {short_name("i"), Field::number},         {short_name("t"), Field::time},
    {short_name("p"), Field::process},        {short_name("c"), Field::client},
    {short_name("type"), Field::type},        {short_name("f"), Field::action},
    {short_name("v"), Field::elements},       {short_name("of"), Field::answers},
    {short_name("acks"), Field::acks},        {short_name("idem"), Field::idempotent},
    {short_name("iso"), Field::isolation},    {short_name("hw"), Field::high_watermarks},
    {short_name("le"), Field::leader_epochs}, {short_name("reb"), Field::rebalanced},
    {short_name("g"), Field::group},          {short_name("m"), Field::member},
    {short_name("gen"), Field::generation},   {short_name("err"), Field::error},
    {short_name("from"), Field::from},        {short_name("src"), Field::source},
}};

constexpr std::array<std::pair<std::string_view, Action>, 20> kActions = {{
    {"send", Action::send},
    {"poll", Action::poll},
    {"txn", Action::txn},
    {"assign", Action::assign},
    {"subscribe", Action::subscribe},
    {"reset", Action::reset},
    {"commit", Action::commit},
    {"committed", Action::committed},
    {"join", Action::join},
    {"sync", Action::sync},
    {"heartbeat", Action::heartbeat},
    {"leave", Action::leave},
    {"list_offsets", Action::list_offsets},
    {"delete_records", Action::delete_records},
    {"delete_topic", Action::delete_topic},
    {"create_topic", Action::create_topic},
    {"delete_group", Action::delete_group},
    {"crash", Action::crash},
    {"init_pid", Action::other},
    {"admin", Action::other},
}};

constexpr std::array<std::pair<std::string_view, Event::Type>, 4> kTypes = {{
    {"invoke", Event::Type::invoke},
    {"ok", Event::Type::ok},
    {"fail", Event::Type::fail},
    {"info", Event::Type::info},
}};

constexpr std::array<std::pair<std::string_view, Phase::Name>, 6> kPhases = {{
    {"warmup", Phase::Name::warmup},
    {"faults", Phase::Name::faults},
    {"heal", Phase::Name::heal},
    {"liveness", Phase::Name::liveness},
    {"final", Phase::Name::final},
    {"done", Phase::Name::done},
}};

template <class Rows>
auto found_in(const Rows& rows, const typename Rows::value_type::first_type& name) {
  const auto row = std::ranges::find(rows, name, [](const auto& candidate) { return candidate.first; });
  return row == rows.end() ? std::nullopt : std::optional(row->second);
}

/// What is wrong with the line at hand; the reader puts its place before it.
template <class... Args>
std::unexpected<Error> wrong(fmt::format_string<Args...> text, Args&&... args) {
  return fail(Errc::invalid_argument, text, std::forward<Args>(args)...);
}

Result<std::int64_t> integer(Json value, std::string_view what, std::int64_t least, std::int64_t most) {
  if (value.kind() != Json::Kind::integer) return wrong("{} has to be a whole number of 64 bits", what);
  const std::int64_t number = value.number();
  if (number < least || number > most) return wrong("{} is {}, which is not in {} to {}", what, number, least, most);
  return number;
}

/// An offset; null and -1 are none.
Result<std::int64_t> offset(Json value, std::string_view what) {
  if (value.is_null()) return kNoOffset;
  return integer(value, what, kNoOffset, kOffsetMax);
}

Result<bool> flag(Json value, std::string_view what) {
  if (value.kind() == Json::Kind::boolean) return value.number() == 1;
  MQ_TRY(const std::int64_t number, integer(value, what, 0, 1));
  return number == 1;
}

Result<std::string_view> text(Json value, std::string_view what) {
  if (!value.is_string()) return wrong("{} has to be a string", what);
  if (value.text().size() > kTextBytesMax) return wrong("{} is longer than {} bytes", what, kTextBytesMax);
  return value.text();
}

Result<Json> list(Json value, std::string_view what) {
  if (!value.is_list()) return wrong("{} has to be a list", what);
  return value;
}

Result<Json> object(Json value, std::string_view what) {
  if (value.kind() != Json::Kind::object) return wrong("{} has to be an object", what);
  return value;
}

std::optional<Json> member(Json from, std::string_view name) {
  for (const auto& [known, value] : from)
    if (known == name) return value;
  return std::nullopt;
}

}  // namespace

class HistoryReader::Lines {
 public:
  HistoryBuilder built;
  std::string cut;  ///< the begin of a line whose end has not come
  std::uint32_t line = 0;

  [[nodiscard]] Result<void> add(std::string_view text, bool is_whole);
  [[nodiscard]] std::string place() const { return built.place_of(here()); }

 private:
  using Fields = std::array<std::optional<Json>, kFields.size()>;

  [[nodiscard]] Line here() const { return {static_cast<std::uint32_t>(built.history.files.size() - 1), line}; }
  [[nodiscard]] static const std::optional<Json>& at(const Fields& fields, Field field) {
    return fields[static_cast<std::size_t>(field)];
  }
  [[nodiscard]] std::uint32_t points() const { return static_cast<std::uint32_t>(built.history.points.size()); }
  void point(Point::Kind kind, Name key, std::int64_t number = 0) {
    built.history.points.push_back({.number = number, .key = key, .kind = kind});
  }
  [[nodiscard]] bool is_full() const;

  [[nodiscard]] Result<void> take(Json value);
  [[nodiscard]] Result<void> take_run(const Fields& fields);
  [[nodiscard]] Result<void> take_phase(const Fields& fields);
  [[nodiscard]] Result<void> take_fault(const Fields& fields);
  [[nodiscard]] Result<void> take_event(const Fields& fields, Action action);
  [[nodiscard]] Result<void> take_names(const Fields& fields, Event& event);
  [[nodiscard]] Result<void> take_settings(const Fields& fields, Event& event);
  [[nodiscard]] Result<void> take_elements(Json value, Event& event);
  [[nodiscard]] Result<void> take_micro_operations(Json value, Event& event);
  [[nodiscard]] Result<void> take_send(Json parts, Event& event);
  [[nodiscard]] Result<void> take_sent(Json parts, Event& event);
  [[nodiscard]] Result<void> take_polled(Json value);
  [[nodiscard]] Result<void> take_record(Json value, Name key);
  [[nodiscard]] Result<void> take_by_key(Json value, Point::Kind kind);
  [[nodiscard]] Result<void> take_pairs(Json value, Point::Kind first, Point::Kind second);
  [[nodiscard]] Result<void> take_keys(Json value, Point::Kind kind);
  [[nodiscard]] Result<Time> time_of(const Fields& fields) const;
  [[nodiscard]] Result<Name> key(Json value);
  [[nodiscard]] Result<Name> key_named(std::string_view value);
  [[nodiscard]] Result<Name> name(Json value, std::string_view what);

  JsonTape tape_;
};

bool HistoryReader::Lines::is_full() const {
  const History& history = built.history;
  return std::max({history.sends.size(), history.reads.size(), history.points.size(), built.answers.size()}) >=
             kElementsMax ||
         history.lines >= kLinesMax;
}

Result<void> HistoryReader::Lines::add(std::string_view text, bool is_whole) {
  ++line;
  if (text.find_first_not_of(" \t\r") == std::string_view::npos) return {};
  if (is_full()) return fail(Errc::too_large, "{}: the history is longer than this program can hold", place());
  ++built.history.lines;
  const auto value = tape_.read(text);
  if (!value) {
    if (is_whole) return fail(Errc::invalid_argument, "{}: no JSON text: {}", place(), value.error().message);
    ++built.history.torn_lines;
    return {};
  }
  if (const auto taken = take(*value); !taken)
    return fail(Errc::invalid_argument, "{}: {}", place(), taken.error().message);
  return {};
}

Result<void> HistoryReader::Lines::take(Json value) {
  MQ_TRY(const Json members, object(value, "a line"));
  Fields fields{};
  for (const auto& [name, said] : members)
    if (const auto field = found_in(kFields, short_name(name))) fields[static_cast<std::size_t>(*field)] = said;
  if (at(fields, Field::source)) {
    ++built.history.trace_lines;
    return {};
  }
  if (!at(fields, Field::action)) return wrong("no \"f\" says what this line is");
  MQ_TRY(const std::string_view action, judge::text(*at(fields, Field::action), "\"f\""));
  if (action == "run") return take_run(fields);
  if (action == "phase") return take_phase(fields);
  if (action == "nemesis") return take_fault(fields);
  if (const auto known = found_in(kActions, action)) return take_event(fields, *known);
  ++built.history.unknown_actions;
  return {};
}

Result<void> HistoryReader::Lines::take_run(const Fields& fields) {
  if (!at(fields, Field::elements)) return wrong("no \"v\" says how the run was configured");
  MQ_TRY(const Json said, object(*at(fields, Field::elements), "the \"v\" of a run"));
  Run run;
  if (const std::optional<Json> acks = member(said, "acks")) {
    MQ_TRY(const std::int64_t number, integer(*acks, "\"acks\"", -1, 1));
    run.acks = static_cast<std::int8_t>(number);
  }
  const auto take_flag = [&](std::string_view name, bool& into) -> Result<void> {
    if (const std::optional<Json> found = member(said, name)) {
      MQ_TRY(into, flag(*found, fmt::format("\"{}\"", name)));
    }
    return {};
  };
  MQ_CHECK(take_flag("idempotent", run.is_idempotent));
  MQ_CHECK(take_flag("retention", run.has_retention));
  MQ_CHECK(take_flag("positive_control", run.is_positive_control));
  const auto take_flush = [&](std::string_view name, FlushClass& into) -> Result<void> {
    const std::optional<Json> found = member(said, name);
    if (!found) return {};
    MQ_TRY(const std::string_view word, judge::text(*found, name));
    if (word != "ack" && word != "async") return wrong("\"{}\" is \"ack\" or \"async\", not \"{}\"", name, word);
    into = word == "ack" ? FlushClass::ack : FlushClass::async;
    return {};
  };
  MQ_CHECK(take_flush("flush", run.flush));
  MQ_CHECK(take_flush("offsets_flush", run.offsets_flush));
  if (const std::optional<Json> found = member(said, "min_isr")) {
    MQ_TRY(const std::int64_t number, integer(*found, "\"min_isr\"", 1, 1000));
    run.min_isr = static_cast<std::int32_t>(number);
  }
  const auto take_milliseconds = [&](std::string_view name, Time& into) -> Result<void> {
    if (const std::optional<Json> found = member(said, name)) {
      MQ_TRY(const std::int64_t number, integer(*found, name, 1, 1'000'000'000));
      into = number * 1'000'000;
    }
    return {};
  };
  MQ_CHECK(take_milliseconds("stuck_after_ms", run.stuck_after));
  MQ_CHECK(take_milliseconds("lag_max_ms", run.lag_max));
  if (const std::optional<Json> found = member(said, "compacted")) {
    MQ_TRY(const Json topics, list(*found, "\"compacted\""));
    for (const auto& [unnamed, topic] : topics) {
      MQ_TRY(const Name named, name(topic, "a topic of \"compacted\""));
      run.compacted.push_back(named);
    }
    std::ranges::sort(run.compacted);
  }
  if (built.run && *built.run != run) return wrong("another file says that the run was configured otherwise");
  built.run = std::move(run);
  return {};
}

Result<Time> HistoryReader::Lines::time_of(const Fields& fields) const {
  if (!at(fields, Field::time)) return wrong("no \"t\" says when");
  return integer(*at(fields, Field::time), "\"t\"", 0, kNever - 1);
}

Result<void> HistoryReader::Lines::take_phase(const Fields& fields) {
  MQ_TRY(const Time when, time_of(fields));
  if (!at(fields, Field::elements)) return wrong("no \"v\" names the phase");
  MQ_TRY(const std::string_view word, judge::text(*at(fields, Field::elements), "the name of a phase"));
  const auto phase = found_in(kPhases, word);
  if (!phase) return wrong("\"{}\" is no phase; there are warmup, faults, heal, liveness, final and done", word);
  built.history.phases.push_back({when, *phase});
  return {};
}

Result<void> HistoryReader::Lines::take_fault(const Fields& fields) {
  MQ_TRY(const Time when, time_of(fields));
  if (!at(fields, Field::elements)) return wrong("no \"v\" says what was done");
  MQ_TRY(const Json said, object(*at(fields, Field::elements), "the \"v\" of a nemesis"));
  Fault fault{.at = when, .line = here()};
  const std::optional<Json> kind = member(said, "fault");
  if (!kind) return wrong("no \"fault\" names what was done");
  MQ_TRY(fault.kind, name(*kind, "\"fault\""));
  if (const std::optional<Json> node = member(said, "node")) {
    MQ_TRY(fault.node, integer(*node, "\"node\"", 0, std::numeric_limits<std::int32_t>::max()));
  }
  if (const std::optional<Json> quiet = member(said, "quiet")) {
    MQ_TRY(fault.is_quiet, flag(*quiet, "\"quiet\""));
  }
  built.history.faults.push_back(fault);
  return {};
}

Result<void> HistoryReader::Lines::take_event(const Fields& fields, Action action) {
  Event event{.line = here(), .action = action};
  MQ_TRY(event.at, time_of(fields));
  const auto take_number = [&](Field field, std::string_view what, std::int64_t& into) -> Result<void> {
    if (!at(fields, field)) return wrong("no {} is given", what);
    MQ_TRY(into, integer(*at(fields, field), what, 0, kNever - 1));
    return {};
  };
  MQ_CHECK(take_number(Field::number, "\"i\"", event.number));
  MQ_CHECK(take_number(Field::process, "\"p\"", event.process));
  if (at(fields, Field::answers)) MQ_CHECK(take_number(Field::answers, "\"of\"", event.answers));
  if (!at(fields, Field::type)) return wrong("no \"type\" is given");
  MQ_TRY(const std::string_view word, judge::text(*at(fields, Field::type), "\"type\""));
  const auto type = found_in(kTypes, word);
  if (!type) return wrong("\"{}\" is no type; there are invoke, ok, fail and info", word);
  event.type = *type;
  if ((action == Action::crash || action == Action::reset) && *type != Event::Type::info)
    return wrong("a {} is one line of type \"info\"", to_string(action));
  MQ_CHECK(take_names(fields, event));
  MQ_CHECK(take_settings(fields, event));

  const auto elements_now = [](const auto& all) { return static_cast<std::uint32_t>(all.size()); };
  const bool is_invoke = event.type == Event::Type::invoke;
  event.sends.begin = is_invoke ? elements_now(built.history.sends) : elements_now(built.answers);
  event.reads.begin = elements_now(built.history.reads);
  event.points.begin = points();
  if (at(fields, Field::high_watermarks))
    MQ_CHECK(take_by_key(*at(fields, Field::high_watermarks), Point::Kind::high_watermark));
  if (at(fields, Field::leader_epochs))
    MQ_CHECK(take_by_key(*at(fields, Field::leader_epochs), Point::Kind::leader_epoch));
  if (at(fields, Field::rebalanced)) MQ_CHECK(take_keys(*at(fields, Field::rebalanced), Point::Kind::rebalanced));
  if (at(fields, Field::elements) && !at(fields, Field::elements)->is_null())
    MQ_CHECK(take_elements(*at(fields, Field::elements), event));
  event.sends.end = is_invoke ? elements_now(built.history.sends) : elements_now(built.answers);
  event.reads.end = elements_now(built.history.reads);
  event.points.end = points();
  if (action == Action::send && is_invoke && event.sends.begin == event.sends.end)
    return wrong("a send without a record");
  built.events.push_back(event);
  return {};
}

Result<void> HistoryReader::Lines::take_names(const Fields& fields, Event& event) {
  const auto take_name = [&](Field field, std::string_view what, Name& into) -> Result<void> {
    if (at(fields, field) && !at(fields, field)->is_null()) {
      MQ_TRY(into, name(*at(fields, field), what));
    }
    return {};
  };
  MQ_CHECK(take_name(Field::client, "\"c\"", event.client));
  MQ_CHECK(take_name(Field::group, "\"g\"", event.group));
  MQ_CHECK(take_name(Field::member, "\"m\"", event.member));
  MQ_CHECK(take_name(Field::error, "\"err\"", event.error));
  if (event.type == Event::Type::invoke && event.client == 0) return wrong("no \"c\" names the client");
  switch (event.action) {
    case Action::commit:
    case Action::committed:
    case Action::join:
    case Action::sync:
    case Action::heartbeat:
      if (event.type == Event::Type::invoke && event.group == 0) return wrong("no \"g\" names the group");
      break;
    default:
      break;
  }
  return {};
}

Result<void> HistoryReader::Lines::take_settings(const Fields& fields, Event& event) {
  if (at(fields, Field::generation) && !at(fields, Field::generation)->is_null()) {
    MQ_TRY(const std::int64_t generation,
           integer(*at(fields, Field::generation), "\"gen\"", -1, std::numeric_limits<std::int32_t>::max()));
    event.generation = static_cast<std::int32_t>(generation);
  }
  if (at(fields, Field::acks)) {
    MQ_TRY(const std::int64_t acks, integer(*at(fields, Field::acks), "\"acks\"", -1, 1));
    event.acks = static_cast<std::int8_t>(acks);
  }
  if (at(fields, Field::idempotent)) {
    MQ_TRY(const bool idempotent, flag(*at(fields, Field::idempotent), "\"idem\""));
    event.idempotent = idempotent ? 1 : 0;
  }
  if (at(fields, Field::isolation)) {
    MQ_TRY(const std::string_view word, judge::text(*at(fields, Field::isolation), "\"iso\""));
    if (word != "rc" && word != "ru") return wrong("\"iso\" is \"rc\" or \"ru\", not \"{}\"", word);
    event.isolation = word == "rc" ? Isolation::read_committed : Isolation::read_uncommitted;
  }
  if (at(fields, Field::from)) {
    MQ_TRY(const std::string_view word, judge::text(*at(fields, Field::from), "\"from\""));
    event.is_from_follower = word == "follower";
  }
  return {};
}

/// `v`, whose form depends on the action and on whether it is asked or told.
Result<void> HistoryReader::Lines::take_elements(Json value, Event& event) {
  const bool is_told = event.type != Event::Type::invoke;
  switch (event.action) {
    case Action::send:
    case Action::poll:
    case Action::txn:
      return take_micro_operations(value, event);
    case Action::assign:
      return is_told ? Result<void>{} : take_by_key(value, Point::Kind::position);
    case Action::commit:
      return is_told ? Result<void>{} : take_by_key(value, Point::Kind::group_offset);
    case Action::committed:
      return is_told ? take_by_key(value, Point::Kind::group_offset) : Result<void>{};
    case Action::sync:
      return is_told ? take_keys(value, Point::Kind::owned) : Result<void>{};
    case Action::reset:
      return take_by_key(value, Point::Kind::reset_from);
    case Action::list_offsets:
      return is_told ? take_pairs(value, Point::Kind::earliest, Point::Kind::latest) : Result<void>{};
    case Action::delete_records:
      return take_by_key(value, is_told ? Point::Kind::low_watermark : Point::Kind::delete_before);
    case Action::delete_topic:
    case Action::create_topic: {
      if (is_told) return {};
      MQ_TRY(event.topic, name(value, "the topic"));
      return {};
    }
    case Action::delete_group: {
      if (is_told) return {};
      MQ_TRY(event.group, name(value, "the group"));
      return {};
    }
    case Action::subscribe:
    case Action::join:
    case Action::heartbeat:
    case Action::leave:
    case Action::crash:
    case Action::other:
      return {};
  }
  std::unreachable();
}

Result<void> HistoryReader::Lines::take_micro_operations(Json value, Event& event) {
  MQ_TRY(const Json all, list(value, "\"v\""));
  for (const auto& [unnamed, one] : all) {
    MQ_TRY(const Json parts, list(one, "an element of \"v\""));
    if (parts.size() < 2) return wrong("an element of \"v\" is [\"send\", key, ...] or [\"poll\", {{...}}]");
    MQ_TRY(const std::string_view word, judge::text(parts[0], "the first of an element of \"v\""));
    if (word == "send" && event.action != Action::poll) {
      MQ_CHECK(event.type == Event::Type::invoke ? take_send(parts, event) : take_sent(parts, event));
    } else if (word == "poll" && event.action != Action::send) {
      if (event.type != Event::Type::invoke) MQ_CHECK(take_polled(parts[1]));
    } else if (event.action != Action::txn) {
      return wrong("\"{}\" has no place in a {}", word, to_string(event.action));
    }
  }
  return {};
}

Result<void> HistoryReader::Lines::take_send(Json parts, Event&) {
  if (parts.size() < 3 || parts.size() > 4) return wrong("a send is [\"send\", key, value] and perhaps an object");
  Send send;
  MQ_TRY(send.key, key(parts[1]));
  MQ_TRY(send.value, integer(parts[2], "the value of a record", std::numeric_limits<std::int64_t>::min(), kNever));
  if (parts.size() == 4) {
    MQ_TRY(const Json more, object(parts[3], "the last of a send"));
    if (const std::optional<Json> found = member(more, "k")) {
      MQ_TRY(send.message_key, name(*found, "the key of a record"));
    }
    if (const std::optional<Json> found = member(more, "del")) {
      MQ_TRY(send.is_tombstone, flag(*found, "\"del\""));
    }
  }
  built.history.sends.push_back(send);
  return {};
}

Result<void> HistoryReader::Lines::take_sent(Json parts, Event& event) {
  if (parts.size() < 3)
    return wrong("a send is answered as [\"send\", key, [offset, value]] or [\"send\", key, value]");
  SendAnswer answer;
  MQ_TRY(answer.key, key(parts[1]));
  Json value = parts[2];
  if (value.is_list()) {
    if (value.size() != 2) return wrong("a send is answered with [offset, value]");
    MQ_TRY(answer.offset, offset(value[0], "the offset of a record"));
    value = value[1];
  }
  MQ_TRY(answer.value, integer(value, "the value of a record", std::numeric_limits<std::int64_t>::min(), kNever));
  event.has_answers = true;
  built.answers.push_back(answer);
  return {};
}

Result<void> HistoryReader::Lines::take_polled(Json value) {
  MQ_TRY(const Json partitions, object(value, "what was polled"));
  for (const auto& [name, polled] : partitions) {
    MQ_TRY(const Name where, key_named(name));
    MQ_TRY(const Json records, list(polled, "the records of a partition"));
    point(Point::Kind::polled, where);
    for (const auto& [unnamed, record] : records) MQ_CHECK(take_record(record, where));
  }
  return {};
}

Result<void> HistoryReader::Lines::take_record(Json value, Name where) {
  MQ_TRY(const Json parts, list(value, "a record"));
  if (parts.size() < 2) return wrong("a record is [offset, value] and perhaps its leader epoch and an object");
  Read read{.key = where};
  MQ_TRY(read.offset, integer(parts[0], "the offset of a record", 0, kOffsetMax));
  // Who could not make out the value says so in the object.
  read.has_value = !parts[1].is_null();
  if (read.has_value) {
    MQ_TRY(read.value, integer(parts[1], "the value of a record", std::numeric_limits<std::int64_t>::min(), kNever));
  }
  if (const Json more = parts[parts.size() - 1]; parts.size() > 2 && more.kind() == Json::Kind::object) {
    if (const std::optional<Json> found = member(more, "k")) {
      MQ_TRY(read.message_key, name(*found, "the key of a record"));
    }
    if (const std::optional<Json> found = member(more, "tp")) {
      MQ_TRY(read.body_key, key(*found));
    }
    if (const std::optional<Json> found = member(more, "bad")) {
      MQ_TRY(read.damage, name(*found, "\"bad\""));
    }
  }
  if (!read.has_value && read.damage == 0)
    return wrong("a record without a value has to say in \"bad\" what is wrong with it");
  built.history.reads.push_back(read);
  return {};
}

Result<void> HistoryReader::Lines::take_by_key(Json value, Point::Kind kind) {
  MQ_TRY(const Json all, object(value, "what is said of each partition"));
  for (const auto& [name, said] : all) {
    MQ_TRY(const Name where, key_named(name));
    std::int64_t number = kNoOffset;
    if (kind == Point::Kind::position && said.is_string()) {
      if (said.text() != "beginning" && said.text() != "end")
        return wrong("a position is an offset, \"beginning\", \"end\" or null");
      number = said.text() == "beginning" ? 0 : kNoOffset;
    } else if (kind == Point::Kind::reset_from && said.is_list()) {
      if (said.size() == 0) return wrong("a reset is [from, to]");
      MQ_TRY(number, offset(said[0], "where a reader was"));
    } else {
      MQ_TRY(number, offset(said, "the number of a partition"));
    }
    point(kind, where, number);
  }
  return {};
}

Result<void> HistoryReader::Lines::take_pairs(Json value, Point::Kind first, Point::Kind second) {
  MQ_TRY(const Json all, object(value, "what is said of each partition"));
  for (const auto& [name, said] : all) {
    MQ_TRY(const Name where, key_named(name));
    MQ_TRY(const Json pair, list(said, "the ends of a log"));
    if (pair.size() != 2) return wrong("the ends of a log are [earliest, latest]");
    MQ_TRY(const std::int64_t begin, offset(pair[0], "the begin of a log"));
    MQ_TRY(const std::int64_t end, offset(pair[1], "the end of a log"));
    if (begin != kNoOffset) point(first, where, begin);
    if (end != kNoOffset) point(second, where, end);
  }
  return {};
}

Result<void> HistoryReader::Lines::take_keys(Json value, Point::Kind kind) {
  MQ_TRY(const Json all, list(value, "a list of partitions"));
  for (const auto& [unnamed, one] : all) {
    MQ_TRY(const Name where, key(one));
    point(kind, where);
  }
  return {};
}

Result<Name> HistoryReader::Lines::key(Json value) {
  if (value.is_string()) return key_named(value.text());
  MQ_TRY(const std::int64_t number, integer(value, "a partition", 0, kNever));
  const fmt::format_int digits(number);
  return built.history.names.name_of({digits.data(), digits.size()});
}

Result<Name> HistoryReader::Lines::key_named(std::string_view value) {
  if (value.empty() || value.size() > kTextBytesMax)
    return wrong("a partition has a name of 1 to {} bytes", kTextBytesMax);
  return built.history.names.name_of(value);
}

Result<Name> HistoryReader::Lines::name(Json value, std::string_view what) {
  MQ_TRY(const std::string_view found, judge::text(value, what));
  return built.history.names.name_of(found);
}

HistoryReader::HistoryReader() : lines_(std::make_unique<Lines>()) {}
HistoryReader::~HistoryReader() = default;

void HistoryReader::expect(std::uint64_t bytes) {
  // As they are in histories of many small polls; what is reserved and not used costs no memory.
  constexpr std::uint64_t kBytesPerRead = 60;
  constexpr std::uint64_t kBytesPerPoint = 40;
  constexpr std::uint64_t kBytesPerEvent = 240;
  bytes = std::min(bytes, kBytesExpectedMax);
  History& history = lines_->built.history;
  history.reads.reserve(bytes / kBytesPerRead);
  history.points.reserve(bytes / kBytesPerPoint);
  history.sends.reserve(bytes / kBytesPerEvent);
  lines_->built.answers.reserve(bytes / kBytesPerEvent);
  lines_->built.events.reserve(bytes / kBytesPerEvent);
}

void HistoryReader::begin_file(std::string_view name) {
  lines_->built.history.files.emplace_back(name);
  lines_->line = 0;
  lines_->cut.clear();
}

Result<void> HistoryReader::read(std::string_view bytes) {
  MQ_ASSERT(!lines_->built.history.files.empty());
  for (std::size_t end = bytes.find('\n'); end != std::string_view::npos; end = bytes.find('\n')) {
    const std::string_view rest = bytes.substr(0, end);
    if (lines_->cut.size() + rest.size() > kLineBytesMax) break;
    if (lines_->cut.empty()) {
      MQ_CHECK(lines_->add(rest, true));
    } else {
      lines_->cut += rest;
      MQ_CHECK(lines_->add(std::exchange(lines_->cut, {}), true));
    }
    bytes.remove_prefix(end + 1);
  }
  if (lines_->cut.size() + bytes.size() > kLineBytesMax) {
    ++lines_->line;
    return fail(Errc::too_large, "{}: the line is longer than {} bytes", lines_->place(), kLineBytesMax);
  }
  lines_->cut += bytes;
  return {};
}

Result<void> HistoryReader::end_file() { return lines_->add(std::exchange(lines_->cut, {}), false); }

Result<History> HistoryReader::finish() && { return std::move(lines_->built).finish(); }

}  // namespace mq::judge
