#include "meta/etcd_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>

namespace mq::meta {
namespace {

/// Below the ports that the system gives to outgoing connections, which could take one that we have found free.
constexpr int kFirstPort = 20'000;
constexpr int kPorts = 12'000;

std::string program() {
  std::string_view path = std::getenv("PATH") != nullptr ? std::getenv("PATH") : "";
  while (!path.empty()) {
    const std::size_t end = std::min(path.find(':'), path.size());
    const std::string file = std::string(path.substr(0, end)) + "/etcd";
    if (::access(file.c_str(), X_OK) == 0) return file;
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  throw std::runtime_error("no etcd in PATH, which this test needs; apt-get install etcd-server");
}

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

/// Tests that run at the same time look in different places.
std::uint16_t next_free_port() {
  static int tried = ::getpid() * 97;
  for (int i = 0; i < kPorts; ++i) {
    const auto port = static_cast<std::uint16_t>(kFirstPort + ++tried % kPorts);
    if (is_free(port)) return port;
  }
  throw std::runtime_error("no free port for etcd");
}

std::string name_of(int index) { return fmt::format("etcd{}", index); }
std::string url_of(std::uint16_t port) { return fmt::format("http://127.0.0.1:{}", port); }

/// In the child: never returns.
[[noreturn]] void become(char* const* arguments, const char* log, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);
  const int out = ::open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(out, STDERR_FILENO);
  ::execv(arguments[0], arguments);
  ::_exit(127);
}

}  // namespace

EtcdServers::EtcdServers(int count) {
  (void)program();
  std::string pattern = std::filesystem::temp_directory_path() / "mq-etcd-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary directory for etcd");
  directory_ = pattern;
  for (int i = 0; i < count; ++i) servers_.push_back({.client_port = next_free_port(), .peer_port = next_free_port()});
  for (int i = 0; i < count; ++i) start(i);
}

EtcdServers::~EtcdServers() {
  for (int i = 0; i < static_cast<int>(servers_.size()); ++i) kill(i);
  std::filesystem::remove_all(directory_);
}

StoreUrl EtcdServers::url() const {
  StoreUrl url;
  for (int i = 0; i < static_cast<int>(servers_.size()); ++i) url.servers.push_back(address(i));
  return url;
}

env::Address EtcdServers::address(int index) const {
  return {.host = "127.0.0.1", .port = servers_.at(static_cast<std::size_t>(index)).client_port, .path = {}};
}

std::string EtcdServers::directory(int index) const { return directory_ + "/" + name_of(index); }

std::vector<std::string> EtcdServers::command(int index) const {
  std::string members;
  for (int i = 0; i < static_cast<int>(servers_.size()); ++i)
    members +=
        fmt::format("{}{}={}", i > 0 ? "," : "", name_of(i), url_of(servers_[static_cast<std::size_t>(i)].peer_port));
  const Server& server = servers_.at(static_cast<std::size_t>(index));
  // One alone elects itself at once. Several need time, since other tests run beside them.
  const bool is_alone = servers_.size() == 1;
  return {program(),
          "--name",
          name_of(index),
          "--data-dir",
          directory(index),
          "--listen-client-urls",
          url_of(server.client_port),
          "--advertise-client-urls",
          url_of(server.client_port),
          "--listen-peer-urls",
          url_of(server.peer_port),
          "--initial-advertise-peer-urls",
          url_of(server.peer_port),
          "--initial-cluster",
          members,
          "--heartbeat-interval",
          is_alone ? "20" : "100",
          "--election-timeout",
          is_alone ? "100" : "500",
          "--logger",
          "zap",
          "--log-level",
          "error"};
}

void EtcdServers::start(int index) {
  std::vector<std::string> words = command(index);
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const std::string log = directory(index) + ".log";
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child == 0) become(arguments.data(), log.c_str(), parent);
  if (child < 0) throw std::runtime_error("etcd cannot be started");
  servers_.at(static_cast<std::size_t>(index)).process = child;
}

void EtcdServers::kill(int index) {
  pid_t& process = servers_.at(static_cast<std::size_t>(index)).process;
  if (process == 0) return;
  ::kill(process, SIGKILL);
  ::waitpid(process, nullptr, 0);
  process = 0;
}

void EtcdServers::stop(int index) { ::kill(servers_.at(static_cast<std::size_t>(index)).process, SIGSTOP); }
void EtcdServers::go_on(int index) { ::kill(servers_.at(static_cast<std::size_t>(index)).process, SIGCONT); }

void EtcdServers::keep_copy(int index) {
  std::filesystem::copy(directory(index), directory(index) + ".copy", std::filesystem::copy_options::recursive);
}

void EtcdServers::put_copy_back(int index) {
  std::filesystem::remove_all(directory(index));
  std::filesystem::rename(directory(index) + ".copy", directory(index));
}

}  // namespace mq::meta
