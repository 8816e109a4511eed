#include "meta/etcd_server.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string_view>

namespace mq::meta {
namespace {

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

std::string name_of(int index) { return fmt::format("etcd{}", index); }
std::string url_of(std::uint16_t port) { return fmt::format("http://127.0.0.1:{}", port); }

}  // namespace

EtcdServers::EtcdServers(int count) {
  (void)program();
  for (int i = 0; i < count; ++i)
    servers_.push_back({.client_port = next_free_port(), .peer_port = next_free_port(), .process = {}});
  for (int i = 0; i < count; ++i) start(i);
}

StoreUrl EtcdServers::url() const {
  StoreUrl url;
  for (int i = 0; i < static_cast<int>(servers_.size()); ++i) url.servers.push_back(address(i));
  return url;
}

env::Address EtcdServers::address(int index) const {
  return {.host = "127.0.0.1", .port = servers_.at(static_cast<std::size_t>(index)).client_port, .path = {}};
}

std::string EtcdServers::directory(int index) const { return directory_.file(name_of(index)); }

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

void EtcdServers::start(int index) { process(index).start(command(index), directory(index) + ".log"); }
void EtcdServers::kill(int index) { process(index).kill(); }
void EtcdServers::stop(int index) { process(index).stop(); }
void EtcdServers::go_on(int index) { process(index).go_on(); }

void EtcdServers::keep_copy(int index) {
  std::filesystem::copy(directory(index), directory(index) + ".copy", std::filesystem::copy_options::recursive);
}

void EtcdServers::put_copy_back(int index) {
  std::filesystem::remove_all(directory(index));
  std::filesystem::rename(directory(index) + ".copy", directory(index));
}

}  // namespace mq::meta
