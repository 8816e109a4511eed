#include "judge/report.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <iterator>
#include <string_view>
#include <utility>

#include "judge/anomaly.h"

namespace mq::judge {
namespace {

const char* word_of(Verdict::Answer answer) {
  switch (answer) {
    case Verdict::Answer::kept:
      return "kept";
    case Verdict::Answer::broken:
      return "broken";
    case Verdict::Answer::unknown:
      return "unknown";
  }
  std::unreachable();
}

const char* state_of(const AnomalyRow& row, const Findings::Kind& kind) {
  if (!row.pass) return "not judged";
  if (kind.broken > 0) return "BROKEN";
  if (kind.allowed > 0) return "allowed";
  return kind.looked_at > 0 ? "kept" : "not met in this history";
}

std::string excuses(std::uint32_t allowed_by) {
  std::string text;
  for (std::uint32_t bit = 1; bit != 0 && bit <= allowed_by; bit <<= 1)
    if (allowed_by & bit)
      text += fmt::format("{}{}", text.empty() ? "" : ", ", to_string(static_cast<Circumstance>(bit)));
  return text;
}

void append_findings(std::string& out, const Findings::Kind& kind) {
  const auto into = std::back_inserter(out);
  for (const Finding& finding : kind.first_broken) fmt::format_to(into, "      {}\n", finding.text);
  if (kind.broken > kind.first_broken.size())
    fmt::format_to(into, "      and {} more\n", kind.broken - kind.first_broken.size());
  for (const Finding& finding : kind.first_allowed)
    fmt::format_to(into, "      allowed ({}): {}\n", excuses(finding.allowed_by), finding.text);
  if (kind.allowed > kind.first_allowed.size())
    fmt::format_to(into, "      and {} more that are allowed\n", kind.allowed - kind.first_allowed.size());
}

boost::json::array texts_of(const std::vector<Finding>& findings) {
  boost::json::array texts;
  for (const Finding& finding : findings) {
    boost::json::object one{{"text", finding.text}};
    if (finding.allowed_by != kNoCircumstance) one["allowed_by"] = excuses(finding.allowed_by);
    texts.push_back(std::move(one));
  }
  return texts;
}

}  // namespace

std::string report_text(const History& history, const Verdict& verdict) {
  std::string out = fmt::format(
      "{} operations ({} ok, {} refused, {} in doubt): {} records sent to {} logs, {} read, in {}.{:03} s\n",
      verdict.operations, verdict.ok, verdict.fail, verdict.info, verdict.sends, verdict.logs, verdict.reads,
      (history.last - history.first) / 1'000'000'000, (history.last - history.first) / 1'000'000 % 1000);
  const auto into = std::back_inserter(out);
  if (history.unknown_actions > 0)
    fmt::format_to(into, "{} lines of kinds that are not known here were passed over\n", history.unknown_actions);
  if (history.trace_lines > 0)
    fmt::format_to(into, "{} lines of brokers' traces are not judged yet\n", history.trace_lines);
  if (history.torn_lines > 0) fmt::format_to(into, "{} files end in the middle of a line\n", history.torn_lines);
  for (const AnomalyRow& row : anomaly_rows()) {
    const Findings::Kind& kind = verdict.findings.kind(row.anomaly);
    fmt::format_to(into, "{} {:<23} {}", row.code, row.name, state_of(row, kind));
    if (kind.broken > 0) fmt::format_to(into, " {} times", kind.broken);
    if (kind.allowed > 0)
      fmt::format_to(into, "{} {} times where this run allows it", kind.broken > 0 ? "," : "", kind.allowed);
    if (kind.looked_at > 0) fmt::format_to(into, ", in {} looked at", kind.looked_at);
    out += '\n';
    if (kind.broken + kind.allowed > 0) fmt::format_to(into, "    What holds: {}\n", row.promise);
    append_findings(out, kind);
  }
  if (verdict.findings.lag_worst > 0) fmt::format_to(into, "furthest behind: {}\n", verdict.findings.lag_worst_text);
  for (const std::string& missing : verdict.missing) fmt::format_to(into, "too little: {}\n", missing);
  fmt::format_to(into, "verdict: {}\n", word_of(verdict.answer));
  return out;
}

std::string report_json(const History& history, const Verdict& verdict) {
  boost::json::array anomalies;
  for (const AnomalyRow& row : anomaly_rows()) {
    const Findings::Kind& kind = verdict.findings.kind(row.anomaly);
    anomalies.push_back({{"code", row.code},
                         {"name", row.name},
                         {"promise", row.promise},
                         {"state", state_of(row, kind)},
                         {"broken", kind.broken},
                         {"allowed", kind.allowed},
                         {"looked_at", kind.looked_at},
                         {"first_broken", texts_of(kind.first_broken)},
                         {"first_allowed", texts_of(kind.first_allowed)}});
  }
  boost::json::array missing;
  for (const std::string& sentence : verdict.missing) missing.emplace_back(sentence);
  const boost::json::object whole{{"verdict", word_of(verdict.answer)},
                                  {"operations", verdict.operations},
                                  {"ok", verdict.ok},
                                  {"fail", verdict.fail},
                                  {"info", verdict.info},
                                  {"records_sent", verdict.sends},
                                  {"records_read", verdict.reads},
                                  {"unknown_lines", history.unknown_actions},
                                  {"lag_worst_ns", verdict.findings.lag_worst},
                                  {"too_little", std::move(missing)},
                                  {"anomalies", std::move(anomalies)}};
  return boost::json::serialize(whole) + "\n";
}

}  // namespace mq::judge
