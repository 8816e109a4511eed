#include "broker/connection.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <new>

#include "base/assert.h"
#include "base/buggify.h"
#include "base/cursor.h"
#include "base/mark.h"
#include "broker/connection_host.h"
#include "broker/large_reads.h"
#include "broker/shard_context.h"

namespace mq::broker {
namespace {

constexpr std::size_t kLengthBytes = 4;
constexpr std::size_t kHeaderBytesMin = 8;  // api key, version, correlation id
// An idle connection keeps one small buffer. Bigger frames grow it by what has arrived, never by what a length claims;
// only a frame of at most kWholeFrameBytesMax, of which at least some 8 KiB are there, gets its buffer at once.
constexpr std::size_t kBufferBytesMin = RequestRoom::kOwnBytes;
constexpr std::size_t kWholeFrameBytesMax = 2u << 20;
// Giving back a buffer above this takes the system so long that others would notice.
constexpr std::size_t kDroppedHereBytesMax = 4u << 20;
// With less room than this behind what was read a read is not worth its call.
constexpr std::size_t kRoomBytesMin = 2 << 10;
// So many requests in a row for one other shard make the connection move: the hop costs 2 to 12 us each.
constexpr int kAwayRequestsToMove = 16;
constexpr Duration kFrameTimeMax = 30s;
constexpr Duration kWriteTimeMax = 30s;
constexpr std::size_t kPiecesMax = 64;
// Who sends less of a frame in a second has stalled.
constexpr std::uint64_t kStalledBytesPerSecond = 256 << 10;

}  // namespace

/// What is read lies in one, and the requests in progress do: each keeps it alive. What the C library gives for large
/// ones grows without a copy.
struct Connection::Buffer {
  Buffer(std::size_t size, Holding room) : held(std::move(room)) { resize(size); }
  ~Buffer() { std::free(bytes); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  void resize(std::size_t size) {
    auto* const resized = static_cast<char*>(std::realloc(bytes, size));
    if (resized == nullptr) throw std::bad_alloc();
    bytes = resized;
    capacity = size;
  }

  Holding held;  ///< counts all of the capacity
  char* bytes = nullptr;
  std::size_t capacity = 0;
};

Responder::~Responder() {
  // What waits for a part of the broker may be destroyed after all of it.
  if (connection_ && !connection_->is_broker_gone()) close("a request was dropped unanswered");
}

void Responder::send(Answer answer) {
  std::exchange(connection_, nullptr)->settle(slot_, Connection::Slot::State::ready, std::move(answer), {});
}

void Responder::send_nothing() {
  std::exchange(connection_, nullptr)->settle(slot_, Connection::Slot::State::nothing, {}, {});
}

void Responder::close(std::string why) {
  std::exchange(connection_, nullptr)->settle(slot_, Connection::Slot::State::close, {}, std::move(why));
}

void Responder::hold(std::size_t bytes) {
  Connection& of = *connection_;
  if (of.closing_) return;
  of.slots_[slot_ - of.first_slot_].decoded_bytes += bytes;
  of.decoded_bytes_ += bytes;
  of.home_->room().add(bytes);
}

Connection::Hold::Hold(std::shared_ptr<Connection> connection) : connection_(std::move(connection)) {
  ++connection_->holds_;
}

Connection::Hold::~Hold() {
  if (connection_ && --connection_->holds_ == 0) connection_->progress_->notify_all();
}

Connection::Connection(ConnectionHost& home, std::unique_ptr<env::Stream> stream, const BoundListener& listener,
                       std::shared_ptr<FetchSessionSlots> fetch_session_slots)
    : home_(&home),
      stream_(std::move(stream)),
      listener_(listener),
      local_(stream_->local_address()),
      remote_(stream_->remote_address()),
      broker_is_gone_(home.context().node.life.gone()),
      buffer_bytes_(std::make_shared<BufferBytes>(home.room().held_bytes())),
      fetch_session_(std::move(fetch_session_slots)),
      last_read_(home.context().shard.now()) {}

Connection::~Connection() = default;

awaitable<void> Connection::run() {
  const auto self = shared_from_this();
  progress_ = std::make_unique<env::Event>(home_->context().shard);
  while (!closing_) {
    start_frames();
    if (closing_) break;
    if (move_target_ != nullptr && slots_.empty() && !writing_) {
      if (read_begin_ == read_end_) MQ_MARK("broker: a connection moves to another shard");
      if (read_begin_ == read_end_) co_return;
      continue;  // it stays for the frame that has begun; nobody is left to wake it
    }
    // Of those who copy much, be it from their peer or into a larger buffer, one goes on in each turn of the loop.
    const bool moves = moves_much();
    if (!may_start() || move_target_ != nullptr || (moves && !may_read_piece()) || !make_room()) {
      co_await progress_->wait();
      frame_started_ = home_->context().shard.now();  // a peer that was not read from is not late
      continue;
    }
    const bool is_piece = reads_a_piece();
    if (is_piece && !moves && !may_read_piece()) {
      co_await progress_->wait();
      continue;
    }
    std::size_t most = is_piece ? LargeReads::kPieceBytes : kBufferBytesMin;
    // Not where a pause follows: the peer would look as if it stalled.
    if (!home_->room().is_tight() && MQ_BUGGIFY("broker: a connection reads little at a time")) most = 40;
    const std::span<char> to{buffer_->bytes + read_end_, std::min(buffer_->capacity - read_end_, most)};
    Result<std::size_t> got = 0;
    if (is_piece) {
      got = stream_->try_read(to);
    } else {
      reading_ = true;
      got = co_await stream_->read_some(to);
      reading_ = false;
    }
    if (!got) break;
    has_more_ = *got == to.size();
    if (*got == 0) continue;
    last_read_ = home_->context().shard.now();
    home_->context().metrics.received_bytes.add(*got);
    home_->wake_sweep();
    if (read_begin_ == read_end_) frame_started_ = last_read_;
    received_bytes_ += *got;
    read_end_ += *got;
  }
  close();
  while (writing_ || holds_ > 0) co_await progress_->wait();
  stream_.reset();
  // Whoever still holds a Responder finds the connection closed.
  home_->room().remove(decoded_bytes_ + answer_bytes_);
  decoded_bytes_ = answer_bytes_ = 0;
  slots_.clear();
  leave_room();
  drop_buffer();
}

void Connection::close(CloseReason reason) {
  if (closing_) return;
  closing_ = true;
  close_reason_ = reason;
  if (stream_) stream_->close();
  for (env::Timer* timer : waits_) timer->cancel();
  if (progress_) progress_->notify_all();
}

void Connection::finish() {
  finishing_ = true;
  if (slots_.empty()) close(CloseReason::stop);
}

void Connection::move_to(ConnectionHost& to) {
  MQ_ASSERT(slots_.empty() && !writing_);
  stream_->move_to(to.context().shard);
  progress_.reset();
  leave_room();
  drop_buffer();
  home_ = &to;
  buffer_bytes_ = std::make_shared<BufferBytes>(to.room().held_bytes());
  away_ = move_target_ = nullptr;
  away_count_ = 0;
}

const char* Connection::overdue(Instant now) const {
  if (writing_ && now > write_started_ + kWriteTimeMax) return "it does not read its answers";
  if (read_begin_ != read_end_ && reading_ && now > frame_started_ + kFrameTimeMax)
    return "its frame was not complete in 30 s";
  const Duration idle_max = home_->context().node.config().connections_max_idle;
  if (slots_.empty() && idle_max > Duration::zero() && now > last_read_ + idle_max)
    MQ_MARK("broker: an idle connection is closed");
  if (slots_.empty() && idle_max > Duration::zero() && now > last_read_ + idle_max) return "it was idle for too long";
  return nullptr;
}

Instant Connection::idle_deadline() const {
  if (!slots_.empty() || writing_ || read_begin_ != read_end_) return Instant{};
  const Duration idle_max = home_->context().node.config().connections_max_idle;
  return idle_max > Duration::zero() ? last_read_ + idle_max : Instant::never();
}

void Connection::touched(ConnectionHost& owner) {
  if (&owner == home_ || &owner != away_) away_count_ = 0;
  away_ = &owner;
  if (&owner != home_ && ++away_count_ >= (MQ_BUGGIFY("broker: a connection moves early") ? 1 : kAwayRequestsToMove))
    move_target_ = &owner;
}

bool Connection::may_start() const {
  return !finishing_ && holds_ == 0 && slots_.size() < kRequestsMax && request_bytes_ < kRequestBytesMax &&
         answer_bytes_ < kAnswerBytesMax && (answer_bytes_ == 0 || !home_->room().is_over());
}

void Connection::start_frames() {
  // A request that asked to move may be followed by others already read: they are served here first.
  if (move_target_ != nullptr && read_begin_ != read_end_)
    MQ_MARK("broker: a connection that wants to move has more to be served");
  if (move_target_ != nullptr && read_begin_ != read_end_) move_target_ = nullptr, away_count_ = 0;
  while (!closing_ && may_start() && move_target_ == nullptr) {
    const std::size_t have = read_end_ - read_begin_;
    frame_bytes_ = 0;
    if (have < kLengthBytes) break;
    const auto size = load_be<std::int32_t>(buffer_->bytes + read_begin_);
    if (size < static_cast<std::int32_t>(kHeaderBytesMin) || size > home_->context().node.config().request_bytes_max) {
      fail(fmt::format("a request of {} bytes; the limit is socket.request.max.bytes = {}", size,
                       home_->context().node.config().request_bytes_max));
      break;
    }
    frame_bytes_ = kLengthBytes + static_cast<std::size_t>(size);
    if (have < frame_bytes_) break;
    const BytesView frame{buffer_->bytes + read_begin_ + kLengthBytes, static_cast<std::size_t>(size)};
    read_begin_ += frame_bytes_;
    frame_started_ = last_read_;
    waiting_since_ = Instant::never();
    if (!start_frame(frame)) break;
  }
}

bool Connection::start_frame(BytesView frame) {
  Reader reader(frame);
  auto header = wire::decode_request_header(reader);
  if (!header) {
    fail(header.error().message);
    return false;
  }
  const std::uint8_t api_place = ShardMetrics::place_of(header->api_key);
  home_->context().metrics.request_started(api_place);
  slots_.push_back({.request_bytes = frame.size(), .api_place = api_place, .arrived = last_read_});
  request_bytes_ += frame.size();
  Responder responder(shared_from_this(), first_slot_ + slots_.size() - 1);
  home_->start_request({.header = std::move(*header),
                        .frame = SharedBytes(buffer_, frame),
                        .body = reader.rest(),
                        .arrived = last_read_},
                       std::move(responder));
  return !closing_;
}

bool Connection::lacks_room() const {
  const std::size_t have = read_end_ - read_begin_;
  const std::size_t missing = frame_bytes_ > have ? std::min(frame_bytes_ - have, have) : 0;
  return !buffer_ || buffer_->capacity - read_end_ < std::max(kRoomBytesMin, missing);
}

bool Connection::moves_much() const { return read_end_ - read_begin_ > kBufferBytesMin && lacks_room(); }

bool Connection::make_room() {
  const std::size_t have = read_end_ - read_begin_;
  // Handlers, on other shards too, may still read the requests that lie in the buffer; then only what is behind them is
  // ours.
  bool mine = buffer_ && buffer_.use_count() == 1;
  if (mine) std::atomic_thread_fence(std::memory_order_acquire);
  if (mine && have == 0) {
    if (buffer_->capacity > kBufferBytesMin || buffer_->held.extra()) drop_buffer();
    mine = buffer_ != nullptr;
    read_begin_ = read_end_ = 0;
  }
  const std::size_t wanted = std::max({kBufferBytesMin, std::min(frame_bytes_, 2 * have), have + kLengthBytes});
  // Whoever sends nothing would keep the extra frame from all others.
  const bool has_room = !lacks_room() && (have > 0 || !buffer_->held.extra());
  if (!has_room && mine && buffer_->capacity >= wanted) {
    std::memmove(buffer_->bytes, buffer_->bytes + read_begin_, have);
  } else if (!has_room) {
    const std::size_t size = std::max(wanted, frame_bytes_ <= kWholeFrameBytesMax && have > 0 ? frame_bytes_ : 0);
    Holding room;
    if (!take_room(mine ? size - buffer_->capacity : size, mine ? buffer_->held.extra() : nullptr, room)) return false;
    if (mine) {
      std::memmove(buffer_->bytes, buffer_->bytes + read_begin_, have);
      buffer_->held.add(std::move(room));
      buffer_->resize(size);
    } else {
      auto fresh = std::make_shared<Buffer>(size, std::move(room));
      if (have > 0) MQ_MARK("broker: requests in progress keep a buffer and another is begun");
      if (have > 0) std::memcpy(fresh->bytes, buffer_->bytes + read_begin_, have);
      buffer_ = std::move(fresh);
    }
  }
  if (!has_room) {
    read_begin_ = 0;
    read_end_ = have;
  }
  if (waits_for_room_ || granted_.bytes() > 0) [[unlikely]]
    stop_waiting_for_room();  // its requests were done meanwhile, and there is room in what it had
  return true;
}

bool Connection::take_room(std::size_t bytes, ExtraFrame::Right extra, Holding& room) {
  if (waits_for_room_ && !extra) return false;
  // Its requests were done meanwhile, and with its buffer it has what it waits for.
  if (waits_for_room_) {
    MQ_MARK("broker: a connection waits for the extra frame that it holds itself");
    stop_waiting_for_room();
  }
  if (granted_.bytes() == bytes && (!granted_.extra() || has_begun_frame())) {
    room = std::exchange(granted_, {});
    return true;
  }
  granted_ = {};
  auto taken = home_->room().take(*this, bytes, std::move(extra));
  waits_for_room_ = !taken;
  if (!taken) MQ_MARK("broker: a request waits for room");
  if (taken) room = std::move(*taken);
  return taken.has_value();
}

void Connection::begin_waiting() { waiting_since_ = std::min(waiting_since_, home_->context().shard.now()); }

void Connection::grant(Holding room) {
  waits_for_room_ = false;
  granted_ = std::move(room);
  progress_->notify_all();
}

void Connection::stop_waiting_for_room() {
  waits_for_room_ = false;
  granted_ = {};
  home_->room().stop_waiting(*this);
}

void Connection::leave_room() {
  waits_for_room_ = false;
  granted_ = {};
  home_->room().leave(*this);
}

void Connection::drop_buffer() {
  if (buffer_ && buffer_->capacity > kDroppedHereBytesMax)
    home_->context().node.disk_pool().submit([dropped = std::move(buffer_)]() mutable { dropped.reset(); });
  buffer_.reset();
}

bool Connection::reads_a_piece() const { return has_more_ && buffer_->capacity - read_end_ > kBufferBytesMin; }

bool Connection::may_read_piece() {
  if (waits_to_read_) return false;
  if (std::exchange(may_read_piece_, false)) return true;
  waits_to_read_ = !home_->large_reads().ask(*this);
  return !waits_to_read_;
}

void Connection::let_read_piece() {
  waits_to_read_ = false;
  may_read_piece_ = true;
  if (progress_) progress_->notify_all();
}

std::size_t Connection::idle_bytes() const {
  const bool is_unfinished = buffer_ && read_begin_ != read_end_;
  return (is_unfinished ? buffer_->capacity : 0) + answer_bytes_ + (waits_.empty() ? 0 : decoded_bytes_);
}

bool Connection::holds_extra() const { return granted_.extra() || (buffer_ && buffer_->held.extra()); }

bool Connection::has_stalled(Instant since) const {
  const bool could_send = read_begin_ != read_end_ && reading_ && frame_started_ <= since;
  const bool could_read = writing_ && write_started_ <= since && answer_bytes_ > kWholeFrameBytesMax;
  const auto enough =
      kStalledBytesPerSecond * static_cast<std::uint64_t>((home_->context().shard.now() - since) / 1ms) / 1000;
  return (could_send && received_bytes_ - looked_at_ < enough) || could_read;
}

void Connection::close_for_room() {
  fail(fmt::format("it held {} bytes of memory while others had no room (queued.max.request.bytes)", held_bytes()),
       CloseReason::memory);
}

void Connection::settle(std::uint64_t slot, Slot::State state, Answer answer, std::string why) {
  home_->request_ended();
  if (closing_) MQ_MARK("broker: a request ends after its connection");
  if (closing_) return;
  MQ_ASSERT(slot >= first_slot_ && slot - first_slot_ < slots_.size());
  Slot& settled = slots_[slot - first_slot_];
  MQ_ASSERT(settled.state == Slot::State::waiting);
  settled.state = state;
  settled.why = std::move(why);
  const std::size_t answer_bytes = answer.memory_bytes();
  answer_bytes_ += answer_bytes;
  settled.answer = std::move(answer);
  decoded_bytes_ -= settled.decoded_bytes;
  home_->room().exchange(settled.decoded_bytes, answer_bytes);
  if (slot == first_slot_ && !writing_ && !std::exchange(ends_turn_, true))
    home_->context().turn_end.add_connection(shared_from_this());
}

/// Answers that leave together in one gathering write; file ranges follow the last of them.
struct Connection::Outgoing {
  std::array<BytesView, kPiecesMax> pieces;
  std::size_t first = 0;  ///< of `pieces`: what was sent is behind it
  std::size_t end = 0;
  std::size_t slots = 0;
  std::span<const FilePart> files;
  const std::string* closes = nullptr;  ///< the connection ends here, and why

  [[nodiscard]] std::span<const BytesView> unsent() const { return {pieces.data() + first, end - first}; }
  void skip(std::size_t sent) {
    while (first < end && sent >= pieces[first].size()) sent -= pieces[first++].size();
    if (first < end) pieces[first].remove_prefix(sent);
  }
};

Connection::Outgoing Connection::next_outgoing() const {
  Outgoing out;
  for (const Slot& slot : slots_) {
    if (slot.state == Slot::State::waiting || out.end == kPiecesMax) break;
    if (slot.state == Slot::State::close) {
      if (out.slots == 0) out.closes = &slot.why;
      break;
    }
    ++out.slots;
    if (slot.state == Slot::State::nothing) continue;
    out.pieces[out.end++] = slot.answer.head;
    if (slot.answer.files.empty()) continue;
    out.files = slot.answer.files;
    break;
  }
  return out;
}

void Connection::end_turn() {
  ends_turn_ = false;
  while (!closing_ && !writing_ && front_is_settled()) {
    Outgoing out = next_outgoing();
    if (out.closes != nullptr) return fail(*out.closes);
    const auto all_sent = send_now(out);
    if (!all_sent) return close();
    if (*all_sent) {
      drop_sent(out.slots);
    } else {
      writing_ = true;
      MQ_MARK("broker: an answer cannot go out at once");
      home_->context().tasks.spawn(send_rest(std::move(out)));
    }
  }
  if (finishing_ && slots_.empty()) return close(CloseReason::stop);
  // The reader may wait for room, or to move.
  if (progress_) progress_->notify_all();
}

void Connection::check_invariants() const {
  MQ_ASSERT(read_begin_ <= read_end_);
  MQ_ASSERT(!buffer_ || read_end_ <= buffer_->capacity);
  MQ_ASSERT(holds_ >= 0);
  MQ_ASSERT(slots_.size() <= kRequestsMax);
  MQ_ASSERT(move_target_ != home_);
  MQ_ASSERT(!waits_for_room_ || granted_.bytes() == 0);
  MQ_ASSERT(!waits_to_read_ || !may_read_piece_);
  if (closing_) return;
  MQ_ASSERT(buffer_ || read_begin_ == read_end_);
  MQ_ASSERT(!writing_ || !slots_.empty());
  // The answer that goes next does not lie about.
  MQ_ASSERT(!front_is_settled() || writing_ || ends_turn_);
  std::size_t request_bytes = 0;
  std::size_t decoded_bytes = 0;
  std::size_t answer_bytes = 0;
  for (const Slot& slot : slots_) {
    request_bytes += slot.request_bytes;
    if (slot.state == Slot::State::waiting) decoded_bytes += slot.decoded_bytes;
    answer_bytes += slot.answer.memory_bytes();
  }
  MQ_ASSERT(request_bytes_ == request_bytes);
  MQ_ASSERT(decoded_bytes_ == decoded_bytes);
  MQ_ASSERT(answer_bytes_ == answer_bytes);
}

Result<bool> Connection::send_now(Outgoing& out) {
  if (out.first < out.end && !MQ_BUGGIFY("broker: an answer does not go out at once")) {
    MQ_TRY(const std::size_t sent, stream_->try_write(out.unsent()));
    out.skip(sent);
  }
  return out.first == out.end && out.files.empty();
}

awaitable<void> Connection::send_rest(Outgoing out) {
  const auto self = shared_from_this();
  while (!closing_) {
    write_started_ = home_->context().shard.now();
    const std::size_t slots = out.slots;
    MQ_MARK("broker: an answer is sent in parts");
    if (const auto sent = co_await send(std::move(out)); !sent) {
      // Half of an answer is sent: who wants it asks anew.
      if (sent.error().code == Errc::read_failed) {
        home_->context().node.disk_health.read_failed(sent.error());
        home_->context().peer_log.error("an answer could not be sent: {}", sent.error().message);
      }
      close();
      break;
    }
    drop_sent(slots);
    if (!front_is_settled()) break;
    out = next_outgoing();
    if (out.closes != nullptr) fail(*out.closes);
  }
  writing_ = false;
  if (finishing_ && slots_.empty()) close(CloseReason::stop);
  if (progress_) progress_->notify_all();
}

awaitable<Result<void>> Connection::send(Outgoing out) {
  if (out.first < out.end) MQ_CO_CHECK(co_await stream_->write(out.unsent()));
  for (const FilePart& part : out.files) {
    MQ_CO_CHECK(co_await stream_->send_file(*part.file, part.position, part.size));
    const BytesView after[] = {part.after};
    if (!part.after.empty()) MQ_CO_CHECK(co_await stream_->write(after));
  }
  co_return Result<void>{};
}

void Connection::drop_sent(std::size_t slots) {
  const Instant now = home_->context().shard.now();
  const std::size_t answer_bytes = answer_bytes_;
  for (; slots > 0; --slots) {
    home_->context().metrics.request_done(slots_.front().api_place, now - slots_.front().arrived,
                                          slots_.front().answer.wire_bytes());
    request_bytes_ -= slots_.front().request_bytes;
    answer_bytes_ -= slots_.front().answer.memory_bytes();
    slots_.pop_front();
    ++first_slot_;
  }
  home_->room().remove(answer_bytes - answer_bytes_);
}

void Connection::fail(std::string_view why, CloseReason reason) {
  home_->context().peer_log.info("connection from {} closed: {}", remote_.to_string(), why);
  close(reason);
}

}  // namespace mq::broker
