#include "verify.h"

#include <algorithm>
#include <utility>

#include "client/errors.h"
#include "env/files.h"
#include "schedule.h"
#include "tool/error_stream.h"

namespace mq::mqbench {
namespace {

constexpr int kRecordsPerTurn = 64;
constexpr Duration kSaveEvery = 500ms;
constexpr Duration kPollWait = 500ms;
/// What looks around asks for the ends of so many logs at a time, so often, and waits so long for the answer.
constexpr std::size_t kLogsPerLook = 16;
constexpr Duration kLookAroundEvery = 100ms;
constexpr Duration kLookAroundWait = 100ms;
/// Findings told one by one; the rest is only counted.
constexpr int kToldMax = 20;

std::uint64_t token_of(std::int32_t partition, std::uint64_t sequence) {
  return (static_cast<std::uint64_t>(partition) << 48) | sequence;
}
std::uint64_t sequence_of(std::uint64_t token) { return token & ((std::uint64_t{1} << 48) - 1); }

/// A path with a directory part, as an atomic replacement needs it.
std::string with_directory(const std::string& path) { return path.find('/') == std::string::npos ? "./" + path : path; }

/// Kafka's name of the error, or ours.
std::string_view name_of(const Error& error) {
  return error.code == Errc::broker ? mq::name_of(client::code_of(error)) : to_string(error.code);
}

}  // namespace

Verify::Verify(tool::Context& context, Options given)
    : Bench(context, std::move(given)),
      payload_(options().record_bytes),
      value_(options().record_bytes, '\0'),
      faults_(shard(), options().faults, fault_listener()) {
  if (!options().produce_marks.empty()) marks_path_ = with_directory(options().produce_marks);
}

awaitable<Result<void>> Verify::load() {
  start_window();
  if (!options().history.empty()) {
    MQ_CO_TRY(history_, VerifyHistory::create(runtime().files(), runtime().clock(), options().history,
                                              runtime().random().next()));
  }
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
  if (history_) MQ_CO_CHECK(co_await begin_history(starts.size()));
  for (int i = 0; i < options().producers; ++i) MQ_CO_CHECK(co_await open_writer(static_cast<std::uint32_t>(i)));
  if (!marks_path_.empty()) {
    MQ_CO_CHECK(save_marks());
    tasks().spawn(save_marks_now_and_then());
  }
  env::TaskGroup looking(shard());
  if (history_) {
    looking.spawn(follow(starts));
    looking.spawn(look_around());
  }
  env::TaskGroup breaking(shard());
  breaking.spawn(faults_.run());
  env::TaskGroup sending(shard());
  for (const auto& writer : writers_) sending.spawn(send_all(*writer));
  co_await sending.join();
  end_window();
  co_await breaking.join();
  co_await tasks().join();
  is_written_ = true;
  co_await looking.join();
  for (const auto& writer : writers_)
    if (writer->history) note_unsent(*writer);
  if (!marks_path_.empty()) MQ_CO_CHECK(save_marks());
  if (faults_.missed() > 0) {
    tell(fmt::format("{} of {} faults did not happen: the load ended before", faults_.missed(),
                     options().faults.size()));
    worsen(cli::ExitCode::some_failed);
  }
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
  if (history_) writer.history.emplace(history_->new_client(fmt::format("writer-{}", number)));
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
  faults_.cancel();
  if (is_stopped()) faults_.interrupt();
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
    for (int i = 0; i < kRecordsPerTurn && taken && may_send(now); ++i) taken = try_send(writer);
    if (!taken && !is_over()) co_await writer.producer->wait_for_room();
    if (taken && !at_will) co_await shard().sleep_until(std::min(schedule.at(writer.sent), now + kLookEvery));
  }
}

bool Verify::try_send(Writer& writer) {
  Lane& lane = writer.lanes[writer.sent % writer.lanes.size()];
  if (writer.history) note_asked(writer, lane);
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
  if (writer.history) note_delivered(writer, lane, delivery);
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

awaitable<Result<Verify::Positions>> Verify::ends() {
  MQ_CO_TRY(const auto info,
            co_await cluster().topic(marks_.topic, client::Cluster::AutoCreate::no, request_deadline()));
  std::vector<client::OffsetQuery> queries;
  for (std::size_t i = 0; i < info->partitions.size(); ++i)
    queries.push_back({.where = {.topic = marks_.topic, .partition = static_cast<std::int32_t>(i)}});
  MQ_CO_TRY(const auto answers, co_await client::list_offsets(cluster(), std::move(queries),
                                                              client::Isolation::read_uncommitted, request_deadline()));
  Positions ends;
  for (const auto& answer : answers) ends.emplace_back(answer.where, answer.offset);
  co_return ends;
}

awaitable<Result<void>> Verify::read() {
  MQ_CO_TRY(auto unread, co_await ends());
  client::Consumer consumer(cluster(),
                            {.isolation = client::Isolation::read_uncommitted, .reset = client::OffsetReset::start});
  Positions starts;
  for (const auto& [where, end] : unread) {
    const auto start = marks_.starts.find(where.partition);
    starts.emplace_back(where, start == marks_.starts.end() ? Offset{0} : start->second);
    consumer.assign(where, starts.back().second);
  }
  std::optional<ReaderHistory> history;
  Instant progress_until = request_deadline();
  Result<void> result;
  if (history_) {
    history_->run().phase(history_->now(), judge::Phase::Name::final);
    result = history.emplace(*history_, "reader").assign(starts);
  }
  while (result && !unread.empty() && !is_stopped()) {
    auto polled = co_await poll(consumer, history ? &*history : nullptr);
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
  if (history && result && !is_stopped()) {
    // Once more, so that each partition is named that has nothing at all.
    auto polled = co_await poll(consumer, &*history);
    if (!polled) result = fail(polled.error());
    history_->run().phase(history_->now(), judge::Phase::Name::done);
    if (result) result = history_->flush();
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

// --- The history -----------------------------------------------------------------------------------------------------

awaitable<Result<void>> Verify::begin_history(std::size_t partitions) {
  if (partitions > kHistoryPartitionsMax)
    co_return fail(Errc::too_large, "{}: a history has at most {} partitions", topic(), kHistoryPartitionsMax);
  client::Admin admin(cluster());
  MQ_CO_TRY(const auto settings,
            co_await admin.describe_configs(client::ResourceType::topic, topic(), request_deadline()));
  if (settings.error) co_return fail(*settings.error);
  judge::Run run = run_of(settings.entries);
  run.acks = static_cast<std::int8_t>(options().producer.acks);
  run.is_idempotent = options().producer.idempotent && options().producer.acks == client::Acks::all;
  const std::string_view name = topic();
  history_->run().run(run, std::span(&name, is_compacted(settings.entries) ? 1 : 0));
  history_->run().phase(history_->now(),
                        options().faults.empty() ? judge::Phase::Name::warmup : judge::Phase::Name::faults);
  co_return history_->flush();
}

judge::SentRecord Verify::sent_record(const Lane& lane, std::uint64_t sequence, std::int64_t offset) const {
  return {.partition = {topic(), lane.key.partition},
          .value = history_value(marks_.run, lane.key.producer, lane.key.partition, sequence),
          .offset = offset};
}

/// Before the record is handed to the producer, whose request may leave at once. Nothing to do when that was so already
/// and there was no room.
void Verify::note_asked(Writer& writer, const Lane& lane) {
  const auto [asked, is_new] = writer.asked.try_emplace(token_of(lane.key.partition, lane.next));
  if (!is_new) return;
  const judge::SentRecord record = sent_record(lane, lane.next, judge::kNoOffset);
  asked->second = writer.history->ask_send(history_->now(), std::span(&record, 1));
  write_history();
}

/// The producer tries again by itself, so what it gives up may have happened.
void Verify::note_delivered(Writer& writer, const Lane& lane, const client::Delivery& delivery) {
  const judge::Time now = history_->now();
  for (std::size_t i = 0; i < delivery.tokens.size(); ++i) {
    const auto asked = writer.asked.find(delivery.tokens[i]);
    if (asked == writer.asked.end()) continue;
    if (delivery.error != nullptr) {
      writer.history->answer(now, asked->second, {judge::Outcome::info, name_of(*delivery.error)});
    } else {
      const std::int64_t offset =
          delivery.base_offset < 0 ? judge::kNoOffset : delivery.base_offset + static_cast<std::int64_t>(i);
      const judge::SentRecord record = sent_record(lane, sequence_of(delivery.tokens[i]), offset);
      writer.history->answer_send(now, asked->second, std::span(&record, 1));
    }
    writer.asked.erase(asked);
  }
  write_history();
}

void Verify::note_unsent(Writer& writer) {
  for (const auto& [token, asked] : writer.asked)
    writer.history->answer(history_->now(), asked, {judge::Outcome::fail, "NOT_SENT"});
  writer.asked.clear();
  write_history();
}

awaitable<Result<client::Polled>> Verify::poll(client::Consumer& consumer, ReaderHistory* history) {
  if (history != nullptr) MQ_CO_CHECK(history->ask());
  auto polled = co_await consumer.poll(kPollWait);
  if (history == nullptr) co_return polled;
  if (!polled) {
    MQ_CO_CHECK(history->give_up(name_of(polled.error())));
    co_return polled;
  }
  note_polled(*polled, *history);
  MQ_CO_CHECK(history->answer());
  co_return polled;
}

void Verify::note_polled(const client::Polled& polled, ReaderHistory& history) {
  for (const auto& batch : polled.batches) {
    if (batch.header.is_control()) continue;
    const auto walked = client::for_each_record(reader_, batch, [&](const record::RecordView& record) {
      const auto stamp = read_stamp(record.value.value_or(BytesView{}));
      if (!stamp && stamp.error() == StampProblem::corrupt) history.take_damaged(*batch.where, record.offset, "crc");
      if (!stamp || stamp->run != marks_.run) return;
      history.take(*batch.where, record.offset,
                   history_value(stamp->run, stamp->producer, batch.where->partition, stamp->sequence));
    });
    if (!walked) history.take_damaged(*batch.where, batch.header.base_offset, "batch");
  }
}

awaitable<void> Verify::follow(Positions starts) {
  ReaderHistory history(*history_, "follower");
  // By itself it would not say that it was thrown out of the log.
  client::Consumer consumer(cluster(),
                            {.isolation = client::Isolation::read_uncommitted, .reset = client::OffsetReset::fail});
  for (const auto& [where, offset] : starts) consumer.assign(where, offset);
  Result<void> result = history.assign(starts);
  while (result && !is_written_) {
    auto polled = co_await poll(consumer, &history);
    if (!polled) {
      result = fail(polled.error());
      break;
    }
    for (const auto& problem : polled->errors) {
      if (problem.error.code == Errc::offset_out_of_range) {
        result = co_await begin_again(consumer, problem.where, history);
      } else {
        // The reader at the end meets it as well, and reports it.
        consumer.unassign(problem.where);
      }
    }
  }
  if (!result) fail_with(std::move(result).error());
  co_await consumer.close();
}

awaitable<Result<void>> Verify::begin_again(client::Consumer& consumer, TopicPartition where, ReaderHistory& history) {
  const Offset from = consumer.position(where).value_or(Offset{0});
  std::vector<client::OffsetQuery> query{{.where = where, .at = client::OffsetQuery::kStart}};
  MQ_CO_TRY(const auto start, co_await client::list_offsets(cluster(), std::move(query),
                                                            client::Isolation::read_uncommitted, request_deadline()));
  consumer.assign(where, start.front().offset);
  co_return history.reset(where, from, start.front().offset, "OFFSET_OUT_OF_RANGE");
}

awaitable<void> Verify::look_around() {
  judge::HistoryWriter writer = history_->new_client("onlooker");
  const auto partitions = static_cast<std::int32_t>(marks_.starts.size());
  std::int32_t next = 0;
  while (!is_over() && partitions > 0) {
    const Instant began = shard().now();
    std::vector<client::OffsetQuery> queries;
    for (std::size_t i = 0; i < std::min(kLogsPerLook, marks_.starts.size()); ++i, next = (next + 1) % partitions)
      for (const std::int64_t at : {client::OffsetQuery::kStart, client::OffsetQuery::kEnd})
        queries.push_back({.where = {.topic = topic(), .partition = next}, .at = at});
    const auto asked = writer.ask_list_offsets(history_->now());
    if (!write_history()) co_return;
    const auto answers = co_await client::list_offsets(cluster(), std::move(queries),
                                                       client::Isolation::read_uncommitted, began + kLookAroundWait);
    std::vector<judge::LogEnds> ends;
    for (std::size_t i = 0; answers && i + 1 < answers->size(); i += 2)
      ends.push_back({.partition = {topic(), (*answers)[i].where.partition},
                      .begin = (*answers)[i].offset.value(),
                      .end = (*answers)[i + 1].offset.value()});
    if (answers) {
      writer.answer_list_offsets(history_->now(), asked, ends);
    } else {
      writer.answer(history_->now(), asked, {judge::Outcome::info, name_of(answers.error())});
    }
    if (!write_history()) co_return;
    co_await shard().sleep_until(began + kLookAroundEvery);
  }
}

bool Verify::write_history() {
  auto written = history_->flush();
  const bool is_written = written.has_value();
  if (!is_written) fail_with(std::move(written).error());
  return is_written;
}

Faults::Listener Verify::fault_listener() {
  return {.on_begin =
              [this](const FaultCommand& fault) {
                if (!history_) return;
                history_->run().fault(history_->now(), fault.name());
                write_history();
              },
          .on_end =
              [this](const FaultCommand& fault, const Result<int>& status) {
                if (status && *status == 0) return;
                tell(status ? fmt::format("the fault {} ended with status {}", fault.command, *status)
                            : fmt::format("the fault {}: {}", fault.command, status.error().message));
                worsen(cli::ExitCode::some_failed);
              },
          .on_heal =
              [this] {
                if (!history_) return;
                history_->run().fault(history_->now(), "heal");
                history_->run().phase(history_->now(), judge::Phase::Name::heal);
                write_history();
              }};
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
