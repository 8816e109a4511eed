#include "options.h"

#include <algorithm>

#include "cli/escape.h"

namespace mq::mqcons {
namespace {

using cli::ValueKind;

cli::Parsed<std::vector<cli::PartitionRange>> parse_ranges(std::string_view text, const cli::TimeContext& now) {
  auto ranges = cli::parse_position_list(text, now);
  if (ranges && std::ranges::any_of(*ranges, cli::names_committed, &cli::PartitionRange::range))
    return cli::bad_value(0, text.size(), "'committed' is the place of a group, where -g begins by itself");
  return ranges;
}

cli::Parsed<cli::Position> parse_moment(std::string_view text, const cli::TimeContext& now) {
  const auto time = cli::parse_time(text, now);
  if (!time) return std::unexpected(time.error());
  return cli::Position{cli::Position::Kind::time, *time};
}

cli::Parsed<std::string> parse_group(std::string_view text) {
  if (text.empty()) return cli::bad_value(0, 0, "a group has a name");
  return std::string(text);
}

constexpr cli::OptionRow kOptions[] = {
    {.short_name = 'p',
     .long_name = "partitions",
     .value_name = "LIST",
     .fallback_note = "all",
     .group = "What",
     .help = "read these partitions: 0,3-5",
     .into = cli::parsed_into<cli::parse_partitions, &Options::partitions>},
    {.short_name = 'o',
     .long_name = "offset",
     .value_name = "LIST",
     .fallback_note = "start..end; with -f the last 10",
     .group = "What",
     .help = "read these ranges, e.g. 100..200, end-10.., 0=5..9,1=end-1..; -o help says more",
     .value_help = cli::position_help,
     .into = cli::parsed_into<parse_ranges, &Options::ranges>},
    {.long_name = "since",
     .value_name = "TIME",
     .group = "What",
     .help = "from the first record of this time on: -1h, 2025-01-31, 2025-01-31T10:00Z",
     .excludes = "offset",
     .into = cli::parsed_into<parse_moment, &Options::times, &cli::PositionRange::first>},
    {.long_name = "until",
     .value_name = "TIME",
     .group = "What",
     .help = "up to the first record of this time, which is not read",
     .excludes = "offset",
     .into = cli::parsed_into<parse_moment, &Options::times, &cli::PositionRange::last>},
    {.short_name = 'n',
     .long_name = "tail",
     .kind = ValueKind::number,
     .value_name = "N",
     .group = "What",
     .help = "the last N records of all partitions, by time",
     .number_max = 10'000'000,
     .excludes = "offset|since|until",
     .into = cli::into<&Options::tail>},
    {.short_name = 'f',
     .long_name = "follow",
     .kind = ValueKind::flag,
     .group = "What",
     .help = "go on at the end; without -o and -n begin with the last 10",
     .into = cli::into<&Options::follow>},
    {.short_name = 'c',
     .long_name = "count",
     .kind = ValueKind::number,
     .value_name = "N",
     .group = "What",
     .help = "stop after N records",
     .number_min = 1,
     .into = cli::into<&Options::count>},
    {.short_name = 'F',
     .long_name = "format",
     .value_name = "FMT",
     .group = "Output",
     .help = "write records like this: %k %s %t %p %o %T %h %{ts:iso} ...; -F help says more",
     .value_help = cli::record_format_help,
     .excludes = "json|key-delimiter",
     .into = cli::parsed_into<cli::RecordFormat::compile, &Options::format>},
    {.short_name = 'K',
     .long_name = "key-delimiter",
     .value_name = "STR",
     .group = "Output",
     .help = "write KEY, STR, VALUE",
     .into = cli::parsed_into<cli::unescape, &Options::key_delimiter>},
    {.short_name = 'd',
     .long_name = "delimiter",
     .value_name = "STR",
     .fallback = "\\n",
     .group = "Output",
     .help = "written after each record",
     .into = cli::parsed_into<cli::unescape, &Options::delimiter>},
    {.short_name = '0',
     .long_name = "null",
     .kind = ValueKind::flag,
     .group = "Output",
     .help = "a NUL byte after each record, for xargs -0"},
    {.short_name = 'J',
     .long_name = "json",
     .kind = ValueKind::flag,
     .group = "Output",
     .help = "one JSON object a record, nothing lost: mq-record(5)",
     .into = cli::into<&Options::json>},
    {.long_name = "null-as",
     .value_name = "STR",
     .group = "Output",
     .help = "text for a null key or value",
     .into = cli::into<&Options::null_text>},
    {.long_name = "raw",
     .kind = ValueKind::flag,
     .group = "Output",
     .help = "do not escape control bytes on a terminal"},
    {.short_name = 'g',
     .long_name = "group",
     .value_name = "ID",
     .group = "Group",
     .help = "share the partitions with the other members of this group; positions are committed once written out",
     .excludes = "partitions|offset|since|until|tail",
     .into = cli::parsed_into<parse_group, &Options::group>},
    {.long_name = "instance",
     .value_name = "ID",
     .group = "Group",
     .help = "static member: comes back to its partitions",
     .needs = "group",
     .into = cli::into<&Options::instance>},
    {.long_name = "reset",
     .kind = ValueKind::choice,
     .value_name = "start|end|error",
     .fallback = "error",
     .choices = "start|end|error",
     .group = "Group",
     .help = "where a group begins in a topic that it has not read; error exits 6",
     .needs = "group",
     .into = cli::into<&Options::reset>},
    {.long_name = "rack",
     .value_name = "ID",
     .group = "Fetch",
     .help = "we are in this rack: read from a replica in it (mqd --rack), where one is in sync",
     .into = cli::into<&Options::rack>},
};
constexpr std::string_view kUsage[] = {"[OPTION]... TOPIC..."};
constexpr cli::Example kExamples[] = {
    {"like cat: everything up to now, then end", "mqcons web"},
    {"like tail -f: the last 10, then what comes", "mqcons -f web"},
    {"the last hour, with time and place", "mqcons --since -1h -F '%{ts:iso} %p@%o %s\\n' web"},
    {"exactly these offsets of partition 0", "mqcons -o 0=100..200 web"},
    {"a member of a group; what was printed is committed", "mqcons -f -g billing --reset start orders"},
};
constexpr cli::ToolRow kTool{
    .name = "mqcons",
    .summary = "read records from topics",
    .usage = kUsage,
    .description =
        "mqcons writes the records of TOPICs to standard output. Without -f it ends at the "
        "end as it was when it began; several partitions are "
        "merged by time. Output is flushed whenever no record waits.\n\n"
        "With -g a position is committed after the bytes before it were accepted by standard "
        "output, so nothing that was not written is skipped. A commit comes each second and at "
        "the end: what a member that was killed wrote after its last one is written again, by "
        "whoever reads on. Without -f a member ends when it has read its partitions up to "
        "where they ended when it got them.",
    .options = kOptions,
    .examples = kExamples,
    .operands = {.min = 1, .topics = cli::OperandCount::kAny}};

}  // namespace

const cli::ToolRow& tool() { return kTool; }

std::expected<Options, cli::Ending> understand(const cli::Arguments& args, bool stdout_is_terminal) {
  Options options;
  args.fill(options);
  for (const std::string& topic : args.operands())
    if (std::ranges::find(options.topics, topic) == options.topics.end()) options.topics.push_back(topic);
  if (cli::is_reversed(options.times)) {
    const std::string& text = args.text("until");
    return std::unexpected(
        args.usage_error("until", text, {.at = 0, .size = text.size(), .why = "this is before --since"}));
  }
  if (options.times != cli::PositionRange{}) options.ranges.push_back({.partitions = {}, .range = options.times});
  if (options.follow && options.ranges.empty() && !options.tail && options.group.empty()) options.tail = 10;

  if (args.flag("null")) {
    options.delimiter = std::string(1, '\0');
  } else if (options.format && !args.given("delimiter")) {
    options.delimiter.clear();  // a format has its own line ends; a delimiter that somebody asks for comes on top
  }
  options.escape_controls = stdout_is_terminal && !args.flag("raw");
  return options;
}

}  // namespace mq::mqcons
