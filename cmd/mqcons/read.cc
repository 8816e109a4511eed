#include "read.h"

#include <algorithm>
#include <deque>
#include <utility>

#include "cli/terminal.h"
#include "client/errors.h"
#include "env/task_group.h"
#include "record_queue.h"
#include "tool/error_stream.h"

namespace mq::mqcons {
namespace {

constexpr std::size_t kFlushBytes = 256 << 10;
constexpr Duration kPollWait = 500ms;
// A merge waits for the slowest partition; the others stop being fetched when so much of them is held: of each, and of
// all together. What one fetch brings of a partition is held in any case.
constexpr std::size_t kHeldBytesMax = 8u << 20;
constexpr std::size_t kHeldBytesTotalMax = 128u << 20;
// After a crash a group reads again what was written since the last commit. A commit waits for the broker's disk.
constexpr Duration kCommitEvery = 1s;
// Nobody who pressed Ctrl-C waits longer for a broker that does not answer.
constexpr Duration kGoodbyeWait = 5s;
constexpr Duration kLookForLostEvery = 100ms;
constexpr Duration kNewPartitionsEvery = 10s;
constexpr Duration kRebalanceToTell = 5s;

/// Everything of the topics is meant, also what is yet to come.
bool follows_all(const Options& options) {
  return options.partitions.empty() && std::ranges::all_of(options.ranges, [](const cli::PartitionRange& range) {
           return range.partitions.empty() && !range.range.last;
         });
}

/// The partitions that we have are read up to `ends`. Without any there is nothing to wait for once it is clear that
/// the other members keep them: what they give up comes in a second round of the rebalance, of which a heartbeat tells.
bool is_at_end(const client::GroupConsumer& group, const std::map<TopicPartition, Offset>& ends,
               Duration generation_age) {
  if (!group.is_settled()) return false;
  const auto assignment = group.assignment();
  if (assignment.empty()) return generation_age > client::GroupOptions{}.heartbeat_interval + 1s;
  return std::ranges::all_of(assignment, [&](const TopicPartition& where) {
    const auto position = group.position(where);
    const auto end = ends.find(where);
    return position && end != ends.end() && *position >= end->second;
  });
}

}  // namespace

Reading::Reading(tool::Context& context, Options options)
    : runtime_(context.runtime),
      shard_(runtime_.shard(0)),
      args_(context.args),
      options_(std::move(options)),
      client_(context.client),
      stdout_is_terminal_(context.environment.stdout_is_terminal),
      writer_(options_),
      out_(posix::Output::standard(shard_)),
      leaving_timer_(shard_.make_timer()) {}

awaitable<cli::ExitCode> Reading::run() {
  client::Cluster cluster(shard_, runtime_.random(), client_);
  env::TaskGroup leaving(shard_);
  leaving.spawn(leave_lost_broker(cluster));
  leaving.spawn(leave_without_reader());
  Result<void> result = co_await cluster.start(shard_.now() + client_.connect_timeout);
  if (result) result = co_await read(cluster);
  if (auto flushed = co_await flush(); result && !flushed) result = std::move(flushed);
  is_over_ = true;
  leaving_timer_->cancel();
  out_.close();
  co_await leaving.join();
  co_await cluster.close();
  // What a signal cut off is no failure of its own.
  if (result || (stopping_ && result.error().code == Errc::cancelled)) co_return code_;
  if (out_is_broken_) co_return cli::ExitCode::broken_pipe;
  Error error = result.error();
  // A group that has no position, or one that is no place in the log, needs --reset, not another topic.
  const bool needs_reset =
      !options_.group.empty() && reading_ && (error.code == Errc::not_found || error.code == Errc::offset_out_of_range);
  if (needs_reset) error.message += "; --reset start or --reset end says where to begin";
  tool::tell(cli::complaint(args_, error));
  co_return cli::worst(code_, needs_reset ? cli::ExitCode::precondition : cli::exit_code_of(error));
}

void Reading::stop(cli::ExitCode as) {
  stopping_ = true;
  code_ = as;
  if (!reading_) tool::end_now(as);
  if (consumer_ != nullptr) consumer_->wake();
  if (group_ != nullptr) group_->wake();
}

/// After a signal: closes the client, which ends whatever waits for a broker, once the broker is gone, or it or the
/// reader of our output took too long.
awaitable<void> Reading::leave_lost_broker(client::Cluster& cluster) {
  Instant leave_at = Instant::never();
  while (!is_over_) {
    (void)co_await leaving_timer_->wait_until(shard_.now() + kLookForLostEvery);
    if (!stopping_) continue;
    if (leave_at == Instant::never()) leave_at = shard_.now() + kGoodbyeWait;
    if (!cluster.lost() && shard_.now() < leave_at) continue;
    out_.close();  // a reader that takes nothing is not waited for either
    co_return co_await cluster.close();
  }
}

/// `mqcons -f web | grep -m 1 error` ends when grep does, not with the next record.
awaitable<void> Reading::leave_without_reader() {
  if (co_await out_.reader_gone() && !stopping_) stop(cli::ExitCode::broken_pipe);
}

std::string Reading::progress() const { return fmt::format("mqcons: {} records written\n", written_); }

awaitable<Result<void>> Reading::read(client::Cluster& cluster) {
  if (!options_.group.empty()) co_return co_await read_group(cluster);
  MQ_CO_TRY(Plan plan, co_await mqcons::plan(cluster, options_, client_.request_timeout));
  if (!plan.remark.empty()) tool::tell(cli::notice(args_, plan.remark));
  std::vector<Part> parts = std::move(plan.parts);
  reading_ = true;
  last_batch_ = shard_.now();
  if (options_.tail) {
    MQ_CO_CHECK(co_await write_tail(cluster, parts));
    for (Part& part : parts) part.spans = {{.from = part.log_end, .end = {}}};
  } else if (!options_.follow) {
    co_return co_await read_merged(cluster, std::move(parts));
  }
  if (options_.follow && !done()) co_return co_await follow(cluster, std::move(parts));
  co_return Result<void>{};
}

template <class From>
awaitable<Result<client::Polled>> Reading::poll(client::Cluster& cluster, From& from) {
  MQ_CO_TRY(client::Polled polled, co_await from.poll(failure_ ? Duration::zero() : kPollWait));
  if (!polled.batches.empty() || !cluster.lost()) last_batch_ = shard_.now();
  if (!options_.follow && shard_.now() - last_batch_ > client_.request_timeout)
    co_return fail(Errc::timed_out, "no broker answered for {} (--timeout)", args_.text("timeout"));
  if (!failure_ && !polled.errors.empty()) failure_ = std::move(polled.errors.front());
  // What was fetched before the failure comes first.
  const auto is_of_failed = [&](const client::FetchedBatch& batch) { return *batch.where == failure_->where; };
  if (!failure_ || std::ranges::any_of(polled.batches, is_of_failed)) co_return polled;
  Error error = failure_->error;
  const std::string where = failure_->where.to_string();
  if (error.message.find(where) == std::string::npos) error.message = fmt::format("{}: {}", where, error.message);
  co_return std::unexpected(std::move(error));
}

// --- The last N ------------------------------------------------------------------------------------------------------

/// The end of one partition, as far back as it was read. Of a record only what the choice needs: however many are
/// wanted, their bytes are never all in memory.
struct Reading::Tail {
  struct Record {
    WallMillis timestamp;
    Offset offset;
  };
  Part* part;
  std::deque<Record> records;  ///< in the order of the offsets
  bool is_whole = false;       ///< there is nothing before it
  std::size_t chosen = 0;

  [[nodiscard]] bool is_long_enough(std::size_t want) const { return is_whole || records.size() >= want; }
  [[nodiscard]] bool has_more() const { return chosen < records.size(); }
  [[nodiscard]] const Record& next_older() const { return records[records.size() - 1 - chosen]; }
};

awaitable<Result<void>> Reading::write_tail(client::Cluster& cluster, std::vector<Part> parts) {
  MQ_CO_CHECK(co_await cut_to_tail(cluster, parts));
  std::erase_if(parts, [](const Part& part) { return part.spans.front().from == part.log_end; });
  if (parts.empty() || done()) co_return Result<void>{};
  co_return co_await read_merged(cluster, std::move(parts));
}

/// Leaves of `parts` what the last N records of all of them, by time, are in.
awaitable<Result<void>> Reading::cut_to_tail(client::Cluster& cluster, std::vector<Part>& parts) {
  const auto want = static_cast<std::size_t>(*options_.tail);
  std::size_t offsets = 0;
  for (Part& part : parts) {
    part.spans = {{.from = part.begin, .end = part.log_end}};
    offsets += static_cast<std::size_t>(part.log_end.value() - part.begin.value());
  }
  if (offsets <= want) co_return Result<void>{};

  std::vector<Tail> tails;
  for (Part& part : parts) tails.push_back({.part = &part, .records = {}, .is_whole = part.begin == part.log_end});
  const auto is_long_enough = [&](const Tail& tail) { return tail.is_long_enough(want); };
  // Offsets may be gaps and markers: walk back until every partition gave enough records.
  for (auto step = static_cast<std::int64_t>(want); !stopping_ && !std::ranges::all_of(tails, is_long_enough);
       step *= 2)
    MQ_CO_CHECK(co_await read_back(cluster, tails, step));

  for (std::size_t chosen = 0; chosen < want; ++chosen) {
    Tail* newest = nullptr;
    for (Tail& tail : tails)
      if (tail.has_more() && (newest == nullptr || tail.next_older().timestamp >= newest->next_older().timestamp))
        newest = &tail;
    if (newest == nullptr) break;
    ++newest->chosen;
  }
  for (const Tail& tail : tails)
    tail.part->spans.front().from =
        tail.chosen == 0 ? tail.part->log_end : tail.records[tail.records.size() - tail.chosen].offset;
  co_return Result<void>{};
}

/// Reads the last `step` offsets of the partitions that did not give enough records so far.
awaitable<Result<void>> Reading::read_back(client::Cluster& cluster, std::vector<Tail>& tails, std::int64_t step) {
  client::Consumer consumer(cluster, {.rack = options_.rack});
  consumer_ = &consumer;
  const auto want = static_cast<std::size_t>(*options_.tail);
  std::map<TopicPartition, Tail*> open;
  for (Tail& tail : tails) {
    if (tail.is_long_enough(want)) continue;
    const Part& part = *tail.part;
    const Offset from{std::max(part.begin.value(), part.log_end.value() - step)};
    tail.is_whole = from == part.begin;
    tail.records.clear();
    consumer.assign(part.where, from);
    open[part.where] = &tail;
  }
  Result<void> result;
  while (!open.empty() && result && !stopping_) {
    auto polled = co_await poll(cluster, consumer);
    if (!polled) {
      result = std::unexpected(polled.error());
      break;
    }
    for (const client::FetchedBatch& batch : polled->batches) {
      const auto tail = open.find(*batch.where);
      if (tail == open.end() || !result) continue;
      auto& newest = tail->second->records;
      result = client::for_each_record(records_, batch, [&](const record::RecordView& record) {
        if (record.offset >= tail->second->part->log_end) return;
        newest.push_back({.timestamp = record.timestamp, .offset = record.offset});
        if (newest.size() > want) newest.pop_front();
      });
    }
    std::erase_if(open, [&](const auto& entry) {
      const bool is_over = consumer.position(entry.first) >= entry.second->part->log_end;
      if (is_over) consumer.unassign(entry.first);
      return is_over;
    });
  }
  consumer_ = nullptr;
  co_await consumer.close();
  co_return result;
}

// --- From here to there ----------------------------------------------------------------------------------------------

namespace {

/// Goes on to the next span once the current one was fetched; nothing more is fetched when there is none.
void step_on(client::Consumer& consumer, Part& part) {
  const auto position = consumer.position(part.where);
  const std::size_t before = part.fetching;
  while (!part.is_over() && position && part.spans[part.fetching].end && *position >= *part.spans[part.fetching].end)
    ++part.fetching;
  if (part.is_over()) {
    consumer.unassign(part.where);
  } else if (part.fetching != before && position < part.spans[part.fetching].from) {
    consumer.assign(part.where, part.spans[part.fetching].from);
  }
}

}  // namespace

/// One partition of a merge.
struct Reading::Source {
  Part part;
  RecordQueue fetched;
  const record::RecordView* next = nullptr;  ///< the front of `fetched`, when it was asked for
  bool is_paused = false;
};

awaitable<Result<void>> Reading::read_merged(client::Cluster& cluster, std::vector<Part> parts) {
  client::Consumer consumer(cluster, {.rack = options_.rack});
  consumer_ = &consumer;
  std::list<Source> sources;
  for (Part& part : parts) {
    consumer.assign(part.where, part.spans.front().from);
    sources.emplace_back().part = std::move(part);
  }
  Result<void> result;
  while (true) {
    result = merge(sources);
    const bool has_more = buffer_.size() >= kFlushBytes;
    // Whoever reads our output need not wait for what the broker has yet to send.
    if (result) result = co_await flush();
    if (!result || done() || sources.empty()) break;
    if (has_more) continue;
    auto polled = co_await poll(cluster, consumer);
    if (!polled) {
      result = std::unexpected(polled.error());
      break;
    }
    take(*std::move(polled), consumer, sources);
  }
  consumer_ = nullptr;
  co_await consumer.close();
  co_return result;
}

/// Writes records in the order of their times until a partition has none fetched, or there is enough to flush.
/// Partitions that are read to their end leave `sources`.
Result<void> Reading::merge(std::list<Source>& sources) {
  while (!done() && buffer_.size() < kFlushBytes) {
    Source* oldest = nullptr;
    for (auto source = sources.begin(); source != sources.end();) {
      if (source->next == nullptr) {
        MQ_TRY(source->next, source->fetched.front());
      }
      if (source->next == nullptr && !source->part.is_over()) return {};
      if (source->next == nullptr) {
        source = sources.erase(source);
        continue;
      }
      if (oldest == nullptr || source->next->timestamp < oldest->next->timestamp) oldest = &*source;
      ++source;
    }
    if (oldest == nullptr) return {};
    if (oldest->part.wants(oldest->next->offset))
      write(oldest->part.where, oldest->fetched.batch().header, *oldest->next);
    oldest->fetched.pop();
    oldest->next = nullptr;
  }
  return {};
}

void Reading::take(client::Polled polled, client::Consumer& consumer, std::list<Source>& sources) {
  for (client::FetchedBatch& batch : polled.batches) {
    const auto source = std::ranges::find(sources, *batch.where, [](const Source& s) { return s.part.where; });
    if (source != sources.end()) source->fetched.push(std::move(batch));
  }
  const std::size_t share = std::min(kHeldBytesMax, kHeldBytesTotalMax / std::max<std::size_t>(sources.size(), 1));
  for (Source& source : sources) {
    if (source.part.is_over()) continue;
    step_on(consumer, source.part);
    const std::size_t limit = source.is_paused ? share / 2 : share;
    const bool pause = source.fetched.bytes() > limit;
    if (pause != source.is_paused) consumer.pause(source.part.where, source.is_paused = pause);
  }
}

// --- As it comes -----------------------------------------------------------------------------------------------------

awaitable<Result<void>> Reading::follow(client::Cluster& cluster, std::vector<Part> parts) {
  client::Consumer consumer(cluster, {.rack = options_.rack});
  consumer_ = &consumer;
  std::map<TopicPartition, Part> open;
  for (Part& part : parts) {
    consumer.assign(part.where, part.spans.front().from);
    open.emplace(part.where, std::move(part));
  }
  Instant look_again = shard_.now() + kNewPartitionsEvery;
  Result<void> result;
  while (result && !done() && !open.empty()) {
    auto polled = co_await poll(cluster, consumer);
    if (!polled) {
      result = std::unexpected(polled.error());
      break;
    }
    for (const client::FetchedBatch& batch : polled->batches) {
      const auto found = open.find(*batch.where);
      if (found == open.end()) continue;
      Part& part = found->second;
      result = client::for_each_record(records_, batch, [&](const record::RecordView& record) {
        if (part.until && record.timestamp >= *part.until) part.fetching = part.spans.size();
        if (!done() && !part.is_over() && part.wants(record.offset)) write(part.where, batch.header, record);
      });
      if (!result || done()) break;
    }
    if (result) result = co_await flush();
    const bool is_quiet = polled->batches.empty();
    for (auto entry = open.begin(); entry != open.end();) {
      Part& part = entry->second;
      if (is_quiet && part.until && runtime_.clock().wall_now() > *part.until) part.fetching = part.spans.size();
      step_on(consumer, part);
      entry = part.is_over() ? open.erase(entry) : std::next(entry);
    }
    if (follows_all(options_) && shard_.now() >= look_again) {
      co_await add_new_partitions(cluster, consumer, open);
      look_again = shard_.now() + kNewPartitionsEvery;
    }
  }
  consumer_ = nullptr;
  co_await consumer.close();
  co_return result;
}

/// What was made since the plan is read from its beginning. A broker that does not answer is asked again later.
awaitable<void> Reading::add_new_partitions(client::Cluster& cluster, client::Consumer& consumer,
                                            std::map<TopicPartition, Part>& open) {
  const auto known = co_await cluster.refresh(options_.topics, client::Cluster::AutoCreate::no);
  if (!known) co_return;
  for (const auto& topic : known->topics)
    for (std::size_t i = 0; i < topic->partitions.size(); ++i) {
      Part part{.where = {topic->name, static_cast<std::int32_t>(i)}, .spans = {{.from = Offset{0}, .end = {}}}};
      if (open.contains(part.where)) continue;
      consumer.assign(part.where, Offset{0});
      open.emplace(part.where, std::move(part));
    }
}

// --- With a group ----------------------------------------------------------------------------------------------------

awaitable<Result<void>> Reading::read_group(client::Cluster& cluster) {
  for (const std::string& topic : options_.topics)
    MQ_CO_CHECK(co_await cluster.topic(topic, client::Cluster::AutoCreate::no, shard_.now() + client_.request_timeout));
  reading_ = true;
  last_batch_ = shard_.now();

  Places places;
  Ends ends;
  client::GroupConsumer group(cluster, options_.topics, group_options(places, ends));
  group_ = &group;
  Result<void> result;
  Instant commit_at = shard_.now();
  settled_at_ = shard_.now();
  std::int32_t generation = group.generation();
  Instant generation_began = shard_.now();
  bool is_over = false;
  while (result && !done() && !is_over) {
    auto polled = co_await poll(cluster, group);
    if (!polled) {
      result = std::unexpected(polled.error());
      break;
    }
    tell_long_rebalance(group);
    if (std::exchange(generation, group.generation()) != group.generation()) generation_began = shard_.now();
    if (!options_.follow)
      for (const TopicPartition& where : group.assignment())
        if (const auto end = group.known_end(where)) ends.try_emplace(where, *end);
    for (const client::FetchedBatch& batch : polled->batches) {
      if (done()) break;  // what is not written is not committed
      result = write_batch(batch, ends, places);
      if (!result) break;
    }
    if (auto flushed = co_await flush(); !flushed) {
      result = std::move(flushed);
      places.clear();  // we cannot know how much of it was taken
      break;
    }
    is_over = !options_.follow && is_at_end(group, ends, shard_.now() - generation_began);
    if (result && shard_.now() >= commit_at) {
      result = co_await commit(group, places);
      commit_at = shard_.now() + kCommitEvery;
    }
  }
  // What was written before a failure is out, too.
  if (auto committed = co_await commit(group, places); result && !committed) result = std::move(committed);
  if (result && !places.empty()) {
    tool::tell(fmt::format("mqcons: group {}: not all that was written could be committed; it will be read again\n",
                           options_.group));
    code_ = cli::worst(code_, cli::ExitCode::some_failed);
  }
  group_ = nullptr;
  auto closed = co_await group.close(shard_.now() + (stopping_ ? kGoodbyeWait : client_.request_timeout));
  if (result && !closed) result = std::move(closed);
  co_return result;
}

/// `places` are what is to be committed: the offset after the last record that is written, at first where reading
/// begins. So a group keeps its place in partitions that are empty, and one that began at the end skips nothing when it
/// comes back. `ends` are of the partitions as they were when we got them; without -f nothing behind them is read.
client::GroupOptions Reading::group_options(Places& places, Ends& ends) {
  client::GroupOptions options;
  options.group = options_.group;
  options.instance_id = options_.instance;
  options.consumer.rack = options_.rack;
  options.consumer.reset = options_.reset == "start" ? client::OffsetReset::start
                           : options_.reset == "end" ? client::OffsetReset::end
                                                     : client::OffsetReset::fail;
  options.on_assigned = [&](const std::vector<TopicPartition>& partitions) {
    for (const TopicPartition& where : partitions)
      if (const auto position = group_->position(where))
        places[where] = {
            .where = where, .offset = *position, .leader_epoch = group_->position_epoch(where), .metadata = {}};
  };
  options.on_revoked = [&](const std::vector<TopicPartition>& partitions, bool lost) -> awaitable<void> {
    const bool any_open = std::ranges::any_of(partitions, [&](const auto& where) { return places.contains(where); });
    if (lost && any_open)
      tool::tell(cli::notice(args_, fmt::format("group {} went on without this member; what was written since its last "
                                                "commit will be read again",
                                                options_.group)));
    if (!lost) (void)co_await commit(*group_, places);
    for (const TopicPartition& where : partitions) places.erase(where), ends.erase(where);
  };
  return options;
}

/// A rebalance waits for members that died until their session ends, which looks as if there were no records.
void Reading::tell_long_rebalance(const client::GroupConsumer& group) {
  if (group.is_settled()) {
    settled_at_ = shard_.now();
    waiting_is_told_ = false;
  } else if (shard_.now() - settled_at_ > kRebalanceToTell && !std::exchange(waiting_is_told_, true)) {
    const auto session = std::chrono::duration_cast<std::chrono::seconds>(client::GroupOptions{}.session_timeout);
    tool::tell(cli::notice(args_, fmt::format("group {}: waiting for its other members; one that was killed is waited "
                                              "for until its session ends, up to {} s",
                                              options_.group, session.count())));
  }
}

/// Writes the records of `batch` before the partition's end, if it has one, and moves its place behind them.
Result<void> Reading::write_batch(const client::FetchedBatch& batch, const Ends& ends, Places& places) {
  const auto known_end = ends.find(*batch.where);
  const Offset end = known_end == ends.end() ? batch.next_offset : std::min(known_end->second, batch.next_offset);
  if (batch.first_offset >= end) return {};
  Offset next = batch.first_offset;
  MQ_CHECK(client::for_each_record(records_, batch, [&](const record::RecordView& record) {
    if (done() || record.offset >= end) return;
    write(*batch.where, batch.header, record);
    next = mq::next(record.offset);
  }));
  places[*batch.where] = {
      .where = *batch.where, .offset = done() ? next : end, .leader_epoch = batch.header.leader_epoch, .metadata = {}};
  return {};
}

/// Takes what is committed out of `places`. What cannot be committed now (no broker, a rebalance) stays there for the
/// next time.
awaitable<Result<void>> Reading::commit(client::GroupConsumer& group, Places& places) {
  if (places.empty()) co_return Result<void>{};
  std::vector<client::CommittedOffset> offsets;
  for (const auto& [where, place] : places) offsets.push_back(place);
  const Duration patience = std::min(kGoodbyeWait, client_.request_timeout);
  auto committed = co_await group.commit(std::move(offsets), shard_.now() + patience);
  if (committed) {
    places.clear();
    co_return Result<void>{};
  }
  const ErrorCode code = client::code_of(committed.error());
  const bool is_rebalance = code == ErrorCode::kIllegalGeneration || code == ErrorCode::kUnknownMemberId ||
                            code == ErrorCode::kRebalanceInProgress;
  const bool has_left = committed.error().code == Errc::cancelled;
  if (is_rebalance || has_left || client::is_worth_retrying(committed.error())) co_return Result<void>{};
  co_return committed;
}

// --- Output ----------------------------------------------------------------------------------------------------------

void Reading::write(const TopicPartition& where, const record::BatchHeader& batch, const record::RecordView& record) {
  writer_.write(where, batch, record, buffer_);
  ++written_;
}

awaitable<Result<void>> Reading::flush() {
  if (buffer_.empty()) co_return Result<void>{};
  auto written = co_await out_.write(buffer_);
  buffer_.clear();
  out_is_broken_ = !written && written.error().code == Errc::closed;
  co_return written;
}

}  // namespace mq::mqcons
