#include "posix/stdio.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "env/task_group.h"
#include "posix/descriptor.h"
#include "posix/files.h"
#include "posix/posix_testing.h"

namespace mq::posix {
namespace {

/// Puts another file in the place of a standard descriptor while it lives.
class Redirected {
 public:
  Redirected(int standard, int to) : standard_(standard), saved_(::dup(standard)) { ::dup2(to, standard); }
  ~Redirected() { ::dup2(saved_.get(), standard_); }

 private:
  int standard_;
  Descriptor saved_;
};

struct Pipe {
  Pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) std::abort();
    out = Descriptor(ends[0]);
    in = Descriptor(ends[1]);
  }
  Descriptor out;
  Descriptor in;
};

void put(const Descriptor& to, BytesView bytes) {
  EXPECT_EQ(::write(to.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
}

awaitable<std::string> read_to_end(Input& input) {
  std::string all;
  char buffer[1000];
  while (true) {
    const auto got = co_await input.read_some(buffer);
    EXPECT_TRUE(got);
    if (!got || *got == 0) co_return all;
    all.append(buffer, *got);
  }
}

bool is_blocking(int fd) { return (::fcntl(fd, F_GETFL) & O_NONBLOCK) == 0; }

TEST(Input, RegularFileIsReadToItsEnd) {
  in_runtime([](Runtime& runtime) -> awaitable<void> {
    const TemporaryDirectory directory;
    const std::string contents(100'000, 'x');
    EXPECT_TRUE(env::replace_atomically(runtime.files(), directory.file("data"), contents));
    auto input = Input::open(runtime.shard(0), directory.file("data")).value();
    EXPECT_EQ(co_await read_to_end(input), contents);
    EXPECT_EQ(Input::open(runtime.shard(0), directory.file("none")).error().code, Errc::not_found);
  });
}

TEST(Input, DirectoryIsAnErrorOfTheRead) {
  in_runtime([](Runtime& runtime) -> awaitable<void> {
    auto input = Input::open(runtime.shard(0), "/tmp").value();
    char c;
    EXPECT_EQ((co_await input.read_some({&c, 1})).error().code, Errc::invalid_argument);
  });
}

TEST(Input, PipeIsWaitedForAndKeepsItsMode) {
  in_runtime([](Runtime& runtime) -> awaitable<void> {
    Pipe pipe;
    const Redirected standard_input(STDIN_FILENO, pipe.out.get());
    auto input = Input::open(runtime.shard(0), "-").value();
    put(pipe.in, "first");
    char buffer[16];
    EXPECT_EQ((co_await input.read_some(buffer)).value(), 5U);
    runtime.shard(0).post([&] { put(pipe.in, "second"); });
    EXPECT_EQ((co_await input.read_some(buffer)).value(), 6U);
    EXPECT_TRUE(is_blocking(STDIN_FILENO));
    runtime.shard(0).post([&] { pipe.in = Descriptor(); });
    EXPECT_EQ((co_await input.read_some(buffer)).value(), 0U);
  });
}

TEST(Input, NullDeviceIsEmpty) {
  in_runtime([](Runtime& runtime) -> awaitable<void> {
    const Descriptor null(::open("/dev/null", O_RDONLY));
    const Redirected standard_input(STDIN_FILENO, null.get());
    auto input = Input::open(runtime.shard(0), "-").value();
    EXPECT_EQ(co_await read_to_end(input), "");
  });
}

TEST(Input, SocketIsWaitedFor) {
  in_runtime([](Runtime& runtime) -> awaitable<void> {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    const Descriptor ours(ends[0]);
    Descriptor theirs(ends[1]);
    const Redirected standard_input(STDIN_FILENO, ours.get());
    auto input = Input::open(runtime.shard(0), "-").value();
    runtime.shard(0).post([&] {
      put(theirs, "hello");
      theirs = Descriptor();
    });
    EXPECT_EQ(co_await read_to_end(input), "hello");
    EXPECT_TRUE(is_blocking(STDIN_FILENO));
  });
}

TEST(Input, NamedPipeWithoutWriterIsWaitedFor) {
  in_runtime([](Runtime& runtime) -> awaitable<void> {
    const TemporaryDirectory directory;
    const std::string path = directory.file("fifo");
    EXPECT_EQ(::mkfifo(path.c_str(), 0600), 0);
    auto input = Input::open(runtime.shard(0), path).value();
    runtime.pool().submit([&] {
      const Descriptor writer(::open(path.c_str(), O_WRONLY));
      put(writer, "late");
    });
    EXPECT_EQ(co_await read_to_end(input), "late");
  });
}

TEST(Input, CloseEndsAWaitingReadAsCancelled) {
  in_runtime([](Runtime& runtime) -> awaitable<void> {
    Pipe pipe;
    const Redirected standard_input(STDIN_FILENO, pipe.out.get());
    auto input = Input::open(runtime.shard(0), "-").value();
    runtime.shard(0).post([&] { input.close(); });
    char c;
    EXPECT_EQ((co_await input.read_some({&c, 1})).error().code, Errc::cancelled);
    EXPECT_EQ((co_await input.read_some({&c, 1})).error().code, Errc::cancelled);
  });
}

TEST(Input, InterruptedReadGoesOnWhereItWas) {
  in_runtime([](Runtime& runtime) -> awaitable<void> {
    const Pipe pipe;
    const Redirected redirected(STDIN_FILENO, pipe.out.get());
    auto input = Input::open(runtime.shard(0), "-").value();
    input.interrupt();  // nobody waits: nothing happens
    put(pipe.in, "a");
    char c = 0;
    EXPECT_EQ((co_await input.read_some({&c, 1})).value(), 1u);
    runtime.shard(0).post([&] { input.interrupt(); });
    EXPECT_EQ((co_await input.read_some({&c, 1})).error().code, Errc::cancelled);
    put(pipe.in, "b");
    EXPECT_EQ((co_await input.read_some({&c, 1})).value(), 1u);
    EXPECT_EQ(c, 'b');
  });
}

TEST(Output, CloseEndsAWriteThatWaits) {
  in_runtime([](Runtime& runtime) -> awaitable<void> {
    const Pipe pipe;
    const Redirected redirected(STDOUT_FILENO, pipe.in.get());
    auto output = Output::standard(runtime.shard(0));
    runtime.shard(0).post([&] { output.close(); });
    EXPECT_EQ((co_await output.write(std::string(1 << 20, 'x'))).error().code, Errc::cancelled);
    EXPECT_EQ((co_await output.write("y")).error().code, Errc::cancelled);
  });
}

TEST(Output, FullPipeIsWaitedForAndKeepsItsMode) {
  in_runtime([](Runtime& runtime) -> awaitable<void> {
    Pipe pipe;
    const Redirected standard_output(STDOUT_FILENO, pipe.in.get());
    auto output = Output::standard(runtime.shard(0));
    const std::string bytes(1 << 20, 'x');
    env::TaskGroup tasks(runtime.shard(0));
    bool written = false;
    tasks.spawn([](Output& to, BytesView what, bool& done) -> awaitable<void> {
      EXPECT_TRUE(co_await to.write(what));
      done = true;
    }(output, bytes, written));
    co_await runtime.shard(0).sleep_until(runtime.clock().now());
    EXPECT_FALSE(written);
    const std::size_t got = co_await runtime.pool().run(runtime.shard(0), [&] {
      std::size_t sum = 0;
      char buffer[65536];
      while (sum < bytes.size()) {
        const ssize_t n = ::read(pipe.out.get(), buffer, sizeof buffer);
        if (n <= 0) break;
        sum += static_cast<std::size_t>(n);
      }
      return sum;
    });
    EXPECT_EQ(got, bytes.size());
    co_await tasks.join();
    EXPECT_TRUE(is_blocking(STDOUT_FILENO));
  });
}

TEST(Output, ReaderGoneIsClosed) {
  in_runtime([](Runtime& runtime) -> awaitable<void> {
    Pipe pipe;
    const Redirected standard_output(STDOUT_FILENO, pipe.in.get());
    auto output = Output::standard(runtime.shard(0));
    EXPECT_TRUE(co_await output.write("read by nobody"));
    pipe.out = Descriptor();
    EXPECT_EQ((co_await output.write("x")).error().code, Errc::closed);
  });
}

TEST(Output, ReaderThatGoesIsSeenWithoutAWrite) {
  in_runtime([](Runtime& runtime) -> awaitable<void> {
    Pipe pipe;
    const Redirected redirected(STDOUT_FILENO, pipe.in.get());
    auto output = Output::standard(runtime.shard(0));
    EXPECT_TRUE(co_await output.write("x"));
    runtime.shard(0).post([&] { pipe.out = Descriptor(); });
    EXPECT_TRUE(co_await output.reader_gone());
  });
}

TEST(Output, ReaderIsNotMissedWhereThereCanBeNoneOrAfterClose) {
  in_runtime([](Runtime& runtime) -> awaitable<void> {
    const TemporaryDirectory directory;
    const Descriptor file(::open(directory.file("out").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    {
      const Redirected redirected(STDOUT_FILENO, file.get());
      auto output = Output::standard(runtime.shard(0));
      EXPECT_FALSE(co_await output.reader_gone());
    }
    const Pipe pipe;
    const Redirected redirected(STDOUT_FILENO, pipe.in.get());
    auto output = Output::standard(runtime.shard(0));
    runtime.shard(0).post([&] { output.close(); });
    EXPECT_FALSE(co_await output.reader_gone());
  });
}

TEST(Output, RegularFileKeepsWhatWasWrittenBefore) {
  in_runtime([](Runtime& runtime) -> awaitable<void> {
    const TemporaryDirectory directory;
    {
      const Descriptor file(::open(directory.file("out").c_str(), O_WRONLY | O_CREAT, 0600));
      put(file, "before ");
      const Redirected standard_output(STDOUT_FILENO, file.get());
      auto output = Output::standard(runtime.shard(0));
      EXPECT_TRUE(co_await output.write("after"));
    }
    EXPECT_EQ(env::read_whole(runtime.files(), directory.file("out")).value(), "before after");
  });
}

TEST(Output, FullDiskIsDiskFull) {
  in_runtime([](Runtime& runtime) -> awaitable<void> {
    const Descriptor full(::open("/dev/full", O_WRONLY));
    const Redirected standard_output(STDOUT_FILENO, full.get());
    auto output = Output::standard(runtime.shard(0));
    EXPECT_EQ((co_await output.write("x")).error().code, Errc::disk_full);
  });
}

}  // namespace
}  // namespace mq::posix
