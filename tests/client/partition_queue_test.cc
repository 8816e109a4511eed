#include "client/partition_queue.h"

#include <gtest/gtest.h>

#include "record/batch.h"
#include "record/batch_builder.h"

namespace mq::client {
namespace {

constexpr int kInflight = 5;
constexpr ProducerIdentity kIdentity{.id = ProducerId{7}, .epoch = ProducerEpoch{0}};

std::unique_ptr<ProducerBatch> batch_of(int records) {
  record::BatchBuilder builder;
  auto batch = std::make_unique<ProducerBatch>();
  for (int i = 0; i < records; ++i) {
    builder.add(0, std::nullopt, "v");
    batch->tokens.push_back(0);
  }
  batch->bytes = std::make_shared<std::string>(*builder.finish());
  return batch;
}

record::BatchHeader header_of(const ProducerBatch& batch) {
  const auto whole = record::first_batch(*batch.bytes);
  EXPECT_TRUE(whole && record::crc_ok(*whole));
  return whole->header();
}

/// A queue whose producer the broker already knows: sequences go on at 10.
PartitionQueue known_queue() {
  PartitionQueue queue;
  queue.renumber(kIdentity);
  queue.push(batch_of(10));
  queue.acknowledged(*queue.send_next(kInflight));
  return queue;
}

TEST(PartitionQueue, SequencesFollowTheRecords) {
  PartitionQueue queue = known_queue();
  for (const int records : {3, 4, 5}) queue.push(batch_of(records));
  EXPECT_EQ(header_of(*queue.send_next(kInflight)).base_sequence, Sequence{10});
  EXPECT_EQ(header_of(*queue.send_next(kInflight)).base_sequence, Sequence{13});
  const auto third = header_of(*queue.send_next(kInflight));
  EXPECT_EQ(third.base_sequence, Sequence{17});
  EXPECT_EQ(third.producer_id, kIdentity.id);
  EXPECT_EQ(queue.send_next(kInflight), nullptr);
}

TEST(PartitionQueue, NoBatchOvertakesOneThatIsOnItsWayToTheBrokerThatLedBefore) {
  PartitionQueue queue = known_queue();
  for (int i = 0; i < 3; ++i) queue.push(batch_of(1));
  const int before = 1;
  const int now = 2;
  ProducerBatch* const first = queue.send_next(kInflight, &before);
  ProducerBatch* const second = queue.send_next(kInflight, &before);
  queue.failed(*second);
  EXPECT_EQ(queue.send_next(kInflight, &now), nullptr);
  queue.failed(*first);
  EXPECT_EQ(queue.send_next(kInflight, &now), first);
  EXPECT_EQ(queue.send_next(kInflight, &now), second);
  EXPECT_NE(queue.send_next(kInflight, &now), nullptr);
}

TEST(PartitionQueue, FirstBatchOfAProducerTravelsAlone) {
  PartitionQueue queue;
  queue.renumber(kIdentity);
  queue.push(batch_of(1));
  queue.push(batch_of(1));
  ProducerBatch* first = queue.send_next(kInflight);
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(queue.send_next(kInflight), nullptr);
  queue.acknowledged(*first);
  EXPECT_NE(queue.send_next(kInflight), nullptr);
}

TEST(PartitionQueue, FailedBatchGoesOutAgainOnlyWhenThoseBehindItAreBack) {
  PartitionQueue queue = known_queue();
  for (int i = 0; i < 3; ++i) queue.push(batch_of(1));
  ProducerBatch* first = queue.send_next(kInflight);
  ProducerBatch* second = queue.send_next(kInflight);
  ProducerBatch* third = queue.send_next(kInflight);
  queue.failed(*first);
  EXPECT_EQ(queue.send_next(kInflight), nullptr);
  queue.failed(*second);
  queue.failed(*third);
  EXPECT_EQ(queue.send_next(kInflight), first);
  EXPECT_EQ(queue.send_next(kInflight), second);
  EXPECT_EQ(first->base_sequence, Sequence{10});
}

TEST(PartitionQueue, NoMoreThanFiveGoOutFromTheFirstOnThoseThatAreAcknowledgedAmongThem) {
  PartitionQueue queue = known_queue();
  for (int i = 0; i < 8; ++i) queue.push(batch_of(1));
  ProducerBatch* first = queue.send_next(kInflight);
  ProducerBatch* second = queue.send_next(kInflight);
  // Of the first no answer came that says what became of it; the one behind it is in the log.
  queue.failed(*first);
  queue.acknowledged(*second);
  for (int again = 0; again < 2; ++again) {
    EXPECT_EQ(queue.send_next(kInflight), first);
    std::vector<ProducerBatch*> others;
    while (ProducerBatch* next = queue.send_next(kInflight)) others.push_back(next);
    EXPECT_EQ(others.size(), 3u) << "with the one that is acknowledged there are five";
    queue.check_invariants();
    for (ProducerBatch* other : others) queue.failed(*other);
    queue.failed(*first);
  }
  // One that is cut in two is two for the broker.
  std::vector<PartitionQueue::BatchRef> parts;
  EXPECT_EQ(queue.send_next(kInflight), first);
  ProducerBatch* third = queue.send_next(kInflight);
  queue.failed(*first);
  parts.push_back(batch_of(1));
  parts.push_back(batch_of(1));
  queue.replace(*third, std::move(parts));
  queue.check_invariants();
  EXPECT_EQ(queue.send_next(kInflight), first);
  int others = 0;
  while (queue.send_next(kInflight)) ++others;
  EXPECT_EQ(others, 3);
  queue.acknowledged(*first);
  while (queue.send_next(kInflight)) ++others;
  EXPECT_EQ(others, 5);
  queue.check_invariants();
}

TEST(PartitionQueue, BatchGivenUpRenumbersTheRestUnderANewEpoch) {
  PartitionQueue queue = known_queue();
  queue.push(batch_of(2));
  queue.push(batch_of(2));
  ProducerBatch* first = queue.send_next(kInflight);
  ProducerBatch* second = queue.send_next(kInflight);
  queue.given_up(*first);
  EXPECT_FALSE(queue.needs_identity()) << "the second is still in flight";
  queue.refused(*second);
  EXPECT_TRUE(queue.needs_identity());
  EXPECT_EQ(queue.send_next(kInflight), nullptr);
  queue.renumber({.id = kIdentity.id, .epoch = ProducerEpoch{1}});
  EXPECT_EQ(queue.send_next(kInflight), second);
  EXPECT_EQ(header_of(*second).base_sequence, Sequence{0});
  EXPECT_EQ(header_of(*second).producer_epoch, ProducerEpoch{1});
}

TEST(PartitionQueue, BatchesInDoubtKeepTheirNumbersUntilTheBrokerHasSpoken) {
  PartitionQueue queue = known_queue();
  for (int i = 0; i < 4; ++i) queue.push(batch_of(2));
  std::vector<ProducerBatch*> batches;
  for (int i = 0; i < 4; ++i) batches.push_back(queue.send_next(kInflight));
  queue.given_up(*batches[1]);
  for (const int index : {0, 2, 3}) queue.failed(*batches[static_cast<std::size_t>(index)]);
  EXPECT_FALSE(queue.needs_identity()) << "it would be in the log twice";
  EXPECT_EQ(queue.send_next(kInflight), batches[0]);
  EXPECT_EQ(header_of(*batches[0]).base_sequence, Sequence{10});
  EXPECT_EQ(queue.send_next(kInflight), nullptr) << "one at a time";
  queue.acknowledged(*batches[0]);
  EXPECT_EQ(queue.send_next(kInflight), batches[2]);
  EXPECT_EQ(header_of(*batches[2]).base_sequence, Sequence{14});
  queue.refused(*batches[2]);
  EXPECT_TRUE(queue.needs_identity()) << "nothing behind it can be in the log";
  queue.renumber({.id = kIdentity.id, .epoch = ProducerEpoch{1}});
  EXPECT_EQ(queue.send_next(kInflight), batches[2]);
  EXPECT_EQ(header_of(*batches[2]).base_sequence, Sequence{0});
}

TEST(PartitionQueue, ABrokerThatLostCountCannotSayWhatItHas) {
  PartitionQueue queue = known_queue();
  queue.push(batch_of(2));
  queue.failed(*queue.send_next(kInflight));
  queue.lost_count();
  EXPECT_TRUE(queue.needs_identity());
}

TEST(PartitionQueue, WhatIsLeftOfABatchGoesOutInItsPlaceUnderANewEpoch) {
  PartitionQueue queue = known_queue();
  queue.push(batch_of(5));
  queue.push(batch_of(1));
  ProducerBatch* whole = queue.send_next(kInflight);
  ProducerBatch* behind = queue.send_next(kInflight);
  auto rest = batch_of(2);
  ProducerBatch* const kept = rest.get();
  EXPECT_EQ(queue.given_up_but_for(*whole, std::move(rest))->record_count(), 5);
  queue.refused(*behind);
  EXPECT_TRUE(queue.needs_identity());
  queue.renumber({.id = kIdentity.id, .epoch = ProducerEpoch{1}});
  EXPECT_EQ(queue.send_next(kInflight), kept);
  EXPECT_EQ(header_of(*kept).base_sequence, Sequence{0});
  queue.acknowledged(*kept);
  EXPECT_EQ(queue.send_next(kInflight), behind);
  EXPECT_EQ(header_of(*behind).base_sequence, Sequence{2});
}

TEST(PartitionQueue, BatchLostBeforeItHadASequenceLeavesNoGap) {
  PartitionQueue queue = known_queue();
  queue.push(batch_of(2));
  queue.give_up_front();
  EXPECT_FALSE(queue.needs_identity());
}

TEST(PartitionQueue, PartsOfASplitBatchTakeItsPlaceAndItsSequences) {
  PartitionQueue queue = known_queue();
  queue.push(batch_of(5));
  queue.push(batch_of(1));
  ProducerBatch* large = queue.send_next(kInflight);
  std::vector<PartitionQueue::BatchRef> parts;
  parts.push_back(batch_of(2));
  parts.push_back(batch_of(3));
  queue.replace(*large, std::move(parts));
  EXPECT_EQ(header_of(*queue.send_next(kInflight)).base_sequence, Sequence{10});
  EXPECT_EQ(header_of(*queue.send_next(kInflight)).base_sequence, Sequence{12});
  EXPECT_EQ(header_of(*queue.send_next(kInflight)).base_sequence, Sequence{15});
}

TEST(PartitionQueue, ClaimedSequencesNeedNoSecondStamp) {
  PartitionQueue queue = known_queue();
  EXPECT_EQ(queue.claim_sequence(4), Sequence{10});
  EXPECT_EQ(queue.claim_sequence(1), Sequence{14});
  PartitionQueue without_identity;
  EXPECT_EQ(without_identity.claim_sequence(1), Sequence{-1});
}

}  // namespace
}  // namespace mq::client
