#include "posix/process.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "posix/descriptor.h"
#include "posix/posix_testing.h"
#include "posix/socket_address.h"
#include "posix/variable.h"

namespace mq::posix {
namespace {

TEST(Environment, SetEmptyAndMissingVariablesDiffer) {
  const Variable set("MQ_TEST_SET", "value");
  const Variable empty("MQ_TEST_EMPTY", "");
  const Variable missing("MQ_TEST_MISSING", std::nullopt);
  EXPECT_EQ(environment("MQ_TEST_SET"), "value");
  EXPECT_EQ(environment("MQ_TEST_EMPTY"), "");
  EXPECT_EQ(environment("MQ_TEST_MISSING"), std::nullopt);
}

TEST(UserDirectories, VariableThenHomeThenNothing) {
  const Variable home("HOME", "/nowhere/someone");
  {
    const Variable state("XDG_STATE_HOME", "/elsewhere");
    EXPECT_EQ(user_directory(UserDirectory::state), "/elsewhere");
  }
  const Variable relative("XDG_STATE_HOME", "not/absolute");
  EXPECT_EQ(user_directory(UserDirectory::state), "/nowhere/someone/.local/state");
  const Variable runtime("XDG_RUNTIME_DIR", std::nullopt);
  EXPECT_EQ(user_directory(UserDirectory::runtime), std::nullopt);
  const Variable homeless("HOME", std::nullopt);
  EXPECT_EQ(user_directory(UserDirectory::state), std::nullopt);
}

TEST(StandardStreams, ClosedOnesAreTakenSoThatNoFileOfOursGetsTheirNumbers) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(STDIN_FILENO);
    ::close(STDOUT_FILENO);
    open_missing_standard_streams();
    char byte = 0;
    const bool fails = ::read(STDIN_FILENO, &byte, 1) < 0 && ::write(STDOUT_FILENO, &byte, 1) < 0;
    ::_exit(fails && ::open("/dev/null", O_RDONLY) > STDERR_FILENO ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST(Limits, SoftDescriptorLimitIsRaisedToTheHardOne) {
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const rlimit low{.rlim_cur = 64, .rlim_max = before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &low);
  EXPECT_EQ(raise_descriptor_limit(), before.rlim_max);
  rlimit after{};
  ::getrlimit(RLIMIT_NOFILE, &after);
  EXPECT_EQ(after.rlim_cur, before.rlim_max);
  ::setrlimit(RLIMIT_NOFILE, &before);
}

TEST(ServiceManager, GetsTheStateOnItsSocket) {
  const TemporaryDirectory directory;
  const std::string path = directory.file("notify");
  const SocketAddress where = SocketAddress::of_unix_path(path).value();
  const Descriptor manager(::socket(AF_UNIX, SOCK_DGRAM, 0));
  ASSERT_EQ(::bind(manager.get(), where.get(), where.size), 0);
  const Variable socket("NOTIFY_SOCKET", path);
  EXPECT_TRUE(notify_service_manager("READY=1"));
  char got[64];
  const ssize_t size = ::recv(manager.get(), got, sizeof got, MSG_DONTWAIT);
  EXPECT_EQ(BytesView(got, static_cast<std::size_t>(std::max<ssize_t>(size, 0))), "READY=1");
}

TEST(ServiceManager, NoneIsFineAndADeadOneIsUnreachable) {
  {
    const Variable none("NOTIFY_SOCKET", std::nullopt);
    EXPECT_TRUE(notify_service_manager("READY=1"));
  }
  const Variable dead("NOTIFY_SOCKET", "@mq-test-nobody-listens-here");
  EXPECT_EQ(notify_service_manager("READY=1").error().code, Errc::unreachable);
}

TEST(TemporaryDirectories, AreNewAndOurs) {
  const TemporaryDirectory directory;
  const Variable below("TMPDIR", directory.path());
  const std::string one = make_temporary_directory("mqd-").value();
  EXPECT_NE(one, make_temporary_directory("mqd-").value());
  struct stat info{};
  ASSERT_EQ(::stat(one.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700U);
}

TEST(ChildProcess, ItsExitStatusIsReturned) {
  in_runtime([](Runtime& runtime) -> awaitable<void> {
    auto child = ChildProcess::start(runtime.shard(0), {"sh", "-c", "exit 42"}, {}).value();
    EXPECT_EQ((co_await child.wait()).value(), 42);
  });
}

TEST(ChildProcess, GetsOurEnvironmentWithItsVariablesOnTop) {
  const Variable kept("MQ_TEST_KEPT", "kept");
  const Variable replaced("MQ_TEST_REPLACED", "old");
  in_runtime([](Runtime& runtime) -> awaitable<void> {
    auto child = ChildProcess::start(runtime.shard(0), {"sh", "-c", "test $MQ_TEST_KEPT-$MQ_TEST_REPLACED = kept-new"},
                                     {{"MQ_TEST_REPLACED", "new"}})
                     .value();
    EXPECT_EQ((co_await child.wait()).value(), 0);
  });
}

TEST(ChildProcess, EndedBySignalIs128AndTheSignal) {
  in_runtime([](Runtime& runtime) -> awaitable<void> {
    auto child = ChildProcess::start(runtime.shard(0), {"sleep", "1000"}, {}).value();
    child.send_signal(SIGTERM);
    EXPECT_EQ((co_await child.wait()).value(), 128 + SIGTERM);
    child.send_signal(SIGTERM);
  });
}

TEST(ChildProcess, HasTheDefaultEffectOfABrokenPipe) {
  in_runtime([](Runtime& runtime) -> awaitable<void> {
    auto child = ChildProcess::start(runtime.shard(0), {"sh", "-c", "kill -PIPE $$; exit 0"}, {}).value();
    EXPECT_EQ((co_await child.wait()).value(), 128 + SIGPIPE);
  });
}

TEST(ChildProcess, UnknownCommandIsNotFound) {
  in_runtime([](Runtime& runtime) -> awaitable<void> {
    EXPECT_EQ(ChildProcess::start(runtime.shard(0), {"mq-no-such-command"}, {}).error().code, Errc::not_found);
    EXPECT_EQ(ChildProcess::start(runtime.shard(0), {}, {}).error().code, Errc::invalid_argument);
    co_return;
  });
}

}  // namespace
}  // namespace mq::posix
