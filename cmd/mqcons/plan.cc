#include "plan.h"

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
  using Kind = cli::Position::Kind;
  const std::int64_t length = (part.log_end - part.begin).value();
  switch (position.kind) {
    case Kind::start:
      co_return part.begin + OffsetDelta{std::min(position.value, length)};
    case Kind::end:
      co_return part.log_end - OffsetDelta{std::min(position.value, length)};
    case Kind::offset:
      co_return Offset{position.value};
    case Kind::committed:
      break;  // refused with the command line
    case Kind::time: {
      std::vector<client::OffsetQuery> query{{.where = part.where, .at = position.value}};
      MQ_CO_TRY(const auto found, co_await client::list_offsets(cluster, std::move(query), kIsolation, deadline));
      if (found.front().offset < Offset{0}) co_return std::nullopt;
      co_return found.front().offset;
    }
  }
  std::unreachable();
}

/// Adds what `range` means in this partition. A left end that is not in the log (any more) is where the log begins or
/// ends; a right end may lie ahead only when following.
awaitable<Result<void>> add_span(client::Cluster& cluster, const Options& options, const cli::PositionRange& range,
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
  if (!span.end || span.from < *span.end) part.spans.push_back(span);
  co_return Result<void>{};
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

awaitable<Result<std::vector<Part>>> plan(client::Cluster& cluster, const Options& options, Duration timeout) {
  const Instant deadline = cluster.shard().now() + timeout;
  MQ_CO_TRY(std::vector<Part> parts, co_await find_partitions(cluster, options, deadline));
  std::vector<cli::PartitionRange> ranges = options.ranges;
  if (ranges.empty()) ranges.emplace_back();
  for (Part& part : parts) {
    for (const cli::PartitionRange& range : ranges) {
      const bool is_meant = range.partitions.empty() ||
                            std::ranges::find(range.partitions, part.where.partition) != range.partitions.end();
      if (is_meant) MQ_CO_CHECK(co_await add_span(cluster, options, range.range, part, deadline));
    }
    tidy(part.spans);
  }
  // -n reads back from the end of the log, whatever a span says.
  if (!options.tail) std::erase_if(parts, [](const Part& part) { return part.spans.empty(); });
  co_return parts;
}

}  // namespace mq::mqcons
