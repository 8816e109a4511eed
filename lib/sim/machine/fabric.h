#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "env/network.h"
#include "sim/machine/shard.h"

namespace mq::sim {

struct Connection;
struct Port;

struct FabricOptions {
  Duration delay_min = 20us;            ///< one way
  Duration delay_mean = 50us;           ///< on top of it
  std::size_t buffer_bytes = 64 << 10;  ///< of one direction, sent and not yet read; then the writer waits
  std::size_t backlog_max = 128;
};

/// The hosts of a world and the wires between them: ordered streams with delay, bounded buffers, cuts and resets.
///
/// Hosts are known by name; "localhost", the loopback addresses and wildcards mean the own host. Bytes of one
/// connection keep their order, but arrive late and in pieces of any size. While a direction is blocked nothing of it
/// arrives, and nothing is lost: as with TCP, it is sent again later.
class Fabric {
 public:
  Fabric(Scheduler& scheduler, FabricOptions options);
  Fabric(const Fabric&) = delete;
  Fabric& operator=(const Fabric&) = delete;
  ~Fabric();

  void add_host(const std::string& host);
  /// A host without power answers nothing: who connects waits, who is connected hears nothing. With power again, it
  /// resets the connections that it does not know any more.
  void set_power(const std::string& host, bool on);

  /// From now on nothing gets from `from` to `to`: a one-way partition.
  void block(const std::string& from, const std::string& to);
  void unblock(const std::string& from, const std::string& to);
  /// What is sent from now on takes so long one way, at least `min` and typically `min + mean`.
  void set_delays(Duration min, Duration mean) {
    options_.delay_min = min;
    options_.delay_mean = mean;
  }
  /// Both ways.
  void cut(const std::string& a, const std::string& b);
  /// Ends every block.
  void heal();
  /// Resets every connection between the two hosts; returns how many.
  std::size_t reset(const std::string& a, const std::string& b);

  /// The network as a shard of `host` sees it.
  [[nodiscard]] std::unique_ptr<env::Network> network_of(Shard& shard, std::string host);

 private:
  friend class MachineNetwork;
  friend class PortListener;
  friend class EndpointStream;

  [[nodiscard]] bool is_blocked(const std::string& from, const std::string& to) const {
    return blocked_.contains({from, to});
  }
  [[nodiscard]] bool passes(const std::string& from, const std::string& to) const;
  [[nodiscard]] Duration draw_delay();
  void send(const std::shared_ptr<Connection>& connection, int side, std::string bytes, bool is_end);
  void schedule_arrival(const std::shared_ptr<Connection>& connection, int side);
  void arrive(const std::shared_ptr<Connection>& connection, int side);
  void reset_end(const std::shared_ptr<Connection>& connection, int side);
  void retry_stalled();
  void remember(const std::shared_ptr<Connection>& connection);
  void for_each_connection(const std::function<void(const std::shared_ptr<Connection>&)>& f);

  Scheduler& scheduler_;
  FabricOptions options_;
  Place wire_;
  std::map<std::string, bool> hosts_;  // name -> has power
  std::set<std::pair<std::string, std::string>> blocked_;
  std::map<std::string, std::shared_ptr<Port>> ports_;
  std::vector<std::weak_ptr<Connection>> connections_;
  std::uint16_t last_port_ = 32767;
};

}  // namespace mq::sim
