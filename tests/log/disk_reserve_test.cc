#include "log/disk_reserve.h"

#include "log_fixture.h"

namespace mq::log {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;

class DiskReserveTest : public ::testing::Test {
 protected:
  DiskReserveTest() { EXPECT_TRUE(disk_.make_directories("/data")); }
  [[nodiscard]] std::uint64_t free_bytes() { return disk_.space("/").value().free_bytes; }

  sim::Scheduler scheduler_{1};
  sim::Disk disk_{scheduler_, {.capacity_bytes = 1024 * kMiB}};
};

TEST_F(DiskReserveTest, SpentItIsFreeAndTakenBackWhenTwiceAsMuchIs) {
  DiskReserve reserve(disk_, "/data");
  ASSERT_TRUE(reserve.open(4 * kMiB));
  EXPECT_EQ(free_bytes(), 1020 * kMiB);
  disk_.fill();
  reserve.spend();
  reserve.spend();
  EXPECT_TRUE(reserve.is_spent());
  EXPECT_EQ(free_bytes(), 4 * kMiB);
  EXPECT_FALSE(reserve.restore()) << "nobody else would have any";
  disk_.set_capacity(1028 * kMiB);
  EXPECT_TRUE(reserve.restore());
  EXPECT_FALSE(reserve.is_spent());
  EXPECT_EQ(free_bytes(), 4 * kMiB);
}

TEST_F(DiskReserveTest, StartOnAFullDiskFindsItWhereItWas) {
  ASSERT_TRUE(DiskReserve(disk_, "/data").open(4 * kMiB));
  disk_.fill();
  DiskReserve reserve(disk_, "/data");
  ASSERT_TRUE(reserve.open(4 * kMiB));
  EXPECT_FALSE(reserve.is_spent());
  reserve.spend();
  EXPECT_EQ(free_bytes(), 4 * kMiB);
}

TEST_F(DiskReserveTest, StartWithoutRoomForItTakesNothingAndCountsItAsSpent) {
  disk_.fill();
  disk_.set_capacity(1025 * kMiB);
  DiskReserve reserve(disk_, "/data");
  ASSERT_TRUE(reserve.open(4 * kMiB));
  EXPECT_TRUE(reserve.is_spent());
  EXPECT_EQ(free_bytes(), kMiB);
  disk_.make_room();
  EXPECT_TRUE(reserve.restore());
}

TEST_F(DiskReserveTest, TakesASixtyFourthOfASmallDiskAndNothingOfAVerySmallOne) {
  DiskReserve reserve(disk_, "/data");
  disk_.set_capacity(64 * kMiB);
  ASSERT_TRUE(reserve.open(4 * kMiB));
  EXPECT_EQ(reserve.size_bytes(), kMiB);
  disk_.set_capacity(8 * kMiB);
  DiskReserve later(disk_, "/data");
  ASSERT_TRUE(later.open(4 * kMiB));
  EXPECT_EQ(later.size_bytes(), 0U);
  EXPECT_TRUE(later.restore()) << "there is nothing to take back";
  later.spend();
  EXPECT_FALSE(later.is_spent());
  EXPECT_FALSE(disk_.exists("/data/mq-reserve").value());
}

TEST_F(DiskReserveTest, ReadOnlyFileSystemHasNoneAndSaysSo) {
  disk_.inject({.on = sim::DiskFault::On::open, .path_part = "mq-reserve", .code = Errc::refused});
  DiskReserve reserve(disk_, "/data");
  EXPECT_EQ(reserve.open(4 * kMiB).error().code, Errc::refused);
  EXPECT_EQ(reserve.size_bytes(), 0U);
  EXPECT_FALSE(reserve.is_spent());
}

}  // namespace
}  // namespace mq::log
