#include "read.h"

#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

#include "cli/terminal.h"

namespace mq::mqcons {
namespace {

constexpr std::size_t kFlushBytes = 256 << 10;
constexpr Duration kPollWait = 500ms;
// A merge waits for the slowest partition; the others stop being fetched when so much of them is held.
constexpr std::size_t kHeldBytesMax = 8u << 20;

std::size_t held_bytes(const std::deque<client::FetchedBatch>& held) {
  std::size_t bytes = 0;
  for (const auto& batch : held) bytes += batch.bytes.size();
  return bytes;
}

}  // namespace

Reading::Reading(tool::Context& context, Options options)
    : runtime_(context.runtime),
      args_(context.args),
      options_(std::move(options)),
      client_(context.client),
      writer_(options_),
      out_(posix::Output::standard(runtime_.shard(0))) {}

awaitable<cli::ExitCode> Reading::run() {
  env::Shard& shard = runtime_.shard(0);
  client::Cluster cluster(shard, runtime_.random(), client_);
  Result<void> result = co_await cluster.start(shard.now() + args_.duration("connect-timeout"));
  if (result) result = options_.group.empty() ? co_await read_partitions(cluster) : co_await read_group(cluster);
  if (auto flushed = co_await flush(); result && !flushed) result = std::move(flushed);
  co_await cluster.close();
  if (result) co_return code_;
  if (out_is_broken_) co_return cli::ExitCode::broken_pipe;
  posix::write_error(cli::complaint(args_, result.error()));
  // A group that has no position needs --reset, not another topic.
  const bool needs_reset = !options_.group.empty() && result.error().code == Errc::not_found;
  co_return cli::worst(code_, needs_reset ? cli::ExitCode::precondition : cli::exit_code_of(result.error()));
}

void Reading::stop(cli::ExitCode as) {
  stopping_ = true;
  code_ = as;
  if (consumer_ != nullptr) consumer_->wake();
  if (group_ != nullptr) group_->wake();
}

std::string Reading::progress() const { return fmt::format("mqcons: {} records written\n", written_); }

// --- Without a group
// ----------------------------------------------------------------------------------------------------

awaitable<Result<void>> Reading::read_partitions(client::Cluster& cluster) {
  MQ_CO_TRY(std::vector<Part> parts, co_await plan(cluster));
  if (options_.tail) {
    MQ_CO_CHECK(co_await read_tail(cluster, parts));
  } else if (!options_.follow) {
    co_return co_await read_merged(cluster, parts);
  }
  if (options_.follow && !done()) co_return co_await follow(cluster, parts);
  co_return Result<void>{};
}

awaitable<Result<std::vector<Reading::Part>>> Reading::plan(client::Cluster& cluster) {
  std::vector<Part> parts;
  for (const std::string& name : options_.topics) {
    MQ_CO_TRY(const auto topic, co_await cluster.topic(name, client::Cluster::AutoCreate::no, deadline()));
    const auto count = static_cast<std::int32_t>(topic->partitions.size());
    for (const std::int32_t wanted : options_.partitions)
      if (wanted >= count) co_return fail(Errc::not_found, "{} has no partition {}: it has {}", name, wanted, count);
    for (std::int32_t index = 0; index < count; ++index)
      if (options_.partitions.empty() || std::ranges::find(options_.partitions, index) != options_.partitions.end())
        parts.push_back({.where = {name, index}, .begin = {}, .from = {}, .end = {}});
  }
  std::vector<client::OffsetQuery> queries;
  for (const Part& part : parts) {
    queries.push_back({.where = part.where, .at = client::OffsetQuery::kStart});
    queries.push_back({.where = part.where, .at = client::OffsetQuery::kEnd});
  }
  MQ_CO_TRY(const auto answers,
            co_await client::list_offsets(cluster, std::move(queries), client::Isolation::read_committed, deadline()));
  std::vector<Part> wanted;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    Part part = parts[i];
    part.begin = part.from = answers[2 * i].offset;
    const Offset end = answers[2 * i + 1].offset;
    part.end = end;
    if (options_.ranges.empty()) wanted.push_back(part);
    for (const cli::PartitionRange& range : options_.ranges) {
      if (!range.partitions.empty() &&
          std::ranges::find(range.partitions, part.where.partition) == range.partitions.end())
        continue;
      Part ranged = part;
      if (range.range.first) {
        MQ_CO_TRY(ranged.from, co_await place(cluster, part, end, *range.range.first, false));
      }
      if (range.range.last) {
        MQ_CO_TRY(const Offset last, co_await place(cluster, part, end, *range.range.last, true));
        ranged.end = options_.follow ? last : std::min(last, end);
      }
      wanted.push_back(ranged);
    }
  }
  co_return wanted;
}

awaitable<Result<Offset>> Reading::place(client::Cluster& cluster, const Part& part, Offset end,
                                         const cli::Position& position, bool is_right_end) {
  using Kind = cli::Position::Kind;
  const auto within = [&](std::int64_t offset) {
    return Offset{std::clamp(offset, part.begin.value(), std::max(end.value(), part.begin.value()))};
  };
  switch (position.kind) {
    case Kind::start:
      co_return within(part.begin.value() + position.value);
    case Kind::end:
      co_return within(end.value() - position.value);
    // A right end may lie ahead when following; a left one that is not there (any more) is where the log begins or
    // ends.
    case Kind::offset:
      co_return is_right_end&& options_.follow ? Offset{position.value} : within(position.value);
    case Kind::committed:
      co_return fail(Errc::invalid_argument, "'committed' is a position of a group; use -g");
    case Kind::time: {
      std::vector<client::OffsetQuery> query{{.where = part.where, .at = position.value}};
      MQ_CO_TRY(const auto found, co_await client::list_offsets(cluster, std::move(query),
                                                                client::Isolation::read_committed, deadline()));
      co_return found.front().offset < Offset{0} ? end : std::min(found.front().offset, end);
    }
  }
  std::unreachable();
}

awaitable<Result<void>> Reading::read_tail(client::Cluster& cluster, std::vector<Part>& parts) {
  struct Kept {
    WallMillis timestamp;
    std::size_t part;
    Offset offset;
    std::string text;
  };
  const auto want = static_cast<std::size_t>(*options_.tail);
  for (Part& part : parts) part.from = *part.end;
  std::vector<Kept> kept;
  // Walk back until every partition gave `want` records or has no more: offsets may be gaps and markers.
  for (std::int64_t step = static_cast<std::int64_t>(want); want > 0 && !stopping_; step *= 2) {
    kept.clear();
    bool at_start = true;
    std::vector<std::size_t> counts(parts.size());
    client::Consumer consumer(cluster, {});
    consumer_ = &consumer;
    std::size_t open = 0;
    for (Part& part : parts) {
      part.from = std::max(part.begin, Offset{part.end->value() - step});
      if (part.from < *part.end) {
        consumer.assign(part.where, part.from);
        ++open;
      }
    }
    Result<void> result;
    while (open > 0 && result && !stopping_) {
      auto polled = co_await consumer.poll(kPollWait);
      result = polled ? check(*polled) : Result<void>(std::unexpected(polled.error()));
      if (!result) break;
      for (const client::FetchedBatch& batch : polled->batches) {
        const auto place = std::ranges::find_if(parts, [&](const Part& part) { return part.where == *batch.where; });
        const auto index = static_cast<std::size_t>(place - parts.begin());
        result = client::for_each_record(records_, batch, [&](const record::RecordView& record) {
          if (record.offset >= *place->end) return;
          std::string text;
          writer_.write(place->where, batch.header, record, text);
          kept.push_back(
              {.timestamp = record.timestamp, .part = index, .offset = record.offset, .text = std::move(text)});
          ++counts[index];
        });
      }
      for (const Part& part : parts)
        if (auto position = consumer.position(part.where); position && *position >= *part.end) {
          consumer.unassign(part.where);
          --open;
        }
    }
    consumer_ = nullptr;
    co_await consumer.close();
    MQ_CO_CHECK(result);
    for (std::size_t i = 0; i < parts.size(); ++i)
      if (counts[i] < want && parts[i].from > parts[i].begin) at_start = false;
    if (at_start) break;
  }
  std::ranges::sort(kept, {},
                    [](const Kept& record) { return std::tuple(record.timestamp, record.part, record.offset); });
  if (kept.size() > want) kept.erase(kept.begin(), kept.end() - static_cast<std::ptrdiff_t>(want));
  for (const Kept& record : kept) {
    if (done()) break;
    buffer_ += record.text;
    ++written_;
  }
  for (Part& part : parts) {
    part.from = *part.end;
    part.end.reset();
  }
  co_return co_await flush();
}

awaitable<Result<void>> Reading::read_merged(client::Cluster& cluster, const std::vector<Part>& parts) {
  client::Consumer consumer(cluster, {});
  consumer_ = &consumer;
  struct Source {
    const Part* part;
    Held held;
    bool at_end = false;
    bool paused = false;
  };
  std::vector<Source> sources;
  for (const Part& part : parts) {
    if (part.from >= *part.end) continue;
    sources.push_back({.part = &part, .held = {}});
    consumer.assign(part.where, part.from);
  }
  Result<void> result;
  const auto open = [](const Source& source) { return !source.at_end || !source.held.empty(); };
  while (result && !done() && std::ranges::any_of(sources, open)) {
    const bool can_write =
        std::ranges::all_of(sources, [](const Source& source) { return source.at_end || !source.held.empty(); });
    if (can_write) {
      // Batches are the grain of the merge: the one that begins first goes out whole.
      auto first = std::ranges::min_element(sources, {}, [](const Source& source) {
        return source.held.empty() ? std::numeric_limits<WallMillis>::max() : source.held.front().header.base_timestamp;
      });
      const client::FetchedBatch batch = std::move(first->held.front());
      first->held.pop_front();
      result = client::for_each_record(records_, batch, [&](const record::RecordView& record) {
        if (record.offset >= *first->part->end || done()) return;
        writer_.write(first->part->where, batch.header, record, buffer_);
        ++written_;
      });
      if (result && buffer_.size() >= kFlushBytes) result = co_await flush();
      if (first->paused && held_bytes(first->held) < kHeldBytesMax / 2)
        consumer.pause(first->part->where, first->paused = false);
      continue;
    }
    auto polled = co_await consumer.poll(kPollWait);
    result = polled ? check(*polled) : Result<void>(std::unexpected(polled.error()));
    if (!result) break;
    for (client::FetchedBatch& batch : polled->batches) {
      const auto source = std::ranges::find_if(sources, [&](const Source& s) { return s.part->where == *batch.where; });
      if (source != sources.end() && !source->at_end) source->held.push_back(std::move(batch));
    }
    for (Source& source : sources) {
      if (source.at_end) continue;
      if (auto position = consumer.position(source.part->where); position && *position >= *source.part->end) {
        source.at_end = true;
        consumer.unassign(source.part->where);
      } else if (!source.paused && held_bytes(source.held) > kHeldBytesMax) {
        consumer.pause(source.part->where, source.paused = true);
      }
    }
    if (polled->batches.empty()) result = co_await flush();
  }
  consumer_ = nullptr;
  co_await consumer.close();
  co_return result;
}

awaitable<Result<void>> Reading::follow(client::Cluster& cluster, const std::vector<Part>& parts) {
  client::Consumer consumer(cluster, {});
  consumer_ = &consumer;
  for (const Part& part : parts) consumer.assign(part.where, part.from);
  Result<void> result;
  while (result && !done()) {
    auto polled = co_await consumer.poll(kPollWait);
    result = polled ? check(*polled) : Result<void>(std::unexpected(polled.error()));
    if (!result) break;
    for (const client::FetchedBatch& batch : polled->batches) {
      const auto part = std::ranges::find_if(parts, [&](const Part& p) { return p.where == *batch.where; });
      result = client::for_each_record(records_, batch, [&](const record::RecordView& record) {
        const bool past_end = !options_.ranges.empty() && part->end && has_right_end() && record.offset >= *part->end;
        if (past_end || done()) return;
        writer_.write(part->where, batch.header, record, buffer_);
        ++written_;
      });
      if (!result) break;
    }
    if (result) result = co_await flush();
  }
  consumer_ = nullptr;
  co_await consumer.close();
  co_return result;
}

bool Reading::has_right_end() const {
  return std::ranges::any_of(options_.ranges,
                             [](const cli::PartitionRange& range) { return range.range.last.has_value(); });
}

// --- With a group
// -------------------------------------------------------------------------------------------------------

awaitable<Result<void>> Reading::read_group(client::Cluster& cluster) {
  client::GroupOptions options;
  options.group = options_.group;
  options.instance_id = options_.instance;
  options.consumer.reset = options_.reset == "start" ? client::OffsetReset::start
                           : options_.reset == "end" ? client::OffsetReset::end
                                                     : client::OffsetReset::fail;
  client::GroupConsumer group(cluster, options_.topics, std::move(options));
  group_ = &group;
  Result<void> result;
  std::map<TopicPartition, Offset> written;  // of the next record to write; what is committed
  while (result && !done()) {
    auto polled = co_await group.poll(kPollWait);
    result = polled ? check(*polled) : Result<void>(std::unexpected(polled.error()));
    if (!result) break;
    std::vector<client::CommittedOffset> offsets;
    for (const client::FetchedBatch& batch : polled->batches) {
      Offset next = batch.first_offset;
      result = client::for_each_record(records_, batch, [&](const record::RecordView& record) {
        if (done()) return;
        writer_.write(*batch.where, batch.header, record, buffer_);
        ++written_;
        next = mq::next(record.offset);
      });
      if (!result) break;
      if (!done()) next = batch.next_offset;
      written[*batch.where] = next;
    }
    if (result) result = co_await flush();
    if (!result) break;
    for (const auto& [where, offset] : written)
      offsets.push_back({.where = where, .offset = offset, .leader_epoch = kNoLeaderEpoch, .metadata = {}});
    written.clear();
    if (!offsets.empty()) {
      // The bytes are out: only now may the group move on.
      auto committed = co_await group.commit(std::move(offsets), deadline());
      if (!committed && committed.error().code != Errc::broker) result = std::move(committed);
      if (!committed && committed.error().code == Errc::broker)
        posix::write_error(cli::complaint(args_, committed.error()));
    }
    if (!options_.follow && polled->batches.empty() && group_is_at_end(group)) break;
  }
  group_ = nullptr;
  auto closed = co_await group.close(deadline());
  if (result && !closed) result = std::move(closed);
  co_return result;
}

bool Reading::group_is_at_end(const client::GroupConsumer& group) const {
  const auto assignment = group.assignment();
  // Without partitions (another member has them) there is nothing to wait for either.
  return !group.member_id().empty() && group.generation() > 0 &&
         std::ranges::all_of(assignment, [&](const TopicPartition& where) {
           const auto position = group.position(where);
           const auto end = group.known_end(where);
           return position && end && *position >= *end;
         });
}

// --- Output
// -------------------------------------------------------------------------------------------------------------

awaitable<Result<void>> Reading::flush() {
  if (buffer_.empty()) co_return Result<void>{};
  auto written = co_await out_.write(buffer_);
  buffer_.clear();
  out_is_broken_ = !written && written.error().code == Errc::closed;
  co_return written;
}

Result<void> Reading::check(const client::Polled& polled) {
  for (const client::PartitionError& error : polled.errors) {
    Error told = error.error;
    told.message = fmt::format("{}: {}", error.where.to_string(), told.message);
    return std::unexpected(std::move(told));
  }
  return {};
}

}  // namespace mq::mqcons
