// A judge that never finds anything passes every run. So: histories in which nothing is wrong are judged clean, and
// 2,000 that were made wrong, each in one place, are found out, under the right code.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "judge/good_history.h"
#include "judge/judged.h"
#include "judge/report.h"
#include "seeds.h"

namespace mq::judge {
namespace {

/// Changes a good history in one place.
class Mutator {
 public:
  explicit Mutator(std::uint64_t seed) : lines(good_history(seed, {.operations = 100})), random_(seed * 7919 + 1) {
    for (std::size_t at = 0; at < lines.size(); ++at) {
      MadeLine& line = lines[at];
      if (line.f == "phase" && line.word == "final") final_ = at;
      if (line.is("delete_records", "invoke"))
        for (const auto& [key, before] : line.numbers) deleted_[key] = std::max(deleted_[key], before);
    }
  }

  std::vector<MadeLine> lines;

  /// The code that has to be found; empty when this history has no place for the change.
  using Change = std::string (Mutator::*)();
  static const std::vector<std::pair<const char*, Change>>& changes();

 private:
  /// A record in a poll.
  struct Spot {
    std::size_t line = 0;
    std::size_t element = 0;
    std::size_t record = 0;
  };

  std::size_t below(std::size_t bound) { return random_() % bound; }
  template <class T>
  const T* any(const std::vector<T>& all) {
    return all.empty() ? nullptr : &all[below(all.size())];
  }
  MadeElement& element(const Spot& spot) { return lines[spot.line].elements[spot.element]; }
  MadeRecord& record(const Spot& spot) { return element(spot).records[spot.record]; }
  static bool is_table(const std::string& key) { return key.starts_with("table"); }
  [[nodiscard]] bool may_be_deleted(const std::string& key, std::int64_t offset) const {
    const auto deleted = deleted_.find(key);
    return deleted != deleted_.end() && offset < deleted->second;
  }
  template <class Fits>
  std::vector<std::size_t> lines_where(const Fits& fits) {
    std::vector<std::size_t> found;
    for (std::size_t at = 0; at < lines.size(); ++at)
      if (fits(lines[at])) found.push_back(at);
    return found;
  }
  template <class Fits>
  std::vector<Spot> records_where(const Fits& fits, std::size_t from = 0) {
    std::vector<Spot> found;
    for (std::size_t at = from; at < lines.size(); ++at) {
      if (!lines[at].is("poll", "ok")) continue;
      for (std::size_t e = 0; e < lines[at].elements.size(); ++e)
        for (std::size_t r = 0; r < lines[at].elements[e].records.size(); ++r)
          if (fits(lines[at], lines[at].elements[e], lines[at].elements[e].records[r])) found.push_back({at, e, r});
    }
    return found;
  }
  /// Acknowledged records that have to be there at the end, in partitions that are not compacted.
  std::vector<Spot> lasting_sends() {
    std::vector<Spot> found;
    for (std::size_t at = 0; at < lines.size(); ++at) {
      if (!lines[at].is("send", "ok")) continue;
      for (std::size_t e = 0; e < lines[at].elements.size(); ++e) {
        const MadeElement& sent = lines[at].elements[e];
        if (!is_table(sent.key) && !may_be_deleted(sent.key, sent.offset)) found.push_back({at, e, 0});
      }
    }
    return found;
  }
  MadeLine& invocation_of(std::size_t at) {
    const auto asked = std::ranges::find_if(
        lines, [&](const MadeLine& line) { return line.p == lines[at].p && line.i == lines[at].of; });
    return *asked;
  }
  void erase_record(const std::string& key, std::int64_t offset, std::size_t from) {
    for (std::size_t at = from; at < lines.size(); ++at)
      for (MadeElement& polled : lines[at].elements)
        if (polled.key == key)
          std::erase_if(polled.records, [&](const MadeRecord& one) { return one.offset == offset; });
  }
  [[nodiscard]] bool is_read(const std::string& key, std::int64_t from) {
    return !records_where([&](const MadeLine&, const MadeElement& polled, const MadeRecord& one) {
              return polled.key == key && one.offset >= from;
            }).empty();
  }
  void insert(std::size_t before, MadeLine line) {
    lines.insert(lines.begin() + static_cast<std::ptrdiff_t>(before), std::move(line));
  }

  std::string drop_from_all_reads();
  std::string drop_from_the_final_read();
  std::string store_twice();
  std::string swap_two_records();
  std::string acknowledge_elsewhere();
  std::string acknowledge_an_offset_twice();
  std::string turn_acknowledgements_of_a_producer_round();
  std::string acknowledge_before_an_earlier_one();
  std::string pass_over_a_record();
  std::string read_again();
  std::string refuse_what_is_read();
  std::string damage_a_body();
  std::string invent_a_record();
  std::string deliver_to_another_partition();
  std::string forget_a_commit();
  std::string find_what_nobody_committed();
  std::string begin_below_the_commit();
  std::string accept_an_old_generation();
  std::string let_the_end_go_back();
  std::string let_the_high_watermark_go_back();
  std::string hang_after_the_heal();
  std::string throw_a_reader_out();
  std::string compact_the_newest_away();
  std::string delete_unasked();
  std::string read_what_is_deleted();
  std::string give_a_partition_to_two();

  std::mt19937_64 random_;
  std::size_t final_ = 0;
  std::map<std::string, std::int64_t> deleted_;
};

const std::vector<std::pair<const char*, Mutator::Change>>& Mutator::changes() {
  static const std::vector<std::pair<const char*, Change>> all = {
      {"drop_from_all_reads", &Mutator::drop_from_all_reads},
      {"drop_from_the_final_read", &Mutator::drop_from_the_final_read},
      {"store_twice", &Mutator::store_twice},
      {"swap_two_records", &Mutator::swap_two_records},
      {"acknowledge_elsewhere", &Mutator::acknowledge_elsewhere},
      {"acknowledge_an_offset_twice", &Mutator::acknowledge_an_offset_twice},
      {"turn_acknowledgements_of_a_producer_round", &Mutator::turn_acknowledgements_of_a_producer_round},
      {"acknowledge_before_an_earlier_one", &Mutator::acknowledge_before_an_earlier_one},
      {"pass_over_a_record", &Mutator::pass_over_a_record},
      {"read_again", &Mutator::read_again},
      {"refuse_what_is_read", &Mutator::refuse_what_is_read},
      {"damage_a_body", &Mutator::damage_a_body},
      {"invent_a_record", &Mutator::invent_a_record},
      {"deliver_to_another_partition", &Mutator::deliver_to_another_partition},
      {"forget_a_commit", &Mutator::forget_a_commit},
      {"find_what_nobody_committed", &Mutator::find_what_nobody_committed},
      {"begin_below_the_commit", &Mutator::begin_below_the_commit},
      {"accept_an_old_generation", &Mutator::accept_an_old_generation},
      {"let_the_end_go_back", &Mutator::let_the_end_go_back},
      {"let_the_high_watermark_go_back", &Mutator::let_the_high_watermark_go_back},
      {"hang_after_the_heal", &Mutator::hang_after_the_heal},
      {"throw_a_reader_out", &Mutator::throw_a_reader_out},
      {"compact_the_newest_away", &Mutator::compact_the_newest_away},
      {"delete_unasked", &Mutator::delete_unasked},
      {"read_what_is_deleted", &Mutator::read_what_is_deleted},
      {"give_a_partition_to_two", &Mutator::give_a_partition_to_two},
  };
  return all;
}

std::string Mutator::drop_from_all_reads() {
  const auto sends = lasting_sends();
  const Spot* chosen = any(sends);
  if (!chosen) return {};
  const MadeElement sent = element(*chosen);
  erase_record(sent.key, sent.offset, 0);
  return is_read(sent.key, sent.offset) ? "A01" : "A02";
}

std::string Mutator::drop_from_the_final_read() {
  const auto early = records_where([&](const MadeLine& line, const MadeElement& polled, const MadeRecord& one) {
    return &line < &lines[final_] && !is_table(polled.key) && !may_be_deleted(polled.key, one.offset);
  });
  const Spot* chosen = any(early);
  if (!chosen) return {};
  erase_record(element(*chosen).key, record(*chosen).offset, final_);
  return "A02";
}

/// A copy of a record at the end of its log, as both readers of the final phase see it.
std::string Mutator::store_twice() {
  const auto sends = lasting_sends();
  const Spot* chosen = any(sends);
  if (!chosen) return {};
  const MadeElement sent = element(*chosen);
  std::int64_t end = 0;
  for (const Spot& spot :
       records_where([&](const auto&, const MadeElement& polled, const auto&) { return polled.key == sent.key; }))
    end = std::max(end, record(spot).offset + 1);
  for (const Spot& spot :
       records_where([&](const auto&, const MadeElement& polled,
                         const MadeRecord& one) { return polled.key == sent.key && one.offset == end - 1; },
                     final_))
    element(spot).records.push_back({end, sent.value, {}, {}, {}});
  return "A03";
}

std::string Mutator::swap_two_records() {
  const auto spots = records_where(
      [&](const auto&, const MadeElement& polled, const MadeRecord& one) { return &one != &polled.records.back(); },
      final_);
  const Spot* chosen = any(spots);
  if (!chosen) return {};
  std::swap(record(*chosen).value, element(*chosen).records[chosen->record + 1].value);
  return "A04";
}

std::string Mutator::acknowledge_elsewhere() {
  const auto sends = lasting_sends();
  const Spot* chosen = any(sends);
  if (!chosen) return {};
  std::int64_t& offset = element(*chosen).offset;
  offset = offset > 0 && below(3) == 0 ? 0 : offset + 1 + static_cast<std::int64_t>(below(5));
  return "A04";
}

std::string Mutator::acknowledge_an_offset_twice() {
  const auto sends = lasting_sends();
  const Spot* chosen = any(sends);
  if (!chosen) return {};
  const std::string key = element(*chosen).key;
  const std::int64_t offset = element(*chosen).offset;
  std::vector<Spot> others = sends;
  std::erase_if(others, [&](const Spot& spot) { return element(spot).key != key || element(spot).offset == offset; });
  const Spot* other = any(others);
  if (!other) return {};
  element(*other).offset = offset;
  return "A14";
}

std::string Mutator::turn_acknowledgements_of_a_producer_round() {
  const auto sends = lasting_sends();
  const Spot* chosen = any(sends);
  if (!chosen) return {};
  const std::int64_t process = lines[chosen->line].p;
  std::vector<Spot> others = sends;
  std::erase_if(others, [&](const Spot& spot) {
    return lines[spot.line].p != process || element(spot).key != element(*chosen).key ||
           element(spot).offset == element(*chosen).offset;
  });
  const Spot* other = any(others);
  if (!other) return {};
  std::swap(element(*chosen).offset, element(*other).offset);
  return "A05";
}

std::string Mutator::acknowledge_before_an_earlier_one() {
  const auto sends = lasting_sends();
  const Spot* chosen = any(sends);
  if (!chosen || element(*chosen).offset == 0) return {};
  std::vector<Spot> later = sends;
  std::erase_if(later, [&](const Spot& spot) {
    return element(spot).key != element(*chosen).key || invocation_of(spot.line).t <= lines[chosen->line].t;
  });
  const Spot* other = any(later);
  if (!other) return {};
  element(*other).offset = element(*chosen).offset - 1;
  return "A13";
}

std::string Mutator::pass_over_a_record() {
  const auto spots = records_where([&](const MadeLine&, const MadeElement& polled, const MadeRecord& one) {
    return !is_table(polled.key) && !may_be_deleted(polled.key, one.offset);
  });
  const Spot* chosen = any(spots);
  if (!chosen || !invocation_of(chosen->line).group.empty()) return {};
  const MadeLine& line = lines[chosen->line];
  const std::string key = element(*chosen).key;
  const std::int64_t offset = record(*chosen).offset;
  const auto goes_on = records_where([&](const MadeLine& other, const MadeElement& polled, const MadeRecord& one) {
    return other.p == line.p && polled.key == key && one.offset > offset;
  });
  if (goes_on.empty()) return {};
  auto& records = element(*chosen).records;
  records.erase(records.begin() + static_cast<std::ptrdiff_t>(chosen->record));
  return "A06";
}

std::string Mutator::read_again() {
  const auto spots = records_where([](const auto&, const auto&, const auto&) { return true; });
  const Spot* chosen = any(spots);
  if (!chosen) return {};
  auto& records = element(*chosen).records;
  records.insert(records.begin() + static_cast<std::ptrdiff_t>(chosen->record) + 1, records[chosen->record]);
  return "A07";
}

std::string Mutator::refuse_what_is_read() {
  const auto sends = lasting_sends();
  const Spot* chosen = any(sends);
  if (!chosen) return {};
  lines[chosen->line].type = "fail";
  lines[chosen->line].error = "NOT_ENOUGH_REPLICAS";
  lines[chosen->line].elements.clear();
  return "A08";
}

std::string Mutator::damage_a_body() {
  const auto spots = records_where([](const auto&, const auto&, const auto&) { return true; });
  const Spot* chosen = any(spots);
  if (!chosen) return {};
  record(*chosen).damage = "the check sum of the body is wrong";
  return "A15";
}

std::string Mutator::invent_a_record() {
  const auto spots = records_where([](const auto&, const auto&, const auto&) { return true; });
  const Spot* chosen = any(spots);
  if (!chosen) return {};
  record(*chosen).value = -5;
  return "A15";
}

std::string Mutator::deliver_to_another_partition() {
  const auto spots = records_where([](const auto&, const auto&, const auto&) { return true; });
  const Spot* chosen = any(spots);
  if (!chosen) return {};
  record(*chosen).body_key = "orders-99";
  return "A15";
}

std::string Mutator::forget_a_commit() {
  const auto look_ups = lines_where([](const MadeLine& line) { return line.is("committed", "ok"); });
  const std::size_t* chosen = any(look_ups);
  if (!chosen) return {};
  const std::int64_t asked = invocation_of(*chosen).t;
  for (auto& [key, offset] : lines[*chosen].numbers) {
    const auto commits = lines_where([&](const MadeLine& line) { return line.is("commit", "ok") && line.t < asked; });
    const bool was_committed = std::ranges::any_of(
        commits, [&, name = key](std::size_t at) { return invocation_of(at).numbers.contains(name); });
    if (!was_committed) continue;
    offset = -1;
    return "A16";
  }
  return {};
}

std::string Mutator::find_what_nobody_committed() {
  const auto look_ups = lines_where([](const MadeLine& line) { return line.is("committed", "ok"); });
  const std::size_t* chosen = any(look_ups);
  if (!chosen) return {};
  lines[*chosen].numbers["orders-0"] += 1000;
  return "A16";
}

/// The first poll of a partition that a member did not have before begins at offset 0.
std::string Mutator::begin_below_the_commit() {
  const auto syncs = lines_where([](const MadeLine& line) { return line.is("sync", "ok"); });
  for (const std::size_t sync : syncs) {
    const std::int64_t process = lines[sync].p;
    const std::int64_t asked = invocation_of(sync).t;
    const auto of_process =
        lines_where([&](const MadeLine& line) { return line.is("sync", "ok") && line.p == process; });
    const auto here = std::ranges::find(of_process, sync);
    for (const std::string& key : lines[sync].keys) {
      if (is_table(key) || deleted_.contains(key)) continue;
      if (here != of_process.begin() &&
          std::ranges::find(lines[*(here - 1)].keys, key) != lines[*(here - 1)].keys.end())
        continue;
      const auto commits =
          lines_where([&](const MadeLine& line) { return line.is("commit", "invoke") && line.numbers.contains(key); });
      if (std::ranges::any_of(commits, [&](std::size_t at) { return lines[at].numbers[key] == 0; })) continue;
      const auto answered =
          lines_where([&](const MadeLine& line) { return line.is("commit", "ok") && line.t < asked; });
      if (std::ranges::none_of(answered, [&](std::size_t at) { return invocation_of(at).numbers.contains(key); }))
        continue;
      const std::size_t end = here + 1 == of_process.end() ? final_ : *(here + 1);
      const auto first = records_where([&](const auto&, const MadeElement& polled, const MadeRecord& one) {
        return polled.key == key && one.offset == 0;
      });
      for (std::size_t at = sync; at < end && !first.empty(); ++at) {
        if (!lines[at].is("poll", "ok") || lines[at].p != process) continue;
        const auto polled = std::ranges::find(lines[at].elements, key, &MadeElement::key);
        if (polled == lines[at].elements.end() || polled->records.empty()) continue;
        polled->records.insert(polled->records.begin(), record(first.front()));
        return "A16";
      }
    }
  }
  return {};
}

std::string Mutator::accept_an_old_generation() {
  const auto commits = lines_where([](const MadeLine& line) { return line.is("commit", "ok"); });
  const std::size_t* chosen = any(commits);
  if (!chosen) return {};
  MadeLine& asked = invocation_of(*chosen);
  if (asked.generation < 2) return {};
  --asked.generation;
  return "A18";
}

std::string Mutator::let_the_end_go_back() {
  const auto asked = lines_where([](const MadeLine& line) { return line.is("list_offsets", "ok"); });
  const auto sends = lasting_sends();
  const std::size_t* chosen = any(asked);
  const Spot* sent = any(sends);
  if (!chosen || !sent || lines[sent->line].t >= invocation_of(*chosen).t) return {};
  lines[*chosen].ends[element(*sent).key].second = element(*sent).offset;
  return "A19";
}

std::string Mutator::let_the_high_watermark_go_back() {
  const auto polls =
      lines_where([](const MadeLine& line) { return line.is("poll", "ok") && !line.high_watermarks.empty(); });
  const std::size_t* chosen = any(polls);
  const std::size_t* before = any(polls);
  if (!chosen || lines[*before].t >= invocation_of(*chosen).t) return {};
  for (auto& [key, end] : lines[*chosen].high_watermarks) {
    const auto other = lines[*before].high_watermarks.find(key);
    if (other == lines[*before].high_watermarks.end() || other->second == 0 ||
        lines[*before].epochs != lines[*chosen].epochs)
      continue;
    end = other->second - 1;
    return "A19";
  }
  return {};
}

std::string Mutator::hang_after_the_heal() {
  const auto heal = lines_where([](const MadeLine& line) { return line.f == "phase" && line.word == "heal"; });
  if (heal.empty()) return {};
  constexpr std::int64_t kSecond = 1'000'000'000;
  for (std::size_t at = heal.front() + 1; at < lines.size(); ++at) lines[at].t += 40 * kSecond;
  std::int64_t now = lines[heal.front()].t;
  std::size_t at = heal.front() + 1;
  for (std::int64_t number = 1; number < 9; ++number) {
    MadeLine line{.t = now + 1, .i = 2 * number, .p = 99, .client = "late", .type = "invoke", .f = "send"};
    line.elements.push_back({.key = "orders-0", .value = (99LL << 40) | number});
    insert(at++, line);
    now += 4 * kSecond;
    insert(at++, {.t = now, .i = 2 * number + 1, .p = 99, .type = "info", .f = "send", .error = "REQUEST_TIMED_OUT"});
  }
  return "A22";
}

std::string Mutator::throw_a_reader_out() {
  const auto polls = lines_where(
      [&](const MadeLine& line) { return line.is("poll", "ok") && &line > &lines[final_] && !line.elements.empty(); });
  const std::size_t* chosen = any(polls);
  if (!chosen) return {};
  const std::int64_t process = lines[*chosen].p;
  std::size_t last = *chosen;
  for (std::size_t at = last; at < lines.size(); ++at)
    if (lines[at].p == process) last = at;
  const MadeElement* polled = any(lines[*chosen].elements);
  if (polled->records.empty() || may_be_deleted(polled->key, polled->records.back().offset)) return {};
  MadeLine reset{.t = lines[last].t + 1, .i = lines[last].i + 1, .p = process, .type = "info", .f = "reset"};
  reset.error = "OFFSET_OUT_OF_RANGE";
  reset.numbers[polled->key] = polled->records.back().offset;
  insert(last + 1, reset);
  return "A26";
}

std::string Mutator::compact_the_newest_away() {
  const auto spots =
      records_where([](const auto&, const MadeElement& polled, const auto&) { return is_table(polled.key); }, final_);
  const Spot* chosen = any(spots);
  if (!chosen) return {};
  const std::string message_key = record(*chosen).message_key;
  std::int64_t newest = -1;
  std::set<std::int64_t> offsets;
  for (const Spot& spot : spots)
    if (record(spot).message_key == message_key) offsets.insert(record(spot).offset);
  newest = *offsets.rbegin();
  const auto acknowledged = lines_where([&](const MadeLine& line) {
    return line.is("send", "ok") && std::ranges::any_of(line.elements, [&](const MadeElement& sent) {
             return is_table(sent.key) && sent.offset == newest && (!sent.is_tombstone || offsets.size() > 1);
           });
  });
  if (acknowledged.empty()) return {};
  erase_record("table-0", newest, final_);
  return "A27";
}

std::string Mutator::delete_unasked() {
  const auto asked = lines_where([](const MadeLine& line) { return line.is("list_offsets", "ok"); });
  const std::size_t* chosen = any(asked);
  if (!chosen) return {};
  const std::string key = below(2) == 0 ? "orders-0" : "table-0";
  lines[*chosen].ends[key].first = deleted_[key] + 1;
  return "A28";
}

std::string Mutator::read_what_is_deleted() {
  const auto deletions = lines_where([](const MadeLine& line) { return line.is("delete_records", "ok"); });
  const std::size_t* chosen = any(deletions);
  if (!chosen) return {};
  const auto& [key, begin] = *lines[*chosen].numbers.begin();
  const auto gone = records_where([&](const auto&, const MadeElement& polled, const MadeRecord& one) {
    return polled.key == key && one.offset < begin;
  });
  // Who has read the partition before may have fetched ahead.
  const auto later =
      records_where([&](const auto&, const MadeElement& polled, const auto&) { return polled.key == key; }, final_);
  const Spot* from = any(gone);
  const Spot* into = any(later);
  if (!from || !into || invocation_of(into->line).t <= lines[*chosen].t) return {};
  const MadeRecord back = record(*from);
  element(*into).records.insert(element(*into).records.begin(), back);
  return "A28";
}

std::string Mutator::give_a_partition_to_two() {
  const auto syncs = lines_where([](const MadeLine& line) { return line.is("sync", "ok"); });
  const std::size_t* one = any(syncs);
  const std::size_t* other = any(syncs);
  if (!one || lines[*one].p == lines[*other].p || lines[*other].keys.empty()) return {};
  if (invocation_of(*one).generation != invocation_of(*other).generation) return {};
  lines[*one].word.clear();
  lines[*one].keys.push_back(lines[*other].keys[below(lines[*other].keys.size())]);
  return "A29";
}

TEST(Mutations, WhereNothingIsWrongNothingIsFound) {
  for (const std::uint64_t seed : seeds(200)) {
    const History history = history_of(text_of(good_history(seed)));
    const Verdict verdict = judge(history);
    ASSERT_EQ(verdict.answer, Verdict::Answer::kept) << "seed " << seed << "\n" << report_text(history, verdict);
  }
}

TEST(Mutations, EachOfTwoThousandIsFoundUnderItsName) {
  constexpr int kWanted = 2000;
  constexpr std::uint64_t kTriesMax = 200;
  const auto& changes = Mutator::changes();
  std::uint64_t seed = seeds(1).front() * 1'000'000;
  for (int done = 0; done < kWanted; ++done) {
    const auto& [name, change] = changes[static_cast<std::size_t>(done) % changes.size()];
    std::string code;
    for (std::uint64_t tries = 0; code.empty(); ++tries) {
      ASSERT_LT(tries, kTriesMax) << name << ": no history has a place for it";
      Mutator mutator(++seed);
      code = (mutator.*change)();
      if (code.empty()) continue;
      const History history = history_of(text_of(mutator.lines));
      const Verdict verdict = judge(history);
      ASSERT_TRUE(codes(verdict, Seen::broken).contains(code))
          << name << ", seed " << seed << ": " << code << " is not found\n"
          << report_text(history, verdict);
    }
  }
}

/// The lines of each process in a file of its own, those of no process in another.
std::vector<std::pair<std::string, std::string>> files_of(const std::vector<MadeLine>& lines) {
  std::map<std::int64_t, std::string> texts;
  for (const MadeLine& line : lines) texts[line.p] += line.json() + "\n";
  std::vector<std::pair<std::string, std::string>> files;
  for (auto& [process, text] : texts) files.emplace_back("process " + std::to_string(process), std::move(text));
  return files;
}

TEST(Mutations, TheVerdictDoesNotDependOnTheOrderOfTheFiles) {
  for (const std::uint64_t seed : seeds(60)) {
    Mutator mutator(seed);
    const auto& changes = Mutator::changes();
    (void)(mutator.*changes[seed % changes.size()].second)();
    auto files = files_of(mutator.lines);
    std::string first;
    std::mt19937_64 random(seed);
    for (int round = 0; round < 3; ++round, std::ranges::shuffle(files, random)) {
      const auto history = history_of(files);
      ASSERT_TRUE(history.has_value()) << history.error().message;
      const std::string report = report_json(*history, judge(*history)) + report_text(*history, judge(*history));
      if (round == 0) first = report;
      ASSERT_EQ(report, first) << "seed " << seed;
    }
  }
}

}  // namespace
}  // namespace mq::judge
