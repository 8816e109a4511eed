#include "broker/api/fetch_item.h"

#include <algorithm>
#include <utility>

#include "base/mark.h"
#include "base/mutant.h"
#include "broker/errors.h"
#include "broker/partition.h"
#include "broker/partition_reader.h"
#include "broker/services.h"

namespace mq::broker {
namespace {

/// Whether a consumer may be answered here, and by whom else it should be (KIP-392).
ErrorCode look_for_consumer(FetchItem& item, const Partition& partition) {
  const LeaderEpoch asked{item.wanted.current_leader_epoch};
  const Offset from{item.wanted.fetch_offset};
  if (const ErrorCode error = item.may_follow ? partition.check_replica(asked) : partition.check_leader(asked);
      error != ErrorCode::kNone)
    return error;
  if (partition.is_leader()) {
    if (!item.nearby.empty()) item.preferred = partition.replica().furthest_of(item.nearby, from);
    if (item.is_sent_elsewhere()) MQ_MARK("broker: a consumer is sent to a replica in its rack");
    return ErrorCode::kNone;
  }
  // H-9: clients are told no begin that another leader may not have.
  item.log_start = std::min(item.log_start, partition.replica().committed_start());
  MQ_MARK("broker: a consumer reads from a follower");
  // The leader may have it, and have committed it: only the leader can say that there is no such offset.
  return from > item.high_watermark ? ErrorCode::kOffsetNotAvailable : ErrorCode::kNone;
}

/// Looks where the partition stands. Null when it is not to be read here: the item has the error, or another replica.
Partition* look_at(FetchItem& item) {
  item.clear();
  item.diverging = {};
  item.preferred = kNoBroker;
  Partition* partition = item.owner->find(item.topic->id, item.wanted.partition);
  if (partition == nullptr) {
    MQ_MARK("broker: a fetch asks for a partition that is gone");
    item.error = ErrorCode::kNotLeaderOrFollower;
    return nullptr;
  }
  item.high_watermark = is_mutant("readunsynced") ? partition->log().written_end() : partition->high_watermark();
  item.last_stable = partition->last_stable_offset();
  item.log_start = partition->log().log_start();
  if (item.replica.is_there()) {
    // H-9: what it believes of all that may lead.
    item.log_start = std::min(item.log_start, partition->replica().committed_start());
    item.start_wanted = partition->replica().start_wanted();
  }
  item.leader_epoch = partition->leader_epoch();
  item.end = item.replica.is_there() ? partition->log().written_end() : item.high_watermark;
  item.error = item.replica.is_there() ? partition->check_leader(LeaderEpoch{item.wanted.current_leader_epoch})
                                       : look_for_consumer(item, *partition);
  return item.error == ErrorCode::kNone && !item.is_sent_elsewhere() ? partition : nullptr;
}

PartitionReader::Place place_of(const FetchItem& item, const FetchRoom& room) {
  return {.from = Offset{item.wanted.fetch_offset},
          .end = item.end,
          .bytes_max = std::min(room.bytes, static_cast<std::size_t>(std::max(item.wanted.bytes_max, 0))),
          .at_least_one_batch = room.is_untouched};
}

bool asks_for_epoch(const FetchItem& item) { return item.wanted.last_fetched_epoch >= 0; }

void note_failure(FetchItem& item, const Error& error) {
  item.clear();
  // Nothing is wrong with the partition then.
  item.lacks_file = error.code == Errc::too_many_files;
  if (!item.lacks_file) item.error = to_wire(error);
}

/// Takes where the client's last epoch ended. False when it gets no records for that.
bool goes_on_after(FetchItem& item, const Result<log::EpochEnd>& end) {
  if (!end) {
    note_failure(item, end.error());
  } else if (end->epoch == kNoLeaderEpoch) {
    // Nobody has led in it yet, so nothing that came in it is here.
    item.error = ErrorCode::kOffsetOutOfRange;
  } else if (end->epoch.value() < item.wanted.last_fetched_epoch ||
             end->end_offset.value() < item.wanted.fetch_offset) {
    item.diverging.epoch = end->epoch.value();
    item.diverging.end_offset = end->end_offset.value();
  }
  return item.error == ErrorCode::kNone && !item.diverges() && !item.lacks_file;
}

/// A follower has all below where it fetches: its log is a beginning of ours, or it would diverge.
void tell_replica(FetchItem& item, Partition& partition) {
  const Offset has{item.wanted.fetch_offset};
  const bool is_possible = has >= Offset{0} && has <= partition.log().log_end();
  if (item.replica.is_there() && partition.tell_start(item.replica.id)) item.has_later_start = true;
  if (!item.replica.is_there() || !is_possible || std::exchange(item.has_told, true)) return;
  partition.fetched_by({.from = item.replica.id,
                        .broker_epoch = item.replica.broker_epoch,
                        .log_end = has,
                        .synced = std::clamp(Offset{item.wanted.synced_end}, Offset{0}, has),
                        .log_start = std::max(Offset{item.wanted.log_start}, Offset{0})});
  item.high_watermark = partition.high_watermark();
}

void take_range(FetchItem& item, Partition& partition, Result<log::FileRange> range, const FetchRoom& room) {
  if (!range) return note_failure(item, range.error());
  item.range = *std::move(range);
  if (!item.range.is_scarce || item.range.empty()) return;
  if (item.range.size > room.copied_bytes && !room.is_untouched) {
    item.range = {.has_more = true};
    return;
  }
  // Its pages are in the cache by now.
  auto copy = log::read_bytes(item.range);
  if (!copy) {
    partition.tell_damage(copy.error());
    return note_failure(item, copy.error());
  }
  item.copy = *std::move(copy);
  item.range.file.reset();
  item.range.segment.reset();
}

/// No more files are to be had, and it would need one.
bool must_wait(FetchItem& item, const Partition& partition, const FetchRoom& room) {
  const bool has_more = item.wanted.fetch_offset < item.end.value();
  item.lacks_file = room.lacks_file && has_more && !partition.log().has_open_files();
  return item.lacks_file;
}

template <class T>
bool would_block(const Result<T>& found) {
  return !found && found.error().code == Errc::would_block;
}

}  // namespace

bool read_item_now(FetchItem& item, const FetchRoom& room) {
  Partition* partition = look_at(item);
  if (partition == nullptr || must_wait(item, *partition, room)) return true;
  PartitionReader reader(*partition);
  if (asks_for_epoch(item)) {
    const auto end = reader.end_of_epoch_now(LeaderEpoch{item.wanted.last_fetched_epoch});
    if (would_block(end)) return false;
    if (!goes_on_after(item, end)) return true;
  }
  tell_replica(item, *partition);
  auto range = reader.read_now(place_of(item, room));
  if (would_block(range)) return false;
  take_range(item, *partition, std::move(range), room);
  return true;
}

awaitable<void> read_item(FetchItem& item, FetchRoom room) {
  Partition* partition = look_at(item);
  if (partition == nullptr || must_wait(item, *partition, room)) co_return;
  const auto kept = partition->shared_from_this();
  PartitionReader reader(*partition);
  if (asks_for_epoch(item)) {
    const auto end = co_await reader.end_of_epoch(LeaderEpoch{item.wanted.last_fetched_epoch});
    if (!goes_on_after(item, end)) co_return;
  }
  // It may have ceased to lead meanwhile: then nobody counts what is said.
  tell_replica(item, *partition);
  auto range = co_await reader.read(place_of(item, room));
  take_range(item, *partition, std::move(range), room);
}

}  // namespace mq::broker
