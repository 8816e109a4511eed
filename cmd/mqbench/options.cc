#include "options.h"

#include <algorithm>
#include <string_view>

#include "stamped_record.h"
#include "tool/delivery.h"

namespace mq::mqbench {
namespace {

using cli::ValueKind;

constexpr int kManyMax = 10000;  ///< connections, producers, partitions

consteval cli::OptionRow with_fallback(cli::OptionRow row, std::string_view fallback) {
  row.fallback = fallback;
  row.fallback_note = "";
  return row;
}

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
                               .number_max = 64 << 20,
                               .into = cli::into<&Options::record_bytes>};
constexpr cli::OptionRow kStampedSize = [] {
  cli::OptionRow row = kSize;
  row.help = "bytes of a record's value; the first 48 are a stamp that is checked";
  row.number_min = kStampBytes;
  return row;
}();
static_assert(kStampBytes == 48);
constexpr cli::OptionRow kRate{
    .short_name = 'r',
    .long_name = "rate",
    .value_name = "RATE",
    .fallback_note = "no limit",
    .group = "Load",
    .help = "so many records (1000/s, 50k/m) or bytes (10MB/s), by a schedule fixed in advance",
    .into = cli::parsed_into<cli::parse_rate, &Options::rate>};
constexpr cli::OptionRow kE2eRate = with_fallback(kRate, "1000/s");
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
/// Of what is said of a topic that mqbench makes: not of one that is named.
constexpr cli::OperandRelation kWithoutTopic{.kind = cli::OperandRelation::Kind::excludes, .operand = "TOPIC"};
constexpr cli::OptionRow kPartitions{.long_name = "partitions",
                                     .kind = ValueKind::number,
                                     .value_name = "N",
                                     .fallback = "1",
                                     .group = "Topic",
                                     .help = "partitions of the topic that is made",
                                     .number_min = 1,
                                     .number_max = kManyMax,
                                     .operands = kWithoutTopic,
                                     .into = cli::into<&Options::partitions>};
constexpr cli::OptionRow kTopicConfig{.long_name = "topic-config",
                                      .value_name = "KEY=VALUE",
                                      .group = "Topic",
                                      .help = "a setting of the topic that is made",
                                      .repeatable = true,
                                      .operands = kWithoutTopic,
                                      .into = cli::parsed_into<cli::parse_setting, &Options::topic_configs>};
constexpr cli::OptionRow kKeep{.long_name = "keep",
                               .kind = ValueKind::flag,
                               .group = "Topic",
                               .help = "do not delete the topic that was made",
                               .into = cli::into<&Options::keep>};
constexpr cli::OptionRow kAcks = tool::kAcks<Options>;
constexpr cli::OptionRow kNoIdempotent = tool::kNoIdempotent<Options>;
constexpr cli::OptionRow kBatch = tool::kBatch<Options>;
constexpr cli::OptionRow kInflight = tool::kInflight<Options>;
constexpr cli::OptionRow kCompress{
    .short_name = 'z',
    .long_name = "compress",
    .kind = ValueKind::choice,
    .value_name = "CODEC",
    .fallback = "none",
    .choices = "none|gzip|snappy|lz4|zstd",
    .group = "Delivery",
    .help = "compression of the batches",
    .into = cli::parsed_into<tool::parse_codec, &Options::producer, &client::ProducerOptions::codec>};
constexpr cli::OptionRow kLinger{.long_name = "linger",
                                 .kind = ValueKind::duration,
                                 .value_name = "DUR",
                                 .fallback = "5ms",
                                 .group = "Delivery",
                                 .help = "a batch waits so long for more records",
                                 .into = cli::into<&Options::producer, &client::ProducerOptions::linger>};
constexpr cli::OptionRow kE2eLinger = with_fallback(kLinger, "0ms");
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
constexpr cli::OptionRow kE2eOptions[] = {kDuration,    kCount,        kWarmup, kStampedSize, kE2eRate,   kPartitions,
                                          kTopicConfig, kKeep,         kAcks,   kCompress,    kE2eLinger, kBatch,
                                          kInflight,    kNoIdempotent, kDrain,  kBrokerPid,   kJson};
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
     .help = "what the broker answers after: on every in-sync replica, or on the leader",
     .into = cli::parsed_into<tool::parse_acks, &Options::producer, &client::ProducerOptions::acks>},
    kBrokerPid,
    kJson};
constexpr cli::OptionRow kVerifyOptions[] = {
    kDuration,
    kCount,
    kStampedSize,
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
    {.long_name = "fault",
     .value_name = "CMD@DUR",
     .group = "Load",
     .help = "after so long run a shell command that breaks and mends something",
     .repeatable = true,
     .excludes = "check",
     .into = cli::parsed_into<parse_fault, &Options::faults>},
    {.long_name = "history",
     .value_name = "FILE",
     .group = "Output",
     .help = "also write into FILE what every client asked for and was told, to be judged",
     .into = cli::into<&Options::history>},
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
    {.name = "longest_ack_gap_ms", .help = "the longest time without an acknowledgement; with --rate"},
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

constexpr cli::OperandCount kMaybeTopic{.min = 0, .max = 1, .topics = 1};
constexpr cli::Example kProduceExamples[] = {
    {"how fast 1 KiB records go in, and what they cost the broker", "mqbench produce -s 1K --broker-pid $(pidof mqd)"}};
constexpr cli::Example kConsumeExamples[] = {
    {"how fast records come out", "mqbench consume -s 1K --broker-pid $(pidof mqd)"}};
constexpr cli::Example kE2eExamples[] = {{"honest latency at 10,000 records a second", "mqbench e2e -r 10k/s -t 60s"}};
constexpr cli::Example kRpcExamples[] = {{"one record a request, sixteen at a time", "mqbench rpc --connections 16"}};
constexpr cli::Example kVerifyExamples[] = {
    {"is anything lost when the broker dies?",
     "mqbench verify --produce marks -t 1m --keep; mqbench verify --check marks"},
    {"which promises does it break when it is killed and started again?",
     "mqbench verify -r 10k/s -t 1m --fault restart-broker@20s --history run.jsonl; mq_check run.jsonl"}};
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
        "broker in between.\n\n"
        "With --fault it runs commands while it writes: each breaks something and ends when that is mended. With "
        "--history it also reads while it writes, asks for the ends of the logs ten times a second, and notes what "
        "every "
        "client asked for and was told. mq_check, which is built with the tests, says which of the promises that "
        "brokers "
        "make do not hold in such a file; docs/histories.md has them. The two halves write a file each, and both are "
        "judged together.",
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

void fit_buffers(client::ProducerOptions& producer, std::size_t record_bytes) {
  producer.request_bytes_max = std::max(producer.request_bytes_max, producer.batch_bytes);
  // Twice what is in flight: the broker never waits for us, and what we fill is still in the processor's cache.
  const std::size_t in_flight = producer.batch_bytes * static_cast<std::size_t>(producer.inflight_max);
  producer.buffer_bytes_max = std::max<std::size_t>(2 * in_flight, 4 * record_bytes);
}

}  // namespace

const cli::ToolRow& tool() { return kTool; }

double Options::records_per_second() const {
  if (!rate) return 0;
  return rate->is_bytes ? rate->per_second / static_cast<double>(std::max<std::size_t>(record_bytes, 1))
                        : rate->per_second;
}

Options understand(const cli::Arguments& args) {
  Options options;
  options.command = command_of(args.command());
  args.fill(options);
  if (options.command == Command::limit) return options;
  if (!args.has("duration") && !args.has("count")) options.duration = 10s;
  if (!args.operands().empty()) options.topic = args.operands().front();
  // A benchmark that waits for a broker measures nothing; a check of what survives waits as long as it takes.
  if (options.command == Command::produce || options.command == Command::e2e)
    options.producer.delivery = client::RetryPolicy::within(args.duration("timeout"));
  if (options.command != Command::rpc) fit_buffers(options.producer, options.record_bytes);
  return options;
}

}  // namespace mq::mqbench
