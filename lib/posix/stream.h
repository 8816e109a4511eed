#pragma once

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <optional>

#include "env/network.h"
#include "posix/descriptor.h"

namespace mq::posix {

class PosixShard;

/// A connected socket. Sends go straight to the kernel and wait only when it has no room. A receive asks the kernel
/// once and then leaves it to the event loop to receive when there is something; after a read that filled its buffer it
/// does not even enter the loop (see `read_some`).
class PosixStream final : public env::Stream {
 public:
  /// Takes over `socket`: connected, close-on-exec, of `family`.
  PosixStream(PosixShard& shard, Descriptor socket, int family, env::Address local, env::Address remote);

  awaitable<Result<std::size_t>> read_some(std::span<char> to) override;
  [[nodiscard]] Result<std::size_t> try_read(std::span<char> to) override;
  Result<std::size_t> try_write(std::span<const BytesView> pieces) override;
  awaitable<Result<void>> write(std::span<const BytesView> pieces) override;
  awaitable<Result<void>> send_file(env::File& file, std::uint64_t position, std::size_t size) override;
  void close() override;
  [[nodiscard]] env::Address local_address() const override { return local_; }
  [[nodiscard]] env::Address remote_address() const override { return remote_; }
  void move_to(env::Shard& to) override;

 private:
  using Socket =
      boost::asio::basic_stream_socket<boost::asio::generic::stream_protocol, boost::asio::io_context::executor_type>;

  awaitable<Result<void>> wait_writable();
  [[nodiscard]] std::unexpected<Error> failure(int error_number) const;
  [[nodiscard]] std::unexpected<Error> closed_here() const;

  std::optional<Socket> socket_;  ///< always there; optional because a socket cannot change its event loop
  const int family_;
  const env::Address local_;
  const env::Address remote_;
  bool more_may_be_there_ = false;  ///< the last read filled its buffer
  int reads_without_wait_ = 0;
};

}  // namespace mq::posix
