#include "verify.h"

#include <algorithm>
#include <utility>

#include "client/errors.h"
#include "env/files.h"
#include "schedule.h"
#include "tool/error_stream.h"

namespace mq::mqbench {
namespace {

constexpr int kRecordsPerLook = 64;
constexpr Duration kSaveEvery = 500ms;
constexpr Duration kPollWait = 500ms;
/// Findings told one by one; the rest is only counted.
constexpr int kToldMax = 20;

std::uint64_t token_of(std::int32_t partition, std::uint64_t sequence) {
  return (static_cast<std::uint64_t>(partition) << 48) | sequence;
}
std::uint64_t sequence_of(std::uint64_t token) { return token & ((std::uint64_t{1} << 48) - 1); }

/// A path with a directory part, as an atomic replacement needs it.
std::string with_directory(const std::string& path) { return path.find('/') == std::string::npos ? "./" + path : path; }

}  // namespace

Verify::Verify(tool::Context& context, Options given)
    : Bench(context, std::move(given)), payload_(options().record_bytes), value_(options().record_bytes, '\0') {
  if (!options().produce_marks.empty()) marks_path_ = with_directory(options().produce_marks);
}

awaitable<Result<void>> Verify::load() {
  start_window();
  if (options().check_marks.empty()) {
    MQ_CO_CHECK(co_await write());
  } else {
    auto text = env::read_whole(runtime().files(), options().check_marks);
    if (!text) co_return fail(text.error());
    auto marks = VerifyMarks::parse(*text);
    if (!marks) co_return fail(marks.error().code, "{}: {}", options().check_marks, marks.error().message);
    marks_ = std::move(*marks);
    if (!topic().empty()) marks_.topic = topic();
  }
  if (marks_path_.empty()) co_return co_await read();
  co_return Result<void>{};
}

// --- Writing ---------------------------------------------------------------------------------------------------------

awaitable<Result<void>> Verify::write() {
  marks_.run = runtime().random().next();
  marks_.topic = topic();
  MQ_CO_CHECK(co_await cluster().topic(topic(), client::Cluster::AutoCreate::yes, request_deadline()));
  MQ_CO_TRY(const auto starts, co_await ends());
  for (const auto& [where, offset] : starts) marks_.starts[where.partition] = offset;
  for (int i = 0; i < options().producers; ++i) MQ_CO_CHECK(co_await open_writer(static_cast<std::uint32_t>(i)));
  if (!marks_path_.empty()) {
    MQ_CO_CHECK(save_marks());
    tasks().spawn(save_marks_now_and_then());
  }
  env::TaskGroup sending(shard());
  for (const auto& writer : writers_) sending.spawn(send_all(*writer));
  co_await sending.join();
  end_window();
  co_await tasks().join();
  if (!marks_path_.empty()) MQ_CO_CHECK(save_marks());
  if (given_up_ > 0) {
    tell(fmt::format("{} of {} records were not acknowledged", given_up_, sent_));
    worsen(cli::ExitCode::some_failed);
  }
  co_return Result<void>{};
}

awaitable<Result<void>> Verify::open_writer(std::uint32_t number) {
  client::Cluster* own = &cluster();
  if (number > 0) {
    MQ_CO_TRY(own, co_await another_cluster());
  }
  auto& writer = *writers_.emplace_back(std::make_unique<Writer>());
  writer.producer = std::make_unique<client::Producer>(
      *own, options().producer, [this, &writer](const client::Delivery& delivery) { delivered(writer, delivery); });
  MQ_CO_TRY(writer.topic, co_await writer.producer->topic(topic(), request_deadline()));
  const std::int32_t partitions = client::Producer::partition_count(*writer.topic);
  for (std::int32_t i = 0; i < partitions; ++i) {
    auto& lane = writer.lanes.emplace_back();
    lane.key = {.producer = number, .partition = i};
    marks_.acknowledged[lane.key] = {};
  }
  const auto producers = static_cast<std::uint64_t>(options().producers);
  writer.count_max =
      options().count_max == UINT64_MAX ? UINT64_MAX : (options().count_max + producers - 1 - number) / producers;
  co_return Result<void>{};
}

void Verify::on_over() {
  for (const auto& writer : writers_)
    if (writer->topic != nullptr) tasks().spawn(close_writer(*writer));
}

awaitable<void> Verify::close_writer(Writer& writer) {
  const auto closed = co_await writer.producer->close(shard().now() + options().drain);
  if (!closed) tell(closed.error().message);
}

awaitable<void> Verify::send_all(Writer& writer) {
  const bool at_will = options().records_per_second() == 0;
  const Schedule schedule(shard().now(), at_will ? 1 : options().records_per_second() / options().producers);
  const auto may_send = [&](Instant now) {
    return writer.sent < writer.count_max && (at_will || schedule.at(writer.sent) <= now);
  };
  while (!is_over() && writer.sent < writer.count_max) {
    const Instant now = shard().now();
    bool taken = true;
    for (int i = 0; i < kRecordsPerLook && taken && may_send(now); ++i) taken = try_send(writer);
    if (!taken && !is_over()) co_await writer.producer->wait_for_room();
    if (taken && !at_will) co_await shard().sleep_until(std::min(schedule.at(writer.sent), now + kLookEvery));
  }
}

bool Verify::try_send(Writer& writer) {
  Lane& lane = writer.lanes[writer.sent % writer.lanes.size()];
  const std::int64_t now = shard().now().since_start().count();
  write_stamp({.run = marks_.run, .producer = lane.key.producer, .sequence = lane.next, .intended = now, .sent = now},
              payload_.at(writer.sent), value_);
  auto taken = writer.producer->try_send(*writer.topic, {.partition = lane.key.partition,
                                                         .key = std::nullopt,
                                                         .value = value_,
                                                         .headers = {},
                                                         .token = token_of(lane.key.partition, lane.next)});
  if (!taken) {
    fail_with(std::move(taken).error());
    return false;
  }
  if (!*taken) return false;
  ++lane.next;
  ++writer.sent;
  ++sent_;
  return true;
}

void Verify::delivered(Writer& writer, const client::Delivery& delivery) {
  if (delivery.tokens.empty()) return;
  Lane& lane = writer.lanes[static_cast<std::size_t>(delivery.partition)];
  Acknowledged& acks = marks_.acknowledged[lane.key];
  // A batch holds neighbours of its lane.
  const std::uint64_t first = sequence_of(delivery.tokens.front());
  const std::uint64_t end = sequence_of(delivery.tokens.back()) + 1;
  if (delivery.error != nullptr) {
    if (given_up_ == 0) tell(delivery.error->message);
    given_up_ += end - first;
    acks.given_up.add(first, end);
  } else {
    acknowledged_ += end - first;
  }
  lane.acknowledged.add(first, end);
  const auto& front = *lane.acknowledged.ranges().begin();
  if (front.first == 0) acks.end = front.second;
}

awaitable<void> Verify::save_marks_now_and_then() {
  while (!is_over()) {
    co_await shard().sleep_until(shard().now() + kSaveEvery);
    if (auto saved = save_marks(); !saved) fail_with(std::move(saved).error());
  }
}

Result<void> Verify::save_marks() { return env::replace_atomically(runtime().files(), marks_path_, marks_.to_text()); }

// --- Reading ---------------------------------------------------------------------------------------------------------

awaitable<Result<std::vector<std::pair<TopicPartition, Offset>>>> Verify::ends() {
  MQ_CO_TRY(const auto info,
            co_await cluster().topic(marks_.topic, client::Cluster::AutoCreate::no, request_deadline()));
  std::vector<client::OffsetQuery> queries;
  for (std::size_t i = 0; i < info->partitions.size(); ++i)
    queries.push_back({.where = {.topic = marks_.topic, .partition = static_cast<std::int32_t>(i)}});
  MQ_CO_TRY(const auto answers, co_await client::list_offsets(cluster(), std::move(queries),
                                                              client::Isolation::read_uncommitted, request_deadline()));
  std::vector<std::pair<TopicPartition, Offset>> ends;
  for (const auto& answer : answers) ends.emplace_back(answer.where, answer.offset);
  co_return ends;
}

awaitable<Result<void>> Verify::read() {
  MQ_CO_TRY(auto unread, co_await ends());
  client::Consumer consumer(cluster(),
                            {.isolation = client::Isolation::read_uncommitted, .reset = client::OffsetReset::start});
  for (const auto& [where, end] : unread) {
    const auto start = marks_.starts.find(where.partition);
    consumer.assign(where, start == marks_.starts.end() ? Offset{0} : start->second);
  }
  Instant progress_until = request_deadline();
  Result<void> result;
  while (result && !unread.empty() && !is_stopped()) {
    auto polled = co_await consumer.poll(kPollWait);
    if (!polled) {
      result = fail(polled.error());
      break;
    }
    if (!polled->batches.empty()) progress_until = request_deadline();
    for (const auto& batch : polled->batches) {
      if (auto taken = take(batch); !taken)
        found(Finding::corrupt, 1,
              fmt::format("{} at offset {}: {}", batch.where->to_string(), batch.header.base_offset.value(),
                          taken.error().message));
    }
    for (const auto& problem : polled->errors) {
      // Nothing behind it can be read; what is lost there is found below.
      found(Finding::corrupt, 1, fmt::format("{}: {}", problem.where.to_string(), problem.error.message));
      std::erase_if(unread, [&](const auto& one) { return one.first == problem.where; });
    }
    std::erase_if(unread,
                  [&](const auto& one) { return consumer.position(one.first).value_or(one.second) >= one.second; });
    if (shard().now() > progress_until)
      result = fail(Errc::timed_out, "{}: no records came for --timeout although there are more", marks_.topic);
  }
  co_await consumer.close();
  if (result && !is_stopped()) find_lost();
  co_return result;
}

Result<void> Verify::take(const client::FetchedBatch& batch) {
  if (batch.header.is_control()) return {};
  return client::for_each_record(reader_, batch, [&](const record::RecordView& record) { take(*batch.where, record); });
}

void Verify::take(const TopicPartition& where, const record::RecordView& record) {
  const auto stamp = read_stamp(record.value.value_or(BytesView{}));
  const auto place = [&] { return fmt::format("{} at offset {}", where.to_string(), record.offset.value()); };
  if (!stamp && stamp.error() == StampProblem::corrupt)
    return found(Finding::corrupt, 1, place() + ": not the bytes that were sent");
  if (!stamp || stamp->run != marks_.run) {
    ++foreign_;
    return;
  }
  ++checked_;
  const auto verdict = ledgers_[{.producer = stamp->producer, .partition = where.partition}].note(stamp->sequence);
  if (verdict == SequenceLedger::Verdict::in_order) return;
  const bool twice = verdict == SequenceLedger::Verdict::duplicate;
  found(twice ? Finding::duplicate : Finding::reordered, 1,
        fmt::format("{}: sequence {} of producer {} comes {}", place(), stamp->sequence, stamp->producer,
                    twice ? "twice" : "after later ones"));
}

void Verify::find_lost() {
  for (const auto& [key, acks] : marks_.acknowledged) {
    const NumberRanges lost = ledgers_[key].lost(acks);
    for (const auto& [first, end] : lost.ranges())
      found(Finding::lost, end - first,
            fmt::format("{}-{}: sequences {} to {} of producer {} were acknowledged and are not there", marks_.topic,
                        key.partition, first, end - 1, key.producer));
  }
}

void Verify::found(Finding finding, std::uint64_t times, const std::string& what) {
  findings_[finding] += times;
  worsen(cli::ExitCode::damaged);
  if (told_++ < kToldMax) tool::tell(fmt::format("mqbench: {}\n", what));
}

// --- The result ------------------------------------------------------------------------------------------------------

void Verify::describe(Report& report) {
  if (topic().empty()) report.add("topic", marks_.topic);
  if (options().check_marks.empty()) {
    report.add("sent", sent_);
    report.add("acknowledged", acknowledged_);
    report.add("given_up", given_up_);
  }
  if (!marks_path_.empty()) return;
  report.add("checked", checked_);
  report.add("lost", findings_[Finding::lost]);
  report.add("duplicate", findings_[Finding::duplicate]);
  report.add("reordered", findings_[Finding::reordered]);
  report.add("corrupt", findings_[Finding::corrupt]);
  report.add("foreign", foreign_);
}

std::string Verify::progress() const {
  return fmt::format("mqbench: {} records sent, {} acknowledged, {} checked\n", sent_, acknowledged_, checked_);
}

}  // namespace mq::mqbench
