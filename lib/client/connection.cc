#include "client/connection.h"

#include <algorithm>
#include <limits>

#include "base/buggify.h"
#include "base/mark.h"
#include "model/error_code.h"
#include "wire/messages/api_versions.h"

namespace mq::client {
namespace {

/// What one read may bring, and the largest frame that is copied out of that buffer.
constexpr std::size_t kReadBytes = 64 << 10;
/// A large frame's buffer begins with this and doubles with what arrived, so that a length alone reserves little.
constexpr std::size_t kLargeFrameStart = 1 << 20;
constexpr wire::Versions kNotSpoken{0, -1};

}  // namespace

awaitable<Result<std::shared_ptr<Connection>>> Connection::open(env::Shard& shard, env::TaskGroup& tasks,
                                                                env::Address address, const ClientOptions& options) {
  const Instant deadline = shard.now() + options.connect_timeout;
  MQ_CO_TRY(auto stream, co_await shard.network().connect(address, deadline));
  auto connection = std::make_shared<Connection>(shard, std::move(address), options, std::move(stream));
  tasks.spawn(connection->read_frames());
  tasks.spawn(connection->write_frames());
  tasks.spawn(connection->watch_deadlines());
  if (auto negotiated = co_await connection->negotiate(deadline); !negotiated) {
    connection->close();
    co_return fail(negotiated.error());
  }
  co_return connection;
}

Connection::Connection(env::Shard& shard, env::Address address, const ClientOptions& options,
                       std::unique_ptr<env::Stream> stream)
    : shard_(shard),
      address_(std::move(address)),
      client_id_(options.client_id),
      response_bytes_max_(options.response_bytes_max),
      stream_(std::move(stream)),
      writer_wake_(shard.make_timer()),
      watch_timer_(shard.make_timer()) {
  versions_.fill(kNotSpoken);
}

Connection::~Connection() = default;

awaitable<Result<void>> Connection::negotiate(Instant deadline) {
  wire::ApiVersionsRequest request;
  request.client_software_name = "mq";
  request.client_software_version = "1";
  ApiVersion version = wire::ApiVersionsRequest::kVersions.last;
  MQ_CO_TRY(SharedBytes bytes,
            co_await exchange(encode(request, version, {}), ApiKey::kApiVersions, version, deadline));
  // A broker that does not have this version says so in the oldest form, whatever was asked.
  const bool is_refused = bytes.size() >= 2 && load_be<std::int16_t>(bytes.view().data()) ==
                                                   static_cast<std::int16_t>(ErrorCode::kUnsupportedVersion);
  if (is_refused) {
    version = 0;
    MQ_CO_TRY(bytes, co_await exchange(encode(request, version, {}), ApiKey::kApiVersions, version, deadline));
  }
  MQ_CO_TRY(const auto answer, wire::decode<wire::ApiVersionsResponse>(bytes.view(), version));
  if (answer.error_code != ErrorCode::kNone)
    co_return fail(Errc::unsupported, "{}: it refuses to tell its versions: {}", address_.to_string(),
                   name_of(answer.error_code));
  for (const auto& api : answer.api_keys)
    if (api.api_key >= 0 && static_cast<std::size_t>(api.api_key) < versions_.size())
      versions_[static_cast<std::size_t>(api.api_key)] = {api.min_version, api.max_version};
  co_return Result<void>{};
}

Result<ApiVersion> Connection::common_version(ApiKey api, wire::Versions ours, ApiVersion version_max,
                                              std::string_view name) const {
  // What is our own nobody advertises, and who does not have it closes the connection.
  const wire::Versions theirs = is_our_own(api) ? ours : versions_[static_cast<std::size_t>(api)];
  const ApiVersion version = std::min({ours.last, theirs.last, version_max});
  if (version < std::max(ours.first, theirs.first))
    return mq::fail(Errc::unsupported,
                    "{}: it does not have {} in a version that we speak (it: {} to {}, we: {} to {})",
                    address_.to_string(), name, theirs.first, theirs.last, ours.first, ours.last);
  return version;
}

awaitable<Result<SharedBytes>> Connection::exchange(Frame frame, ApiKey api, ApiVersion version, Instant deadline) {
  env::Event answered(shard_);
  std::optional<Result<SharedBytes>> answer;
  MQ_CO_CHECK(enqueue(std::move(frame), api, version, deadline, true, [&](Result<SharedBytes> result) {
    answer.emplace(std::move(result));
    answered.notify_all();
  }));
  while (!answer) co_await answered.wait();
  co_return *std::move(answer);
}

Result<void> Connection::enqueue(Frame frame, ApiKey api, ApiVersion version, Instant deadline, bool answered,
                                 Done done) {
  if (closing_) return mq::fail(reason_);
  const std::int32_t correlation_id = next_correlation_id_;
  next_correlation_id_ = correlation_id == std::numeric_limits<std::int32_t>::max() ? 0 : correlation_id + 1;
  Done written;
  if (answered) {
    pending_.push_back({.correlation_id = correlation_id,
                        .api = api,
                        .version = version,
                        .deadline = deadline,
                        .done = std::move(done)});
  } else {
    written = std::move(done);
  }
  outgoing_.push_back({.frame = std::move(frame), .deadline = deadline, .written = std::move(written)});
  writer_wake_->cancel();
  if (deadline < watch_until_) watch_timer_->cancel();
  return {};
}

awaitable<void> Connection::read_frames() {
  const auto self = shared_from_this();
  auto ended = co_await read_until_closed();
  if (!ended) close(ended.error());
  fail_all();
}

awaitable<Result<void>> Connection::read_until_closed() {
  auto buffer = std::make_unique_for_overwrite<char[]>(kReadBytes);
  std::size_t begin = 0;
  std::size_t end = 0;
  while (!closing_) {
    const BytesView have(buffer.get() + begin, end - begin);
    std::size_t size = 0;
    if (have.size() >= wire::kFrameLengthBytes) {
      const auto length = load_be<std::int32_t>(have.data());
      if (length < 4 || static_cast<std::size_t>(length) > response_bytes_max_)
        co_return mq::fail(Errc::corrupt, "{}: a response of {} bytes, allowed are 4 to {}", address_.to_string(),
                           length, response_bytes_max_);
      size = wire::kFrameLengthBytes + static_cast<std::size_t>(length);
    }
    if (size > 0 && have.size() >= size) {
      begin += size;
      MQ_CO_CHECK(
          take_frame(SharedBytes(std::string(have.substr(wire::kFrameLengthBytes, size - wire::kFrameLengthBytes)))));
      continue;
    }
    if (size > kReadBytes) {
      MQ_CO_TRY(SharedBytes frame,
                co_await read_large(have.substr(wire::kFrameLengthBytes), size - wire::kFrameLengthBytes));
      begin = end = 0;
      MQ_CO_CHECK(take_frame(std::move(frame)));
      continue;
    }
    if (begin > 0) {
      std::copy(buffer.get() + begin, buffer.get() + end, buffer.get());
      end -= begin;
      begin = 0;
    }
    const std::size_t most = MQ_BUGGIFY("client: a connection reads little at a time") ? 40 : kReadBytes;
    MQ_CO_TRY(const std::size_t got,
              co_await stream_->read_some({buffer.get() + end, std::min(most, kReadBytes - end)}));
    end += got;
  }
  co_return Result<void>{};
}

awaitable<Result<SharedBytes>> Connection::read_large(BytesView begun, std::size_t size) {
  std::string frame(begun);
  while (frame.size() < size) {
    const std::size_t have = frame.size();
    const std::size_t want = std::min(size, std::max(kLargeFrameStart, have * 2));
    // The part not read yet is never written by us. (libstdc++ 12 passes what it allocated, not what was asked for.)
    frame.resize_and_overwrite(want, [want](char*, std::size_t) { return want; });
    std::size_t filled = have;
    while (filled < want) {
      MQ_CO_TRY(const std::size_t got, co_await stream_->read_some({frame.data() + filled, want - filled}));
      filled += got;
    }
  }
  co_return SharedBytes(std::move(frame));
}

Result<void> Connection::take_frame(SharedBytes frame) {
  if (pending_.empty()) return mq::fail(Errc::corrupt, "{}: a response to no request", address_.to_string());
  Pending& front = pending_.front();
  Reader in(frame.view());
  MQ_TRY(const std::int32_t correlation_id, wire::decode_response_header(in, front.api, front.version));
  if (correlation_id != front.correlation_id)
    return mq::fail(Errc::corrupt, "{}: response {} where {} is next", address_.to_string(), correlation_id,
                    front.correlation_id);
  Done done = std::move(front.done);
  pending_.pop_front();
  done(frame.part(frame.size() - in.remaining(), in.remaining()));
  return {};
}

awaitable<void> Connection::write_frames() {
  const auto self = shared_from_this();
  std::vector<BytesView> pieces;
  while (!closing_) {
    if (outgoing_.empty()) {
      (void)co_await writer_wake_->wait_until(Instant::never());
      continue;
    }
    writing_.swap(outgoing_);
    pieces.clear();
    for (const Outgoing& out : writing_) {
      std::size_t position = 0;
      for (const wire::Gap& gap : out.frame.gaps) {
        pieces.push_back(BytesView(out.frame.bytes).substr(position, gap.position - position));
        pieces.push_back(out.frame.records[gap.index].view());
        position = gap.position;
      }
      if (position < out.frame.bytes.size()) pieces.push_back(BytesView(out.frame.bytes).substr(position));
    }
    if (auto written = co_await stream_->write(pieces); !written) {
      MQ_MARK("client: a connection ends amid a request");
      close(written.error());
      break;
    }
    for (Outgoing& out : writing_)
      if (out.written) std::exchange(out.written, Done{})(SharedBytes{});
    writing_.clear();
  }
}

awaitable<void> Connection::watch_deadlines() {
  const auto self = shared_from_this();
  while (!closing_) {
    watch_until_ = earliest_deadline();
    if (watch_until_ <= shard_.now()) {
      MQ_MARK("client: a broker does not answer in time");
      close(Error{.code = Errc::timed_out,
                  .message = fmt::format("{}: no answer in time", address_.to_string()),
                  .kafka_code = 0});
      break;
    }
    (void)co_await watch_timer_->wait_until(watch_until_);
  }
}

Instant Connection::earliest_deadline() const {
  Instant earliest = Instant::never();
  for (const Pending& pending : pending_) earliest = std::min(earliest, pending.deadline);
  for (const Outgoing& out : outgoing_) earliest = std::min(earliest, out.deadline);
  for (const Outgoing& out : writing_) earliest = std::min(earliest, out.deadline);
  return earliest;
}

void Connection::close(Error reason) {
  if (closing_) return;
  closing_ = true;
  reason_ = std::move(reason);
  // To a caller it makes no difference how the stream went: the connection is closed.
  if (reason_.code == Errc::cancelled) reason_.code = Errc::closed;
  stream_->close();
  writer_wake_->cancel();
  watch_timer_->cancel();
}

void Connection::fail_all() {
  auto pending = std::exchange(pending_, {});
  if (!pending.empty()) MQ_MARK("client: requests end with their connection");
  for (Pending& one : pending) one.done(mq::fail(reason_));
  for (auto* queue : {&outgoing_, &writing_})
    for (Outgoing& out : *queue)
      if (out.written) std::exchange(out.written, Done{})(mq::fail(reason_));
  outgoing_.clear();
  if (when_ended_) std::exchange(when_ended_, {})(reason_);
}

}  // namespace mq::client
