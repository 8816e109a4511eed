#include "judge/report.h"

#include <gtest/gtest.h>

#include <string>

#include "judge/judged.h"

namespace mq::judge {
namespace {

/// Value 2 was acknowledged at offset 1, and everybody reads past it.
constexpr const char* kLostRecord =
    R"({"f":"run","v":{"acks":-1,"idempotent":true}})"
    "\n"
    R"({"i":1,"t":1000000,"p":1,"c":"producer","type":"invoke","f":"send","v":[["send","orders-0",1],["send","orders-0",2],["send","orders-0",3]]})"
    "\n"
    R"({"i":2,"t":2500000,"p":1,"type":"ok","f":"send","v":[["send","orders-0",[0,1]],["send","orders-0",[1,2]],["send","orders-0",[2,3]]]})"
    "\n"
    R"({"t":3000000,"f":"phase","v":"final"})"
    "\n"
    R"({"i":1,"t":4000000,"p":2,"c":"reader","type":"invoke","f":"poll"})"
    "\n"
    R"({"i":2,"t":5000000,"p":2,"type":"ok","f":"poll","v":[["poll",{"orders-0":[[0,1],[2,3]]}]]})"
    "\n"
    R"({"t":6000000,"f":"phase","v":"done"})"
    "\n";

TEST(Report, SaysWhatWasPromisedAndWhoSawWhatWhere) {
  const History history = history_of(kLostRecord);
  const std::string text = report_text(history, judge(history));
  EXPECT_NE(text.find("2 operations (2 ok, 0 refused, 0 in doubt): 3 records sent to 1 logs, 2 read, in 0.005 s\n"),
            std::string::npos)
      << text;
  EXPECT_NE(
      text.find(
          "A01 lost-write              BROKEN 1 times, in 3 looked at\n"
          "    What holds: A record that was acknowledged is read by somebody when readers go on past its place.\n"
          "      orders-0 offset 1: value 2 was acknowledged to producer at 0.001500 s (history:3). Nobody read "
          "it, and reader at 0.004000 s (history:6) read offset 2 behind it.\n"),
      std::string::npos)
      << text;
  EXPECT_NE(text.find("A09 precommitted-read       not judged\n"), std::string::npos) << text;
  EXPECT_NE(text.find("A16 committed-offset        not met in this history\n"), std::string::npos) << text;
  EXPECT_TRUE(text.ends_with("verdict: broken\n")) << text;
}

TEST(Report, ForProgramsSaysTheSame) {
  const History history = history_of(kLostRecord);
  const std::string json = report_json(history, judge(history));
  EXPECT_TRUE(json.starts_with(
      R"({"verdict":"broken","operations":2,"ok":2,"fail":0,"info":0,"records_sent":3,"records_read":2,)"))
      << json;
  EXPECT_NE(json.find(R"("code":"A01","name":"lost-write")"), std::string::npos) << json;
  EXPECT_NE(json.find(R"("state":"BROKEN","broken":1,"allowed":0,"looked_at":3)"), std::string::npos) << json;
}

TEST(Report, OfManyFindingsTheFirstAreTold) {
  std::string sends;
  std::string answers;
  for (int value = 0; value < 40; ++value) {
    sends += (value ? "," : "") + std::string(R"(["send","orders-0",)") + std::to_string(value) + "]";
    answers += (value ? "," : "") + std::string(R"(["send","orders-0",[)") + std::to_string(value) + "," +
               std::to_string(value) + "]]";
  }
  const History history =
      history_of(R"({"f":"run","v":{}})"
                 "\n"
                 R"({"i":1,"t":1,"p":1,"c":"a","type":"invoke","f":"send","v":[)" +
                 sends + "]}\n" + R"({"i":2,"t":2,"p":1,"type":"ok","f":"send","v":[)" + answers + "]}\n" +
                 R"({"i":1,"t":3,"p":2,"c":"b","type":"invoke","f":"poll"})"
                 "\n"
                 R"({"i":2,"t":4,"p":2,"type":"ok","f":"poll","v":[["poll",{"orders-0":[[39,39]]}]]})"
                 "\n");
  const Verdict verdict = judge(history);
  EXPECT_EQ(verdict.findings.kind(Anomaly::lost_write).broken, 39u);
  EXPECT_EQ(verdict.findings.kind(Anomaly::lost_write).first_broken.size(), Findings::kKept);
  EXPECT_NE(report_text(history, verdict).find("      and 29 more\n"), std::string::npos);
}

}  // namespace
}  // namespace mq::judge
