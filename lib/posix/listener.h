#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>

#include "env/network.h"
#include "posix/descriptor.h"
#include "posix/inherited_socket.h"
#include "posix/socket_address.h"

namespace mq::posix {

class PosixShard;

/// A listening socket. The path of a unix socket is removed at close, if it is still ours.
class PosixListener final : public env::Listener {
 public:
  [[nodiscard]] static Result<std::unique_ptr<env::Listener>> listen(PosixShard& shard, const env::Address& address);
  /// Listens on a socket that belongs to somebody else too: its path stays.
  [[nodiscard]] static std::unique_ptr<env::Listener> adopt(PosixShard& shard, InheritedSocket socket);
  ~PosixListener() override;

  awaitable<Result<std::unique_ptr<env::Stream>>> accept() override;
  void close() override;
  [[nodiscard]] env::Address local_address() const override { return local_; }

 private:
  using Waiter = boost::asio::posix::basic_stream_descriptor<boost::asio::io_context::executor_type>;
  /// Which file a path named, to tell whether it still does.
  struct FileId {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    friend bool operator==(const FileId&, const FileId&) = default;
  };

  PosixListener(PosixShard& shard, Descriptor socket, env::Address local, FileId socket_file);
  [[nodiscard]] static FileId file_id(const std::string& path);
  [[nodiscard]] std::unique_ptr<env::Stream> make_stream(Descriptor socket, const SocketAddress& peer);

  PosixShard& shard_;
  Waiter socket_;
  const env::Address local_;
  const FileId socket_file_;  ///< what we made; nothing for a socket of others
  int accepts_without_wait_ = 0;
};

}  // namespace mq::posix
