// Reading without waiting for the disk.
//
// 1. Look: the log finds the place in its index and in batch headers, from the page cache alone.
// 2. would_block: a job on the pool reads the same pages, so that they are cached, and the look is taken again. Now and
//    then the cache has lost them by then, so a few looks may be needed; the last one waits for the disk where it is.
// 3. What was found and is not known to be good, or whose pages are not all cached, the pool reads and checks; the log
//    remembers that, so that it is done once.
//
// The partition may go away (its topic is deleted) whenever the shard does something else. Work on names, steps 1 and
// 2, holds its directory (begin_work) and begins only while the partition is there; a range holds its open file.

#include "broker/partition_reader.h"

#include <utility>

#include "base/assert.h"
#include "base/buggify.h"
#include "base/mark.h"

namespace mq::broker {

Offset PartitionReader::end_of(Bound bound) const {
  switch (bound) {
    case Bound::readable:
      return partition_.high_watermark();
    case Bound::stable:
      return partition_.last_stable_offset();
    case Bound::log_end:
      return partition_.log().log_end();
  }
  std::unreachable();
}

// --- By offset -------------------------------------------------------------------------------------------------------

Result<log::FileRange> PartitionReader::read_now(const Place& place) {
  auto found = partition_.log().read(place.from, place.bytes_max, place.end, place.at_least_one_batch, log::Wait::no);
  if (!found) return found.error().code == Errc::would_block ? std::move(found) : told(std::move(found).error());
  const log::FileRange& range = *found;
  const bool is_asked_to_wait = !range.empty() && MQ_BUGGIFY("broker: a fetch reads from the disk what is cached");
  if (!is_asked_to_wait && (range.empty() || (range.verified && (is_small(range) || log::is_cached(range)))))
    return found;
  MQ_MARK("broker: a fetch has to read from the disk");
  return fail(Errc::would_block, "{}: offset {} is to be read from the disk", partition_.name().to_string(),
              place.from.value());
}

awaitable<Result<log::FileRange>> PartitionReader::read(Place place) {
  MQ_CO_TRY(log::FileRange range, co_await find(place));
  if (range.empty() || (range.verified && (is_small(range) || log::is_cached(range)))) co_return range;
  // Checking also warms the pages for sendfile.
  partition_.shard().metrics.fetch_cold_reads.add();
  co_return co_await check(std::move(range));
}

awaitable<Result<std::string>> PartitionReader::read_bytes(Place place) {
  MQ_CO_TRY(log::FileRange range, co_await find(place));
  if (range.empty()) co_return std::string();
  const auto kept = partition_.shared_from_this();
  if (!range.verified) {
    MQ_CO_TRY(range, co_await check(std::move(range)));
  }
  auto bytes = co_await on_pool([range] { return log::read_bytes(range); });
  if (partition_.is_retired()) co_return gone();
  if (!bytes) co_return told(std::move(bytes).error());
  co_return bytes;
}

awaitable<Result<log::FileRange>> PartitionReader::find(Place place) {
  log::Log& log = partition_.log();
  auto found = co_await look_again(
      [&log, &place](log::Wait wait) {
        return log.read(place.from, place.bytes_max, place.end, place.at_least_one_batch, wait);
      },
      [&log, &place] { return log.prepare_read(place.from, place.bytes_max, place.end); });
  if (!found) co_return told(std::move(found).error());
  co_return found;
}

awaitable<Result<log::FileRange>> PartitionReader::check(log::FileRange range) {
  const auto kept = partition_.shared_from_this();
  const log::VerifyOutcome checked = co_await on_pool([range] { return log::verify(range); });
  MQ_ASSERT(checked.good_bytes <= range.size);
  if (partition_.is_retired()) co_return gone();
  partition_.log().note_verified(range, checked);
  if (checked.damage.has_value()) MQ_MARK("broker: a fetch meets damage on the disk");
  if (checked.damage) partition_.tell_damage(*checked.damage);
  if (checked.good_bytes == 0) {
    if (checked.damage) co_return std::unexpected(*checked.damage);
    co_return fail(Errc::corrupt_batch, "{}: no whole batch at offset {}", partition_.name().to_string(),
                   range.from.value());
  }
  range.has_more = range.has_more || checked.good_bytes < range.size;
  range.size = checked.good_bytes;
  range.verified = true;
  co_return range;
}

// --- By time ---------------------------------------------------------------------------------------------------------

awaitable<PartitionReader::FoundTime> PartitionReader::find_time(WallMillis timestamp, Offset end) {
  return search(timestamp, [&log = partition_.log(), timestamp, end](Offset from, log::Wait wait) {
    return log.find_timestamp(timestamp, end, from, wait);
  });
}

awaitable<PartitionReader::FoundTime> PartitionReader::find_latest_time(Offset end) {
  return search(0,
                [&log = partition_.log(), end](Offset, log::Wait wait) { return log.find_max_timestamp(end, wait); });
}

template <class Prepare>
awaitable<PartitionReader::FoundTime> PartitionReader::search(WallMillis timestamp, Prepare prepare) {
  const auto kept = partition_.shared_from_this();
  for (Offset from{0};;) {
    auto search = co_await look_at_times(timestamp, [&](log::Wait wait) { return prepare(from, wait); });
    if (!search) co_return told(std::move(search).error());
    if (!*search) co_return std::nullopt;
    const auto goes_on_at = (*search)->goes_on_at();
    FoundTime found = co_await on_pool([job = *std::move(*search)]() mutable { return job.run(); });
    if (!found) co_return told(std::move(found).error());
    if (*found || !goes_on_at) co_return found;
    MQ_ASSERT(*goes_on_at > from);
    from = *goes_on_at;
  }
}

// --- By leader epoch -------------------------------------------------------------------------------------------------

Result<log::EpochEnd> PartitionReader::end_of_epoch_now(LeaderEpoch epoch) {
  if (partition_.is_warm()) return look_up_epoch(epoch);
  return fail(Errc::would_block, "{}: its epochs are to be read from the disk", partition_.name().to_string());
}

awaitable<Result<log::EpochEnd>> PartitionReader::end_of_epoch(LeaderEpoch epoch) {
  const auto kept = partition_.shared_from_this();
  MQ_CO_CHECK(co_await until_warm());
  co_return look_up_epoch(epoch);
}

Result<log::EpochEnd> PartitionReader::look_up_epoch(LeaderEpoch epoch) {
  if (auto begun = begin_epoch(); !begun) return std::unexpected(std::move(begun).error());
  auto end = partition_.log().end_offset_for(epoch);
  if (!end) return told(std::move(end).error());
  return end;
}

Result<void> PartitionReader::begin_epoch() {
  // As in Kafka a leader's epoch begins where the log ended when it came to lead, be anything written in it or not.
  if (!partition_.is_leader()) return {};
  if (auto begun = partition_.log().begin_epoch(partition_.leader_epoch()); !begun)
    return told(std::move(begun).error());
  return {};
}

awaitable<Result<PartitionReader::Start>> PartitionReader::start() {
  const auto kept = partition_.shared_from_this();
  MQ_CO_CHECK(co_await until_warm());
  MQ_CO_CHECK(begin_epoch());
  const Offset offset = partition_.log().log_start();
  co_return Start{.offset = offset, .leader_epoch = partition_.log().epoch_at(offset).value_or(kNoLeaderEpoch)};
}

awaitable<Result<void>> PartitionReader::until_warm() {
  const auto kept = partition_.shared_from_this();
  co_await partition_.until_warm();
  if (partition_.is_retired()) co_return gone();
  co_return Result<void>{};
}

// --- Parts -----------------------------------------------------------------------------------------------------------

std::size_t PartitionReader::looks_max() const {
  // A look at times goes over the segments, each of which may need one.
  return 8 + 2 * partition_.log().segment_count();
}

std::unexpected<Error> PartitionReader::gone() const {
  return fail(Errc::not_leader, "{} was deleted meanwhile", partition_.name().to_string());
}

std::unexpected<Error> PartitionReader::told(Error error) const {
  partition_.tell_damage(error);
  return std::unexpected(std::move(error));
}

}  // namespace mq::broker
