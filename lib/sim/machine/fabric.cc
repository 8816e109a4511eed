#include "sim/machine/fabric.h"

#include <algorithm>
#include <array>
#include <deque>
#include <utility>

#include "base/assert.h"
#include "base/crc32c.h"

namespace mq::sim {
namespace {

constexpr Duration kConnectRetry = 1s;  // as TCP's first retransmission of a SYN

bool means_own_host(const std::string& host) {
  static constexpr std::string_view kNames[] = {"", "*", "0.0.0.0", "::", "localhost", "127.0.0.1", "::1"};
  return std::ranges::find(kNames, host) != std::end(kNames);
}

std::string port_key(const std::string& host, const env::Address& address) {
  return host + (address.is_unix() ? "!" + address.path : "!" + std::to_string(address.port));
}

std::unexpected<Error> closed_here() { return fail(Errc::cancelled, "the connection was closed here"); }
std::unexpected<Error> closed_there(const env::Address& peer) {
  return fail(Errc::closed, "{} closed the connection", peer.to_string());
}

}  // namespace

/// One end of a connection: what has arrived for it, and what it has sent that has not arrived.
struct Endpoint {
  struct Chunk {
    Instant arrives;
    std::string bytes;
    bool is_end = false;
  };
  Shard* shard = nullptr;
  std::string host;
  env::Address local;
  env::Address remote;

  std::string arrived;
  bool end_arrived = false;
  bool is_reset = false;
  bool is_closed = false;     // by its own stream
  bool has_vanished = false;  // its host lost power
  Shard::WaitId reading = 0;
  Shard::WaitId writing = 0;

  std::deque<Chunk> in_flight;
  std::size_t in_flight_bytes = 0;
  bool arrival_scheduled = false;
  bool is_stalled = false;  // the head waits for a block to end

  void wake_reader() {
    if (reading != 0) shard->resume(std::exchange(reading, 0), {});
  }
  void wake_writer() {
    if (writing != 0) shard->resume(std::exchange(writing, 0), {});
  }
};

struct Connection {
  std::uint64_t id = 0;
  std::array<Endpoint, 2> ends;
};

/// A listening address.
struct Port {
  std::string key;
  env::Address address;
  Shard* shard = nullptr;
  std::deque<std::shared_ptr<Connection>> backlog;
  Shard::WaitId accepting = 0;
  bool is_closed = false;
};

class EndpointStream final : public env::Stream {
 public:
  EndpointStream(Fabric& fabric, std::shared_ptr<Connection> connection, int side)
      : fabric_(fabric), connection_(std::move(connection)), side_(side) {}
  ~EndpointStream() override { close(); }

  awaitable<Result<std::size_t>> read_some(std::span<char> to) override {
    while (true) {
      auto got = try_read(to);
      if (!got || *got > 0) co_return got;
      const Shard::WaitId wait = end().reading = end().shard->new_wait();
      MQ_CO_CHECK(co_await end().shard->suspend(wait));
    }
  }

  Result<std::size_t> try_read(std::span<char> to) override {
    MQ_ASSERT(!to.empty());
    if (end().is_closed) return closed_here();
    if (end().is_reset) return closed_there(end().remote);
    std::string& arrived = end().arrived;
    if (arrived.empty()) {
      if (end().end_arrived) return closed_there(end().remote);
      return 0;
    }
    const std::size_t size = std::min(to.size(), arrived.size());
    std::copy_n(arrived.begin(), size, to.begin());
    arrived.erase(0, size);
    peer().wake_writer();
    return size;
  }

  Result<std::size_t> try_write(std::span<const BytesView> pieces) override {
    std::size_t total = 0;
    for (const BytesView piece : pieces) {
      MQ_TRY(const std::size_t taken, try_write_piece(piece));
      total += taken;
      if (taken < piece.size()) break;
    }
    return total;
  }

  awaitable<Result<void>> write(std::span<const BytesView> pieces) override {
    for (const BytesView piece : pieces) MQ_CO_CHECK(co_await write_piece(piece));
    co_return Result<void>{};
  }

  awaitable<Result<void>> send_file(env::File& file, std::uint64_t position, std::size_t size) override {
    std::string bytes(size, '\0');
    MQ_CO_TRY(const std::size_t got, file.read_at(position, bytes.data(), size));
    MQ_ASSERT(got == size);
    co_return co_await write_piece(bytes);
  }

  void close() override {
    if (std::exchange(end().is_closed, true)) return;
    const bool has_unread = !std::exchange(end().arrived, {}).empty();
    if (end().reading != 0) end().shard->resume(std::exchange(end().reading, 0), closed_here());
    if (end().writing != 0) end().shard->resume(std::exchange(end().writing, 0), closed_here());
    if (end().is_reset || end().has_vanished) return;
    // Whoever closes without having read all answers with a reset, as Linux does.
    if (has_unread) {
      fabric_.reset_end(connection_, 1 - side_);
    } else {
      fabric_.send(connection_, side_, {}, true);
    }
  }

  [[nodiscard]] bool has_peer_left() const override {
    const Endpoint& end = connection_->ends[mine()];
    return end.end_arrived || end.is_reset;
  }
  [[nodiscard]] env::Address local_address() const override { return connection_->ends[mine()].local; }
  [[nodiscard]] env::Address remote_address() const override { return connection_->ends[mine()].remote; }

  void move_to(env::Shard& to) override {
    MQ_ASSERT(end().reading == 0 && end().writing == 0);
    end().shard = &dynamic_cast<Shard&>(to);
  }

 private:
  [[nodiscard]] std::size_t mine() const { return static_cast<std::size_t>(side_); }
  [[nodiscard]] Endpoint& end() { return connection_->ends[mine()]; }
  [[nodiscard]] Endpoint& peer() { return connection_->ends[1 - mine()]; }
  [[nodiscard]] std::size_t room() {
    const std::size_t used = end().in_flight_bytes + peer().arrived.size();
    return used >= fabric_.options_.buffer_bytes ? 0 : fabric_.options_.buffer_bytes - used;
  }

  Result<std::size_t> try_write_piece(BytesView piece) {
    if (end().is_closed) return closed_here();
    if (end().is_reset) return closed_there(end().remote);
    const std::size_t size = std::min(room(), piece.size());
    if (size > 0) fabric_.send(connection_, side_, std::string(piece.substr(0, size)), false);
    return size;
  }

  awaitable<Result<void>> write_piece(BytesView piece) {
    while (true) {
      MQ_CO_TRY(const std::size_t taken, try_write_piece(piece));
      piece.remove_prefix(taken);
      if (piece.empty()) co_return Result<void>{};
      const Shard::WaitId wait = end().writing = end().shard->new_wait();
      MQ_CO_CHECK(co_await end().shard->suspend(wait));
    }
  }

  Fabric& fabric_;
  std::shared_ptr<Connection> connection_;
  int side_;
};

class PortListener final : public env::Listener {
 public:
  PortListener(Fabric& fabric, std::shared_ptr<Port> port) : fabric_(fabric), port_(std::move(port)) {}
  ~PortListener() override { close(); }

  awaitable<Result<std::unique_ptr<env::Stream>>> accept() override {
    while (port_->backlog.empty()) {
      if (port_->is_closed) co_return fail(Errc::cancelled, "the listener was closed here");
      const Shard::WaitId wait = port_->accepting = port_->shard->new_wait();
      MQ_CO_CHECK(co_await port_->shard->suspend(wait));
    }
    auto connection = std::move(port_->backlog.front());
    port_->backlog.pop_front();
    co_return std::make_unique<EndpointStream>(fabric_, std::move(connection), 1);
  }

  void close() override {
    if (std::exchange(port_->is_closed, true)) return;
    fabric_.ports_.erase(port_->key);
    for (const auto& connection : std::exchange(port_->backlog, {})) {
      connection->ends[1].is_closed = true;
      if (!connection->ends[1].has_vanished) fabric_.reset_end(connection, 0);
    }
    if (port_->accepting != 0)
      port_->shard->resume(std::exchange(port_->accepting, 0), fail(Errc::cancelled, "the listener was closed here"));
  }

  [[nodiscard]] env::Address local_address() const override { return port_->address; }

 private:
  Fabric& fabric_;
  std::shared_ptr<Port> port_;
};

class MachineNetwork final : public env::Network {
 public:
  MachineNetwork(Fabric& fabric, Shard& shard, std::string host)
      : fabric_(fabric), shard_(shard), host_(std::move(host)) {}

  Result<std::unique_ptr<env::Listener>> listen(const env::Address& address) override {
    if (!address.is_unix() && !means_own_host(address.host) && address.host != host_)
      return fail(Errc::invalid_argument, "cannot listen on {}: not an address of {}", address.to_string(), host_);
    auto port = std::make_shared<Port>();
    port->address = address;
    if (!address.is_unix() && address.port == 0) port->address.port = ++fabric_.last_port_;
    port->key = port_key(host_, port->address);
    port->shard = &shard_;
    if (!fabric_.ports_.emplace(port->key, port).second)
      return fail(Errc::refused, "cannot listen on {}: the address is in use", address.to_string());
    return std::make_unique<PortListener>(fabric_, std::move(port));
  }

  awaitable<Result<std::unique_ptr<env::Stream>>> connect(const env::Address& address, Instant deadline) override {
    const env::Address to = address;  // the caller's may be gone after the first wait
    const std::string host = to.is_unix() || means_own_host(to.host) ? host_ : to.host;
    if (!fabric_.hosts_.contains(host)) co_return fail(Errc::unreachable, "no host {}", host);
    Duration wait = fabric_.draw_delay() + fabric_.draw_delay();
    while (true) {
      co_await shard_.sleep_until(std::min(deadline, shard_.now() + wait));
      if (shard_.now() >= deadline) co_return fail(Errc::timed_out, "no connection to {} in time", to.to_string());
      wait = kConnectRetry;
      if (!fabric_.passes(host_, host) || !fabric_.passes(host, host_)) continue;
      const auto found = fabric_.ports_.find(port_key(host, to));
      if (found == fabric_.ports_.end()) co_return fail(Errc::unreachable, "nobody listens on {}", to.to_string());
      if (found->second->backlog.size() >= fabric_.options_.backlog_max) continue;
      co_return establish(*found->second, host, to);
    }
  }

  awaitable<bool> refuses(const env::Address& address, Instant deadline) override {
    const env::Address to = address;
    const std::string host = to.is_unix() || means_own_host(to.host) ? host_ : to.host;
    co_await shard_.sleep_until(std::min(deadline, shard_.now() + fabric_.draw_delay() + fabric_.draw_delay()));
    const bool is_heard = fabric_.hosts_.contains(host) && fabric_.passes(host_, host) && fabric_.passes(host, host_);
    co_return is_heard&& shard_.now() < deadline && !fabric_.ports_.contains(port_key(host, to));
  }

 private:
  std::unique_ptr<env::Stream> establish(Port& port, const std::string& host, const env::Address& to) {
    auto connection = std::make_shared<Connection>();
    connection->id = fabric_.scheduler_.new_id();
    env::Address from{.host = host_, .port = to.is_unix() ? std::uint16_t{0} : ++fabric_.last_port_, .path = to.path};
    env::Address there{.host = host, .port = to.port, .path = to.path};
    Endpoint& client = connection->ends[0];
    client.shard = &shard_;
    client.host = host_;
    client.local = from;
    client.remote = there;
    Endpoint& server = connection->ends[1];
    server.shard = port.shard;
    server.host = host;
    server.local = std::move(there);
    server.remote = std::move(from);
    fabric_.scheduler_.note(Happening::network, connection->id, port.shard->Place::id);
    fabric_.remember(connection);
    port.backlog.push_back(connection);
    if (port.accepting != 0) port.shard->resume(std::exchange(port.accepting, 0), {});
    return std::make_unique<EndpointStream>(fabric_, std::move(connection), 0);
  }

  Fabric& fabric_;
  Shard& shard_;
  std::string host_;
};

Fabric::Fabric(Scheduler& scheduler, FabricOptions options)
    : scheduler_(scheduler), options_(options), wire_{.id = scheduler.new_id()} {}

Fabric::~Fabric() = default;

void Fabric::add_host(const std::string& host) {
  const bool is_new = hosts_.emplace(host, true).second;
  MQ_ASSERT(is_new && !means_own_host(host));
}

void Fabric::set_power(const std::string& host, bool on) {
  hosts_.at(host) = on;
  for_each_connection([&](const std::shared_ptr<Connection>& connection) {
    for (const int side : {0, 1}) {
      Endpoint& end = connection->ends[static_cast<std::size_t>(side)];
      if (end.host != host) continue;
      if (!on) {
        end.has_vanished = true;
        end.in_flight.clear();
        end.in_flight_bytes = 0;
      } else if (end.has_vanished) {
        reset_end(connection, 1 - side);
      }
    }
  });
}

void Fabric::block(const std::string& from, const std::string& to) { blocked_.emplace(from, to); }

void Fabric::unblock(const std::string& from, const std::string& to) {
  blocked_.erase({from, to});
  retry_stalled();
}

void Fabric::cut(const std::string& a, const std::string& b) {
  block(a, b);
  block(b, a);
}

void Fabric::heal() {
  blocked_.clear();
  retry_stalled();
}

std::size_t Fabric::reset(const std::string& a, const std::string& b) {
  std::size_t count = 0;
  for_each_connection([&](const std::shared_ptr<Connection>& connection) {
    const auto& [one, other] = connection->ends;
    if (!(one.host == a && other.host == b) && !(one.host == b && other.host == a)) return;
    if (one.is_reset && other.is_reset) return;
    ++count;
    reset_end(connection, 0);
    reset_end(connection, 1);
  });
  return count;
}

std::unique_ptr<env::Network> Fabric::network_of(Shard& shard, std::string host) {
  return std::make_unique<MachineNetwork>(*this, shard, std::move(host));
}

bool Fabric::passes(const std::string& from, const std::string& to) const {
  return !is_blocked(from, to) && hosts_.at(from) && hosts_.at(to);
}

Duration Fabric::draw_delay() { return scheduler_.rng().delay(options_.delay_min, options_.delay_mean); }

void Fabric::send(const std::shared_ptr<Connection>& connection, int side, std::string bytes, bool is_end) {
  Endpoint& end = connection->ends[static_cast<std::size_t>(side)];
  if (end.has_vanished) return;
  scheduler_.note(Happening::network, connection->id, bytes.size(), crc32c(bytes));
  const auto put = [&](std::string part, bool ends) {
    const Instant earliest = end.in_flight.empty() ? scheduler_.now() : end.in_flight.back().arrives;
    end.in_flight_bytes += part.size();
    end.in_flight.push_back(
        {.arrives = std::max(earliest, scheduler_.now() + draw_delay()), .bytes = std::move(part), .is_end = ends});
  };
  // What was written at once may arrive in two parts: readers must not take a write for a message.
  if (bytes.size() > 1 && scheduler_.rng().one_in(4)) {
    const std::size_t first = 1 + scheduler_.rng().below(bytes.size() - 1);
    put(bytes.substr(0, first), false);
    bytes.erase(0, first);
  }
  put(std::move(bytes), is_end);
  schedule_arrival(connection, side);
}

void Fabric::schedule_arrival(const std::shared_ptr<Connection>& connection, int side) {
  Endpoint& end = connection->ends[static_cast<std::size_t>(side)];
  if (end.arrival_scheduled || end.is_stalled || end.in_flight.empty()) return;
  end.arrival_scheduled = true;
  scheduler_.at(end.in_flight.front().arrives, wire_, [this, connection, side] { arrive(connection, side); });
}

void Fabric::arrive(const std::shared_ptr<Connection>& connection, int side) {
  Endpoint& from = connection->ends[static_cast<std::size_t>(side)];
  Endpoint& to = connection->ends[static_cast<std::size_t>(1 - side)];
  from.arrival_scheduled = false;
  if (from.in_flight.empty()) return;
  if (is_blocked(from.host, to.host)) {
    from.is_stalled = true;
    return;
  }
  if (to.has_vanished) return;  // the sender waits for an answer that will not come
  Endpoint::Chunk chunk = std::move(from.in_flight.front());
  from.in_flight.pop_front();
  from.in_flight_bytes -= chunk.bytes.size();
  scheduler_.note(Happening::network, connection->id, chunk.bytes.size(), static_cast<std::uint64_t>(side));
  if (to.is_closed) {
    // A closed end answers data with a reset.
    if (!chunk.bytes.empty()) reset_end(connection, side);
  } else if (!to.is_reset) {
    to.arrived += chunk.bytes;
    to.end_arrived |= chunk.is_end;
    to.wake_reader();
  }
  schedule_arrival(connection, side);
}

void Fabric::reset_end(const std::shared_ptr<Connection>& connection, int side) {
  scheduler_.at(scheduler_.now() + draw_delay(), wire_, [this, connection, side] {
    Endpoint& end = connection->ends[static_cast<std::size_t>(side)];
    scheduler_.note(Happening::network, connection->id, static_cast<std::uint64_t>(side));
    end.is_reset = true;
    end.arrived.clear();
    end.in_flight.clear();
    end.in_flight_bytes = 0;
    end.wake_reader();
    end.wake_writer();
  });
}

void Fabric::retry_stalled() {
  for_each_connection([&](const std::shared_ptr<Connection>& connection) {
    for (const int side : {0, 1}) {
      Endpoint& end = connection->ends[static_cast<std::size_t>(side)];
      if (!std::exchange(end.is_stalled, false)) continue;
      if (!end.in_flight.empty())
        end.in_flight.front().arrives = std::max(end.in_flight.front().arrives, scheduler_.now() + draw_delay());
      schedule_arrival(connection, side);
    }
  });
}

void Fabric::remember(const std::shared_ptr<Connection>& connection) {
  connections_.push_back(connection);
  if (connections_.size() % 64 == 0)
    std::erase_if(connections_, [](const std::weak_ptr<Connection>& old) { return old.expired(); });
}

void Fabric::for_each_connection(const std::function<void(const std::shared_ptr<Connection>&)>& f) {
  for (std::size_t i = 0; i < connections_.size(); ++i)
    if (const auto connection = connections_[i].lock()) f(connection);
}

}  // namespace mq::sim
