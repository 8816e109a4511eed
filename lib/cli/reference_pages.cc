#include <fmt/format.h>

#include <algorithm>

#include "base/letter_case.h"
#include "cli/exit_code.h"
#include "cli/man_pages.h"
#include "config/option.h"

namespace mq::cli {
namespace {

struct Page {
  std::string_view name;
  int section;
};
constexpr Page kPages[] = {{"mqprod", 1},  {"mqcons", 1},  {"mqctl", 1},     {"mqbench", 1},    {"mqd", 8},
                           {"mq.conf", 5}, {"mq-exit", 7}, {"mq-format", 7}, {"mq-offsets", 7}, {"mq-record", 5}};

std::string tool_setting(const OptionRow& row) {
  std::string out =
      fmt::format(".TP\n\\fB{}\\fR = \\fI{}\\fR\n{}.\n", roff(row.long_name), roff(row.value_name), roff(row.help));
  const std::string_view fallback = row.fallback_note.empty() ? row.fallback : row.fallback_note;
  if (!fallback.empty()) out += fmt::format("Default: {}.\n", roff(fallback));
  if (!row.environment.empty()) out += fmt::format("Environment: \\fB{}\\fR.\n", roff(row.environment));
  return out;
}

std::string tool_settings() {
  std::string out = ".SH \"SETTINGS OF THE TOOLS\"\n";
  for (const auto rows : {client_options(), general_options()})
    for (const OptionRow& row : rows)
      if (is_setting(row)) out += tool_setting(row);
  return out;
}

std::string setting(const config::OptionRow& row) {
  std::string values = config::describe_values(row);
  const bool has_counted_unit = row.unit != config::Unit::none && row.unit != config::Unit::count &&
                                row.unit != config::Unit::id && row.unit != config::Unit::ratio;
  if (has_counted_unit) values += fmt::format(", in {}", config::name_of(row.unit));
  std::string out = fmt::format(".TP\n.B {}\n{}\n.br\nValue: {}.\n", roff(row.name), roff(row.text), roff(values));
  if (!row.fallback.empty()) {
    out += fmt::format("Default: {}.\n", roff(row.fallback));
  } else if (row.may_be_unset) {
    out += "Not set by default.\n";
  }
  return out;
}

/// The broker's settings that are the defaults of a topic's.
std::string broker_names_of(std::string_view topic_option) {
  std::string names;
  for (const config::SynonymRow& row : config::synonyms())
    if (row.topic_option == topic_option)
      names += fmt::format("{}\\fB{}\\fR", names.empty() ? "" : ", ", roff(row.broker_option));
  return names.empty() ? "" : fmt::format("Of the broker: {}.\n", names);
}

}  // namespace

std::string page_head(std::string_view name, int section, std::string_view summary) {
  std::string title(name);
  std::ranges::transform(title, title.begin(), upper);
  return fmt::format(".TH {} {} \"\" \"mq\" \"mq manual\"\n.SH NAME\n{} \\- {}\n", title, section, name, roff(summary));
}

std::string see_also(std::string_view name) {
  std::string out;
  for (const Page& page : kPages)
    if (page.name != name) out += fmt::format("{}.BR {} ({})", out.empty() ? "" : ",\n", roff(page.name), page.section);
  return fmt::format(".SH \"SEE ALSO\"\n{}\n", out);
}

std::string exit_page() {
  std::string out = page_head("mq-exit", 7, "how the tools of mq end");
  out +=
      ".SH DESCRIPTION\nThe exit status of mqprod, mqcons, mqctl, mqbench and mqd. The numbers and what they mean stay "
      "as they are.\n.PP\nA command that does one thing to several items does all of them and ends with the largest "
      "number that one of them gave.\n";
  for (const ExitCodeRow& row : exit_codes()) {
    out += fmt::format(".TP\n.B {}\n{}.\n", to_status(row.code), roff(row.meaning));
    if (!row.retry.empty()) out += fmt::format("To try again: {}.\n", roff(row.retry));
  }
  return out + see_also("mq-exit");
}

std::string conf_page() {
  std::string out = page_head("mq.conf", 5, "configuration files of mqd and of the tools");
  out +=
      ".SH DESCRIPTION\n"
      "No program of mq needs a file. One that is there holds \\fIKEY\\fR = \\fIVALUE\\fR, one a line; a line that "
      "begins with # is a comment. A key that is not known and a value that makes no sense are errors, and so is a key "
      "that stands there twice.\n"
      ".PP\n"
      "\\fB/etc/mq/mqd.conf\\fR is the daemon's, or the file of \\fB\\-\\-config\\fR. It holds settings of the broker "
      "by the names that Kafka has for them; those that begin with mq. are ours. The command line counts more than the "
      "file.\n"
      ".PP\n"
      "\\fB~/.config/mq/config\\fR, then \\fB/etc/mq/config\\fR, are the files of mqprod, mqcons, mqctl and mqbench. "
      "Lines under \\fB[profile \\fINAME\\fB]\\fR count when \\fB\\-\\-profile\\fR names it, or \\fBcurrent\\fR = "
      "\\fINAME\\fR does at the top of the file. An option counts more than \\fB\\-X\\fR, then come the environment, "
      "the profile, the user's file and the system's. A file is as good as none when a directory on the way to it may "
      "not be looked into, but not when \\fB\\-\\-config\\fR names it.\n";
  out += tool_settings();
  out += ".SH \"SETTINGS OF MQD\"\n";
  for (const config::OptionRow& row : config::broker_options()) out += setting(row);
  out += ".SH \"SETTINGS OF A TOPIC\"\nSet with \\fBmqctl topic create \\-\\-set\\fR and \\fBmqctl config set\\fR.\n";
  for (const config::OptionRow& row : config::topic_options()) out += setting(row) + broker_names_of(row.name);
  out +=
      ".SH EXAMPLES\n.EX\n# /etc/mq/mqd.conf\nlisteners = plain://0.0.0.0:9092\nlog.retention.hours = 48\n\n"
      "# ~/.config/mq/config\ncurrent = lab\n[profile lab]\nbrokers = lab1,lab2:9093\n[profile live]\nbrokers = "
      "live:9092\ntimeout = 1m\n.EE\n";
  return out + see_also("mq.conf");
}

}  // namespace mq::cli
