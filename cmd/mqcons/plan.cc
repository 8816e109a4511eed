#include "plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "client/consumer.h"

namespace mq::mqcons {
namespace {

constexpr auto kIsolation = client::Isolation::read_committed;

/// Those of -p and of the ranges of -o.
std::vector<std::int32_t> named_partitions(const Options& options) {
  std::vector<std::int32_t> named = options.partitions;
  for (const cli::PartitionRange& range : options.ranges)
    named.insert(named.end(), range.partitions.begin(), range.partitions.end());
  return named;
}

awaitable<Result<std::vector<Part>>> find_partitions(client::Cluster& cluster, const Options& options,
                                                     Instant deadline) {
  std::vector<Part> parts;
  for (const std::string& name : options.topics) {
    MQ_CO_TRY(const auto topic, co_await cluster.topic(name, client::Cluster::AutoCreate::no, deadline));
    const auto count = static_cast<std::int32_t>(topic->partitions.size());
    for (const std::int32_t wanted : named_partitions(options))
      if (wanted >= count) co_return fail(Errc::not_found, "{} has no partition {}: it has {}", name, wanted, count);
    for (std::int32_t index = 0; index < count; ++index)
      if (options.partitions.empty() || std::ranges::find(options.partitions, index) != options.partitions.end())
        parts.push_back({.where = {name, index}});
  }
  std::vector<client::OffsetQuery> queries;
  for (const Part& part : parts) {
    queries.push_back({.where = part.where, .at = client::OffsetQuery::kStart});
    queries.push_back({.where = part.where, .at = client::OffsetQuery::kEnd});
  }
  MQ_CO_TRY(const auto answers, co_await client::list_offsets(cluster, std::move(queries), kIsolation, deadline));
  for (std::size_t i = 0; i < parts.size(); ++i) {
    parts[i].begin = answers[2 * i].offset;
    parts[i].log_end = std::max(answers[2 * i + 1].offset, parts[i].begin);
  }
  co_return parts;
}

/// The offset that a position means. A time that no record has reached yet: none.
awaitable<Result<std::optional<Offset>>> offset_of(client::Cluster& cluster, Part part, cli::Position position,
                                                   Instant deadline) {
  cli::Extent log{.start = part.begin, .end = part.log_end, .committed = {}, .at_time = {}};
  if (position.kind == cli::Position::Kind::time) {
    std::vector<client::OffsetQuery> query{{.where = part.where, .at = position.value}};
    MQ_CO_TRY(const auto found, co_await client::list_offsets(cluster, std::move(query), kIsolation, deadline));
    if (found.front().offset < Offset{0}) co_return std::nullopt;
    log.at_time = found.front().offset;
  }
  co_return cli::resolve(position, log);
}

/// What `range` means in this partition. A left end that is not in the log (any more) is where the log begins or ends;
/// a right end may lie ahead only when following. A range may come out reversed.
awaitable<Result<Span>> span_of(client::Cluster& cluster, const Options& options, const cli::PositionRange& range,
                                Part& part, Instant deadline) {
  Span span{.from = part.begin, .end = {}};
  if (range.first) {
    MQ_CO_TRY(const auto from, co_await offset_of(cluster, part, *range.first, deadline));
    span.from = std::clamp(from.value_or(part.log_end), part.begin, part.log_end);
  }
  if (range.last) {
    MQ_CO_TRY(span.end, co_await offset_of(cluster, part, *range.last, deadline));
    if (!span.end) part.until = range.last->value;
  }
  if (!options.follow) span.end = std::min(span.end.value_or(part.log_end), part.log_end);
  co_return span;
}

/// Of two ends that somebody named; a log that begins behind the right one has lost the records, which is another
/// thing.
bool is_reversed(const cli::PositionRange& range, const Span& span, const Part& part) {
  return range.first && range.last && span.end && *span.end >= part.begin && *span.end < span.from;
}

std::string remark_on(const Part& part, const Span& span) {
  return fmt::format("nothing is read of {}: the range would begin at {} and end before that, at {}",
                     part.where.to_string(), span.from.value(), span.end->value());
}

/// In order, without overlaps.
void tidy(std::vector<Span>& spans) {
  std::ranges::sort(spans, {}, &Span::from);
  std::vector<Span> tidied;
  for (const Span& span : spans) {
    if (tidied.empty() || (tidied.back().end && *tidied.back().end < span.from)) {
      tidied.push_back(span);
    } else if (tidied.back().end) {
      tidied.back().end = span.end ? std::optional(std::max(*tidied.back().end, *span.end)) : std::nullopt;
    }
  }
  spans = std::move(tidied);
}

}  // namespace

bool Part::wants(Offset offset) const {
  return std::ranges::any_of(
      spans, [&](const Span& span) { return offset >= span.from && (!span.end || offset < *span.end); });
}

awaitable<Result<Plan>> plan(client::Cluster& cluster, const Options& options, Duration timeout) {
  const Instant deadline = cluster.shard().now() + timeout;
  Plan plan;
  MQ_CO_TRY(plan.parts, co_await find_partitions(cluster, options, deadline));
  std::vector<cli::PartitionRange> ranges = options.ranges;
  if (ranges.empty()) ranges.emplace_back();
  std::size_t reversed = 0;
  for (Part& part : plan.parts) {
    for (const cli::PartitionRange& range : ranges) {
      const bool is_meant = range.partitions.empty() ||
                            std::ranges::find(range.partitions, part.where.partition) != range.partitions.end();
      if (!is_meant) continue;
      MQ_CO_TRY(const Span span, co_await span_of(cluster, options, range.range, part, deadline));
      if (!span.end || span.from < *span.end) part.spans.push_back(span);
      if (is_reversed(range.range, span, part) && ++reversed == 1) plan.remark = remark_on(part, span);
    }
    tidy(part.spans);
  }
  if (reversed > 1) plan.remark += fmt::format("; {} more are like that", reversed - 1);
  // -n reads back from the end of the log, whatever a span says.
  if (!options.tail) std::erase_if(plan.parts, [](const Part& part) { return part.spans.empty(); });
  co_return plan;
}

}  // namespace mq::mqcons
