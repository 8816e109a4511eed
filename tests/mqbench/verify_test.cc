#include <gtest/gtest.h>

#include <string>

#include "mqbench/schedule.h"
#include "mqbench/sequence_ledger.h"
#include "mqbench/stamped_record.h"
#include "mqbench/verify_marks.h"

namespace mq::mqbench {
namespace {

using Verdict = SequenceLedger::Verdict;
using Ranges = NumberRanges::Map;

TEST(Schedule, WhatIsDueBeforeAMomentIsWhatShouldHaveBeenSentBeforeIt) {
  const Instant start = Instant() + 5s;
  const Schedule schedule(start, 1000);
  EXPECT_EQ(schedule.due_before(start - 1s), 0);
  EXPECT_EQ(schedule.due_before(start), 0);
  EXPECT_EQ(schedule.due_before(start + 1ns), 1);
  EXPECT_EQ(schedule.due_before(start + 10ms), 10);
  EXPECT_EQ(schedule.due_before(start + 10ms + 1ns), 11);
}

TEST(NumberRanges, NeighboursBecomeOneRangeAndOneNumberTakenOutMakesTwo) {
  NumberRanges ranges;
  ranges.add(0, 5);
  ranges.add(8, 10);
  ranges.add(5, 8);
  EXPECT_EQ(ranges.ranges(), (Ranges{{0, 10}}));
  EXPECT_TRUE(ranges.remove(4));
  EXPECT_FALSE(ranges.remove(4));
  EXPECT_EQ(ranges.ranges(), (Ranges{{0, 4}, {5, 10}}));
}

TEST(SequenceLedger, EverySequenceOnceAndInOrderIsFine) {
  SequenceLedger ledger;
  for (std::uint64_t i = 0; i < 100; ++i) EXPECT_EQ(ledger.note(i), Verdict::in_order);
  EXPECT_TRUE(ledger.lost({.end = 100, .given_up = {}}).ranges().empty());
}

TEST(SequenceLedger, ASequenceReadTwiceIsADuplicateAndOneReadLateIsReordered) {
  SequenceLedger ledger;
  EXPECT_EQ(ledger.note(0), Verdict::in_order);
  EXPECT_EQ(ledger.note(2), Verdict::in_order);
  EXPECT_EQ(ledger.note(1), Verdict::reordered);
  EXPECT_EQ(ledger.note(1), Verdict::duplicate);
  EXPECT_EQ(ledger.note(2), Verdict::duplicate);
}

TEST(SequenceLedger, AcknowledgedSequencesThatNeverCameAreLostInTheMiddleAndAtTheEnd) {
  SequenceLedger ledger;
  ledger.note(0);
  ledger.note(4);
  EXPECT_EQ(ledger.lost({.end = 8, .given_up = {}}).ranges(), (Ranges{{1, 4}, {5, 8}}));
}

TEST(SequenceLedger, WhatWasNeverAcknowledgedOrGivenUpIsNotLost) {
  SequenceLedger ledger;
  ledger.note(0);
  ledger.note(9);
  Acknowledged acknowledged{.end = 6, .given_up = {}};
  acknowledged.given_up.add(2, 4);
  EXPECT_EQ(ledger.lost(acknowledged).ranges(), (Ranges{{1, 2}, {4, 6}}));
}

TEST(Stamp, ReadsAsWrittenAndAnyChangedByteAfterTheMagicIsCorrupt) {
  const std::string filler(64, 'f');
  std::string value(64, '\0');
  write_stamp({.run = 7, .producer = 3, .sequence = 11, .intended = 5, .sent = 6}, filler, value);
  const auto stamp = read_stamp(value);
  ASSERT_TRUE(stamp);
  EXPECT_EQ(stamp->run, 7u);
  EXPECT_EQ(stamp->producer, 3u);
  EXPECT_EQ(stamp->sequence, 11u);
  EXPECT_EQ(stamp->intended, 5);
  EXPECT_EQ(stamp->sent, 6);
  for (std::size_t i = 8; i < value.size(); ++i) {
    std::string changed = value;
    changed[i] ^= 1;
    EXPECT_EQ(read_stamp(changed).error(), StampProblem::corrupt) << i;
  }
}

TEST(Stamp, AnotherProgramsRecordIsForeign) {
  EXPECT_EQ(read_stamp("hello").error(), StampProblem::foreign);
  EXPECT_EQ(read_stamp(std::string(100, 'x')).error(), StampProblem::foreign);
}

TEST(VerifyMarks, ReadAsWritten) {
  VerifyMarks marks;
  marks.run = 12345678901234567890u;
  marks.topic = "orders";
  marks.starts[1] = Offset{40};
  marks.acknowledged[{.producer = 2, .partition = 1}].end = 99;
  marks.acknowledged[{.producer = 2, .partition = 1}].given_up.add(10, 20);
  const auto read = VerifyMarks::parse(marks.to_text());
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->to_text(), marks.to_text());
  // Whatever is cut off at the end is missed: a part of the marks would find less than was lost.
  const std::string whole = marks.to_text();
  for (std::size_t size = 0; size + 1 < whole.size(); ++size)
    EXPECT_FALSE(VerifyMarks::parse(std::string_view(whole).substr(0, size))) << size;
  EXPECT_EQ(read->acknowledged.at({.producer = 2, .partition = 1}).end, 99u);
}

TEST(VerifyMarks, OtherTextIsRefusedWithItsLine) {
  EXPECT_FALSE(VerifyMarks::parse(""));
  EXPECT_FALSE(VerifyMarks::parse("mqbench-verify 1\nrun 1\n"));
  const auto read = VerifyMarks::parse("mqbench-verify 1\nrun 1\ntopic a\nacknowledged 0 0 x\n");
  ASSERT_FALSE(read);
  EXPECT_NE(read.error().message.find("line 4"), std::string::npos);
}

}  // namespace
}  // namespace mq::mqbench
