#include "posix/process.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "base/assert.h"
#include "posix/descriptor.h"
#include "posix/system_error.h"

namespace mq::posix {

std::optional<std::string> environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (!value) return std::nullopt;
  return value;
}

std::optional<std::string> user_directory(UserDirectory which) {
  struct Row {
    const char* variable;
    const char* below_home;
  };
  const auto [variable, below_home] = [&]() -> Row {
    switch (which) {
      case UserDirectory::config:
        return {"XDG_CONFIG_HOME", "/.config"};
      case UserDirectory::state:
        return {"XDG_STATE_HOME", "/.local/state"};
      case UserDirectory::cache:
        return {"XDG_CACHE_HOME", "/.cache"};
      case UserDirectory::runtime:
        return {"XDG_RUNTIME_DIR", nullptr};
    }
    std::unreachable();
  }();
  if (auto chosen = environment(variable); chosen && chosen->starts_with('/')) return chosen;
  const auto home = environment("HOME");
  if (!below_home || !home || !home->starts_with('/')) return std::nullopt;
  return *home + below_home;
}

bool is_terminal(StandardStream stream) { return ::isatty(static_cast<int>(stream)) == 1; }
bool is_root() { return ::geteuid() == 0; }
int process_id() { return ::getpid(); }

int processor_count() {
  cpu_set_t mine;
  if (::sched_getaffinity(0, sizeof mine, &mine) == 0) return std::max(1, CPU_COUNT(&mine));
  return std::max(1, static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN)));
}

std::uint64_t raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  const rlimit raised{.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
  return ::setrlimit(RLIMIT_NOFILE, &raised) == 0 ? raised.rlim_cur : limit.rlim_cur;
}

Result<void> notify_service_manager(std::string_view state) {
  const auto path = environment("NOTIFY_SOCKET");
  if (!path || path->empty()) return {};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path->size() >= sizeof address.sun_path)
    return fail(Errc::invalid_argument, "$NOTIFY_SOCKET is too long: {}", *path);
  std::memcpy(address.sun_path, path->data(), path->size());
  if (path->front() == '@') address.sun_path[0] = '\0';  // the abstract namespace
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path->size());

  const Descriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const ssize_t sent = ::sendto(socket.get(), state.data(), state.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
                                reinterpret_cast<const sockaddr*>(&address), size);
  if (sent < 0) return fail(Errc::unreachable, "cannot notify {}: {}", *path, system_text(errno));
  return {};
}

void open_missing_standard_streams() {
  // In the order of the numbers: an open takes the lowest that is free. A path alone can be neither read nor written.
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(fd, F_GETFD) >= 0 || errno != EBADF) continue;
    (void)(fd == STDERR_FILENO ? ::open("/dev/null", O_WRONLY) : ::open("/", O_PATH));
  }
}

Result<std::string> make_temporary_directory(const std::string& name_prefix) {
  std::string path = environment("TMPDIR").value_or("/tmp") + "/" + name_prefix + "XXXXXX";
  if (!::mkdtemp(path.data())) return file_failure(errno, "make the directory", path);
  return path;
}

namespace {

/// The zero-terminated array that exec wants.
std::vector<char*> pointers_to(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (std::string& each : strings) pointers.push_back(each.data());
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> environment_with(const ChildProcess::Variables& variables) {
  std::vector<std::string> all;
  for (const auto& [name, value] : variables) all.push_back(name + "=" + value);
  for (char** each = environ; *each; ++each) {
    const std::string_view name = std::string_view(*each).substr(0, std::string_view(*each).find('='));
    const bool is_replaced =
        std::ranges::any_of(variables, [&](const auto& variable) { return variable.first == name; });
    if (!is_replaced) all.emplace_back(*each);
  }
  return all;
}

/// The child starts with every signal unblocked and, since we ignore it, with SIGPIPE's default effect.
class SpawnAttributes {
 public:
  SpawnAttributes() {
    ::posix_spawnattr_init(&attributes_);
    sigset_t none;
    ::sigemptyset(&none);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    sigset_t to_default = none;
    ::sigaddset(&to_default, SIGPIPE);
    ::posix_spawnattr_setsigdefault(&attributes_, &to_default);
    ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  ~SpawnAttributes() { ::posix_spawnattr_destroy(&attributes_); }
  SpawnAttributes(const SpawnAttributes&) = delete;
  SpawnAttributes& operator=(const SpawnAttributes&) = delete;
  [[nodiscard]] const posix_spawnattr_t* get() const { return &attributes_; }

 private:
  posix_spawnattr_t attributes_;
};

}  // namespace

struct ChildProcess::Parts {
  Parts(env::Shard& shard, int pid_descriptor) : ended(shard.executor(), pid_descriptor) {}
  boost::asio::posix::stream_descriptor ended;  ///< a pidfd: readable when the child has ended
};

Result<ChildProcess> ChildProcess::start(env::Shard& shard, const std::vector<std::string>& command,
                                         const Variables& variables) {
  if (command.empty()) return fail(Errc::invalid_argument, "no command to run");
  std::vector<std::string> arguments = command;
  std::vector<std::string> variables_of_child = environment_with(variables);
  const SpawnAttributes attributes;
  pid_t pid = 0;
  const int error = ::posix_spawnp(&pid, command[0].c_str(), nullptr, attributes.get(), pointers_to(arguments).data(),
                                   pointers_to(variables_of_child).data());
  if (error != 0) return file_failure(error, "run the command", command[0]);
  // The child stays a zombie until `wait`, so the number cannot mean another process yet.
  const int pid_descriptor = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (pid_descriptor < 0) return fail(stream_errc(errno), "cannot watch process {}: {}", pid, system_text(errno));
  return ChildProcess(std::make_unique<Parts>(shard, pid_descriptor));
}

ChildProcess::ChildProcess(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
ChildProcess::ChildProcess(ChildProcess&&) noexcept = default;
ChildProcess::~ChildProcess() = default;

awaitable<Result<int>> ChildProcess::wait() {
  auto& ended = parts_->ended;
  const auto [error] = co_await ended.async_wait(ended.wait_read, boost::asio::as_tuple(boost::asio::deferred));
  siginfo_t how{};
  if (error || ::waitid(P_PIDFD, static_cast<id_t>(ended.native_handle()), &how, WEXITED) != 0) {
    co_return fail(Errc::internal, "cannot wait for a child process: {}", system_text(error ? error.value() : errno));
  }
  co_return how.si_code == CLD_EXITED ? how.si_status : 128 + how.si_status;
}

void ChildProcess::send_signal(int signal) {
  (void)::syscall(SYS_pidfd_send_signal, parts_->ended.native_handle(), signal, nullptr, 0);
}

}  // namespace mq::posix
