#include "judge/history_writer.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "judge/judged.h"

namespace mq::judge {
namespace {

constexpr PartitionName kOrders{"orders", 3};
constexpr PartitionName kTable{"table", 0};

/// A writer whose lines are kept.
struct Written {
  std::string text;
  HistoryWriter writer{[this](std::string_view line) { text += line; }, 7, "client"};

  Written() = default;
  Written(const Written&) = delete;
  Written& operator=(const Written&) = delete;
  [[nodiscard]] History read() const { return history_of(text); }
};

/// What `write` writes, without the beginning that the lines of a process have in common.
template <class Write>
std::string line_of(const Write& write) {
  Written out;
  write(out.writer);
  const std::string begin = R"({"i":1,"t":5,"p":7,"type":")";
  if (out.text.starts_with(begin)) out.text.erase(0, begin.size());
  EXPECT_TRUE(out.text.ends_with("}\n")) << out.text;
  out.text.pop_back();
  return out.text;
}

TEST(HistoryWriter, WhatIsDoneToTheRunHasNoProcess) {
  const judge::Run run{.acks = 1,
                       .is_idempotent = true,
                       .flush = FlushClass::async,
                       .min_isr = 2,
                       .has_retention = true,
                       .stuck_after = 5'000'000'000,
                       .lag_max = 2'000'000'000};
  EXPECT_EQ(
      line_of([&](HistoryWriter& to) { to.run(run, std::array<std::string_view, 2>{"a", "b"}); }),
      R"({"f":"run","v":{"acks":1,"idempotent":true,"flush":"async","offsets_flush":"ack","min_isr":2,)"
      R"("retention":true,"positive_control":false,"stuck_after_ms":5000,"lag_max_ms":2000,"compacted":["a","b"]}})");
  EXPECT_EQ(line_of([](HistoryWriter& to) { to.phase(5, Phase::Name::final); }), R"({"t":5,"f":"phase","v":"final"})");
  EXPECT_EQ(line_of([](HistoryWriter& to) { to.fault(5, "kill9", 2, true); }),
            R"({"t":5,"f":"nemesis","type":"info","v":{"fault":"kill9","node":2,"quiet":true}})");
  EXPECT_EQ(line_of([](HistoryWriter& to) { to.fault(5, "heal"); }),
            R"({"t":5,"f":"nemesis","type":"info","v":{"fault":"heal"}})");
}

TEST(HistoryWriter, EveryKindOfInvocationHasItsLine) {
  const std::array<SentRecord, 2> records{{{kOrders, 771}, {kTable, 772, kNoOffset, "red", true}}};
  const std::array<PartitionOffset, 2> offsets{{{kOrders, 9123}, {kTable}}};
  const GroupMember member{"g1", "m-1", 5};
  const auto expect = [](const auto& write, const std::string& rest) {
    EXPECT_EQ(line_of([&](HistoryWriter& to) { EXPECT_EQ(write(to).number, 1); }), R"(invoke","f":)" + rest);
  };
  expect([&](HistoryWriter& to) { return to.ask_send(5, records, {.acks = 0, .is_idempotent = false}); },
         R"("send","c":"client","acks":0,"idem":false,)"
         R"("v":[["send","orders-3",771],["send","table-0",772,{"k":"red","del":true}]]})");
  expect([](HistoryWriter& to) { return to.ask_poll(5); }, R"("poll","c":"client"})");
  expect([&](HistoryWriter& to) { return to.ask_poll(5, member); },
         R"("poll","c":"client","g":"g1","m":"m-1","gen":5})");
  expect([&](HistoryWriter& to) { return to.ask_transaction(5, std::span(records).first(1), true, offsets, {"g1"}); },
         R"("txn","c":"client","g":"g1",)"
         R"("v":[["send","orders-3",771],["poll",{}],["offsets",{"orders-3":9123,"table-0":-1}]]})");
  const std::array<StartingPoint, 4> points{{{kOrders, StartingPoint::At::offset, 100},
                                             {kTable, StartingPoint::At::beginning},
                                             {{"table", 1}, StartingPoint::At::end},
                                             {{"table", 2}}}};
  expect([&](HistoryWriter& to) { return to.ask_assign(5, points); },
         R"("assign","c":"client","v":{"orders-3":100,"table-0":"beginning","table-1":"end","table-2":null}})");
  expect([](HistoryWriter& to) { return to.ask_subscribe(5, "g1", std::array<std::string_view, 1>{"orders"}); },
         R"("subscribe","c":"client","g":"g1","v":["orders"]})");
  expect([&](HistoryWriter& to) { return to.ask_commit(5, member, offsets); },
         R"("commit","c":"client","g":"g1","m":"m-1","gen":5,"v":{"orders-3":9123,"table-0":-1}})");
  expect([](HistoryWriter& to) { return to.ask_committed(5, "g1"); }, R"("committed","c":"client","g":"g1"})");
  expect([](HistoryWriter& to) { return to.ask_join(5, {"g1"}); }, R"("join","c":"client","g":"g1"})");
  expect([&](HistoryWriter& to) { return to.ask_sync(5, member); },
         R"("sync","c":"client","g":"g1","m":"m-1","gen":5})");
  expect([&](HistoryWriter& to) { return to.ask_heartbeat(5, member); },
         R"("heartbeat","c":"client","g":"g1","m":"m-1","gen":5})");
  expect([&](HistoryWriter& to) { return to.ask_leave(5, member); },
         R"("leave","c":"client","g":"g1","m":"m-1","gen":5})");
  expect([](HistoryWriter& to) { return to.ask_list_offsets(5); }, R"("list_offsets","c":"client"})");
  expect([&](HistoryWriter& to) { return to.ask_delete_records(5, offsets); },
         R"("delete_records","c":"client","v":{"orders-3":9123,"table-0":-1}})");
  expect([](HistoryWriter& to) { return to.ask_create_topic(5, "orders"); },
         R"("create_topic","c":"client","v":"orders"})");
  expect([](HistoryWriter& to) { return to.ask_delete_topic(5, "orders"); },
         R"("delete_topic","c":"client","v":"orders"})");
  expect([](HistoryWriter& to) { return to.ask_delete_group(5, "g1"); }, R"("delete_group","c":"client","v":"g1"})");
  expect([](HistoryWriter& to) { return to.ask_init_pid(5); }, R"("init_pid","c":"client"})");
  expect([](HistoryWriter& to) { return to.ask_admin(5, "describe"); }, R"("admin","c":"client","v":"describe"})");
}

TEST(HistoryWriter, EveryKindOfAnswerHasItsLine) {
  const HistoryWriter::Asked asked{"poll", 4};
  const auto expect = [&](const auto& write, const std::string& rest) {
    EXPECT_EQ(line_of([&](HistoryWriter& to) { write(to); }), rest);
  };
  expect([&](HistoryWriter& to) { to.answer(5, asked); }, R"(ok","f":"poll","of":4})");
  expect([&](HistoryWriter& to) { to.answer(5, asked, {Outcome::fail, "INVALID_RECORD"}); },
         R"(fail","f":"poll","of":4,"err":"INVALID_RECORD"})");
  const std::array<SentRecord, 2> records{{{kOrders, 771, 9120}, {kTable, 772}}};
  expect([&](HistoryWriter& to) { to.answer_send(5, asked, records, {Outcome::info, "REQUEST_TIMED_OUT"}); },
         R"(info","f":"poll","of":4,"err":"REQUEST_TIMED_OUT",)"
         R"("v":[["send","orders-3",[9120,771]],["send","table-0",[null,772]]]})");
  const std::array<PolledRecord, 3> read{{{9120, 771}, {9121, 772, 7, "red", kTable}, {9122, {}, -1, {}, {}, "crc"}}};
  const std::array<PolledPartition, 3> polled{
      {{kOrders, read, 9125, 7, true}, {kTable, {}, kNoOffset, 8}, {{"table", 1}, {}, 4, -1, true}}};
  const std::string beside = R"(,"hw":{"orders-3":9125,"table-1":4},"le":{"orders-3":7,"table-0":8},)"
                             R"("reb":["orders-3","table-1"])";
  const std::string told =
      R"(["poll",{"orders-3":[[9120,771],[9121,772,7,{"k":"red","tp":"table-0"}],[9122,null,{"bad":"crc"}]],)"
      R"("table-0":[],"table-1":[]}])";
  expect([&](HistoryWriter& to) { to.answer_poll(5, asked, polled, Isolation::read_committed, true); },
         R"(ok","f":"poll","of":4,"iso":"rc","from":"follower")" + beside + R"(,"v":[)" + told + "]}");
  expect([&](HistoryWriter& to) { to.answer_poll(5, asked, {}); }, R"(ok","f":"poll","of":4,"v":[["poll",{}]]})");
  expect([&](HistoryWriter& to) { to.answer_transaction(5, asked, std::span(records).first(1), polled); },
         R"(ok","f":"poll","of":4)" + beside + R"(,"v":[["send","orders-3",[9120,771]],)" + told + "]}");
  expect([&](HistoryWriter& to) { to.answer_committed(5, asked, std::array<PartitionOffset, 1>{{{kOrders, 9}}}); },
         R"(ok","f":"poll","of":4,"v":{"orders-3":9}})");
  expect([&](HistoryWriter& to) { to.answer_join(5, asked, "m-1", 5); }, R"(ok","f":"poll","of":4,"m":"m-1","gen":5})");
  expect([&](HistoryWriter& to) { to.answer_sync(5, asked, std::array{kOrders, kTable}); },
         R"(ok","f":"poll","of":4,"v":["orders-3","table-0"]})");
  expect([&](HistoryWriter& to) { to.answer_list_offsets(5, asked, std::array<LogEnds, 1>{{{kOrders, 0}}}); },
         R"(ok","f":"poll","of":4,"v":{"orders-3":[0,null]}})");
  expect([&](HistoryWriter& to) { to.answer_delete_records(5, asked, std::array<PartitionOffset, 1>{{{kOrders, 9}}}); },
         R"(ok","f":"poll","of":4,"v":{"orders-3":9}})");
  expect([](HistoryWriter& to) { to.crash(5); }, R"(info","f":"crash"})");
  expect([](HistoryWriter& to) { to.reset(5, kOrders, 100, 0, "OFFSET_OUT_OF_RANGE"); },
         R"(info","f":"reset","err":"OFFSET_OUT_OF_RANGE","v":{"orders-3":[100,0]}})");
}

TEST(HistoryWriter, AReaderFindsWhatWasWritten) {
  Written out;
  HistoryWriter& to = out.writer;
  const judge::Run run{.acks = 0,
                       .is_idempotent = true,
                       .offsets_flush = FlushClass::async,
                       .min_isr = 3,
                       .is_positive_control = true,
                       .lag_max = 7'000'000};
  to.run(run);
  to.phase(1, Phase::Name::warmup);
  to.fault(2, "kill9", 2, true);
  std::vector<SentRecord> records{{kOrders, to.new_value()}, {kTable, to.new_value(), kNoOffset, "red", true}};
  const auto send = to.ask_send(3, records, {.acks = 1, .is_idempotent = false});
  records[0].offset = 40;
  records[1].offset = 50;
  to.answer_send(4, send, records);
  const GroupMember member{"g1", "m-1", 5};
  const auto poll = to.ask_poll(5, member);
  const std::array<PolledRecord, 2> read{{{40, records[0].value, 7, "red", kTable}, {41, {}, -1, {}, {}, "crc"}}};
  const std::array<PolledPartition, 1> polled{{{kOrders, read, 42, 7, true}}};
  to.answer_poll(6, poll, polled, Isolation::read_committed, true);
  const auto ends = to.ask_list_offsets(7);
  to.answer_list_offsets(8, ends, std::array<LogEnds, 1>{{{kOrders, 0, 42}}});
  const auto commit = to.ask_commit(9, member, std::array<PartitionOffset, 1>{{{kOrders, 42}}});
  to.answer(10, commit, {Outcome::fail, "ILLEGAL_GENERATION"});
  to.reset(11, kOrders, 42, 0, "OFFSET_OUT_OF_RANGE");
  to.crash(12);

  const History history = out.read();
  EXPECT_EQ(history.run, run);
  EXPECT_EQ(history.begin_of(Phase::Name::warmup), 1);
  ASSERT_EQ(history.faults.size(), 1u);
  EXPECT_EQ(history.text(history.faults[0].kind), "kill9");
  EXPECT_EQ(history.faults[0].node, 2);
  EXPECT_TRUE(history.faults[0].is_quiet);
  ASSERT_EQ(history.operations.size(), 6u);

  const Operation& sent = history.operations[0];
  EXPECT_EQ(sent.invoked, 3);
  EXPECT_EQ(sent.completed, 4);
  EXPECT_EQ(sent.process, 7);
  EXPECT_EQ(history.text(sent.client), "client");
  EXPECT_EQ(sent.acks, 1);
  EXPECT_FALSE(sent.is_idempotent);
  ASSERT_EQ(history.sends_of(sent).size(), 2u);
  for (std::size_t at = 0; at < 2; ++at) {
    EXPECT_EQ(history.sends_of(sent)[at].value, records[at].value);
    EXPECT_EQ(history.sends_of(sent)[at].offset, records[at].offset);
  }
  EXPECT_EQ(history.text(history.sends_of(sent)[1].message_key), "red");
  EXPECT_TRUE(history.sends_of(sent)[1].is_tombstone);

  const Operation& seen = history.operations[1];
  EXPECT_EQ(history.text(seen.group), "g1");
  EXPECT_EQ(history.text(seen.member), "m-1");
  EXPECT_EQ(seen.generation, 5);
  EXPECT_EQ(seen.isolation, Isolation::read_committed);
  EXPECT_TRUE(seen.is_from_follower);
  ASSERT_EQ(history.reads_of(seen).size(), 2u);
  EXPECT_EQ(history.reads_of(seen)[0].value, records[0].value);
  EXPECT_EQ(history.text(history.reads_of(seen)[0].message_key), "red");
  EXPECT_EQ(history.text(history.reads_of(seen)[0].body_key), "table-0");
  EXPECT_FALSE(history.reads_of(seen)[1].has_value);
  EXPECT_EQ(history.text(history.reads_of(seen)[1].damage), "crc");
  EXPECT_EQ(history.told_to(seen).size(), 4u) << "high watermark, leader epoch, rebalanced, polled";

  EXPECT_EQ(history.told_to(history.operations[2]).size(), 2u);
  EXPECT_EQ(history.operations[3].outcome, Outcome::fail);
  EXPECT_EQ(history.text(history.operations[3].error), "ILLEGAL_GENERATION");
  EXPECT_EQ(history.operations[4].action, Action::reset);
  EXPECT_EQ(history.operations[5].action, Action::crash);
}

TEST(HistoryWriter, TextsOfAnyBytesAreReadAsTheyWere) {
  std::string all;
  for (int byte = 0; byte < 128; ++byte) all += static_cast<char>(byte);
  for (const std::string& text : {all, std::string("plain"), std::string("a\"b\\c/d\n\t"),
                                  std::string("\u00e4\u20ac\U0001f600"), std::string("\u2028")}) {
    Written out;
    out.writer.run({});
    const std::array<SentRecord, 1> record{{{{text, 3}, 1, kNoOffset, text}}};
    EXPECT_EQ(out.writer.ask_send(1, record).number, 1);
    const History history = out.read();
    EXPECT_EQ(history.text(history.sends.at(0).key), text + "-3");
    EXPECT_EQ(history.text(history.sends.at(0).message_key), text);
  }
}

TEST(HistoryWriter, BytesThatAreNoUtf8StayDifferentFromEachOther) {
  std::set<std::string> seen;
  for (int byte = 0x80; byte < 0x100; ++byte) {
    Written out;
    out.writer.run({});
    const std::string key = "x" + std::string(1, static_cast<char>(byte));
    const std::array<SentRecord, 1> record{{{kTable, 1, kNoOffset, key}}};
    EXPECT_EQ(out.writer.ask_send(1, record).number, 1);
    const History history = out.read();
    seen.emplace(history.text(history.sends.at(0).message_key));
  }
  EXPECT_EQ(seen.size(), 128u);
  EXPECT_EQ(*seen.begin(), "x\uf780");
  EXPECT_EQ(*seen.rbegin(), "x\uf7ff");
}

TEST(HistoryWriter, LongTextsAreCutBetweenCharactersWhereReadersRefuseMore) {
  for (const std::string& unit : {std::string("x"), std::string("\""), std::string("\u20ac"), std::string("\xff")}) {
    Written out;
    out.writer.run({});
    std::string text = "x";
    while (text.size() < 2000) text += unit;
    const auto asked = out.writer.ask_poll(1);
    out.writer.answer(2, asked, {Outcome::info, text});
    const History history = out.read();
    const std::string_view error = history.text(history.operations.at(0).error);
    EXPECT_LE(error.size(), 1024u);
    EXPECT_GT(error.size(), 1020u);
  }
}

TEST(HistoryWriter, LinesAndValuesOfAProcessAreNumbered) {
  Written out;
  EXPECT_EQ(out.writer.new_value(), (std::int64_t{7} << 40) + 1);
  EXPECT_EQ(out.writer.new_value(), (std::int64_t{7} << 40) + 2);
  EXPECT_EQ(out.writer.ask_poll(1).number, 1);
  out.writer.phase(2, Phase::Name::heal);
  EXPECT_EQ(out.writer.ask_list_offsets(3).number, 2);
}

}  // namespace
}  // namespace mq::judge
