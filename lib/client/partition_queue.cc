#include "client/partition_queue.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/mark.h"
#include "record/batch.h"

namespace mq::client {

Sequence PartitionQueue::claim_sequence(std::int32_t records) {
  if (!has_identity() || needs_identity_) return Sequence{-1};
  if (!batches_.empty() && batches_.back()->identity != identity_) return Sequence{-1};
  return std::exchange(next_sequence_, record::advance(next_sequence_, records));
}

ProducerBatch* PartitionQueue::send_next(int inflight_max, const void* way) {
  const int in_flight_max = needs_identity_ ? settles_doubt() : window(inflight_max);
  if (in_flight_ >= in_flight_max) return nullptr;
  // All in flight are older than what goes out next, else something failed and waits until the rest is back.
  const auto next = std::ranges::find_if(batches_, [](const BatchRef& batch) { return !batch->in_flight; });
  if (next == batches_.end() || next - batches_.begin() != in_flight_) return nullptr;
  if (has_identity() && in_flight_ > 0 && batches_.front()->way != way) {
    MQ_MARK("client: a batch does not overtake one that is on its way to another broker");
    return nullptr;
  }
  if (has_identity() && (*next)->place - batches_.front()->place >= kBatchesRemembered) {
    // The broker may have the first, of which no answer came, and would forget its number.
    MQ_MARK("client: a batch waits for the first of five, others of which are acknowledged");
    return nullptr;
  }
  ProducerBatch& batch = **next;
  MQ_ASSERT(!needs_identity_ || batch.identity == identity_);
  if (needs_identity_) MQ_MARK("client: what may be in the log is sent under its old number");
  if (has_identity() && batch.identity != identity_) {
    batch.identity = identity_;
    batch.base_sequence = std::exchange(next_sequence_, record::advance(next_sequence_, batch.record_count()));
    // An earlier attempt may still be in the hands of a dying connection.
    if (batch.bytes.use_count() > 1) batch.bytes = std::make_shared<std::string>(*batch.bytes);
    stamp_producer(*batch.bytes, batch.identity, batch.base_sequence);
  }
  batch.in_flight = true;
  batch.way = way;
  ++in_flight_;
  return &batch;
}

PartitionQueue::BatchRef PartitionQueue::acknowledged(ProducerBatch& batch) {
  acknowledged_any_ = true;
  return take(batch);
}

void PartitionQueue::failed(ProducerBatch& batch) {
  batch.in_doubt = batch.in_doubt || batch.in_flight;
  put_back(batch);
}

void PartitionQueue::refused(ProducerBatch& batch) {
  put_back(batch);
  batch.in_doubt = false;
}

void PartitionQueue::put_back(ProducerBatch& batch) {
  if (!batch.in_flight) return;
  batch.in_flight = false;
  --in_flight_;
}

void PartitionQueue::lost_count() {
  left_gap();
  for (const BatchRef& batch : batches_) batch->in_doubt = false;
}

PartitionQueue::BatchRef PartitionQueue::given_up(ProducerBatch& batch) {
  if (batch.identity.id != kNoProducerId) MQ_MARK("client: a batch with a number is given up");
  if (batch.identity.id != kNoProducerId) left_gap();
  return take(batch);
}

PartitionQueue::BatchRef PartitionQueue::given_up_but_for(ProducerBatch& batch, BatchRef rest) {
  if (batch.identity.id != kNoProducerId) left_gap();
  put_back(batch);
  const auto place = std::ranges::find(batches_, &batch, &BatchRef::get);
  MQ_ASSERT(place != batches_.end());
  rest->place = batch.place;
  return std::exchange(*place, std::move(rest));
}

void PartitionQueue::replace(ProducerBatch& batch, std::vector<BatchRef> parts) {
  put_back(batch);
  const auto place = std::ranges::find(batches_, &batch, &BatchRef::get);
  MQ_ASSERT(place != batches_.end() && !parts.empty());
  for (auto behind = std::next(place); behind != batches_.end(); ++behind) (*behind)->place += parts.size() - 1;
  next_place_ += parts.size() - 1;
  Sequence sequence = batch.base_sequence;
  for (std::uint64_t at = batch.place; const BatchRef& part : parts) {
    part->place = at++;
    if (batch.identity.id == kNoProducerId) continue;
    part->identity = batch.identity;
    part->base_sequence = sequence;
    stamp_producer(*part->bytes, part->identity, sequence);
    sequence = record::advance(sequence, part->record_count());
  }
  const auto at = batches_.erase(place);
  batches_.insert(at, std::make_move_iterator(parts.begin()), std::make_move_iterator(parts.end()));
}

void PartitionQueue::renumber(ProducerIdentity identity) {
  if (!batches_.empty()) MQ_MARK("client: batches are numbered anew");
  MQ_ASSERT(in_flight_ == 0);
  identity_ = identity;
  next_sequence_ = Sequence{0};
  acknowledged_any_ = false;
  needs_identity_ = false;
  next_place_ = 0;
  for (const BatchRef& batch : batches_) {
    batch->in_doubt = false;
    batch->place = next_place_++;
  }
}

std::size_t PartitionQueue::record_count() const {
  std::size_t records = 0;
  for (const BatchRef& batch : batches_) records += batch->tokens.size();
  return records;
}

std::size_t PartitionQueue::buffered_bytes() const {
  std::size_t bytes = 0;
  for (const BatchRef& batch : batches_) bytes += batch->buffered_bytes;
  return bytes;
}

void PartitionQueue::check_invariants() const {
  int in_flight = 0;
  bool all_before_are_stamped = true;
  std::uint64_t place_before = 0;
  for (const BatchRef& batch : batches_) {
    const bool is_stamped = has_identity() && batch->identity == identity_;
    MQ_ASSERT(!batch->tokens.empty());
    MQ_ASSERT(batch->place < next_place_ && (batch == batches_.front() || batch->place > place_before));
    place_before = batch->place;
    MQ_ASSERT((batch->identity.id == kNoProducerId) == (batch->base_sequence.value() < 0));
    MQ_ASSERT(!batch->in_flight || is_stamped == has_identity());
    MQ_ASSERT(!batch->in_doubt || is_stamped || !has_identity());
    // Sequences are given in the order of the queue. (Where some were lost, all are given anew before anything is
    // sent.)
    MQ_ASSERT(needs_identity_ || !is_stamped || all_before_are_stamped);
    all_before_are_stamped = all_before_are_stamped && is_stamped;
    in_flight += batch->in_flight ? 1 : 0;
  }
  MQ_ASSERT(in_flight_ == in_flight);
  MQ_ASSERT(!needs_identity_ || has_identity());
}

PartitionQueue::BatchRef PartitionQueue::take(ProducerBatch& batch) {
  put_back(batch);
  const auto place = std::ranges::find(batches_, &batch, &BatchRef::get);
  MQ_ASSERT(place != batches_.end());
  BatchRef taken = std::move(*place);
  batches_.erase(place);
  return taken;
}

}  // namespace mq::client
