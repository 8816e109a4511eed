#pragma once

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "judge/history_reader.h"
#include "judge/verdict.h"

namespace mq::judge {

/// The history that the files make, by name and text.
inline Result<History> history_of(const std::vector<std::pair<std::string, std::string>>& files) {
  HistoryReader reader;
  for (const auto& [name, text] : files) {
    reader.begin_file(name);
    MQ_CHECK(reader.read(text));
    MQ_CHECK(reader.end_file());
  }
  return std::move(reader).finish();
}

/// The history of one file that can be read.
inline History history_of(std::string_view text) {
  auto history = history_of({{"history", std::string(text)}});
  EXPECT_TRUE(history.has_value()) << (history ? "" : history.error().message);
  return history ? *std::move(history) : History{};
}

/// The codes of what was broken, or of what was seen and allowed.
enum class Seen { broken, allowed };
inline std::set<std::string> codes(const Verdict& verdict, Seen seen) {
  std::set<std::string> found;
  for (const AnomalyRow& row : anomaly_rows()) {
    const Findings::Kind& kind = verdict.findings.kind(row.anomaly);
    if ((seen == Seen::broken ? kind.broken : kind.allowed) > 0) found.insert(row.code);
  }
  return found;
}

}  // namespace mq::judge
