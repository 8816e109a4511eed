#pragma once

#include <cstdint>

#include "env/network.h"
#include "posix/descriptor.h"
#include "posix/shard.h"
#include "posix/socket_events.h"

namespace mq::posix {

/// A connected socket. Sends and receives go straight to the kernel; they wait only when it said that it has no room,
/// or nothing more.
class PosixStream final : public env::Stream, private SocketEvents::Target {
 public:
  /// Takes over `socket`: connected, close-on-exec, non-blocking.
  PosixStream(PosixShard& shard, Descriptor socket, env::Address local, env::Address remote);
  ~PosixStream() override { close(); }

  awaitable<Result<std::size_t>> read_some(std::span<char> to) override;
  [[nodiscard]] Result<std::size_t> try_read(std::span<char> to) override;
  Result<std::size_t> try_write(std::span<const BytesView> pieces) override;
  awaitable<Result<void>> write(std::span<const BytesView> pieces) override;
  awaitable<Result<void>> send_file(env::File& file, std::uint64_t position, std::size_t size) override;
  void close() override;
  [[nodiscard]] bool has_peer_left() const override;
  [[nodiscard]] env::Address local_address() const override { return local_; }
  [[nodiscard]] env::Address remote_address() const override { return remote_; }
  void move_to(env::Shard& to) override;

 private:
  void on_events(std::uint32_t events) override;
  [[nodiscard]] Result<void> watch();
  void unwatch();
  awaitable<Result<void>> wait_readable();
  awaitable<Result<void>> wait_writable();
  [[nodiscard]] std::unexpected<Error> failure(int error_number) const;
  [[nodiscard]] std::unexpected<Error> closed_here() const;

  PosixShard* shard_;
  Descriptor socket_;
  const env::Address local_;
  const env::Address remote_;
  EndlessWait reader_;
  EndlessWait writer_;
  bool watched_ = false;    ///< the loop tells us of events
  bool readable_ = true;    ///< a receive may find something
  bool has_ended_ = false;  ///< the peer has shut down, or the socket has failed: a receive never waits again
  int reads_without_wait_ = 0;
};

}  // namespace mq::posix
