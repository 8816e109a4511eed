#include "options.h"

#include <limits>

#include "cli/escape.h"
#include "cli/units.h"
#include "tool/delivery.h"

namespace mq::mqprod {
namespace {

using cli::ValueKind;

cli::Parsed<std::string> parse_delimiter(std::string_view text) {
  auto delimiter = cli::unescape(text);
  if (delimiter && delimiter->empty()) return cli::bad_value(0, 0, "a delimiter has at least one byte");
  return delimiter;
}

/// `zstd:3`.
cli::Parsed<Compression> parse_compression(std::string_view text) {
  const auto colon = text.find(':');
  const auto codec = tool::parse_codec(text.substr(0, colon));
  if (!codec) return std::unexpected(codec.error());
  Compression compression{.codec = *codec};
  if (colon == std::string_view::npos) return compression;
  const std::string_view level = text.substr(colon + 1);
  const auto number = cli::parse_number(level, std::numeric_limits<int>::min(), std::numeric_limits<int>::max());
  if (!number) return cli::bad_value(colon + 1, level.size(), "a level is a number");
  compression.level = static_cast<int>(*number);
  return compression;
}

cli::Parsed<client::RetryPolicy> parse_retry(std::string_view text) {
  if (text == "0") return client::RetryPolicy::none();
  if (text == "forever") return client::RetryPolicy::forever();
  const auto limit = cli::parse_duration(text);
  if (!limit) return std::unexpected(limit.error());
  return client::RetryPolicy::within(*limit);
}

constexpr cli::OptionRow kOptions[] = {
    {.short_name = 'd',
     .long_name = "delimiter",
     .value_name = "STR",
     .fallback = "\\n",
     .group = "Input",
     .help = "what ends a record; it is removed. \\n \\t \\0 \\xNN are understood",
     .into = cli::parsed_into<parse_delimiter, &Options::delimiter>},
    {.short_name = '0',
     .long_name = "null",
     .kind = ValueKind::flag,
     .group = "Input",
     .help = "records end with a NUL byte, as -d '\\0'"},
    {.short_name = 'K',
     .long_name = "key-delimiter",
     .value_name = "STR",
     .group = "Input",
     .help = "a record is KEY, STR, VALUE; one without STR is an error",
     .into = cli::parsed_into<parse_delimiter, &Options::key_delimiter>},
    {.short_name = 'k',
     .long_name = "key",
     .value_name = "KEY",
     .group = "Input",
     .help = "the key of every record",
     .excludes = "key-delimiter",
     .into = cli::into<&Options::key>},
    {.long_name = "max-record",
     .kind = ValueKind::size,
     .value_name = "SIZE",
     .fallback = "1M",
     .group = "Input",
     .help = "a longer record is an error that names its place in the input",
     .number_max = 1 << 30,  // lengths in a batch are 32 bits, with a sign
     .into = cli::into<&Options::record_bytes_max>},
    {.short_name = 'p',
     .long_name = "partition",
     .kind = ValueKind::number,
     .value_name = "N",
     .group = "Delivery",
     .help = "send everything to this partition",
     .number_max = 2147483647,
     .into = cli::into<&Options::partition>},
    tool::kAcks<Options>,
    tool::kNoIdempotent<Options>,
    {.short_name = 'z',
     .long_name = "compress",
     .value_name = "CODEC",
     .fallback = "lz4",
     .group = "Delivery",
     .help = "none, gzip, snappy, lz4 or zstd, with :LEVEL where a codec has levels",
     .into = cli::parsed_into<parse_compression, &Options::compression>},
    {.long_name = "linger",
     .kind = ValueKind::duration,
     .value_name = "DUR",
     .fallback = "5ms",
     .group = "Delivery",
     .help = "a batch waits so long for more records",
     .into = cli::into<&Options::producer, &client::ProducerOptions::linger>},
    tool::kBatch<Options>,
    tool::kInflight<Options>,
    {.short_name = 'r',
     .long_name = "rate",
     .value_name = "RATE",
     .fallback_note = "no limit",
     .group = "Delivery",
     .help = "at most so many records (1000/s, 50k/m) or bytes (10MB/s)",
     .into = cli::parsed_into<cli::parse_rate, &Options::rate>},
    {.long_name = "retry",
     .value_name = "forever|DUR|0",
     .fallback = "forever",
     .group = "Delivery",
     .help =
         "how long a batch that fails is tried again, once the broker was reached; 0 is one attempt. The input waits "
         "meanwhile",
     .into = cli::parsed_into<parse_retry, &Options::producer, &client::ProducerOptions::delivery>},
    {.long_name = "drain",
     .kind = ValueKind::duration,
     .value_name = "DUR",
     .fallback = "30s",
     .group = "Delivery",
     .help = "after Ctrl-C, SIGTERM or SIGHUP wait so long for what was read to be acknowledged",
     .into = cli::into<&Options::drain>},
    {.short_name = 'T',
     .long_name = "tee",
     .kind = ValueKind::flag,
     .group = "Output",
     .help = "copy the input to standard output",
     .into = cli::into<&Options::tee>},
};
constexpr std::string_view kUsage[] = {"[OPTION]... TOPIC [FILE]..."};
constexpr cli::Example kExamples[] = {
    {"send a log, a line a record", "mqprod web < access.log"},
    {"in the middle of a pipe, like tee", "nginx-access | mqprod -T access > app.log"},
    {"keys before a tab; records of one key stay in order", "mqprod -K '\\t' users < users.tsv"},
    {"file names, whatever they contain", "find . -print0 | mqprod -0 names"},
};
constexpr cli::ToolRow kTool{
    .name = "mqprod",
    .summary = "write lines to a topic",
    .usage = kUsage,
    .description =
        "mqprod sends each line of its input (or each part that --delimiter ends) to TOPIC as "
        "one record. Empty lines are records too.\n\n"
        "While no broker answers it keeps what it has, stops reading, says so once and goes "
        "on when one is back. At the end of the input it waits until everything that it read "
        "is acknowledged.\n\n"
        "Ctrl-C, SIGTERM and SIGHUP end the reading; what was read is sent and waited for. Of a "
        "line that was read in part, the rest is read first. When it does not come within a "
        "second, that line is not sent, since half a line is another line, and standard error "
        "says so. A second signal ends mqprod at once.",
    .options = kOptions,
    .examples = kExamples,
    .operands = {.min = 1, .topics = 1}};

}  // namespace

const cli::ToolRow& tool() { return kTool; }

Options understand(const cli::Arguments& args) {
  Options options;
  args.fill(options);
  options.topic = args.operands().front();
  options.files.assign(args.operands().begin() + 1, args.operands().end());
  if (args.flag("null")) options.delimiter = std::string(1, '\0');
  options.producer.codec = options.compression.codec;
  options.producer.level = options.compression.level;
  return options;
}

}  // namespace mq::mqprod
