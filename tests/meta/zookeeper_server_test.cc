// ZooKeeper as the tests run it, and a way to it that breaks at will.

#include "meta/zookeeper_server.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <list>
#include <thread>
#include <vector>

namespace mq::meta {
namespace {

constexpr const char* kJava = "/usr/bin/java";
constexpr const char* kJar = "/usr/share/java/zookeeper.jar";

[[noreturn]] void give_up(const std::string& why) {
  fmt::print(stderr, "tests/meta need a real ZooKeeper: {}\n", why);
  std::abort();
}

sockaddr_in at_port(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

/// Listens on any port; its number is left in `port`.
int listen_anywhere(std::uint16_t& port) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = at_port(0);
  socklen_t size = sizeof address;
  if (::bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener, 64) != 0)
    give_up("no free port");
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  port = ntohs(address.sin_port);
  return listener;
}

/// -1: nobody listens.
int connect_to(std::uint16_t port) {
  const int connection = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = at_port(port);
  sockaddr_in own{};
  socklen_t size = sizeof own;
  // Where nobody listens, a connection may get the very port as its own, and meet itself.
  if (::connect(connection, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
      ::getsockname(connection, reinterpret_cast<sockaddr*>(&own), &size) == 0 && own.sin_port != address.sin_port)
    return connection;
  ::close(connection);
  return -1;
}

}  // namespace

ZooKeeperServer::ZooKeeperServer() {
  for (const char* needed : {kJava, kJar})
    if (!std::filesystem::exists(needed))
      give_up(fmt::format("{} is missing; install zookeeper and default-jre-headless", needed));
  port_ = next_free_port();
  std::filesystem::create_directory(directory_.file("data"));
  // Sessions of a second, looked at four times as often.
  std::ofstream(directory_.file("zoo.cfg"))
      << fmt::format("dataDir={}/data\nclientPort={}\nclientPortAddress=127.0.0.1\n", directory_.path(), port_)
      << "tickTime=250\nminSessionTimeout=1000\nmaxSessionTimeout=60000\nmaxClientCnxns=0\nadmin.enableServer=false\n"
      << "4lw.commands.whitelist=ruok\n";
  start();
}

ZooKeeperServer& ZooKeeperServer::shared() {
  static ZooKeeperServer server;
  return server;
}

void ZooKeeperServer::start() {
  // Only a loss of power would need its syncs; a small log is made sooner.
  process_.start({kJava, "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dzookeeper.forceSync=no",
                  "-Dzookeeper.preAllocSize=1024", "-cp", kJar, "org.apache.zookeeper.server.ZooKeeperServerMain",
                  directory_.file("zoo.cfg")},
                 directory_.file("server.log"));
  for (int tries = 0; !answers(); ++tries) {
    if (tries == 1500 || process_.has_ended())
      give_up(fmt::format("it does not start; see {}", directory_.file("server.log")));
    ::poll(nullptr, 0, 20);
  }
}

bool ZooKeeperServer::answers() const {
  const int connection = connect_to(port_);
  if (connection < 0) return false;
  // Whom it meets while it starts, it may never answer.
  const timeval patience{.tv_sec = 0, .tv_usec = 500'000};
  ::setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  std::array<char, 8> answer{};
  const bool is_asked = ::send(connection, "ruok", 4, MSG_NOSIGNAL) == 4;
  const ssize_t size = is_asked ? ::recv(connection, answer.data(), answer.size(), MSG_WAITALL) : 0;
  ::close(connection);
  return std::string_view(answer.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))) == "imok";
}

void ZooKeeperServer::kill() { process_.kill(); }
void ZooKeeperServer::freeze() { process_.stop(); }
void ZooKeeperServer::thaw() { process_.go_on(); }

void ZooKeeperServer::save_disk() {
  std::filesystem::remove_all(directory_.file("saved"));
  std::filesystem::copy(directory_.file("data"), directory_.file("saved"), std::filesystem::copy_options::recursive);
}

void ZooKeeperServer::restore_disk() {
  std::filesystem::remove_all(directory_.file("data"));
  std::filesystem::copy(directory_.file("saved"), directory_.file("data"), std::filesystem::copy_options::recursive);
}

ZooKeeperPlace ZooKeeperServer::place(std::string prefix, std::uint16_t port) {
  ZooKeeperPlace place;
  place.url = {.service = StoreService::zookeeper,
               .servers = {{.host = "127.0.0.1", .port = port, .path = {}}},
               .prefix = std::move(prefix)};
  return place;
}

std::string ZooKeeperServer::fresh_prefix() {
  static int count = 0;
  return fmt::format("/test/{}", ++count);
}

struct Relay::Parts {
  /// One connection, both ways.
  struct Pair {
    int client = -1;
    int server = -1;
  };

  std::uint16_t server_port = 0;
  int listener = -1;
  std::atomic<bool> is_over = false;
  std::atomic<bool> holds_requests = false;
  std::atomic<bool> holds_answers = false;
  std::atomic<bool> cuts = false;
  std::atomic<int> turns = 0;  ///< of the loop
  std::list<Pair> pairs;
  std::thread thread;

  void accept_one() {
    const int client = ::accept(listener, nullptr, nullptr);
    const int server = connect_to(server_port);
    pairs.push_back({.client = client, .server = server});
  }
  /// False: one side has ended.
  static bool pass(int from, int to) {
    std::array<char, 65536> bytes;
    const ssize_t size = ::recv(from, bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (size <= 0) return false;
    for (ssize_t sent = 0; sent < size;) {
      const ssize_t now = ::send(to, bytes.data() + sent, static_cast<std::size_t>(size - sent), MSG_NOSIGNAL);
      if (now <= 0) return false;
      sent += now;
    }
    return true;
  }
  static void end(const Pair& pair) {
    ::close(pair.client);
    if (pair.server >= 0) ::close(pair.server);
  }
  void cut_all() {
    for (const Pair& pair : pairs) end(pair);
    pairs.clear();
  }
  /// Returns when nothing more is done as it was before.
  void take_notice() const {
    for (const int end = turns + 2; turns < end;) ::poll(nullptr, 0, 1);
  }
  void run() {
    while (!is_over) {
      ++turns;
      if (cuts.exchange(false)) cut_all();
      std::vector<pollfd> ready{{.fd = holds_requests ? -1 : listener, .events = POLLIN, .revents = 0}};
      for (const Pair& pair : pairs) {
        ready.push_back({.fd = holds_requests ? -1 : pair.client, .events = POLLIN, .revents = 0});
        ready.push_back({.fd = holds_answers ? -1 : pair.server, .events = POLLIN, .revents = 0});
      }
      ::poll(ready.data(), ready.size(), 5);
      std::size_t at = 1;
      for (auto pair = pairs.begin(); pair != pairs.end(); at += 2) {
        const bool lives = pair->server >= 0 && (ready[at].revents == 0 || pass(pair->client, pair->server)) &&
                           (ready[at + 1].revents == 0 || pass(pair->server, pair->client));
        if (!lives) end(*pair);
        pair = lives ? std::next(pair) : pairs.erase(pair);
      }
      if (ready[0].revents != 0) accept_one();
    }
    cut_all();
  }
};

Relay::Relay(std::uint16_t server) : parts_(std::make_unique<Parts>()) {
  parts_->server_port = server;
  parts_->listener = listen_anywhere(port_);
  parts_->thread = std::thread([parts = parts_.get()] { parts->run(); });
}

Relay::~Relay() {
  parts_->is_over = true;
  parts_->thread.join();
  ::close(parts_->listener);
}

void Relay::hold_requests(bool hold) {
  parts_->holds_requests = hold;
  parts_->take_notice();
}

void Relay::hold_answers(bool hold) {
  parts_->holds_answers = hold;
  parts_->take_notice();
}

void Relay::cut() {
  parts_->cuts = true;
  parts_->take_notice();
}

}  // namespace mq::meta

/// The client does not free what it knows of requests that are under way when it is closed: some hundred bytes each.
extern "C" const char* __lsan_default_suppressions() { return "leak:libzookeeper_mt"; }
