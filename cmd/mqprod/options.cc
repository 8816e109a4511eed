#include "options.h"

#include <charconv>

#include "cli/escape.h"
#include "cli/units.h"

namespace mq::mqprod {
namespace {

using cli::ValueKind;

constexpr cli::OptionRow kOptions[] = {
    {.short_name = 'd',
     .long_name = "delimiter",
     .value_name = "STR",
     .fallback = "\\n",
     .group = "Input",
     .help = "what ends a record; it is removed. \\n \\t \\0 \\xNN are understood"},
    {.short_name = '0',
     .long_name = "null",
     .kind = ValueKind::flag,
     .group = "Input",
     .help = "records end with a NUL byte, as -d '\\0'"},
    {.short_name = 'K',
     .long_name = "key-delimiter",
     .value_name = "STR",
     .group = "Input",
     .help = "a record is KEY, STR, VALUE; one without STR is an error"},
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
     .into = cli::into<&Options::record_bytes_max>},
    {.short_name = 'p',
     .long_name = "partition",
     .kind = ValueKind::number,
     .value_name = "N",
     .group = "Delivery",
     .help = "send everything to this partition",
     .number_max = 2147483647,
     .into = cli::into<&Options::partition>},
    {.short_name = 'a',
     .long_name = "acks",
     .kind = ValueKind::choice,
     .value_name = "all|1|0",
     .fallback = "all",
     .choices = "all|1|0",
     .group = "Delivery",
     .help = "what counts as sent: on every in-sync replica, on the leader, or on its way"},
    {.long_name = "no-idempotent",
     .kind = ValueKind::flag,
     .group = "Delivery",
     .help = "allow duplicates and another order when a request is sent again; -a 1 and -a 0 imply it"},
    {.short_name = 'z',
     .long_name = "compress",
     .value_name = "CODEC",
     .fallback = "lz4",
     .group = "Delivery",
     .help = "none, gzip, snappy, lz4 or zstd, with :LEVEL where a codec has levels"},
    {.long_name = "linger",
     .kind = ValueKind::duration,
     .value_name = "DUR",
     .fallback = "5ms",
     .group = "Delivery",
     .help = "a batch waits so long for more records",
     .into = cli::into<&Options::producer, &client::ProducerOptions::linger>},
    {.long_name = "batch",
     .kind = ValueKind::size,
     .value_name = "SIZE",
     .fallback = "256K",
     .group = "Delivery",
     .help = "a batch is sent when it is so large",
     .into = cli::into<&Options::producer, &client::ProducerOptions::batch_bytes>},
    {.long_name = "inflight",
     .kind = ValueKind::number,
     .value_name = "N",
     .fallback = "5",
     .group = "Delivery",
     .help = "requests to one broker without an answer yet",
     .number_min = 1,
     .number_max = 1000,
     .into = cli::into<&Options::producer, &client::ProducerOptions::inflight_max>},
    {.short_name = 'r',
     .long_name = "rate",
     .value_name = "RATE",
     .fallback_note = "no limit",
     .group = "Delivery",
     .help = "at most so many records (1000/s, 50k/m) or bytes (10MB/s)"},
    {.long_name = "retry",
     .value_name = "forever|DUR|0",
     .fallback = "forever",
     .group = "Delivery",
     .help =
         "how long a batch that fails is tried again, once the broker was reached; 0 is one attempt. The input waits "
         "meanwhile"},
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
    .operands = {.min = 1}};

std::expected<record::Codec, std::string> parse_codec(std::string_view name) {
  for (const record::Codec codec :
       {record::Codec::none, record::Codec::gzip, record::Codec::snappy, record::Codec::lz4, record::Codec::zstd})
    if (name == record::name_of(codec)) return codec;
  return std::unexpected(std::string("there is no such codec; none, gzip, snappy, lz4 and zstd are"));
}

}  // namespace

const cli::ToolRow& tool() { return kTool; }

std::expected<Options, cli::Ending> understand(const cli::Arguments& args) {
  Options options;
  args.fill(options);
  const auto bad = [&](std::string_view name, const cli::ValueError& error) {
    return std::unexpected(args.usage_error(name, args.text(name), error));
  };
  options.topic = args.operands().front();
  if (const char* problem = topic_name_problem(options.topic))
    return std::unexpected(
        args.usage_error("TOPIC", options.topic, {.at = 0, .size = options.topic.size(), .why = problem}));
  options.files.assign(args.operands().begin() + 1, args.operands().end());

  auto delimiter = cli::unescape(args.text("delimiter"));
  if (!delimiter) return bad("delimiter", delimiter.error());
  if (delimiter->empty()) return bad("delimiter", {.at = 0, .size = 0, .why = "a delimiter has at least one byte"});
  options.delimiter = args.flag("null") ? std::string(1, '\0') : *delimiter;
  if (args.has("key-delimiter")) {
    auto text = cli::unescape(args.text("key-delimiter"));
    if (!text) return bad("key-delimiter", text.error());
    if (text->empty()) return bad("key-delimiter", {.at = 0, .size = 0, .why = "a delimiter has at least one byte"});
    options.key_delimiter = *text;
  }
  constexpr std::uint64_t kRecordBytesMax = 1u << 30;  // lengths in a batch are 32 bits, with a sign
  if (options.record_bytes_max > kRecordBytesMax)
    return bad("max-record", {.at = 0, .size = args.text("max-record").size(), .why = "must be at most 1G"});

  client::ProducerOptions& producer = options.producer;
  const std::string& acks = args.text("acks");
  producer.acks = acks == "all" ? client::Acks::all : acks == "1" ? client::Acks::leader : client::Acks::none;
  producer.idempotent = producer.acks == client::Acks::all && !args.flag("no-idempotent");
  const std::string_view compress = args.text("compress");
  const auto colon = compress.find(':');
  if (auto codec = parse_codec(compress.substr(0, colon))) {
    producer.codec = *codec;
  } else {
    return bad("compress", {.at = 0, .size = std::min(colon, compress.size()), .why = codec.error()});
  }
  if (colon != std::string_view::npos) {
    const std::string_view level = compress.substr(colon + 1);
    const auto [end, error] = std::from_chars(level.data(), level.data() + level.size(), producer.level);
    if (error != std::errc{} || end != level.data() + level.size())
      return bad("compress", {.at = colon + 1, .size = level.size(), .why = "a level is a number"});
  }
  if (producer.idempotent && producer.inflight_max > 5)
    return bad("inflight", {.at = 0,
                            .size = args.text("inflight").size(),
                            .why = "with idempotence at most 5; use --no-idempotent for more"});

  const std::string& retry = args.text("retry");
  if (retry == "0") {
    producer.delivery = client::RetryPolicy::none();
  } else if (retry != "forever") {
    auto limit = cli::parse_duration(retry);
    if (!limit) return bad("retry", limit.error());
    producer.delivery = client::RetryPolicy::within(*limit);
  }
  if (args.has("rate")) {
    auto rate = cli::parse_rate(args.text("rate"));
    if (!rate) return bad("rate", rate.error());
    (rate->is_bytes ? options.rate.bytes_per_second : options.rate.records_per_second) = rate->per_second;
  }
  return options;
}

}  // namespace mq::mqprod
