#include "judge/good_history.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <random>
#include <set>

namespace mq::judge {
namespace {

constexpr const char* kTable = "table-0";  // the partition of the compacted topic

template <class Map, class Write>
std::string object_of(const Map& map, const Write& write) {
  std::string text = "{";
  for (const auto& [key, value] : map)
    text += fmt::format("{}\"{}\":{}", text.size() > 1 ? "," : "", key, write(value));
  return text + "}";
}

std::string record_json(const MadeRecord& record) {
  std::string more;
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) more += fmt::format("{}\"{}\":\"{}\"", more.empty() ? "" : ",", name, value);
  };
  add("k", record.message_key);
  add("bad", record.damage);
  add("tp", record.body_key);
  return more.empty() ? fmt::format("[{},{}]", record.offset, record.value)
                      : fmt::format("[{},{},{{{}}}]", record.offset, record.value, more);
}

std::string polled_json(const std::vector<MadeElement>& elements) {
  std::string text;
  for (const MadeElement& element : elements) {
    std::string records;
    for (const MadeRecord& record : element.records) records += (records.empty() ? "" : ",") + record_json(record);
    text += fmt::format("{}\"{}\":[{}]", text.empty() ? "" : ",", element.key, records);
  }
  return fmt::format("[[\"poll\",{{{}}}]]", text);
}

std::string element_json(const MadeLine& line, const MadeElement& element) {
  if (line.type != "invoke") {
    return element.offset >= 0 ? fmt::format("[\"send\",\"{}\",[{},{}]]", element.key, element.offset, element.value)
                               : fmt::format("[\"send\",\"{}\",{}]", element.key, element.value);
  }
  if (element.message_key.empty()) return fmt::format("[\"send\",\"{}\",{}]", element.key, element.value);
  return fmt::format("[\"send\",\"{}\",{},{{\"k\":\"{}\"{}}}]", element.key, element.value, element.message_key,
                     element.is_tombstone ? ",\"del\":true" : "");
}

std::string value_json(const MadeLine& line) {
  const auto number = [](std::int64_t value) { return fmt::format("{}", value); };
  if (line.f == "phase") return fmt::format("\"{}\"", line.word);
  if (line.f == "nemesis") return fmt::format("{{\"fault\":\"{}\",\"node\":1}}", line.word);
  if (!line.word.empty()) return line.word;
  if (!line.ends.empty())
    return object_of(line.ends, [](const auto& ends) { return fmt::format("[{},{}]", ends.first, ends.second); });
  if (!line.numbers.empty()) return object_of(line.numbers, number);
  if (!line.keys.empty()) return fmt::format("[\"{}\"]", fmt::join(line.keys, "\",\""));
  if (line.elements.empty()) return {};
  if (line.f == "poll") return polled_json(line.elements);
  std::string text;
  for (const MadeElement& element : line.elements) text += (text.empty() ? "" : ",") + element_json(line, element);
  return fmt::format("[{}]", text);
}

/// What the brokers hold, and who asks them.
class MadeWorld {
 public:
  MadeWorld(std::uint64_t seed, const MadeSize& size) : random_(seed), size_(size) {
    for (int at = 0; at < size.partitions; ++at) logs_[fmt::format("orders-{}", at)];
    logs_[kTable];
    for (const auto& [key, log] : logs_) keys_.push_back(key);
  }

  std::vector<MadeLine> live();

 private:
  struct Stored {
    std::int64_t value = 0;
    std::string message_key;
    bool is_tombstone = false;
    bool is_gone = false;  ///< compacted away
  };
  struct StoredLog {
    std::vector<Stored> records;
    std::int64_t begin = 0;
    [[nodiscard]] std::int64_t end() const { return static_cast<std::int64_t>(records.size()); }
  };
  /// An operation whose answer is due.
  struct Pending {
    std::size_t line = 0;  ///< of its invocation
    bool had_effect = false;
    MadeLine answer;
    std::function<void(Pending&)> effect;
  };
  struct Client {
    std::string name;
    std::int64_t process = 0;
    std::int64_t lines = 0;
    std::vector<Pending> pending;
    std::map<std::string, std::int64_t> positions;  ///< of a reader
    std::int32_t generation = -1;
    std::string member;
    std::vector<std::string> owned;
  };

  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
  bool chance(int percent) { return below(100) < static_cast<std::uint64_t>(percent); }
  void pass_time() { now_ += static_cast<std::int64_t>(1 + below(900'000)); }

  MadeLine& say(Client& client, std::string type, std::string f) {
    pass_time();
    lines_.push_back({.t = now_, .i = ++client.lines, .p = client.process, .type = std::move(type), .f = std::move(f)});
    if (lines_.back().type == "invoke") lines_.back().client = client.name;
    return lines_.back();
  }
  void mark(std::string f, std::string word) {
    pass_time();
    lines_.push_back({.t = now_, .type = "info", .f = std::move(f), .word = std::move(word)});
  }
  void start(Client& client, MadeLine& asked, std::function<void(Pending&)> effect) {
    client.pending.push_back({static_cast<std::size_t>(&asked - lines_.data()), false, {}, std::move(effect)});
    ++operations_;
  }
  void answer(Client& client, std::size_t at);
  void step(Client& client);
  void restart(Client& client);
  void settle(Client& client) {
    while (!client.pending.empty()) step(client);
  }

  void send(Client& client);
  void append(Pending& pending);
  void poll(Client& client, std::size_t records_max);
  void assign(Client& client, const std::vector<std::string>& keys, bool from_the_start);
  void commit(Client& client);
  void look_up(Client& client);
  void list_offsets();
  void delete_records();
  void compact();
  void rebalance();
  void read_all(Client& client);

  std::mt19937_64 random_;
  MadeSize size_;
  std::map<std::string, StoredLog> logs_;
  std::vector<std::string> keys_;
  std::map<std::string, std::int64_t> committed_;
  std::vector<MadeLine> lines_;
  std::vector<Client> producers_;
  std::vector<Client> readers_;
  std::vector<Client> members_;
  Client admin_;
  std::int64_t now_ = 1'000'000'000;
  std::int64_t processes_ = 0;
  std::int64_t values_ = 0;
  std::int64_t epoch_ = 3;
  std::int32_t generation_ = 0;
  std::size_t operations_ = 0;
  bool is_faulty_ = false;
};

void MadeWorld::answer(Client& client, std::size_t at) {
  Pending pending = std::move(client.pending[at]);
  client.pending.erase(client.pending.begin() + static_cast<std::ptrdiff_t>(at));
  const std::int64_t of = lines_[pending.line].i;
  MadeLine& line = say(client, pending.answer.type, pending.answer.f);
  pending.answer.t = line.t, pending.answer.i = line.i, pending.answer.p = line.p, pending.answer.of = of;
  line = std::move(pending.answer);
}

/// One thing happens to what the client has asked for: it takes effect, in the order in which it was asked for, or is
/// answered.
void MadeWorld::step(Client& client) {
  pass_time();
  for (Pending& pending : client.pending) {
    if (pending.had_effect) continue;
    if (client.pending.front().had_effect && chance(50)) break;
    pending.answer.type = "ok";
    pending.answer.f = lines_[pending.line].f;
    pending.had_effect = true;
    pending.effect(pending);
    return;
  }
  answer(client, below(static_cast<std::uint64_t>(std::ranges::count(client.pending, true, &Pending::had_effect))));
}

/// The process ends: what it had asked for has happened or not, and nobody will say.
void MadeWorld::restart(Client& client) {
  for (Pending& pending : client.pending)
    if (!pending.had_effect && chance(50)) pending.effect(pending);
  client.pending.clear();
  if (client.lines > 0) say(client, "info", "crash");
  client.process = ++processes_;
  client.lines = 0;
}

void MadeWorld::send(Client& client) {
  MadeLine& line = say(client, "invoke", "send");
  for (std::uint64_t left = 1 + below(3); left > 0; --left) {
    MadeElement element{.key = keys_[below(keys_.size())], .value = (client.process << 40) | ++values_};
    if (element.key == kTable) {
      element.message_key = fmt::format("k{}", below(4));
      element.is_tombstone = chance(20);
    }
    line.elements.push_back(std::move(element));
  }
  start(client, line, [this](Pending& pending) { append(pending); });
}

void MadeWorld::append(Pending& pending) {
  MadeLine& answer = pending.answer;
  answer.f = "send";
  answer.elements = lines_[pending.line].elements;
  const int trouble = is_faulty_ ? 40 : 6;
  if (chance(trouble / 3)) {
    answer.type = "fail";
    answer.error = "NOT_ENOUGH_REPLICAS";
    answer.elements.clear();
    return;
  }
  const bool is_in_doubt = chance(trouble);
  if (!is_in_doubt || chance(50)) {
    for (MadeElement& element : answer.elements) {
      StoredLog& log = logs_[element.key];
      element.offset = log.end();
      log.records.push_back({element.value, element.message_key, element.is_tombstone});
    }
  }
  if (is_in_doubt) {
    answer.type = "info";
    answer.error = "REQUEST_TIMED_OUT";
    answer.elements.clear();
  }
}

void MadeWorld::poll(Client& client, std::size_t records_max) {
  MadeLine& line = say(client, "invoke", "poll");
  line.group = client.member.empty() ? "" : "g1";
  line.member = client.member;
  line.generation = client.generation;
  start(client, line, [this, &client, records_max](Pending& pending) {
    MadeLine& answer = pending.answer;
    answer.f = "poll";
    for (auto& [key, position] : client.positions) {
      const StoredLog& log = logs_[key];
      position = std::max(position, log.begin);
      MadeElement element{.key = key};
      for (; position < log.end() && element.records.size() < records_max; ++position) {
        const Stored& stored = log.records[static_cast<std::size_t>(position)];
        if (!stored.is_gone) element.records.push_back({position, stored.value, stored.message_key, {}, {}});
      }
      answer.high_watermarks[key] = log.end();
      answer.epochs[key] = epoch_;
      answer.elements.push_back(std::move(element));
    }
  });
}

void MadeWorld::assign(Client& client, const std::vector<std::string>& keys, bool from_the_start) {
  client.positions.clear();
  for (const std::string& key : keys) client.positions[key] = from_the_start ? 0 : logs_[key].end();
  MadeLine& line = say(client, "invoke", "assign");
  line.numbers = client.positions;
  start(client, line, [](Pending&) {});
  settle(client);
}

void MadeWorld::commit(Client& client) {
  if (client.positions.empty()) return;
  MadeLine& line = say(client, "invoke", "commit");
  line.group = "g1", line.member = client.member, line.generation = client.generation;
  line.numbers = client.positions;
  start(client, line, [this](Pending& pending) {
    const bool is_in_doubt = chance(is_faulty_ ? 40 : 6);
    if (!is_in_doubt || chance(50))
      for (const auto& [key, offset] : lines_[pending.line].numbers) committed_[key] = offset;
    if (is_in_doubt) pending.answer.type = "info", pending.answer.error = "REQUEST_TIMED_OUT";
  });
  settle(client);
}

void MadeWorld::look_up(Client& client) {
  MadeLine& line = say(client, "invoke", "committed");
  line.group = "g1";
  start(client, line, [this](Pending& pending) {
    for (const std::string& key : keys_) pending.answer.numbers[key] = committed_.contains(key) ? committed_[key] : -1;
  });
}

void MadeWorld::list_offsets() {
  start(admin_, say(admin_, "invoke", "list_offsets"), [this](Pending& pending) {
    for (const auto& [key, log] : logs_) pending.answer.ends[key] = {log.begin, log.end()};
  });
}

void MadeWorld::delete_records() {
  const std::string& key = keys_[below(keys_.size())];
  StoredLog& log = logs_[key];
  if (key == kTable || log.end() < 12 || log.begin > 0) return;
  MadeLine& line = say(admin_, "invoke", "delete_records");
  line.numbers[key] = log.begin + static_cast<std::int64_t>(1 + below(3));
  start(admin_, line, [this, key](Pending& pending) {
    logs_[key].begin = lines_[pending.line].numbers[key];
    pending.answer.numbers[key] = logs_[key].begin;
  });
}

/// Drops what newer records of the same key have made void, and then tombstones that nothing is below any more.
void MadeWorld::compact() {
  std::map<std::string, std::int64_t> kept_below;
  std::map<std::string, std::size_t> newest;
  std::vector<Stored>& records = logs_[kTable].records;
  for (std::size_t at = 0; at < records.size(); ++at) newest[records[at].message_key] = at;
  for (std::size_t at = 0; at < records.size(); ++at) {
    Stored& stored = records[at];
    if (newest[stored.message_key] != at && chance(70)) stored.is_gone = true;
    if (newest[stored.message_key] == at && stored.is_tombstone && kept_below[stored.message_key] == 0 && chance(30))
      stored.is_gone = true;
    if (!stored.is_gone) ++kept_below[stored.message_key];
  }
}

/// All members join, and share the partitions anew.
void MadeWorld::rebalance() {
  ++generation_;
  for (Client& member : members_) {
    settle(member);
    MadeLine& line = say(member, "invoke", "join");
    line.group = "g1", line.member = member.member;
    start(member, line, [this](Pending& pending) { pending.answer.generation = generation_; });
  }
  for (Client& member : members_) settle(member);
  std::vector<std::string> keys = keys_;
  std::ranges::shuffle(keys, random_);
  const std::size_t half = below(keys.size() + 1);
  for (std::size_t at = 0; at < members_.size(); ++at) {
    Client& member = members_[at];
    member.generation = generation_;
    const auto middle = keys.begin() + static_cast<std::ptrdiff_t>(half);
    member.owned = at == 0 ? std::vector(keys.begin(), middle) : std::vector(middle, keys.end());
    MadeLine& line = say(member, "invoke", "sync");
    line.group = "g1", line.member = member.member, line.generation = generation_;
    start(member, line, [this, &member](Pending& pending) {
      pending.answer.keys = member.owned;
      pending.answer.numbers.clear();
      member.positions.clear();
      for (const std::string& key : member.owned)
        member.positions[key] = committed_.contains(key) ? committed_[key] : 0;
      if (member.owned.empty()) pending.answer.word = "[]";
    });
  }
  for (Client& member : members_) settle(member);
}

void MadeWorld::read_all(Client& client) {
  restart(client);
  client.member.clear();
  client.generation = -1;
  assign(client, keys_, true);
  const auto is_behind = [&] {
    return std::ranges::any_of(keys_, [&](const std::string& key) { return client.positions[key] < logs_[key].end(); });
  };
  do {
    poll(client, 5 + below(20));
    settle(client);
  } while (is_behind());
}

std::vector<MadeLine> MadeWorld::live() {
  lines_.push_back({.f = "run", .word = R"({"acks":-1,"idempotent":true,"compacted":["table"]})"});
  const auto make = [&](std::vector<Client>& clients, const char* name, int count) {
    for (int at = 1; at <= count; ++at)
      clients.push_back({.name = fmt::format("{}-{}", name, at), .process = ++processes_});
  };
  make(producers_, "producer", size_.producers);
  make(readers_, "reader", size_.readers);
  make(members_, "member", 2);
  admin_ = {.name = "admin", .process = ++processes_};
  for (Client& member : members_) member.member = "id-of-" + member.name;
  for (Client& reader : readers_) assign(reader, keys_, chance(70));
  rebalance();

  bool was_faulty = false;
  while (operations_ < size_.operations) {
    if (!was_faulty && operations_ > size_.operations / 2) {
      mark("nemesis", "kill9");
      was_faulty = is_faulty_ = true;
      // Somebody is always in doubt.
      MadeLine& asked = say(producers_[0], "invoke", "send");
      asked.elements.push_back({.key = keys_[0], .value = (producers_[0].process << 40) | ++values_});
      ++operations_;
      restart(producers_[0]);
      ++epoch_;
    }
    if (is_faulty_ && operations_ > size_.operations * 3 / 4) mark("phase", "heal"), is_faulty_ = false;
    const std::uint64_t turn = below(100);
    if (turn < 55) {
      Client& client = producers_[below(producers_.size())];
      if (client.pending.size() < 3 && chance(60)) {
        send(client);
      } else if (!client.pending.empty()) {
        step(client);
      }
      if (chance(1)) restart(client);
    } else if (turn < 78) {
      Client& client = readers_[below(readers_.size())];
      client.pending.empty() ? poll(client, 1 + below(6)) : step(client);
      if (chance(1)) restart(client), assign(client, keys_, chance(50));
    } else if (turn < 92) {
      Client& client = members_[below(members_.size())];
      if (!client.pending.empty()) {
        step(client);
      } else if (const std::uint64_t what = below(10); what < 6) {
        poll(client, 1 + below(6));
      } else {
        what < 8 ? commit(client) : look_up(client);
      }
    } else if (turn < 96) {
      admin_.pending.empty() ? list_offsets() : step(admin_);
    } else if (turn < 97) {
      settle(admin_);
      delete_records();
    } else if (turn < 98) {
      compact();
    } else if (operations_ * 20 % size_.operations < 10) {
      rebalance();
    }
  }
  for (std::vector<Client>* clients : {&producers_, &readers_, &members_})
    for (Client& client : *clients) settle(client);
  settle(admin_);
  mark("phase", "final");
  for (Client& reader : readers_) read_all(reader);
  look_up(members_[0]);
  settle(members_[0]);
  list_offsets();
  settle(admin_);
  mark("phase", "done");
  return std::move(lines_);
}

}  // namespace

std::string MadeLine::json() const {
  std::string out = "{";
  const auto into = std::back_inserter(out);
  if (p >= 0) fmt::format_to(into, "\"i\":{},\"t\":{},\"p\":{},", i, t, p);
  if (p < 0 && f != "run") fmt::format_to(into, "\"t\":{},", t);
  if (!client.empty()) fmt::format_to(into, "\"c\":\"{}\",", client);
  if (!type.empty()) fmt::format_to(into, "\"type\":\"{}\",", type);
  fmt::format_to(into, "\"f\":\"{}\"", f);
  if (of >= 0) fmt::format_to(into, ",\"of\":{}", of);
  if (!group.empty()) fmt::format_to(into, ",\"g\":\"{}\"", group);
  if (!member.empty()) fmt::format_to(into, ",\"m\":\"{}\"", member);
  if (generation >= 0) fmt::format_to(into, ",\"gen\":{}", generation);
  if (!error.empty()) fmt::format_to(into, ",\"err\":\"{}\"", error);
  if (const std::string value = value_json(*this); !value.empty()) fmt::format_to(into, ",\"v\":{}", value);
  const auto number = [](std::int64_t value_) { return fmt::format("{}", value_); };
  if (!high_watermarks.empty()) fmt::format_to(into, ",\"hw\":{}", object_of(high_watermarks, number));
  if (!epochs.empty()) fmt::format_to(into, ",\"le\":{}", object_of(epochs, number));
  return out + "}";
}

std::vector<MadeLine> good_history(std::uint64_t seed, const MadeSize& size) { return MadeWorld(seed, size).live(); }

std::string text_of(const std::vector<MadeLine>& lines) {
  std::string text;
  for (const MadeLine& line : lines) text += line.json() + "\n";
  return text;
}

}  // namespace mq::judge
