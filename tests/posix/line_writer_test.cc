#include "posix/line_writer.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <csignal>

#include "base/assert.h"
#include "posix/descriptor.h"
#include "posix/files.h"
#include "posix/posix_testing.h"

namespace mq::posix {
namespace {

std::string told(std::uint64_t lines) { return "dropped " + std::to_string(lines) + "\n"; }

struct Ends {
  Descriptor reader;
  Descriptor writer;
};

Ends make_pipe() {
  int ends[2];
  EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  return {Descriptor(ends[0]), Descriptor(ends[1])};
}

Ends make_socket() {
  int ends[2];
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  return {Descriptor(ends[0]), Descriptor(ends[1])};
}

Ends make_terminal() {
  Ends ends;
  ends.reader = Descriptor(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  EXPECT_EQ(::grantpt(ends.reader.get()), 0);
  EXPECT_EQ(::unlockpt(ends.reader.get()), 0);
  ends.writer = Descriptor(::open(::ptsname(ends.reader.get()), O_RDWR | O_NOCTTY | O_CLOEXEC));
  EXPECT_TRUE(ends.writer);
  return ends;
}

std::string line(int number) { return "line " + std::to_string(number) + std::string(100, '.') + "\n"; }

/// What a reader gets until `last` has come.
std::string read_until(const Descriptor& from, const std::string& last) {
  std::string all;
  char buffer[4096];
  while (all.find(last) == std::string::npos) {
    const ssize_t got = ::read(from.get(), buffer, sizeof buffer);
    if (got <= 0) break;
    all.append(buffer, static_cast<std::size_t>(got));
  }
  std::erase(all, '\r');  // of a terminal
  return all;
}

class LineWriterTo : public ::testing::TestWithParam<Ends (*)()> {};

TEST_P(LineWriterTo, NobodyWhoReadsDoesNotWaitAndTellsWhatWasDropped) {
  const Ends ends = GetParam()();
  LineWriter writer(ends.writer.get(), LineWriter::Files::by_the_thread, told);
  constexpr int kLines = 20'000;
  for (int i = 0; i < kLines; ++i) writer.write(line(i));
  const std::uint64_t dropped = writer.dropped();
  EXPECT_GT(dropped, 0U);
  EXPECT_FALSE(writer.flush(10ms));
  EXPECT_EQ(::fcntl(ends.writer.get(), F_GETFL) & O_NONBLOCK, 0) << "its mode is that of others too";

  std::string expected;
  for (int i = 0; i < kLines - static_cast<int>(dropped); ++i) expected += line(i);
  EXPECT_EQ(read_until(ends.reader, "dropped"), expected + told(dropped));
  EXPECT_TRUE(writer.flush(10s));
  writer.write("heard again\n");
  EXPECT_EQ(read_until(ends.reader, "\n"), "heard again\n");
  EXPECT_EQ(writer.dropped(), dropped);
}

TEST_P(LineWriterTo, NobodyWhoReadsEndsInTime) {
  const Ends ends = GetParam()();
  const auto begun = std::chrono::steady_clock::now();
  {
    LineWriter writer(ends.writer.get(), LineWriter::Files::by_the_thread, told);
    for (int i = 0; i < 20'000; ++i) writer.write(line(i));
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 3 * LineWriter::kPatience);
}

INSTANTIATE_TEST_SUITE_P(Kinds, LineWriterTo, ::testing::Values(make_pipe, make_socket, make_terminal));

TEST(LineWriter, WritesInTheCallersThreadWhatIsTakenAtOnce) {
  const Ends ends = make_pipe();
  LineWriter writer(ends.writer.get(), LineWriter::Files::by_the_thread, told);
  writer.write("now\n");
  char buffer[16];
  ::fcntl(ends.reader.get(), F_SETFL, O_NONBLOCK);
  EXPECT_EQ(::read(ends.reader.get(), buffer, sizeof buffer), 4);
}

TEST(LineWriter, RegularFileHasAllLinesInTheirOrder) {
  for (const auto files : {LineWriter::Files::at_once, LineWriter::Files::by_the_thread}) {
    const TemporaryDirectory directory;
    const Descriptor file(::open(directory.file("log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    std::string expected;
    {
      LineWriter writer(file.get(), files, told);
      for (int i = 0; i < 1000; ++i) {
        writer.write(line(i));
        expected += line(i);
      }
    }
    PosixFiles real;
    EXPECT_EQ(env::read_whole(real, directory.file("log")).value(), expected);
  }
}

TEST(LineWriter, ReaderThatIsGoneLosesTheText) {
  Ends ends = make_pipe();
  ::signal(SIGPIPE, SIG_IGN);
  LineWriter writer(ends.writer.get(), LineWriter::Files::by_the_thread, told);
  ends.reader = Descriptor();
  for (int i = 0; i < 20'000; ++i) writer.write(line(i));
  EXPECT_TRUE(writer.flush(10s));
}

void break_an_invariant_with_a_full_pipe() {
  Runtime runtime;
  const Ends ends = make_pipe();
  ::dup2(ends.writer.get(), STDERR_FILENO);
  runtime.logger().info("{}", std::string(100'000, 'x'));
  MQ_ASSERT(STDERR_FILENO == 0);
}

TEST(LineWriterDeathTest, BrokenInvariantEndsTheProcessThoughNobodyReadsWhy) {
  EXPECT_EXIT(break_an_invariant_with_a_full_pipe(), ::testing::KilledBySignal(SIGABRT), "");
}

void break_an_invariant_after_a_line() {
  Runtime runtime;
  runtime.logger().info("what led there");
  MQ_ASSERT(STDERR_FILENO == 0);
}

TEST(LineWriterDeathTest, BrokenInvariantIsToldAfterWhatLedThere) {
  EXPECT_DEATH(break_an_invariant_after_a_line(), "what led there\n(.*\n)*.*broken invariant: STDERR_FILENO == 0");
}

}  // namespace
}  // namespace mq::posix
