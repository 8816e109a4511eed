#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/cursor.h"
#include "base/result.h"
#include "base/time.h"
#include "client/options.h"
#include "env/event.h"
#include "env/network.h"
#include "env/shard.h"
#include "env/task_group.h"
#include "model/api_key.h"
#include "wire/codec.h"
#include "wire/header.h"
#include "wire/message.h"

namespace mq::client {

/// An answer and the bytes that its `wire::Records` point into.
template <class M>
struct Response {
  SharedBytes bytes;
  ApiVersion version = 0;
  M body;
};

/// One connection to a broker, with the versions that both sides speak.
///
/// Any number of requests may be in flight; a broker answers them in order. Requests made in one turn of the loop leave
/// in one write. A peer that breaks the protocol, or leaves the oldest request unanswered past its deadline, loses the
/// connection: every request in flight fails then, with the reason. Bound to its shard, not thread-safe. Its coroutines
/// belong to the task group of `open` and keep it alive until it is closed.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  /// Called once, from a task of its own, with the body of the answer (without its header), or with the error that
  /// ended the connection. Requests without an answer get nothing, when they were written.
  using Done = std::move_only_function<void(Result<SharedBytes>)>;

  /// Connects and asks for the versions, within `options.connect_timeout`. unreachable, timed_out or closed.
  static awaitable<Result<std::shared_ptr<Connection>>> open(env::Shard& shard, env::TaskGroup& tasks,
                                                             env::Address address, const ClientOptions& options);
  Connection(env::Shard& shard, env::Address address, const ClientOptions& options,
             std::unique_ptr<env::Stream> stream);
  ~Connection();

  /// Sends `request` in the highest version that both sides have, at most `version_max`, and returns the decoded
  /// answer. unsupported: there is no such version. An error code inside the answer is the caller's business.
  template <wire::RequestMessage Req>
  awaitable<Result<Response<typename Req::Response>>> call(Req request, Duration timeout,
                                                           ApiVersion version_max = wire::kVersionMax);

  /// The version that `call` would use.
  template <wire::RequestMessage Req>
  [[nodiscard]] Result<ApiVersion> version_for(ApiVersion version_max = wire::kVersionMax) const {
    return common_version(Req::kApi, Req::kVersions, version_max, Req::kName);
  }

  /// The same without a coroutine. `records` fill the gaps of the request's external records, in order; they are not
  /// copied. Fails only when the connection is closed; then `done` is not called.
  template <wire::RequestMessage Req>
  Result<void> send(const Req& request, ApiVersion version, std::vector<SharedBytes> records, Instant deadline,
                    Done done) {
    return enqueue(encode(request, version, std::move(records)), Req::kApi, version, deadline, true, std::move(done));
  }
  /// For what the broker does not answer (produce with acks=0): `done` is called when it was written.
  template <wire::RequestMessage Req>
  Result<void> send_unanswered(const Req& request, ApiVersion version, std::vector<SharedBytes> records,
                               Instant deadline, Done done) {
    return enqueue(encode(request, version, std::move(records)), Req::kApi, version, deadline, false, std::move(done));
  }

  /// `told` is called once, with the reason, when the connection has ended; from the task that ends it.
  void when_ended(std::move_only_function<void(const Error&)> told) { when_ended_ = std::move(told); }
  /// Ends the connection; what is in flight fails with `closed`. May be called more than once.
  void close() { close(Error{.code = Errc::closed, .message = "the connection was closed", .kafka_code = 0}); }
  [[nodiscard]] bool is_open() const { return !closing_; }
  [[nodiscard]] const env::Address& address() const { return address_; }
  [[nodiscard]] std::size_t in_flight() const { return pending_.size(); }

 private:
  static constexpr std::size_t kApiKeysMax = 128;

  /// A request as it goes out: `bytes` with `records` put into the gaps.
  struct Frame {
    std::string bytes;
    std::vector<wire::Gap> gaps;
    std::vector<SharedBytes> records;
  };
  struct Outgoing {
    Frame frame;
    Instant deadline;
    Done written;  ///< only of a request without an answer
  };
  struct Pending {
    std::int32_t correlation_id = 0;
    ApiKey api = ApiKey::kApiVersions;
    ApiVersion version = 0;
    Instant deadline;
    Done done;
  };

  template <wire::RequestMessage Req>
  Frame encode(const Req& request, ApiVersion version, std::vector<SharedBytes> records);
  awaitable<Result<SharedBytes>> exchange(Frame frame, ApiKey api, ApiVersion version, Instant deadline);
  Result<void> enqueue(Frame frame, ApiKey api, ApiVersion version, Instant deadline, bool answered, Done done);
  [[nodiscard]] Result<ApiVersion> common_version(ApiKey api, wire::Versions ours, ApiVersion version_max,
                                                  std::string_view name) const;

  awaitable<Result<void>> negotiate(Instant deadline);
  awaitable<void> read_frames();
  awaitable<Result<void>> read_until_closed();
  awaitable<Result<SharedBytes>> read_large(BytesView begun, std::size_t size);
  Result<void> take_frame(SharedBytes frame);
  awaitable<void> write_frames();
  awaitable<void> watch_deadlines();
  [[nodiscard]] Instant earliest_deadline() const;
  void close(Error reason);
  void fail_all();

  env::Shard& shard_;
  env::Address address_;
  std::string client_id_;
  std::size_t response_bytes_max_;
  std::unique_ptr<env::Stream> stream_;
  std::array<wire::Versions, kApiKeysMax> versions_;  ///< {0, -1}: not spoken

  std::int32_t next_correlation_id_ = 0;
  std::vector<Outgoing> outgoing_;  ///< not yet given to the stream
  std::vector<Outgoing> writing_;   ///< in the write in progress
  std::deque<Pending> pending_;     ///< oldest first
  std::unique_ptr<env::Timer> writer_wake_;
  std::unique_ptr<env::Timer> watch_timer_;
  Instant watch_until_ = Instant::never();
  std::move_only_function<void(const Error&)> when_ended_;
  bool closing_ = false;
  Error reason_;
};

template <wire::RequestMessage Req>
Connection::Frame Connection::encode(const Req& request, ApiVersion version, std::vector<SharedBytes> records) {
  Frame frame{.bytes = std::string(wire::kFrameLengthBytes, '\0'), .gaps = {}, .records = std::move(records)};
  wire::encode_request_header({.api_key = static_cast<std::int16_t>(Req::kApi),
                               .api_version = version,
                               .correlation_id = next_correlation_id_,
                               .client_id = client_id_},
                              frame.bytes);
  frame.gaps = wire::encode_with_gaps(request, version, frame.bytes);
  std::size_t missing = 0;
  for (const wire::Gap& gap : frame.gaps) missing += gap.size;
  wire::finish_frame(frame.bytes, 0, missing);
  return frame;
}

template <wire::RequestMessage Req>
awaitable<Result<Response<typename Req::Response>>> Connection::call(Req request, Duration timeout,
                                                                     ApiVersion version_max) {
  const auto self = shared_from_this();
  MQ_CO_TRY(const ApiVersion version, version_for<Req>(version_max));
  MQ_CO_TRY(SharedBytes bytes,
            co_await exchange(encode(request, version, {}), Req::kApi, version, shard_.now() + timeout));
  auto body = wire::decode<typename Req::Response>(bytes.view(), version);
  if (!body) {
    close(body.error());
    co_return fail(body.error());
  }
  co_return Response<typename Req::Response>{.bytes = std::move(bytes), .version = version, .body = *std::move(body)};
}

}  // namespace mq::client
