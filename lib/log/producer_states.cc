#include "log/producer_states.h"

#include <algorithm>
#include <span>
#include <utility>

#include "base/crc32c.h"
#include "base/cursor.h"
#include "base/mark.h"
#include "base/mutant.h"

namespace mq::log {
namespace {

constexpr std::int16_t kSnapshotVersion = 1;
constexpr std::size_t kSnapshotCrcEnd = 6;  // version and CRC come before what the CRC covers
constexpr std::size_t kSnapshotEntryBytes = 46;
constexpr std::string_view kWindowMagic = "mqw1";
constexpr std::size_t kWindowCrcEnd = 8;

ProducerBatch batch_of(const record::BatchHeader& header) {
  return {.first_sequence = header.base_sequence,
          .last_sequence = header.last_sequence(),
          .last_offset = header.last_offset(),
          .timestamp = header.max_timestamp,
          .offset_delta = header.last_offset_delta};
}

/// Idempotent batches only; control batches come with transactions and carry no sequence.
bool counts(const record::BatchHeader& header) {
  return header.has_producer_id() && !header.is_control() && header.base_sequence >= Sequence{0};
}

}  // namespace

void ProducerStates::Producer::push(const ProducerBatch& batch) {
  if (static_cast<std::size_t>(count) == kWindow) {
    std::shift_left(batches.begin(), batches.end(), 1);
    --count;
  }
  batches[static_cast<std::size_t>(count++)] = batch;
  last_timestamp = batch.timestamp;
}

bool operator==(const ProducerStates& a, const ProducerStates& b) { return a.producers_ == b.producers_; }

Result<std::optional<ProducerBatch>> ProducerStates::check(const record::BatchHeader& header) const {
  const auto found = producers_.find(header.producer_id.value());
  if (found == producers_.end()) {
    const auto refused = refused_.find(header.producer_id.value());
    if (refused != refused_.end()) MQ_MARK("log: a first batch of a producer was refused before");
    if (refused != refused_.end() && header.producer_epoch == refused->second && header.base_sequence != Sequence{0})
      return fail(Errc::out_of_order_sequence, "producer {}: sequence {} comes after a refused first batch",
                  header.producer_id.value(), header.base_sequence.value());
    return std::nullopt;  // P-4: its state has expired, or it is new here
  }
  const Producer& producer = found->second;
  if (header.producer_epoch < producer.epoch)
    return fail(Errc::invalid_producer_epoch, "producer {}: epoch {}, but epoch {} has written",
                header.producer_id.value(), header.producer_epoch.value(), producer.epoch.value());
  if (header.producer_epoch > producer.epoch || producer.count == 0) {
    if (header.producer_epoch > producer.epoch) MQ_MARK("log: a producer begins a new epoch");
    if (header.base_sequence != Sequence{0} && producer.epoch != kNoProducerEpoch &&
        header.producer_epoch > producer.epoch)
      return fail(Errc::out_of_order_sequence, "producer {}: new epoch {} begins with sequence {} instead of 0",
                  header.producer_id.value(), header.producer_epoch.value(), header.base_sequence.value());
    return std::nullopt;
  }
  const bool forgets_oldest = is_mutant("window4") && static_cast<std::size_t>(producer.count) == kWindow;
  for (std::int8_t i = forgets_oldest ? 1 : 0; i < producer.count; ++i) {
    const ProducerBatch& batch = producer.batches[static_cast<std::size_t>(i)];
    if (batch.first_sequence == header.base_sequence && batch.last_sequence == header.last_sequence())
      return is_mutant("dupappend") ? std::nullopt : std::optional(batch);
  }
  const Sequence expected = record::advance(producer.last().last_sequence, 1);
  if (header.base_sequence != expected) MQ_MARK("log: a batch comes out of order");
  if (header.base_sequence != expected && !is_mutant("reorder5"))
    return fail(Errc::out_of_order_sequence, "producer {}: sequence {} where {} should come",
                header.producer_id.value(), header.base_sequence.value(), expected.value());
  return std::nullopt;
}

void ProducerStates::apply(const record::BatchHeader& header, WallMillis now) {
  if (!counts(header)) return;
  Producer& producer = producers_[header.producer_id.value()];
  if (producer.epoch != header.producer_epoch) {
    // P-3: the window belongs to one epoch; sequences begin anew.
    producer.epoch = header.producer_epoch;
    if (!is_mutant("seqreuse")) producer.count = 0;
  }
  producer.push(batch_of(header));
  producer.active_at = now;
  refused_.erase(header.producer_id.value());
  // Many at once, so that each new producer costs the same on average.
  if (producers_.size() > kProducersMax) keep_latest(kProducersMax - kProducersMax / 8);
}

void ProducerStates::keep_latest(std::size_t count) {
  if (producers_.size() <= count) return;
  std::vector<std::pair<Offset, std::int64_t>> idle;
  idle.reserve(producers_.size());
  for (const auto& [id, producer] : producers_) {
    if (producer.transaction_start >= Offset{0}) continue;
    idle.emplace_back(producer.count > 0 ? producer.last().last_offset : Offset{-1}, id);
  }
  const std::size_t forgotten = std::min(producers_.size() - count, idle.size());
  const auto end = idle.begin() + static_cast<std::ptrdiff_t>(forgotten);
  std::ranges::nth_element(idle, end);
  for (auto it = idle.begin(); it != end; ++it) producers_.erase(it->second);
}

void ProducerStates::refuse(const record::BatchHeader& header) {
  if (!header.has_producer_id() || header.base_sequence != Sequence{0}) return;
  if (producers_.contains(header.producer_id.value())) return;
  if (refused_.size() >= kRefusedMax) refused_.clear();
  MQ_MARK("log: a refused first batch is remembered");
  refused_[header.producer_id.value()] = header.producer_epoch;
}

void ProducerStates::expire(WallMillis now, std::int64_t expiration_ms) {
  std::erase_if(producers_, [&](const auto& entry) {
    const Producer& producer = entry.second;
    return producer.transaction_start < Offset{0} && now - producer.active_at >= expiration_ms;
  });
}

void ProducerStates::restart_expiry(WallMillis now) {
  for (auto& [id, producer] : producers_) producer.active_at = now;
}

std::vector<ProducerInfo> ProducerStates::list() const {
  std::vector<ProducerInfo> all;
  for (const std::int64_t id : sorted_ids()) {
    const Producer& producer = producers_.at(id);
    all.push_back({.id = ProducerId{id},
                   .epoch = producer.epoch,
                   .last_sequence = producer.count > 0 ? producer.last().last_sequence : Sequence{-1},
                   .last_timestamp = producer.last_timestamp,
                   .coordinator_epoch = producer.coordinator_epoch,
                   .transaction_start = producer.transaction_start});
  }
  return all;
}

std::set<Offset> ProducerStates::last_offsets() const {
  std::set<Offset> offsets;
  for (const auto& [id, producer] : producers_)
    for (const ProducerBatch& batch : std::span(producer.batches).first(static_cast<std::size_t>(producer.count)))
      offsets.insert(batch.last_offset);
  return offsets;
}

void ProducerStates::clear() {
  producers_.clear();
  refused_.clear();
}

std::vector<std::int64_t> ProducerStates::sorted_ids() const {
  std::vector<std::int64_t> ids;
  ids.reserve(producers_.size());
  for (const auto& [id, producer] : producers_) ids.push_back(id);
  std::ranges::sort(ids);
  return ids;
}

std::string ProducerStates::encode_snapshot() const {
  std::string out;
  out.reserve(kSnapshotCrcEnd + 4 + producers_.size() * kSnapshotEntryBytes);
  Writer w(out);
  w.be(kSnapshotVersion);
  w.be(std::uint32_t{0});
  w.be(static_cast<std::int32_t>(producers_.size()));
  for (const std::int64_t id : sorted_ids()) {
    const Producer& producer = producers_.at(id);
    const ProducerBatch last =
        producer.count > 0
            ? producer.last()
            : ProducerBatch{.first_sequence = Sequence{-1}, .last_sequence = Sequence{-1}, .last_offset = Offset{-1}};
    w.be(id);
    w.be(producer.epoch.value());
    w.be(last.last_sequence.value());
    w.be(last.last_offset.value());
    w.be(last.offset_delta);
    w.be(producer.last_timestamp);
    w.be(producer.coordinator_epoch);
    w.be(producer.transaction_start.value());
  }
  store_be(out.data() + sizeof kSnapshotVersion, crc32c(BytesView(out).substr(kSnapshotCrcEnd)));
  return out;
}

Result<ProducerStates> ProducerStates::decode_snapshot(BytesView snapshot) {
  Reader r(snapshot);
  const auto version = r.be<std::int16_t>();
  const auto crc = r.be<std::uint32_t>();
  const BytesView covered = r.rest();
  const auto count = r.be<std::int32_t>();
  if (r.failed()) return fail(Errc::corrupt, "producer snapshot of {} bytes is too short", snapshot.size());
  if (version != kSnapshotVersion)
    return fail(Errc::unsupported, "producer snapshot version {}, only 1 is known", version);
  if (crc32c(covered) != crc) return fail(Errc::corrupt, "producer snapshot: its CRC is wrong");
  if (count < 0 || r.remaining() != static_cast<std::size_t>(count) * kSnapshotEntryBytes)
    return fail(Errc::corrupt, "producer snapshot: {} producers do not fill {} bytes", count, snapshot.size());
  ProducerStates states;
  states.producers_.reserve(static_cast<std::size_t>(count));
  for (std::int32_t i = 0; i < count; ++i) {
    const auto id = r.be<std::int64_t>();
    Producer producer;
    producer.epoch = ProducerEpoch{r.be<std::int16_t>()};
    ProducerBatch batch;
    batch.last_sequence = Sequence{r.be<std::int32_t>()};
    batch.last_offset = Offset{r.be<std::int64_t>()};
    batch.offset_delta = r.be<std::int32_t>();
    batch.timestamp = r.be<std::int64_t>();
    producer.coordinator_epoch = r.be<std::int32_t>();
    producer.transaction_start = Offset{r.be<std::int64_t>()};
    if (id < 0 || batch.offset_delta < 0)
      return fail(Errc::corrupt, "producer snapshot: producer {} makes no sense", id);
    if (batch.last_sequence >= Sequence{0}) {
      // The inverse of `advance`: sequences wrap from 2^31-1 to 0 (P-2).
      const std::int64_t first = std::int64_t{batch.last_sequence.value()} - batch.offset_delta;
      batch.first_sequence = Sequence{static_cast<std::int32_t>(first >= 0 ? first : first + (std::int64_t{1} << 31))};
      producer.push(batch);
    }
    producer.last_timestamp = batch.timestamp;
    states.producers_.emplace(id, producer);
  }
  return states;
}

std::string ProducerStates::encode_window() const {
  std::string out(kWindowMagic);
  Writer w(out);
  w.be(std::uint32_t{0});
  w.be(static_cast<std::int32_t>(producers_.size()));
  for (const std::int64_t id : sorted_ids()) {
    const Producer& producer = producers_.at(id);
    w.be(id);
    w.be(producer.epoch.value());
    w.be(producer.count);
    for (std::int8_t i = 0; i < producer.count; ++i) {
      const ProducerBatch& batch = producer.batches[static_cast<std::size_t>(i)];
      w.be(batch.first_sequence.value());
      w.be(batch.last_sequence.value());
      w.be(batch.last_offset.value());
      w.be(batch.offset_delta);
      w.be(batch.timestamp);
      w.be(std::int8_t{0});
    }
  }
  store_be(out.data() + kWindowMagic.size(), crc32c(BytesView(out).substr(kWindowCrcEnd)));
  return out;
}

Result<void> ProducerStates::add_window(BytesView window) {
  Reader r(window);
  const BytesView magic = r.take(kWindowMagic.size());
  const auto crc = r.be<std::uint32_t>();
  if (r.failed() || magic != kWindowMagic) return fail(Errc::corrupt, "producer window: not that format");
  if (crc32c(r.rest()) != crc) return fail(Errc::corrupt, "producer window: its CRC is wrong");
  const auto count = r.be<std::int32_t>();
  if (count < 0 || static_cast<std::size_t>(count) != producers_.size())
    return fail(Errc::corrupt, "producer window: {} producers, the snapshot has {}", count, producers_.size());
  std::vector<std::pair<std::int64_t, Producer>> complete;
  complete.reserve(producers_.size());
  for (std::int32_t i = 0; i < count; ++i) {
    const auto id = r.be<std::int64_t>();
    const auto known = producers_.find(id);
    if (known == producers_.end()) return fail(Errc::corrupt, "producer window: the snapshot has no producer {}", id);
    Producer producer = known->second;
    const ProducerEpoch epoch{r.be<std::int16_t>()};
    const auto batches = r.be<std::int8_t>();
    if (batches < 0 || static_cast<std::size_t>(batches) > kWindow)
      return fail(Errc::corrupt, "producer window: {} batches of one producer", batches);
    producer.count = 0;
    for (std::int8_t b = 0; b < batches; ++b) {
      ProducerBatch batch;
      batch.first_sequence = Sequence{r.be<std::int32_t>()};
      batch.last_sequence = Sequence{r.be<std::int32_t>()};
      batch.last_offset = Offset{r.be<std::int64_t>()};
      batch.offset_delta = r.be<std::int32_t>();
      batch.timestamp = r.be<std::int64_t>();
      (void)r.be<std::int8_t>();  // said once whose the timestamp is
      producer.push(batch);
    }
    const bool same_end =
        producer.count == known->second.count || (producer.count > 0 && known->second.count > 0 &&
                                                  producer.last().last_offset == known->second.last().last_offset);
    if (r.failed() || epoch != producer.epoch || !same_end)
      return fail(Errc::corrupt, "producer window: producer {} is another one in the snapshot", id);
    producer.last_timestamp = known->second.last_timestamp;
    complete.emplace_back(id, producer);
  }
  if (r.remaining() != 0) return fail(Errc::corrupt, "producer window: bytes after its end");
  for (auto& [id, producer] : complete) producers_[id] = producer;
  return {};
}

void ProducerStates::refill(const record::BatchHeader& header) {
  if (!counts(header)) return;
  const auto found = producers_.find(header.producer_id.value());
  if (found == producers_.end() || found->second.epoch != header.producer_epoch || found->second.count == 0) return;
  Producer& producer = found->second;
  const ProducerBatch newest = producer.last();
  const ProducerBatch batch = batch_of(header);
  if (batch.last_offset > newest.last_offset) return;
  if (batch.last_offset == newest.last_offset) {
    producer.batches[static_cast<std::size_t>(producer.count) - 1] = batch;
    return;
  }
  // The newest stays last: the older one goes in before it.
  const WallMillis last_timestamp = producer.last_timestamp;
  --producer.count;
  if (static_cast<std::size_t>(producer.count) == kWindow - 1) {
    std::shift_left(producer.batches.begin(), producer.batches.end(), 1);
    --producer.count;
  }
  producer.push(batch);
  producer.push(newest);
  producer.last_timestamp = last_timestamp;
}

}  // namespace mq::log
