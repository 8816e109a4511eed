// Small histories, written by hand: tests/judge/histories/CODE/VERDICT-SITUATION.jsonl. The first line of each names
// the codes that it breaks ("expect") and those that it shows and allows ("allowed"), and says in "about" what it is.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>

#include "judge/judged.h"
#include "judge/report.h"

namespace mq::judge {
namespace {

namespace fs = std::filesystem;

struct Golden {
  std::string code;  ///< the name of the folder
  std::string name;
  std::string text;

  /// The words of a member of the first line.
  [[nodiscard]] std::set<std::string> words(const std::string& member) const {
    const std::string before = "\"" + member + "\":\"";
    const std::size_t begin = text.find(before) + before.size();
    std::istringstream words(text.substr(begin, text.find('"', begin) - begin));
    return {std::istream_iterator<std::string>(words), {}};
  }
  [[nodiscard]] bool is(std::string_view verdict) const { return name.starts_with(verdict); }
};

std::vector<Golden> goldens() {
  std::vector<Golden> all;
  for (const auto& entry : fs::recursive_directory_iterator("tests/judge/histories")) {
    if (entry.path().extension() != ".jsonl") continue;
    std::ifstream file(entry.path());
    all.push_back({entry.path().parent_path().filename(), entry.path().stem(), {std::istreambuf_iterator(file), {}}});
  }
  std::ranges::sort(all, {}, [](const Golden& golden) { return golden.code + "/" + golden.name; });
  return all;
}

TEST(GoldenHistories, EachIsJudgedAsItsNameAndFirstLineSay) {
  for (const Golden& golden : goldens()) {
    SCOPED_TRACE(golden.code + "/" + golden.name);
    const History history = history_of(golden.text);
    const Verdict verdict = judge(history);
    EXPECT_EQ(codes(verdict, Seen::broken), golden.words("expect")) << report_text(history, verdict);
    EXPECT_EQ(codes(verdict, Seen::allowed), golden.words("allowed")) << report_text(history, verdict);
    const auto expected = golden.is("broken-")    ? Verdict::Answer::broken
                          : golden.is("unknown-") ? Verdict::Answer::unknown
                                                  : Verdict::Answer::kept;
    EXPECT_EQ(verdict.answer, expected) << report_text(history, verdict);
  }
}

TEST(GoldenHistories, EveryJudgedCodeHasThreeForItAndThreeThatComeNear) {
  std::map<std::string, int> broken;
  std::map<std::string, int> near;
  for (const Golden& golden : goldens()) {
    if (golden.is("broken-") && golden.words("expect").contains(golden.code)) ++broken[golden.code];
    if (golden.is("kept-") || golden.is("allowed-")) ++near[golden.code];
  }
  for (const AnomalyRow& row : anomaly_rows()) {
    if (!row.pass) continue;
    EXPECT_GE(broken[row.code], 3) << row.code;
    EXPECT_GE(near[row.code], 3) << row.code;
  }
}

}  // namespace
}  // namespace mq::judge
