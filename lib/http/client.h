#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "env/address.h"
#include "env/network.h"
#include "env/shard.h"
#include "env/task_group.h"
#include "http/response.h"

namespace mq::http {

struct Header {
  std::string name;
  std::string value;
};

struct Post {
  std::string path;
  std::vector<Header> headers;  ///< beside Host, Content-Type (JSON), Content-Length and Connection
  std::string body;
};

struct Answer {
  int status = 0;
  std::string body;
};

/// POSTs of JSON to one server over HTTP/1.1, one at a time. Keeps its connection for the next, makes one when there is
/// none, and sends nothing twice. No TLS, no redirects, no compression.
///
/// Bound to its shard. What a server sends is bounded: kHeaderBytesMax for a header, and for each line between chunks;
/// the caller says how large a body may be. Errors: unreachable, when no connection could be made, so that nothing was
/// sent; invalid_argument for a header that cannot be sent. All others leave open whether the server has acted:
/// timed_out at the deadline, closed when it or `close` ended the connection, corrupt for what is not HTTP, too_large.
class Client {
 public:
  static constexpr std::size_t kHeaderBytesMax = 16 << 10;

  Client(env::Shard& shard, env::Address server);
  /// Nothing is in progress, unless the shard never runs again.
  ~Client();

  /// Sends it and returns the whole answer, whatever its status.
  awaitable<Result<Answer>> post(Post request, std::size_t body_bytes_max, Instant deadline);

  /// The same for an answer that comes in pieces, maybe for ever: returns its status once its header is there. No other
  /// request goes out before `read` has told the end.
  awaitable<Result<int>> begin(Post request, Instant deadline);
  /// The next bytes of the body that `begin` has opened, as soon as there are some; empty: that was all.
  awaitable<Result<std::string>> read(Instant deadline);

  /// Ends what is in progress with `closed`; no connection is made any more.
  void close();
  [[nodiscard]] const env::Address& server() const { return server_; }

 private:
  static constexpr std::size_t kReadBytes = 16 << 10;

  /// Runs `step`. When it has not ended by the deadline the connection is closed, which ends it: timed_out.
  template <class T>
  awaitable<Result<T>> within(Instant deadline, awaitable<Result<T>> step);
  awaitable<void> close_at(Instant deadline);

  awaitable<Result<Answer>> exchange(Post request, std::size_t body_bytes_max, Instant deadline);
  /// Sends it and reads the header of the answer.
  awaitable<Result<int>> open(Post request, std::optional<std::size_t> body_bytes_max, Instant deadline);
  awaitable<Result<void>> connect(Instant deadline);
  awaitable<Result<std::string>> next_piece();
  /// One more step of the answer: parses what was read, and reads more when there was nothing to parse.
  awaitable<Result<void>> advance();
  [[nodiscard]] Result<void> take(ResponseParser::State state);
  void finish();
  void drop_connection();

  env::Shard& shard_;
  const env::Address server_;
  std::unique_ptr<env::Stream> stream_;
  std::unique_ptr<ResponseParser> answer_;  ///< of the request in progress
  std::string unread_;
  bool is_done_ = false;  ///< the answer is complete
  bool is_closed_ = false;

  const std::unique_ptr<env::Timer> timer_;
  bool step_ended_ = false;
  bool is_late_ = false;
  env::TaskGroup tasks_;
};

}  // namespace mq::http
