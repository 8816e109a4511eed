#include "options.h"

#include <algorithm>
#include <string_view>

#include "cli/units.h"
#include "model/ids.h"
#include "record/codec.h"
#include "stamped_record.h"

namespace mq::mqbench {
namespace {

using cli::ValueKind;

constexpr int kManyMax = 10000;  ///< connections, producers, partitions

constexpr cli::OptionRow kJson{.long_name = "json",
                               .kind = ValueKind::flag,
                               .group = "Output",
                               .help = "one JSON object instead of lines",
                               .into = cli::into<&Options::json>};
constexpr cli::OptionRow kDuration{.short_name = 't',
                                   .long_name = "duration",
                                   .kind = ValueKind::duration,
                                   .value_name = "DUR",
                                   .fallback_note = "10s, or as long as --count takes",
                                   .group = "Load",
                                   .help = "measure so long",
                                   .into = cli::into<&Options::duration>};
constexpr cli::OptionRow kCount{.short_name = 'c',
                                .long_name = "count",
                                .kind = ValueKind::number,
                                .value_name = "N",
                                .group = "Load",
                                .help = "measure so many records; the first of -t and -c ends it",
                                .number_min = 1,
                                .into = cli::into<&Options::count_max>};
constexpr cli::OptionRow kWarmup{.short_name = 'w',
                                 .long_name = "warmup",
                                 .kind = ValueKind::duration,
                                 .value_name = "DUR",
                                 .fallback = "1s",
                                 .group = "Load",
                                 .help = "run so long before measuring",
                                 .into = cli::into<&Options::warmup>};
constexpr cli::OptionRow kSize{.short_name = 's',
                               .long_name = "size",
                               .kind = ValueKind::size,
                               .value_name = "SIZE",
                               .fallback = "100",
                               .group = "Load",
                               .help = "bytes of a record's value",
                               .into = cli::into<&Options::record_bytes>};
constexpr cli::OptionRow kRate{
    .short_name = 'r',
    .long_name = "rate",
    .value_name = "RATE",
    .fallback_note = "no limit; 1000/s in e2e",
    .group = "Load",
    .help = "so many records (1000/s, 50k/m) or bytes (10MB/s), by a schedule fixed in advance"};
constexpr cli::OptionRow kProducers{.long_name = "producers",
                                    .kind = ValueKind::number,
                                    .value_name = "N",
                                    .fallback = "1",
                                    .group = "Load",
                                    .help = "producers, each with connections of its own",
                                    .number_min = 1,
                                    .number_max = kManyMax,
                                    .into = cli::into<&Options::producers>};
constexpr cli::OptionRow kConnections{.long_name = "connections",
                                      .kind = ValueKind::number,
                                      .value_name = "N",
                                      .fallback = "1",
                                      .group = "Load",
                                      .help = "connections, each with its own work",
                                      .number_min = 1,
                                      .number_max = kManyMax,
                                      .into = cli::into<&Options::connections>};
constexpr cli::OptionRow kPartitions{.long_name = "partitions",
                                     .kind = ValueKind::number,
                                     .value_name = "N",
                                     .fallback = "1",
                                     .group = "Topic",
                                     .help = "partitions of the topic that is made",
                                     .number_min = 1,
                                     .number_max = kManyMax,
                                     .into = cli::into<&Options::partitions>};
constexpr cli::OptionRow kTopicConfig{.long_name = "topic-config",
                                      .value_name = "KEY=VALUE",
                                      .group = "Topic",
                                      .help = "a setting of the topic that is made",
                                      .repeatable = true};
constexpr cli::OptionRow kKeep{.long_name = "keep",
                               .kind = ValueKind::flag,
                               .group = "Topic",
                               .help = "do not delete the topic that was made",
                               .into = cli::into<&Options::keep>};
constexpr cli::OptionRow kAcks{.short_name = 'a',
                               .long_name = "acks",
                               .kind = ValueKind::choice,
                               .value_name = "all|1|0",
                               .fallback = "all",
                               .choices = "all|1|0",
                               .group = "Delivery",
                               .help = "what counts as sent: on every in-sync replica, on the leader, or on its way"};
constexpr cli::OptionRow kCompress{.short_name = 'z',
                                   .long_name = "compress",
                                   .kind = ValueKind::choice,
                                   .value_name = "CODEC",
                                   .fallback = "none",
                                   .choices = "none|gzip|snappy|lz4|zstd",
                                   .group = "Delivery",
                                   .help = "compression of the batches"};
constexpr cli::OptionRow kLinger{.long_name = "linger",
                                 .kind = ValueKind::duration,
                                 .value_name = "DUR",
                                 .fallback_note = "5ms; 0ms in e2e",
                                 .group = "Delivery",
                                 .help = "a batch waits so long for more records",
                                 .into = cli::into<&Options::producer, &client::ProducerOptions::linger>};
constexpr cli::OptionRow kBatch{.long_name = "batch",
                                .kind = ValueKind::size,
                                .value_name = "SIZE",
                                .fallback = "256K",
                                .group = "Delivery",
                                .help = "a batch is sent when it is so large",
                                .into = cli::into<&Options::producer, &client::ProducerOptions::batch_bytes>};
constexpr cli::OptionRow kInflight{.long_name = "inflight",
                                   .kind = ValueKind::number,
                                   .value_name = "N",
                                   .fallback = "5",
                                   .group = "Delivery",
                                   .help = "requests to one broker without an answer yet",
                                   .number_min = 1,
                                   .number_max = 1000,
                                   .into = cli::into<&Options::producer, &client::ProducerOptions::inflight_max>};
constexpr cli::OptionRow kNoIdempotent{
    .long_name = "no-idempotent",
    .kind = ValueKind::flag,
    .group = "Delivery",
    .help = "allow duplicates and another order when a request is sent again; -a 1 and -a 0 imply it"};
constexpr cli::OptionRow kDrain{.long_name = "drain",
                                .kind = ValueKind::duration,
                                .value_name = "DUR",
                                .fallback = "30s",
                                .group = "Delivery",
                                .help = "at the end wait so long for what is on its way",
                                .into = cli::into<&Options::drain>};
constexpr cli::OptionRow kBrokerPid{.long_name = "broker-pid",
                                    .kind = ValueKind::number,
                                    .value_name = "PID",
                                    .group = "Output",
                                    .help = "also tell the processor time of this process, a broker on this machine",
                                    .number_min = 1,
                                    .number_max = 2147483647,
                                    .into = cli::into<&Options::broker_pid>};

constexpr cli::OptionRow kProduceOptions[] = {kDuration,   kCount,       kWarmup,       kSize,  kRate,      kProducers,
                                              kPartitions, kTopicConfig, kKeep,         kAcks,  kCompress,  kLinger,
                                              kBatch,      kInflight,    kNoIdempotent, kDrain, kBrokerPid, kJson};
constexpr cli::OptionRow kConsumeOptions[] = {
    kDuration,
    kCount,
    kWarmup,
    kSize,
    kConnections,
    kPartitions,
    kTopicConfig,
    kKeep,
    kCompress,
    kBatch,
    {.long_name = "backlog",
     .kind = ValueKind::size,
     .value_name = "SIZE",
     .fallback = "512M",
     .group = "Load",
     .help = "fill the topic that is made with so much; it is read again and again",
     .into = cli::into<&Options::backlog_bytes>},
    {.long_name = "decode",
     .kind = ValueKind::flag,
     .group = "Load",
     .help = "decompress batches and walk over their records; otherwise only their CRC is checked",
     .into = cli::into<&Options::decode>},
    kDrain,
    kBrokerPid,
    kJson};
constexpr cli::OptionRow kE2eOptions[] = {kDuration,    kCount,        kWarmup, kSize,      kRate,   kPartitions,
                                          kTopicConfig, kKeep,         kAcks,   kCompress,  kLinger, kBatch,
                                          kInflight,    kNoIdempotent, kDrain,  kBrokerPid, kJson};
constexpr cli::OptionRow kRpcOptions[] = {
    kDuration,
    kCount,
    kWarmup,
    kSize,
    kConnections,
    kPartitions,
    kTopicConfig,
    kKeep,
    {.short_name = 'a',
     .long_name = "acks",
     .kind = ValueKind::choice,
     .value_name = "all|1",
     .fallback = "all",
     .choices = "all|1",
     .group = "Delivery",
     .help = "what the broker answers after: on every in-sync replica, or on the leader"},
    kBrokerPid,
    kJson};
constexpr cli::OptionRow kVerifyOptions[] = {kDuration,
                                             kCount,
                                             kSize,
                                             kRate,
                                             kProducers,
                                             kPartitions,
                                             kTopicConfig,
                                             kKeep,
                                             kAcks,
                                             kCompress,
                                             kLinger,
                                             kBatch,
                                             kInflight,
                                             kNoIdempotent,
                                             kDrain,
                                             {.long_name = "produce",
                                              .value_name = "FILE",
                                              .group = "Halves",
                                              .help = "only write, and note in FILE what was acknowledged",
                                              .into = cli::into<&Options::produce_marks>},
                                             {.long_name = "check",
                                              .value_name = "FILE",
                                              .group = "Halves",
                                              .help = "only read, and compare with what FILE notes",
                                              .excludes = "produce",
                                              .into = cli::into<&Options::check_marks>},
                                             kJson};
constexpr cli::OptionRow kLimitOptions[] = {{.short_name = 'd',
                                             .long_name = "directory",
                                             .value_name = "DIR",
                                             .fallback = ".",
                                             .fallback_note = "the working directory",
                                             .group = "Load",
                                             .help = "measure the disk here; needs 256 MiB, removed afterwards",
                                             .into = cli::into<&Options::directory>},
                                            kJson};

// The fields of the reports. A * stands for p50, p90, p99, p999 and max.
constexpr cli::ColumnRow kCommandField{.name = "command", .help = "what was measured"};
constexpr cli::ColumnRow kTopicField{.name = "topic", .help = "with which topic"};
constexpr cli::ColumnRow kPartialField{.name = "partial",
                                       .help = "true after a signal: not all was done; else left out"};
constexpr cli::ColumnRow kRecordBytesField{.name = "record_bytes", .help = "of a record's value"};
constexpr cli::ColumnRow kConnectionsField{.name = "connections", .help = "as asked for"};
constexpr cli::ColumnRow kSecondsField{.name = "seconds", .help = "what was measured took, without the warm-up"};
constexpr cli::ColumnRow kRecordsPerSecondField{.name = "records_per_s", .help = "records in a second"};
constexpr cli::ColumnRow kMbPerSecondField{.name = "mb_per_s", .help = "10^6 bytes of values in a second"};
constexpr cli::ColumnRow kCpuField{.name = "broker_cpu_s",
                                   .help = "processor time of --broker-pid while measuring; left out without it"};
constexpr cli::ColumnRow kCpuRecordField{.name = "broker_cpu_us_per_record", .help = "the same for a record"};
constexpr cli::ColumnRow kCpuGbField{.name = "broker_cpu_s_per_gb", .help = "the same for 10^9 bytes"};
constexpr cli::ColumnRow kUnsentField{
    .name = "unsent", .help = "records that were due while measuring and found no room until the end; with --rate"};

constexpr cli::ColumnRow kProduceFields[] = {
    kCommandField,
    kTopicField,
    kPartialField,
    kRecordBytesField,
    kSecondsField,
    {.name = "records", .help = "acknowledged while measuring"},
    kRecordsPerSecondField,
    kMbPerSecondField,
    kCpuField,
    kCpuRecordField,
    kCpuGbField,
    kUnsentField,
    {.name = "latency_*_us", .help = "from sending a record until it was acknowledged; without --rate"},
    {.name = "response_*_us", .help = "from when a record was due until it was acknowledged; with --rate"},
    {.name = "lateness_*_us", .help = "from when a record was due until it was sent; with --rate"},
};
constexpr cli::ColumnRow kConsumeFields[] = {
    kCommandField,
    kTopicField,
    kPartialField,
    kConnectionsField,
    kSecondsField,
    {.name = "records", .help = "read while measuring"},
    kRecordsPerSecondField,
    {.name = "mb_per_s", .help = "10^6 bytes of batches, as they are stored, in a second"},
    kCpuField,
    kCpuRecordField,
    kCpuGbField,
};
constexpr cli::ColumnRow kE2eFields[] = {
    kCommandField,
    kTopicField,
    kPartialField,
    kRecordBytesField,
    {.name = "intended_per_s", .help = "records that were due in a second"},
    kSecondsField,
    {.name = "records", .help = "read while measuring"},
    kRecordsPerSecondField,
    kMbPerSecondField,
    kCpuField,
    kCpuRecordField,
    kCpuGbField,
    kUnsentField,
    {.name = "missing", .help = "records that were sent and not read within --drain; then the exit status is 1"},
    {.name = "response_*_us", .help = "from when a record was due until it was read"},
    {.name = "service_*_us", .help = "from sending a record until it was read"},
};
constexpr cli::ColumnRow kRpcFields[] = {
    kCommandField,
    kTopicField,
    kPartialField,
    kRecordBytesField,
    kConnectionsField,
    kSecondsField,
    {.name = "records", .help = "acknowledged while measuring"},
    kRecordsPerSecondField,
    kMbPerSecondField,
    kCpuField,
    kCpuRecordField,
    kCpuGbField,
    {.name = "latency_*_us", .help = "from a request to its answer; the next one waits for it"},
};
constexpr cli::ColumnRow kVerifyFields[] = {
    kCommandField,
    kTopicField,
    kPartialField,
    {.name = "sent", .help = "records; not with --check"},
    {.name = "acknowledged", .help = "of them; not with --check"},
    {.name = "given_up", .help = "not acknowledged in the end: they may be there or not; not with --check"},
    {.name = "checked", .help = "records of the run that were read; this and what follows not with --produce"},
    {.name = "lost", .help = "acknowledged and not there"},
    {.name = "duplicate", .help = "there more than once"},
    {.name = "reordered", .help = "behind records that were sent later"},
    {.name = "corrupt", .help = "not the bytes that were sent, or not readable"},
    {.name = "foreign", .help = "records of others, which are passed over"},
};
constexpr cli::ColumnRow kLimitFields[] = {
    kCommandField,
    {.name = "page_cache_write_mb_per_s", .help = "10^6 bytes written to a file in a second"},
    {.name = "fdatasync_*_us", .help = "a sync of 4 KiB that were appended"},
    {.name = "loopback_round_trip_*_us", .help = "one byte to another thread and back, over TCP"},
    {.name = "sendfile_mb_per_s", .help = "10^6 bytes of a file sent to another thread in a second"},
};
constexpr cli::OutputRow kProduceOutputs[] = {{.when = "", .columns = kProduceFields}};
constexpr cli::OutputRow kConsumeOutputs[] = {{.when = "", .columns = kConsumeFields}};
constexpr cli::OutputRow kE2eOutputs[] = {{.when = "", .columns = kE2eFields}};
constexpr cli::OutputRow kRpcOutputs[] = {{.when = "", .columns = kRpcFields}};
constexpr cli::OutputRow kVerifyOutputs[] = {{.when = "", .columns = kVerifyFields}};
constexpr cli::OutputRow kLimitOutputs[] = {{.when = "", .columns = kLimitFields}};

constexpr cli::OperandCount kMaybeTopic{.min = 0, .max = 1};
constexpr cli::Example kProduceExamples[] = {
    {"how fast 1 KiB records go in, and what they cost the broker", "mqbench produce -s 1K --broker-pid $(pidof mqd)"}};
constexpr cli::Example kConsumeExamples[] = {
    {"how fast records come out", "mqbench consume -s 1K --broker-pid $(pidof mqd)"}};
constexpr cli::Example kE2eExamples[] = {{"honest latency at 10,000 records a second", "mqbench e2e -r 10k/s -t 60s"}};
constexpr cli::Example kRpcExamples[] = {{"one record a request, sixteen at a time", "mqbench rpc --connections 16"}};
constexpr cli::Example kVerifyExamples[] = {
    {"is anything lost when the broker dies?",
     "mqbench verify --produce marks -t 1m --keep; mqbench verify --check marks"}};
constexpr cli::Example kLimitExamples[] = {{"what the machine itself can do", "mqbench limit -d /var/lib/mqd"}};

constexpr cli::CommandRow kProduce{.name = "produce",
                                   .operands_text = "[TOPIC]",
                                   .summary = "write as much as goes, or at a rate",
                                   .operands = kMaybeTopic,
                                   .effect = cli::Effect::changes,
                                   .options = kProduceOptions,
                                   .examples = kProduceExamples,
                                   .outputs = kProduceOutputs};
constexpr cli::CommandRow kConsume{.name = "consume",
                                   .operands_text = "[TOPIC]",
                                   .summary = "read as much as comes",
                                   .operands = kMaybeTopic,
                                   .effect = cli::Effect::changes,
                                   .options = kConsumeOptions,
                                   .examples = kConsumeExamples,
                                   .outputs = kConsumeOutputs};
constexpr cli::CommandRow kE2e{.name = "e2e",
                               .operands_text = "[TOPIC]",
                               .summary = "latency from producer to consumer at a fixed rate",
                               .operands = kMaybeTopic,
                               .effect = cli::Effect::changes,
                               .options = kE2eOptions,
                               .examples = kE2eExamples,
                               .outputs = kE2eOutputs};
constexpr cli::CommandRow kRpc{.name = "rpc",
                               .operands_text = "[TOPIC]",
                               .summary = "one record a request, one request in flight on each connection",
                               .operands = kMaybeTopic,
                               .effect = cli::Effect::changes,
                               .options = kRpcOptions,
                               .examples = kRpcExamples,
                               .outputs = kRpcOutputs};
constexpr cli::CommandRow kVerify{.name = "verify",
                                  .operands_text = "[TOPIC]",
                                  .summary = "find what is lost, doubled, out of order or corrupt",
                                  .operands = kMaybeTopic,
                                  .effect = cli::Effect::changes,
                                  .options = kVerifyOptions,
                                  .examples = kVerifyExamples,
                                  .outputs = kVerifyOutputs};
constexpr cli::CommandRow kLimit{.name = "limit",
                                 .summary = "what this machine can do without a broker",
                                 .options = kLimitOptions,
                                 .examples = kLimitExamples,
                                 .outputs = kLimitOutputs};
constexpr const cli::CommandRow* kCommands[] = {&kProduce, &kConsume, &kE2e, &kRpc, &kVerify, &kLimit};

constexpr std::string_view kUsage[] = {"COMMAND [OPTION]... [TOPIC]"};
constexpr cli::Example kExamples[] = {
    {"the broker's speed with large batches", "mqbench produce -s 1K"},
    {"its speed with one record in each request", "mqbench rpc --connections 16"},
    {"does it keep what it acknowledged?", "mqbench verify -c 1000000"},
};
constexpr cli::ToolRow kTool{
    .name = "mqbench",
    .summary = "measure a broker",
    .usage = kUsage,
    .description =
        "mqbench loads a broker and says how it did. Without TOPIC it makes a topic and deletes it at the end.\n\n"
        "Latencies have two sides. Service is counted from when a record was really sent; response from when it should "
        "have been sent by the "
        "schedule. A stall of the broker delays the records behind it too, and only response shows that. Latencies are "
        "those of what was due while measuring, however late it was done. In names of fields a * stands for p50, p90, "
        "p99, "
        "p999 and max.\n\n"
        "verify gives every record a producer, a sequence and a CRC, reads all of them back and exits with 7 when "
        "something acknowledged is "
        "lost, or anything is doubled, out of order or corrupt. It may be done in two halves, with a crash of the "
        "broker in between.",
    .commands = kCommands,
    .examples = kExamples};

Command command_of(const cli::CommandRow* row) {
  if (row == &kConsume) return Command::consume;
  if (row == &kE2e) return Command::e2e;
  if (row == &kRpc) return Command::rpc;
  if (row == &kVerify) return Command::verify;
  if (row == &kLimit) return Command::limit;
  return Command::produce;
}

/// Reads the options of those commands that have them.
class Understanding {
 public:
  explicit Understanding(const cli::Arguments& args) : args_(args) { options_.command = command_of(args.command()); }

  std::expected<Options, cli::Ending> finish() {
    args_.fill(options_);
    if (options_.command == Command::limit) return std::move(options_);
    read_load();
    read_topic();
    if (has(Command::produce, Command::e2e, Command::verify)) read_delivery();
    if (has(Command::rpc))
      options_.producer.acks = args_.text("acks") == "1" ? client::Acks::leader : client::Acks::all;
    if (has(Command::consume)) read_batches();
    if (ending_) return std::unexpected(*std::move(ending_));
    return std::move(options_);
  }

 private:
  template <class... Commands>
  [[nodiscard]] bool has(Commands... commands) const {
    return ((options_.command == commands) || ...);
  }
  void bad(std::string_view name, std::string_view text, cli::ValueError error) {
    if (!ending_) ending_ = args_.usage_error(name, text, error);
  }
  void bad(std::string_view name, std::string why) {
    bad(name, args_.text(name), {.at = 0, .size = args_.text(name).size(), .why = std::move(why)});
  }

  void read_load() {
    if (!args_.has("duration") && !args_.has("count")) options_.duration = 10s;
    constexpr std::size_t kRecordBytesMax = 64 << 20;
    if (options_.record_bytes > kRecordBytesMax) bad("size", "at most 64 MiB");
    if (has(Command::verify, Command::e2e) && options_.record_bytes < kStampBytes)
      bad("size", fmt::format("at least the {} bytes of the stamp that is checked", kStampBytes));
    if (has(Command::e2e)) options_.rate = 1000;
    if (has(Command::produce, Command::e2e, Command::verify) && args_.has("rate")) {
      auto rate = cli::parse_rate(args_.text("rate"));
      if (!rate) return bad("rate", args_.text("rate"), rate.error());
      options_.rate = rate->is_bytes
                          ? rate->per_second / static_cast<double>(std::max<std::size_t>(options_.record_bytes, 1))
                          : rate->per_second;
    }
  }

  void read_topic() {
    if (!args_.operands().empty()) options_.topic = args_.operands().front();
    if (const char* problem = options_.topic.empty() ? nullptr : topic_name_problem(options_.topic))
      bad("TOPIC", options_.topic, {.at = 0, .size = options_.topic.size(), .why = problem});
    for (const std::string_view name : {"partitions", "topic-config"})
      if (!options_.topic.empty() && args_.given(name)) bad(name, "of a topic that mqbench makes; this one is named");
    for (const std::string& setting : args_.texts("topic-config")) {
      const auto equals = setting.find('=');
      if (equals == std::string::npos)
        return bad("topic-config", setting, {.at = setting.size(), .size = 0, .why = "a setting is KEY=VALUE"});
      options_.topic_configs.emplace_back(setting.substr(0, equals), setting.substr(equals + 1));
    }
  }

  void read_batches() {
    if (auto codec = record::parse_codec(args_.text("compress"))) options_.producer.codec = *codec;
    options_.producer.request_bytes_max = std::max(options_.producer.request_bytes_max, options_.producer.batch_bytes);
    // Twice what is in flight: the broker never waits for us, and what we fill is still in the processor's cache.
    const std::size_t in_flight =
        options_.producer.batch_bytes * static_cast<std::size_t>(options_.producer.inflight_max);
    options_.producer.buffer_bytes_max = std::max<std::size_t>(2 * in_flight, 4 * options_.record_bytes);
  }

  void read_delivery() {
    client::ProducerOptions& producer = options_.producer;
    const std::string& acks = args_.text("acks");
    producer.acks = acks == "all" ? client::Acks::all : acks == "1" ? client::Acks::leader : client::Acks::none;
    producer.idempotent = producer.acks == client::Acks::all && !args_.flag("no-idempotent");
    if (producer.idempotent && producer.inflight_max > 5)
      bad("inflight", "with idempotence at most 5; use --no-idempotent for more");
    if (has(Command::e2e) && !args_.has("linger")) producer.linger = 0ms;
    // A benchmark that waits for a broker measures nothing; a check of what survives waits as long as it takes.
    producer.delivery =
        has(Command::verify) ? client::RetryPolicy::forever() : client::RetryPolicy::within(args_.duration("timeout"));
    read_batches();
  }

  const cli::Arguments& args_;
  Options options_;
  std::optional<cli::Ending> ending_;
};

}  // namespace

const cli::ToolRow& tool() { return kTool; }

std::expected<Options, cli::Ending> understand(const cli::Arguments& args) { return Understanding(args).finish(); }

}  // namespace mq::mqbench
