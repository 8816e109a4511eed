#include "judge/history_reader.h"

#include <gtest/gtest.h>

#include <string>

#include "judge/judged.h"
#include "judge/report.h"

namespace mq::judge {
namespace {

constexpr const char* kRun = R"({"f":"run","v":{}})"
                             "\n";

std::string send_line(int i, int p, const char* type, const std::string& rest) {
  return R"({"i":)" + std::to_string(i) + R"(,"t":)" + std::to_string(i) + R"(,"p":)" + std::to_string(p) +
         R"(,"c":"a","type":")" + type + R"(","f":"send",)" + rest + "}\n";
}

std::string problem_of(const std::string& text) {
  const auto history = history_of({{"a.jsonl", kRun + text}});
  return history ? "none" : history.error().message;
}

TEST(HistoryReader, AnErrorNamesTheFileTheLineAndWhatIsWrong) {
  EXPECT_EQ(problem_of("{]\n"), "a.jsonl:2: no JSON text: syntax error");
  EXPECT_EQ(problem_of("[]\n"), "a.jsonl:2: a line has to be an object");
  EXPECT_EQ(problem_of("{}\n"), "a.jsonl:2: no \"f\" says what this line is");
  EXPECT_EQ(problem_of("\n" + send_line(1, -1, "invoke", R"("v":[])")),
            "a.jsonl:3: \"p\" is -1, which is not in 0 to 9223372036854775806");
  EXPECT_EQ(problem_of(R"({"i":1,"t":0.5,"p":1,"c":"a","type":"invoke","f":"poll"})"
                       "\n"),
            "a.jsonl:2: \"t\" has to be a whole number of 64 bits");
  EXPECT_EQ(problem_of(R"({"i":1,"t":18446744073709551615,"p":1,"c":"a","type":"invoke","f":"poll"})"
                       "\n"),
            "a.jsonl:2: \"t\" has to be a whole number of 64 bits");
  EXPECT_EQ(problem_of(send_line(1, 1, "begin", R"("v":[])")),
            "a.jsonl:2: \"begin\" is no type; there are invoke, ok, fail and info");
  EXPECT_EQ(problem_of(send_line(1, 1, "invoke", R"("v":[])")), "a.jsonl:2: a send without a record");
  EXPECT_EQ(problem_of(send_line(1, 1, "invoke", R"("v":[["send","x-0"]])")),
            "a.jsonl:2: a send is [\"send\", key, value] and perhaps an object");
  EXPECT_EQ(problem_of(send_line(1, 1, "invoke", R"("v":[["poll",{}]])")),
            "a.jsonl:2: \"poll\" has no place in a send");
  EXPECT_EQ(problem_of(R"({"f":"phase","t":1,"v":"lunch"})"
                       "\n"),
            "a.jsonl:2: \"lunch\" is no phase; there are warmup, faults, heal, liveness, final and done");
  EXPECT_EQ(problem_of(R"({"f":"run","v":{"acks":1}})"
                       "\n"),
            "a.jsonl:2: another file says that the run was configured otherwise");
}

TEST(HistoryReader, LinesThatDoNotFitTogetherAreRefused) {
  const std::string asked = send_line(1, 1, "invoke", R"("v":[["send","x-0",7]])");
  EXPECT_EQ(problem_of(send_line(1, 1, "ok", R"("v":[["send","x-0",[0,7]]])")),
            "a.jsonl:2: process 1 has no open send for this answer");
  EXPECT_EQ(problem_of(asked + send_line(2, 1, "invoke", R"("v":[["send","x-0",8]])") +
                       send_line(3, 1, "ok", R"("v":[["send","x-0",[0,7]]])")),
            "a.jsonl:4: process 1 has several open sends; \"of\" has to say which one is answered");
  EXPECT_EQ(problem_of(asked + send_line(2, 1, "ok", R"("v":[["send","x-0",[0,8]]])")),
            "a.jsonl:3: value 8 to x-0 is answered where 7 to x-0 was asked for, at a.jsonl:2");
  EXPECT_EQ(problem_of(asked + send_line(2, 1, "ok", R"("v":[])")),
            "a.jsonl:3: an ok send has to say of each record where it is");
  EXPECT_EQ(problem_of(asked + send_line(2, 2, "invoke", R"("v":[["send","x-1",7]])")),
            "a.jsonl:3: value 7 was sent before, at a.jsonl:2; every record needs a value of its own");
  EXPECT_EQ(problem_of(asked + asked), "a.jsonl:3: process 1 has written its line 1 at a.jsonl:2 before");
  const auto without_run = history_of({{"a.jsonl", asked}});
  ASSERT_FALSE(without_run.has_value());
  EXPECT_EQ(without_run.error().message, "no line says how the run was configured: {\"f\":\"run\",...}");
}

TEST(HistoryReader, WhatIsNotKnownIsPassedOverAndCounted) {
  const History history = history_of(std::string(kRun) +
                                     R"({"f":"dance","t":"whenever"})"
                                     "\n"
                                     R"({"src":"node","n":2,"ev":"hw"})"
                                     "\n" +
                                     send_line(1, 1, "invoke", R"("colour":"red","v":[["send","x-0",7]])"));
  EXPECT_EQ(history.unknown_actions, 1u);
  EXPECT_EQ(history.trace_lines, 1u);
  EXPECT_EQ(history.operations.size(), 1u);
}

TEST(HistoryReader, ALastLineThatIsCutIsPassedOverAndOneInTheMiddleIsNot) {
  const std::string line = send_line(1, 1, "invoke", R"("v":[["send","x-0",7]])");
  for (std::size_t length = 1; length + 1 < line.size(); ++length) {
    const History history = history_of(kRun + line.substr(0, length));
    EXPECT_EQ(history.torn_lines, 1u) << length;
    EXPECT_TRUE(history.operations.empty());
    EXPECT_NE(problem_of(line.substr(0, length) + "\n" + line), "none") << length;
  }
  EXPECT_EQ(history_of(kRun + line.substr(0, line.size() - 1)).operations.size(), 1u) << "whole, but for its newline";
}

TEST(HistoryReader, TheBytesMayComeInPiecesOfAnySize) {
  const std::string text = kRun + send_line(1, 1, "invoke", R"("v":[["send","x-0",7]])") +
                           send_line(2, 1, "ok", R"("v":[["send","x-0",[0,7]]])");
  for (std::size_t size = 1; size <= text.size(); ++size) {
    HistoryReader reader;
    reader.begin_file("pieces");
    for (std::size_t at = 0; at < text.size(); at += size)
      ASSERT_TRUE(reader.read(std::string_view(text).substr(at, size)));
    ASSERT_TRUE(reader.end_file());
    const auto history = std::move(reader).finish();
    ASSERT_TRUE(history.has_value()) << history.error().message;
    EXPECT_EQ(history->sends.at(0).offset, 0);
  }
}

TEST(HistoryReader, ALineLongerThanItsBoundIsRefusedBeforeItIsKept) {
  HistoryReader reader;
  reader.begin_file("long");
  const std::string piece(1u << 20, ' ');
  Result<void> read;
  for (std::size_t at = 0; read && at <= kLineBytesMax; at += piece.size()) read = reader.read(piece);
  ASSERT_FALSE(read.has_value());
  EXPECT_EQ(read.error().message, "long:1: the line is longer than 16777216 bytes");
}

TEST(HistoryReader, DeepNestingIsRefused) {
  EXPECT_EQ(problem_of(R"({"f":"poll","v":)" + std::string(100, '[') + std::string(100, ']') + "}\n"),
            "a.jsonl:2: no JSON text: too deep");
}

TEST(HistoryReader, NamesOfOtherTypesThanStringsAreRefused) {
  EXPECT_EQ(problem_of(R"({"i":1,"t":1,"p":1,"c":7,"type":"invoke","f":"poll"})"
                       "\n"),
            "a.jsonl:2: \"c\" has to be a string");
  EXPECT_EQ(problem_of(R"({"i":1,"t":1,"p":1,"type":"invoke","f":"poll"})"
                       "\n"),
            "a.jsonl:2: no \"c\" names the client");
  EXPECT_EQ(problem_of(R"({"i":1,"t":1,"p":1,"c":"a","type":"invoke","f":"commit","v":{"x-0":1}})"
                       "\n"),
            "a.jsonl:2: no \"g\" names the group");
}

TEST(HistoryReader, NamesOfMembersAreComparedWhole) {
  EXPECT_EQ(problem_of(R"({"\u0000i":1,"t":1,"p":1,"c":"a","type":"invoke","f":"poll"})"
                       "\n"),
            "a.jsonl:2: no \"i\" is given");
  EXPECT_EQ(problem_of(R"({"ii":1,"i\u0000":1,"tttti":1,"t":1,"p":1,"c":"a","type":"invoke","f":"poll"})"
                       "\n"),
            "a.jsonl:2: no \"i\" is given");
}

TEST(HistoryReader, MoreOrLessMayComeThanWasExpected) {
  const std::string text = kRun + send_line(1, 1, "invoke", R"("v":[["send","x-0",7]])");
  for (const std::uint64_t bytes : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1} << 20}) {
    HistoryReader reader;
    reader.expect(bytes);
    reader.begin_file("expected");
    ASSERT_TRUE(reader.read(text));
    ASSERT_TRUE(reader.end_file());
    EXPECT_EQ(std::move(reader).finish()->sends.size(), 1u);
  }
}

TEST(HistoryReader, PartitionsMayBeNumbersToo) {
  const History history = history_of(kRun + send_line(1, 1, "invoke", R"("v":[["send",4,7]])"));
  EXPECT_EQ(history.text(history.sends.at(0).key), "4");
}

}  // namespace
}  // namespace mq::judge
