#include "log/cut_files.h"

#include "log_fixture.h"

namespace mq::log {
namespace {

class CutFilesTest : public ::testing::Test {
 protected:
  static constexpr const char* kDirectory = "/t-0";
  CutFilesTest() { EXPECT_TRUE(disk_.make_directories(kDirectory)); }
  void write(const std::string& name, BytesView bytes) {
    auto file = disk_.open(std::string(kDirectory) + "/" + name, env::OpenMode::create).value();
    ASSERT_TRUE(file->write_at(0, bytes));
  }
  std::string cut(const std::string& bytes, std::uint64_t position = 40) {
    std::string name = next_cut_name(disk_, kDirectory, Offset{0}, position).value();
    write(name, bytes);
    return name;
  }
  std::vector<std::string> names() {
    std::vector<std::string> found;
    for (const env::DirEntry& entry : disk_.list(kDirectory).value()) found.push_back(entry.name);
    return found;
  }
  static std::string batch(const std::string& value) { return make_batch({{.key = {}, .value = value}}); }

  sim::Scheduler scheduler_{1};
  sim::Disk disk_{scheduler_, {}};
};

TEST_F(CutFilesTest, NamesAreReadAsTheyAreWritten) {
  const auto first = parse_cut_name("00000000000000000007.log.40.cut");
  ASSERT_TRUE(first);
  EXPECT_EQ(first->base, Offset{7});
  EXPECT_EQ(first->position, 40u);
  EXPECT_EQ(first->nth, 1);
  EXPECT_EQ(parse_cut_name("00000000000000000007.log.40.3.cut")->nth, 3);
  for (const char* other : {"00000000000000000007.log", "00000000000000000007.log.cut", "x.log.40.cut",
                            "00000000000000000007.log.40.x.cut", "00000000000000000007.log.40.3.4.cut", ".cut", ""})
    EXPECT_FALSE(parse_cut_name(other)) << other;
}

TEST_F(CutFilesTest, ANameIsNotGivenAgainWhileALaterOneIsThere) {
  const std::string first = cut(batch("a"));
  const std::string second = cut(batch("b"));
  EXPECT_EQ(second, "00000000000000000000.log.40.2.cut");
  ASSERT_TRUE(disk_.remove(std::string(kDirectory) + "/" + first));
  EXPECT_EQ(cut(batch("c")), "00000000000000000000.log.40.3.cut");
  EXPECT_EQ(cut(batch("d"), 41), "00000000000000000000.log.41.cut");
}

TEST_F(CutFilesTest, WhatHoldsNoWholeBatchOrWasNotFinishedGoes) {
  cut(batch("a").substr(0, 50));
  cut(std::string(5000, '\0'), 50);
  write("00000000000000000000.log.60.cut.tmp", batch("a"));
  write("00000000000000000000.log", "x");
  const std::string kept = cut("half a batch" + batch("whole"), 70);
  const auto tidied = tidy_cut_files(disk_, kDirectory).value();
  EXPECT_EQ(names(), (std::vector<std::string>{"00000000000000000000.log", kept}));
  EXPECT_EQ(tidied.files, 1u);
  EXPECT_EQ(tidied.bytes, 12 + batch("whole").size());
  EXPECT_EQ(tidied.removed.size(), 3u);
}

TEST_F(CutFilesTest, OfTheSameBytesOneStays) {
  const std::string first = cut(batch("a"));
  cut(batch("a"));
  const std::string other = cut(batch("b"));
  cut(batch("b"));
  const std::string elsewhere = cut(batch("a"), 50);
  EXPECT_EQ(tidy_cut_files(disk_, kDirectory)->files, 3u);
  EXPECT_EQ(names(), (std::vector<std::string>{other, first, elsewhere}));
}

TEST_F(CutFilesTest, OverTheNumberTheLowestGo) {
  std::vector<std::string> made;
  for (std::size_t i = 0; i < kCutFilesMax + 5; ++i) made.push_back(cut(batch(std::to_string(i)), 100 + i));
  EXPECT_EQ(tidy_cut_files(disk_, kDirectory)->files, kCutFilesMax);
  EXPECT_EQ(names(), std::vector<std::string>(made.begin() + 5, made.end()));
  EXPECT_TRUE(tidy_cut_files(disk_, kDirectory)->removed.empty());
}

TEST_F(CutFilesTest, OverTheBytesTheLowestGoButNeverTheNewest) {
  cut(batch("small"), 10);
  cut(batch("a") + std::string(kCutBytesMax / 2, 'x'), 20);
  const std::string newest = cut(batch("b") + std::string(kCutBytesMax, 'x'), 30);
  EXPECT_EQ(tidy_cut_files(disk_, kDirectory)->files, 1u);
  EXPECT_EQ(names(), std::vector<std::string>{newest});
}

}  // namespace
}  // namespace mq::log
