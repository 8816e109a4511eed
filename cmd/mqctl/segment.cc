#include "log/segment.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <optional>
#include <utility>

#include "cli/envelope.h"
#include "cli/escape.h"
#include "cli/position.h"
#include "cli/record_format.h"
#include "command.h"
#include "log/directory_contents.h"
#include "log/segment_check.h"
#include "log/segment_reader.h"
#include "record/record.h"

namespace mq::mqctl {
namespace {

constexpr Offset kNoOffset{std::numeric_limits<std::int64_t>::max()};
/// What is written at once when records stream to standard output.
constexpr std::size_t kChunkBytes = 256 << 10;
/// Every data directory has it, also before the first topic.
constexpr std::string_view kIdentityFile = "meta.properties";

cli::Cell time_cell(WallMillis time) {
  if (time < 0) return std::monostate{};
  return time;
}

cli::Cell number_cell(std::int64_t number) {
  if (number < 0) return std::monostate{};
  return number;
}

Result<bool> has_file(env::Files& files, const std::string& directory, std::string_view name) {
  return files.exists(directory + "/" + std::string(name));
}

/// A partition that nobody has written to yet has its metadata and no segment.
Result<bool> is_partition_directory(env::Files& files, const std::string& path) {
  MQ_TRY(const auto contents, log::read_directory(files, path));
  if (!contents.segments.empty()) return true;
  return has_file(files, path, log::kMetadataFile);
}

/// Partition directories under `path`: itself, or those of a data directory, one level down, which may be none.
Result<std::vector<std::string>> partition_directories(env::Files& files, const std::string& path) {
  MQ_TRY(const bool is_partition, is_partition_directory(files, path));
  if (is_partition) return std::vector{path};
  std::vector<std::string> found;
  MQ_TRY(const auto entries, files.list(path));
  for (const env::DirEntry& entry : entries) {
    if (!entry.is_directory) continue;
    const std::string inner = path + "/" + entry.name;
    MQ_TRY(const bool is_inner_partition, is_partition_directory(files, inner));
    if (is_inner_partition) found.push_back(inner);
  }
  MQ_TRY(const bool is_data_directory, has_file(files, path, kIdentityFile));
  if (found.empty() && !is_data_directory)
    return fail(Errc::not_found, "{}: neither a partition's directory nor one with partitions in it", path);
  return found;
}

bool is_directory(env::Files& files, const std::string& path) { return files.list(path).has_value(); }

std::string without_slash(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

/// The `.log` files that the operands mean. What is not there is complained about.
std::vector<std::string> segment_files(Console& console) {
  std::vector<std::string> paths;
  env::Files& files = console.files();
  for (const std::string& operand : console.args().operands()) {
    const std::string path = without_slash(operand);
    if (!is_directory(files, path)) {
      // Told as such, whatever its name.
      if (const auto size = files.file_size(path); !size) {
        console.complain(size.error());
      } else {
        paths.push_back(path);
      }
      continue;
    }
    const auto directories = partition_directories(files, path);
    if (!directories) {
      console.complain(directories.error());
      continue;
    }
    for (const std::string& directory : *directories) {
      const auto contents = log::read_directory(files, directory);
      if (!contents) {
        console.complain(contents.error());
        continue;
      }
      for (const auto& [base, size] : contents->segments)
        paths.push_back(directory + "/" + log::segment_file_name(base, "log"));
    }
  }
  return paths;
}

bool is_damaged(const std::string& path, const std::vector<log::Finding>& findings) {
  return std::ranges::any_of(findings,
                             [&](const auto& finding) { return finding.file == path && !finding.is_harmless; });
}

/// An index of a segment, from what `check_segment` found in it.
std::string index_state(env::Files& files, const std::string& log_path, std::string_view extension,
                        const std::vector<log::Finding>& findings) {
  const std::string path = log_path.substr(0, log_path.rfind(".log")) + std::string(extension);
  const auto exists = files.exists(path);
  if (!exists || !*exists) return "missing";
  return is_damaged(path, findings) ? "damaged" : "ok";
}

// --- segment list --------------------------------------------------------------------------------------------------

constexpr cli::ColumnRow kListColumns[] = {
    {.name = "file", .help = "its path"},
    {.name = "base_offset", .unit = cli::Unit::number, .help = "the offset in its name"},
    {.name = "end_offset", .unit = cli::Unit::number, .help = "the offset after its last record"},
    {.name = "size_bytes", .unit = cli::Unit::bytes, .help = "of the file"},
    {.name = "batches", .unit = cli::Unit::number, .help = "whole ones"},
    {.name = "records", .unit = cli::Unit::number, .help = "in them"},
    {.name = "first_time", .unit = cli::Unit::wall_time, .help = "the latest of its first batch"},
    {.name = "last_time", .unit = cli::Unit::wall_time, .help = "the latest of its records"},
    {.name = "log", .help = "ok or damaged: segment verify says where"},
    {.name = "index", .help = "ok, damaged or missing"},
    {.name = "timeindex", .help = "ok, damaged or missing"},
};

awaitable<Result<void>> list(Console& console, Remote&) {
  env::Files& files = console.files();
  cli::TableWriter table = console.table(kListColumns);
  for (const std::string& path : segment_files(console)) {
    std::vector<log::Finding> findings;
    const auto segment = log::check_segment(files, path, findings);
    if (!segment) {
      console.complain(segment.error());
      continue;
    }
    table.add({path, segment->base_offset.value(), segment->end_offset.value(),
               static_cast<std::int64_t>(segment->size_bytes), static_cast<std::int64_t>(segment->batches),
               static_cast<std::int64_t>(segment->records), time_cell(segment->first_timestamp),
               time_cell(segment->largest_timestamp), std::string(is_damaged(path, findings) ? "damaged" : "ok"),
               index_state(files, path, ".index", findings), index_state(files, path, ".timeindex", findings)});
    if (!std::ranges::all_of(findings, &log::Finding::is_harmless)) console.worsen(cli::ExitCode::damaged);
    MQ_CO_CHECK(co_await console.flush(table));
  }
  co_return co_await console.finish(table);
}

constexpr cli::Example kListExamples[] = {
    {"the segments of one partition", "mqctl segment list /var/lib/mqd/web-0"},
    {"of every partition of a broker", "mqctl segment list /var/lib/mqd"},
};
constexpr cli::OutputRow kListOutputs[] = {{.when = "", .columns = kListColumns}};
constexpr cli::CommandRow kList{.name = "segment list",
                                .operands_text = "DIR|FILE...",
                                .summary = "what log files hold; reads all of them, exit 7 on damage",
                                .operands = {.min = 1},
                                .options = kOutputRows,
                                .examples = kListExamples,
                                .outputs = kListOutputs};

// --- segment verify ------------------------------------------------------------------------------------------------

struct Checked {
  std::uint64_t segments = 0;
  std::uint64_t batches = 0;
  std::vector<log::Finding> findings;

  void add(const log::SegmentSummary& segment) {
    ++segments;
    batches += segment.batches;
  }
};

Result<void> verify_operand(env::Files& files, const std::string& path, std::size_t findings_max, Checked& checked) {
  if (!is_directory(files, path)) {
    MQ_CHECK(files.file_size(path));  // a missing file is told as such, whatever its name
    MQ_TRY(const auto segment, log::check_segment(files, path, checked.findings, findings_max));
    checked.add(segment);
    return {};
  }
  MQ_TRY(const auto directories, partition_directories(files, path));
  for (const std::string& directory : directories) {
    MQ_TRY(const auto segments, log::check_directory(files, directory, checked.findings, findings_max));
    for (const log::SegmentSummary& segment : segments) checked.add(segment);
  }
  return {};
}

struct VerifyOptions {
  bool all_errors = false;
};

awaitable<Result<void>> verify(Console& console, Remote&) {
  constexpr std::size_t kFindingsMax = 1000;
  const std::size_t findings_max =
      console.options<VerifyOptions>().all_errors ? std::numeric_limits<std::int32_t>::max() : kFindingsMax;
  std::uint64_t segments = 0;
  std::uint64_t batches = 0;
  std::size_t findings = 0;
  for (const std::string& operand : console.args().operands()) {
    Checked checked;
    if (auto done = verify_operand(console.files(), without_slash(operand), findings_max, checked); !done)
      console.complain(done.error());
    std::string lines;
    std::size_t damaged = 0;
    for (const log::Finding& finding : checked.findings) {
      if (finding.is_harmless) {
        console.notice(finding.to_string());
        continue;
      }
      cli::append_in_one_line(finding.to_string(), lines);
      lines += '\n';
      ++damaged;
    }
    if (damaged > 0) console.worsen(cli::ExitCode::damaged);
    segments += checked.segments;
    batches += checked.batches;
    findings += damaged;
    MQ_CO_CHECK(co_await console.write(lines));
  }
  console.notice(fmt::format("{} segment{} with {} batch{}, {} finding{}", segments, segments == 1 ? "" : "s", batches,
                             batches == 1 ? "" : "es", findings, findings == 1 ? "" : "s"));
  co_return Result<void>{};
}

constexpr cli::OptionRow kVerifyRows[] = {
    {.long_name = "all-errors",
     .kind = cli::ValueKind::flag,
     .group = "Output",
     .help = "do not stop after 1000 findings in one place",
     .into = cli::into<&VerifyOptions::all_errors>},
};
constexpr cli::Example kVerifyExamples[] = {
    {"exit 7 and a line for each finding when something is wrong", "mqctl segment verify /var/lib/mqd/web-0"}};
constexpr cli::CommandRow kVerify{.name = "segment verify",
                                  .operands_text = "DIR|FILE...",
                                  .summary = "check CRCs, lengths, offsets, timestamps and indexes",
                                  .operands = {.min = 1},
                                  .options = kVerifyRows,
                                  .examples = kVerifyExamples};

// --- segment dump --------------------------------------------------------------------------------------------------

/// [first, last) of one file.
struct OffsetRange {
  Offset first{0};
  Offset last = kNoOffset;
};

/// One open segment.
struct SegmentFile {
  std::string path;
  std::unique_ptr<env::File> file;
  std::uint64_t size = 0;
  Offset end = kNoOffset;  ///< what stands there from this offset on is of no log
  TopicPartition where;    ///< by the name of its directory; an empty topic when that is no partition's
};

/// `.../web-0/00000000000000000000.log` is of web-0.
TopicPartition partition_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return {"", -1};
  std::string_view directory = std::string_view(path).substr(0, slash);
  directory = directory.substr(directory.rfind('/') + 1);
  const std::size_t dash = directory.rfind('-');
  TopicPartition where{"", -1};
  if (dash == std::string_view::npos) return where;
  const auto partition = cli::parse_number(directory.substr(dash + 1), 0, std::numeric_limits<std::int32_t>::max());
  if (!partition) return where;
  return {std::string(directory.substr(0, dash)), static_cast<std::int32_t>(*partition)};
}

Result<SegmentFile> open_segment(env::Files& files, const std::string& path) {
  SegmentFile segment{.path = path, .file = {}, .size = 0, .where = partition_of(path)};
  MQ_TRY(segment.file, files.open(path, env::OpenMode::read));
  MQ_TRY(segment.size, segment.file->size());
  // A damaged one counts as missing; `segment verify` tells it.
  if (const auto end = log::segment_end(files, path)) segment.end = end->value_or(kNoOffset);
  return segment;
}

/// The first record of a batch that is of `time` or later; all of a batch that cannot be opened is.
std::optional<Offset> first_at_time(SegmentFile& segment, const log::BatchAt& at, WallMillis time) {
  log::SegmentReader reader(*segment.file, segment.path, at.position, segment.size, log::SegmentReader::Mode::wholes);
  const auto batch = reader.next();
  if (!batch || !*batch) return at.header.base_offset;
  record::RecordReader records;
  std::optional<Offset> found;
  const auto note = [&](const record::RecordView& record) {
    if (!found && record.timestamp >= time) found = record.offset;
  };
  if (!record::for_each_record(records, (*batch)->view(), note)) return at.header.base_offset;
  return found;
}

/// What `position` is resolved in. Reads the headers up to the first damage; what is behind it has offsets too, but no
/// position refers to it.
cli::Extent extent_of(SegmentFile& segment, const cli::Position& position) {
  log::SegmentReader reader(*segment.file, segment.path, 0, segment.size, log::SegmentReader::Mode::headers);
  const bool is_time = position.kind == cli::Position::Kind::time;
  cli::Extent extent;
  bool any = false;
  for (auto batch = reader.next(); batch && *batch; batch = reader.next()) {
    const record::BatchHeader& header = (*batch)->header;
    if (header.next_offset() > segment.end) break;
    if (!std::exchange(any, true)) extent.start = header.base_offset;
    extent.end = header.next_offset();
    if (is_time && !extent.at_time && header.max_timestamp >= position.value)
      extent.at_time = first_at_time(segment, **batch, position.value);
  }
  return extent;
}

Offset resolve(const cli::Position& position, SegmentFile& segment) {
  if (position.kind == cli::Position::Kind::offset) return Offset{position.value};
  return cli::resolve(position, extent_of(segment, position));
}

OffsetRange resolve(const cli::PositionRange& range, SegmentFile& segment) {
  OffsetRange offsets;
  if (range.first) offsets.first = resolve(*range.first, segment);
  if (range.last) offsets.last = resolve(*range.last, segment);
  return offsets;
}

/// Takes what a dump reads, batch after batch, and makes text of it.
class DumpSink {
 public:
  virtual ~DumpSink() = default;
  virtual Result<void> add(const SegmentFile& segment, const log::BatchAt& batch, const OffsetRange& range) = 0;
  /// What can be written now; `at_end` for the last time.
  [[nodiscard]] virtual std::string take(bool at_end) = 0;
};

constexpr cli::ColumnRow kBatchColumns[] = {
    {.name = "file", .help = "its path"},
    {.name = "position", .unit = cli::Unit::number, .help = "of the batch in the file, in bytes"},
    {.name = "size_bytes", .unit = cli::Unit::number, .help = "of the batch, as it is stored"},
    {.name = "base_offset", .unit = cli::Unit::number, .help = "of its first record"},
    {.name = "last_offset", .unit = cli::Unit::number, .help = "of its last record"},
    {.name = "records", .unit = cli::Unit::number, .help = "how many it holds"},
    {.name = "codec", .help = "how it is compressed"},
    {.name = "max_time", .unit = cli::Unit::wall_time, .help = "the latest of its records"},
    {.name = "time_type", .help = "create: the producer's time; append: the broker's"},
    {.name = "epoch", .unit = cli::Unit::number, .help = "the leader epoch in which it was written"},
    {.name = "producer_id", .unit = cli::Unit::number, .help = "of an idempotent producer; none of another"},
    {.name = "producer_epoch", .unit = cli::Unit::number, .help = "of that producer"},
    {.name = "first_sequence", .unit = cli::Unit::number, .help = "that producer's number of the first record"},
    {.name = "last_sequence", .unit = cli::Unit::number, .help = "that producer's number of the last record"},
    {.name = "transactional", .unit = cli::Unit::yes_no, .help = "whether it belongs to a transaction"},
    {.name = "control", .unit = cli::Unit::yes_no, .help = "whether it is the marker of a transaction"},
    {.name = "crc", .help = "its CRC-32C, in hexadecimal"},
};

class BatchRows : public DumpSink {
 public:
  explicit BatchRows(cli::TableWriter table) : table_(std::move(table)) {}
  Result<void> add(const SegmentFile& segment, const log::BatchAt& batch, const OffsetRange&) override {
    const record::BatchHeader& header = batch.header;
    table_.add({segment.path, static_cast<std::int64_t>(batch.position), static_cast<std::int64_t>(header.size_bytes()),
                header.base_offset.value(), header.last_offset().value(), std::int64_t{header.record_count},
                std::string(record::name_of(header.compression())), time_cell(header.max_timestamp),
                std::string(cli::name_of(header.timestamp_type())), number_cell(header.leader_epoch.value()),
                number_cell(header.producer_id.value()), number_cell(header.producer_epoch.value()),
                number_cell(header.base_sequence.value()), number_cell(header.last_sequence().value()),
                header.is_transactional(), header.is_control(), fmt::format("{:08x}", header.crc)});
    return {};
  }
  std::string take(bool at_end) override { return at_end ? table_.finish() : table_.take(); }

 private:
  cli::TableWriter table_;
};

/// Opens batches and hands out their records.
class RecordSink : public DumpSink {
 public:
  Result<void> add(const SegmentFile& segment, const log::BatchAt& batch, const OffsetRange& range) override {
    return record::for_each_record(reader_, batch.view(), [&](const record::RecordView& record) {
      if (record.offset >= range.first && record.offset < range.last)
        add_record({.where = segment.where, .batch = batch.header, .record = record});
    });
  }

 protected:
  virtual void add_record(const cli::StoredRecord& stored) = 0;

 private:
  record::RecordReader reader_;
};

constexpr cli::ColumnRow kRecordColumns[] = {
    {.name = "topic", .help = "by the name of the directory"},
    {.name = "partition", .unit = cli::Unit::number, .help = "by the name of the directory"},
    {.name = "offset", .unit = cli::Unit::number, .help = "of the record"},
    {.name = "time", .unit = cli::Unit::wall_time, .help = "of the record"},
    {.name = "control", .unit = cli::Unit::yes_no, .help = "whether it is the marker of a transaction"},
    {.name = "key", .help = "none for null"},
    {.name = "value", .help = "none for null"},
    {.name = "headers", .help = "as NAME=VALUE"},
};

class RecordRows : public RecordSink {
 public:
  explicit RecordRows(cli::TableWriter table) : table_(std::move(table)) {}
  std::string take(bool at_end) override { return at_end ? table_.finish() : table_.take(); }

 protected:
  void add_record(const cli::StoredRecord& stored) override {
    const auto& [where, batch, record] = stored;
    const auto cell = [](const std::optional<BytesView>& bytes) -> cli::Cell {
      if (!bytes) return std::monostate{};
      return std::string(*bytes);
    };
    std::vector<std::string> headers;
    for (const record::HeaderView& one : record.headers)
      headers.push_back(fmt::format("{}={}", one.key, one.value.value_or("")));
    cli::Cell topic;
    if (!where.topic.empty()) topic = where.topic;
    table_.add({topic, number_cell(where.partition), record.offset.value(), time_cell(record.timestamp),
                batch.is_control(), cell(record.key), cell(record.value), std::move(headers)});
  }

 private:
  cli::TableWriter table_;
};

class Envelopes : public RecordSink {
 public:
  std::string take(bool) override { return std::exchange(out_, {}); }

 protected:
  void add_record(const cli::StoredRecord& stored) override {
    cli::write_envelope(stored, out_);
    out_ += '\n';
  }

 private:
  std::string out_;
};

class Formatted : public RecordSink {
 public:
  Formatted(cli::RecordFormat format, bool for_terminal) : format_(std::move(format)), for_terminal_(for_terminal) {}
  std::string take(bool) override {
    std::string bytes = std::exchange(out_, {});
    if (!for_terminal_) return bytes;
    std::string escaped;
    cli::append_for_terminal(bytes, escaped);
    return escaped;
  }

 protected:
  void add_record(const cli::StoredRecord& stored) override { format_.write(stored, out_); }

 private:
  cli::RecordFormat format_;
  bool for_terminal_;
  std::string out_;
};

struct DumpOptions {
  cli::PositionRange range;
  bool records = false;
  bool json = false;
  std::optional<cli::RecordFormat> format;
};

std::unique_ptr<DumpSink> make_sink(const Console& console, DumpOptions options) {
  if (options.json) return std::make_unique<Envelopes>();
  if (options.records) return std::make_unique<RecordRows>(console.table(kRecordColumns));
  if (!options.format) return std::make_unique<BatchRows>(console.table(kBatchColumns));
  return std::make_unique<Formatted>(*std::move(options.format), console.stdout_is_terminal());
}

cli::Parsed<cli::PositionRange> parse_dump_range(std::string_view text, const cli::TimeContext& now) {
  if (text.empty()) return cli::PositionRange{};
  auto range = cli::parse_range(text, now);
  if (range && cli::names_committed(*range))
    return cli::bad_value(0, text.size(), "a file does not know what a group has committed");
  return range;
}

/// Tells the damage and goes on behind it. False when nothing good follows.
Result<bool> step_over_damage(Console& console, SegmentFile& segment, log::SegmentReader& reader, const Error& error) {
  if (error.code == Errc::disk_failed) return fail(error);
  console.complain(error, cli::ExitCode::damaged);
  MQ_TRY(const auto found,
         log::find_batch(*segment.file, reader.position() + 1, segment.size, reader.next_offset(), segment.end));
  if (!found) return false;
  reader.skip_to(found->position, found->header.base_offset);
  return true;
}

awaitable<Result<void>> dump_file(Console& console, SegmentFile& segment, OffsetRange range, DumpSink& sink) {
  log::SegmentReader reader(*segment.file, segment.path, 0, segment.size, log::SegmentReader::Mode::wholes);
  std::string out;
  while (true) {
    const auto batch = reader.next();
    if (!batch) {
      MQ_CO_TRY(const bool goes_on, step_over_damage(console, segment, reader, batch.error()));
      if (!goes_on) break;
      continue;
    }
    if (!*batch || (*batch)->header.base_offset >= range.last) break;
    if ((*batch)->header.next_offset() > segment.end) {
      const std::uint64_t bytes = segment.size - (*batch)->position;
      console.notice(
          fmt::format("{}:{}: {}", segment.path, (*batch)->position, log::replaced_text(bytes, segment.end)));
      break;
    }
    if ((*batch)->header.last_offset() < range.first) continue;
    if (auto added = sink.add(segment, **batch, range); !added)
      console.complain({.code = added.error().code,
                        .message = fmt::format("{}:{}: {}", segment.path, (*batch)->position, added.error().message)},
                       cli::ExitCode::damaged);
    out += sink.take(false);
    if (out.size() >= kChunkBytes) MQ_CO_CHECK(co_await console.write(std::exchange(out, {})));
  }
  co_return co_await console.write(out);
}

awaitable<Result<void>> dump(Console& console, Remote&) {
  auto options = console.options<DumpOptions>();
  const cli::PositionRange range = options.range;
  const auto sink = make_sink(console, std::move(options));
  for (const std::string& path : segment_files(console)) {
    auto segment = open_segment(console.files(), path);
    if (!segment) {
      console.complain(segment.error());
      continue;
    }
    MQ_CO_CHECK(co_await dump_file(console, *segment, resolve(range, *segment), *sink));
  }
  const std::string rest = sink->take(true);
  co_return co_await console.write(rest);
}

/// -o is the range here.
constexpr cli::OptionRow kDumpFormat = [] {
  cli::OptionRow row = kOutputRows[0];
  row.short_name = 0;
  row.help = "of --batches and --records; tsv and json have plain bytes and milliseconds";
  return row;
}();
constexpr cli::OptionRow kDumpRows[] = {
    {.short_name = 'o',
     .long_name = "offset",
     .value_name = "RANGE",
     .fallback_note = "all",
     .group = "What",
     .help = "only these, of each file: 100..200, end-10.., ..@2025-01-31",
     .value_help = cli::position_help,
     .into = cli::parsed_into<parse_dump_range, &DumpOptions::range>},
    {.long_name = "batches",
     .kind = cli::ValueKind::flag,
     .group = "Output",
     .help = "a row for each batch; this is the default"},
    {.long_name = "records",
     .kind = cli::ValueKind::flag,
     .group = "Output",
     .help = "a row for each record",
     .excludes = "batches",
     .into = cli::into<&DumpOptions::records>},
    {.short_name = 'J',
     .long_name = "json",
     .kind = cli::ValueKind::flag,
     .group = "Output",
     .help = "a JSON object for each record, nothing lost: mq-record(5)",
     .excludes = "batches|records",
     .into = cli::into<&DumpOptions::json>},
    {.short_name = 'F',
     .long_name = "format",
     .value_name = "FMT",
     .group = "Output",
     .help = "write records like this: %k %s %o %T %h ...; the newline is yours: '%o %s\\n'",
     .value_help = cli::record_format_help,
     .excludes = "batches|records|json",
     .into = cli::parsed_into<cli::RecordFormat::compile, &DumpOptions::format>},
    kDumpFormat,
    kOutputRows[1],
};
constexpr cli::Example kDumpExamples[] = {
    {"which batches, from which producers", "mqctl segment dump /var/lib/mqd/web-0/00000000000000000000.log"},
    {"values of what can still be read of a damaged log", "mqctl segment dump -F '%s\\n' /var/lib/mqd/web-0"},
};
constexpr cli::OutputRow kDumpOutputs[] = {{.when = "--batches", .columns = kBatchColumns},
                                           {.when = "--records", .columns = kRecordColumns}};
constexpr cli::CommandRow kDump{.name = "segment dump",
                                .operands_text = "DIR|FILE...",
                                .summary = "print the batches or records of log files",
                                .operands = {.min = 1},
                                .options = kDumpRows,
                                .examples = kDumpExamples,
                                .outputs = kDumpOutputs};

constexpr Command kCommands[] = {{&kList, list}, {&kDump, dump}, {&kVerify, verify}};

}  // namespace

std::span<const Command> segment_commands() { return kCommands; }

}  // namespace mq::mqctl
