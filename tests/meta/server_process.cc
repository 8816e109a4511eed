#include "meta/server_process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <stdexcept>
#include <utility>

#include "base/assert.h"

namespace mq::meta {
namespace {

constexpr int kFirstPort = 20'000;
constexpr int kPorts = 12'000;

bool is_free(std::uint16_t port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool bound = ::bind(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  ::close(socket);
  return bound;
}

/// In the child: never returns.
[[noreturn]] void become(char* const* words, const char* log, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  const int out = ::open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(out, STDERR_FILENO);
  ::execv(words[0], words);
  ::_exit(127);
}

}  // namespace

std::uint16_t next_free_port() {
  static int tried = ::getpid() * 97;
  for (int i = 0; i < kPorts; ++i) {
    const auto port = static_cast<std::uint16_t>(kFirstPort + ++tried % kPorts);
    if (is_free(port)) return port;
  }
  throw std::runtime_error("no free port for a server");
}

ServerProcess::ServerProcess(ServerProcess&& other) noexcept : process_(std::exchange(other.process_, 0)) {}

void ServerProcess::start(std::vector<std::string> words, const std::string& log) {
  MQ_ASSERT(process_ == 0);
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child == 0) become(arguments.data(), log.c_str(), parent);
  if (child < 0) throw std::runtime_error(words.front() + " cannot be started");
  process_ = child;
}

void ServerProcess::kill() {
  if (process_ == 0) return;
  ::kill(process_, SIGKILL);
  ::waitpid(std::exchange(process_, 0), nullptr, 0);
}

void ServerProcess::stop() const {
  ::kill(process_, SIGSTOP);
  // A busy machine lets it do some more before it stands still.
  siginfo_t stopped{};
  ::waitid(P_PID, static_cast<id_t>(process_), &stopped, WSTOPPED | WEXITED | WNOWAIT);
}

void ServerProcess::go_on() const { ::kill(process_, SIGCONT); }

bool ServerProcess::has_ended() const {
  siginfo_t ended{};
  return ::waitid(P_PID, static_cast<id_t>(process_), &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid != 0;
}

}  // namespace mq::meta
