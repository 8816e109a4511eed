// The file of slots as bytes: what is read from which, and what makes it prove nothing.

#include "log/synced_ends.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "base/crc32c.h"
#include "base/cursor.h"
#include "log_fixture.h"

namespace mq::log {
namespace {

class SyncedEndsTest : public ::testing::Test {
 protected:
  static constexpr const char* kPath = "/mq-synced-ends";

  Result<std::unique_ptr<SyncedEnds>> open() { return SyncedEnds::open(disk_, kPath); }
  Result<std::unique_ptr<SyncedEnds>> open(const std::string& bytes) {
    EXPECT_TRUE(env::replace_atomically(disk_, kPath, bytes));
    return open();
  }
  std::string bytes() { return env::read_whole(disk_, kPath).value(); }
  /// What LogDir does: writes, and then counts what was written.
  static void write(SyncedEnds& ends) {
    for (int round = 0; round < 2; ++round) {
      const std::uint32_t slots = ends.slot_count();
      for (const SyncedEnds::Write& write : ends.take_changes())
        EXPECT_TRUE(ends.file().write_at(write.position, write.bytes));
      ends.count(slots);
    }
  }
  static std::string sealed(std::string line) {
    Writer(line).be(crc32c(line));
    return line;
  }
  static std::string header(std::uint32_t flags, std::uint32_t count) {
    std::string line = "mq synced ends, v 2 ";
    Writer w(line);
    w.be(flags);
    w.be(count);
    return sealed(line);
  }
  static std::string slot(std::uint8_t topic, std::uint8_t use, std::int32_t partition, std::int64_t number) {
    std::string line(16, static_cast<char>(topic));
    Writer w(line);
    w.be((std::uint32_t{use} << 24) | static_cast<std::uint32_t>(partition));
    w.be(number);
    return sealed(line);
  }
  static std::string slot_of_format_1(std::uint8_t topic, std::int32_t partition, std::int64_t number) {
    std::string line(16, static_cast<char>(topic));
    Writer w(line);
    w.be(partition);
    w.be(number);
    return sealed(line);
  }
  static Uuid id(std::uint8_t topic) {
    Uuid uuid;
    uuid.bytes.fill(topic);
    return uuid;
  }
  SlotsState state_of(const std::string& bytes) { return open(bytes).value()->state(); }

  sim::Scheduler scheduler_{1};
  sim::Disk disk_{scheduler_, {.cold_read_one_in = 0}};
};

constexpr std::uint32_t kSettled = 1;

TEST_F(SyncedEndsTest, FileIsAHeaderAndSlotsWithTheirClasses) {
  auto ends = open().value();
  EXPECT_EQ(ends->state(), SlotsState::missing);
  ASSERT_TRUE(ends->make_file(disk_, true));
  ends->set(id(7), PartitionId{3}, {.end = Offset{1000}, .flush_class = FlushClass::ack});
  ends->set(id(8), PartitionId{0}, {.end = Offset{0}, .flush_class = FlushClass::async});
  ends->set_metadata_mark({.revision = 42, .write_id = id(9).bytes});
  write(*ends);
  const std::string free = sealed(std::string(28, '\0'));
  EXPECT_EQ(bytes().size(), 4096U);
  EXPECT_EQ(bytes().substr(0, 160),
            header(kSettled, 127) + slot(7, 1, 3, 1000) + slot(8, 2, 0, 0) + slot(9, 3, 0, 42) + free);
  ends = open().value();
  EXPECT_EQ(ends->state(), SlotsState::whole);
  EXPECT_EQ(ends->get(id(7), PartitionId{3}), (SyncedEnd{.end = Offset{1000}, .flush_class = FlushClass::ack}));
  EXPECT_EQ(ends->get(id(8), PartitionId{0}), (SyncedEnd{.end = Offset{0}, .flush_class = FlushClass::async}));
  EXPECT_EQ(ends->get(id(7), PartitionId{0}), std::nullopt);
  EXPECT_EQ(ends->metadata_mark(), (MetadataMark{.revision = 42, .write_id = id(9).bytes}));
  EXPECT_EQ(ends->partitions().size(), 2U);
}

TEST_F(SyncedEndsTest, FormatOneIsReadAndReplacedAndItsLogsAreOfClassAsync) {
  const std::string before = "mq synced ends, version 1       " + slot_of_format_1(7, 3, 1000) + std::string(32, '\0') +
                             slot_of_format_1(7, 4, 5).replace(31, 1, "?") + slot_of_format_1(9, 1 << 30, 6) +
                             sealed(std::string(16, '\0') + std::string(4, '\xff') + std::string(7, '\0') + "\x09");
  auto ends = open(before).value();
  EXPECT_EQ(ends->state(), SlotsState::unsettled);
  const auto expect_all = [&] {
    EXPECT_EQ(ends->get(id(7), PartitionId{3}), (SyncedEnd{.end = Offset{1000}, .flush_class = FlushClass::async}));
    EXPECT_EQ(ends->partitions().size(), 1U);
    EXPECT_EQ(ends->metadata_mark(), MetadataMark{.revision = 9});
  };
  expect_all();
  EXPECT_EQ(bytes(), before) << "reading writes nothing";
  ASSERT_TRUE(ends->make_file(disk_, false));
  disk_.lose_power(sim::PowerLoss::drop_all);
  EXPECT_TRUE(bytes().starts_with(header(0, 127)));
  ends = open().value();
  EXPECT_EQ(ends->state(), SlotsState::unsettled);
  expect_all();
  ASSERT_TRUE(ends->make_file(disk_, false));
  ends->settle();
  write(*ends);
  EXPECT_EQ(open().value()->state(), SlotsState::whole);
}

TEST_F(SyncedEndsTest, PowerCutWhileFormatOneIsReplacedLeavesOneOrTheOther) {
  for (const sim::PowerLoss loss : {sim::PowerLoss::drop_all, sim::PowerLoss::keep_all}) {
    for (int after = 0; after < 8; ++after) {
      disk_.clear_faults();
      auto ends = open("mq synced ends, version 1       " + slot_of_format_1(7, 3, 1000)).value();
      disk_.inject({.on = sim::DiskFault::On::write, .after = after, .code = Errc::disk_full});
      (void)ends->make_file(disk_, false);
      ends.reset();
      disk_.lose_power(loss);
      disk_.clear_faults();
      EXPECT_EQ(open().value()->get(id(7), PartitionId{3})->end, Offset{1000});
    }
  }
}

TEST_F(SyncedEndsTest, CountedSlotThatIsTornWrongOrOfAnUnknownClassIsDamageAndTheOthersCount) {
  const std::string first = slot(7, 1, 0, 10);
  const std::string last = slot(7, 2, 2, 30);
  const std::string right = slot(7, 1, 1, 20);
  std::string torn = slot(7, 1, 1, 21).substr(0, 16) + right.substr(16);
  torn[23] = 'x';
  std::string wrong_crc = right;
  wrong_crc[31] ^= 1;
  EXPECT_EQ(state_of(header(kSettled, 3) + first + right + last), SlotsState::whole);
  for (const std::string& bad : {torn, wrong_crc, slot(7, 4, 1, 20), slot(7, 255, 1, 20), slot(0, 1, 1, 20),
                                 slot(7, 1, 1, -1), std::string(32, '\0')}) {
    auto ends = open(header(kSettled, 3) + first + bad + last).value();
    EXPECT_EQ(ends->state(), SlotsState::damaged);
    EXPECT_EQ(ends->get(id(7), PartitionId{0})->end, Offset{10});
    EXPECT_EQ(ends->get(id(7), PartitionId{1}), std::nullopt);
    EXPECT_EQ(ends->get(id(7), PartitionId{2})->end, Offset{30});
    // It is made whole of what could be read, but what it lost stays unknown.
    ASSERT_TRUE(ends->make_file(disk_, false));
    ends = open().value();
    EXPECT_EQ(ends->state(), SlotsState::unsettled);
    EXPECT_EQ(ends->partitions().size(), 2U);
  }
}

TEST_F(SyncedEndsTest, ShortFileOrDamagedHeaderIsDamage) {
  const std::string whole = header(kSettled, 2) + slot(7, 1, 0, 10) + slot(7, 1, 1, 20);
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_EQ(state_of(whole.substr(0, size)), SlotsState::damaged) << size;
  for (std::size_t at = 0; at < 32; ++at) {
    std::string flipped = whole;
    flipped[at] ^= 0x10;
    auto ends = open(flipped).value();
    EXPECT_EQ(ends->state(), SlotsState::damaged) << at;
    EXPECT_EQ(ends->partitions().size(), 2U);
  }
  EXPECT_EQ(state_of(header(kSettled, 0xffffffff) + slot(7, 1, 0, 10)), SlotsState::damaged);
}

TEST_F(SyncedEndsTest, SlotsBeyondTheCountMayBeAnything) {
  const std::string garbage = "what the power left behind......";
  auto ends = open(header(kSettled, 1) + slot(7, 1, 0, 10) + garbage + slot(7, 2, 2, 30) + "..").value();
  EXPECT_EQ(ends->state(), SlotsState::whole);
  EXPECT_EQ(ends->partitions().size(), 2U);
  ASSERT_TRUE(ends->make_file(disk_, false));
  write(*ends);
  EXPECT_EQ(bytes().substr(0, 128),
            header(kSettled, 3) + slot(7, 1, 0, 10) + sealed(std::string(28, '\0')) + slot(7, 2, 2, 30));
}

TEST_F(SyncedEndsTest, OfTwoSlotsOfALogTheFirstCountsAndTheSecondIsDamage) {
  auto ends = open(header(kSettled, 2) + slot(7, 1, 0, 10) + slot(7, 2, 0, 20)).value();
  EXPECT_EQ(ends->state(), SlotsState::damaged);
  EXPECT_EQ(ends->get(id(7), PartitionId{0})->end, Offset{10});
  ends = open(header(kSettled, 1) + slot(7, 1, 0, 10) + slot(7, 2, 0, 20)).value();
  ASSERT_TRUE(ends->make_file(disk_, false));
  ends->forget(id(7), PartitionId{0});
  write(*ends);
  EXPECT_EQ(open().value()->get(id(7), PartitionId{0}), std::nullopt) << "the second came back";
}

TEST_F(SyncedEndsTest, LaterFormatIsRefusedAndLeftAsItIs) {
  const std::string later = sealed("mq synced ends, v 3 12345678");
  EXPECT_EQ(open(later).error().code, Errc::unsupported);
  EXPECT_EQ(bytes(), later);
}

TEST_F(SyncedEndsTest, ForgottenSlotIsUsedAgain) {
  auto ends = open().value();
  ASSERT_TRUE(ends->make_file(disk_, true));
  for (int p = 0; p < 127; ++p) ends->set(id(7), PartitionId{p}, {.end = Offset{p}});
  ends->forget(id(7), PartitionId{50});
  ends->set(id(8), PartitionId{0}, {.end = Offset{1}, .flush_class = FlushClass::ack});
  write(*ends);
  EXPECT_EQ(bytes().size(), 4096U);
  EXPECT_EQ(bytes().substr(51 * 32, 32), slot(8, 1, 0, 1));
  ends->set(id(8), PartitionId{1}, {.end = Offset{1}});
  write(*ends);
  EXPECT_EQ(bytes().size(), 8192U);
  ends = open().value();
  EXPECT_EQ(ends->state(), SlotsState::whole);
  EXPECT_EQ(ends->partitions().size(), 128U);
}

TEST_F(SyncedEndsTest, BytesByChanceAreNeverMoreThanDamage) {
  std::mt19937 random(1);
  const std::string slots = slot(7, 1, 0, 10) + slot(7, 2, 1, 20) + sealed(std::string(28, '\0')) + slot(0, 3, 0, 9);
  for (int round = 0; round < 1000; ++round) {
    std::string file = random() % 2 == 0 ? header(random() % 4, random() % 6) : "mq synced ends, version 1       ";
    file += slots;
    for (auto flips = random() % 6; flips > 0; --flips) file[random() % file.size()] = static_cast<char>(random());
    if (random() % 4 == 0) file.resize(random() % file.size());
    if (random() % 8 == 0)
      for (char& c : file) c = static_cast<char>(random());
    auto ends = open(file);
    if (!ends) {
      EXPECT_EQ(ends.error().code, Errc::unsupported);
      continue;
    }
    ASSERT_TRUE((*ends)->make_file(disk_, false));
    (*ends)->set(id(9), PartitionId{1}, {.end = Offset{5}, .flush_class = FlushClass::ack});
    (*ends)->forget(id(7), PartitionId{1});
    write(**ends);
    (*ends)->check_invariants();
    const auto known = (*ends)->partitions().size();
    ends = open();
    EXPECT_NE((*ends)->state(), SlotsState::damaged);
    EXPECT_EQ((*ends)->partitions().size(), known);
    EXPECT_EQ((*ends)->get(id(9), PartitionId{1})->end, Offset{5});
  }
}

}  // namespace
}  // namespace mq::log
