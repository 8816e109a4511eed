#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "env/address.h"
#include "env/async.h"
#include "env/files.h"

namespace mq::env {

class Shard;

/// One connection: ordered bytes both ways. Bound to one shard; all calls on that shard's thread. At most one read and
/// one write (`write` or `send_file`) may be in progress. Destroying it closes it; nothing may be in progress then.
/// Errors: closed (the peer closed or reset), cancelled (`close` was called here), timed_out.
class Stream {
 public:
  virtual ~Stream() = default;
  /// Reads at least one byte and at most `to.size()`; closed at the end of the stream.
  virtual awaitable<Result<std::size_t>> read_some(std::span<char> to) = 0;
  /// Reads what is there without waiting; 0 when there is nothing now, closed at the end.
  [[nodiscard]] virtual Result<std::size_t> try_read(std::span<char> to) = 0;
  /// Writes all pieces, in order, as one gathering write where possible. The pieces must live until it returns.
  virtual awaitable<Result<void>> write(std::span<const BytesView> pieces) = 0;
  /// Writes what is taken without waiting, in order; less than all when the peer does not keep up. No write may be in
  /// progress.
  [[nodiscard]] virtual Result<std::size_t> try_write(std::span<const BytesView> pieces) = 0;
  /// Sends [position, position + size) of `file` without copying it through us (sendfile); sim copies. The file must
  /// live until it returns, hold the whole range and have its pages cached, else the shard's thread waits for the disk.
  virtual awaitable<Result<void>> send_file(File& file, std::uint64_t position, std::size_t size) = 0;
  /// Ends what is in progress with `cancelled` and closes both ways. May be called more than once.
  virtual void close() = 0;
  /// Whether the peer has ended its side, or all of it, whatever of what it sent is still to be read.
  [[nodiscard]] virtual bool has_peer_left() const = 0;
  [[nodiscard]] virtual Address local_address() const = 0;  ///< IPv4-mapped addresses as IPv4
  [[nodiscard]] virtual Address remote_address() const = 0;
  /// Gives the connection to another shard: call on the old shard with nothing in progress; from the return on it is
  /// used on `to` only.
  virtual void move_to(Shard& to) = 0;
};

class Listener {
 public:
  virtual ~Listener() = default;
  /// The next connection, bound to the shard of this listener (see Stream::move_to). too_many_files: wait and try
  /// again.
  virtual awaitable<Result<std::unique_ptr<Stream>>> accept() = 0;
  /// Ends a waiting accept with `cancelled`.
  virtual void close() = 0;
  [[nodiscard]] virtual Address local_address() const = 0;  ///< with the real port
};

/// The network as one shard sees it; what it makes is bound to that shard.
class Network {
 public:
  virtual ~Network() = default;
  /// Listens; on every address, IPv4 and IPv6, when the host is `*` or `::`. A unix socket left behind by a
  /// dead process is replaced; refused when the address is taken.
  [[nodiscard]] virtual Result<std::unique_ptr<Listener>> listen(const Address& address) = 0;
  /// Connects, trying every address of the name, until `deadline`. unreachable or timed_out.
  virtual awaitable<Result<std::unique_ptr<Stream>>> connect(const Address& address, Instant deadline) = 0;
  /// Whether the machine at every address of the name says by `deadline` that nobody listens there: whatever process
  /// did is gone. A machine that says nothing proves nothing.
  virtual awaitable<bool> refuses(const Address& address, Instant deadline) = 0;
};

}  // namespace mq::env
